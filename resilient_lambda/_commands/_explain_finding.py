"""
What a failure means: an error code, an error of a function, a destination's record, a dead letter. Pure.

Nothing that is found holds any of the payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.aws_codes import INVOKE
from .._core.aws_errors import judge_answer
from .._core.classify import Classifier
from .._core.error_names import OF_RUNTIMES, OF_STEP_FUNCTIONS, judge_name
from .._core.function_errors import kind_of
from .._core.http_errors import judge_status
from .._core.model import UNKNOWN_SOURCE, Category, Classification, Verdict
from .._core.retriers import CONDITIONS
from .._named_tuple import NamedTuple
from ..errors import FunctionError, InvalidRecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

FUNCTION = "function"  # the function ran, and this came of it
REFUSAL = "refusal"  # Lambda did not run it
ENDED = ("Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory")
CANCELLED = "TransactionCanceledException"  # judged by its reasons; without any it is no more than a conflict

_KINDS = {
    "timeout": "the function ran into its time limit, and Lambda ended it",
    "out_of_memory": "the function's environment ran out of memory",
    "exit": "the function's process ended before it answered",
}


class Finding(NamedTuple):
    """
    One thing that was recognised.

    Attributes:
        what: In words.
        verdict: Whether another try can help; None if nothing has failed.
        scopes: Of what kind of failure the retries are to be told: `FUNCTION`, `REFUSAL`, both or none.
        facts: What else is known of it, by name.
        now: What is to come of it, where nobody tries again any more.
        is_ended: True if Lambda ended the function, so that no handler could do anything.
        only: The one source that knows of it; "" for any.
    """

    what: str
    verdict: Classification | None
    scopes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    now: tuple[str, ...] = ()
    is_ended: bool = False
    only: str = ""


def of_code(code: str, *, operation: str = "", answer: dict[str, Any] | None = None) -> Finding:
    """
    Return what an error code, or the name of a class, means.

    Args:
        operation: What was called; "" if that is not known.
        answer: The whole answer, as botocore has it, if that is known.
    """
    judged = judge_answer(answer or {"Error": {"Code": code}, "CancellationReasons": []})
    is_status = judged is not None and judged[1].source == "http status"
    if judged is not None and (answer is not None or code == CANCELLED or is_status):
        found: Classification | None = judged[1]
    else:
        found = judge_name(code)
    if found is None:
        found = Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, code, UNKNOWN_SOURCE)
    is_answer = code in INVOKE and operation in ("", "Invoke", "InvokeAsync", "InvokeWithResponseStream")
    if found.source in (UNKNOWN_SOURCE, "aws status"):
        what = f"{code}, which nobody here knows as an error code or a class"
    elif is_status:
        what = f"{code}, an HTTP status where AWS says no more"
    elif code in OF_STEP_FUNCTIONS:
        what = f"{code}, what Step Functions calls an error of a task"
    elif found.source == "aws code":
        what = f"{code}, an error code of AWS" + (", which Invoke may answer" if is_answer else "")
    else:
        what = f"{code}, {'what Lambda says of a function' if code in OF_RUNTIMES else 'a class of errors'}"
    if operation:
        what += f", from {operation}"
    scopes = (REFUSAL, FUNCTION) if is_answer and not operation else (REFUSAL,) if is_answer else (FUNCTION,)
    only = "stepfunctions" if code in OF_STEP_FUNCTIONS else ""
    return Finding(what, found, (FUNCTION,) if only else scopes, is_ended=bool(only) or code in ENDED, only=only)


def of_status(status: int) -> Finding:
    """Return what an HTTP status from 400 to 599 means to a function that got it."""
    return Finding(f"{status}, the status of an HTTP answer that a function got", judge_status(status), (FUNCTION,))


def of_function_error(payload: Mapping[str, Any], request_id: str = "") -> Finding:
    """Return what an error that Lambda answers for a function means."""
    kind, name, verdict = _judge(payload, request_id)
    own = f"the function raised {name or 'an error without a name'}"
    return Finding(_KINDS.get(kind, own), verdict, (FUNCTION,), {"kind": kind, "type": name}, is_ended=kind in _KINDS)


def _judge(payload: Any, request_id: str) -> tuple[str, str, Classification]:
    kind = kind_of(payload, request_id)
    name = payload.get("errorType") if isinstance(payload, dict) else None
    name = name if isinstance(name, str) else ""
    return kind, name, Classifier().classify(FunctionError(name, "", kind=kind))


def of_record(value: Mapping[str, Any]) -> Finding:
    """
    Return what the record of a destination means.

    Raises:
        InvalidRecordError: It is none.
    """
    from pydantic import ValidationError

    from ..destinations import DestinationRecord

    try:
        record = DestinationRecord.model_validate(value)
    except ValidationError:
        raise InvalidRecordError("a record of a Lambda destination with fields of the wrong type") from None
    facts = {
        "function": record.function_arn,
        "request id": record.request_id,
        "condition": record.condition,
        "invocations": record.request_context.approximate_invoke_count,
        "records": record.batch.where if record.batch is not None else None,
    }
    facts = {name: fact for name, fact in facts.items() if fact not in (None, "")}
    told = CONDITIONS.get(record.condition, "")
    if record.is_success:
        return Finding("a record of success, as a destination gets it", None, (), facts, (told,))
    now = [f"nobody tries again: {told}" if told else "nobody tries again"]
    if record.batch is not None:
        what = "a batch that an event source mapping gave up: where it is, not what was in it"
        verdict = Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, record.condition, "function error")
        now.append("read those records from the stream or topic while it still has them, and send them again")
        now.append("timeout_reinvoker sets it aside: there is nothing to invoke with")
        return Finding(what, verdict, (), facts, tuple(now))
    if not record.error_kind:
        what = "an asynchronous invocation that was given up before the function answered"
        verdict = Classification(Verdict.RETRYABLE, Category.TRANSIENT, None, record.condition, "function error")
    else:
        kind, name, verdict = _judge(record.response_payload, record.request_id)
        what = "an asynchronous invocation that was given up: " + _KINDS.get(kind, f"the function raised {name}")
        facts |= {"kind": kind, "type": name}
    if not record.has_payload:
        now.append("the record lacks the event, as it was too large for the topic: nothing can be invoked with it")
    elif record.is_timeout:
        now.append("timeout_reinvoker as this destination invokes the function again, if it is among functions=")
    else:
        now.append("timeout_reinvoker as this destination sets it aside, unless also= or its predicate says otherwise")
    return Finding(what, verdict, (), facts, tuple(now))


def of_note(note: Mapping[str, Any]) -> Finding:
    """Return what the note of one of our dead letters means."""
    names = {"source": "source", "id": "record", "function": "function", "at": "set aside at", "key": "key"}
    facts = {title: note[name] for name, title in names.items() if isinstance(note.get(name), str) and note[name]}
    error = note.get("error") if isinstance(note.get("error"), str) else ""
    verdict = of_code(str(error)).verdict
    assert verdict is not None
    now = ["nobody tries again: it was acknowledged after this letter was confirmed"]
    if verdict.is_retryable:
        now.append(
            "by its name alone the error is worth another try: max_attempts was reached, or a Classifier or a rule"
        )
    now.append("mend the cause, then send it back with the command replay")
    return Finding(f"a dead letter of this library, because of {error or 'an error'}", verdict, (), facts, tuple(now))


def of_lambda_queue(attributes: Mapping[str, Any]) -> list[Finding]:
    """Return what Lambda's dead-letter queue (not destination) says of the event that is the message's body."""
    if not {"RequestID", "ErrorCode"} <= set(attributes):
        return []
    kind, _, verdict = _judge({"errorMessage": attributes.get("ErrorMessage")}, str(attributes["RequestID"]))
    what = "an event in the dead-letter queue of a function: " + _KINDS.get(kind, "it failed with an error of its own")
    facts = {"request id": attributes["RequestID"], "status": attributes["ErrorCode"], "kind": kind}
    return [Finding(what, verdict, (), facts, ("nobody tries again", "the body is the event: send it to the function"))]
