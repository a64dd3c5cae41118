"""``lane=True``: a function that takes all records of a lane at once, and says what came of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Record,
    Success,
    batch_handler,
)
from resilient_lambda.testing import fake_io, kinesis_event, kinesis_record, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.handlers.colours import as_async, as_sync
from tests.policies.stores import NAMESPACE, FaultyStore, key_of


@pytest.fixture(params=[1, 2], ids=["one lane at a time", "two"])
def concurrency(request):
    """How many lanes run at a time."""
    return request.param


@pytest.fixture
def store():
    """A table."""
    return FaultyStore()


@pytest.fixture(params=[False, True], ids=["plain", "idempotent"])
def options(request, concurrency, store):
    """With and without Idempotency, and several lanes."""
    policies = [by_key(store)] if request.param else []
    return {"lane": True, "policies": policies, "concurrency": concurrency}


@pytest.fixture
def idempotent(concurrency, store):
    """With Idempotency by "k"."""
    return {"lane": True, "policies": [by_key(store)], "concurrency": concurrency}


def by_key(store):
    """Return `Idempotency` by the field "k"."""
    return Idempotency(store, key="k", namespace=NAMESPACE)


class Bulk:
    """
    A function of lanes.

    Attributes:
        calls: The keys that it was called with, call by call.
    """

    def __init__(self, **errors: Any) -> None:
        self.errors = errors
        self.calls: list[list[str]] = []

    def function(self) -> Any:
        """Return the user's function."""

        def function(records: list[Record]):
            assert isinstance(records, list)
            keys = [record.json()["k"] for record in records]
            self.calls.append(keys)
            return [self.errors.get(key) for key in keys]

        return function


def queue(*keys: str) -> dict[str, Any]:
    """Return messages of a standard queue; their ids are m0, m1, ..."""
    return sqs_event(sqs_record({"k": key}, message_id=f"m{n}") for n, key in enumerate(keys))


def groups(*keys: str) -> dict[str, Any]:
    """Return messages of a FIFO queue, in groups by their first letters."""
    return sqs_event(sqs_record({"k": key}, message_id=f"m{n}", group=key[0]) for n, key in enumerate(keys))


def test_without_order_it_gets_the_whole_batch(options, time, paint):
    """One call for all records."""
    bulk = Bulk()
    handler = batch_handler(**options)(paint(bulk.function()))

    assert handler(queue(*"abcde"), time.context()) == NOTHING_FAILED
    assert bulk.calls == [list("abcde")]


def test_it_gets_each_message_group_by_itself(options, time, paint):
    """One call for each lane, in the order of the group."""
    bulk = Bulk()
    handler = batch_handler(**options)(paint(bulk.function()))

    assert handler(groups("a0", "b0", "a1", "b1", "a2"), time.context()) == NOTHING_FAILED
    assert sorted(bulk.calls) == [["a0", "a1", "a2"], ["b0", "b1"]]


@pytest.mark.parametrize(
    ("order", "expected"), [(None, [["a0", "b0", "a1"]]), ("key", [["a0", "a1"], ["b0"]])], ids=["shard", "key"]
)
def test_it_gets_a_shard_or_each_key_of_it(order, expected, idempotent, time, paint):
    """A stream's batch is one lane, unless its keys are."""
    bulk = Bulk()
    handler = batch_handler(order=order, **idempotent)(paint(bulk.function()))
    event = kinesis_event(kinesis_record({"k": key}, key=key[0]) for key in ("a0", "b0", "a1"))

    assert handler(event, time.context()) == NOTHING_FAILED
    assert sorted(bulk.calls) == expected


@pytest.mark.parametrize("returned", [None, [], ()], ids=["none", "list", "tuple"])
def test_nothing_returned_is_success(returned, options, time, paint):
    """None says it for all, and so does a None for each."""

    def function(records):
        return returned if returned is None else type(returned)([None, Success()] * (len(records) // 2))

    assert batch_handler(**options)(paint(function))(queue(*"abcd"), time.context()) == NOTHING_FAILED


def test_without_order_only_what_failed_comes_back(options, time, paint):
    """Each record has an outcome of its own."""
    handler = batch_handler(**options)(paint(Bulk(b=ValueError(), d=KeyError()).function()))

    assert failed(handler(queue(*"abcde"), time.context())) == ["m1", "m3"]


def test_in_order_what_failed_and_all_behind_it_comes_back(options, time, paint):
    """Acknowledged, what is behind it would have taken effect before it."""
    handler = batch_handler(**options)(paint(Bulk(a1=ValueError()).function()))

    assert sorted(failed(handler(groups("a0", "a1", "b0", "a2", "b1"), time.context()))) == ["m1", "m3"]


def test_what_came_back_behind_a_failure_is_not_run_again(idempotent, time, paint):
    """With Idempotency it is done, and skipped."""
    bulk = Bulk(a1=ValueError())
    handler = batch_handler(**idempotent)(paint(bulk.function()))
    handler(groups("a0", "a1", "a2"), time.context())
    bulk.errors.clear()

    assert handler(groups("a1", "a2"), time.context()) == NOTHING_FAILED
    assert bulk.calls == [["a0", "a1", "a2"], ["a1"]]


def test_an_exception_is_that_of_all(options, time, paint):
    """A function that raises has done nothing for sure: all of the lane comes back, other lanes do not."""

    def function(records):
        if records[0].json()["k"][0] == "a":
            raise ValueError

    handler = batch_handler(**options)(paint(function))

    assert sorted(failed(handler(groups("a0", "b0", "a1", "b1"), time.context()))) == ["m0", "m2"]


@pytest.mark.parametrize("event_of", [queue, groups], ids=["queue", "groups"])
def test_each_permanent_failure_is_set_aside(event_of, options, time, paint):
    """One letter for each, in order, and the lane goes on."""
    letters = []

    def sink(record, error):
        letters.append(record.json()["k"])

    bulk = Bulk(a1=NonRetryableError(), a2=NonRetryableError())
    handler = batch_handler(dead_letter=DeadLetter(sink), **options)(paint(bulk.function()))

    assert handler(event_of("a0", "a1", "a2", "a3"), time.context()) == NOTHING_FAILED
    assert letters == ["a1", "a2"]
    assert bulk.calls == [["a0", "a1", "a2", "a3"]]


def test_a_letter_that_is_not_confirmed_stops_the_lane(options, time, paint):
    """In order, what is behind it comes back although it succeeded."""

    def refuse(record, error):
        raise ConnectionError

    handler = batch_handler(dead_letter=DeadLetter(refuse), **options)(
        paint(Bulk(a1=NonRetryableError(), a2=NonRetryableError()).function())
    )

    assert failed(handler(groups("a0", "a1", "a2", "a3"), time.context())) == ["m1", "m2", "m3"]


WRONG = {
    "too few": [None],
    "too many": [None] * 4,
    "empty": [],
    "true": True,
    "text": "abc",
    "dict": {"a": None, "b": None, "c": None},
    "items": [None, "failed", None],
    "false": [None, False, None],
    "class": [None, ValueError, None],
}


@pytest.mark.parametrize("returned", WRONG.values(), ids=WRONG.keys())
def test_an_answer_that_does_not_fit_acknowledges_nothing_that_it_does_not_name(returned, options, time, paint, caplog):
    """A list of another length says nothing about any record, an odd item nothing about its own."""
    letters = []

    def function(records):
        return returned

    sink = DeadLetter(lambda record, error: letters.append(type(error).__name__))
    handler = batch_handler(dead_letter=sink, **options)(paint(function))
    names = failed(handler(queue(*"abc"), time.context()))

    is_per_item = isinstance(returned, list) and len(returned) == 3
    assert names + ["parked"] * len(letters) == (["m1"] if is_per_item else ["m0", "m1", "m2"])


def test_it_gets_validated_records(options, time, paint):
    """``list[Record[T]]``: each value is of the type, and what does not fit never reaches the function."""
    seen = []

    def function(records: list[Record[dict[str, str]]]):
        seen.append([record.value["k"] for record in records])

    event = queue(*"abc")
    event["Records"][1]["body"] = "not JSON"

    assert failed(batch_handler(**options)(paint(function))(event, time.context())) == ["m1"]
    assert seen == [["a", "c"]]


@pytest.mark.parametrize("with_sink", [False, True])
def test_in_order_a_record_that_does_not_fit_has_its_place(with_sink, options, time, paint):
    """Those before it run first; without a sink it stops the lane, otherwise the rest runs afterwards."""
    bulk, log = Bulk(), []

    def sink(record, error):
        log.append((record.id, len(bulk.calls)))

    event = groups("a0", "a1", "a2", "a3")
    event["Records"][2]["body"] = "5"
    handler = batch_handler(dead_letter=DeadLetter(sink) if with_sink else None, model=dict[str, str], **options)
    names = failed(handler(paint(_keys_of_values(bulk)))(event, time.context()))

    assert bulk.calls == ([["a0", "a1"], ["a3"]] if with_sink else [["a0", "a1"]])
    assert names == ([] if with_sink else ["m2", "m3"])
    assert log == ([("m2", 1)] if with_sink else [])


def _keys_of_values(bulk: Bulk) -> Any:
    def function(values):
        bulk.calls.append([value["k"] for value in values])

    return function


def test_it_may_take_the_context(options, time, paint):
    """As the second parameter, like any other function."""
    seen = []

    def function(records, context):
        seen.append((len(records), context.function_name))

    batch_handler(**options)(paint(function))(queue(*"abc"), time.context())

    assert seen == [(3, "test-function")]


@pytest.mark.parametrize(
    "annotation", [Record, Record[dict], dict, list[dict], list[int], list[Record] | None, list[str]], ids=str
)
def test_another_annotation_is_refused(annotation):
    """At decoration: the function would get something else than it says."""

    def function(records):
        """Do nothing."""

    function.__annotations__ = {"records": annotation}
    with pytest.raises(ConfigurationError, match=r"lane=True needs list\[Record\]"):
        batch_handler(lane=True)(function)


def test_duplicates_in_a_batch_run_once(idempotent, store, time, paint):
    """The second of a key is not handed to the function: it has what came of the first (protocols.md B10)."""
    bulk = Bulk(b=ValueError())
    handler = batch_handler(**idempotent)(paint(bulk.function()))

    assert sorted(failed(handler(queue(*"abacb"), time.context()))) == ["m1", "m4"]
    assert Counter(key for call in bulk.calls for key in call) == {"a": 1, "b": 1, "c": 1}


def test_duplicates_in_a_group_keep_the_order(idempotent, time, paint):
    """What is behind a duplicate runs behind it, and nothing is lost."""
    bulk = Bulk()
    event = groups("a0", "a1", "a0", "a2")
    handler = batch_handler(**idempotent)(paint(bulk.function()))

    assert handler(event, time.context()) == NOTHING_FAILED
    assert [key for call in bulk.calls for key in call] == ["a0", "a1", "a2"]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("colour", [as_sync, as_async], ids=["sync", "async"])
def test_lanes_with_each_others_keys_do_not_wait_for_each_other(seed, colour):
    """Two lanes have two keys in opposite order: both are done, each key once."""
    bulk = Bulk()
    with fake_io(seed=seed) as time:
        event = sqs_event(
            sqs_record({"k": key}, message_id=f"m{n}", group=group)
            for n, (group, key) in enumerate([("a", "x"), ("b", "y"), ("a", "y"), ("b", "x")])
        )
        handler = batch_handler(lane=True, concurrency=2, policies=[by_key(FaultyStore())])(colour(bulk.function()))

        assert handler(event, time.context()) == NOTHING_FAILED
    assert Counter(key for call in bulk.calls for key in call) == {"x": 1, "y": 1}


def test_a_suspect_does_not_join_the_others(idempotent, store, time, paint):
    """What has ended its environment before is run alone, when the others are done (protocols.md A6)."""
    store.lay(time.now(), key=key_of("b"), lease_until_s=time.now() - 100, lapses=0)
    bulk = Bulk()

    assert batch_handler(**idempotent)(paint(bulk.function()))(queue(*"abc"), time.context()) == NOTHING_FAILED
    assert bulk.calls == [["a", "c"], ["b"]]


def test_in_order_a_suspect_is_run_alone_in_its_place(idempotent, store, time, paint):
    """Nothing of its lane overtakes it; other lanes are done first."""
    store.lay(time.now(), key=key_of("a1"), lease_until_s=time.now() - 100, lapses=0)
    bulk = Bulk()
    event = groups("a0", "a1", "b0", "a2", "b1", "a3")

    assert batch_handler(**idempotent)(paint(bulk.function()))(event, time.context()) == NOTHING_FAILED
    assert [call for call in bulk.calls if call[0][0] == "a"] == [["a0"], ["a1"], ["a2", "a3"]]
    assert bulk.calls.index(["b0", "b1"]) < bulk.calls.index(["a1"])


def test_a_twin_in_a_shard_is_waited_for_in_its_place(idempotent, store, time, paint):
    """The records before it run at once, it runs when its twin's lease has ended, and then those behind it."""
    store.lay(time.now(), key=key_of("b"), lease_until_s=time.now() + 10, lapses=0)
    bulk = Bulk()
    event = kinesis_event(kinesis_record({"k": key}) for key in "abcd")

    assert batch_handler(**idempotent)(paint(bulk.function()))(event, time.context(timeout_s=60)) == NOTHING_FAILED
    assert bulk.calls == [["a"], ["b"], ["c", "d"]]
    assert sum(time.slept_s) > 9


def test_what_was_put_off_behind_a_failure_does_not_run(idempotent, store, time, paint):
    """The lane has stopped before it: it comes back, and nothing of it is counted."""
    store.lay(time.now(), key=key_of("a1"), lease_until_s=time.now() - 100, lapses=0)
    bulk = Bulk(a0=ValueError())

    handler = batch_handler(**idempotent)(paint(bulk.function()))
    assert failed(handler(groups("a0", "a1", "a2"), time.context())) == ["m0", "m1", "m2"]
    assert bulk.calls == [["a0"]]
    assert store.entry(key_of("a1")).attempts == 0


def test_what_could_not_be_started_in_time_comes_back_unclaimed(idempotent, store, time, paint):
    """A lane that would not end in time is not begun."""

    def function(records):
        time.advance(4)

    handler = batch_handler(**idempotent, margin_s=20)(paint(function))
    names = failed(handler(groups(*(f"{letter}{n}" for n in range(2) for letter in "abcd")), time.context()))

    assert 2 <= len(names) < 8
    assert len(names) % 2 == 0
    statuses = Counter(store.status(key_of(f"{letter}{n}")) for n in range(2) for letter in "abcd")
    assert statuses["COMPLETED"] == 8 - len(names)
    assert statuses["IN_PROGRESS"] == 0


def test_a_whole_batch_costs_a_handful_of_requests(store, time):
    """A hundred records: four requests claim, and as many record the ends."""
    time.holds_jobs = True
    bulk = Bulk()
    handler = batch_handler(lane=True, policies=[by_key(store)])(bulk.function())

    assert handler(queue(*(f"k{n}" for n in range(100))), time.context()) == NOTHING_FAILED
    assert Counter(store.steps) == {"claim": 100, "complete": 100}
    assert store.requests <= 10


def test_an_exit_gives_back_the_claims_of_all(idempotent, store, time, paint):
    """It goes through, and no key stays locked."""

    def function(records):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch_handler(**idempotent)(paint(function))(queue(*"abc"), time.context())

    assert {store.status(key_of(key)) for key in "abc"} == {"RELEASED"}


def test_a_lane_that_is_cut_short_is_released_with_an_attempt_each(store, time, paint):
    """All of its records come back."""

    def function(records):
        time.advance(100)

    handler = batch_handler(lane=True, policies=[by_key(store)], interrupt=True)(paint(function))

    assert failed(handler(queue(*"abc"), time.context(timeout_s=30))) == ["m0", "m1", "m2"]
    assert [store.entry(key_of(key)).attempts for key in "abc"] == [1, 1, 1]
    assert {store.status(key_of(key)) for key in "abc"} == {"RELEASED"}


KEYS = ["a0", "a1", "a2", "b0", "b1", "c0"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10_000),
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=14),
    bad=st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["retry", "refused"])),
    suspects=st.sets(st.sampled_from(KEYS), max_size=2),
    concurrency=st.integers(1, 3),
    is_ordered=st.booleans(),
    colour=st.sampled_from([as_sync, as_async]),
)
def test_nothing_is_lost_and_nothing_is_done_twice(seed, keys, bad, suspects, concurrency, is_ordered, colour):
    """
    Whatever is delivered: what is acknowledged is done or set aside, no key runs twice, and groups keep their order.

    After a second delivery of what came back, with everything mended, all is done.
    """
    kinds = {"retry": ValueError(), "refused": NonRetryableError()}
    bulk = Bulk(**{key: kinds[how] for key, how in bad.items()})
    store, letters = FaultyStore(), []

    def sink(record, error):
        letters.append(record.json()["k"])

    with fake_io(seed=seed) as time:
        for key in suspects:
            store.lay(time.now(), key=key_of(key), lease_until_s=time.now() - 100, lapses=0)
        handler = batch_handler(
            lane=True, policies=[by_key(store)], concurrency=concurrency, dead_letter=DeadLetter(sink)
        )(colour(bulk.function()))
        event = (groups if is_ordered else queue)(*keys)
        names = set(failed(handler(event, time.context(timeout_s=300))))
        first_runs = Counter(key for call in bulk.calls for key in call)
        done = {key for n, key in enumerate(keys) if f"m{n}" not in names}
        statuses = {key: store.status(key_of(key)) for key in keys}
        bulk.errors.clear()
        rest = {"Records": [raw for raw in event["Records"] if raw["messageId"] in names]}
        assert handler(rest, time.context(timeout_s=300)) == NOTHING_FAILED

    assert max(first_runs.values(), default=0) <= 1
    for key in done:
        assert key in first_runs
        assert key in letters or bad.get(key) is None
        assert key in letters or statuses[key] == "COMPLETED"
    assert "IN_PROGRESS" not in {statuses[key] for key in keys if key not in suspects or key in first_runs}
    runs = Counter(key for call in bulk.calls for key in call)
    assert set(runs) == set(keys)
    assert all(count <= (2 if key in bad else 1) for key, count in runs.items())
    if is_ordered and len(set(keys)) == len(keys) and not bad:
        for letter in "abc":
            ran = [key for call in bulk.calls for key in call if key[0] == letter]
            assert ran == [key for key in keys if key[0] == letter]


def test_without_records_it_is_not_called(time, paint):
    """An empty batch has no lane."""
    bulk = Bulk()
    handler = batch_handler(lane=True, policies=[by_key(MemoryStore())])(paint(bulk.function()))

    assert handler({"Records": []}, time.context()) == NOTHING_FAILED
    assert bulk.calls == []
