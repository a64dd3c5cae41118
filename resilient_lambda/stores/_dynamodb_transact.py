"""
One TransactWriteItems of the library's item and the user's, and what a refusal means.

The own write is the first entry of the request, the user's follow in their order.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from .._core.cas import STORED, holds, judge
from ..errors import CommitConditionError, CommitLimitError, ItemTooLargeError, StoreError, StoreUnavailableError
from ._dynamodb_errors import TOO_LARGE_TEXTS, code_of, response_of, translate
from ._dynamodb_values import size_of
from ._transact_items import ITEM_BYTES, OwnItem, check_items, check_token, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.cas import Item, PutResult, Write
    from ..errors import ResilienceError
    from ._dynamodb_wire import Layout
    from .base import TransactItem

ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


class _Cause(Enum):
    CONDITION = "a condition does not hold"
    REFUSED = "DynamoDB will never take it"
    BUSY = "another try can succeed"


# The codes of single items, in AWS's order of telling them. A code that is missing here is REFUSED.
CAUSES = {
    "ConditionalCheckFailed": _Cause.CONDITION,
    "ItemCollectionSizeLimitExceeded": _Cause.REFUSED,
    "TransactionConflict": _Cause.BUSY,
    "ProvisionedThroughputExceeded": _Cause.BUSY,
    "ThrottlingError": _Cause.BUSY,
    "ValidationError": _Cause.REFUSED,
    # Not documented as reasons of items, but of the whole request; the same here if they should come.
    "RequestLimitExceeded": _Cause.BUSY,
    "TransactionInProgress": _Cause.BUSY,
    "TransactionInProgressException": _Cause.BUSY,
}

OWN, THEIRS = True, False

# Where several items are at fault, the first row that fits one of them decides.
PRECEDENCE = (
    # The claim has changed hands, or an earlier try took effect: what else failed follows from that.
    (OWN, _Cause.CONDITION),
    (OWN, _Cause.REFUSED),
    # Somebody is writing the claim: whether it is still ours, the next try will tell. Until then no failure of the
    # user's may be reported: it could be the effect of a twin.
    (OWN, _Cause.BUSY),
    # While this condition is false the transaction cannot succeed, whatever becomes of the busy items: they are
    # the user's, and a repetition would meet the same condition.
    (THEIRS, _Cause.CONDITION),
    (THEIRS, _Cause.REFUSED),
    (THEIRS, _Cause.BUSY),
)


class Transaction:
    """
    A transaction that is checked and ready to be sent, the same to the byte each time it is made of equal arguments.

    Raises:
        CommitLimitError: One transaction cannot do this.
        ItemTooLargeError: The library's own item is too large.
        StoreError: DynamoDB cannot keep a value of the library's own item.
    """

    def __init__(
        self, table: str, layout: Layout, own: Write | None, items: Sequence[TransactItem], token: str
    ) -> None:
        check_token(token)
        self._table = table
        self._layout = layout
        self._own = own
        self._token = token
        self._own_put: dict[str, Any] | None = None
        own_item: OwnItem | None = None
        if own is not None:
            attributes = layout.to_attributes(own.key, own.item)
            own_item = OwnItem(table, layout.key(own.key), size_of(attributes))
            if own_item.size > ITEM_BYTES:
                raise ItemTooLargeError(f"{self._what()}: the library's own item is larger than DynamoDB's 400 KB")
            self._own_put = {
                "TableName": table,
                "Item": attributes,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                **layout.condition(own.expected),
            }
        sort_key = () if layout.sort_key_attribute is None else (layout.sort_key_attribute,)
        self._entries = check_items(items, own_item, (layout.key_attribute, *sort_key))

    def send(self, client: Any, get: Callable[[Sequence[str]], dict[str, Item]]) -> PutResult:
        """
        Send the transaction once.

        Args:
            get: Reads the library's items consistently.
        """
        request: list[dict[str, Any]] = [] if self._own_put is None else [{"Put": self._own_put}]
        request += [{entry.verb: entry.parameters} for entry in self._entries]
        try:
            client.transact_write_items(TransactItems=request, ClientRequestToken=self._token)
        except Exception as error:  # botocore's classes cannot be named here without importing it
            verdict = self._judge(error, get)
            if verdict is None:
                raise
            if isinstance(verdict, Exception):
                raise verdict from error
            return verdict
        return STORED

    def _judge(
        self, error: Exception, get: Callable[[Sequence[str]], dict[str, Item]]
    ) -> PutResult | ResilienceError | None:
        # None = not botocore's.
        code = code_of(error)
        if code == "TransactionCanceledException":
            reasons = response_of(error).get("CancellationReasons") or []
            return self._judge_reasons(reasons, get)
        if code == "IdempotentParameterMismatchException":
            refusal = StoreError(
                f"{self._what()}: the token was used before for other items; nothing was written by this call."
                " Items must not be changed between two tries of one transaction"
            )
            return self._unless_decided_by_own_item(get, refusal)
        return self._translate(code, error)

    def _judge_reasons(
        self, reasons: Sequence[dict[str, Any]], get: Callable[[Sequence[str]], dict[str, Item]]
    ) -> PutResult | ResilienceError:
        own_entries = 0 if self._own is None else 1
        found: dict[tuple[bool, _Cause], tuple[int, dict[str, Any]]] = {}
        for position, reason in enumerate(reasons):
            code = str(reason.get("Code") or "None")
            if code != "None":  # AWS's word for an item that was not at fault
                whose = OWN if position < own_entries else THEIRS
                found.setdefault((whose, CAUSES.get(code, _Cause.REFUSED)), (position - own_entries, reason))
        for row in PRECEDENCE:
            if row in found:
                whose, cause = row
                index, reason = found[row]
                if whose is OWN:
                    return self._judge_own(cause, reason, get)
                return self._judge_theirs(cause, index, reason, get)
        return StoreUnavailableError(f"{self._what()}: cancelled for no reason that DynamoDB names; try again")

    def _judge_own(
        self, cause: _Cause, reason: dict[str, Any], get: Callable[[Sequence[str]], dict[str, Item]]
    ) -> PutResult | ResilienceError:
        assert self._own is not None
        if cause is _Cause.BUSY:
            return StoreUnavailableError(f"{self._what()}: the library's item is busy ({reason['Code']}); try again")
        if cause is _Cause.REFUSED:
            if _says_too_large(reason):
                return ItemTooLargeError(f"{self._what()}: the library's own item is larger than DynamoDB's 400 KB")
            return StoreError(
                f"{self._what()}: DynamoDB refused the library's own item with {reason['Code']}; the store uses"
                f" {self._layout.describe_key()}; its own text is in the error that caused this one"
            )
        if reason.get("Item"):
            return judge(self._own.item, self._layout.to_item(reason["Item"]))
        # There is none, or an emulator sends none along; without it one's own success would look like a lost lease.
        return judge(self._own.item, get([self._own.key]).get(self._own.key))

    def _judge_theirs(
        self, cause: _Cause, index: int, reason: dict[str, Any], get: Callable[[Sequence[str]], dict[str, Item]]
    ) -> PutResult | ResilienceError:
        code = reason["Code"]
        name = name_of(index, self._entries[index])
        if cause is _Cause.BUSY:
            return StoreUnavailableError(f"{self._what()}: {name} is busy ({code}); try again")
        if cause is _Cause.CONDITION:
            refusal = CommitConditionError(
                f"{name}: its condition does not hold; nothing was written",
                index=index,
                item=reason.get("Item") or None,
            )
            # AWS does not promise to name every condition that failed, and a twin's commit fails the user's
            # condition as well as the claim's: only the claim itself can tell whose fault it is.
            return self._unless_decided_by_own_item(get, refusal)
        if code == "ItemCollectionSizeLimitExceeded":
            why = "its item collection (all items of one partition key, where the table has a local index) is full"
        elif _says_too_large(reason):
            why = "the item would be larger than DynamoDB's 400 KB"
        elif code == "ValidationError":
            why = (
                "DynamoDB does not take it: its key is not as the table's, or an update does not fit the item;"
                " its own text is in the error that caused this one"
            )
        else:
            return StoreError(f"{self._what()}: {name}: DynamoDB refused with {code}; nothing was written")
        return CommitLimitError(f"{name}: {why}; nothing was written")

    def _unless_decided_by_own_item(
        self, get: Callable[[Sequence[str]], dict[str, Item]], refusal: ResilienceError
    ) -> PutResult | ResilienceError:
        if self._own is None:
            return refusal
        current = get([self._own.key]).get(self._own.key)
        verdict = judge(self._own.item, current)
        if verdict is STORED or not holds(self._own.expected, current):
            return verdict
        return refusal

    def _translate(self, code: str, error: Exception) -> ResilienceError | None:
        if code.startswith("AccessDenied"):
            needed = {f"dynamodb:{ACTIONS[entry.verb]} on table {entry.table!r}": None for entry in self._entries}
            if self._own is not None:
                needed = {f"dynamodb:PutItem on table {self._table!r}": None, **needed}
            return StoreError(f"{self._what()}: not allowed; the function's role needs {', '.join(needed)}")
        if code == "ResourceNotFoundException":
            tables = dict.fromkeys([*([self._table] if self._own else []), *[entry.table for entry in self._entries]])
            return StoreError(
                f"{self._what()}: one of these tables is not in this region and account: {', '.join(map(repr, tables))}"
            )
        if code == "ItemCollectionSizeLimitExceededException" or (code == "ValidationException" and self._entries):
            return CommitLimitError(
                f"{self._what()}: DynamoDB does not take these items ({code}): a key that is not as its table's, an"
                " expression, one item twice, or too many bytes; its own text is in the error that caused this one."
                " Nothing was written"
            )
        return translate(error, operation="TransactWriteItems", table=self._table, layout=self._layout)

    def _what(self) -> str:
        return "TransactWriteItems" if self._own is None else f"TransactWriteItems on table {self._table!r}"


def _says_too_large(reason: dict[str, Any]) -> bool:
    text = str(reason.get("Message", "")).lower()
    return any(part in text for part in TOO_LARGE_TEXTS)
