"""`timeout_reinvoker`: what it invokes, claims, counts, sets aside and gives back, and which options it takes."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from resilient_lambda import ConfigurationError, DeadLetter, Delay, MemoryStore, timeout_reinvoker
from resilient_lambda._core.reserved import KEY, Mark, put_on
from resilient_lambda.errors import NotReinvokedError, StoreUnavailableError
from resilient_lambda.events import DeadLettered, DuplicateSuppressed, ReinvocationParked, Reinvoked
from resilient_lambda.testing import destination_record, lambda_context, sqs_event, sqs_record
from tests.reinvoker.conftest import WORKER

NO_FAILURES = {"batchItemFailures": []}


def refused(code):
    """Return an error of the Invoke API."""
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "Invoke"
    )


def marks(aws):
    """Return what each invocation of the worker carried."""
    return [json.loads(request.payload).get(KEY) for request in aws.invocations]


def test_a_record_that_comes_twice_starts_the_function_once(aws, make, store):
    """By another message, or by Lambda itself: the first claims the event and its attempt."""
    record = destination_record({"job": 1}, request_id="r")
    handler = make(store=store)
    handler(sqs_event([record, record]))
    handler(sqs_event([record]))
    handler(record)

    assert [mark["attempt"] for mark in marks(aws)] == [2]


def test_the_second_failure_of_an_attempt_that_was_started_twice_starts_nothing(aws, make, store):
    """Their records have two request ids, but are of one event and attempt."""
    handler = make(store=store)
    for request_id in ("first", "second"):
        handler(destination_record(put_on({}, Mark(2, "root", None)), request_id=request_id))

    assert [mark["attempt"] for mark in marks(aws)] == [3]


def test_two_events_that_are_equal_are_two(aws, make, store):
    """What tells them apart is the request id, not the payload; where there is none, the delivery."""
    handler = make(store=store)
    nameless = destination_record({"job": 1})
    del nameless["requestContext"]["requestId"]
    nameless["responsePayload"] = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 1.00 seconds"}
    handler(sqs_event([nameless, nameless, destination_record({"job": 1}), destination_record({"job": 1})]))

    assert len(aws.invocations) == 4
    assert len({mark["root"] for mark in marks(aws)}) == 4


def test_without_a_store_each_delivery_starts_the_function(aws, make):
    """That is what a store is for."""
    record = destination_record({})
    make()(sqs_event([record, record]))

    assert len(aws.invocations) == 2


def test_attempts_end_with_the_sink(aws, make, letters, store):
    """An event that always times out is invoked max_attempts times in all, and then set aside once."""
    handler, payload = make(store=store, max_attempts=4), {"job": 1}
    for number in range(4):
        handler(sqs_event([destination_record(payload, request_id=f"r-{number}")]))
        if number < 3:
            payload = json.loads(aws.invocations[-1].payload)

    assert [(mark["attempt"], mark["root"]) for mark in marks(aws)] == [(2, "r-0"), (3, "r-0"), (4, "r-0")]
    ((raw, error),) = letters
    assert json.loads(raw["body"])["requestPayload"] == payload
    assert isinstance(error, NotReinvokedError)
    assert (error.function, error.attempt) == (WORKER, 4)


def test_a_record_that_was_set_aside_and_comes_again_is_not_set_aside_twice(make, letters, store):
    """The same message, because its acknowledgement was lost."""
    handler = make(store=store)
    event = sqs_event([destination_record({}, kind="handler")])

    assert (handler(event), handler(event)) == (NO_FAILURES, NO_FAILURES)
    assert len(letters) == 1


def test_a_record_that_is_sent_back_after_a_change_is_decided_anew(aws, make, letters, store):
    """A redrive is another delivery; nothing that was set aside may be lost by it."""
    record = destination_record({}, kind="out_of_memory")
    make(store=store)(sqs_event([record]))
    make(store=store, also=["out_of_memory"])(sqs_event([record]))

    assert (len(letters), len(aws.invocations)) == (1, 1)


@pytest.mark.parametrize(
    "code",
    ["ResourceNotFoundException", "RecursiveInvocationException", "AccessDeniedException", "RequestTooLargeException"],
)
def test_what_lambda_refuses_for_good_is_parked(aws, make, letters, code):
    """Another try cannot help; the record says what was refused."""
    aws.answer("worker", refused(code))

    assert make()(sqs_event([destination_record({})])) == NO_FAILURES
    assert "refused for good" in str(letters[0][1])
    assert code in str(letters[0][1])


@pytest.mark.parametrize(
    "error",
    [refused("TooManyRequestsException"), refused("ServiceException"), EndpointConnectionError(endpoint_url="x")],
    ids=["throttled", "service", "connection"],
)
def test_what_may_pass_has_the_record_delivered_again(aws, make, letters, store, error):
    """A message by a partial answer, a direct event by the error; nothing is lost, and the claim is given back."""
    aws.answer("worker", error)
    handler = make(store=store)
    event = sqs_event([destination_record({}, request_id="r"), destination_record({}, kind="handler")])

    assert handler(event) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    with pytest.raises(type(error)):
        handler(destination_record({}, request_id="s"))
    aws.answer("worker", None)
    assert handler(event) == NO_FAILURES
    assert len(letters) == 1


def test_a_sink_that_fails_has_the_record_delivered_again(aws):
    """What is not invoked again must be somewhere before it is acknowledged."""

    def sink(record, error):
        raise OSError("down")

    handler = timeout_reinvoker(functions=[WORKER], dead_letter=DeadLetter(sink))
    event = sqs_event([destination_record({}, kind="handler")])

    assert handler(event, lambda_context()) == {
        "batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]
    }


def test_a_payload_that_is_no_object_is_counted_in_the_store(aws, make, letters, store):
    """Attempts go on under the ids that Lambda answered with, and end as any others."""
    handler = make(store=store)
    handler(destination_record("text", request_id="r-0"), lambda_context("reinvoker"))
    for _ in range(2):
        answered = f"{len(aws.invocations):08x}-0000-4000-8000-000000000000"
        handler(destination_record("text", request_id=answered))

    assert [request.payload for request in aws.invocations] == [b'"text"', b'"text"']
    assert letters[0][1].attempt == 3


@pytest.mark.parametrize(("payload", "invokes"), [({}, 3), ([1], 1)], ids=["object", "list"])
def test_a_lost_answer_is_asked_for_again_at_once_where_the_worker_knows_a_second_start(
    aws, make, store, payload, invokes
):
    """Without a mark each start begins a chain of its own: one more for a delivery, and not three."""
    handler = make(store=store)
    aws.answer("worker", ReadTimeoutError(endpoint_url="https://lambda"))
    event = sqs_event([destination_record(payload)])

    assert handler(event)["batchItemFailures"]
    assert len(aws.invocations) == invokes
    aws.answer("worker", None)
    assert handler(event) == NO_FAILURES
    assert len(aws.invocations) == invokes + 1


def test_what_nobody_can_count_is_parked(aws, make, letters, store):
    """Neither the payload nor Lambda says which attempt it was: it would go on without end."""
    record = destination_record([1])
    del record["requestContext"]["requestId"]

    assert make(store=store)(sqs_event([record])) == NO_FAILURES
    assert (aws.invocations, letters[0][1].attempt) == ([], 1)
    assert "request id" in str(letters[0][1])


@pytest.mark.parametrize("delay", [None, Delay.sqs(env="DELAYS_URL")], ids=["at-once", "delayed"])
def test_a_number_that_no_float_holds_is_parked(aws, make, letters, delay):
    """Read, it is infinite, for which JSON has no text: Lambda would refuse it, and a schedule lose it."""
    record = json.dumps(destination_record({"n": 1})).replace('"n": 1', '"n": 1e999')

    assert make(delay=delay)(sqs_event([record])) == NO_FAILURES
    assert (aws.invocations, aws.delays) == ([], [])
    assert "number" in str(letters[0][1])


class Forgetful(MemoryStore):
    """A store that does not write counts."""

    def put_if(self, key, item, expected):
        if "#counted#" in key:
            raise StoreUnavailableError("away")
        return super().put_if(key, item, expected)


def test_an_invocation_that_cannot_be_counted_is_no_failure(aws, make, letters, caplog):
    """It was accepted; were the record delivered again, the function would be started twice."""
    assert make(store=Forgetful())(sqs_event([destination_record([1])])) == NO_FAILURES

    assert (len(aws.invocations), letters) == (1, [])
    assert "could not be noted" in caplog.text


class Away(MemoryStore):
    """A store that does not answer."""

    def get(self, keys, *, consistent=True):
        raise StoreUnavailableError("away")

    def put_if(self, key, item, expected):
        raise StoreUnavailableError("away")

    def put_many_if(self, writes):
        raise StoreUnavailableError("away")


@pytest.mark.parametrize("payload", [{}, [1]], ids=["object", "list"])
def test_nothing_is_invoked_while_the_store_is_away(aws, make, letters, payload):
    """It might have been before."""
    event = sqs_event([destination_record(payload)])

    assert make(store=Away())(event) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert (aws.invocations, letters) == ([], [])


def test_observers_are_told_what_was_done_and_what_was_not(make, store):
    """With ids, the function, the attempt and the reason; never with a payload."""
    told = []
    handler = make(store=store, observers=[told.append])
    event = sqs_event(
        [
            destination_record({"secret": "hunter2"}, request_id="r"),
            destination_record({"secret": "hunter2"}, kind="exit"),
        ]
    )
    handler(event)
    handler(event)

    (done,) = [found for found in told if isinstance(found, Reinvoked)]
    (not_done,) = [found for found in told if isinstance(found, ReinvocationParked)]
    assert done == (event["Records"][0]["messageId"], WORKER, "r", 2, "00000001-0000-4000-8000-000000000000")
    assert not_done[:3] == (event["Records"][1]["messageId"], WORKER, 1)
    assert "process exited" in not_done.reason
    assert [type(found) for found in told if isinstance(found, DeadLettered | DuplicateSuppressed)] == [
        DeadLettered, DuplicateSuppressed, DuplicateSuppressed
    ]  # fmt: skip
    assert "hunter2" not in repr(told)


def test_a_predicate_sees_the_record(aws, make):
    """It decides about failures that are not timeouts."""
    seen = []
    make(predicate=lambda record: seen.append(record) or record.error_type == "ValueError")(
        sqs_event([destination_record({}, kind="handler"), destination_record({}, kind="exit"), destination_record({})])
    )

    assert [record.error_kind for record in seen] == ["handler", "exit"]
    assert len(aws.invocations) == 2


def test_names_mean_the_account_of_the_context(aws, make, letters):
    """The context says where the re-invoker runs."""
    foreign = WORKER.replace("123456789012", "210987654321")
    make(functions=["worker"])(sqs_event([destination_record({}), destination_record({}, function_arn=foreign)]))

    assert [request.function for request in aws.invocations] == [WORKER]
    assert "another account" in str(letters[0][1])


@pytest.mark.parametrize("at", [10**400, -(10**400), float("inf")], ids=["large", "small", "infinite"])
def test_a_time_that_is_none_is_as_good_as_missing(aws, make, letters, at):
    """Whoever wrote it into a payload or a message: the event is invoked again, and the time is left out."""
    mark = {"attempt": 2, "root": "r", "first_failed_at": at}
    record = destination_record({KEY: mark})
    record["timestamp"] = None
    waited = {"function": WORKER, "mark": mark, "payload": {}}

    assert make()(sqs_event([record, {"resilient_lambda_reinvocation": waited}])) == NO_FAILURES
    assert letters == []
    assert [mark["first_failed_at"] for mark in marks(aws)] == [None, None]


def test_an_unknown_message_of_the_delay_queue_is_set_aside_as_a_whole(make, letters, store):
    """It can be looked at, and sent again."""
    event = {"Records": [sqs_record({"resilient_lambda_reinvocation": {"function": "x"}})]}
    make(store=store)(event)

    assert letters[0][0] == event["Records"][0]


async def asynchronous(record):
    """Never true; its coroutine always."""
    return False


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"functions": []}, "functions"),
        ({"functions": ["*"]}, "patterns"),
        ({"max_attempts": 1}, "max_attempts"),
        ({"max_attempts": 16}, "at most 15"),
        ({"max_attempts": 2.5}, "max_attempts"),
        ({"max_attempts": 9, "delay": Delay.sqs("https://sqs.us-east-1.amazonaws.com/1/q")}, "at most 8"),
        ({"delay": 60}, "Delay.sqs"),
        ({"also": "exit"}, "also"),
        ({"also": ["timeouts"]}, "also"),
        ({"predicate": True}, "predicate"),
        ({"predicate": asynchronous}, "predicate= is an async"),
        ({"dead_letter": None}, "dead_letter"),
        ({"dead_letter": print}, "DeadLetter"),
        ({"store": object()}, "store"),
        ({"keep_s": 0}, "keep_s"),
        ({"namespace": ""}, "namespace"),
        ({"client": 5}, "client=5"),
        ({"s3_client": 5}, "s3_client=5"),
        ({"observers": [1]}, "observers"),
        ({"margin_s": -1}, "margin_s"),
    ],
    ids=[
        "none", "pattern", "one", "sixteen", "half", "queue", "delay", "also", "also-kind", "predicate", "async",
        "no-sink", "sink", "store", "keep", "namespace", "client", "s3-client", "observer", "margin",
    ],
)  # fmt: skip
def test_a_wrong_option_fails_at_import(options, said):
    """With the value, and what is allowed."""
    with pytest.raises(ConfigurationError, match=said):
        timeout_reinvoker(**{"functions": [WORKER], "dead_letter": DeadLetter(print), **options})
