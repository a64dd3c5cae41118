"""The protocols that are explored: the library's own, and one that completes unconditionally."""

from __future__ import annotations

from typing import Any

from resilient_lambda import Classifier, Disposition, Idempotency, Record, Success
from resilient_lambda._core.idempotency import believes, owner_of, parse
from resilient_lambda._core.sources import SQS
from resilient_lambda._policies.call import Call, Invocation
from resilient_lambda._policies.compose import compose, finish
from resilient_lambda.events import ClaimLost, CompletionUnrecorded
from resilient_lambda.stores import ABSENT, AsRead, Conflict, MemoryStore
from resilient_lambda.testing import sqs_record

from .workers import StepIo, StoreWorld, Violation, Worker

LEASE_S = 10.0
SKEW_S = 1.0
NAMESPACE = "explored"


def idempotency(world: StoreWorld) -> Any:
    """One environment of the library's own protocol: the real policy, claim, completion and journal."""
    policy = Idempotency(world.store, namespace=NAMESPACE, lease_s=LEASE_S, skew_s=SKEW_S)
    classify = Classifier().classify

    async def deliver(io: StepIo, worker: Worker) -> None:
        def work(_: object) -> None:
            world.effects.append((worker.name, worker.claim.entry.lapses))

        def observe(event: object) -> None:
            worker.events.append(event)
            if isinstance(event, ClaimLost):
                _check_loss(world, worker)

        worker.events.clear()
        invocation = Invocation(io, SQS, None, observers=[observe], margin_s=None)
        call = Call(
            Record(sqs_record("{}", message_id="m", receives=1 + worker.redeliveries), SQS),
            invocation,
            argument_of=lambda record: record,
            classify=classify,
            dispose=lambda failure, attempts: Disposition.RETRY,
            max_attempts=None,
            before_suspect=_nothing_waits,
        )
        try:
            outcome = await compose((policy,), work, takes_context=False)(call)
        finally:
            await finish((policy,), invocation)
        if isinstance(outcome, Success):
            worker.has_succeeded = True
            _check_success(world, worker)

    return deliver


def check_idempotency(world: StoreWorld) -> None:
    """Check what must hold in every state; raises `Violation`."""
    if "violation" in world.facts:  # noticed inside a coroutine, which must not be torn by it
        raise Violation(world.facts["violation"])
    entry = _entry(world)
    for worker in world.workers.values():
        claim = worker.claim
        if claim is None or worker.is_crashed or claim.is_settled:
            continue
        if believes(claim.entry, now_s=world.now_s, skew_s=SKEW_S) and (
            entry is None or owner_of(entry.version) != owner_of(claim.entry.version)
        ):
            raise Violation(f"{worker.name} trusts its lease, but the key belongs to {entry}")
    done = world.facts.get("completed")
    if done is not None and (entry is None or entry.version != done):
        raise Violation(f"the completion {done} was overwritten by {entry}")
    if entry is not None and entry.status.value == "COMPLETED":
        world.facts["completed"] = entry.version
    check_effects(world)


def check_effects(world: StoreWorld) -> None:
    """No effect is repeated unless a lease has lapsed in between."""
    for n, (second, lapses_after) in enumerate(world.effects):
        for first, lapses_before in world.effects[:n]:
            if lapses_after == lapses_before:
                raise Violation(f"{second} repeated the effect of {first} although no lease had lapsed")


def _check_loss(world: StoreWorld, worker: Worker) -> None:
    entry = _entry(world)
    if entry is not None and owner_of(entry.version) == owner_of(worker.claim.entry.version):
        world.facts["violation"] = f"{worker.name} was refused by its own item {entry}"


def _check_success(world: StoreWorld, worker: Worker) -> None:
    entry = _entry(world)
    is_journalled = any(isinstance(event, CompletionUnrecorded | ClaimLost) for event in worker.events)
    if not is_journalled and (entry is None or entry.status.value != "COMPLETED"):
        world.facts["violation"] = f"the success of {worker.name} was dropped: {entry}"


def _entry(world: StoreWorld) -> Any:
    (key,) = world.keys
    return parse(world.store.get([key]).get(key))


def unconditional(world: StoreWorld) -> Any:
    """
    A model of a protocol whose claim is conditional, but whose completion and deletion are not.

    The first of the peers' bugs: a former owner overwrites or deletes the claim of the new one.
    """
    (key,) = world.keys

    async def deliver(io: StepIo, worker: Worker) -> None:
        claim = {"status": "IN_PROGRESS", "version": io.token(), "lease_until_s": io.now() + LEASE_S}
        answer = await io.call(world.store.put_if, key, claim, ABSENT)
        lapses = 0
        if isinstance(answer, Conflict):
            current = answer.current
            assert current is not None
            if current["status"] == "COMPLETED":
                worker.has_succeeded = True
                return
            if io.now() <= current["lease_until_s"]:  # type: ignore[operator]
                return
            lapses = world.facts["lapses"] = world.facts.get("lapses", 0) + 1
            answer = await io.call(world.store.put_if, key, claim, AsRead((("version", current["version"]),)))
            if isinstance(answer, Conflict):
                return
        try:
            await io.invoke(lambda _: world.effects.append((worker.name, world.facts.get("lapses", lapses))), None)
        except Exception:
            await io.call(_delete, world.store, key)
            return
        await io.call(_put, world.store, key, {"status": "COMPLETED", "version": io.token()})
        worker.has_succeeded = True

    return deliver


async def _nothing_waits() -> None:
    """Nothing else is in the batch."""


def _put(store: MemoryStore, key: str, item: Any) -> None:
    current = store.get([key]).get(key)
    store.put_if(key, item, ABSENT if current is None else AsRead((("version", current["version"]),)))


def _delete(store: MemoryStore, key: str) -> None:
    current = store.get([key]).get(key)
    if current is not None:
        store.delete_if(key, AsRead((("version", current["version"]),)))
