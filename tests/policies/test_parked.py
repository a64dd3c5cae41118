"""What is in the sink stays there: where a source brings back what is done, nothing is run or sent a second time."""

from __future__ import annotations

import pytest

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    batch_handler,
)
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import (
    activemq_event,
    documentdb_event,
    kinesis_event,
    kinesis_record,
    s3_record,
    sns_event,
    sqs_event,
    sqs_record,
)

POISON, BUSY = 0, 1


class World:
    """A handler of a poison record and one that is busy, and what became of them."""

    def __init__(self, **options):
        self.ran, self.letters = [], []
        self.is_busy = True
        self.error = NonRetryableError("poison")
        self.handler = batch_handler(
            policies=[Idempotency(MemoryStore(), namespace="n")],
            dead_letter=DeadLetter(lambda record, error: self.letters.append(record.id)),
            **options,
        )(self.run)

    def run(self, record):
        number = record.json()["n"]
        self.ran.append(number)
        if number == POISON:
            raise self.error
        if self.is_busy:
            raise TimeoutError

    def deliver(self, event, io):
        """Return whether the whole batch, or anything of it, comes back."""
        try:
            return bool(self.handler(event, io.context(timeout_s=600))["batchItemFailures"])
        except BatchFailedError:
            return True


EVENTS = {
    "activemq": lambda: activemq_event([{"n": POISON}, {"n": BUSY}]),
    "documentdb": lambda: documentdb_event([{"n": POISON}, {"n": BUSY}]),
    "sns": lambda: sns_event([{"n": POISON}, {"n": BUSY}]),
}


@pytest.mark.parametrize("source", ["activemq", "sns"])
def test_a_permanent_failure_is_run_and_sent_once(time, source):
    """However often the batch comes back for its neighbour."""
    world, event = World(), EVENTS[source]()
    for _ in range(4):
        assert world.deliver(event, time)
    world.is_busy = False

    assert not world.deliver(event, time)
    assert (world.ran.count(POISON), len(world.letters)) == (1, 1)


@pytest.mark.parametrize("source", ["activemq", "sns"])
def test_exhausted_attempts_are_not_counted_anew(time, source):
    """Two records that fail out of step would else keep each other coming back for ever."""
    world, event = World(max_attempts=3), EVENTS[source]()
    world.error = TimeoutError()
    for _ in range(3):
        world.deliver(event, time)

    assert not world.deliver(event, time)
    assert (world.ran.count(POISON), world.ran.count(BUSY), len(world.letters)) == (3, 3, 2)


def test_what_is_parked_beyond_the_checkpoint_stays_parked(time):
    """With order="key" a stuck key brings back the poison of another one."""
    world = World(order="key")
    event = kinesis_event([kinesis_record({"n": BUSY}, key="a"), kinesis_record({"n": POISON}, key="b")])
    for _ in range(4):
        assert world.deliver(event, time)

    assert (world.ran.count(POISON), len(world.letters)) == (1, 1)


SEVERAL = sqs_record({"Records": [s3_record("poison"), s3_record("busy")]})
ONE = sqs_record({"Records": [s3_record("poison")]})
NONE = sqs_record({"Event": "s3:TestEvent", "Service": "Amazon S3"})


@pytest.mark.parametrize(
    "batches",
    [[[SEVERAL]] * 3, [[NONE, SEVERAL], [SEVERAL]], [[ONE, SEVERAL], [ONE]], [[ONE], [ONE, SEVERAL]]],
    ids=["several records", "beside a message without any", "alone in the end", "alone at first"],
)
def test_parts_of_one_message_stay_parked(time, batches):
    """A message with several S3 records comes back with all of them, whatever else was in its batch."""
    ran, letters = [], []

    @batch_handler(
        unwrap="s3",
        policies=[Idempotency(MemoryStore(), namespace="n")],
        dead_letter=DeadLetter(lambda record, error: letters.append(record.id)),
    )
    def handler(record):
        key = record.json()["s3"]["object"]["key"]
        ran.append(key)
        raise NonRetryableError("poison") if key == "poison" else TimeoutError

    for batch in batches:
        handler(sqs_event(batch), time.context(timeout_s=600))

    sent = {message["messageId"] for batch in batches for message in batch if "poison" in message["body"]}
    assert (ran.count("poison"), len(letters)) == (len(sent), len(sent))


def test_another_delivery_of_the_key_runs(time):
    """What is remembered is this delivery: the same thing sent again after a fix is done (protocols.md A1)."""
    world = World()
    world.is_busy = False
    assert not world.deliver(activemq_event([{"n": POISON}]), time)
    assert not world.deliver(activemq_event([{"n": POISON}]), time)

    assert world.ran == [POISON, POISON]


def test_a_queue_remembers_nothing(time):
    """A message that is acknowledged is gone; one that comes again was sent again, perhaps by a redrive."""
    world = World()
    event = sqs_event([{"n": POISON}])
    assert not world.deliver(event, time)
    assert not world.deliver(event, time)

    assert world.ran == [POISON, POISON]
