"""What Lambda reads in an answer to a batch."""

from __future__ import annotations

import pytest

from resilient_lambda.testing.simulator.answers import among, read_failures
from resilient_lambda.testing.simulator.delivery import Delivery
from tests.simulator.queues import Recorder, failures

SUCCESSES = [None, "", [], {}, {"batchItemFailures": None}, {"batchItemFailures": []}, {"statusCode": 200}]
FAILURES = [
    failures(""),
    failures("c"),
    failures("a", "c"),
    {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"id": "a"}]},
    {"batchItemFailures": [{"itemIdentifier": "a"}, {"ItemIdentifier": "b"}]},
    {"batchItemFailures": [{}]},
    {"batchItemFailures": ["a"]},
    {"batchItemFailures": [None]},
    {"batchItemFailures": [{"itemIdentifier": 1}]},
    {"batchItemFailures": [{"itemIdentifier": ["a"]}]},
    {"batchItemFailures": [{"itemIdentifier": {"partition": "a", "offset": 1}}]},
    {"batchItemFailures": "a"},
    {"batchItemFailures": {}},
    {"batchItemFailures": 0},
    "a",
    0,
    1,
    False,
    True,
    ["a"],
]


@pytest.mark.parametrize("answer", SUCCESSES)
def test_an_answer_without_failures_is_success_of_the_batch(answer):
    """A forgotten return is one, too."""
    assert read_failures(answer, among({"a", "b"})) == set()


@pytest.mark.parametrize("answer", FAILURES)
def test_an_answer_that_lambda_cannot_read_is_failure_of_the_batch(answer):
    """One bad identifier is enough, whatever the others are."""
    assert read_failures(answer, among({"a", "b"})) is None


def test_an_answer_names_what_has_failed():
    """Twice is no more than once, and other keys do not matter."""
    answer = {"batchItemFailures": [{"itemIdentifier": "a", "why": 1}, {"itemIdentifier": "a"}], "x": 1}

    assert read_failures(answer, among({"a", "b"})) == {"a"}


def test_an_identifier_can_be_an_object():
    """As those of Kafka are: what the source makes of one is what it finds in the failures."""

    def identify(identifier):
        return (identifier["partition"], identifier["offset"]) if isinstance(identifier, dict) else None

    named = failures({"partition": "topic-0", "offset": 100})

    assert read_failures(named, identify) == {("topic-0", 100)}
    assert read_failures(failures("topic-0"), identify) is None


@pytest.mark.parametrize("answer", [one for one in SUCCESSES + FAILURES if one != failures("a", "c")])
def test_a_mapping_without_partial_answers_takes_any_answer_for_success(answer):
    """Lambda does not look at it."""
    with Delivery() as delivery:
        queue = delivery.sqs(Recorder(delivery, lambda records: answer), partial=False)
        sent = queue.send("a")
        delivery.run()

    assert queue.receives == {sent: 1}
    assert queue.handled(sent) == 1


@pytest.mark.parametrize("answer", SUCCESSES)
def test_a_queue_deletes_after_success(answer):
    """Every message of the batch, whatever the handler did."""
    with Delivery() as delivery:
        queue = delivery.sqs(Recorder(delivery, lambda records: answer))
        sent = queue.send("a")
        delivery.run()

    assert queue.receives == {sent: 1}


@pytest.mark.parametrize("answer", FAILURES)
def test_a_queue_deletes_nothing_after_an_answer_that_lambda_cannot_read(answer):
    """Every message of the batch is received again and again."""
    with Delivery() as delivery:
        queue = delivery.sqs(Recorder(delivery, lambda records: answer), max_receives=2, dead_letter=True)
        queue.send("a")
        queue.send("b")
        delivery.run()

    assert set(queue.receives.values()) == {2}
    assert len(queue.dead_letters) == 2
