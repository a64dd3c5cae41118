"""What the functions under test left behind in DynamoDB: charges, runs and parked orders."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

KEYS = {
    "orders-ledger": "entry",
    "orders-rows": "row",
    "orders-totals": "order_id",
    "orders-runs": "order_id",
    "orders-parked": "order_id",
    "orders-claims": "id",
}


class Run(NamedTuple):
    """One run of an order's function; *ended_s* is None if the process died in it."""

    began_s: float
    ended_s: float | None
    is_success: bool
    request_id: str


class Row(NamedTuple):
    """One effect: written by run number *run* of the order, which sent it off at *at_s*."""

    run: int
    at_s: float
    request_id: str


def create_tables(client: Any) -> None:
    """Create the tables of the functions under test and the library's own, those that are not there yet."""
    there = client.list_tables()["TableNames"]  # if this process has left the package and come back to it
    for table, key in KEYS.items():
        if table in there:
            continue
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

    def rows(self, prefix: str) -> dict[str, list[Row]]:
        """Return the rows of each order; each write of one makes another."""
        found: dict[str, list[Row]] = {}
        for item in self._items("orders-rows", prefix):
            row = Row(int(item["run"]), float(item["at_s"]), item["request_id"])
            found.setdefault(item["order_id"], []).append(row)
        return found

    def total(self, prefix: str) -> int:
        """Return the sum of all customers' totals, to which each effect has added one."""
        return sum(int(item["charges"]) for item in self._items("orders-totals", prefix))

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


def clashes(runs: list[Run], *, lease_s: float, skew_s: float, stalled: Container[str] = ()) -> list[tuple[Run, Run]]:
    """
    Return the pairs of runs of one order that the claim should have kept apart.

    The second may begin when the first has ended, or when its lease has lapsed. While the first lives, its heartbeat
    renews the lease; half a lease is allowed for a machine that is slow. Once it is dead, the lease may lapse soon: of
    what was claimed ahead, all but the skew may be used up when the run begins.

    Args:
        stalled: The requests that were stopped for a while, heartbeat and all: as good as dead meanwhile.
    """

    def may_begin_s(first: Run) -> float:
        is_dead = first.ended_s is None or first.request_id in stalled
        may_lapse_s = first.began_s + (skew_s if is_dead else lease_s / 2)
        return may_lapse_s if first.ended_s is None else min(first.ended_s, may_lapse_s)

    return [(first, second) for first, second in pairwise(sorted(runs)) if second.began_s < may_begin_s(first)]


def runs_after(runs: list[Run], rows: list[Row]) -> list[tuple[Row, Run]]:
    """
    Return the pairs of a row and a run that began after it.

    The row's transaction has completed the key as well, so nobody may have run it again. (Whoever took over before it
    would have made it fail: then there were no row.)
    """
    return [(row, run) for row in rows for run in runs if run.began_s > row.at_s]


def repeats(runs: list[Run], *, answered: set[str]) -> list[tuple[Run, Run]]:
    """Return the pairs of a run that succeeded, in an invocation that lived to answer, and one that began after it."""
    return [
        (done, later)
        for done in runs
        if done.is_success and done.request_id in answered
        for later in runs
        if done.ended_s is not None and later.began_s > done.ended_s
    ]
