"""A batch with an order that hangs, on AWS's own runtime client: what is done is acknowledged before the timeout."""

from __future__ import annotations

import pytest

from .environment import Answered, Died, TimedOut
from .queue import Queue, event_of

TIMEOUT_S = 2.0
ORDERS = ["a", "b", "hangs", "d", "e"]


@pytest.fixture
def event():
    """A batch of five orders, the third of which hangs."""
    return batch_of(*({"order_id": name, **({"hangs": 60} if name == "hangs" else {})} for name in ORDERS))


def batch_of(*orders):
    """Return an SQS event."""
    queue = Queue(visibility_s=60)
    for order in orders:
        queue.send(order)
    return event_of(queue.receive())


def named(result, event):
    """Return the orders that *result* names."""
    assert isinstance(result, Answered)
    names = dict(zip([raw["messageId"] for raw in event["Records"]], ORDERS, strict=True))
    return sorted(names[failure["itemIdentifier"]] for failure in result.payload["batchItemFailures"])


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("one", ["d", "e", "hangs"]),  # nothing is started behind it
        ("one_async", ["d", "e", "hangs"]),
        ("three", ["hangs"]),
        ("three_async", ["hangs"]),
        ("stubborn_async", ["d", "e", "hangs"]),
    ],
)
def test_what_is_done_is_acknowledged_before_the_timeout(handler, expected, environment_of, event):
    """The answer comes between the margin and the timeout; only what is not done is named."""
    environment = environment_of(f"deadlines.{handler}")
    result = environment.invoke(event, timeout_s=TIMEOUT_S)

    assert named(result, event) == expected
    assert 1.5 < result.took_s < TIMEOUT_S


def test_without_interrupt_everything_comes_back(environment_of, event):
    """What the option is for: Lambda stops the function, and the finished orders are delivered again."""
    assert isinstance(environment_of("deadlines.patient").invoke(event, timeout_s=TIMEOUT_S), TimedOut)


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        ("one", "RELEASED"),
        ("one_async", "RELEASED"),
        ("three", "IN_PROGRESS"),  # its thread still runs
        ("three_async", "RELEASED"),
        ("stubborn_async", "IN_PROGRESS"),
    ],
)
def test_the_key_of_what_hangs_is_free_only_if_its_code_has_ended(handler, status, environment_of, event):
    """Everything else is completed, or not in progress."""
    environment = environment_of(f"deadlines.{handler}")
    answered = environment.invoke(event, timeout_s=TIMEOUT_S)
    statuses = environment.invoke({"report": True}).payload["statuses"]

    assert statuses.pop("hangs") == status
    assert statuses == dict.fromkeys(set(ORDERS) - set(named(answered, event)), "COMPLETED")


@pytest.mark.parametrize("handler", ["one", "three", "three_kept", "stubborn_async"])
def test_an_environment_in_doubt_ends_itself_before_the_next_event(handler, environment_of, event):
    """
    What was cut short may have left a lock taken; what still runs would run on inside the next invocation.

    The event that meets it is delivered again, and a fresh environment handles it.
    """
    environment = environment_of(f"deadlines.{handler}")
    environment.invoke(event, timeout_s=TIMEOUT_S)
    again = batch_of({"order_id": "later"})
    ended = environment.invoke(again)
    result = environment.invoke(again)

    assert isinstance(ended, Died)
    assert ended.exit_code == 1
    assert environment.printed.count("this environment ends itself") == 1
    assert isinstance(result, Answered)
    assert result.payload == {"batchItemFailures": []}
    assert environment.cold_starts == 2


@pytest.mark.parametrize("handler", ["one_kept", "one_async", "three_async"])
def test_an_environment_in_which_nothing_is_left_is_kept(handler, environment_of, event):
    """A cancelled task has ended; ``after_interrupt="keep"`` takes the risk of a lock for a warm environment."""
    environment = environment_of(f"deadlines.{handler}")
    environment.invoke(event, timeout_s=TIMEOUT_S)
    result = environment.invoke(batch_of({"order_id": "later"}))

    assert isinstance(result, Answered)
    assert result.payload == {"batchItemFailures": []}
    assert environment.cold_starts == 1


@pytest.mark.parametrize("handler", ["one", "three", "one_async"])
def test_without_an_interrupt_the_environment_is_kept(handler, environment_of):
    """A batch in time leaves nothing behind."""
    environment = environment_of(f"deadlines.{handler}")
    results = [environment.invoke(batch_of({"order_id": f"o{n}"})) for n in range(3)]

    assert all(isinstance(result, Answered) for result in results)
    assert environment.cold_starts == 1
