"""What Lambda gets to see of our handlers: answers, errors and results, through AWS's own runtime client."""

from __future__ import annotations

import random

from .environment import Answered, Died, Failed
from .mapping import drain
from .queue import Queue, event_of


def batch_of(*bodies):
    """Return an SQS event with *bodies*, and the ids of its messages."""
    queue = Queue(visibility_s=60)
    for body in bodies:
        queue.send(body)
    batch = queue.receive()
    return event_of(batch), [delivery.id for delivery in batch]


def test_answer_of_a_batch_names_the_failed_message(environment_of):
    """The answer arrives as JSON with ``batchItemFailures``; only the failed message is in it."""
    event, (_, failed) = batch_of({"order_id": "a"}, {"order_id": "b", "fails": True})
    result = environment_of("small.batch").invoke(event)

    assert isinstance(result, Answered)
    assert result.payload == {"batchItemFailures": [{"itemIdentifier": failed}]}


def test_async_batch_handler_answers_the_same(environment_of):
    """An ``async def`` handler is a Lambda entry point like any other."""
    event, (failed, _) = batch_of({"order_id": "a", "fails": True}, {"order_id": "b"})
    result = environment_of("small.batch_async").invoke(event)

    assert isinstance(result, Answered)
    assert result.payload == {"batchItemFailures": [{"itemIdentifier": failed}]}


def test_event_of_no_known_source_is_a_function_error(environment_of):
    """Lambda keeps an event that the handler cannot read, and operators see why by the error's name."""
    result = environment_of("small.batch").invoke({"hello": "world"})

    assert isinstance(result, Failed)
    assert result.error["errorType"] == "UnknownEventError"


def test_event_loop_is_kept_over_invocations(environment_of):
    """Two invocations of one process run on one event loop, so that clients kept in globals go on working."""
    environment = environment_of("small.loop")
    results = [environment.invoke({}) for _ in range(2)]

    assert [result.payload["loops"] for result in results] == [1, 1]
    assert len({result.payload["pid"] for result in results}) == 1


def test_duplicate_invocation_returns_the_first_result(environments_of, ledger):
    """A second invocation with the key returns what the first returned, in its process and in a fresh one."""
    first, second = environments_of("small.job")
    original = first.invoke({"job_id": "j-1"})
    same_process = first.invoke({"job_id": "j-1"})
    other_process = second.invoke({"job_id": "j-1"})
    other_job = second.invoke({"job_id": "j-2"})

    assert isinstance(original, Answered)
    assert same_process.payload == original.payload
    assert other_process.payload == original.payload
    assert other_job.payload["token"] != original.payload["token"]


def test_handler_that_ends_its_process_charges_every_order_once(environments_of, ledger):
    """After ``os._exit`` in the middle of a batch the whole batch comes back, and ends with one charge each."""
    environments = environments_of("orders.charge_once")
    queue = Queue(visibility_s=0.3)
    for number in range(6):
        queue.send({"order_id": f"exit-{number}", "total": 5, "exits": int(number == 3)})
    handled = drain(queue, environments, rng=random.Random(1), timeout_s=5, limit_s=30)

    assert [each.result.exit_code for each in handled if isinstance(each.result, Died)] == [3]
    assert ledger.charges("exit-") == {f"exit-{number}": 1 for number in range(6)}


def test_heartbeat_keeps_a_claim_that_outlasts_its_lease(environments_of, ledger):
    """A run of three leases' length keeps its twin out until it is stopped; then the twin takes over."""
    environments = environments_of("orders.charge_once")
    queue = Queue(visibility_s=0.3)
    queue.send({"order_id": "hang-1", "total": 5, "hangs": 1})
    drain(queue, environments, rng=random.Random(1), timeout_s=2, limit_s=30)
    first, second = ledger.runs("hang-")["hang-1"]

    assert first.ended_s is None
    assert second.began_s - first.began_s > 1.9  # the lease is 0.6 s, the timeout 2 s
    assert ledger.charges("hang-") == {"hang-1": 1}
