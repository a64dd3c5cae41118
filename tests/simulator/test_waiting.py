"""What a re-invoker asks AWS for beside Invoke: a delay in a queue, a schedule, an object."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from resilient_lambda._handlers import reinvoker_seam as seam
from resilient_lambda.testing import Delivery

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/delays"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"


@pytest.fixture
def delivery():
    """A simulation in which nothing goes wrong by itself."""
    with Delivery() as found:
        yield found


@pytest.fixture
def seen():
    """When a function was invoked, in seconds from the start, and with what."""
    return []


@pytest.fixture
def worker(delivery, seen):
    """A function that keeps its events."""
    start_s = delivery.now_s
    return delivery.function(lambda event, context: seen.append((delivery.now_s - start_s, event)), name="worker")


def schedule(name="once"):
    """Return a request for a one-time schedule."""
    return {"Name": name, "Target": {"Arn": f"{ARN}:$LATEST", "RoleArn": "role", "Input": json.dumps({"n": 1})}}


def in_a_handler(delivery, ask):
    """Have a handler ask; return what it was told, or the error."""
    told = []

    def handler(event, context):
        try:
            told.append(ask())
        except Exception as error:
            told.append(error)

    delivery.synchronous(delivery.function(handler, name="asking")).send({})
    delivery.run()
    return told[0]


@pytest.mark.parametrize("named_by", ["url", "variable"])
def test_a_message_is_delayed_in_the_queue_that_the_url_names(delivery, seen, worker, monkeypatch, named_by):
    """By its last part; the URL may stand in an environment variable."""
    monkeypatch.setenv("DELAYS_URL", URL)
    delivery.sqs(worker, name="delays")
    place = URL if named_by == "url" else "DELAYS_URL"
    in_a_handler(delivery, lambda: seam.delays(place, 120, {"MessageBody": "later", "DelaySeconds": 120}))

    ((at_s, event),) = seen
    assert 120 <= at_s <= 122
    assert event["Records"][0]["body"] == "later"


def test_a_queue_that_is_not_there_is_said_to_the_test(delivery):
    """With the line that makes it."""
    error = in_a_handler(delivery, lambda: seam.delays(URL, 1, {"MessageBody": "later"}))

    assert "delivery.sqs(handler, name='delays')" in str(error)


def test_a_schedule_invokes_its_function_once(delivery, seen, worker):
    """At its time, whatever is asked for again under its name."""
    in_a_handler(delivery, lambda: [seam.delays("default", 900.0, schedule()) for _ in range(2)])

    ((at_s, event),) = seen
    assert 900 <= at_s <= 902
    assert event == {"n": 1}


def test_schedules_of_other_names_are_others(delivery, seen, worker):
    """Also the same name in another group."""
    asked = [("default", "once"), ("default", "twice"), ("other", "once")]
    in_a_handler(delivery, lambda: [seam.delays(group, 60.0, schedule(name)) for group, name in asked])

    assert len(seen) == 3


def test_the_object_that_lambda_left_is_read(delivery):
    """As its bucket has it; another one is not there."""

    def fails(event, context):
        raise ValueError("no")

    bucket = delivery.bucket(lambda event, context: None, name="records")
    delivery.asynchronous(delivery.function(fails, name="worker"), retries=0, on_failure=bucket).send({"n": 1})
    delivery.run()
    (key,) = bucket.objects

    assert json.loads(in_a_handler(delivery, lambda: seam.objects("records", key, "")))["requestPayload"] == {"n": 1}
    for place, code in [(("records", "other", ""), "NoSuchKey"), (("nobody", key, ""), "NoSuchBucket")]:
        error = in_a_handler(delivery, lambda place=place: seam.objects(*place))
        assert isinstance(error, ClientError)
        assert error.response["Error"]["Code"] == code


def test_each_of_them_fails_as_invoke_does():
    """Before it took effect and after."""
    kept = set()
    for seed in range(30):
        with Delivery(seed) as delivery:
            runs = []
            delivery.function(lambda event, context, runs=runs: runs.append(event), name="worker")
            delivery.faults(invoke_error=1.0)
            error = in_a_handler(delivery, lambda: seam.delays("default", 60.0, schedule()))
            kept.add((isinstance(error, Exception), len(runs)))

    assert kept == {(True, 0), (True, 1)}
