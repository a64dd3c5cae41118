"""A replay that ends anywhere loses nothing: each letter is still there, or has been sent."""

from __future__ import annotations

import contextlib
import signal
from itertools import count

import pytest
from botocore.exceptions import ConnectTimeoutError

from .replaying import ACCOUNT, Died, envelope, note, refusal, run

RECORD = {"body": "order", "messageAttributes": {}, "attributes": {}, "eventSource": "aws:sqs"}
FUNCTION = "orders-worker"


def dying(at, moment, death):
    """Return what ends the process at one call."""

    def on_call(number, name, when):
        if (number, when) == (at, moment):
            raise death

    return on_call


def interrupted(world, number, *options):
    """Run with a death set at one call; return whether the run got that far."""
    world.calls.clear()
    with contextlib.suppress(Died, KeyboardInterrupt):
        run(world, *options)
    world.on_call = lambda number, name, when: None
    return len(world.calls) >= number


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "death",
    [Died(), KeyboardInterrupt(), ConnectTimeoutError(endpoint_url="x")],
    ids=lambda death: type(death).__name__,
)
def test_a_death_at_any_call_loses_no_message(world, death, moment):
    """Whatever call it is that does not return: what is missing from the queue has been sent."""
    for at in count(1):
        parked, orders = world.queue(f"parked-{at}"), world.queue(f"orders-{at}")
        for body in "abc":
            world.park(parked, body, note(origin=f"{ACCOUNT}:orders-{at}"))
        world.on_call = dying(at, moment, death)
        was_reached = interrupted(world, at, "--from-queue", parked)
        left, sent = world.all_bodies(f"parked-{at}"), world.bodies(orders)

        assert {*left, *sent} == {"a", "b", "c"}
        if not was_reached:
            break

    assert at > 5
    assert (left, sent) == ([], ["a", "b", "c"])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_death_at_any_call_loses_no_message_of_a_group(world, moment):
    """The same for FIFO queues; what was sent is in order, without a gap."""
    for at in count(1):
        parked, orders = world.queue(f"parked-{at}.fifo"), world.queue(f"orders-{at}.fifo")
        for body in "abc":
            fields = note(origin=f"{ACCOUNT}:orders-{at}.fifo", source="sqs-fifo")
            world.park(parked, body, fields, MessageGroupId="g", MessageDeduplicationId=body)
        world.on_call = dying(at, moment, ConnectTimeoutError(endpoint_url="x"))
        was_reached = interrupted(world, at, "--from-queue", parked)
        left, sent = world.all_bodies(f"parked-{at}.fifo"), world.bodies(orders)

        assert {*left, *sent} == {"a", "b", "c"}
        assert sent == ["a", "b", "c"][: len(sent)]
        if not was_reached:
            break

    assert at > 7
    assert (left, sent) == ([], ["a", "b", "c"])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_death_at_any_call_loses_no_object(world, orders, moment):
    """The same for letters in S3."""
    world.bucket("parked")
    for at in count(1):
        bodies = {f"{name}-{at}" for name in "abc"}
        for body in bodies:
            world.s3.put_object(Bucket="parked", Key=f"{at}/{body}", Body=envelope({**RECORD, "body": body}))
        world.on_call = dying(at, moment, Died())
        was_reached = interrupted(world, at, "--from-s3", f"s3://parked/{at}/")
        found = world.s3.list_objects_v2(Bucket="parked", Prefix=f"{at}/").get("Contents", ())
        left = {each["Key"].partition("/")[2] for each in found}
        sent = bodies & set(world.bodies(orders))

        assert left | sent == bodies
        if not was_reached:
            break

    assert at > 8
    assert (left, sent) == (set(), bodies)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_death_at_any_call_loses_no_event(world, moment):
    """The same for letters that go to a function."""
    for at in count(1):
        runs = []
        world.functions[FUNCTION] = lambda event, runs=runs: runs.extend(each["body"] for each in event["Records"])
        parked = world.queue(f"parked-{at}")
        for body in "abc":
            world.park(parked, body, note())
        world.on_call = dying(at, moment, Died())
        was_reached = interrupted(world, at, "--from-queue", parked, "--to-function", FUNCTION)

        assert {*world.all_bodies(f"parked-{at}"), *runs} == {"a", "b", "c"}
        if not was_reached:
            break

    assert at > 8
    assert runs == ["a", "b", "c"]


def test_what_is_held_is_given_back_when_the_process_is_told_to_stop(world, parked, orders, capsys):
    """Ctrl-C ends the run after the step at hand: sent and deleted, or visible again at once."""
    for number in range(15):
        world.park(parked, str(number), note())

    def interrupt(number, name, when):
        if (name, when) == ("sqs.send_message_batch", "before"):
            signal.raise_signal(signal.SIGINT)

    world.on_call = interrupt
    code = run(world, "--from-queue", parked)
    world.on_call = lambda number, name, when: None
    told = capsys.readouterr().err

    assert code == 130
    assert "go on with --run-id" in told
    assert (len(world.messages(orders)), len(world.messages(parked)), world.hidden(parked)) == (10, 5, 0)


def test_a_second_interrupt_ends_it_where_it_is(world, parked, orders, capsys):
    """Nothing is deleted that was not confirmed, and what is held is given back."""
    world.park(parked, "a", note())

    def interrupt(number, name, when):
        if (name, when) == ("sqs.send_message_batch", "before"):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    world.on_call = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(world, "--from-queue", parked)
    world.on_call = lambda number, name, when: None

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (world.bodies(parked), world.messages(orders)) == (["a"], [])


def test_an_entry_that_is_refused_stays_alone(world, parked, orders, capsys):
    """The others of the request are sent and deleted; it is not."""
    for body in ("fine", "odd", "good"):
        world.park(parked, body, note())

    class Refusing:
        def __init__(self, client):
            self._client = client

        def __getattr__(self, name):
            return getattr(self._client, name)

        def send_message_batch(self, **request):
            kept = [entry for entry in request["Entries"] if entry["MessageBody"] != "odd"]
            refused = [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in request["Entries"]]
            answer = self._client.send_message_batch(**{**request, "Entries": kept})
            done = {entry["Id"] for entry in answer["Successful"]}
            return {**answer, "Failed": [entry for entry in refused if entry["Id"] not in done]}

    connect = world.connect
    world.connect = lambda service, region: Refusing(connect(service, region))
    code = run(world, "--from-queue", parked)

    assert code == 1
    assert sorted(world.bodies(orders)) == ["fine", "good"]
    assert world.bodies(parked) == ["odd"]
    assert "1 x SQS refused it: InternalError" in capsys.readouterr().out


def test_a_request_that_is_refused_is_sent_one_by_one(world, parked, orders, capsys):
    """Ten letters that are too large together are not too large alone."""
    for body in "abc":
        world.park(parked, body, note())
    requests = []

    def refuse_first(number, name, when):
        if (name, when) == ("sqs.send_message_batch", "before"):
            requests.append(number)
            if len(requests) == 1:
                raise refusal("AWS.SimpleQueueService.BatchRequestTooLong", "SendMessageBatch")

    world.on_call = refuse_first
    code = run(world, "--from-queue", parked)

    assert (code, len(requests)) == (0, 4)
    assert world.bodies(orders) == ["a", "b", "c"]


def test_what_was_sent_and_not_deleted_is_told(world, parked, orders, capsys):
    """It would be sent twice by the next run: exit code 1, and not given back at once."""
    world.park(parked, "a", note())

    def refuse(number, name, when):
        if (name, when) == ("sqs.delete_message_batch", "before"):
            raise refusal("AccessDenied", "DeleteMessageBatch")

    world.on_call = refuse
    code = run(world, "--from-queue", parked)
    output = capsys.readouterr().out

    assert code == 1
    assert "1 x was sent, but not deleted: " in output
    assert (world.bodies(orders), world.hidden(parked)) == (["a"], 1)


def test_a_table_that_does_not_answer_keeps_the_letter(world, parked, orders, capsys):
    """The failure could not be cleared, so nothing is sent."""
    world.park(parked, "a", note(key="v1#orders#00"))
    code = run(world, "--from-queue", parked, "--table", "nowhere")
    output = capsys.readouterr().out

    assert code == 1
    assert "there is no such table" in output
    assert (world.bodies(parked), world.messages(orders)) == (["a"], [])
