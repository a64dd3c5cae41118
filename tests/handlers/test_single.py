"""`resilient_handler`: what a single event's handler returns, raises, waits for and sets aside."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from pydantic import BaseModel

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    InProgressError,
    MemoryStore,
    NonRetryableError,
    RetryableError,
    current_claim,
    resilient_handler,
)
from resilient_lambda._core.cas import AsRead
from resilient_lambda.errors import LeaseLostError, StoreUnavailableError
from resilient_lambda.events import ClaimTaken, DuplicateSuppressed, RecordSettled, ResultDropped
from resilient_lambda.testing import lambda_context

JOB = {"job_id": "j"}


@pytest.fixture
def runs():
    """The events that ran."""
    return []


@pytest.fixture
def letters():
    """What went to the sink."""
    return []


@pytest.fixture
def sink(letters):
    """A sink that fills `letters`."""
    return DeadLetter(lambda record, error: letters.append((record.raw, error)))


@pytest.fixture
def make(paint, runs):
    """Return a handler around an action."""

    def make(action=lambda event: None, **options):
        def function(event):
            runs.append(event)
            return action(event)

        return resilient_handler(**options)(paint(function))

    return make


def once(store=None, **options):
    """Return the policy under test."""
    return Idempotency(store or MemoryStore(), **{"key": "job_id", **options})


@pytest.fixture(params=[False, True], ids=["plain", "with idempotency"])
def policies(request):
    """No policy, or Idempotency with an empty store."""
    return [once()] if request.param else []


def failing(error):
    """Return an action that raises *error*."""

    def action(event):
        raise error

    return action


class Result(BaseModel):
    """A model as a result."""

    total: int


@pytest.mark.parametrize("value", [None, 0, "text", {"a": 1}, [1], Result(total=1)], ids=repr)
def test_the_result_is_returned(paint, policies, value):
    """The first time it is the very object that the function returned."""

    def function(event):
        return value

    assert resilient_handler(policies=policies)(paint(function))({"job_id": repr(value)}, lambda_context()) is value


@pytest.mark.parametrize(
    ("value", "replayed"),
    [
        (None, None),
        ("text", "text"),
        ({"a": [1, None, True]}, {"a": [1, None, True]}),
        (Result(total=1), {"total": 1}),
        (Decimal("1.5"), 1.5),
        ("x" * 2_000_000, "x" * 2_000_000),
        ({"n": list(range(100_000))}, {"n": list(range(100_000))}),
    ],
    ids=lambda value: repr(value)[:20],
)
@pytest.mark.parametrize("local_cache", [0, 10])
def test_a_duplicate_gets_the_recorded_result(make, runs, value, replayed, local_cache):
    """As Lambda would have sent it: JSON. Large results come back from their compressed form."""
    handler = make(lambda event: value, policies=[once(local_cache=local_cache)])
    handler(JOB, lambda_context())

    assert handler(JOB, lambda_context()) == replayed
    assert handler(JOB, lambda_context()) == replayed
    assert len(runs) == 1


def incompressible(size):
    """Return text that does not compress to less than *size* bytes."""
    return Random(0).randbytes(size).hex()


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, incompressible(800_000)], ids=["object", "set", "1.6 MB"])
def test_a_result_that_cannot_be_kept_is_done_without_it(make, runs, value):
    """The effect has happened: the result is returned now, the key is done, and a duplicate gets None."""
    seen = []
    handler = make(lambda event: value, policies=[once()], observers=[seen.append])

    assert handler(JOB, lambda_context()) is value
    assert handler(JOB, lambda_context()) is None
    assert len(runs) == 1
    assert [type(event) for event in seen].count(ResultDropped) == 1


def test_what_a_duplicate_gets_can_be_changed(make):
    """Each caller gets its own copy."""
    handler = make(lambda event: {"items": []}, policies=[once()])
    handler(JOB, lambda_context())
    handler(JOB, lambda_context())["items"].append("mine")

    assert handler(JOB, lambda_context()) == {"items": []}


@pytest.mark.parametrize(
    "error", [ValueError("x"), RetryableError("x", retry_after_s=3), NonRetryableError("x"), KeyError("k")], ids=repr
)
def test_a_failure_is_raised_as_itself(make, policies, error):
    """Lambda sees the class that the function raised, and retries."""
    with pytest.raises(type(error)) as caught:
        make(failing(error), policies=policies)(JOB, lambda_context())

    assert caught.value is error


def test_a_failed_event_runs_again(make, runs):
    """A retry of Lambda's is a new run."""
    handler = make(failing(ValueError("x")), policies=[once()])
    for _ in range(3):
        with pytest.raises(ValueError, match="x"):
            handler(JOB, lambda_context())

    assert len(runs) == 3


def test_a_permanent_failure_with_a_sink_is_set_aside(make, letters, sink, policies):
    """After the confirmed send there is nothing for Lambda to retry: None."""
    error = NonRetryableError("x")

    assert make(failing(error), policies=policies, dead_letter=sink)(JOB, lambda_context()) is None
    assert letters == [(JOB, error)]


def test_a_retryable_failure_with_a_sink_is_raised(make, letters, sink):
    """The sink is for what cannot succeed."""
    with pytest.raises(ValueError, match="x"):
        make(failing(ValueError("x")), dead_letter=sink)(JOB, lambda_context())

    assert letters == []


def test_an_unconfirmed_dead_letter_raises_the_failure(make, policies):
    """Not set aside, so not acknowledged."""

    def broken(record, error):
        raise OSError("down")

    with pytest.raises(NonRetryableError):
        make(failing(NonRetryableError("x")), policies=policies, dead_letter=DeadLetter(broken))(JOB, lambda_context())


def test_max_attempts_counts_the_runs_of_the_key(make, runs, letters, sink):
    """The third run that fails is the last one: the event is set aside."""
    handler = make(failing(ValueError("x")), policies=[once()], dead_letter=sink, max_attempts=3)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            handler(JOB, lambda_context())

    assert handler(JOB, lambda_context()) is None
    assert (len(runs), len(letters)) == (3, 1)


def test_max_attempts_without_idempotency_never_gives_up(make, letters, sink):
    """Nothing counts the runs of a single event then, so nothing is set aside for their number."""
    handler = make(failing(ValueError("x")), dead_letter=sink, max_attempts=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"):
            handler(JOB, lambda_context())

    assert letters == []


def test_a_redrive_after_a_fix_runs_again(make, time, runs, letters, sink):
    """By default a permanent failure is not remembered."""
    broken = [True]

    def action(event):
        if broken:
            raise NonRetryableError("x")
        return "ok"

    handler = make(action, policies=[once()], dead_letter=sink)
    handler(JOB, time.context())
    broken.clear()

    assert handler(JOB, time.context()) == "ok"


@pytest.mark.parametrize("event", [JOB, {"job_id": "j", "id": "business"}], ids=["no id", "an id of its own"])
def test_a_redrive_of_a_remembered_failure_runs_again(make, time, runs, sink, event):
    """Another invocation is another delivery, whatever the payload holds: a replayed failure would lose it."""
    broken = [True]

    def action(event):
        if broken:
            raise NonRetryableError("x")
        return "ok"

    handler = make(action, policies=[once(remember_failures_s=3600)], dead_letter=sink)
    handler(event, time.context())
    broken.clear()

    assert handler(event, time.context()) == "ok"
    assert len(runs) == 2


def test_lambdas_retry_of_a_remembered_failure_is_not_run(make, time, runs, letters, sink):
    """The same request id is the same delivery: it is in the sink already, and is not sent there twice."""
    handler = make(failing(NonRetryableError("x")), policies=[once(remember_failures_s=3600)], dead_letter=sink)
    context = time.context()

    assert handler(JOB, context) is None
    assert handler(JOB, context) is None
    assert (len(runs), len(letters)) == (1, 1)


@pytest.mark.parametrize("decorate", [resilient_handler(policies=[Idempotency(MemoryStore())])])
def test_idempotency_without_a_key_is_refused(decorate):
    """An event has no id that all its deliveries share."""
    with pytest.raises(ConfigurationError, match=r"key=\.\.\."):
        decorate(lambda event: None)


@pytest.mark.parametrize(
    ("event", "key"),
    [([{"job_id": "j"}], "0.job_id"), ("j", str), (5, str), ([1], str)],
    ids=repr,
)
def test_an_event_that_is_no_object_can_have_a_key(make, runs, event, key):
    """A list or a text is an event as good as a dict."""
    spec = (lambda value: f"key-{value}") if key is str else key
    handler = make(lambda event: "done", policies=[once(key=spec)])

    assert handler(event, lambda_context()) == "done"
    assert handler(event, lambda_context()) == "done"
    assert len(runs) == 1


@pytest.fixture
def taken_by_another(time):
    """Return a store in which a crashed environment holds the claim on the job, under a 20 s lease."""

    class CrashedError(BaseException):
        pass

    def taken_by_another(lease_s=20.0, timeout_s=60):
        store = MemoryStore()
        blocked = _Blocked(store)

        def crash(event):
            blocked.is_down = True
            raise CrashedError

        crashing = resilient_handler(policies=[once(blocked, lease_s=lease_s)])(crash)
        with pytest.raises(CrashedError):
            crashing(JOB, time.context(timeout_s=timeout_s))
        return store

    return taken_by_another


class _Blocked:
    """A store whose environment dies: from then on it hears nothing more."""

    def __init__(self, store):
        self.store = store
        self.is_down = False

    def warm(self):
        """Do nothing."""

    def __getattr__(self, name):
        if self.is_down:
            raise StoreUnavailableError("the environment is dead")
        return getattr(self.store, name)


def test_a_twin_in_progress_is_waited_for_and_taken_over(make, time, runs, taken_by_another):
    """A crashed run blocks its key for lease and skew, within the invocation: no retry is spent on it."""
    store = taken_by_another()
    seen = []
    handler = make(lambda event: "done", policies=[once(store)], observers=[seen.append])
    began_s = time.now()

    assert handler(JOB, time.context(timeout_s=60)) == "done"

    assert 15 <= time.now() - began_s <= 22.5
    (claim,) = [event for event in seen if isinstance(event, ClaimTaken)]
    assert (claim.is_takeover, claim.lapses, claim.attempt) == (True, 1, 1)


def test_a_lease_ends_with_its_invocation(make, time, runs, taken_by_another):
    """What was stopped at its time limit blocks its key no longer: the next try need not wait for a whole lease."""
    store = taken_by_another(timeout_s=5)
    time.advance(5)
    began_s = time.now()

    assert make(lambda event: "done", policies=[once(store)])(JOB, time.context(timeout_s=5)) == "done"
    assert time.now() - began_s <= 4.1


def test_a_twin_that_finishes_meanwhile_gives_its_result(make, time, paint, runs, taken_by_another):
    """Whoever waited gets the result of the one that ran."""
    store = taken_by_another()
    winner = make(lambda event: "winner", policies=[once(store)])
    loser = make(lambda event: "loser", policies=[once(store)])

    assert winner(JOB, time.context(timeout_s=60)) == "winner"
    assert loser(JOB, time.context(timeout_s=60)) == "winner"


def test_waiting_for_a_twin_ends_before_the_deadline(make, time, runs, taken_by_another):
    """With 10 s left the lease outlasts the invocation: the event is given back, unrun."""
    store = taken_by_another()
    context = time.context(timeout_s=10)

    with pytest.raises(InProgressError) as caught:
        make(policies=[once(store)])(JOB, context)

    assert runs == []
    assert context.get_remaining_time_in_millis() >= 1000
    assert 0 < caught.value.retry_after_s <= 22


def test_a_twin_is_not_waited_for_if_asked_so(make, time, taken_by_another):
    """``on_in_progress="retry"`` answers at once."""
    store = taken_by_another()
    began_s = time.now()

    with pytest.raises(InProgressError):
        make(policies=[once(store, on_in_progress="retry")])(JOB, time.context(timeout_s=60))

    assert time.now() == began_s


def test_a_lost_lease_becomes_an_in_progress_error(time):
    """The runtime catches Exceptions only: a BaseException would end the environment."""
    store = MemoryStore()

    def function(event):
        key = current_claim().key
        mine = store.get([key])[key]
        store.put_if(key, {**mine, "version": "other.1"}, AsRead((("version", mine["version"]),)))
        current_claim().ensure_owned(for_s=30)

    with pytest.raises(InProgressError) as caught:
        resilient_handler(policies=[once(store)])(function)(JOB, time.context(timeout_s=120))

    assert isinstance(caught.value.__cause__, LeaseLostError)


def test_observers_hear_of_a_single_event_by_its_request_id(make, time):
    """One event per settled invocation."""
    seen = []
    context = time.context()
    handler = make(lambda event: "ok", policies=[once()], observers=[seen.append])
    handler(JOB, context)
    handler(JOB, context)

    assert [type(event) for event in seen] == [ClaimTaken, RecordSettled, DuplicateSuppressed, RecordSettled]
    assert {event.record_id for event in seen if isinstance(event, RecordSettled)} == {context.aws_request_id}
