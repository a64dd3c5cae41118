"""The schedules of docs/protocols.md, played through handlers as users write them; the label is in the test's name."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    batch_handler,
    current_claim,
)
from resilient_lambda.errors import CrashLoopError, FingerprintMismatchError, StoreUnavailableError
from resilient_lambda.events import ClaimTaken, CompletionUnrecorded
from resilient_lambda.stores import AsRead
from resilient_lambda.testing import FakeIo, fake_io, lambda_context, sqs_event, sqs_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.stores import Conflict, Stored

ALL_DONE: dict[str, Any] = {"batchItemFailures": []}
LEASE_S = 30.0
SKEW_S = 2.0


class FragileStore(MemoryStore):
    """
    A store that fails when told to.

    Attributes:
        is_down: Nothing is written, nothing is answered.
        is_mute: Writes take effect, but nothing is answered.
    """

    is_down = False
    is_mute = False

    def put_if(self, key: str, item: Any, expected: Any) -> Stored | Conflict:
        """Write, unless the store is down."""
        if self.is_down:
            raise StoreUnavailableError("down")
        answer = super().put_if(key, item, expected)
        if self.is_mute:
            raise StoreUnavailableError("mute")
        return answer

    def only_item(self) -> Any:
        """Return the one item that is stored."""
        (item,) = self.get(list(self._items)).values()
        return item


class Died(BaseException):
    """The environment is gone: nothing of it may go on."""


class Environment:
    """
    One environment of the function, with what it knows by itself.

    Attributes:
        runs: The keys that were run here, in order.
        letters: The dead letters that were sent from here.
        events: What its observers heard.
    """

    def __init__(self, store: MemoryStore, work: Callable[[Any], None] = lambda order: None, **options: Any) -> None:
        self.runs: list[str] = []
        self.letters: list[tuple[str, BaseException]] = []
        self.events: list[object] = []
        self.work = work
        max_attempts = options.pop("max_attempts", None)
        policy = Idempotency(store, key="k", namespace="n", **options)

        @batch_handler(
            policies=[policy],
            dead_letter=DeadLetter(self._park),
            observers=[self.events.append],
            max_attempts=max_attempts,
        )
        def handler(order: dict) -> None:
            self.runs.append(order["k"])
            self.work(order)

        self.handler = handler

    def _park(self, record: Any, error: BaseException) -> str:
        self.letters.append((record.id, error))
        return f"parked-{len(self.letters)}"

    def deliver(self, io: FakeIo, *keys: str, message_id: str | None = None, receives: int = 1, **more: Any) -> Any:
        """Deliver one record for each key; return the ids that come back."""
        records = [
            sqs_record({"k": key, **more}, message_id=message_id or f"m-{key}", receives=receives) for key in keys
        ]
        answer = self.handler(sqs_event(records), io.context(timeout_s=LEASE_S - SKEW_S))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def crash(self, io: FakeIo, store: FragileStore, key: str) -> None:
        """Deliver a record that ends this environment: nothing is written after the claim."""

        def die(order: Any) -> None:
            store.is_down = True
            raise Died

        self.work, work = die, self.work
        with pytest.raises(Died):
            self.deliver(io, key, receives=2)
        self.work, store.is_down = work, False


@pytest.fixture
def io() -> Iterator[FakeIo]:
    """Virtual time."""
    with fake_io() as io:
        yield io


@pytest.fixture
def store() -> FragileStore:
    """The table of all environments."""
    return FragileStore()


def refuse(order: Any) -> None:
    """Fail for good."""
    raise NonRetryableError


def fail(order: Any) -> None:
    """Fail, to be tried again."""
    raise ValueError


def test_a1_a_redrive_of_a_remembered_failure_runs(io, store):
    """The same delivery is acknowledged without a run, another one with the same key is run."""
    environment = Environment(store, refuse, remember_failures_s=3600)
    environment.deliver(io, "a", message_id="first")
    again = environment.deliver(io, "a", message_id="first", receives=2)

    assert (again, environment.runs) == ([], ["a"])

    environment.work = lambda order: None  # the fix
    environment.deliver(io, "a", message_id="redriven")

    assert environment.runs == ["a", "a"]


def test_a5_a_bounced_record_is_not_set_aside(io, store):
    """Five receives that met a claim in progress are no attempts, whatever max_attempts says."""
    second = Environment(store, max_attempts=2)
    bounced: list[Any] = []

    def meanwhile(order: Any) -> None:
        bounced.extend(second.deliver(io, "a", message_id="twin", receives=n) for n in range(1, 6))

    Environment(store, meanwhile).deliver(io, "a")

    assert bounced == [["twin"]] * 5
    assert (second.runs, second.letters) == ([], [])


def test_a6_a_record_that_crashes_is_set_aside_without_its_neighbours(io, store):
    """After max_attempts crashes and one it is not run again; the record beside it is, as its first attempt."""
    environment = Environment(store, max_attempts=2)
    for _ in range(3):
        environment.crash(io, store, "poison")
        io.advance(LEASE_S + 2 * SKEW_S)
    came_back = environment.deliver(io, "poison", "beside", receives=3)
    beside, _ = [event for event in environment.events if isinstance(event, ClaimTaken)][-2:]  # the suspect comes last

    assert came_back == []
    assert environment.runs == ["poison"] * 3 + ["beside"]
    assert [type(error) for _, error in environment.letters] == [CrashLoopError]
    assert (beside.attempt, beside.lapses) == (1, 0)


def test_b4_a_late_success_is_recorded_over_a_release(io, store):
    """E1 overstays, E2 takes over and fails: E1's success stands, and nobody runs it a third time."""
    second, third = Environment(store, fail), Environment(store)

    def overstay(order: Any) -> None:
        store.is_down = True  # so that the heartbeat fails
        io.advance(LEASE_S + 2 * SKEW_S)
        store.is_down = False
        second.deliver(io, "a", receives=2)

    first = Environment(store, overstay, lease_s=LEASE_S)
    first.deliver(io, "a")
    third.deliver(io, "a", receives=3)

    assert (first.runs, second.runs, third.runs) == (["a"], ["a"], [])


def test_b6_a_suspended_function_keeps_its_claim(io, store):
    """A twin of an event whose durable execution is suspended does not start a second one."""

    class SuspendExecution(BaseException):  # the name that durable functions give it
        pass

    def suspend(order: Any) -> None:
        raise SuspendExecution

    second = Environment(store)
    with pytest.raises(SuspendExecution):
        Environment(store, suspend).deliver(io, "a")

    assert second.deliver(io, "a", message_id="twin") == ["twin"]
    assert second.runs == []


def test_b7_owners_do_not_come_from_a_seed(store):
    """Two environments with one seed, as restored from one snapshot, are two owners, each with its request's id."""
    owners = []
    for key in "ab":
        random.seed(0)
        environment = Environment(store, lambda order: owners.append(current_claim().entry.version))
        environment.handler(sqs_event([{"k": key}]), lambda_context(request_id="request"))

    assert len({owner.partition("-")[0] for owner in owners}) == 2
    assert [owner.partition("-")[2] for owner in owners] == ["request.0"] * 2


def test_b8_an_unrecorded_success_is_acknowledged_and_written_later(io, store):
    """The journal answers duplicates here, and the next invocation writes it for everybody else."""

    def outage(order: Any) -> None:
        store.is_down = order["k"] == "a"

    first, second = Environment(store, outage), Environment(store)
    came_back = first.deliver(io, "a")
    during = first.deliver(io, "a", message_id="duplicate")
    store.is_down = False
    first.deliver(io, "other")
    second.deliver(io, "a", receives=2)

    assert (came_back, during) == ([], [])
    assert CompletionUnrecorded in {type(event) for event in first.events}
    assert (first.runs, second.runs) == (["a", "other"], [])


def test_b11_a_release_does_not_undo_a_completion_that_kept_the_version(io, store):
    """The status is part of what a write expects."""

    def completed_by_another_program(order: Any) -> None:
        item = store.only_item()
        kept = AsRead((("version", item["version"]),))
        store.put_if(current_claim().key, {**item, "status": "COMPLETED"}, kept)
        raise ValueError

    Environment(store, completed_by_another_program).deliver(io, "a")

    assert store.only_item()["status"] == "COMPLETED"


def test_b12_a_claim_and_a_release_outlive_lease_and_retention(io, store):
    """TTL cannot remove a claim in progress, nor the count of attempts, a day before its time."""
    expiries = []

    def look(order: Any) -> None:
        item = store.only_item()
        expiries.append(item["expires_at_s"] - item["lease_until_s"])
        raise ValueError

    Environment(store, look, keep_s=60, lease_s=900).deliver(io, "a")

    assert expiries[0] >= 86_400
    assert store.only_item()["expires_at_s"] >= io.now() + 60 + 86_400


@pytest.mark.parametrize(("after_s", "runs"), [(2 * SKEW_S - 0.1, []), (2 * SKEW_S + 0.1, ["a"])])
def test_b13_others_wait_for_the_skew_of_clocks(io, store, after_s, runs):
    """A lapsed claim is taken over skew_s after the end of its lease, which itself ends skew_s after the deadline."""
    Environment(store).crash(io, store, "a")
    io.advance(LEASE_S - SKEW_S - io.now() % 1 + after_s)
    second = Environment(store)
    second.deliver(io, "a", receives=2)

    assert second.runs == runs


def test_b17_a_mismatch_leaves_the_completion_alone(io, store):
    """Another payload under a used key is refused, and changes nothing."""
    environment = Environment(store, fingerprint="total")
    environment.deliver(io, "a", total=1)
    before = store.only_item()
    Environment(store, fingerprint="total").deliver(io, "a", message_id="other", total=2)
    refusing = Environment(store, fingerprint="total")
    refusing.deliver(io, "a", message_id="other", total=2)

    assert store.only_item() == before
    assert [type(error) for _, error in refusing.letters] == [FingerprintMismatchError]


def test_c2_a_claim_of_unknown_fate_is_given_back(io, store):
    """The claim was written, nobody said so: the record comes back, and the next delivery runs it at once."""
    first, second = Environment(store), Environment(store)
    store.is_mute = True
    came_back = first.deliver(io, "a")
    store.is_mute = False
    second.deliver(io, "a", receives=2)
    taken = [event for event in second.events if isinstance(event, ClaimTaken)]

    assert came_back == ["m-a"]
    assert (first.runs, second.runs) == ([], ["a"])
    assert [(event.attempt, event.lapses) for event in taken] == [(1, 0)]


def test_c3_what_need_not_wait_runs_first(io, store):
    """A record that waits for a twin elsewhere does so after all others, holding nothing."""
    slept_before: list[int] = []
    waiting = Environment(store, lambda order: slept_before.append(len(io.slept_s)), on_in_progress="wait")
    came_back: list[Any] = []

    def meanwhile(order: Any) -> None:
        came_back.extend(waiting.deliver(io, "a", "b"))

    Environment(store, meanwhile).deliver(io, "a")

    assert (waiting.runs, came_back) == (["b"], ["m-a"])
    assert slept_before == [0]
    assert io.slept_s


def test_d5_a_failure_is_not_remembered_by_the_environment(io, store):
    """What failed here is done elsewhere: the next delivery here finds that, and one before would have run."""
    first, second = Environment(store, fail), Environment(store)
    first.deliver(io, "a")
    first.deliver(io, "a", receives=2)
    second.deliver(io, "a", receives=3)
    came_back = first.deliver(io, "a", receives=4)

    assert (first.runs, second.runs, came_back) == (["a", "a"], ["a"], [])
