"""Which invocation type fits: wait for the function, or hand the event over."""

from __future__ import annotations

from .._named_tuple import NamedTuple
from ..errors import ConfigurationError
from .invocations import ASYNCHRONOUS_LIMIT_BYTES, SYNCHRONOUS_LIMIT_BYTES
from .options import number

LONGEST_RUN_S = 900
# What cuts an idle connection on its way: a NAT gateway does after 350 s.
IDLE_CONNECTION_S = 350
# An answer should not come at the last moment: the caller has to do something with it.
_SHARE_OF_DEADLINE = 0.9

_DOCS = "https://docs.aws.amazon.com/"
_SYNCHRONOUS = f"{_DOCS}lambda/latest/dg/invocation-sync.html"
_ASYNCHRONOUS = f"{_DOCS}lambda/latest/dg/invocation-async.html"
_ASYNCHRONOUS_ERRORS = f"{_DOCS}lambda/latest/dg/invocation-async-error-handling.html"
_DESTINATIONS = f"{_DOCS}lambda/latest/dg/invocation-async-retain-records.html"
_LIMITS = f"{_DOCS}lambda/latest/dg/gettingstarted-limits.html"
_NAT = f"{_DOCS}vpc/latest/userguide/nat-gateway-troubleshooting.html"


class Choice(NamedTuple):
    """
    An invocation type, and why.

    Attributes:
        type: ``"RequestResponse"`` or ``"Event"``.
        why: In sentences: what decided, and what to see to.
        sources: The pages of AWS's documentation that say so.
    """

    type: str
    why: str
    sources: tuple[str, ...]


def choose_invocation_type(
    *,
    needs_result: bool,
    duration_s: float | None = None,
    caller_deadline_s: float | None = None,
    payload_bytes: int | None = None,
    is_idempotent: bool = False,
) -> Choice:
    """
    Return whether to wait for a function (`LambdaInvoker.call`) or to hand the event over (`LambdaInvoker.send`).

    Args:
        needs_result: True if the caller needs what the function returns, or must know that it has succeeded.
        duration_s: How long the function takes, at worst, in seconds.
        caller_deadline_s: For how long the caller can wait, in seconds: its own timeout, or 29 behind an API Gateway.
        payload_bytes: How large the event may become.
        is_idempotent: True if running the function twice for one event does no harm.

    Raises:
        ConfigurationError: An argument is no number, or no invocation can do it: it takes longer than a function may
            run, or the payload is larger than any invocation takes.
    """
    for name, value in (("duration_s", duration_s), ("caller_deadline_s", caller_deadline_s)):
        if value is not None:
            number(name, value, above=0)
    if payload_bytes is not None:
        number("payload_bytes", payload_bytes, at_least=0, is_whole=True)
    if duration_s is not None and duration_s > LONGEST_RUN_S:
        raise ConfigurationError(
            f"duration_s={duration_s:g} is longer than a function may run ({LONGEST_RUN_S} s): split the work, or use "
            "Step Functions or a durable function"
        )
    if payload_bytes is not None and payload_bytes > SYNCHRONOUS_LIMIT_BYTES:
        raise ConfigurationError(
            f"payload_bytes={payload_bytes} is more than any invocation takes ({SYNCHRONOUS_LIMIT_BYTES} bytes): put "
            "it into S3 and send where it is"
        )
    waits_too_long = (
        duration_s is not None and caller_deadline_s is not None and duration_s > caller_deadline_s * _SHARE_OF_DEADLINE
    )
    if needs_result and not waits_too_long:
        return _synchronous(duration_s, caller_deadline_s, is_idempotent=is_idempotent)
    if payload_bytes is not None and payload_bytes > ASYNCHRONOUS_LIMIT_BYTES and not waits_too_long:
        return _for_its_size(payload_bytes, is_idempotent=is_idempotent)
    return _asynchronous(
        duration_s,
        caller_deadline_s if needs_result else None,
        is_too_large=payload_bytes is not None and payload_bytes > ASYNCHRONOUS_LIMIT_BYTES,
        is_idempotent=is_idempotent,
    )


def _synchronous(duration_s: float | None, caller_deadline_s: float | None, *, is_idempotent: bool) -> Choice:
    why = ["The caller needs the result, and only a synchronous invocation brings it back."]
    sources = [_SYNCHRONOUS]
    if duration_s is None:
        why.append("Wait no longer than the caller may run (timeout_s, and the handler's deadline, see to that).")
    elif caller_deadline_s is None:
        why.append(f"The read timeout must be longer than {duration_s:g} s, or the answer is lost and the work not.")
    else:
        why.append(f"{duration_s:g} s fit into the {caller_deadline_s:g} s for which the caller can wait.")
    if duration_s is not None and duration_s > IDLE_CONNECTION_S:
        why.append(
            f"NAT gateways drop a connection that is idle for {IDLE_CONNECTION_S} s: behind one, hand the event over "
            "instead and fetch the result later."
        )
        sources.append(_NAT)
    why.append("Lambda does not retry it: what fails is the caller's to try again.")
    if is_idempotent:
        why.append("As it is idempotent, pass idempotent=True: then a lost answer and a timeout are tried again.")
    else:
        why.append("As it is not idempotent, a lost answer is not tried again: the function may have run.")
    return Choice("RequestResponse", " ".join(why), tuple(sources))


def _for_its_size(payload_bytes: int, *, is_idempotent: bool) -> Choice:
    limit = f"{ASYNCHRONOUS_LIMIT_BYTES:,}"
    why = ["Nobody needs the result, so it should not be waited for;"]
    why.append(f"but {payload_bytes:,} bytes are more than an asynchronous invocation takes ({limit}).")
    why.append("Better: put the payload into S3 and hand over where it is; then Lambda retries, and nobody waits.")
    if not is_idempotent:
        why.append("As the function is not idempotent, a lost answer is not tried again.")
    return Choice("RequestResponse", " ".join(why), (_LIMITS, _ASYNCHRONOUS))


def _asynchronous(
    duration_s: float | None, caller_deadline_s: float | None, *, is_too_large: bool, is_idempotent: bool
) -> Choice:
    sources = [_ASYNCHRONOUS, _ASYNCHRONOUS_ERRORS]
    if caller_deadline_s is None:
        why = ["Nobody needs the result, so nobody should wait, and pay, for it."]
    else:
        why = [f"The function takes up to {duration_s:g} s, and the caller can wait for {caller_deadline_s:g} s."]
        why.append("So hand the event over, and have the result come another way:")
        why.append("an OnSuccess destination, or a table that the caller asks.")
        sources.append(_DESTINATIONS)
    if is_too_large:
        why.append(
            f"It takes {ASYNCHRONOUS_LIMIT_BYTES:,} bytes at most: put the payload into S3 and send where it is."
        )
        sources.append(_LIMITS)
    why.append(
        "Lambda queues the event and retries it: twice after an error of the function, for up to 6 hours if it is"
    )
    why.append("throttled. Give the function an OnFailure destination, or what fails for good is dropped.")
    if not is_idempotent:
        why.append("The event can arrive twice without any error: make the function idempotent first (Idempotency).")
    return Choice("Event", " ".join(why), tuple(sources))
