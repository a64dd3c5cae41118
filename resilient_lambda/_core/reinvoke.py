"""
The decision of the re-invoker: is this failure worth another invocation, of which function, with what payload.

Everything that speaks against it is a reason to park, in words for whoever finds the record in the sink.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

from .._named_tuple import NamedTuple
from ..errors import InvalidRecordError
from .allowed_functions import function_of
from .destination_envelopes import DELAYED
from .function_errors import EXIT, OUT_OF_MEMORY, TIMEOUT
from .reserved import Mark, put_on, read, said, take_off

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from .allowed_functions import AllowedFunctions, Home

# Texts of JSON may hold them, but UTF-8 has no halves of characters, and SQS does not take the two others.
_UNSENDABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")

MOST_EVENT_BYTES = 1_048_576  # of an asynchronous invocation

_FAILED_OF = {
    TIMEOUT: "it timed out",
    OUT_OF_MEMORY: "it ran out of memory",
    EXIT: "its process exited",
    "handler": "it raised an exception of its own",
    "": "the record names no error of the function",
}


class FailureRecord(Protocol):
    """What is asked of a `DestinationRecord`."""

    @property
    def request_id(self) -> str: ...
    @property
    def function_arn(self) -> str: ...
    @property
    def condition(self) -> str: ...
    @property
    def is_success(self) -> bool: ...
    @property
    def has_payload(self) -> bool: ...
    @property
    def error_kind(self) -> str: ...
    @property
    def at_s(self) -> float | None: ...
    @property
    def batch(self) -> Any: ...
    @property
    def request_payload(self) -> Any: ...
    @property
    def request_context(self) -> Any: ...


class Rules(NamedTuple):
    """
    The user's options.

    Attributes:
        max_attempts: Invocations of one event, the first included.
        kinds: The failures that are worth another invocation.
        predicate: What may add to them; None if there is none.
        counts: True if the attempts of payloads that are no objects are counted in a store.
    """

    allowed: AllowedFunctions
    max_attempts: int
    kinds: frozenset[str]
    predicate: Callable[[Any], object] | None
    counts: bool


class Reinvoke(NamedTuple):
    """
    Invoke *function* once more.

    Attributes:
        function: Its ARN without qualifier.
        qualifier: The version or alias; None for ``$LATEST``.
        payload: JSON, with the mark if it is an object.
        mark: Which attempt this will be, and of what.
        carries_mark: False if the payload cannot say which attempt it is.
    """

    function: str
    qualifier: str | None
    payload: bytes
    mark: Mark
    tenant_id: str | None
    carries_mark: bool


class Park(NamedTuple):
    """
    Set the record aside.

    Attributes:
        attempt: Which attempt it was that failed; 0 if unknown.
    """

    reason: str
    function: str = ""
    attempt: int = 0


if TYPE_CHECKING:
    Decision: TypeAlias = Reinvoke | Park


def mark_of(payload: Any, request_id: str, counted: Mark | None) -> Mark:
    """
    Return which attempt it was that failed with *payload*.

    Args:
        request_id: What stands for the root if it was the first: the id of the failed invocation.
        counted: What was counted elsewhere for a payload that is no object.
    """
    mark = take_off(payload)[1] if isinstance(payload, dict) else counted
    return mark or Mark(1, request_id, None)


def decide(record: FailureRecord, mark: Mark, rules: Rules, home: Home) -> Decision:
    """
    Decide what becomes of *record*.

    Args:
        mark: Which attempt has failed, see `mark_of`.
        home: Where the re-invoker itself runs.
    """
    if record.batch is not None:
        where = f"{record.batch.where}; its events are still there until they expire, and not in the record"
        return Park(f"this is a batch that an event source mapping gave up ({record.condition}): {where}")
    function = function_of(record.function_arn)
    if function is None:
        return Park("the record names no function by its ARN")
    arn = function.qualified_arn
    if record.is_success:
        return Park("the invocation succeeded: only OnFailure may lead here, not OnSuccess", arn, mark.attempt)
    refusal = rules.allowed.refusal(function, home)
    if refusal is not None:  # before anything of the user's sees the record
        return Park(refusal, arn, mark.attempt)
    if not _is_wanted(record, rules):
        why = _FAILED_OF.get(record.error_kind, record.error_kind)
        return Park(f"{why} ({record.condition or 'no condition'}): not what is invoked again", arn, mark.attempt)
    if not record.has_payload:
        return Park(
            "the record has no requestPayload: a topic's records of more than 256 KB leave it out", arn, mark.attempt
        )
    if mark.attempt >= rules.max_attempts:
        return Park(f"it has failed in {mark.attempt} of {rules.max_attempts} invocations", arn, mark.attempt)
    event, at_s = record.request_payload, mark.first_failed_at_s
    following = Mark(mark.attempt + 1, mark.root, record.at_s if at_s is None else at_s, record.request_id)
    carries_mark = isinstance(event, dict)
    if not carries_mark and not rules.counts:
        kind = "null" if event is None else type(event).__name__
        return Park(
            f"the payload is no object but {kind}, so it cannot say which attempt it is; give store=", arn, mark.attempt
        )
    payload = dumped(put_on(event, following) if carries_mark else event)
    if len(payload) > MOST_EVENT_BYTES:
        return Park(
            f"the payload has {len(payload)} bytes with its mark; Lambda takes {MOST_EVENT_BYTES}", arn, mark.attempt
        )
    return Reinvoke(
        function.arn, function.qualifier or None, payload, following, _tenant_of(record), carries_mark=carries_mark
    )


def _is_wanted(record: FailureRecord, rules: Rules) -> bool:
    if record.error_kind in rules.kinds:
        return True
    return rules.predicate is not None and bool(rules.predicate(record))


def _tenant_of(record: FailureRecord) -> str | None:
    # AWS documents no field for it (?); where it comes, its name will be that of the context.
    found = getattr(record.request_context, "tenant_id", None) or getattr(record.request_context, "tenantId", None)
    return found if isinstance(found, str) else None


def dumped(value: Any) -> bytes:
    """
    Return *value* as JSON that Lambda, a queue and a schedule take.

    Raises:
        InvalidRecordError: It is nested too deeply, or holds a number that JSON does not have.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        if _UNSENDABLE.search(text) is not None:
            text = json.dumps(value, separators=(",", ":"))
    except RecursionError:
        raise InvalidRecordError("the payload is nested too deeply") from None
    except ValueError:
        raise InvalidRecordError("the payload holds a number that is too large for a float") from None
    return text.encode()


def to_message(found: Reinvoke) -> bytes:
    """Return the message that waits for *found* in a delay queue."""
    kept: dict[str, Any] = {"function": found.function, "mark": said(found.mark)}
    if found.qualifier is not None:
        kept["qualifier"] = found.qualifier
    if found.tenant_id is not None:
        kept["tenant_id"] = found.tenant_id
    # As JSON in JSON, not as its text: escaped it might be twice as long.
    return dumped({DELAYED: {**kept, "payload": json.loads(found.payload)}})


def of_message(kept: Any, rules: Rules, home: Home) -> Decision:
    """
    Return the re-invocation that has waited as *kept*; it is looked at again, for anybody may write to a queue.

    What the payload says of its attempt is said anew: the mark decides.
    """
    if not isinstance(kept, dict) or (mark := read(kept.get("mark"))) is None:
        return Park("this is no re-invocation that has waited")
    qualifier = kept.get("qualifier")
    function = function_of(f"{kept.get('function')}:{qualifier}" if qualifier else kept.get("function"))
    if function is None or "payload" not in kept:
        return Park("this is no re-invocation that has waited: no function, or no payload")
    arn, failed = function.qualified_arn, mark.attempt - 1
    refusal = rules.allowed.refusal(function, home)
    if refusal is not None:
        return Park(refusal, arn, failed)
    if not 1 < mark.attempt <= rules.max_attempts:
        return Park(f"it would be invocation {mark.attempt} of {rules.max_attempts}", arn, failed)
    event = kept["payload"]
    carries_mark = isinstance(event, dict)
    if not carries_mark and not rules.counts:
        return Park("the payload is no object, so it cannot say which attempt it is; give store=", arn, failed)
    sent = dumped(put_on(event, mark) if carries_mark else event)
    tenant = kept.get("tenant_id")
    tenant_id = tenant if isinstance(tenant, str) else None
    return Reinvoke(function.arn, function.qualifier or None, sent, mark, tenant_id, carries_mark=carries_mark)
