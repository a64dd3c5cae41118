"""The idempotency machine: truth tables of every decision, and the stored form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.cas import ABSENT, AsRead
from resilient_lambda._core.idempotency import (
    DAY_S,
    FORMAT,
    AlreadyCompleted,
    Ask,
    Busy,
    CompleteOver,
    Entry,
    Mismatch,
    Replay,
    ReplayFailure,
    Status,
    Superseded,
    Take,
    as_read,
    believes,
    completed,
    decide,
    decide_refused_completion,
    failed,
    is_lapsed,
    new_claim,
    owner_of,
    parse,
    released,
    render,
    renewed,
    version,
)
from resilient_lambda.errors import ItemFormatError

NOW_S = 1_000.0
LEASE_S, SKEW_S, KEEP_S = 20.0, 2.0, 60.0
ASK = Ask("me", NOW_S, LEASE_S, SKEW_S, KEEP_S, deadline_s=1_030.0, fingerprint="f", delivery="d")
LIVE_S = NOW_S - SKEW_S  # a lease that ended at this time is not lapsed yet
LAPSED_S = NOW_S - SKEW_S - 0.001


def entry(status, **fields):
    """Return another owner's entry."""
    return Entry(
        Status[status],
        fields.pop("version", "other.7"),
        fields.pop("expires_at_s", 99_999),
        **{"attempts": 3, "lapses": 2, "error": "ValueError", "delivery": "d", **fields},
    )


IN_PROGRESS, LAPSED = (
    entry("IN_PROGRESS", lease_until_s=LIVE_S, deadline_s=1_005.0),
    entry("IN_PROGRESS", lease_until_s=LAPSED_S),
)


def test_an_absent_key_is_taken():
    """Attempts and lapses start at nothing; the condition is that the key stays absent."""
    assert decide(None, ASK) == Take(
        Entry(
            Status.IN_PROGRESS,
            "me.0",
            math.ceil(NOW_S + KEEP_S) + DAY_S,
            lease_until_s=NOW_S + LEASE_S,
            deadline_s=1_030.0,
            fingerprint="f",
            delivery="d",
        ),
        ABSENT,
        is_takeover=False,
    )


@pytest.mark.parametrize(
    ("current", "attempts", "lapses", "is_takeover"),
    [
        (entry("RELEASED"), 3, 2, False),
        (entry("RELEASED", fingerprint="other"), 3, 2, False),
        (LAPSED, 3, 3, True),
        (LAPSED._replace(fingerprint="other"), 3, 3, True),
        (entry("FAILED", delivery="other"), 0, 0, False),
        (entry("FAILED", delivery="other", fingerprint="other"), 0, 0, False),
        (entry("FAILED", delivery=""), 0, 0, False),
        (entry("IN_PROGRESS", version="me.4", lease_until_s=LIVE_S), 3, 2, False),
        (entry("IN_PROGRESS", version="me.4", lease_until_s=LIVE_S, fingerprint="other"), 3, 2, False),
        (entry("COMPLETED", expires_at_s=1_000), 0, 0, False),
        (entry("COMPLETED", expires_at_s=1_000, fingerprint="other"), 0, 0, False),
        (entry("FAILED", expires_at_s=1_000), 0, 0, False),
        (entry("RELEASED", expires_at_s=1_000), 0, 0, False),
        (entry("IN_PROGRESS", expires_at_s=1_000, lease_until_s=NOW_S), 0, 0, False),
    ],
)
def test_what_may_be_taken(current, attempts, lapses, is_takeover):
    """On the condition that it is still as read; a lapse is counted as one, an attempt never is."""
    decision = decide(current, ASK, n=5)

    assert isinstance(decision, Take)
    assert decision.expected == AsRead((("version", current.version), ("status", current.status.value)))
    assert decision.is_takeover is is_takeover
    assert decision.entry == Entry(
        Status.IN_PROGRESS,
        "me.5",
        math.ceil(NOW_S + KEEP_S) + DAY_S,
        attempts=attempts,
        lapses=lapses,
        lease_until_s=NOW_S + LEASE_S,
        deadline_s=1_030.0,
        error="ValueError" if attempts or lapses else "",
        fingerprint="f",
        delivery="d",
    )


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (entry("COMPLETED"), Replay),
        (entry("COMPLETED", expires_at_s=1_001), Replay),
        (entry("COMPLETED", version="me.4"), Replay),
        (entry("COMPLETED", fingerprint="f"), Replay),
        (entry("COMPLETED", delivery="other"), Replay),
        (entry("COMPLETED", fingerprint="other"), Mismatch),
        (entry("FAILED"), ReplayFailure),
        (entry("FAILED", fingerprint="f"), ReplayFailure),
        (entry("FAILED", fingerprint="other"), Mismatch),
        (IN_PROGRESS, Busy),
        (IN_PROGRESS._replace(fingerprint="f"), Busy),
        (IN_PROGRESS._replace(fingerprint="other"), Mismatch),
    ],
)
def test_what_may_not_be_taken(current, expected):
    """Done, failed for this delivery, in progress, or another payload."""
    assert isinstance(decide(current, ASK), expected)


@pytest.mark.parametrize("current", [entry("COMPLETED", fingerprint="x"), IN_PROGRESS._replace(fingerprint="x")])
def test_whoever_compares_nothing_meets_no_mismatch(current):
    """An asker without a fingerprint takes any."""
    assert not isinstance(decide(current, ASK._replace(fingerprint="")), Mismatch)


def test_a_busy_key_says_until_when():
    """The end of the lease and the skew."""
    assert decide(IN_PROGRESS, ASK).until_s == LIVE_S + SKEW_S


def test_what_is_answered_is_the_entry():
    """With its result, or its error."""
    done, dead = entry("COMPLETED", result="1"), entry("FAILED", parked="letter")

    assert decide(done, ASK) == Replay(done)
    assert decide(dead, ASK) == ReplayFailure(dead)


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (None, CompleteOver(ABSENT)),
        (entry("COMPLETED"), AlreadyCompleted(entry("COMPLETED"))),
        (entry("COMPLETED", version="me.1"), AlreadyCompleted(entry("COMPLETED", version="me.1"))),
        (entry("IN_PROGRESS", version="me.1", lease_until_s=LIVE_S), "over"),
        (entry("IN_PROGRESS", version="me.1", lease_until_s=LAPSED_S), "over"),
        (entry("RELEASED", version="me.1"), "over"),
        (IN_PROGRESS, Superseded()),
        (LAPSED, "over"),
        (entry("RELEASED"), "over"),
        (entry("FAILED"), "over"),
        (entry("COMPLETED", expires_at_s=int(NOW_S)), "over"),
    ],
)
def test_a_refused_completion_is_decided_by_what_is_there(current, expected):
    """A success beats everybody but a live owner and another success."""
    if expected == "over":
        expected = CompleteOver(as_read(current))

    assert decide_refused_completion(current, entry("COMPLETED", version="me.9"), now_s=NOW_S, skew_s=SKEW_S) == (
        expected
    )


@pytest.mark.parametrize(("now_s", "expected"), [(21.999, False), (22.0, False), (22.001, True)])
def test_a_claim_lapses_after_the_skew(now_s, expected):
    """Not at its very end, but after it."""
    assert is_lapsed(entry("IN_PROGRESS", lease_until_s=20.0), now_s=now_s, skew_s=2.0) is expected


@pytest.mark.parametrize(
    ("now_s", "for_s", "expected"),
    [(18.0, 0.0, True), (18.001, 0.0, False), (13.0, 5.0, True), (13.001, 5.0, False), (0.0, 18.0, True)],
)
def test_an_owner_trusts_its_lease_until_the_skew(now_s, for_s, expected):
    """To the very moment."""
    assert believes(entry("IN_PROGRESS", lease_until_s=20.0), now_s=now_s, skew_s=2.0, for_s=for_s) is expected


@given(
    lease_until_s=st.floats(0, 1e10),
    skew_s=st.floats(0, 60),
    now_s=st.floats(0, 1e10),
    clock_error_s=st.floats(-1, 1),
)
def test_owner_and_successor_never_both_have_the_key(lease_until_s, skew_s, now_s, clock_error_s):
    """While the owner trusts its lease, nobody whose clock is within the skew finds it lapsed."""
    claim = entry("IN_PROGRESS", lease_until_s=lease_until_s)
    others_now_s = now_s + clock_error_s * skew_s

    assert not (believes(claim, now_s=now_s, skew_s=skew_s) and is_lapsed(claim, now_s=others_now_s, skew_s=skew_s))


MINE = entry("IN_PROGRESS", version="me.1", lease_until_s=1_020.0, deadline_s=1_030.0, fingerprint="f")


def test_completed_keeps_what_it_was_about():
    """No lease, no error, the result, the retention from now; the fingerprint stays for later duplicates."""
    assert completed(MINE, n=2, now_s=NOW_S + 0.5, keep_s=KEEP_S, result="[1]") == MINE._replace(
        status=Status.COMPLETED,
        version="me.2",
        expires_at_s=1_061,
        lease_until_s=0.0,
        deadline_s=0.0,
        error="",
        result="[1]",
    )


@pytest.mark.parametrize(
    ("error", "resets", "attempts", "lapses", "kept"),
    [
        ("KeyError", False, 4, 2, "KeyError"),
        (None, False, 3, 2, "ValueError"),
        ("KeyError", True, 0, 0, "KeyError"),
        (None, True, 0, 0, "ValueError"),
    ],
)
def test_released_counts_an_attempt_if_there_was_one(error, resets, attempts, lapses, kept):
    """A bounce changes nothing, a reset starts afresh; the entry outlives its retention by a day."""
    assert released(MINE, n=2, now_s=NOW_S, keep_s=KEEP_S, error=error, resets=resets) == MINE._replace(
        status=Status.RELEASED,
        version="me.2",
        expires_at_s=1_060 + DAY_S,
        lease_until_s=0.0,
        deadline_s=0.0,
        attempts=attempts,
        lapses=lapses,
        error=kept,
    )


def test_failed_remembers_the_delivery_and_the_letter():
    """For as long as asked for."""
    assert failed(MINE, n=2, now_s=NOW_S, remember_s=30.0, error="KeyError", parked="letter") == MINE._replace(
        status=Status.FAILED,
        version="me.2",
        expires_at_s=1_030,
        lease_until_s=0.0,
        deadline_s=0.0,
        attempts=4,
        error="KeyError",
        parked="letter",
    )


@pytest.mark.parametrize(
    ("lease_s", "expires_at_s"), [(20.0, 1_060 + DAY_S), (60.0, 1_060 + DAY_S), (900.0, 1_900 + DAY_S)]
)
def test_renewed_moves_lease_and_expiry(lease_s, expires_at_s):
    """The later of lease and retention, and a day; all else stays."""
    assert renewed(MINE, n=2, now_s=NOW_S, lease_s=lease_s, keep_s=KEEP_S) == MINE._replace(
        version="me.2", lease_until_s=NOW_S + lease_s, expires_at_s=expires_at_s
    )


@pytest.mark.parametrize(("lease_s", "expires_at_s"), [(20.0, 1_060 + DAY_S), (900.0, 1_900 + DAY_S)])
def test_a_claim_expires_after_lease_and_retention(lease_s, expires_at_s):
    """TTL must not remove what is still running."""
    assert new_claim(ASK._replace(lease_s=lease_s), 0).expires_at_s == expires_at_s


@pytest.mark.parametrize(("owner", "n"), [("me", 0), ("a.b", 12), ("", 3), ("token-request.1", 7)])
def test_a_version_tells_its_owner(owner, n):
    """Also one with dots."""
    assert owner_of(version(owner, n)) == owner


TEXT = st.text(max_size=8)
ENTRIES = st.builds(
    Entry,
    status=st.sampled_from(Status),
    version=st.text(min_size=1, max_size=8),
    expires_at_s=st.integers(0, 2**40),
    attempts=st.integers(0, 1_000),
    lapses=st.integers(0, 1_000),
    lease_until_s=st.floats(0, 1e12),
    deadline_s=st.floats(0, 1e12),
    error=TEXT,
    fingerprint=TEXT,
    delivery=TEXT,
    parked=TEXT,
    result=st.none() | TEXT | st.binary(max_size=8),
)


@given(ENTRIES)
def test_what_is_rendered_is_parsed(written):
    """Every entry comes back as it was."""
    item = render(written)

    assert parse(item) == written
    assert all(isinstance(value, str | int | float | bytes) and not isinstance(value, bool) for value in item.values())


def test_what_says_nothing_is_not_stored():
    """An item of a fresh key is small; an empty result is one all the same."""
    assert render(Entry(Status.COMPLETED, "me.1", 5)) == {
        "format": FORMAT,
        "status": "COMPLETED",
        "version": "me.1",
        "expires_at_s": 5,
    }
    assert render(Entry(Status.COMPLETED, "me.1", 5, result=""))["result"] == ""


def test_no_item_is_no_entry():
    """An absent key."""
    assert parse(None) is None


def test_an_item_of_a_newer_format_is_refused():
    """With both formats and what to do."""
    with pytest.raises(ItemFormatError, match=r"format 2, .* up to 1; deploy the newer version"):
        parse({**render(MINE), "format": 2})


def test_fields_that_are_not_known_are_left_alone():
    """A newer version may add some without a new format."""
    assert parse({**render(MINE), "trace": "x", "ttl": 5}) == MINE


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"status": "INPROGRESS", "expiration": 5, "in_progress_expiration": 5},
        {"status": "COMPLETED", "expiration": 5, "data": "{}"},
        {**render(MINE), "status": "UNKNOWN"},
        {**render(MINE), "version": 5},
        {**render(MINE), "version": b"me.1"},
        {**render(MINE), "expires_at_s": "soon"},
        {name: value for name, value in render(MINE).items() if name != "version"},
        {"format": 1, "count": 5},
    ],
    ids=range(9),
)
def test_an_item_of_something_else_is_refused(item):
    """It is not overwritten: the text says to take another namespace or table."""
    with pytest.raises(ItemFormatError, match="was not written by resilient_lambda"):
        parse(item)


@pytest.mark.parametrize("field", ["lease_until_s", "attempts", "lapses"])
def test_an_item_with_a_field_of_another_type_is_refused(field):
    """It would raise in the midst of a decision otherwise."""
    with pytest.raises(ItemFormatError):
        parse({**render(MINE), field: "text"})
