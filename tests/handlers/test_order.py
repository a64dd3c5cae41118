"""Order: a lane runs one record after the other, and stops at the first one that must be delivered again."""

from __future__ import annotations

from typing import Any

import pytest

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    Record,
    batch_handler,
)
from resilient_lambda._core.record import Record as AnyRecord
from resilient_lambda._core.sources import open_batch
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.events import LaneStopped
from resilient_lambda.testing import (
    activemq_event,
    kafka_event,
    kafka_record,
    kinesis_event,
    kinesis_record,
    s3_event,
    sns_event,
    sqs_event,
    sqs_record,
)
from tests.handlers.lanes import LANED, ORDERED, STREAMS, came_back, dynamodb, fifo, kafka, kinesis, name_of

NAMES = ["a0", "b0", "a1", "b1", "a2", "b2"]


@pytest.fixture(params=["plain", "idempotent", "two at a time", "idempotent, two at a time"])
def options(request, time):
    """The options of a handler, in each way in which batches are run; time is virtual."""
    concurrency = 2 if "two" in request.param else 1
    policies = [Idempotency(MemoryStore())] if "idempotent" in request.param else []
    return {"policies": policies, "concurrency": concurrency}


class Work:
    """
    A function that fails where it is told to.

    Attributes:
        log: What happened, in order: names of runs, and what was told to `say`.
    """

    def __init__(self, **errors: BaseException) -> None:
        self.errors = errors
        self.log: list[str] = []

    def function(self) -> Any:
        """Return the user's function."""

        def function(record):
            name = name_of(record)
            self.log.append(name)
            if name in self.errors:
                raise self.errors[name]

        return function

    def sink(self, record: Record[Any], error: BaseException) -> str:
        """Take a letter."""
        self.log.append(f"{name_of(record)} is set aside")
        return "letter"

    def lane(self, letter: str) -> list[str]:
        """Return what happened in one lane."""
        return [line for line in self.log if line.startswith(letter)]


def deliver(handler: Any, event: dict[str, Any], time: Any, *, timeout_s: float = 300) -> list[str]:
    """Deliver *event*; return the names of what comes again."""
    names = names_in(event)
    return came_back(event, handler(event, time.context(timeout_s=timeout_s)), lambda raw: names[id(raw)])


def names_in(event: dict[str, Any]) -> dict[int, str]:
    """Return the names of the event's own dicts, by their identity."""
    delivery = open_batch(event)
    return {id(raw): name_of(AnyRecord(raw, delivery.source)) for raw in delivery.raws}


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_without_failures_every_lane_runs_in_order(event_of, options, time, paint):
    """Nothing comes again, and within a lane the order is the event's."""
    work = Work()
    again = deliver(batch_handler(**options)(paint(work.function())), event_of(NAMES), time)

    assert again == []
    assert [work.lane("a"), work.lane("b")] == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]


@pytest.mark.parametrize("event_of", LANED.values(), ids=LANED.keys())
def test_a_lane_stops_at_the_first_retry_and_others_go_on(event_of, options, time, paint):
    """The failed record and those behind it in its lane come again; they were not run."""
    work = Work(a1=ValueError())
    again = deliver(batch_handler(**options)(paint(work.function())), event_of(NAMES), time)

    assert again == ["a1", "a2"]
    assert [work.lane("a"), work.lane("b")] == [["a0", "a1"], ["b0", "b1", "b2"]]


@pytest.mark.parametrize("event_of", STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_stops_at_the_first_retry(event_of, options, time, paint):
    """A batch of a stream is one lane: the checkpoint is the first failure, and nothing behind it has run."""
    work = Work(a1=ValueError(), b2=ValueError())
    again = deliver(batch_handler(**options)(paint(work.function())), event_of(NAMES), time)

    assert work.log == ["a0", "b0", "a1"]
    assert again == ["a1", "b1", "a2", "b2"]


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_a_dead_letter_is_confirmed_before_the_next_record_of_its_lane(event_of, options, time, paint):
    """Then the lane goes on: nothing of it comes again (protocols.md C10)."""
    work = Work(a1=NonRetryableError())
    handler = batch_handler(dead_letter=DeadLetter(work.sink), **options)(paint(work.function()))
    again = deliver(handler, event_of(NAMES), time)

    assert again == []
    assert work.lane("a") == ["a0", "a1", "a1 is set aside", "a2"]
    assert work.lane("b") == ["b0", "b1", "b2"]


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_a_dead_letter_that_is_not_confirmed_stops_its_lane(event_of, options, time, paint):
    """What decides is what became of the record, not that its error is permanent."""
    work = Work(a1=NonRetryableError())

    def refuse(record, error):
        work.sink(record, error)
        raise ConnectionError

    handler = batch_handler(dead_letter=DeadLetter(refuse), **options)(paint(work.function()))
    again = deliver(handler, event_of(NAMES), time)

    assert work.lane("a") == ["a0", "a1", "a1 is set aside"]
    assert [name for name in again if name.startswith("a")] == ["a1", "a2"]


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_a_lane_can_be_stopped_by_a_dead_letter(event_of, options, time, paint):
    """``stop_lane_on_dead_letter``: the record is done, and what is behind it comes again unrun."""
    work = Work(a1=NonRetryableError())
    handler = batch_handler(dead_letter=DeadLetter(work.sink), stop_lane_on_dead_letter=True, **options)
    again = deliver(handler(paint(work.function())), event_of(NAMES), time)

    assert work.lane("a") == ["a0", "a1", "a1 is set aside"]
    assert [name for name in again if name.startswith("a")] == ["a2"]


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
def test_max_attempts_in_a_lane_lets_it_go_on(event_of, time, paint):
    """A retryable record that has failed often enough is set aside like a permanent one, before the next one runs."""
    work = Work(a1=ValueError())
    options = {"policies": [Idempotency(MemoryStore())], "dead_letter": DeadLetter(work.sink), "max_attempts": 2}
    handler = batch_handler(**options)(paint(work.function()))
    event = event_of(NAMES)

    assert "a1" in deliver(handler, event, time)
    assert deliver(handler, event, time) == []
    assert work.lane("a") == ["a0", "a1", "a1", "a1 is set aside", "a2"]


@pytest.mark.parametrize("event_of", ORDERED.values(), ids=ORDERED.keys())
@pytest.mark.parametrize(
    "sink", [None, DeadLetter(lambda record, error: "letter")], ids=["without a sink", "with a sink"]
)
def test_a_record_that_does_not_fit_the_model_is_a_failure_in_its_place(event_of, sink, options, time, paint):
    """It stops its lane or is set aside, after all before it in its lane have run."""
    ran = []

    def function(order: dict[str, str]):
        ran.append(order["name"])

    event = event_of(NAMES)
    names = names_in(event)
    for raw in open_batch(event).raws:
        if names[id(raw)] == "a1":
            for part in (raw, raw.get("kinesis", {}), raw.get("dynamodb", {})):
                part.update(dict.fromkeys({"body", "data", "value", "NewImage"} & set(part), 5))
    handler = batch_handler(dead_letter=sink, model=dict[str, str], **options)(paint(function))
    again = came_back(event, handler(event, time.context(timeout_s=300)), lambda raw: names[id(raw)])

    assert [name for name in ran if name[0] == "a"] == (["a0"] if sink is None else ["a0", "a2"])
    assert [name for name in again if name[0] == "a"] == (["a1", "a2"] if sink is None else [])


@pytest.mark.parametrize(
    ("event_of", "stopped"),
    [(fifo, [("a", 1)]), (kafka, [("orders-0", 1)]), (kinesis, [("batch", 3)]), (dynamodb, [("batch", 3)])],
    ids=["fifo", "kafka", "kinesis", "dynamodb"],
)
def test_a_stopped_lane_is_reported_once(event_of, stopped, options, time, paint):
    """With the lane's name and how many records behind the failure were not started."""
    heard = []
    work = Work(a1=ValueError())
    deliver(batch_handler(observers=[heard.append], **options)(paint(work.function())), event_of(NAMES), time)
    events = [event for event in heard if isinstance(event, LaneStopped)]

    assert [event.left for event in events] == [left for _, left in stopped]
    assert [event.lane for event in events] == [lane for lane, _ in stopped]


@pytest.mark.parametrize("event_of", LANED.values(), ids=LANED.keys())
def test_a_lane_without_time_stops_and_nothing_of_it_is_lost(event_of, time, paint, options):
    """Each run takes 4 s of 12: what was not started comes again, and the next delivery runs it in order."""
    ran = []

    def function(record):
        ran.append(name_of(record))
        time.advance(4)

    handler = batch_handler(margin_s=18, **options)(paint(function))
    again = deliver(handler, event_of(NAMES), time, timeout_s=30)

    assert 2 <= len(ran) <= 4
    assert sorted(ran + again) == sorted(NAMES)
    deliver(handler, event_of(again), time)
    for letter in "ab":
        assert [name for name in ran if name[0] == letter] == [f"{letter}{n}" for n in range(3)]


def test_message_groups_without_a_name_are_one_lane(time, paint):
    """A message that does not say its group is not run beside others of which that is unknown."""
    ran = []

    def function(record):
        ran.append(record.id)
        raise ValueError

    event = sqs_event(sqs_record("1", message_id=f"m{n}", group="x") for n in range(3))
    for raw in event["Records"]:
        del raw["attributes"]["MessageGroupId"]
    answer = batch_handler(paint(function))(event, time.context())

    assert ran == ["m0"]
    assert [entry["itemIdentifier"] for entry in answer["batchItemFailures"]] == ["m0", "m1", "m2"]


def test_a_share_group_has_no_order(options, time, paint):
    """``share_group=True``: all records run, and each that failed is named by itself."""
    ran = []

    def function(record):
        ran.append(record.raw["offset"])
        if record.raw["offset"] in (1, 3):
            raise ValueError

    handler = batch_handler(share_group=True, **options)(paint(function))
    answer = handler(kafka_event(kafka_record("1", offset=n) for n in range(5)), time.context(timeout_s=300))

    assert sorted(ran) == [0, 1, 2, 3, 4]
    named = sorted(entry["itemIdentifier"]["offset"] for entry in answer["batchItemFailures"])
    assert named == [1, 3]


KEYED = {
    "kinesis": (kinesis, ["a0", "b0", "a1", "b1", "a2", "b2"]),
    "dynamodb": (dynamodb, ["a0", "b0", "a1", "b1", "a2", "b2"]),
    # one partition, the key is the second letter
    "kafka": (kafka, ["aa0", "ab0", "aa1", "ab1", "aa2", "ab2"]),
}


@pytest.fixture(params=KEYED.values(), ids=KEYED.keys())
def keyed(request):
    """Return the event of a source with keys, and the names of its records; the key is the last letter but one."""
    event_of, names = request.param
    return event_of(names), names


@pytest.mark.parametrize("concurrency", [1, 2])
def test_by_key_only_the_key_of_a_failure_stops(keyed, concurrency, time, paint):
    """The checkpoint is the failure all the same; what ran beyond it is not run again when it comes again."""
    event, names = keyed
    work = Work(**{names[2]: ValueError()})
    policies = [Idempotency(MemoryStore())]
    handler = batch_handler(order="key", policies=policies, concurrency=concurrency)(paint(work.function()))
    again = deliver(handler, event, time)
    first_log = list(work.log)
    work.errors.clear()
    later = deliver(handler, event, time)

    assert sorted(first_log) == sorted([names[0], names[2], *names[1::2]])
    assert again == names[2:]
    assert later == []
    assert work.log[len(first_log) :] == [names[2], names[4]]


def test_by_key_records_of_a_key_keep_their_order(time):
    """Several keys run in turn, each in its order, whatever the seed has the lanes do."""
    ran = []

    def function(record):
        ran.append(name_of(record))

    handler = batch_handler(order="key", concurrency=3, policies=[Idempotency(MemoryStore())])(function)
    names = [f"{key}{n}" for n in range(4) for key in "abcde"]

    assert deliver(handler, kinesis(names), time) == []
    for key in "abcde":
        assert [name for name in ran if name[0] == key] == [f"{key}{n}" for n in range(4)]
    assert sorted(ran) == sorted(names)


def test_without_idempotency_by_operators_a_key_is_no_lane(keyed, time, paint, monkeypatch):
    """
    ``RESILIENT_LAMBDA_DISABLE=idempotency`` falls back to the source's own order.

    Nothing would keep what is done beyond the checkpoint from running again.
    """
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")
    event, names = keyed
    work = Work(**{names[2]: ValueError()})
    handler = batch_handler(order="key", policies=[Idempotency(MemoryStore())], concurrency=2)(paint(work.function()))

    assert deliver(handler, event, time) == names[2:]
    assert work.log == names[:3]


@pytest.mark.parametrize(
    "event",
    [sqs_event(["1"]), fifo(["a0"]), s3_event(["key"]), sns_event(["1"]), activemq_event(["1"])],
    ids=["sqs", "fifo", "s3", "sns", "activemq"],
)
def test_by_key_fits_no_source_without_keys(event, paint, time):
    """The error says so before anything runs; the batch is kept by Lambda."""
    work = Work()
    handler = batch_handler(order="key", policies=[Idempotency(MemoryStore())])(paint(work.function()))

    with pytest.raises(ConfigurationError, match=r"order='key' does not fit .*have no key"):
        handler(event, time.context())

    assert work.log == []


def test_records_without_a_key_are_in_order_with_each_other(time, paint):
    """Kafka keeps records without a key in order, and so does ``order="key"``."""
    work = Work(a0=ValueError())
    handler = batch_handler(order="key", policies=[Idempotency(MemoryStore())])(paint(work.function()))
    again = deliver(handler, kafka(["a0", "a1", "b0"]), time)

    assert work.log == ["a0", "b0"]
    assert again == ["a0", "a1"]


def test_a_checkpoint_is_the_lowest_number_and_not_the_lowest_text(time, paint):
    """Sequence numbers differ in length: "9" comes before "10"."""

    def function(record):
        raise ValueError

    event = kinesis_event(kinesis_record("1", sequence_number=n, key=str(n)) for n in (9, 10))
    handler = batch_handler(order="key", policies=[Idempotency(MemoryStore())])(paint(function))
    answer = handler(event, time.context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "9"}]}


@pytest.mark.parametrize("by_key", [False, True])
def test_a_whole_batch_that_fails_can_be_raised(by_key, time, paint):
    """``raise_if_all_failed`` counts what was not started, too: nothing is done, so nothing is lost by raising."""

    def function(record):
        raise ValueError("first of all")

    handler = batch_handler(
        raise_if_all_failed=True, order="key" if by_key else None, policies=[Idempotency(MemoryStore())]
    )(paint(function))

    with pytest.raises(BatchFailedError, match="all 3 records") as caught:
        handler(kinesis(["a0", "a1", "b0"]), time.context())
    assert isinstance(caught.value.__cause__, ValueError)
