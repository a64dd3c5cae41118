"""What the functions under test left behind in DynamoDB: charges, runs and parked orders."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {"orders-ledger": "entry", "orders-runs": "order_id", "orders-parked": "order_id", "orders-claims": "id"}


class Run(NamedTuple):
    """One run of an order's function; *ended_s* is None if the process died in it."""

    began_s: float
    ended_s: float | None
    is_success: bool
    request_id: str


def create_tables(client: Any) -> None:
    """Create the tables of ``functions/orders.py`` and the library's own."""
    for table, key in KEYS.items():
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


class Ledger:
    """
    Reads the tables.

    Args:
        resource: boto3's DynamoDB resource.
    """

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def charges(self, prefix: str) -> dict[str, int]:
        """Return how often each order whose id starts with *prefix* was charged, over all entries of the ledger."""
        found: dict[str, int] = {}
        for item in self._items("orders-ledger", prefix):
            found[item["order_id"]] = found.get(item["order_id"], 0) + int(item["charges"])
        return found

    def parked(self, prefix: str) -> dict[str, str]:
        """Return the reason for which each order was set aside."""
        return {item["order_id"]: item["reason"] for item in self._items("orders-parked", prefix)}

    def runs(self, prefix: str) -> dict[str, list[Run]]:
        """Return the runs of each order, in the order in which they began."""
        return {item["order_id"]: _runs(item) for item in self._items("orders-runs", prefix)}

    def _items(self, table: str, prefix: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {"ConsistentRead": True}
        while True:
            page = self._resource.Table(table).scan(**arguments)
            yield from (item for item in page["Items"] if item["order_id"].startswith(prefix))
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _runs(item: dict[str, Any]) -> list[Run]:
    ended = {int(stamp["run"]): (float(stamp["at_s"]), stamp["is_success"]) for stamp in item.get("ended", ())}
    return [
        Run(float(stamp["at_s"]), *ended.get(number, (None, False)), stamp["request_id"])
        for number, stamp in enumerate(item["began"], start=1)
    ]


def clashes(runs: list[Run], *, lease_s: float) -> list[tuple[Run, Run]]:
    """
    Return the pairs of runs of one order that the claim should have kept apart.

    The second may begin when the first has ended, or when its lease has lapsed. Half a lease is allowed for what lies
    between the claim and the beginning, and for a machine that stalls.
    """
    return [
        (first, second)
        for first, second in pairwise(sorted(runs))
        if second.began_s < min(first.ended_s or float("inf"), first.began_s + lease_s / 2)
    ]


def repeats(runs: list[Run], *, answered: set[str]) -> list[tuple[Run, Run]]:
    """Return the pairs of a run that succeeded, in an invocation that lived to answer, and one that began after it."""
    return [
        (done, later)
        for done in runs
        if done.is_success and done.request_id in answered
        for later in runs
        if done.ended_s is not None and later.began_s > done.ended_s
    ]
