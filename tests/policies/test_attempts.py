"""What counts against an event: runs that failed, and crashes but the first; never a bounce."""

from __future__ import annotations

import pytest

from resilient_lambda import NonRetryableError
from resilient_lambda._policies.claim import current_claim
from tests.policies.stores import KEY, key_of


def fail(body):
    """Fail, to be tried again."""
    raise ValueError


def test_each_failed_run_is_one_attempt(make, store):
    """`current_claim().attempt` starts at 1 and rises with each run that failed, in whatever environment."""
    attempts = []

    def work(body):
        attempts.append(current_claim().attempt)
        raise ValueError

    for _ in range(3):
        make(work).deliver("a")

    assert attempts == [1, 2, 3]
    assert store.entry().attempts == 3


def test_bounces_are_no_attempts(make, store, time, sink):
    """Five deliveries that met a live twin do not use up ``max_attempts``: the event runs in the end."""
    store.lay(time.now(), lease_until_s=time.now() + 10)
    environment = make(sink=sink, max_attempts=2)
    for receives in range(1, 6):
        assert environment.deliver("a", receives=receives) == ["m0"]

    time.advance(13)

    assert environment.deliver("a", receives=6) == []
    assert (environment.runs, sink.letters) == (["a"], [])


def test_the_receive_count_does_not_count(make, sink):
    """With attempts in the store, a first failure at the ninth receive is the first."""
    environment = make(fail, sink=sink, max_attempts=2)

    assert environment.deliver("a", receives=9) == ["m0"]
    assert environment.deliver("a", receives=10) == []
    assert sink.letters == [("m0", "ValueError")]


def test_the_count_starts_afresh_after_the_sink(make, store, sink):
    """A redrive has all its attempts again."""
    environment = make(fail, sink=sink, max_attempts=2)
    for _ in range(2):
        environment.deliver("a")

    assert (store.status(), store.entry().attempts, len(sink.letters)) == ("RELEASED", 0, 1)
    assert environment.deliver(("redriven", "a")) == ["redriven"]


def test_the_count_goes_on_while_the_sink_is_down(make, store, sink):
    """What the sink did not take is run and offered again."""
    sink.is_down = True
    environment = make(fail, sink=sink, max_attempts=1)

    assert environment.deliver("a") == ["m0"]
    assert environment.deliver("a") == ["m0"]
    assert store.entry().attempts == 2


@pytest.mark.parametrize(
    ("attempts", "lapses", "runs"),
    [
        (0, 0, True),
        (0, 1, True),
        (0, 2, True),
        (0, 3, True),
        (0, 4, False),
        (1, 3, False),
        (2, 0, True),
        (2, 1, True),
        (2, 2, False),
        (1, 2, True),
    ],
)
def test_crashes_but_the_first_count_with_failed_runs(  # half of them are fixtures
    make, store, sink, time, attempts, lapses, runs
):
    """With ``max_attempts=3``, an event with three crashes of its own, or failures and crashes, is set aside unrun."""
    store.lay(time.now(), "RELEASED", attempts=attempts, lapses=lapses)
    environment = make(sink=sink, max_attempts=3)

    assert environment.deliver("a") == []
    assert environment.runs == (["a"] if runs else [])
    assert sink.letters == ([] if runs else [("m0", "CrashLoopError")])


def test_an_event_that_crashes_each_time_is_set_aside_and_can_be_redriven(make, store, sink, time):
    """Takeovers count up to ``max_attempts``; this delivery is done with, and the redrive starts at nothing."""
    environment = make(sink=sink, max_attempts=2)
    store.lay(time.now() - 100, lease_until_s=time.now() - 50, lapses=2)

    assert environment.deliver("a") == []
    assert environment.deliver("a") == []  # its answer was lost
    assert (environment.runs, sink.letters) == ([], [("m0", "CrashLoopError")])
    assert store.status() == "FAILED"

    environment.deliver(("redriven", "a"))

    assert environment.runs == ["a"]


def test_a_crash_loop_whose_letter_is_refused_is_offered_again_unrun(make, store, sink, time):
    """Neither run nor forgotten."""
    sink.is_down = True
    store.lay(time.now(), "RELEASED", lapses=5)
    environment = make(sink=sink, max_attempts=2)

    assert environment.deliver("a") == ["m0"]
    assert (store.status(), store.entry().lapses, store.entry().attempts) == ("RELEASED", 5, 0)

    sink.is_down = False

    assert environment.deliver("a") == []
    assert (environment.runs, len(sink.letters)) == ([], 1)


def test_without_max_attempts_crashes_never_set_aside(make, store, sink, time):
    """Nothing is given up by default."""
    store.lay(time.now(), "RELEASED", lapses=50)
    environment = make(sink=sink)

    assert environment.deliver("a") == []
    assert environment.runs == ["a"]


def test_a_takeover_counts_a_lapse_and_no_attempt(make, store, time):
    """A crash is not a run that failed."""
    store.lay(time.now(), lease_until_s=time.now() - 10, attempts=1)
    make(fail).deliver("a")

    assert (store.entry().attempts, store.entry().lapses) == (2, 1)


def test_what_waits_for_the_sink_is_sent_before_a_suspect_runs(make, store, sink, time):
    """A run that may end the environment must not take earlier records' dead letters with it."""
    sent = []

    def work(body):
        if body["k"] == "b":
            raise NonRetryableError
        if body["k"] == "a":
            sent.extend(sink.letters)

    store.lay(time.now(), lease_until_s=time.now() - 10)

    assert make(work, sink=sink).deliver("b", "a") == []
    assert sent == [("m0", "NonRetryableError")]
    assert store.status(KEY) == "COMPLETED"
    assert store.status(key_of("b")) == "RELEASED"
