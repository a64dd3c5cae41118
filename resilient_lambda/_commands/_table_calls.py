"""The calls that make and look at the table, with errors as the store's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..errors import StoreError
from ..stores._aws_client import shared_client
from ..stores._dynamodb_errors import code_of, translate
from ..stores._dynamodb_wire import Layout

if TYPE_CHECKING:
    import argparse

ACTIVE_WITHIN_S = 300.0
POLL_S = 0.5


class Table:
    """The table that the options name, and the layout that they ask for."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.layout = Layout(
            args.key_attribute, args.sort_key_attribute, "resilient_lambda", {"expires_at_s": args.ttl_attribute}
        )
        self._name: str = args.table
        self._ttl_attribute: str = args.ttl_attribute
        self._client: Any = shared_client("dynamodb", region=args.region, endpoint_url=args.endpoint_url)

    def look(self) -> dict[str, Any] | None:
        """Return what DynamoDB says of the table, or None if there is none."""
        try:
            found: dict[str, Any] = self._call("DescribeTable", "describe_table")["Table"]
        except StoreError as error:
            if error.__cause__ is not None and code_of(error.__cause__) == "ResourceNotFoundException":
                return None
            raise
        return found

    def create(self) -> None:
        """Start creating the table; one that another process creates meanwhile is as good."""
        keys = self._keys()
        try:
            self._call(
                "CreateTable",
                "create_table",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
                KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            )
        except StoreError as error:
            # Another process was faster; what it made is checked like any table.
            if error.__cause__ is None or code_of(error.__cause__) != "ResourceInUseException":
                raise

    def wait_until_active(self) -> dict[str, Any]:
        """
        Return what DynamoDB says of the table once it can be used.

        Raises:
            StoreError: It cannot after five minutes.
        """
        give_up_at = time.monotonic() + ACTIVE_WITHIN_S
        while True:
            found = self.look()
            if found is not None and found["TableStatus"] in ("ACTIVE", "UPDATING"):
                return found
            if time.monotonic() > give_up_at:
                raise StoreError(
                    f"table {self._name!r} is not active after {ACTIVE_WITHIN_S:.0f} s; look at the console"
                )
            time.sleep(POLL_S)

    def key_problem(self, found: dict[str, Any]) -> str | None:
        """Return what is wrong with the key schema of *found*, and what to do; None if it is the one asked for."""
        types = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
        has = {(each["AttributeName"], each["KeyType"], types[each["AttributeName"]]) for each in found["KeySchema"]}
        if has == {(name, kind, "S") for name, kind in self._keys()}:
            return None
        return (
            f"table {self._name!r} has another key schema, {show_keys(found)}; asked for {self.layout.describe_key()}:"
            " pass --key-attribute and --sort-key-attribute (and DynamoDBStore's options) as the table has them,"
            " or take another table; a key schema cannot be changed"
        )

    def time_to_live(self) -> tuple[str, str | None]:
        """Return the status of TTL and its attribute."""
        answer = self._call("DescribeTimeToLive", "describe_time_to_live")["TimeToLiveDescription"]
        return answer["TimeToLiveStatus"], answer.get("AttributeName")

    def enable_time_to_live(self) -> None:
        """Turn TTL on."""
        self._call(
            "UpdateTimeToLive",
            "update_time_to_live",
            TimeToLiveSpecification={"Enabled": True, "AttributeName": self._ttl_attribute},
        )

    def _keys(self) -> list[tuple[str, str]]:
        sort_key = self.layout.sort_key_attribute
        return [(self.layout.key_attribute, "HASH"), *([(sort_key, "RANGE")] if sort_key is not None else [])]

    def _call(self, operation: str, method: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, method)(TableName=self._name, **request)
        except Exception as error:  # botocore's classes cannot be named here without importing it
            ours = translate(error, operation=operation, table=self._name, layout=self.layout)
            if ours is None:
                raise
            raise ours from error
        return answer


def show_keys(found: dict[str, Any]) -> str:
    """Return the key schema of *found* in words."""
    types = {each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]}
    kinds = {"HASH": "partition key", "RANGE": "sort key"}
    return ", ".join(
        f"{kinds[each['KeyType']]} {each['AttributeName']!r} ({types[each['AttributeName']]})"
        for each in found["KeySchema"]
    )
