"""What happened, as text."""

from __future__ import annotations

import json

import pytest

from resilient_lambda import MemoryStore
from resilient_lambda.testing import Delivery


@pytest.fixture
def simulated():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery(seed=3) as delivery:
        yield delivery


def calls_of(delivery, handler, events, **options):
    """Have *handler* called with each of *events*, a second apart."""
    calls = delivery.synchronous(handler, key="id", **options)
    for number, event in enumerate(events):
        calls.send({"id": event}, after_s=number)
    return calls


def paying(delivery, seconds=0.5):
    """Return a handler that charges, and takes its time."""

    def handler(event, context):
        delivery.work(seconds)
        delivery.effect(event["id"])

    return handler


def test_each_happening_is_a_line_with_its_time(simulated):
    """Times are counted from the beginning; the graph, the environment and the invocation stand before the text."""
    calls_of(simulated, paying(simulated), ["a"])
    simulated.run()

    assert simulated.timeline().splitlines()[:5] == [
        "    time     env  inv  events         what",
        "0:00.000               synchronous-1  sent",
        "0:00.250  ┬    1    1  synchronous-1  started",
        "0:00.750  ◆    1    1                 effect a",
        "0:00.800  ┴    1    1                 answered; acknowledged",
    ]


def test_invocations_at_the_same_time_stand_side_by_side(simulated):
    """Each has a column of the graph for as long as it runs, and the next one takes a free column."""
    calls_of(simulated, paying(simulated, 1.5), "abc")
    simulated.run()
    graph = [line[10:14].rstrip() for line in simulated.timeline().splitlines()[2:11]]

    assert graph == ["┬", "│ ┬", "◆ │", "┴ │", "┬ │", "│ ◆", "│ ┴", "◆", "┴"]


def test_the_end_says_what_became_of_everything(simulated):
    """The summary counts, and names the events that are in trouble and the faults that struck."""
    calls_of(simulated, lambda event, context: None, "ab")
    simulated.run()
    summary = simulated.timeline().partition("\n\n")[2].splitlines()

    assert summary[0].startswith("seed 3: ")
    assert summary[0].endswith("2 invocations in 1 environment")
    assert summary[1] == "  synchronous  sent 2, done 2, dead 0, lost 2, handled more than once 0"
    assert summary[2].strip() == "lost: synchronous-1, synchronous-2"
    assert summary[3] == "  no fault struck"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("crash", "crashed"),
        ("timeout", "timed out"),
        ("freeze", "froze"),
        ("throttle", "throttled"),
        ("store_outage", "the store is out"),
    ],
)
def test_faults_are_seen(simulated, fault, words):
    """Whatever strikes stands in a line of its own, and is counted at the end."""
    store = simulated.store(MemoryStore())
    calls_of(simulated, lambda event, context: store.get([event["id"]]) and None, "abcdef")
    simulated.faults(**{fault: 1.0})
    simulated.run()
    timeline = simulated.timeline()

    assert words in timeline
    assert f" struck: {fault}" in timeline.splitlines()[-1]


def test_errors_are_told(simulated):
    """A function error has its class and its message in the timeline."""

    def handler(event, context):
        raise ValueError("no such order")

    calls_of(simulated, handler, "a")
    simulated.run()

    assert "failed: ValueError: no such order" in simulated.timeline()


def test_many_events_are_named_in_short(simulated):
    """A batch is its first and last event; several that are sent at once are one line."""
    queue = simulated.sqs(lambda event, context: None)
    for number in range(10):
        queue.send({"id": number})
    simulated.run()
    line = simulated.timeline().splitlines()[1]

    assert line.endswith("sent")
    assert " … " in line
    assert "(10)" in line


def test_long_ids_are_numbers(simulated):
    """A sequence number of 56 digits is the number of the event, in the order of sending."""
    stream = simulated.kinesis(lambda event, context: None)
    stream.send({"id": 1}, partition_key="p")
    simulated.run()

    assert "kinesis#1" in simulated.timeline()


def test_a_timeline_of_one_event(simulated):
    """With ids it is about those events alone."""
    calls = calls_of(simulated, paying(simulated), "abc")
    simulated.run()
    timeline = simulated.timeline(list(calls.items)[1])

    assert "effect b" in timeline
    assert "effect a" not in timeline


def test_a_long_timeline_keeps_what_matters(simulated):
    """What is usual is left out, and counted; an event that was lost is there from its beginning to its end."""

    def handler(event, context):
        failed = []
        for record in event["Records"]:
            body = json.loads(record["body"])
            if body["id"] == 777:
                failed.append(record)  # and forgets it
            else:
                simulated.effect(body["id"])

    queue = simulated.sqs(handler, key="id")
    for number in range(2000):
        queue.send({"id": number}, after_s=number % 60)
    simulated.run()
    (lost,) = queue.lost
    timeline = simulated.timeline(most_lines=50)
    lines = timeline.splitlines()

    assert len([line for line in lines if "left out" not in line]) <= 50 + 10
    assert "lines left out: " in timeline
    assert f"lost: {lost}" in timeline
    assert any(lost in line and "sent" in line for line in lines)


def test_an_empty_timeline(simulated):
    """Nothing has happened yet."""
    assert "0 invocations in 0 environments" in simulated.timeline()
