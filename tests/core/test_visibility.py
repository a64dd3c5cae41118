"""How long a failed message stays hidden."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import ConfigurationError, DeadlineExceededError, InProgressError
from resilient_lambda._core.backoff import Backoff
from resilient_lambda._core.model import Category, Classification, Failure, Verdict
from resilient_lambda._core.visibility import age_s, hidden_s

NOW_S = 1_800_000_000.0
BELOW_ONE = math.nextafter(1.0, 0.0)
HOURS_12 = 43_200


def failure(error=None, *, ran=True, retry_after_s=None):
    """Return a failure with *error*."""
    verdict = Classification(Verdict.RETRYABLE, Category.UNKNOWN, retry_after_s)
    return Failure(error or ValueError(), verdict, ran=ran)


def in_progress(*, lease_s=None, deadline_s=None):
    """Return the failure of a message whose twin's lease and invocation end so many seconds from now."""
    error = InProgressError(
        "in progress",
        lease_until_s=None if lease_s is None else NOW_S + lease_s,
        deadline_s=None if deadline_s is None else NOW_S + deadline_s,
    )
    return failure(error, ran=False)


def wait_of(of, receives=1, *, rand=0.0, age=0.0, backoff=None):
    """Return for how long a message is hidden."""
    return hidden_s(of, receives=receives, age_s=age, now_s=NOW_S, backoff=backoff or Backoff(), rand=rand)


@pytest.mark.parametrize(
    ("receives", "expected_s"),
    [(None, 30), (0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900), (10**9, 900)],
)
def test_a_failed_message_waits_twice_as_long_each_time_up_to_the_cap(receives, expected_s):
    """By its receive count: 30 s at first, 900 s at most."""
    assert wait_of(failure(), receives) == expected_s


@pytest.mark.parametrize(("rand", "expected_s"), [(0.0, 60), (0.5, 68), (BELOW_ONE, 75)])
def test_the_wait_is_spread_over_a_quarter(rand, expected_s):
    """So that what failed together does not come back together; never sooner than it should."""
    assert wait_of(failure(), 2, rand=rand) == expected_s


@pytest.mark.parametrize(
    ("asked_s", "expected_s"), [(None, 30), (5, 30), (45, 45), (7_200, 7_200), (10**6, HOURS_12 - 30), (math.nan, 30)]
)
def test_a_wait_that_was_asked_for_is_kept(asked_s, expected_s):
    """Where it is longer, as far as SQS allows; nonsense counts as not asked."""
    assert wait_of(failure(retry_after_s=asked_s)) == expected_s


def test_a_wait_that_was_asked_for_is_spread_too():
    """A dependency that comes back must not meet all of them in one second."""
    assert wait_of(failure(retry_after_s=100), rand=0.5) == 113


@pytest.mark.parametrize("receives", [1, 4])
def test_what_was_not_started_waits_for_the_first_wait_only(receives):
    """Nothing is known to be wrong with it, however often that happens."""
    assert wait_of(failure(DeadlineExceededError("no time"), ran=False), receives) == 30


def test_a_run_that_was_cut_short_is_a_failure():
    """The same error after a run is an attempt, and waits like one."""
    assert wait_of(failure(DeadlineExceededError("cut")), 3) == 120


def test_an_error_of_a_twin_that_the_function_raises_is_a_failure():
    """What it carries is then not about this key."""
    error = InProgressError("another one's", lease_until_s=NOW_S + 500, deadline_s=NOW_S + 1)

    assert wait_of(failure(error), 2) == 60


@pytest.mark.parametrize("error", [ConfigurationError("x"), ValueError()])
def test_other_failures_without_a_run_wait_as_those_with_one(error):
    """A store that is away, say: the message comes back less and less often."""
    assert wait_of(failure(error, ran=False, retry_after_s=70), 1) == 70
    assert wait_of(failure(error, ran=False), 4) == 240


@pytest.mark.parametrize(
    ("receives", "lease_s", "deadline_s", "expected_s"),
    [
        (1, 15, 840, 30),  # a heartbeat: the lease is always about to end, and says nothing
        (2, 15, 840, 60),
        (5, 15, 840, 480),
        (6, 15, 840, 840),  # the twin is gone by then
        (1, 15, 20, 20),
        (1, 200, 20, 200),  # while the lease lasts nobody could take over
        (1, 64, 60, 64),  # a lease as long as the invocation, and the skew of two clocks
        (3, 4, -1, 4),  # the deadline is past
        (3, -4, -1, 0),  # and the lease is over
        (1, 15, None, 30),
        (3, 15, None, 120),
        (1, 200, None, 200),
        (2, None, None, 60),
        (6, None, 100, 100),
    ],
)
def test_a_message_whose_twin_is_in_progress_waits_by_the_twins_deadline(receives, lease_s, deadline_s, expected_s):
    """As long as its receives say, but not longer than the twin can run, and not shorter than its lease lasts."""
    assert wait_of(in_progress(lease_s=lease_s, deadline_s=deadline_s), receives) == expected_s


def test_a_twin_with_a_heartbeat_is_not_looked_at_each_time_its_lease_ends():
    """In five receives a message outlives a twin that runs for eight minutes with leases of fifteen seconds."""
    twin = in_progress(lease_s=15, deadline_s=900)
    waited_s = sum(wait_of(twin, receives) for receives in range(1, 6))

    assert waited_s >= 480


@pytest.mark.parametrize(
    ("age", "receives", "expected_s"),
    [
        (43_000, 1, 30),  # 170 s are left
        (43_000, 4, 170),  # less than wanted, but more than the first wait
        (43_141, 4, None),  # 29 s: its queue does better
        (43_200, 1, None),
        (10**9, 1, None),
    ],
)
def test_no_message_is_hidden_beyond_twelve_hours_from_its_first_receive(age, receives, expected_s):
    """SQS would refuse it; half a minute is kept for clocks and the request."""
    assert wait_of(failure(), receives, age=age) == expected_s


def test_a_short_wait_is_kept_as_long_as_it_fits():
    """What would end within the seconds that are left is hidden for them."""
    assert wait_of(in_progress(lease_s=4, deadline_s=5), age=HOURS_12 - 36) == 5
    assert wait_of(in_progress(lease_s=4, deadline_s=5), age=HOURS_12 - 34) is None


@given(
    receives=st.none() | st.integers(-5, 10**6),
    age=st.floats(0, 10**6),
    rand=st.floats(0.0, BELOW_ONE),
    base_s=st.floats(0.001, 43_200),
    stretch=st.floats(1, 100),
    of=st.builds(failure, ran=st.booleans(), retry_after_s=st.none() | st.floats())
    | st.builds(
        in_progress,
        lease_s=st.none() | st.floats(-(10**6), 10**6),
        deadline_s=st.none() | st.floats(-(10**6), 10**6),
    )
    | st.just(failure(DeadlineExceededError("x"), ran=False)),
)
def test_what_sqs_is_asked_for_it_can_do(receives, age, rand, base_s, stretch, of):
    """Whatever comes together: whole seconds from 0 to 43,200, and with the age no more than twelve hours."""
    backoff = Backoff(base_s=base_s, cap_s=min(HOURS_12, base_s * stretch))
    wait_s = wait_of(of, receives, rand=rand, age=age, backoff=backoff)

    assert wait_s is None or (isinstance(wait_s, int) and 0 <= wait_s <= HOURS_12 and age + wait_s <= HOURS_12)


@pytest.mark.parametrize(
    ("first_ms", "expected_s"),
    [
        ("1799999940000", 60.0),
        ("1799999999999", 0.001),
        ("1800000001000", 0.0),  # another clock
        ("0", 0.0),  # older than SQS keeps messages: no such time
        ("9" * 400, 0.0),
        ("-1", 0.0),
        ("", 0.0),
        ("soon", 0.0),
        (1_799_999_940_000, 0.0),
        (None, 0.0),
        (["1799999940000"], 0.0),
    ],
)
def test_the_age_counts_from_the_first_receive(first_ms, expected_s):
    """What is no time in milliseconds counts as received just now."""
    raw = {"attributes": {"ApproximateFirstReceiveTimestamp": first_ms}}

    assert age_s(raw, NOW_S) == pytest.approx(expected_s, abs=1e-4)


@pytest.mark.parametrize("raw", [{}, {"attributes": None}, {"attributes": []}, {"attributes": {}}, {"attributes": "x"}])
def test_a_message_without_the_attribute_is_new(raw):
    """Nothing is raised."""
    assert age_s(raw, NOW_S) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_s": 0}, "base_s=0 must be a finite number, more than 0"),
        ({"base_s": "30"}, "base_s='30' must be a finite number, more than 0"),
        ({"base_s": 60, "cap_s": 59}, "cap_s=59 must be a finite number, at least 60"),
        ({"base_s": 1_000}, "cap_s=900.0 must be a finite number, at least 1000"),
        ({"cap_s": math.inf}, "cap_s=inf must be a finite number, at least 30"),
        ({"cap_s": 43_201}, "cap_s=43201 is too long: SQS hides no message for more than 43200 s (12 h)"),
    ],
)
def test_a_wrong_backoff_is_refused(options, message):
    """With the value and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        Backoff(**options)

    assert str(raised.value) == message


def test_a_backoff_shows_its_waits():
    """In messages and at the prompt."""
    assert repr(Backoff(base_s=1, cap_s=43_200)) == "Backoff(base_s=1, cap_s=43200)"
