"""Idempotency under several lanes, in whatever order chance has them go on: every seed keeps every promise."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, Idempotency, NonRetryableError, batch_handler, current_claim
from resilient_lambda.events import ClaimTaken, DuplicateSuppressed
from resilient_lambda.testing import fake_io, kafka_event, kafka_record, sqs_event, sqs_record
from tests.handlers.answers import failed
from tests.policies.environments import Crash, Sink
from tests.policies.stores import NAMESPACE, FaultyStore, key_of

HOW = ["done", "done", "done", "retry", "refused"]


class Shop:
    """
    A handler with several lanes over a store, and what happened in it.

    Attributes:
        runs: The keys that ran, in the order in which they began.
        inside: The keys that run now.
    """

    def __init__(self, store: FaultyStore, how: dict[str, str], **options: Any) -> None:
        self.store = store
        self.how = how
        self.sink = Sink()
        self.runs: list[str] = []
        self.inside: list[str] = []
        self.most = 0
        self.events: list[Any] = []
        self.work: Any = lambda key: None

        def function(body):
            key = body["k"]
            assert current_claim().key == key_of(key)
            self.runs.append(key)
            self.inside.append(key)
            self.most = max(self.most, len(self.inside))
            try:
                self.work(key)
                if self.how.get(key) == "retry":
                    raise ValueError
                if self.how.get(key) == "refused":
                    raise NonRetryableError
            finally:
                self.inside.remove(key)

        self.handler = batch_handler(
            policies=[Idempotency(store, key="k", namespace=NAMESPACE)],
            model=dict,
            dead_letter=DeadLetter(self.sink),
            observers=[self.events.append],
            **options,
        )(function)

    def queue(self, time: Any, *keys: str, timeout_s: float = 300) -> list[str]:
        """Deliver messages of a standard queue; return the keys of those that come again."""
        raws = [sqs_record(json.dumps({"k": key}), message_id=f"m{n}") for n, key in enumerate(keys)]
        again = failed(self.handler(sqs_event(raws), time.context(timeout_s=timeout_s)))
        return [keys[int(name[1:])] for name in again]

    def partitions(self, time: Any, *records: tuple[int, str], timeout_s: float = 300) -> dict[int, int]:
        """Deliver records of Kafka, by partition and key; return the first index of each partition that comes again."""
        raws = [kafka_record({"k": key}, partition=p, offset=n) for n, (p, key) in enumerate(records)]
        answer = self.handler(kafka_event(raws), time.context(timeout_s=timeout_s))
        named = [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
        return {int(found["partition"].rpartition("-")[2]): found["offset"] for found in named}

    def statuses(self) -> dict[str, str | None]:
        """Return where every key stands that has run or was claimed."""
        return {key: self.store.status(key_of(key)) for key in {*self.how, *self.runs}}


KEYS = [f"k{n}" for n in range(8)]
SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(
    seed=st.integers(0, 10_000),
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=30),
    how=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(HOW)),
    concurrency=st.integers(2, 6),
    holds_jobs=st.booleans(),
)
def test_each_key_of_a_queue_runs_once_and_every_claim_is_settled(seed, keys, how, concurrency, holds_jobs):
    """Duplicates attach in whatever lane they are; what failed comes back with all its duplicates."""
    with fake_io(seed=seed) as time:
        time.holds_jobs = holds_jobs
        shop = Shop(FaultyStore(), how, concurrency=concurrency)
        again = shop.queue(time, *keys)

    bad = {key for key in keys if how.get(key) == "retry"}
    refused = {key for key in keys if how.get(key) == "refused"}
    assert Counter(shop.runs) == dict.fromkeys(keys, 1)
    assert sorted(again) == sorted(key for key in keys if key in bad)
    assert {key: status for key, status in shop.statuses().items() if key in keys} == {
        key: "RELEASED" if key in bad | refused else "COMPLETED" for key in keys
    }
    assert set(shop.sink.parked) == refused
    assert shop.most <= concurrency


@SETTINGS
@given(
    seed=st.integers(0, 10_000),
    records=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(KEYS)), min_size=1, max_size=24),
    how=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(HOW)),
    concurrency=st.integers(1, 5),
)
def test_lanes_of_kafka_keep_their_order_and_lose_nothing(seed, records, how, concurrency):
    """Each partition is done up to its checkpoint; keys ran once; nothing behind a failure has begun."""
    with fake_io(seed=seed) as time:
        shop = Shop(FaultyStore(), how, concurrency=concurrency)
        checkpoints = shop.partitions(time, *records)

    assert max(Counter(shop.runs).values(), default=0) <= 1
    for number, (partition, key) in enumerate(records):
        is_before = number < checkpoints.get(partition, len(records))
        if is_before:
            assert how.get(key) != "retry"
            assert key in shop.runs
            assert key in shop.sink.parked or shop.store.status(key_of(key)) == "COMPLETED"
        elif number == checkpoints[partition]:
            assert how.get(key) in ("retry", "refused")  # a duplicate of what was set aside comes back (B10)
    for key, status in shop.statuses().items():  # what is set aside is remembered: the source may bring it back
        assert status in ("COMPLETED", "RELEASED", None, "FAILED" if how.get(key) == "refused" else None)


@SETTINGS
@given(
    seed=st.integers(0, 10_000),
    concurrency=st.integers(2, 5),
    step=st.sampled_from(["any", "claim", "complete", "release", "read"]),
    times=st.integers(1, 8),
    has_effect=st.booleans(),
    keys=st.lists(st.sampled_from(KEYS), min_size=2, max_size=20),
)
def test_lost_answers_of_the_store_double_nothing(seed, concurrency, step, times, has_effect, keys):
    """Whatever the store does: a key runs once at most, and what did not run comes back."""
    with fake_io(seed=seed) as time:
        store = FaultyStore()
        store.fail(step, times=times, has_effect=has_effect)
        shop = Shop(store, {}, concurrency=concurrency)
        again = shop.queue(time, *keys)
        store.heal()
        time.advance(400)
        assert shop.queue(time, *keys) == []

    assert max(Counter(shop.runs).values()) == 1
    assert set(keys) == set(shop.runs)
    assert {key for key in keys if key not in again} <= set(shop.runs)


@pytest.mark.parametrize("seed", range(12))
def test_a_suspect_runs_alone_and_last(seed):
    """What has ended its environment before runs when all others are on record, and nothing beside it (A6)."""
    store = FaultyStore()
    found = []
    with fake_io(seed=seed) as time:
        store.lay(time.now(), key=key_of("k1"), lease_until_s=time.now() - 100, lapses=0)
        shop = Shop(store, {"k5": "refused"}, concurrency=3)

        def work(key):
            if key == "k1":
                found.append((list(shop.inside), {k: store.status(key_of(k)) for k in KEYS if k != "k1"}))
                found.append(list(shop.sink.parked))

        shop.work = work
        assert shop.queue(time, *KEYS) == []

    (inside, statuses), parked = found
    assert shop.runs[-1] == "k1"
    assert inside == ["k1"]
    assert parked == ["k5"]
    assert statuses == {**dict.fromkeys(set(KEYS) - {"k1", "k5"}, "COMPLETED"), "k5": statuses["k5"]}
    assert shop.statuses()["k1"] == "COMPLETED"


@pytest.mark.parametrize("seed", range(12))
def test_several_suspects_run_one_after_the_other_the_likeliest_culprit_last(seed):
    """The more often a key has ended its environment, the later it runs."""
    store = FaultyStore()
    with fake_io(seed=seed) as time:
        for key, lapses in (("k0", 2), ("k1", 0), ("k2", 1)):
            store.lay(time.now(), key=key_of(key), lease_until_s=time.now() - 100, lapses=lapses)
        shop = Shop(store, {}, concurrency=4)
        assert shop.queue(time, *KEYS) == []

    assert shop.runs[-3:] == ["k1", "k2", "k0"]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_twin_in_an_ordered_lane_is_waited_for_when_nothing_else_can_run(seed, concurrency):
    """Other partitions are done before anybody waits; the twin's lane goes on in order afterwards (A2, C3)."""
    store = FaultyStore()
    waited = []
    with fake_io(seed=seed) as time:
        store.lay(time.now(), key=key_of("k0"), lease_until_s=time.now() + 10, lapses=0)
        shop = Shop(store, {}, concurrency=concurrency)
        shop.work = lambda key: waited.append((key, sum(time.slept_s) > 9))
        checkpoints = shop.partitions(time, (0, "k0"), (0, "k1"), (1, "k2"), (1, "k3"), (2, "k4"), timeout_s=60)

    assert checkpoints == {}
    assert sorted(waited) == [("k0", True), ("k1", True), ("k2", False), ("k3", False), ("k4", False)]
    assert shop.runs.index("k0") < shop.runs.index("k1")
    assert set(shop.statuses().values()) == {"COMPLETED"}


@pytest.mark.parametrize("seed", range(6))
def test_nothing_unstarted_is_held_while_a_twin_is_waited_for(seed):
    """Two environments that wait for each other's keys would wait for ever (protocols.md C3)."""
    store = FaultyStore()
    held = set()
    with fake_io(seed=seed) as time:
        store.lay(time.now(), key=key_of("k0"), lease_until_s=time.now() + 10, lapses=0)
        shop = Shop(store, {"k2": "retry"}, concurrency=2)

        def look(step):
            if step == "read" and sum(time.slept_s) > 1:
                held.update(key for key in KEYS[1:] if store.status(key_of(key)) == "IN_PROGRESS")

        store.before_call = look
        checkpoints = shop.partitions(time, (0, "k0"), (0, "k1"), (1, "k2"), (1, "k3"), timeout_s=60)

    assert checkpoints == {1: 2}
    assert sum(time.slept_s) > 9
    assert held == set()


@pytest.mark.parametrize("concurrency", [2, 4, 8])
def test_several_lanes_share_the_claims_ahead(concurrency):
    """A hundred keys cost a handful of requests, however many lanes there are."""
    with fake_io() as time:
        time.holds_jobs = True
        store = FaultyStore()
        shop = Shop(store, {}, concurrency=concurrency)
        shop.work = lambda key: time.advance(0.001)
        keys = [f"k{n}" for n in range(100)]

        assert shop.queue(time, *keys) == []

    assert Counter(store.steps) == {"claim": 100, "complete": 100}
    assert store.requests <= 8 + concurrency


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_stopped_lane_has_nothing_claimed_for_it(concurrency):
    """What cannot run any more is not claimed: a crash would make suspects of all of it (protocols.md C2, A6)."""
    with fake_io() as time:
        store = FaultyStore()
        shop = Shop(store, {"bad": "retry"}, concurrency=concurrency)
        shop.work = lambda key: time.advance(0.05)
        records = [(0, "bad"), *((0, f"x{n}") for n in range(400)), *((1, f"y{n}") for n in range(100))]

        assert shop.partitions(time, *records) == {0: 0}

    claimed = Counter(store.steps)["claim"]
    assert claimed <= 101 + 100  # a window of the lane that has stopped, not the lane
    assert len(shop.runs) == 101


@pytest.mark.parametrize("concurrency", [1, 4])
def test_where_many_lanes_stop_little_is_claimed_in_vain(concurrency):
    """A dependency is down: the more lanes stop, the less is claimed ahead, and all of it is given back."""
    with fake_io() as time:
        store = FaultyStore()
        shop = Shop(store, {f"p{p}n0": "retry" for p in range(100)}, concurrency=concurrency)
        shop.work = lambda key: time.advance(0.001)
        shop.partitions(time, *((p, f"p{p}n{n}") for p in range(100) for n in range(50)))

    steps = Counter(store.steps)
    assert sorted(shop.runs) == sorted(f"p{p}n0" for p in range(100))
    assert steps["claim"] == steps["release"] <= 1_200  # twelve for each lane that has stopped


def test_lanes_far_apart_claim_what_comes_next_in_each():
    """The second partition's first record does not have all of the first partition claimed before it."""
    most = 0
    with fake_io() as time:
        store = FaultyStore()
        shop = Shop(store, {}, concurrency=2)
        keys = [(p, f"p{p}n{n}") for p in range(2) for n in range(300)]
        steps: Counter[str] = Counter()

        def work(key):
            nonlocal most
            steps.update(store.steps)
            store.steps.clear()
            most = max(most, steps["claim"] - steps["complete"])
            time.advance(0.05)

        shop.work = work
        assert shop.partitions(time, *keys) == {}

    assert len(shop.runs) == 600
    assert most <= 150


@pytest.mark.parametrize("concurrency", [2, 4])
def test_what_is_unrecorded_is_bounded_with_several_lanes(concurrency):
    """With writes that take as long as they can, fifty keys and one for each lane are at stake (protocols.md B9)."""
    most = 0
    with fake_io() as time:
        time.holds_jobs = True
        store = FaultyStore()
        shop = Shop(store, {}, concurrency=concurrency)
        completed: Counter[str] = Counter()

        def work(key):
            nonlocal most
            completed.update(step for step in store.steps if step == "complete")
            store.steps.clear()
            most = max(most, len(shop.runs) - len(shop.inside) - completed["complete"])

        shop.work = work
        assert shop.queue(time, *(f"k{n}" for n in range(300))) == []

    assert 40 <= most <= 50 + concurrency


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("error", [KeyboardInterrupt, Crash])
def test_an_exit_in_a_lane_leaves_no_claim_behind(seed, error):
    """It goes through; what had begun is settled, what had not is given back, and the batch is not run to its end."""
    store = FaultyStore()
    with fake_io(seed=seed) as time:
        shop = Shop(store, {}, concurrency=3)

        def work(key):
            if key == "k4":
                raise error

        shop.work = work
        with pytest.raises(error):
            shop.queue(time, *KEYS, *(f"x{n}" for n in range(60)))

    statuses = {store.status(key_of(key)) for key in (*KEYS, *(f"x{n}" for n in range(60)))}
    assert "IN_PROGRESS" not in statuses
    assert store.status(key_of("k4")) == "RELEASED"
    assert len(shop.runs) < 68


def test_a_duplicate_in_another_lane_is_reported_as_one_of_the_batch():
    """Observers hear of one claim and one duplicate, whichever lane is first."""
    for seed in range(10):
        with fake_io(seed=seed) as time:
            shop = Shop(FaultyStore(), {}, concurrency=2)
            assert shop.queue(time, "k0", "k0") == []
        duplicates = [event for event in shop.events if isinstance(event, DuplicateSuppressed)]

        assert len(duplicates) == 1
        assert duplicates[0].reason in ("same_batch", "completed")
        assert len([event for event in shop.events if isinstance(event, ClaimTaken)]) == 1


@pytest.mark.parametrize("commit", ["group", "each"])
@pytest.mark.parametrize("seed", range(4))
def test_without_a_thread_for_jobs_several_lanes_record_everything(commit, seed):
    """Claims and ends are written by the lanes themselves."""
    store = FaultyStore()
    ran = []
    with fake_io(seed=seed) as time:

        def refuse(work):
            raise RuntimeError("can't start new thread")

        time.start = refuse

        def function(record):
            ran.append(record.id)

        policies = [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE, commit=commit)]
        handler = batch_handler(policies=policies, concurrency=3)(function)
        names = [f"k{n}" for n in range(60)]

        assert failed(handler(sqs_event(names), time.context(timeout_s=300))) == []

    assert len(ran) == 60
    assert {store.status(key_of(name)) for name in names} == {"COMPLETED"}
