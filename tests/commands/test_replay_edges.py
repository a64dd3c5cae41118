"""Edges of a replay: time that passes, permissions that lack, other programs' messages, addresses and regions."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs import sqs_backends

from resilient_lambda._commands._replay_bucket import BucketLetters
from resilient_lambda._commands._replay_calls import Clients, connecting
from resilient_lambda._commands._replay_queue import HELD_S, QueueLetters
from resilient_lambda._commands._replay_run import Choice, Replay
from resilient_lambda._commands._replay_tally import Tally
from resilient_lambda._commands._replay_target import ToQueue
from resilient_lambda.errors import ConfigurationError

from .replaying import ACCOUNT, envelope, note, refusal, run

EVERY = Choice((), (), 0.0, float("inf"), float("inf"))
RECORD = {"body": "order", "eventSource": "aws:sqs"}


class Clock:
    """Seconds that pass when told to."""

    now_s = 1_000.0

    def __call__(self):
        """Return the seconds."""
        return self.now_s


def refusing(name, code, *, moment="before"):
    """Return what has AWS refuse each call of one kind."""

    def on_call(_, called, when):
        if (called, when) == (name, moment):
            raise refusal(code, called)

    return on_call


def letters_of(world, url, clock):
    """Return the letters of a queue, opened."""
    letters = QueueLetters(url, Clients(None, world.connect), clock=clock)
    letters.open()
    return letters


def test_a_letter_that_comes_again_is_not_looked_at_twice(world, parked):
    """If going through a queue takes longer than letters are held, the first ones come again."""
    world.park(parked, "a", note())
    letters = letters_of(world, parked, Clock())
    first = letters.take(10)
    letters.give_back()

    assert [letter.record["body"] for letter in first] == ["a"]
    assert letters.take(10) == []
    assert letters.holds(first[0], for_s=1)


def test_a_letter_is_not_sent_that_others_may_have_by_now(world, parked, orders):
    """It was held for too long: another run may be sending it at this moment."""
    world.park(parked, "a", note())
    clock = Clock()
    letters = letters_of(world, parked, clock)

    def pass_time(number, name, when):
        if (name, when) == ("sqs.receive_message", "after"):
            clock.now_s += HELD_S - 60

    world.on_call = pass_time
    told = []
    replay = Replay(
        letters, ToQueue(orders, Clients(None, world.connect), "run"), EVERY, store=None, limit=float("inf"),
        is_dry=False, keeps=False, stopping=lambda: False, tell=told.append, show=told.append,
    )  # fmt: skip
    replay.run()

    assert (replay.tally.sent, replay.tally.failed) == (0, 1)
    assert world.messages(orders) == []
    assert "was held for too long" in "".join(replay.tally.summary(is_dry=False))


def test_progress_is_told_every_few_seconds():
    """Not for each letter."""
    clock, told = Clock(), []
    tally = Tally(told.append, clock=clock)
    for _ in range(6):
        clock.now_s += 0.7
        tally.looked_at += 10
        tally.progress(60)

    assert told == ["looked at 30 of about 60, sent 0, failed 0", "looked at 60 of about 60, sent 0, failed 0"]


def test_a_letter_does_not_go_back_into_the_queue_that_it_lies_in(world, replay, parked):
    """A handler of the dead-letter queue set it aside there: it would go round and round."""
    world.park(parked, "a", note(origin=f"{ACCOUNT}:parked"))
    done = replay("--from-queue", parked)

    assert done.code == 1
    assert "1 x came from this very queue: use --to-queue or --to-function" in done.output


def test_a_message_of_another_program_is_left(world, replay, parked, orders):
    """It has an attribute of our name that is not ours to read."""
    world.park(parked, "a", {"error": "E", "attributes": {"x": {"DataType": "Binary", "BinaryValue": "no hex"}}})
    world.park(parked, "b", note())
    done = replay("--from-queue", parked)

    assert (done.code, world.bodies(orders), world.bodies(parked)) == (1, ["b"], ["a"])
    assert "1 x is no letter of this library" in done.output


@pytest.mark.parametrize("attributes", [7, {"x": 7}, {"x": {"dataType": "Binary", "binaryValue": "a"}}])
def test_a_record_that_can_be_no_message_stays(world, replay, parked, orders, attributes):
    """Its attributes are none that SQS would take; the others go."""
    world.park(parked, envelope({**RECORD, "messageAttributes": attributes}))
    world.park(parked, "b", note())
    refused = [replay("--from-queue", parked), replay("--from-queue", parked, "--to-queue", orders)]

    assert [done.code for done in refused] == [1, 1]
    assert "1 x has attributes that SQS does not take: use --to-function" in refused[0].output
    assert (world.bodies(orders), len(world.messages(parked))) == (["b"], 1)


def test_what_the_queue_is_need_not_be_seen(world, replay, parked, orders):
    """Without GetQueueAttributes there is a warning, and all else works."""
    world.park(parked, "a", note())
    world.on_call = refusing("sqs.get_queue_attributes", "AccessDenied")
    done = replay("--from-queue", parked)

    assert (done.code, world.bodies(orders)) == (0, ["a"])
    assert "sqs:GetQueueAttributes" in done.complaints


def test_what_cannot_be_given_back_is_told(world, replay, parked):
    """It comes back by itself, later."""
    world.park(parked, "a", note())
    world.on_call = refusing("sqs.change_message_visibility_batch", "AccessDenied")
    done = replay("--from-queue", parked, "--error-type", "Other")

    assert "some letters stay out of sight for up to 20 minutes" in done.complaints


def test_an_object_that_another_run_has_sent_is_passed_over(world, replay, orders):
    """It was listed, and is gone when it is read."""
    world.bucket("parked")
    for name in "ab":
        world.s3.put_object(Bucket="parked", Key=name, Body=envelope(RECORD))

    def delete_first(number, name, when):
        if (name, when) == ("s3.list_objects_v2", "after"):
            world.s3.delete_object(Bucket="parked", Key="a")

    world.on_call = delete_first
    done = replay("--from-s3", "s3://parked/")

    assert (done.code, world.bodies(orders)) == (0, ["order"])


@pytest.mark.parametrize("operation", ["get_object", "delete_object"])
def test_an_object_that_may_not_be_touched_is_told(world, replay, orders, operation):
    """What cannot be read or deleted stays, and is told; nothing is lost."""
    world.bucket("parked")
    world.s3.put_object(Bucket="parked", Key="a", Body=envelope(RECORD))
    world.on_call = refusing(f"s3.{operation}", "AccessDenied")
    done = replay("--from-s3", "s3://parked/")

    assert done.code == 1
    assert "AccessDenied" in done.output + done.complaints
    assert len(world.s3.list_objects_v2(Bucket="parked")["Contents"]) == 1


class Old:
    """A client of a botocore that knows no conditional deletion."""

    def __init__(self, client):
        self._client = client
        self.meta = self
        self.service_model = self

    def operation_model(self, name):
        """Return a model without any parameter."""
        self.input_shape = self
        self.members = ()
        return self

    def __getattr__(self, name):
        return getattr(self._client, name)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_an_old_botocore_looks_before_it_deletes(world, is_replaced):
    """It compares what is there by now with what was read."""
    world.bucket("parked")
    world.s3.put_object(Bucket="parked", Key="a", Body=envelope(RECORD))
    letters = BucketLetters("s3://parked/", Clients(None, lambda service, region: Old(world.connect(service, region))))
    letters.open()
    found = letters.take(10)
    if is_replaced:
        world.s3.put_object(Bucket="parked", Key="a", Body=envelope(RECORD, error="Another"))
    problems = letters.remove(found)
    left = world.s3.list_objects_v2(Bucket="parked").get("Contents", ())

    assert (len(problems), len(left)) == ((1, 1) if is_replaced else (0, 0))


def test_many_objects_are_listed_page_by_page(world, replay, orders):
    """Each page asks for the next one."""
    world.bucket("parked")
    for number in range(5):
        world.s3.put_object(Bucket="parked", Key=f"{number}", Body=envelope({**RECORD, "body": f"{number}"}))
    connect = world.connect

    class Paged(Old):
        def list_objects_v2(self, **request):
            return self._client.list_objects_v2(**request, MaxKeys=2)

    world.connect = lambda service, region: (
        Paged(connect(service, region)) if service == "s3" else connect(service, region)
    )
    done = replay("--from-s3", "s3://parked/")

    assert (done.code, sorted(world.bodies(orders))) == (0, ["0", "1", "2", "3", "4"])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("TooManyRequestsException", "Invoke"), "its concurrency is used up, try again later"),
        (ReadTimeoutError(endpoint_url="x"), "Read timeout"),
    ],
)
def test_a_function_that_does_not_answer_keeps_its_letter(world, replay, parked, error, words):
    """It was perhaps run; the letter is there for another try."""
    world.park(parked, "a", note())

    def on_call(number, name, when):
        if (name, when) == ("lambda.invoke", "before"):
            raise error

    world.on_call = on_call
    done = replay("--from-queue", parked, "--to-function", "f")

    assert (done.code, world.bodies(parked)) == (1, ["a"])
    assert words in done.output


def test_a_record_that_is_none_of_kinesis_stays(world, replay, parked):
    """Its envelope says so, its content does not."""
    world.park(parked, envelope({}, source="kinesis", origin="arn:aws:kinesis:eu-west-1:1:stream/s"))
    done = replay("--from-queue", parked)

    assert (done.code, len(world.messages(parked))) == (1, 1)
    assert "the record is none of Kinesis" in done.output


def test_it_runs_in_any_thread(world, parked, orders, capsys):
    """Signals are the main thread's; without them it runs all the same."""
    world.park(parked, "a", note())
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run(world, "--from-queue", parked)))
    thread.start()
    thread.join()

    assert (codes, world.bodies(orders)) == ([0], ["a"])


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda c: c.for_queue("https://sqs.us-west-2.amazonaws.com/1/q"), ("sqs", "us-west-2")),
        (lambda c: c.for_queue("https://sqs.cn-north-1.amazonaws.com.cn/1/q"), ("sqs", "cn-north-1")),
        (lambda c: c.for_queue("https://us-west-2.queue.amazonaws.com/1/q"), ("sqs", "us-west-2")),
        (lambda c: c.for_queue("https://queue.amazonaws.com/1/q"), ("sqs", "us-east-1")),
        (lambda c: c.for_queue("https://sqs-fips.us-gov-west-1.amazonaws.com/1/q"), ("sqs", "us-gov-west-1")),
        (lambda c: c.for_queue("https://vpce-1-2.sqs.us-west-2.vpce.amazonaws.com/1/q"), ("sqs", "us-west-2")),
        (lambda c: c.for_queue("https://sqs.us-west-2.api.aws/1/q"), ("sqs", "us-west-2")),
        (lambda c: c.for_queue("http://localhost:4566/1/q"), ("sqs", "eu-west-1")),
        (lambda c: c.for_arn("kinesis", "arn:aws:kinesis:us-west-2:1:stream/s"), ("kinesis", "us-west-2")),
        (lambda c: c.for_arn("sqs", "odd"), ("sqs", "eu-west-1")),
        (lambda c: c.get("s3"), ("s3", "eu-west-1")),
    ],
)
def test_a_client_is_of_the_region_that_the_address_names(ask, expected):
    """Else of the one that was given."""
    assert ask(Clients("eu-west-1", lambda *name: name)) == expected


def test_a_client_that_cannot_be_built_says_why(monkeypatch, aws_environment):
    """No region, or an endpoint that is no URL."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="no client of sqs: You must specify a region"):
        connecting(None)("sqs", None)
    with pytest.raises(ConfigurationError, match="no client of sqs"):
        connecting("no url")("sqs", "eu-west-1")


def test_the_region_of_the_environment_counts(monkeypatch, aws_environment):
    """``AWS_REGION``, as Lambda sets it and the rest of the library reads it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "us-west-2")

    assert connecting(None)("sqs", None).meta.region_name == "us-west-2"


def test_a_function_is_asked_once(aws_environment):
    """Its client waits as long as a function may run, and does not repeat the call; the others do."""
    function, queue = (connecting(None)(service, "eu-west-1").meta.config for service in ("lambda", "sqs"))

    assert (function.retries["total_max_attempts"], function.read_timeout > 900) == (1, True)
    assert queue.retries["total_max_attempts"] > 1


def park_objects(world, count=1, **options):
    """Put letters into a bucket, ``dead/00`` and so on."""
    world.bucket("parked")
    for number in range(count):
        letter = envelope({**RECORD, "body": f"{number}"}, id=f"{number}")
        world.s3.put_object(Bucket="parked", Key=f"dead/{number:02}", Body=letter, **options)


def test_objects_that_are_archived_do_not_keep_the_others(world, replay, orders):
    """However many: they are the oldest ones, so they are listed first."""
    park_objects(world, 12, StorageClass="GLACIER")
    world.s3.put_object(Bucket="parked", Key="dead/99", Body=envelope({**RECORD, "body": "new"}))
    done = replay("--from-s3", "s3://parked/dead/", "--error-type", "KeyError")

    assert (done.code, world.bodies(orders)) == (1, ["new"])
    assert done.output.startswith("looked at 13, sent 1, failed 0, cannot be sent 12")
    assert "12 x is archived, and must be restored first (InvalidObjectState); the first is dead/00" in done.output


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_one_object_that_may_not_be_read_does_not_keep_the_others(world, replay, orders, code):
    """It is named, and the run goes on."""
    park_objects(world, 3)
    asked = []

    def refuse_first(number, name, when):
        if (name, when) == ("s3.get_object", "before"):
            asked.append(number)
            if len(asked) == 1:
                raise refusal(code, "GetObject")

    world.on_call = refuse_first
    done = replay("--from-s3", "s3://parked/dead/")

    assert (done.code, sorted(world.bodies(orders))) == (1, ["1", "2"])
    assert code in done.output
    assert "the first is dead/00" in done.output


@pytest.mark.parametrize(("code", "calls"), [("AccessDenied", 10), ("SlowDown", 1)])
def test_a_bucket_that_may_not_be_read_ends_the_run(world, replay, orders, code, calls):
    """Ten in a row are no single objects; and of some errors no object is the cause."""
    park_objects(world, 12)
    world.on_call = refusing("s3.get_object", code)
    done = replay("--from-s3", "s3://parked/dead/")

    assert (done.code, world.calls.count("s3.get_object")) == (1, calls)
    assert done.complaints.splitlines()[-1].startswith("error: ")
    assert code in done.complaints


class Body:
    """What an answer holds, whose connection breaks as often as told."""

    def __init__(self, body, breaks):
        self._body = body
        self._breaks = breaks

    def read(self):
        """Return the content, or break."""
        if self._breaks:
            self._breaks.pop()
            raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
        return self._body.read()


@pytest.mark.parametrize(("times", "sent"), [(1, ["0"]), (2, [])])
def test_an_object_that_breaks_off_is_read_once_more(world, replay, orders, times, sent):
    """Breaking off again, it stays and is told."""
    park_objects(world)
    connect, breaks = world.connect, [None] * times

    class Breaking(Old):
        def get_object(self, **request):
            answer = self._client.get_object(**request)
            return {**answer, "Body": Body(answer["Body"], breaks)}

    world.connect = lambda service, region: (
        Breaking(connect(service, region)) if service == "s3" else connect(service, region)
    )
    done = replay("--from-s3", "s3://parked/dead/")

    assert (done.code, world.bodies(orders)) == (0 if sent else 1, sent)
    assert ("the answer broke off" in done.output) != bool(sent)


def test_what_was_written_too_early_is_not_read(world, replay, orders):
    """Nothing is set aside after it is written: with ``--since``, a million old objects are listed only."""
    park_objects(world, 3)
    done = replay("--from-s3", "s3://parked/dead/", "--since", "2099-01-01T00:00Z")

    assert (done.code, world.calls.count("s3.get_object")) == (0, 0)
    assert "3 x is of another time" in done.output


def test_what_is_no_letter_by_its_size_is_not_read(world, replay, orders):
    """A backup that lies under the prefix is not taken into memory."""
    park_objects(world)
    connect = world.connect

    class Large(Old):
        def list_objects_v2(self, **request):
            answer = self._client.list_objects_v2(**request)
            return {**answer, "Contents": [{**found, "Size": 5 * 1024**3} for found in answer["Contents"]]}

    world.connect = lambda service, region: (
        Large(connect(service, region)) if service == "s3" else connect(service, region)
    )
    done = replay("--from-s3", "s3://parked/dead/")

    assert (done.code, world.calls.count("s3.get_object")) == (1, 0)
    assert "1 x is larger than any letter: more than 64 MiB; the first is dead/00" in done.output


def test_letters_that_come_again_are_not_the_end_of_the_queue(world, replay, parked):
    """A run that takes longer than letters are held meets those that it left, and goes on to the ones behind them."""
    world.functions["f"] = lambda event: None
    world.park(parked, "not meant", note(error="Other"))
    for number in range(4):
        world.park(parked, f"{number}", note())

    def pass_time(number, name, when):
        if (name, when) == ("lambda.invoke", "after"):
            for message in sqs_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].queues["parked"]._messages:
                message.visible_at = 0

    world.on_call = pass_time
    done = replay("--from-queue", parked, "--to-function", "f", "--error-type", "KeyError")

    assert (done.code, world.bodies(parked)) == (0, ["not meant"])
    assert done.output.startswith("looked at 5, sent 4, failed 0, cannot be sent 0, not meant 1\n")
