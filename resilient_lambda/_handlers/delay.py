"""`Delay`: how long a re-invocation waits, and where."""

from __future__ import annotations

import re
from importlib import import_module
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any, Protocol

from .._core.backoff import Backoff
from .._core.options import number, text
from ..errors import ConfigurationError, NotReinvokedError
from . import reinvoker_seam as seam
from .delay_address import Address

if TYPE_CHECKING:
    from .._core.reinvoke import Reinvoke

_YEAR_S = 31_536_000


class _Place(Protocol):
    is_queue: bool

    def warm(self) -> None: ...

    def put_off(self, found: Reinvoke, *, now_s: float, rand: float) -> None: ...


class Delay:
    """How long a re-invocation waits, and where: `Delay.sqs` or `Delay.schedule`."""

    def __init__(self, place: _Place) -> None:
        if not hasattr(place, "put_off"):
            raise ConfigurationError(f"Delay({place!r}): use Delay.sqs(...) or Delay.schedule(...)")
        self._place = place

    def __repr__(self) -> str:
        return f"Delay({self._place!r})"

    @classmethod
    def sqs(
        cls,
        url: str | None = None,
        *,
        env: str | None = None,
        wait: float | Backoff = 60.0,
        region: str | None = None,
        client: Any = None,
    ) -> Delay:
        """
        Have re-invocations wait in an SQS queue, a standard one, whose messages come back to the re-invoker.

        The queue may be the one that the records come from. Up to 15 minutes; a quarter is added by chance.

        Args:
            url: The queue's URL.
            env: The environment variable that holds the URL, read when the handler is warmed or first used.
            wait: How long, in seconds, at most 900; or a `Backoff`, by the number of the re-invocation.
            region: Default: that of the URL, or ``AWS_REGION``; not together with *client*.
            client: A boto3 SQS client; by default one is built when needed: connect 1 s, read 2 s, no retries.

        Raises:
            ConfigurationError: An option is wrong, or the queue is a FIFO queue, which delays no single message.
        """
        _check_wait(wait, at_most_s=900)
        return cls(_Queue(Address("Delay.sqs", "url", url, env), wait, region, client))

    @classmethod
    def schedule(
        cls,
        role_arn: str | None = None,
        *,
        env: str | None = None,
        dead_letter_arn: str | None = None,
        dead_letter_env: str | None = None,
        wait: float | Backoff = 900.0,
        group: str = "default",
        region: str | None = None,
        client: Any = None,
    ) -> Delay:
        """
        Have EventBridge Scheduler invoke the function, by a one-time schedule that removes itself.

        The schedule's name is made of the event and the attempt, so that there is never a second one. A quarter is
        added by chance. Payloads of more than 256 KB, those that are no objects, and functions that are isolated by
        tenants cannot wait so: their records are set aside.

        Args:
            role_arn: The role that the schedule invokes the function with.
            env: The environment variable that holds the ARN, read when the handler is warmed or first used.
            dead_letter_arn: The standard SQS queue that EventBridge Scheduler sends to what it could not invoke the
                function with, since the re-invoker does not hear of it. The role needs ``sqs:SendMessage`` on it.
            dead_letter_env: The environment variable that holds that ARN.
            wait: How long, in seconds, at most a year; or a `Backoff`, by the number of the re-invocation.
            group: The schedule group, which must exist.
            region: Default: that of the function; not together with *client*.
            client: A boto3 client of EventBridge Scheduler (``scheduler``); by default one is built when needed:
                connect 1 s, read 2 s, no retries.

        Raises:
            ConfigurationError: An option is wrong.
        """
        _check_wait(wait, at_most_s=_YEAR_S)
        if not isinstance(group, str) or not re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", group):
            raise ConfigurationError(f"group={group!r} is no name of a schedule group")
        role = Address("Delay.schedule", "role_arn", role_arn, env)
        lost = Address("Delay.schedule", "dead_letter_arn", dead_letter_arn, dead_letter_env, by="dead_letter_env")
        return cls(_Scheduler(role, wait, region, client, lost=lost, group=group))

    @property
    def is_queue(self) -> bool:
        """True if what has waited comes back to the re-invoker."""
        return self._place.is_queue

    def warm(self) -> None:
        """Read the environment and build the client."""
        self._place.warm()

    def put_off(self, found: Reinvoke, *, now_s: float, rand: float) -> None:
        """
        Have *found* wait.

        Raises:
            NotReinvokedError: It cannot wait here.
            Exception: What the client raises.
        """
        self._place.put_off(found, now_s=now_s, rand=rand)


def _check_wait(wait: Any, *, at_most_s: int) -> None:
    if isinstance(wait, Backoff):
        if wait.jitter is not None:
            raise ConfigurationError(f"wait={wait!r}: jitter is for Retry; a delay is a quarter longer by chance")
        longest_s = wait.cap_s
    else:
        number("wait", wait, at_least=0)
        longest_s = wait
    if longest_s > at_most_s:
        raise ConfigurationError(f"wait={wait!r} is too long: at most {at_most_s} s here")


class _Waiting:
    """What both places have: an address, a wait, and a client that is built when needed."""

    service = ""

    def __init__(self, address: Address, wait: float | Backoff, region: str | None, client: Any) -> None:
        if region is not None:
            text("region", region)
            if client is not None:
                raise ConfigurationError("region belongs to the client: pass either it or client=")
        self._address, self._wait, self._region, self._client = address, wait, region, client

    def __repr__(self) -> str:
        return f"{self.service} {self._address!r}"

    def _connected(self, region: str | None) -> Any:
        if self._client is not None:
            return self._client
        from ..stores._aws_client import shared_client

        return shared_client(self.service, region=self._region or region)

    def warm(self) -> None:
        import_module(".._core.reinvoke_delay", __package__)  # what the first one would load
        self._address.read()
        if seam.delays is None:
            self._connected(self._home())

    def _home(self) -> str | None:
        return None


class _Queue(_Waiting):
    service = "sqs"
    is_queue = True

    def _home(self) -> str | None:
        parts = self._address.read().split("/")[2].split(".")
        return parts[1] if len(parts) > 2 and parts[0] == "sqs" else None

    def put_off(self, found: Reinvoke, *, now_s: float, rand: float) -> None:
        from .._core.reinvoke import to_message
        from .._core.reinvoke_delay import MOST_MESSAGE_BYTES, queued_s, wait_s

        body = to_message(found)
        if len(body) > MOST_MESSAGE_BYTES:
            raise NotReinvokedError(
                f"the payload has {len(body)} bytes as a message; a queue takes {MOST_MESSAGE_BYTES}"
            )
        delay_s = queued_s(wait_s(self._wait, found.mark.attempt - 1, rand))
        request: dict[str, Any] = {"MessageBody": body.decode(), "DelaySeconds": delay_s}
        if seam.delays is not None:
            seam.delays(repr(self._address), delay_s, request)
            return
        answer = self._connected(self._home()).send_message(QueueUrl=self._address.read(), **request)
        if not answer.get("MessageId"):
            raise RuntimeError("SQS has answered without a message id: it is not known whether it has the message")


class _Scheduler(_Waiting):
    service = "scheduler"
    is_queue = False

    def __init__(
        self, role: Address, wait: float | Backoff, region: str | None, client: Any, *, lost: Address, group: str
    ) -> None:
        super().__init__(role, wait, region, client)
        self._lost, self._group = lost, group

    def warm(self) -> None:
        self._lost.read()
        super().warm()

    def put_off(self, found: Reinvoke, *, now_s: float, rand: float) -> None:
        from .._core import reinvoke_delay as said

        if not found.carries_mark:
            raise NotReinvokedError("a payload that is no object cannot wait in a schedule: nobody would count it")
        if found.tenant_id is not None:
            raise NotReinvokedError("a schedule invokes for no tenant; use Delay.sqs, or no delay")
        payload = said.schedule_input(found.payload)
        if len(payload) > said.MOST_INPUT_BYTES:
            raise NotReinvokedError(
                f"the payload has {len(payload)} bytes; a schedule takes {said.MOST_INPUT_BYTES}: use Delay.sqs"
            )
        target = f"{found.function}:{found.qualifier}" if found.qualifier else found.function
        at_s = said.schedule_at_s(now_s, said.wait_s(self._wait, found.mark.attempt - 1, rand))
        is_real = seam.delays is None
        request = said.schedule_request(
            name=said.schedule_name(target, found.mark),
            group=self._group,
            at=strftime("%Y-%m-%dT%H:%M:%S", gmtime(at_s)),
            target=target,
            role_arn=self._address.read() if is_real else repr(self._address),
            dead_letter_arn=self._lost.read() if is_real else repr(self._lost),
            payload=payload.decode(),
        )
        if seam.delays is not None:
            seam.delays(self._group, at_s - now_s, request)
            return
        try:
            self._connected(found.function.split(":")[3]).create_schedule(**request)
        except Exception as error:  # botocore's errors have no common root that could be named without importing it
            answer = getattr(error, "response", None)
            code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
            if code != "ConflictException":  # it is there already: this is a second try, or a duplicate record
                raise
