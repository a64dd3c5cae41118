"""Re-invocations that wait: in a delay queue, or for a one-time schedule."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from resilient_lambda import Backoff, ConfigurationError, DeadLetter, Delay, timeout_reinvoker
from resilient_lambda._core.reinvoke_delay import queued_s, schedule_at_s, wait_s
from resilient_lambda._core.reserved import KEY, Mark, put_on
from resilient_lambda.testing import destination_record, fake_io, lambda_context, sqs_event
from tests.reinvoker.conftest import WORKER

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/delays"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
LOST = "arn:aws:sqs:us-east-1:123456789012:lost"
NO_FAILURES = {"batchItemFailures": []}


@pytest.fixture
def region(monkeypatch):
    """A region and credentials that are nobody's."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")


@pytest.mark.parametrize(
    ("wait", "retry", "rand", "expected"),
    [
        (60, 1, 0.0, 60),
        (60, 7, 0.0, 60),
        (60, 1, 1.0, 75),
        (0, 1, 0.5, 0),
        (Backoff(base_s=30, cap_s=200), 1, 0.0, 30),
        (Backoff(base_s=30, cap_s=200), 3, 0.0, 120),
        (Backoff(base_s=30, cap_s=200), 9, 1.0, 250),
    ],
)
def test_a_wait_is_up_to_a_quarter_longer_than_said(wait, retry, rand, expected):
    """Jitter never makes it shorter; a `Backoff` counts the re-invocations."""
    assert wait_s(wait, retry, rand) == pytest.approx(expected)


def test_a_queue_delays_whole_seconds_and_no_longer_than_it_can():
    """``DelaySeconds`` goes from 0 to 900."""
    assert [queued_s(found) for found in (0, 0.1, 60, 899.5, 1_125.0)] == [0, 1, 60, 900, 900]


@pytest.mark.parametrize(("now_s", "found_s", "expected"), [(100.0, 60, 160), (100.2, 60.3, 161), (100.0, 0, 105)])
def test_a_schedule_is_never_of_the_past(now_s, found_s, expected):
    """It would not run: some seconds are left for making it."""
    assert schedule_at_s(now_s, found_s) == expected


def test_what_waits_in_a_queue_is_sent_when_it_comes_back(aws, make, letters, store):
    """First a message with the delay, then, from that message, the invocation; each of them once."""
    handler = make(store=store, delay=Delay.sqs(URL, wait=300))
    record = sqs_event([destination_record({"job": 1}, request_id="r")])
    assert (handler(record), handler(record)) == (NO_FAILURES, NO_FAILURES)

    (delayed,) = aws.delays
    assert (delayed.place, aws.invocations) == (URL, [])
    assert 300 <= delayed.wait_s <= 375
    assert delayed.request["DelaySeconds"] == delayed.wait_s
    for _ in range(2):
        assert handler(sqs_event([delayed.request["MessageBody"]])) == NO_FAILURES
    (request,) = aws.invocations
    mark = json.loads(request.payload)[KEY]
    assert (mark["attempt"], mark["root"], letters) == (2, "r", [])


def test_what_has_waited_is_parked_if_lambda_refuses_it(aws, make, letters):
    """With its payload: the message is the whole record by now."""
    handler = make(delay=Delay.sqs(URL))
    handler(sqs_event([destination_record({"job": 1})]))
    aws.answer("worker", ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"))
    event = sqs_event([aws.delays[0].request["MessageBody"]])

    assert handler(event) == NO_FAILURES
    assert letters[0][0] == event["Records"][0]


def test_a_message_holds_no_characters_that_a_queue_refuses(aws, make):
    """SQS takes no U+FFFE and U+FFFF, and UTF-8 no halves of characters: they are escaped."""
    text = "\ufffe \uffff \ud800 ü"
    make(delay=Delay.sqs(URL))(sqs_event([destination_record({"text": text})]))

    body = aws.delays[0].request["MessageBody"]
    assert body.isascii()
    assert json.loads(body)["resilient_lambda_reinvocation"]["payload"]["text"] == text


def test_a_payload_that_is_no_object_waits_in_a_queue_and_is_counted(aws, make, letters, store):
    """It is the re-invoker that sends it in the end, and learns the request id."""
    handler = make(store=store, max_attempts=2, delay=Delay.sqs(URL))
    handler(sqs_event([destination_record([1])]))
    handler(sqs_event([aws.delays[0].request["MessageBody"]]))
    handler(sqs_event([destination_record([1], request_id="00000001-0000-4000-8000-000000000000")]))

    assert [request.payload for request in aws.invocations] == [b"[1]"]
    assert letters[0][1].attempt == 2


def test_a_message_too_large_for_the_queue_is_parked(make, letters, aws):
    """What an asynchronous invocation would just take is too much with what stands around it."""
    payload = {"text": "x" * (1_048_576 - 150)}
    make(delay=Delay.sqs(URL))(sqs_event([destination_record(payload, request_id="r")]))

    assert "as a message" in str(letters[0][1])
    assert aws.delays == []


def test_a_schedule_invokes_the_function_itself(aws, make, store):
    """Once, at a second in the future, under the qualifier, with the mark; and removes itself."""
    arn = f"{WORKER}:live"
    handler = make(
        functions=[arn], store=store, delay=Delay.schedule(ROLE, dead_letter_arn=LOST, wait=3_600, group="retries")
    )
    handler(sqs_event([destination_record({"job": 1}, function_arn=arn, request_id="r")]))

    (delayed,) = aws.delays
    request = delayed.request
    assert (delayed.place, request["GroupName"], request["ActionAfterCompletion"]) == ("retries", "retries", "DELETE")
    assert request["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert request["ScheduleExpression"].startswith("at(20")
    assert 3_600 <= delayed.wait_s <= 4_501
    assert request["Target"]["Arn"] == arn
    assert json.loads(request["Target"]["Input"])[KEY]["attempt"] == 2
    assert len(request["Name"]) <= 64


def test_the_name_of_a_schedule_is_the_same_for_each_try(aws, make):
    """Of the function, the event and the attempt; each other one has another name."""
    handler = make(delay=Delay.schedule(ROLE, dead_letter_arn=LOST))
    for root, attempt in (("a", 1), ("a", 1), ("a", 2), ("b", 1)):
        payload = put_on({}, Mark(attempt, root, None))
        handler(sqs_event([destination_record(payload)]))

    names = [delayed.request["Name"] for delayed in aws.delays]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_a_schedule_hands_over_what_scheduler_would_replace(aws, make):
    """EventBridge Scheduler writes values of its own where it finds these names; the payload is the user's."""
    texts = {"<aws.scheduler.execution-id>": ["\\<aws.scheduler.attempt-number> <b>"]}
    make(delay=Delay.schedule(ROLE, dead_letter_arn=LOST))(sqs_event([destination_record(texts)]))

    sent = aws.delays[0].request["Target"]["Input"]
    assert "<aws.scheduler." not in sent
    assert texts.items() <= json.loads(sent).items()


@pytest.mark.parametrize(
    ("payload", "tenant", "said"),
    [
        ([1], None, "no object"),
        ({}, "blue", "tenant"),
        ({"text": "x" * 262_144}, None, "Delay.sqs"),
        ({"text": "<aws.scheduler." * 17_000}, None, "Delay.sqs"),
    ],
    ids=["list", "tenant", "large", "large-when-escaped"],
)
def test_what_a_schedule_cannot_do_is_parked(aws, make, letters, store, payload, tenant, said):
    """The reason names what can."""
    record = destination_record(payload)
    record["requestContext"]["tenantId"] = tenant
    make(store=store, delay=Delay.schedule(ROLE, dead_letter_arn=LOST))(sqs_event([record]))

    assert said in str(letters[0][1])
    assert aws.delays == []


class Client:
    """A client that fails some times."""

    def __init__(self, *errors, answer=None):
        self.errors, self.answer, self.calls = list(errors), answer, []

    def send_message(self, **request):
        return self._take(request)

    def create_schedule(self, **request):
        return self._take(request)

    def _take(self, request):
        self.calls.append(request)
        if self.errors:
            raise self.errors.pop(0)
        return self.answer


def failing(code):
    """Return an error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


@pytest.fixture
def reaching(letters):
    """Return a re-invoker whose delays reach their clients."""

    def make(**options):
        sink = DeadLetter(lambda record, error: letters.append((record.raw, error)))
        handler = timeout_reinvoker(functions=[WORKER], dead_letter=sink, **options)
        return lambda event: handler(event, lambda_context("reinvoker"))

    with fake_io():
        yield make


def test_a_schedule_that_is_there_already_is_a_success(reaching, letters):
    """An earlier try has made it, or a duplicate record has."""
    client = Client(failing("ConflictException"))
    handler = reaching(delay=Delay.schedule(ROLE, dead_letter_arn=LOST, client=client))

    assert handler(sqs_event([destination_record({})])) == NO_FAILURES
    assert (len(client.calls), letters) == (1, [])


@pytest.mark.parametrize(
    "make_delay",
    [
        lambda client: Delay.sqs(URL, client=client),
        lambda client: Delay.schedule(ROLE, dead_letter_arn=LOST, client=client),
    ],
    ids=["sqs", "schedule"],
)
def test_what_may_pass_is_tried_again_and_then_delivered_again(reaching, letters, make_delay):
    """Three tries within the invocation; after that the record comes back."""
    client = Client(*[failing("ThrottlingException")] * 4, answer={"MessageId": "m"})
    handler = reaching(delay=make_delay(client))
    event = sqs_event([destination_record({})])

    assert handler(event)["batchItemFailures"]
    assert handler(event) == NO_FAILURES
    assert (len(client.calls), letters) == (5, [])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_what_is_refused_for_good_is_parked(reaching, letters, code):
    """The role or the group is missing: the record says so."""
    handler = reaching(delay=Delay.schedule(ROLE, dead_letter_arn=LOST, client=Client(failing(code))))

    assert handler(sqs_event([destination_record({})])) == NO_FAILURES
    assert code in str(letters[0][1])


def test_an_answer_without_an_id_is_no_confirmation(reaching, letters):
    """Nobody knows whether the queue has it."""
    handler = reaching(delay=Delay.sqs(URL, client=Client(answer={})))

    assert handler(sqs_event([destination_record({})]))["batchItemFailures"]
    assert letters == []


def test_a_real_queue_takes_the_message(reaching, region):
    """As boto3 sends it."""
    with mock_aws():
        sqs = boto3.client("sqs", region_name="us-east-1")
        url = sqs.create_queue(QueueName="delays")["QueueUrl"]
        reaching(delay=Delay.sqs(url, wait=0, client=sqs))(sqs_event([destination_record({"job": 1})]))
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]

    assert json.loads(message["Body"])["resilient_lambda_reinvocation"]["payload"]["job"] == 1


def test_a_real_scheduler_takes_the_schedule_once(reaching, region, letters):
    """As boto3 sends it; a second one of its name is refused, and that is right."""
    with mock_aws():
        scheduler = boto3.client("scheduler", region_name="us-east-1")
        handler = reaching(delay=Delay.schedule(ROLE, dead_letter_arn=LOST, client=scheduler))
        record = sqs_event([destination_record({"job": 1}, request_id="r")])
        assert (handler(record), handler(record)) == (NO_FAILURES, NO_FAILURES)
        (found,) = scheduler.list_schedules()["Schedules"]
        schedule = scheduler.get_schedule(Name=found["Name"])

    assert (schedule["Target"]["Arn"], schedule["Target"]["DeadLetterConfig"]) == (WORKER, {"Arn": LOST})
    assert letters == []


def test_addresses_come_from_the_environment(reaching, monkeypatch, letters):
    """Read when first used; a missing one brings the record back, for somebody to set it."""
    client = Client(answer={"MessageId": "m"})
    handler = reaching(delay=Delay.sqs(env="DELAYS_URL", client=client))
    event = sqs_event([destination_record({})])

    assert handler(event)["batchItemFailures"]
    monkeypatch.setenv("DELAYS_URL", f"{URL}.fifo")
    assert handler(event)["batchItemFailures"]
    monkeypatch.setenv("DELAYS_URL", URL)
    assert handler(event) == NO_FAILURES
    assert [call["QueueUrl"] for call in client.calls] == [URL]
    assert letters == []


def test_what_a_schedule_cannot_invoke_goes_to_a_queue(reaching, monkeypatch, letters):
    """Nobody else is told of it; until it is known to which queue, the record comes back."""
    client = Client(answer={})
    delay = Delay.schedule(env="ROLE_ARN", dead_letter_env="LOST_ARN", client=client)
    handler = reaching(delay=delay)
    event = sqs_event([destination_record({})])
    monkeypatch.setenv("ROLE_ARN", ROLE)

    with pytest.raises(ConfigurationError, match="dead_letter_env='LOST_ARN'"):
        delay.warm()
    assert handler(event)["batchItemFailures"]
    monkeypatch.setenv("LOST_ARN", f"{LOST}.fifo")
    assert handler(event)["batchItemFailures"]
    monkeypatch.setenv("LOST_ARN", LOST)
    assert handler(event) == NO_FAILURES
    assert [call["Target"]["DeadLetterConfig"] for call in client.calls] == [{"Arn": LOST}]
    assert letters == []


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (Delay.sqs, "url="),
        (lambda: Delay.sqs(URL, env="X"), "url="),
        (lambda: Delay.sqs("delays"), "no URL"),
        (lambda: Delay.sqs(f"{URL}.fifo"), "FIFO"),
        (lambda: Delay.sqs(URL, wait=901), "900"),
        (lambda: Delay.sqs(URL, wait=-1), "wait"),
        (lambda: Delay.sqs(URL, wait="60"), "wait"),
        (lambda: Delay.sqs(URL, wait=Backoff(base_s=1, cap_s=901)), "900"),
        (lambda: Delay.sqs(URL, wait=Backoff(jitter="full")), "jitter"),
        (lambda: Delay.sqs(URL, region="us-east-1", client=Client()), "region"),
        (lambda: Delay.sqs(URL, region=""), "region"),
        (Delay.schedule, "role_arn="),
        (lambda: Delay.schedule("role"), "no ARN of a role"),
        (lambda: Delay.schedule(ROLE), "dead_letter_arn= or dead_letter_env="),
        (lambda: Delay.schedule(ROLE, dead_letter_arn=LOST, dead_letter_env="X"), "dead_letter_arn= or"),
        (lambda: Delay.schedule(ROLE, dead_letter_arn=URL), "no ARN of a queue"),
        (lambda: Delay.schedule(ROLE, dead_letter_arn=f"{LOST}.fifo"), "FIFO"),
        (lambda: Delay.schedule(ROLE, dead_letter_env=""), "dead_letter_env"),
        (lambda: Delay.schedule(ROLE, dead_letter_arn=LOST, group="a b"), "group"),
        (lambda: Delay.schedule(ROLE, dead_letter_arn=LOST, wait=31_536_001), "wait"),
        (lambda: Delay(60), "Delay.sqs"),
    ],
    ids=[
        "none", "both", "name", "fifo", "long", "negative", "text", "backoff", "jitter", "region", "empty-region",
        "no-role", "role", "no-queue", "two-queues", "queue-url", "queue-fifo", "queue-variable", "group", "year",
        "bare",
    ],
)  # fmt: skip
def test_a_wrong_option_fails_at_import(build, said):
    """With the value, and what is allowed."""
    with pytest.raises(ConfigurationError, match=said):
        build()


def test_a_delay_says_where_it_is():
    """In messages and logs."""
    assert URL in repr(Delay.sqs(URL))
    assert "ROLE_ARN" in repr(Delay.schedule(env="ROLE_ARN", dead_letter_arn=LOST))
