"""The protocols that are explored: the library's own, for one record and for a batch, and one that is known to fail."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda import Classifier, Disposition, Idempotency, Record, Success, current_claim
from resilient_lambda._core.keys import key_prefix, stored_key
from resilient_lambda._core.pace import Pace
from resilient_lambda._core.sources import SQS
from resilient_lambda._core.sources import Delivery as Delivered
from resilient_lambda._handlers.batching import Batch
from resilient_lambda._handlers.lane_run import LaneRun
from resilient_lambda._handlers.plan import Plan
from resilient_lambda._policies.call import Call, Invocation
from resilient_lambda._policies.compose import compose, finish, running
from resilient_lambda.errors import LeaseLostError, RetryableError
from resilient_lambda.events import ClaimLost, CompletionUnrecorded
from resilient_lambda.stores import ABSENT, AsRead, Conflict
from resilient_lambda.testing import sqs_record

from .invariants import LEASE_S, SKEW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from .environment import Environment, Protocol
    from .stepping import StepIo

NAMESPACE = "explored"
LEDGER = "ledger"


def stored(letter: str) -> str:
    """Return the stored key of the records that have *letter* as their key."""
    return stored_key(key_prefix(NAMESPACE), letter)


class Asked:
    """What a policy takes for its store: calls of these methods are steps, none is ever made here."""

    def warm(self) -> None: ...
    def get(self, keys: Any) -> Any: ...
    def put_if(self, key: Any, item: Any, expected: Any) -> Any: ...
    def put_many_if(self, writes: Any) -> Any: ...
    def transact(self, own: Any, items: Any, *, token: str) -> Any: ...
    def put(self, key: Any, item: Any) -> Any: ...
    def delete(self, key: Any) -> Any: ...


def one_record(environment: Environment, io: StepIo) -> Any:
    """One environment of the library's own protocol that is given one record: the composed policy alone."""
    policy = Idempotency(Asked(), namespace=NAMESPACE, lease_s=LEASE_S, skew_s=SKEW_S)
    classify = Classifier().classify

    async def work(_: object) -> None:
        await _take_effect(environment, io)

    async def deliver(records: tuple[int, ...]) -> None:
        observers = [lambda event: _observe(environment, event)]
        invocation = Invocation(io, SQS, None, observers=observers, margin_s=None, pace=Pace())
        record = Record(sqs_record("{}", message_id="m", receives=1 + environment.delivery), SQS)
        call = Call(
            record,
            invocation,
            argument_of=lambda record: record,
            classify=classify,
            dispose=lambda failure, attempts: Disposition.RETRY,
            max_attempts=None,
            before_suspect=_nothing_waits,
        )
        try:
            outcome = await compose((policy,), running(work, takes_context=False))(call)
        finally:
            await finish((policy,), invocation)
        if isinstance(outcome, Success):
            environment.acknowledged.add(stored("m"))
            environment.failed = ()
        else:
            environment.failed = records

    return deliver


class Delivery(NamedTuple):
    """
    How a worker is given a batch.

    Attributes:
        letters: The key of each record.
        run_s: How long a run takes: the shorter, the more claims are taken ahead at once.
        is_warm: True if the environment has seen a run before, and so knows how long one takes.
        stop_s: How long after its beginning the invocation starts nothing more.
        function: What the user's function does.
        policy: Makes the policy.
        concurrency: How many records run at a time.
    """

    letters: str
    run_s: float = 0.01
    is_warm: bool = False
    stop_s: float = 1_000.0
    function: str = "effect"
    policy: Callable[..., Idempotency] = Idempotency
    concurrency: int = 1

    def protocol(self) -> Protocol:
        """Return the protocol of a worker that is given this."""
        return self._begin

    def _begin(self, environment: Environment, io: StepIo) -> Any:
        function = FUNCTIONS[self.function]

        async def work(record):
            await function(environment, io)

        environment.run_s = self.run_s
        plan = Plan(
            work,
            policies=[self.policy(Asked(), key="key", namespace=NAMESPACE, lease_s=LEASE_S, skew_s=SKEW_S)],
            dead_letter=None,
            observers=[lambda event: _observe(environment, event)],
            classifier=None,
            model=None,
            raw=False,
            max_attempts=None,
            margin_s=None,
            local_names={},
            is_event=False,
            concurrency=self.concurrency,
        )
        letters = self.letters + "~"  # for the warming up

        async def deliver(records: tuple[int, ...]) -> None:
            invocation = Invocation(
                io,
                SQS,
                _Context,
                observers=plan.observers,
                margin_s=0.0,
                pace=plan.pace,
                concurrency=plan.concurrency,
            )
            invocation.stop_at_s = io.now() + self.stop_s
            raws = [_raw(letters[n], n, 1 + environment.delivery) for n in records]
            batch = Batch(plan, invocation, Delivered(SQS, raws, None))
            await LaneRun(plan, batch, None).run()
            environment.failed = tuple(sorted(int(raw["messageId"]) for raw in batch.failed))
            environment.acknowledged |= {stored(letters[n]) for n in records if n not in environment.failed}

        if self.is_warm:
            environment.warm_up(deliver, (len(self.letters),))
        return deliver


@cache
def _raw(letter: str, number: int, receives: int) -> dict[str, Any]:
    return sqs_record({"key": letter}, message_id=str(number), receives=receives)


class _Context:
    """A Lambda context with time enough for all store calls."""

    REMAINING_S = 10_000.0

    @classmethod
    def get_remaining_time_in_millis(cls) -> int:
        return int(cls.REMAINING_S * 1_000)


async def _take_effect(environment: Environment, io: StepIo) -> None:
    claim = current_claim()
    environment.claims.append(claim)
    await io.work()
    environment.effects.append((claim.key, claim.entry.lapses))


async def _commit(environment: Environment, io: StepIo) -> None:
    claim = current_claim()
    environment.claims.append(claim)
    await io.work()
    # Unconditional: nothing but the transaction keeps the row from being written twice.
    await claim.acommit_with([{"Put": {"TableName": LEDGER, "Item": {"id": claim.key}}}])


async def _swallow(environment: Environment, io: StepIo) -> None:
    try:
        await _commit(environment, io)
    except RetryableError:
        raise
    except (Exception, LeaseLostError):  # what no function should do
        pass


async def _raise_late(environment: Environment, io: StepIo) -> None:
    await _commit(environment, io)
    raise ValueError("after the commit")


FUNCTIONS = {"effect": _take_effect, "commit": _commit, "swallow": _swallow, "raise late": _raise_late}


def _observe(environment: Environment, event: object) -> None:
    if isinstance(event, ClaimLost | CompletionUnrecorded):
        environment.journalled.add(event.key)


def unconditional(environment: Environment, io: StepIo) -> Any:
    """
    A model of a protocol whose claim is conditional, but whose completion and deletion are not.

    The first of the peers' bugs: a former owner overwrites or deletes the claim of the new one.
    """
    key, store = stored("m"), Asked()

    async def deliver(records: tuple[int, ...]) -> None:
        environment.failed = records
        item = {"format": 1, "status": "IN_PROGRESS", "version": f"{io.token()}.0", "expires_at_s": 9_999_999}
        claim = {**item, "lease_until_s": io.now() + LEASE_S, "lapses": 0}
        answer = await io.call(store.put_if, key, claim, ABSENT)
        if isinstance(answer, Conflict):
            current: Any = answer.current
            if current["status"] == "COMPLETED":
                environment.failed = ()
                return
            if io.now() <= current["lease_until_s"]:
                return
            claim["lapses"] = current["lapses"] + 1
            answer = await io.call(store.put_if, key, claim, AsRead((("version", current["version"]),)))
            if isinstance(answer, Conflict):
                return
        try:
            await io.work()
        except Exception:
            await io.call(store.delete, key)
            return
        environment.effects.append((key, claim["lapses"]))
        await io.call(store.put, key, {**item, "status": "COMPLETED", "version": f"{io.token()}.1"})
        environment.failed = ()

    return deliver


async def _nothing_waits() -> None:
    """Nothing else is in the batch."""
