"""``interrupt=True``: what hangs is cut short by a signal, inside the user's function and nowhere else."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest

from resilient_lambda import DeadLetter, Idempotency, NonRetryableError, batch_handler, current_claim
from resilient_lambda.events import RecordSettled
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import NOTHING_FAILED, failed
from tests.policies.stores import NAMESPACE, FaultyStore, key_of

CUT_S = 0.3
TIMEOUT_S = 2 * CUT_S
OPTIONS = {"interrupt": True, "after_interrupt": "keep", "margin_s": TIMEOUT_S - CUT_S}
ENDLESS_S = 5.0


def named(*bodies, group=None):
    """Return an event whose messages are called m0, m1, ..."""
    return sqs_event(sqs_record(body, message_id=f"m{number}", group=group) for number, body in enumerate(bodies))


def hang():
    """Block the main thread, for as long as nothing cuts it short."""
    threading.Event().wait(ENDLESS_S)


def outlast():
    """Block until the alarm has come."""
    until_s = time.monotonic() + CUT_S + 0.05
    while (left_s := until_s - time.monotonic()) > 0:
        threading.Event().wait(left_s)


@pytest.fixture
def store():
    """A table."""
    return FaultyStore()


@pytest.fixture
def idempotent(store):
    """Options with `Idempotency` by body."""
    return {"policies": [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)], **OPTIONS}


@pytest.fixture(autouse=True)
def alarm_is_free():
    """Before and after every test nobody uses the alarm."""
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    yield
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_hangs_comes_back_and_what_is_done_is_acknowledged():
    """The answer is in time: the record that hangs and those behind it come again."""
    ran = []

    @batch_handler(**OPTIONS)
    def handler(record):
        ran.append(record.id)
        if record.body == "hangs":
            hang()

    began_s = time.monotonic()

    assert failed(handler(named("a", "b", "hangs", "c"), lambda_context(timeout_s=TIMEOUT_S))) == ["m2", "m3"]
    assert ran == ["m0", "m1", "m2"]
    assert time.monotonic() - began_s < TIMEOUT_S


def test_a_batch_in_time_is_not_disturbed():
    """The alarm is taken back before the handler returns."""
    handler = batch_handler(**OPTIONS)(lambda record: None)

    assert handler(named("a", "b"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED


def swallowing_exception():
    """Catch what is an error."""
    try:
        hang()
    except Exception:
        return


def swallowing_base_exception():
    """Catch what is thrown."""
    try:
        hang()
    except BaseException:
        return


def swallowing_all():
    """Catch without a name."""
    try:
        hang()
    except:  # noqa: E722
        return


def returning_in_finally():
    """Return over what is thrown."""
    try:
        hang()
    finally:
        return  # noqa: B012


def raising_another():
    """Make another error of it."""
    try:
        hang()
    except BaseException as error:
        raise NonRetryableError("permanent, it says") from error


def exiting():
    """Leave the process for it."""
    try:
        hang()
    except BaseException:
        sys.exit(3)


@pytest.mark.parametrize(
    "work",
    [
        swallowing_exception,
        swallowing_base_exception,
        swallowing_all,
        returning_in_finally,
        raising_another,
        exiting,
    ],
)
def test_whatever_the_function_makes_of_it_the_record_comes_back(work):
    """What was cut in the middle is not done, and not permanently broken either."""
    letters = []

    @batch_handler(dead_letter=DeadLetter(lambda record, error: letters.append(record.id)), **OPTIONS)
    def handler(record):
        work()

    assert failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))) == ["m0"]
    assert letters == []


def test_who_catches_it_is_cut_short_again():
    """At once and again, a quarter of the margin apart, until the function gives in."""
    caught_s = []

    @batch_handler(**OPTIONS)
    def handler(record):
        for _ in range(3):
            try:
                hang()
            except BaseException:
                caught_s.append(time.monotonic())

    failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)))

    assert len(caught_s) == 3
    assert all(0.05 < later - earlier < 0.25 for earlier, later in pairwise(caught_s))


def test_an_ordered_lane_stops_at_what_was_cut_short():
    """Everything behind it in its group comes again."""
    handler = batch_handler(**OPTIONS)(lambda record: hang() if record.body == "hangs" else None)

    assert failed(handler(named("a", "hangs", "c", group="g"), lambda_context(timeout_s=TIMEOUT_S))) == ["m1", "m2"]


def test_its_verdict_is_a_timeout_and_counts_as_an_attempt():
    """Observers hear of a DeadlineExceededError, of a run that took place."""
    heard = []
    handler = batch_handler(observers=[heard.append], **OPTIONS)(lambda record: hang())
    handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))
    (settled,) = (event for event in heard if isinstance(event, RecordSettled))

    assert (settled.error_type, settled.ran) == ("DeadlineExceededError", True)
    assert settled.classification.category.value == "timeout"


def test_the_claim_of_what_was_cut_short_is_released_with_an_attempt(store, idempotent):
    """The code does not run any more, so the next delivery runs it at once."""
    attempts = []

    def function(record):
        attempts.append(current_claim().attempt)
        if len(attempts) == 1:
            hang()

    handler = batch_handler(**idempotent)(function)

    assert failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))) == ["m0"]
    assert store.status(key_of("a")) == "RELEASED"
    assert store.entry(key_of("a")).error == "DeadlineExceededError"
    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert attempts == [1, 2]


def test_what_ended_before_is_recorded_while_the_next_one_hangs(store, idempotent):
    """A completion is written beside the runs: even an environment that never answers has it on record (C11)."""
    recorded = threading.Event()
    store.before_call = lambda step: recorded.set() if step == "complete" else None

    def function(record):
        if record.body == "waits" and recorded.wait(ENDLESS_S):
            seen.append(store.status(key_of("a")))

    seen = []
    batch_handler(**idempotent)(function)(named("a", "waits", "c"), lambda_context(timeout_s=60))

    assert seen in (["COMPLETED"], ["IN_PROGRESS"])  # the write has begun
    assert store.status(key_of("a")) == "COMPLETED"


@pytest.mark.parametrize("step", ["claim", "complete", "release"])
def test_a_store_call_that_hangs_is_not_cut(step, store, idempotent):
    """The alarm comes while a write is under way: it is done to its end, and so is what it was for."""
    hung = []

    def hang_once(happening):
        if happening == step and not hung:
            hung.append(happening)
            outlast()

    def function(record):
        if step == "release":
            raise ValueError

    store.before_call = hang_once
    handler = batch_handler(**idempotent)(function)
    names = failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)))

    assert hung == [step]
    assert names == ([] if step == "complete" else ["m0"])
    assert store.status(key_of("a")) == ("COMPLETED" if step == "complete" else "RELEASED")


def test_a_sink_that_hangs_is_not_cut():
    """A letter that is under way is confirmed, and its record acknowledged."""

    def sink(record, error):
        outlast()
        return "letter"

    @batch_handler(dead_letter=DeadLetter(sink), **OPTIONS)
    def handler(record):
        raise NonRetryableError

    assert failed(handler(named("a", "b", group="g"), lambda_context(timeout_s=TIMEOUT_S))) == ["m1"]


def test_a_commit_that_hangs_is_not_cut_and_counts(store, idempotent):
    """The function is cut at the end of `commit_with`: what follows is not run, and the record is done."""
    store.before_call = lambda step: outlast() if step == "commit" else None
    went_on = []

    def function(record):
        current_claim().commit_with([])
        went_on.append(record.id)

    handler = batch_handler(**idempotent)(function)

    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert went_on == []
    assert store.status(key_of("a")) == "COMPLETED"


def test_what_hangs_after_its_commit_is_acknowledged(store, idempotent):
    """It is done, whatever is cut short afterwards."""

    def function(record):
        current_claim().commit_with([])
        hang()

    handler = batch_handler(**idempotent)(function)

    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert store.status(key_of("a")) == "COMPLETED"


def test_a_renewal_that_the_function_asks_for_is_not_cut(store):
    """`ensure_owned` writes to its end; then the function is cut short, and its claim released."""
    store.before_call = lambda step: outlast() if step == "renew" else None
    went_on = []

    def function(record):
        current_claim().ensure_owned(for_s=600)
        went_on.append(record.id)

    policies = [Idempotency(store, key=lambda record: record.body, namespace=NAMESPACE)]
    handler = batch_handler(policies=policies, **OPTIONS)(function)

    assert failed(handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))) == ["m0"]
    assert went_on == []
    assert store.status(key_of("a")) == "RELEASED"


def test_no_alarm_without_a_deadline():
    """A context that tells no time has nothing to be cut short for."""
    seen = []

    @batch_handler(**OPTIONS)
    def handler(record):
        seen.append(signal.getitimer(signal.ITIMER_REAL))

    assert handler(named("a"), None) == NOTHING_FAILED
    assert seen == [(0, 0)]


def test_operators_can_switch_it_off(monkeypatch):
    """``RESILIENT_LAMBDA_DISABLE=deadline`` takes the alarm away with the deadline."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "deadline")
    seen = []

    @batch_handler(**OPTIONS)
    def handler(record):
        seen.append(signal.getitimer(signal.ITIMER_REAL))

    assert handler(named("a"), lambda_context(timeout_s=TIMEOUT_S)) == NOTHING_FAILED
    assert seen == [(0, 0)]


def test_the_alarm_is_taken_back_when_the_batch_ends_with_an_exit():
    """Whatever leaves the handler: the next alarm must not end the process."""

    @batch_handler(**OPTIONS)
    def handler(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handler(named("a"), lambda_context(timeout_s=TIMEOUT_S))


# The warning is given once in the life of a process, so each of these has a process of its own.
IN_USE = """
import logging, signal, threading, time
from resilient_lambda import batch_handler
from resilient_lambda.testing import lambda_context, sqs_event

logging.basicConfig(format="%(message)s")

@batch_handler(interrupt=True, after_interrupt="keep", margin_s=0.3)
def handler(record):
    until_s = time.monotonic() + 0.4
    while time.monotonic() < until_s:
        threading.Event().wait(0.05)

def invoke():
    for _ in range(2):
        answer = handler(sqs_event(["a", "b"]), lambda_context(timeout_s=0.6))
        print(len(answer["batchItemFailures"]))

"""
HANDLER_IN_USE = """
heard = []
signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
mine = signal.getsignal(signal.SIGALRM)
invoke()
print(signal.getsignal(signal.SIGALRM) is mine, heard)
"""
IGNORED = """
signal.signal(signal.SIGALRM, signal.SIG_IGN)
invoke()
print(signal.getsignal(signal.SIGALRM) is signal.SIG_IGN, [])
"""
TIMER_IN_USE = """
signal.setitimer(signal.ITIMER_REAL, 100)
invoke()
print(50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100, [])
"""
OTHER_THREAD = """
thread = threading.Thread(target=invoke)
thread.start()
thread.join()
print(signal.getsignal(signal.SIGALRM) == signal.SIG_DFL, [])
"""


@pytest.mark.parametrize(
    "use",
    [HANDLER_IN_USE, IGNORED, TIMER_IN_USE, OTHER_THREAD],
    ids=["handler in use", "ignored", "timer in use", "other thread"],
)
def test_an_alarm_that_is_in_use_is_left_alone(use):
    """One warning, nothing is cut short, no record is started too late, and what others have set stays as it is."""
    done = subprocess.run([sys.executable, "-c", IN_USE + use], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.split("\n")[:3] == ["1", "1", "True []"]
    assert done.stderr.count("interrupt=True does nothing here") == 1


ALARM_S = 0.00007  # about three alarms in the time of a record


@pytest.fixture
def _alarms_only():
    """
    Run without what an alarm must not hit.

    Inside the trace function of a coverage tool it would leave a lock taken for ever; in a finalizer it goes nowhere,
    which pytest would report in Python code, where the next one hits.
    """
    trace, hook = sys.gettrace(), sys.unraisablehook
    sys.settrace(None)
    sys.unraisablehook = id  # a function of C, which no alarm interrupts
    try:
        yield
    finally:
        sys.unraisablehook = hook
        sys.settrace(trace)


def rain():
    """Have alarms come all the time; the handler takes them back at its end, and now and then before."""
    if signal.getitimer(signal.ITIMER_REAL)[1] > 2 * ALARM_S:
        signal.setitimer(signal.ITIMER_REAL, ALARM_S, ALARM_S)


@pytest.mark.usefixtures("_alarms_only")
@pytest.mark.parametrize("runs", [5_000])
def test_a_result_is_never_lost_to_an_alarm_between_the_lines_of_ours(runs, caplog):
    """Under a rain of alarms whatever was not cut inside the function is acknowledged, and nothing else is."""
    caplog.set_level("CRITICAL", "resilient_lambda")
    everything = {f"m{number}" for number in range(runs)}
    done, cut = set(), set()

    def function(record):
        name = record.id  # now: in the last lines, no alarm can come before the name is in its set
        try:
            rain()
            done.add(name)
        except BaseException:
            cut.add(name)
            raise

    options = {**OPTIONS, "margin_s": 0}
    names = failed(batch_handler(**options)(function)(named(*"a" * runs), lambda_context(timeout_s=60)))
    acknowledged = everything - set(names)

    assert cut
    assert done - cut <= acknowledged <= done


@pytest.mark.usefixtures("_alarms_only")
def test_alarms_leave_every_claim_settled(store, caplog):
    """Under a rain of alarms each key is completed or released, what is acknowledged is completed, and once."""
    caplog.set_level("CRITICAL", "resilient_lambda")
    runs = 1_000
    policies = [Idempotency(store, key=lambda record: record.id, namespace=NAMESPACE)]
    committed = []

    def function(record):
        rain()
        claim = current_claim()
        claim.ensure_owned()
        if record.id.endswith("7"):
            claim.commit_with([{"Put": {"TableName": "t", "Item": {"id": record.id}}}])

    handler = batch_handler(policies=policies, **{**OPTIONS, "margin_s": 0})(function)
    names = set(failed(handler(named(*"a" * runs), lambda_context(timeout_s=60))))
    committed = [item["Put"]["Item"]["id"] for item in store.memory.committed]
    statuses = {f"m{n}": store.status(key_of(f"m{n}")) for n in range(runs)}

    assert names
    assert {name for name, status in statuses.items() if status == "RELEASED"} == names
    assert {name for name, status in statuses.items() if status == "COMPLETED"} == set(statuses) - names
    assert len(committed) == len(set(committed))
    assert set(committed).isdisjoint(names)
