"""
The store for production: one DynamoDB table, shared by every environment of the fleet.

Every write is one conditional request, so a writer whose claim is gone can change nothing. A refused write brings the
current item along, by which a write of one's own whose answer was lost is recognised (protocols.md B1).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

from .._core.cas import STORED, Absent, Conflict, judge, refuse_other_types, refuse_repeated_keys
from ..errors import ConfigurationError
from ._aws_client import forbid_retries_within_single_try, rehearse, shared_client, single_try, warn_of_long_bounds
from ._bulk_engine import Engine
from ._dynamodb_errors import CONDITION_FAILED, code_of, response_of, translate
from ._dynamodb_wire import TTL_FIELD, Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .._core.cas import Expected, Item, PutResult, Write
    from ..errors import StoreError
    from .base import TransactionalStore, TransactItem

TABLE_VARIABLE = "RESILIENT_LAMBDA_TABLE"

# Set by `resilient_lambda.testing.in_memory`: asked with the table's name ("" if none is set) at every call of every
# DynamoDBStore of the process, and the store that it returns is called instead.
redirect: Callable[[str], TransactionalStore] | None = None


class _RefusedError(Exception):
    """The condition of a write did not hold; carries the item that is there, if DynamoDB sent it along."""

    def __init__(self, attributes: Mapping[str, Any] | None) -> None:
        super().__init__()
        self.attributes = attributes


class DynamoDBStore:
    """
    A `Store` in a DynamoDB table. Nothing is imported, built or sent before it is warmed or first used.

    Args:
        table: The table's name or ARN. Default: the environment variable ``RESILIENT_LAMBDA_TABLE``.
        client: A DynamoDB client to use (``boto3.client("dynamodb")``). Default: one of the library's own, shared by
            all stores of the process: connect 1 s, read 2 s, no retries.
        endpoint_url: Where DynamoDB is, for DynamoDB Local; not together with *client*.
        region: Default: ``AWS_REGION``; not together with *client*.
        key_attribute: The table's partition key, a string.
        sort_key_attribute: The table's sort key, a string; None if it has none.
        sort_key_value: What the sort key holds in every item of the library.
        attributes: Fields of the library that are kept under another name in this table, such as
            ``{"status": "st"}``. ``expires_at_s`` is ``expiration`` unless named here.
        bulk: How `put_many_if` writes. ``auto``: in PartiQL statements, 25 a request; if the role does not allow that,
            one warning, and as ``single``. ``single``: a PutItem for each item, several at a time. ``partiql``: as
            ``auto``, and a warning also if it is the endpoint that cannot do it.

    Raises:
        ConfigurationError: Names collide, or *client* is no DynamoDB client. A missing table name, region or boto3
            is reported when the store is warmed or first used.
    """

    def __init__(
        self,
        table: str | None = None,
        *,
        client: object | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        key_attribute: str = "id",
        sort_key_attribute: str | None = None,
        sort_key_value: str = "resilient_lambda",
        attributes: Mapping[str, str] | None = None,
        bulk: Literal["auto", "partiql", "single"] = "auto",
    ) -> None:
        self._table = table
        self._own_client: Any = client
        self._endpoint_url = endpoint_url
        self._region = region
        self._layout = Layout(key_attribute, sort_key_attribute, sort_key_value, attributes)
        self._engine = Engine(bulk)
        if client is not None:
            if endpoint_url is not None or region is not None:
                raise ConfigurationError("endpoint_url and region belong to the client: pass either them or client=")
            if not hasattr(client, "batch_get_item"):
                raise ConfigurationError(
                    f"client is a {type(client).__name__}; pass boto3.client('dynamodb'), no resource, table or session"
                )
            warn_of_long_bounds(client, "DynamoDBStore")
            forbid_retries_within_single_try(client, "UpdateItem")

    def __repr__(self) -> str:
        return f"DynamoDBStore({self._table or os.environ.get(TABLE_VARIABLE)!r})"

    def warm(self) -> None:
        """Import, build the client and have it rehearse a call. Touches no network."""
        if redirect is not None:
            return redirect(self._name_or_nothing()).warm()
        table = self._name()
        client = self._client()
        if self._own_client is None:
            rehearse(client, "PutItem", "put_item", TableName=table, Item=self._layout.key("warm"))
        from ._dynamodb_bulk import STAND_IN  # with all that bulk writes and reads need
        from ._parallel import pool

        pool()
        if self._engine.statements(table, self._layout) is not None and self._own_client is None:
            rehearse(client, "BatchExecuteStatement", "batch_execute_statement", **STAND_IN)
        return None

    def get(self, keys: Sequence[str], *, consistent: bool = True) -> dict[str, Item]:
        """Return the items under *keys*: GetItem for one, BatchGetItem for more."""
        if redirect is not None:
            return redirect(self._name_or_nothing()).get(keys, consistent=consistent)
        distinct = list(dict.fromkeys(keys))
        if len(distinct) == 1:
            answer = self._call("GetItem", "get_item", Key=self._layout.key(distinct[0]), ConsistentRead=consistent)
            return {distinct[0]: self._layout.to_item(answer["Item"])} if answer.get("Item") else {}
        return self._get_many(distinct, consistent) if distinct else {}

    def put_if(self, key: str, item: Item, expected: Expected) -> PutResult:
        """Replace the item under *key* if it is still as *expected*: one PutItem."""
        if redirect is not None:
            return redirect(self._name_or_nothing()).put_if(key, item, expected)
        refused = self._write_if("PutItem", "put_item", expected, Item=self._layout.to_attributes(key, item))
        if refused is None:
            return STORED
        current = refused.current
        if current is None and isinstance(expected, Absent):
            # Refused because there is an item, yet none came along: an emulator that cannot, or it is gone by now.
            current = self.get([key]).get(key)
        return judge(item, current)

    def put_many_if(self, writes: Sequence[Write]) -> list[PutResult | StoreError]:
        """
        Do several `put_if`, some at a time: in BatchExecuteStatement, 25 a request, or each in a PutItem (``bulk``).

        An update of an item takes a PutItem unless its ``may_hold`` is given: a statement replaces nothing.
        """
        if redirect is not None:
            return redirect(self._name_or_nothing()).put_many_if(writes)
        refuse_repeated_keys(writes)
        for write in writes:
            refuse_other_types(write.item)
        if not writes:
            return []
        from ._dynamodb_bulk import Calls, put_many

        calls = Calls(self._name(), self._layout, self._put, self._get_many, self._send)
        return put_many(writes, self._engine, calls)

    def delete_if(self, key: str, expected: Expected) -> PutResult:
        """Delete the item under *key* if it is still as *expected*: one DeleteItem; an absent item is `Stored`."""
        if redirect is not None:
            return redirect(self._name_or_nothing()).delete_if(key, expected)
        refused = self._write_if("DeleteItem", "delete_item", expected, Key=self._layout.key(key))
        return STORED if refused is None or refused.current is None else refused

    def add(
        self, key: str, deltas: Mapping[str, int], *, expires_at_s: int, remove: Sequence[str] = ()
    ) -> dict[str, int]:
        """Add *deltas* to the counters under *key* and return all counters: one UpdateItem, sent once."""
        if redirect is not None:
            return redirect(self._name_or_nothing()).add(key, deltas, expires_at_s=expires_at_s, remove=remove)
        addition = self._layout.addition(deltas, expires_at_s, remove)
        with single_try():
            answer = self._call(
                "UpdateItem", "update_item", Key=self._layout.key(key), ReturnValues="ALL_NEW", **addition
            )
        counters = self._layout.to_item(answer["Attributes"])
        return {name: value for name, value in counters.items() if isinstance(value, int) and name != TTL_FIELD}

    def transact(self, own: Write | None, items: Sequence[TransactItem], *, token: str) -> PutResult:
        """Do *own* and *items*, all or none: one TransactWriteItems, sent once (a client with retries: same token)."""
        from ._dynamodb_transact import Transaction  # few functions need it, and it takes a millisecond to load

        # Checked before it is redirected: the fake does not know this table's name and key.
        transaction = Transaction(self._name_or_nothing(), self._layout, own, items, token)
        if redirect is not None:
            return redirect(self._name_or_nothing()).transact(own, items, token=token)
        self._name()
        return transaction.send(self._client(), self.get)

    def _put(self, write: Write) -> PutResult:
        return self.put_if(write.key, write.item, write.expected)

    def _name_or_nothing(self) -> str:
        return self._table or os.environ.get(TABLE_VARIABLE) or ""

    def _name(self) -> str:
        name = self._name_or_nothing()
        if not name:
            raise ConfigurationError(
                f"DynamoDBStore has no table name: pass it, DynamoDBStore('my-table'), or set {TABLE_VARIABLE}"
            )
        return name

    def _client(self) -> Any:
        # Not kept in the store: a forked process must come to its own.
        return self._own_client or shared_client("dynamodb", region=self._region, endpoint_url=self._endpoint_url)

    def _call(self, operation: str, method: str, **request: Any) -> dict[str, Any]:
        table = self._name()
        return self._attempt(operation, lambda client: getattr(client, method)(TableName=table, **request))

    def _send(self, operation: str, method: str, body: str, stand_in: Mapping[str, Any]) -> dict[str, Any]:
        from ._dynamodb_call import call

        return self._attempt(operation, lambda client: call(client, operation, method, body, stand_in))

    def _attempt(self, operation: str, call: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        client = self._client()
        try:
            return call(client)
        except Exception as error:  # botocore's classes cannot be named here without importing it
            if code_of(error) == CONDITION_FAILED:
                raise _RefusedError(response_of(error).get("Item")) from error
            ours = translate(error, operation=operation, table=self._name(), layout=self._layout)
            if ours is None:
                raise
            raise ours from error

    def _write_if(self, operation: str, method: str, expected: Expected, **request: Any) -> Conflict | None:
        # None = written.
        try:
            self._call(
                operation,
                method,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **self._layout.condition(expected),
                **request,
            )
        except _RefusedError as refused:
            return Conflict(self._layout.to_item(refused.attributes) if refused.attributes else None)
        return None

    def _get_many(self, keys: Sequence[str], consistent: bool = True) -> dict[str, Item]:
        from ._dynamodb_read import read_many

        return read_many(keys, consistent=consistent, table=self._name(), layout=self._layout, send=self._send)
