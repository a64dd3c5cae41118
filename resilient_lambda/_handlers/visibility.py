"""
Failed messages of an SQS queue, hidden until another try makes sense.

An optimisation, so nothing here may raise or change the answer: what cannot be hidden comes back when its queue says.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.backoff import Backoff
from .._core.classify import Classifier, describe
from .._core.model import Category
from .._core.source_fields import part_text
from .._core.visibility import age_s, hidden_s
from .._named_tuple import NamedTuple
from .._policies.call import logger
from ..errors import ConfigurationError
from ..events import VisibilityChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal, TypeAlias

    from .._core.model import Failure
    from .._core.source_types import Raw
    from .._io.base import Io
    from .._policies.call import Invocation

    VisibilityOption: TypeAlias = Literal["auto", False] | Backoff

PER_REQUEST = 10
PARALLEL = 8
# Invocations in a row that did not reach SQS, after which this environment leaves it: in a VPC without a way to SQS
# each of them has waited for a second.
UNREACHED_BEFORE_OFF = 3
# What building the client may take in an environment with little CPU.
FIRST_REQUEST_S = 1.0

LONGEST_TIMEOUT_S = 900.0  # Lambda's limit

# Set by `resilient_lambda.testing.in_memory`: takes the id of a message and for how long it would be hidden.
redirect: Callable[[str, int], None] | None = None


def checked(option: Any) -> VisibilityOption:
    """
    Return the option ``visibility=`` as it was given.

    Raises:
        ConfigurationError: It is none of what is allowed.
    """
    if isinstance(option, Backoff) and option.jitter is not None:
        raise ConfigurationError(
            f"visibility={option!r}: jitter is for Retry; hidden messages are spread over a quarter of the wait, "
            "so that they do not come back before it is over: leave it out"
        )
    if option is False or isinstance(option, Backoff):
        return option
    if isinstance(option, str) and option == "auto":
        return "auto"
    raise ConfigurationError(f"visibility={option!r} must be 'auto', False, or a Backoff(base_s=, cap_s=)")


def wants(option: VisibilityOption, source_name: str, timeout_s: float) -> Backoff | None:
    """
    Return how failed messages of this source are hidden here and now, None if they are not.

    Args:
        timeout_s: How long the invocation may take; infinite if it is not known.
    """
    if option is False or source_name not in ("sqs", "sqs-fifo"):
        return None
    # Elsewhere, in a test of the user's for one, there is no message that could be hidden.
    if "AWS_LAMBDA_RUNTIME_API" not in os.environ and redirect is None:
        return None
    if isinstance(option, Backoff):
        return option
    # Hiding a message of a FIFO queue stops all of its group.
    return automatic(timeout_s) if source_name == "sqs" else None


def automatic(timeout_s: float) -> Backoff:
    """
    Return the waits of ``visibility="auto"`` for a function with this timeout.

    They begin with four timeouts. A queue should hide messages for six, each time; so three receives or more take no
    less time with these waits than they would without, and nobody's dead-letter queue fills sooner with messages that
    were run. One that meets a twin at each receive comes back when that one's invocation is over.
    """
    if timeout_s > LONGEST_TIMEOUT_S:
        return Backoff()
    base_s = max(Backoff().base_s, 4 * timeout_s)
    return Backoff(base_s=base_s, cap_s=max(Backoff().cap_s, 4 * base_s))


class Change(NamedTuple):
    """A message and for how long it is to be hidden."""

    message_id: str
    queue_arn: str
    receipt_handle: str
    hidden_s: int


class _Sent:
    """What became of an invocation's requests."""

    def __init__(self) -> None:
        self.changed: list[Change] = []
        self.refused: list[str] = []
        self.errors: list[Exception] = []


class QueueVisibility:
    """
    Changes the visibility of messages, as long as this environment may.

    Args:
        connect: Returns an SQS client for a region, "" for the environment's own.
    """

    def __init__(self, connect: Callable[[str], Any]) -> None:
        self._connect = connect
        self._is_off = False
        self._unreached = 0
        self._took_s = FIRST_REQUEST_S

    async def hide(
        self, invocation: Invocation, waits: Sequence[tuple[Raw, Failure]], backoff: Backoff, *, until_s: float
    ) -> None:
        """
        Hide the messages of *waits*, in the order of the event, each as long as its failure says.

        Args:
            until_s: Wall clock by which all of it must be over.
        """
        if self._is_off and redirect is None:
            return
        try:
            changes = changes_of(invocation, waits, backoff)
            if redirect is not None:
                for change in changes:
                    redirect(change.message_id, change.hidden_s)
                changed: Sequence[Change] = changes
            else:
                sent = await invocation.io.call(self._send, changes, invocation.io, until_s)
                self._conclude(sent)
                changed = sent.changed
        except Exception:  # whatever it is, the answer must go out
            logger.debug("the visibility of failed messages was not changed", exc_info=True)
            return
        if invocation.observers:
            for change in changed:
                invocation.emit(VisibilityChanged(change.message_id, change.hidden_s))

    def _send(self, changes: Sequence[Change], io: Io, until_s: float) -> _Sent:
        sent = _Sent()
        groups = list(_groups_of(changes))
        requests = self._requests(groups, sent, io, until_s)
        # The first one alone: where it is refused or takes too long, no others need to be made.
        first = next(requests, None)
        if first is not None:
            first()
        if len(groups) > 1:
            from ..stores._parallel import do_all

            do_all(requests, at_most=min(PARALLEL, len(groups) - 1))
        return sent

    def _requests(
        self, groups: Sequence[Sequence[Change]], sent: _Sent, io: Io, until_s: float
    ) -> Iterator[Callable[[], None]]:
        """Yield what is to be done, as long as it may be begun: the next one is asked for when somebody is free."""
        for group in groups:
            # One failure among successes may be chance; with two, or with nothing else, the others would only wait.
            if len(sent.errors) > bool(sent.changed) or io.now() + self._took_s >= until_s:
                return
            yield partial(self._request, group, sent, io)

    def _request(self, group: Sequence[Change], sent: _Sent, io: Io) -> None:
        began_s = io.monotonic()
        try:
            client, url = self._address(group[0].queue_arn)
            answer = client.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": change.receipt_handle, "VisibilityTimeout": change.hidden_s}
                    for n, change in enumerate(group)
                ],
            )
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            sent.errors.append(error)
            return
        finally:
            self._took_s = io.monotonic() - began_s
        # Deleted meanwhile, or received again by somebody else: that message has no need of us.
        sent.refused.extend(str(entry.get("Code")) for entry in answer.get("Failed", ()))
        sent.changed.extend(group[int(entry["Id"])] for entry in answer.get("Successful", ()))

    def _address(self, arn: str) -> tuple[Any, str]:
        """Return the client and the URL of a queue, at the endpoint that botocore knows for its partition."""
        _, _, _, region, account, name = arn.split(":", 5)
        client = self._connect(region)
        return client, f"{client.meta.endpoint_url.rstrip('/')}/{account}/{name}"

    def _conclude(self, sent: _Sent) -> None:
        """Log what is worth it, and go off where asking again would be in vain."""
        if sent.refused:
            logger.debug("SQS has not changed the visibility of some messages: %s", sorted(set(sent.refused)))
        if not sent.errors or sent.changed or sent.refused:
            self._unreached = 0
            return
        error = sent.errors[0]
        category = Classifier().classify(error).category
        if category is Category.ACCESS or isinstance(error, ConfigurationError):
            advice = "allow sqs:ChangeMessageVisibility on the queue to the function's role"
        else:
            logger.debug("SQS has refused to change the visibility of messages: %s", describe(error))
            has_answered = hasattr(error, "response") or category not in (Category.TIMEOUT, Category.TRANSIENT)
            self._unreached = 0 if has_answered else self._unreached + 1
            if self._unreached < UNREACHED_BEFORE_OFF:
                return
            advice = "give the function a way to SQS, in a VPC an endpoint"
        self._is_off = True
        logger.warning(
            "failed messages cannot be hidden (%s): they come back when their queue's own visibility timeout says."
            " Nothing more is tried in this environment; %s, or set visibility=False",
            describe(error),
            advice,
        )


def changes_of(invocation: Invocation, waits: Sequence[tuple[Raw, Failure]], backoff: Backoff) -> list[Change]:
    """Return what is to be changed for *waits*; what cannot be, for want of an id or a handle, is left out."""
    io, source = invocation.io, invocation.source
    now_s = io.now()
    firsts: dict[str, tuple[Failure, int | None, float]] = {}
    changes: dict[str, Change] = {}  # by handle: several records may be parts of one message
    for raw, failure in waits:
        because = failure, source.receives_of(raw), io.random()
        if source.lane_of is not None:
            # A group with one hidden message delivers none: all of it comes back with its first.
            because = firsts.setdefault(source.lane_of(raw), because)
        wait_s = hidden_s(
            because[0],
            receives=because[1],
            rand=because[2],
            age_s=age_s(raw, now_s),
            now_s=now_s,
            backoff=backoff,
        )
        arn, handle = part_text(raw, "eventSourceARN"), part_text(raw, "receiptHandle")
        if wait_s is not None and handle and arn.count(":") == 5:
            known = changes.get(handle)
            if known is None or known.hidden_s < wait_s:
                changes[handle] = Change(part_text(raw, "messageId"), arn, handle, wait_s)
    return list(changes.values())


def _groups_of(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield what goes into one request: ten messages of one queue."""
    queues: dict[str, list[Change]] = {}
    for change in changes:
        queues.setdefault(change.queue_arn, []).append(change)
    for of_one in queues.values():
        for start in range(0, len(of_one), PER_REQUEST):
            yield of_one[start : start + PER_REQUEST]


def _connect(region: str) -> Any:
    from ..stores._aws_client import shared_client

    return shared_client("sqs", region=region or None)


_environment = QueueVisibility(_connect)
hide = _environment.hide
