"""Hiding failed messages: what SQS is asked for, and that nothing of it disturbs the answer."""

from __future__ import annotations

import asyncio
import logging
from math import inf
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

from resilient_lambda import ConfigurationError, DynamoDBStore, Idempotency, RetryableError, batch_handler
from resilient_lambda._core.backoff import Backoff
from resilient_lambda._core.model import Category, Classification, Failure, Verdict
from resilient_lambda._core.sources import SQS, SQS_FIFO
from resilient_lambda._handlers.visibility import QueueVisibility, automatic, checked, hide, wants
from resilient_lambda._io.blocking import drive
from resilient_lambda.events import VisibilityChanged
from resilient_lambda.testing import fake_io, in_memory, lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed

ARN = "arn:aws:sqs:us-east-1:123456789012:orders"
BACKOFF = Backoff(base_s=10, cap_s=100)
FAILED = Failure(ValueError(), Classification(Verdict.RETRYABLE, Category.UNKNOWN))


class Queues:
    """
    SQS, as far as it changes visibility.

    Attributes:
        requests: The URL and the entries of each request.
        regions: The regions for which a client was asked.
        script: What is done with the next requests: entries that fail by their position, or an error to raise.
        took_s: How long a request takes.
    """

    def __init__(self, io, endpoint_url="https://sqs.us-east-1.amazonaws.com"):
        self.meta = SimpleNamespace(endpoint_url=endpoint_url)
        self.requests = []
        self.regions = []
        self.script = []
        self.took_s = 0.0
        self._io = io

    def connect(self, region):
        self.regions.append(region)
        return self

    def change_message_visibility_batch(self, *, QueueUrl, Entries):
        self._io.advance(self.took_s)
        self.requests.append((QueueUrl, Entries))
        act = self.script.pop(0) if self.script else {}
        if isinstance(act, BaseException):
            raise act
        failed = [
            {"Id": entry["Id"], "Code": act[number], "SenderFault": True}
            for number, entry in enumerate(Entries)
            if number in act
        ]
        done = [{"Id": entry["Id"]} for number, entry in enumerate(Entries) if number not in act]
        return {"Successful": done, "Failed": failed}

    @property
    def handles(self):
        """The receipt handles of all entries, with the seconds asked for."""
        return {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for _, entries in self.requests for entry in entries}


@pytest.fixture
def queues(time):
    return Queues(time)


@pytest.fixture
def events():
    """What observers heard."""
    return []


@pytest.fixture
def environment(queues):
    """One environment's memory of what it may."""
    return QueueVisibility(queues.connect)


@pytest.fixture
def change(environment, events, time):
    """Hide messages, all of which failed, in this environment."""

    def change(*raws, until_s=float("inf"), source=SQS, failures=None, by=environment):
        invocation = SimpleNamespace(io=time, source=source, observers=[events.append], emit=events.append)
        waits = list(zip(raws, failures or [FAILED] * len(raws), strict=True))
        return drive(by.hide(invocation, waits, BACKOFF, until_s=until_s))

    return change


def message(number=0, *, receives=1, arn=ARN, **fields):
    """Return a message as the event has it."""
    raw = sqs_record("bad", message_id=f"m{number}", receives=receives, queue_arn=arn)
    return {**raw, "receiptHandle": f"h{number}", **fields}


def messages(count):
    """Return so many of them."""
    return [message(number) for number in range(count)]


def refused(code, status=400):
    """Return the error that botocore raises for *code*."""
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "ChangeMessageVisibilityBatch",
    )


def test_a_failed_message_is_hidden_by_its_receives(change, queues, events):
    """One request to its queue's URL, and an event for each message."""
    change(message(1), message(2, receives=3))

    assert [url for url, _ in queues.requests] == ["https://sqs.us-east-1.amazonaws.com/123456789012/orders"]
    assert 10 <= queues.handles["h1"] <= 13
    assert 40 <= queues.handles["h2"] <= 50
    assert events == [VisibilityChanged("m1", queues.handles["h1"]), VisibilityChanged("m2", queues.handles["h2"])]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [1, 10]), (25, [5, 10, 10]), (1_000, [10] * 100)]
)
def test_ten_messages_go_in_a_request(change, queues, events, count, sizes):
    """None is left out, none asked for twice; entries of a request have ids of their own."""
    change(*messages(count))

    assert sorted(len(entries) for _, entries in queues.requests) == sizes
    assert queues.handles.keys() == {f"h{number}" for number in range(count)}
    assert all(len({entry["Id"] for entry in entries}) == len(entries) for _, entries in queues.requests)
    assert {event.record_id for event in events} == {f"m{number}" for number in range(count)}


@pytest.mark.parametrize(
    ("region", "endpoint_url", "url"),
    [
        ("us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com", "https://sqs.us-gov-west-1.amazonaws.com/1/q"),
        ("cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn", "https://sqs.cn-north-1.amazonaws.com.cn/1/q"),
        ("us-east-1", "http://127.0.0.1:4566/", "http://127.0.0.1:4566/1/q"),
    ],
)
def test_the_queues_url_is_at_the_endpoint_of_its_region(change, queues, region, endpoint_url, url):
    """Whatever the partition, and where operators have set another endpoint."""
    queues.meta.endpoint_url = endpoint_url
    change(message(arn=f"arn:aws:sqs:{region}:1:q"))

    assert queues.regions == [region]
    assert queues.requests[0][0] == url


def test_each_queue_gets_its_own_requests(change, queues):
    """A request is about one queue."""
    change(message(1), message(2, arn=f"{ARN}-2"), message(3))

    assert [(url.rpartition("/")[2], len(entries)) for url, entries in queues.requests] == [
        ("orders", 2),
        ("orders-2", 1),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"receiptHandle": ""},
        {"receiptHandle": None},
        {"eventSourceARN": "orders"},
        {"eventSourceARN": None},
        {"attributes": {"ApproximateFirstReceiveTimestamp": "1799950000000"}},  # SQS would refuse it
    ],
    ids=str,
)
def test_what_cannot_be_hidden_is_left_to_its_queue(change, queues, fields):
    """The others are hidden all the same."""
    change(message(1, **fields), message(2))

    assert queues.handles.keys() == {"h2"}


def test_messages_that_sqs_leaves_alone_are_no_matter(change, queues, events, caplog):
    """Deleted, or received again by another: the rest is hidden, nothing is warned about."""
    caplog.set_level(logging.DEBUG)
    queues.script = [{0: "ReceiptHandleIsInvalid", 2: "MessageNotInflight"}]
    change(*messages(3))

    assert [event.record_id for event in events] == ["m1"]
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert "['MessageNotInflight', 'ReceiptHandleIsInvalid']" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDenied", 403),
        refused("AccessDeniedException"),
        refused("InvalidClientTokenId", 403),
        NoCredentialsError(),
        ConfigurationError("boto3 is not installed"),
    ],
    ids=str,
)
def test_an_environment_without_permission_says_so_once(change, queues, events, caplog, error):
    """One warning with the permission that is missing; nothing is tried again in its life."""
    queues.script = [error]
    for _ in range(3):
        change(*messages(30))

    assert len(queues.requests) == 1
    assert events == []
    (line,) = caplog.messages
    assert "sqs:ChangeMessageVisibility" in line
    assert "visibility=False" in line


def test_an_environment_that_never_reaches_sqs_stops_asking(change, queues, caplog):
    """In a VPC without a way to SQS each try costs a second: after three invocations there is one warning."""
    queues.script = [ConnectTimeoutError(endpoint_url="x"), EndpointConnectionError(endpoint_url="x")] * 3
    for _ in range(5):
        change(*messages(30))

    assert len(queues.requests) == 3
    (line,) = caplog.messages
    assert "VPC" in line


def test_an_environment_that_reaches_sqs_now_and_then_goes_on(change, queues, caplog):
    """Only invocations in a row count."""
    away = ConnectTimeoutError(endpoint_url="x")
    queues.script = [away, away, {}, away, away, {}]
    for _ in range(6):
        change(message())

    assert len(queues.requests) == 6
    assert caplog.messages == []


@pytest.mark.parametrize("error", [refused("QueueDoesNotExist"), refused("InternalError", 500), KeyError("x")], ids=str)
def test_a_request_that_fails_is_left_alone(change, queues, events, caplog, error):
    """Where the first one fails the others are not made, and the next invocation tries again."""
    queues.script = [error] * 4
    for _ in range(5):
        change(*messages(20))

    assert len(queues.requests) == 4 + 2
    assert len(events) == 20
    assert caplog.messages == []


def test_one_failure_among_many_does_not_stop_the_others(change, queues, events):
    """Ten messages are left to their queue."""
    queues.script = [{}, refused("InternalError", 500)]
    change(*messages(100))

    assert len(queues.requests) == 10
    assert len(events) == 90


def test_no_request_begins_that_would_end_too_late(change, queues, time):
    """If it takes as long as the one before: the answer must go out."""
    queues.took_s = 2.0
    change(*messages(20), until_s=time.now() + 3)

    assert len(queues.requests) == 1


def test_a_first_request_needs_time_to_build_the_client(change, queues, time):
    """A second, in an environment with little CPU; with less the queue decides."""
    change(message(), until_s=time.now() + 0.9)

    assert queues.requests == []


def test_how_long_a_request_takes_is_known_in_the_next_invocation(change, queues, time):
    """In an environment whose requests are quick there is time to the last moment."""
    change(message())
    change(message(), until_s=time.now() + 0.1)

    assert len(queues.requests) == 2


def test_a_group_comes_back_with_its_first_message(change, queues):
    """In a FIFO queue one hidden message stops its group, so all of it is hidden for the same time."""
    arn = f"{ARN}.fifo"
    first = {"attributes": {"MessageGroupId": "a", "ApproximateReceiveCount": "3"}}
    later = {"attributes": {"MessageGroupId": "a", "ApproximateReceiveCount": "1"}}
    other = {"attributes": {"MessageGroupId": "b", "ApproximateReceiveCount": "1"}}
    change(message(1, arn=arn, **first), message(2, arn=arn, **later), message(3, arn=arn, **other), source=SQS_FIFO)

    assert 40 <= queues.handles["h1"] == queues.handles["h2"] <= 50
    assert 10 <= queues.handles["h3"] <= 13


def test_message_groups_of_a_standard_queue_mean_no_order(change, queues):
    """Fair queues have them, too."""
    first = {"attributes": {"MessageGroupId": "a", "ApproximateReceiveCount": "3"}}
    later = {"attributes": {"MessageGroupId": "a", "ApproximateReceiveCount": "1"}}
    change(message(1, **first), message(2, **later))

    assert queues.handles["h2"] <= 13 < queues.handles["h1"]


@pytest.mark.parametrize(
    "raw",
    [{}, {"attributes": 5}, {"messageId": 5, "receiptHandle": {}, "eventSourceARN": []}, {"receiptHandle": "h"}, None],
    ids=str,
)
def test_whatever_the_event_holds_nothing_is_raised(change, queues, raw):
    """Hiding is worth no invocation."""
    assert change(raw, source=SQS) is None
    assert queues.requests == []


def test_an_answer_of_an_unknown_shape_is_no_matter(change, queues, events):
    """Nothing is raised, nothing is said to be hidden."""
    queues.change_message_visibility_batch = lambda **_: {"Successful": [{"Id": "nonsense"}]}

    assert change(message()) is None
    assert events == []


def test_an_asynchronous_handler_waits_for_its_requests():
    """The loop stays free meanwhile; nothing is under way afterwards."""
    from resilient_lambda._io.aio import IO

    class RealTime:
        advance = staticmethod(lambda seconds: None)

    queues = Queues(RealTime)
    invocation = SimpleNamespace(io=IO, source=SQS, observers=())
    waits = [(raw, FAILED) for raw in messages(100)]
    asyncio.run(QueueVisibility(queues.connect).hide(invocation, waits, BACKOFF, until_s=float("inf")))

    assert len(queues.handles) == 100


def test_in_memory_keeps_what_would_be_hidden(time, events):
    """No client is built, in whatever state the environment is."""
    invocation = SimpleNamespace(io=time, source=SQS, observers=[events.append], emit=events.append)
    with in_memory() as fakes:
        drive(hide(invocation, [(message(1), FAILED), (message(2, receives=9), FAILED)], BACKOFF, until_s=0.0))

    assert [hidden.message_id for hidden in fakes.hidden] == ["m1", "m2"]
    assert 10 <= fakes.hidden[0].hidden_s <= 13
    assert 100 <= fakes.hidden[1].hidden_s <= 125
    assert [(event.record_id, event.hidden_s) for event in events] == fakes.hidden


@pytest.mark.parametrize("option", ["auto", False, BACKOFF], ids=str)
def test_an_option_is_taken_as_it_is(option):
    """These three kinds."""
    assert checked(option) is option


def test_a_jitter_is_refused():
    """It is for retries: with it a message could come back before its wait is over."""
    with pytest.raises(ConfigurationError, match="jitter is for Retry"):
        batch_handler(visibility=Backoff(jitter="full"))(lambda record: None)


@pytest.mark.parametrize("option", [True, None, 0, "AUTO", "", 30, {"base_s": 30}, Backoff], ids=str)
def test_a_wrong_option_is_refused(option):
    """With what is allowed."""
    with pytest.raises(ConfigurationError, match="must be 'auto', False, or a Backoff"):
        checked(option)


def test_standard_queues_are_hidden_by_default_in_lambda(monkeypatch):
    """A FIFO queue and other sources are not."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    assert wants("auto", "sqs", 30.0) is not None
    assert [wants("auto", name, 30.0) for name in ("sqs-fifo", "kinesis", "invocation")] == [None, None, None]


@pytest.mark.parametrize("timeout_s", [3.0, 30.0, 60.0, 300.0, 900.0])
@pytest.mark.parametrize("receives", [3, 5, 10])
def test_no_message_is_given_up_sooner_than_without(timeout_s, receives):
    """The waits between so many receives take no less time than those of a queue that hides for six timeouts."""
    backoff = automatic(timeout_s)
    waits = [min(backoff.cap_s, backoff.base_s * 2**number) for number in range(receives - 1)]

    assert sum(waits) >= (receives - 1) * 6 * timeout_s


@pytest.mark.parametrize(
    ("timeout_s", "base_s", "cap_s"), [(3.0, 30, 900), (30.0, 120, 900), (900.0, 3_600, 14_400), (inf, 30, 900)]
)
def test_the_waits_follow_the_timeout(timeout_s, base_s, cap_s):
    """Where it is not known they are those of Backoff()."""
    backoff = automatic(timeout_s)

    assert (backoff.base_s, backoff.cap_s) == (base_s, cap_s)


def test_a_backoff_is_for_fifo_queues_too(monkeypatch):
    """Who asks for it gets it; no other source can hide anything."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")

    assert [wants(BACKOFF, name, 30.0) for name in ("sqs", "sqs-fifo", "kafka")] == [BACKOFF, BACKOFF, None]


def test_false_hides_nothing(monkeypatch):
    """Anywhere."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")

    assert wants(False, "sqs", 30.0) is None


@pytest.mark.parametrize("option", ["auto", BACKOFF], ids=str)
def test_outside_of_lambda_nothing_is_hidden(monkeypatch, option):
    """A user's test of a handler must not call AWS; inside in_memory() it is kept by the fakes."""
    monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API", raising=False)
    with in_memory():
        assert wants(option, "sqs", 30.0) is not None
    assert wants(option, "sqs", 30.0) is None


def test_time_of_the_event_and_of_the_handler_may_differ():
    """Under virtual time an event with today's timestamps is new."""
    with fake_io(start_s=2_500_000_000) as io, in_memory() as fakes:
        invocation = SimpleNamespace(io=io, source=SQS, observers=())
        drive(hide(invocation, [(message(1), FAILED)], BACKOFF, until_s=0.0))

    assert len(fakes.hidden) == 1


def hidden_by(handler, *records, context=None):
    """Return what *handler* would hide of *records*, by message id."""
    with in_memory() as fakes:
        handler(sqs_event(records), context or lambda_context())
    return dict(fakes.hidden)


def fail_when_told(record):
    """A function for a record."""
    if record.body != "fine":
        raise RetryableError("busy", retry_after_s=None if record.body == "bad" else float(record.body))


def test_a_handler_hides_what_it_gives_back(paint):
    """By the receive count, or as long as the error asks; what succeeds is not touched, and the answer is the same."""
    handler = batch_handler(visibility=BACKOFF)(paint(fail_when_told))
    hidden = hidden_by(handler, message(1), message(2, body="fine"), message(3, body="500"), message(4, receives=3))

    assert hidden.keys() == {"m1", "m3", "m4"}
    assert 10 <= hidden["m1"] <= 13
    assert 500 <= hidden["m3"] <= 625
    assert 40 <= hidden["m4"] <= 50


def test_a_batch_without_failures_hides_nothing(paint):
    """Nothing is asked of SQS."""
    assert hidden_by(batch_handler(paint(fail_when_told)), message(1, body="fine")) == {}


@pytest.mark.parametrize(("arn", "is_hidden"), [(ARN, True), (f"{ARN}.fifo", False)])
def test_a_handler_hides_messages_of_standard_queues_by_default(paint, arn, is_hidden):
    """A FIFO queue is left alone."""
    assert ("m1" in hidden_by(batch_handler(paint(fail_when_told)), message(1, arn=arn))) == is_hidden


def test_a_group_that_has_stopped_is_hidden_as_a_whole(paint):
    """The messages behind the failure as long as that one."""
    handler = batch_handler(visibility=BACKOFF)(paint(fail_when_told))
    records = [message(n, arn=f"{ARN}.fifo", body=body) for n, body in enumerate(["fine", "500", "fine", "bad"])]
    hidden = hidden_by(handler, *records)

    assert hidden.keys() == {"m1", "m2", "m3"}
    assert len(set(hidden.values())) == 1
    assert hidden["m1"] >= 500


def test_what_was_not_started_is_hidden_for_the_first_wait(paint, time):
    """However often it was received."""

    def function(record):
        time.advance(29)

    handler = batch_handler(visibility=BACKOFF)(paint(function))
    hidden = hidden_by(handler, message(1), message(2, receives=4), context=time.context(timeout_s=30))

    assert hidden.keys() == {"m2"}
    assert 10 <= hidden["m2"] <= 13


def test_a_twin_is_hidden_by_the_deadline_of_the_one_that_runs(paint, time):
    """Not by its lease, which a heartbeat moves on and on; and once that one is done, the twin is acknowledged."""
    answers = []

    def function(record):
        if record.id == "m1":
            answers.append(twin(sqs_event([message(2, receives=5)]), time.context(timeout_s=30)))

    idempotency = {"key": lambda record: "same", "lease_s": 20}
    first = batch_handler(policies=[Idempotency(DynamoDBStore("t"), **idempotency)])(paint(function))
    twin = batch_handler(policies=[Idempotency(DynamoDBStore("t"), **idempotency)], visibility=BACKOFF)(function)
    with in_memory() as fakes:
        first(sqs_event([message(1)]), time.context(timeout_s=80))
        answers.append(twin(sqs_event([message(2, receives=6)]), time.context(timeout_s=30)))

    assert failed(answers[0]) == ["m2"]
    assert fakes.hidden == [("m2", 80)]  # by its receives it would be 100 s, by the lease 22 s
    assert answers[1] == NOTHING_FAILED


@pytest.mark.parametrize("option", ["auto", BACKOFF], ids=str)
def test_operators_can_switch_it_off(monkeypatch, paint, option):
    """Without a deployment; and a handler may say so itself."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "visibility")

    assert hidden_by(batch_handler(visibility=option)(paint(fail_when_told)), message(1)) == {}


def test_a_handler_may_leave_it_to_the_queue(paint):
    """``visibility=False``."""
    assert hidden_by(batch_handler(visibility=False)(paint(fail_when_told)), message(1)) == {}


def test_a_wrong_option_fails_at_import():
    """Also where operators have switched it off."""
    with pytest.raises(ConfigurationError, match="visibility=30"):
        batch_handler(visibility=30)(fail_when_told)
