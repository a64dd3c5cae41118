"""The layout of Powertools' items: what is written, what is read, and what is decided about what was read."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.cas import ABSENT, AsRead, Write, holds
from resilient_lambda._core.idempotency import (
    AlreadyCompleted,
    Ask,
    Busy,
    CompleteOver,
    Entry,
    Mismatch,
    Replay,
    Status,
    Take,
    as_read,
    decide,
    decide_refused_completion,
)
from resilient_lambda._core.idempotency import render as render_native
from resilient_lambda._core.item_format import NATIVE
from resilient_lambda._core.keys import stored_key
from resilient_lambda._core.powertools_format import POWERTOOLS, TAKEOVER_GRACE_S
from resilient_lambda.errors import ItemFormatError, MissingKeyError, NonRetryableError

NOW_S = 1_800_000_000.0
SKEW_S = 2.0
ASK = Ask("me", NOW_S, 30.0, SKEW_S, 60.0, deadline_s=NOW_S + 28, fingerprint="f", delivery="d")
CLAIM = Entry(Status.IN_PROGRESS, "me.0", 1_800_086_490, lease_until_s=NOW_S + 30.25, deadline_s=NOW_S + 28)


def theirs(status="INPROGRESS", **fields):
    """Return an item as Powertools writes it; None leaves a field out."""
    item = {"status": status, "expires_at_s": int(NOW_S) + 3600, **fields}
    if status == "INPROGRESS":
        item.setdefault("in_progress_expiration", int(NOW_S * 1000) + 10_000)
    return {name: value for name, value in item.items() if value is not None}


def at(seconds):
    """Return the wish of a worker that comes *seconds* after now."""
    return ASK._replace(now_s=NOW_S + seconds)


def ms(seconds):
    """Return the time *seconds* after now as Powertools writes ends of leases."""
    return int((NOW_S + seconds) * 1000)


def test_a_claim_is_in_progress_until_its_lease_ends():
    """Powertools reads status, both expirations; the rest is ours."""
    item = POWERTOOLS.render(CLAIM)

    assert item == {
        "status": "INPROGRESS",
        "in_progress_expiration": ms(30.25),
        "expires_at_s": 1_800_086_490,
        "version": "me.0",
        "deadline_s": NOW_S + 28,
        "layout": "powertools",
        "format": 1,
    }


def test_a_lease_is_never_written_shorter_than_it_is():
    """A part of a millisecond counts as a whole one."""
    item = POWERTOOLS.render(CLAIM._replace(lease_until_s=10.0001))

    assert item["in_progress_expiration"] == 10_001


def test_a_released_key_is_a_claim_whose_lease_has_ended():
    """Powertools takes it over; we still know the attempts."""
    entry = CLAIM._replace(status=Status.RELEASED, lease_until_s=0.0, deadline_s=0.0, attempts=2, error="ValueError")
    item = POWERTOOLS.render(entry)

    assert (item["status"], item["in_progress_expiration"]) == ("INPROGRESS", 0)
    assert POWERTOOLS.parse(item) == entry


@pytest.mark.parametrize(("result", "data"), [(None, "null"), ('{"a":1}', '{"a":1}'), ("0", "0"), ('""', '""')])
def test_a_result_is_json_text_always(result, data):
    """Powertools reads no result from a missing attribute either, but its own completions always have one."""
    entry = CLAIM._replace(status=Status.COMPLETED, lease_until_s=0.0, deadline_s=0.0, result=result)
    item = POWERTOOLS.render(entry)

    assert item["data"] == data
    assert POWERTOOLS.parse(item) == entry


def test_the_fingerprint_is_what_powertools_validates():
    """In every status, for Powertools refuses an item without it."""
    entries = [
        CLAIM,
        CLAIM._replace(status=Status.RELEASED, lease_until_s=0.0, deadline_s=0.0),
        CLAIM._replace(status=Status.COMPLETED, lease_until_s=0.0, deadline_s=0.0),
    ]

    assert [POWERTOOLS.render(entry._replace(fingerprint="f"))["validation"] for entry in entries] == ["f"] * 3


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (CLAIM._replace(status=Status.FAILED), "remembered failures"),
        (CLAIM._replace(status=Status.COMPLETED, result=b"packed"), "compressed"),
    ],
)
def test_what_powertools_cannot_read_is_not_written(entry, text):
    """Options that would lead here are refused when the policy is made."""
    with pytest.raises(ValueError, match=text):
        POWERTOOLS.render(entry)


@given(
    status=st.sampled_from([Status.IN_PROGRESS, Status.RELEASED, Status.COMPLETED]),
    lease_ms=st.integers(1, 2**45),
    counts=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    texts=st.tuples(st.text(), st.text(), st.text()),
    result=st.none() | st.recursive(st.integers() | st.text() | st.booleans(), st.lists).map(json.dumps),
)
def test_what_is_written_is_read(status, lease_ms, counts, texts, result):
    """An entry survives the table; leases are kept to the millisecond."""
    entry = Entry(
        status,
        "me.3",
        1_800_000_000,
        *counts,
        lease_until_s=lease_ms / 1000 if status is Status.IN_PROGRESS else 0.0,
        deadline_s=5.5 if status is Status.IN_PROGRESS else 0.0,
        error=texts[0],
        fingerprint=texts[1],
        delivery=texts[2],
        result=result if status is Status.COMPLETED else None,
    )

    assert POWERTOOLS.parse(POWERTOOLS.render(entry)) == entry
    assert set(POWERTOOLS.render(entry)) <= set(POWERTOOLS.fields)


def test_no_item_is_no_entry():
    """As in every format."""
    assert POWERTOOLS.parse(None) is None


def test_an_item_of_powertools_is_recognised_by_what_was_read():
    """It has no version: status and both expirations stand in, and that there is no version."""
    entry = POWERTOOLS.parse(theirs())

    assert as_read(entry) == AsRead(
        (
            ("version", None),
            ("status", "INPROGRESS"),
            ("in_progress_expiration", ms(10)),
            ("expires_at_s", int(NOW_S) + 3600),
        )
    )
    assert (entry.version, entry.attempts, entry.lapses) == ("", 0, 0)


@pytest.mark.parametrize(
    ("change", "meaning"),
    [
        ({"in_progress_expiration": ms(11)}, "another worker of theirs took over"),
        ({"expires_at_s": int(NOW_S) + 3601}, "the same, without the time that it has"),
        ({"status": "COMPLETED"}, "it has completed"),
        ({"version": "other.0"}, "another worker of ours took over"),
    ],
)
def test_a_change_of_an_item_of_powertools_is_seen(change, meaning):
    """A takeover conditioned on the missing version alone would make two owners."""
    expected = as_read(POWERTOOLS.parse(theirs()))

    assert holds(expected, theirs())
    assert not holds(expected, {**theirs(), **change}), meaning


def test_a_lease_that_an_item_does_not_name_is_part_of_its_condition():
    """Missing now and still missing then."""
    item = theirs(in_progress_expiration=None)

    assert ("in_progress_expiration", None) in as_read(POWERTOOLS.parse(item)).fields


@pytest.mark.parametrize(
    ("ends_s", "expiration_s"),
    [(10.0, 3600), (10.0, 5), (10.0, -5), (-600.0, -300)],
    ids=["usual", "expires before the lease", "expired", "expired long ago"],
)
def test_a_worker_of_powertools_is_waited_for_until_it_must_be_dead(ends_s, expiration_s):
    """
    Until the end of its invocation, five seconds and the skew, whatever `expiration` says.

    Powertools takes over where `expiration` is past, although the worker may still be running.
    """
    item = theirs(in_progress_expiration=ms(ends_s), expires_at_s=int(NOW_S) + expiration_s)
    entry = POWERTOOLS.parse(item)
    free_s = ends_s + TAKEOVER_GRACE_S + SKEW_S

    assert decide(entry, at(free_s)) == Busy(NOW_S + free_s)
    assert decide(entry, at(free_s + 0.001)).is_takeover


def test_a_claim_that_was_expired_when_it_was_written_is_a_claim():
    """Powertools calls it EXPIRED where its retention is shorter than what it takes to write."""
    entry = POWERTOOLS.parse({**theirs(), "status": "EXPIRED", "expires_at_s": int(NOW_S) - 1})

    assert isinstance(decide(entry, ASK), Busy)
    assert decide(entry, at(10 + TAKEOVER_GRACE_S + SKEW_S + 1)).is_takeover


def test_a_worker_that_does_not_know_its_end_is_waited_for_until_the_item_expires():
    """Without a Lambda context Powertools writes no end of the lease, and itself waits so long."""
    entry = POWERTOOLS.parse(theirs(in_progress_expiration=None))

    assert isinstance(decide(entry, at(3600)), Busy)
    assert decide(entry, at(3600 + SKEW_S + 1)).is_takeover


def test_a_takeover_from_powertools_is_conditional_on_the_item_as_read():
    """And counts as a lapse."""
    item = theirs(in_progress_expiration=0)
    decision = decide(POWERTOOLS.parse(item), ASK)

    assert isinstance(decision, Take)
    assert decision.entry.lapses == 1
    assert holds(decision.expected, item)


def test_a_completion_of_powertools_is_replayed():
    """With its result, until it expires."""
    entry = POWERTOOLS.parse(theirs("COMPLETED", data='{"paid": true}', in_progress_expiration=ms(10)))

    assert decide(entry, ASK) == Replay(entry)
    assert entry.result == '{"paid": true}'
    assert isinstance(decide(entry, at(3600)), Take)


@pytest.mark.parametrize("fields", [{}, {"data": "null"}, {"data": " null "}])
def test_no_result_and_null_are_one(fields):
    """Powertools replays None for both."""
    assert POWERTOOLS.parse(theirs("COMPLETED", **fields)).result is None


def test_another_payload_is_told_by_powertools_digest():
    """A used key with another payload is refused, one without a digest is not compared."""
    assert decide(POWERTOOLS.parse(theirs("COMPLETED", validation="g")), ASK) == Mismatch()
    assert isinstance(decide(POWERTOOLS.parse(theirs("COMPLETED", validation="f")), ASK), Replay)
    assert isinstance(decide(POWERTOOLS.parse(theirs("COMPLETED")), ASK), Replay)


def test_a_completion_of_powertools_over_our_claim_is_final():
    """It keeps our version; the status says that it is done, so none of our conditions holds."""
    item = {**POWERTOOLS.render(CLAIM), "status": "COMPLETED", "data": "5", "expires_at_s": int(NOW_S) + 60}
    entry = POWERTOOLS.parse(item)

    assert entry == CLAIM._replace(
        status=Status.COMPLETED, result="5", expires_at_s=int(NOW_S) + 60, lease_until_s=0.0, deadline_s=0.0
    )
    assert not holds(POWERTOOLS.write("k", CLAIM, as_read(CLAIM)).expected, item)
    assert decide_refused_completion(entry, CLAIM, now_s=NOW_S, skew_s=SKEW_S) == AlreadyCompleted(entry)


def test_a_takeover_by_powertools_is_another_owners_claim():
    """PutItem takes our version away; a success that comes late goes over it once it has lapsed."""
    entry = POWERTOOLS.parse(theirs(in_progress_expiration=ms(-10)))
    refusal = decide_refused_completion(entry, CLAIM, now_s=NOW_S, skew_s=SKEW_S)

    assert refusal == CompleteOver(as_read(entry))


@pytest.mark.parametrize("name", ["IN_PROGRESS", "RELEASED"])
def test_a_condition_names_the_status_as_the_table_does(name):
    """The machine's own names are not known there."""
    entry = CLAIM._replace(status=Status[name])
    write = POWERTOOLS.write("k", entry, as_read(entry))

    assert write.expected == AsRead((("version", "me.0"), ("status", "INPROGRESS")))
    assert holds(write.expected, write.item)
    assert write.may_hold == POWERTOOLS.fields


@pytest.mark.parametrize("expected", [ABSENT, AsRead((("version", None), ("status", "COMPLETED")))])
def test_other_conditions_stay(expected):
    """Absent, and items of Powertools as read."""
    assert POWERTOOLS.write("k", CLAIM, expected).expected == expected


def test_the_librarys_own_format_needs_no_translation():
    """Entries are written as the machine names things."""
    expected = as_read(CLAIM)

    assert NATIVE.write("k", CLAIM, expected) == Write("k", render_native(CLAIM), expected, NATIVE.fields)
    assert NATIVE.stored_key(NATIVE.prefix("n"), "a") == stored_key(NATIVE.prefix("n"), "a")


@pytest.mark.parametrize(
    "item",
    [
        render_native(CLAIM),
        render_native(CLAIM._replace(status=Status.COMPLETED)),
        {},
        {"status": "INPROGRESS"},
        {"status": "INPROGRESS", "expires_at_s": "soon"},
        {"status": "RELEASED", "expires_at_s": 5},
        {"status": 5, "expires_at_s": 5},
        theirs(in_progress_expiration="soon"),
        theirs(expires_at_s=math.inf),
        theirs("COMPLETED", data=b"packed"),
        theirs("COMPLETED", data="{"),
        theirs(layout="powertools"),
        theirs(version="other.0"),
        {**POWERTOOLS.render(CLAIM), "layout": "other"},
        {**POWERTOOLS.render(CLAIM), "status": "FAILED"},
        {**POWERTOOLS.render(CLAIM), "attempts": "3"},
        {name: value for name, value in POWERTOOLS.render(CLAIM).items() if name != "in_progress_expiration"},
    ],
    ids=repr,
)
def test_what_is_neither_layout_is_refused(item):
    """Nothing is run, nothing is written, and the message says what to check."""
    with pytest.raises(ItemFormatError, match="neither by Powertools nor with"):
        POWERTOOLS.parse(item)


def test_a_newer_format_is_refused_with_what_to_do():
    """As in the library's own layout."""
    with pytest.raises(ItemFormatError, match=r"has format 2 .* deploy the newer version"):
        POWERTOOLS.parse({**POWERTOOLS.render(CLAIM), "format": 2})


def test_attributes_that_nobody_knows_are_ignored():
    """Somebody may have added their own to the table."""
    assert POWERTOOLS.parse(theirs(owner="team-a")) == POWERTOOLS.parse(theirs())


def test_a_key_is_powertools_prefix_and_md5():
    """JSON with spaces and sorted names, as json.dumps makes it."""
    value = {"b": 1, "a": "ü"}
    text = '{"a": "\\u00fc", "b": 1}'

    assert POWERTOOLS.stored_key(POWERTOOLS.prefix("f.app.handler"), value) == (
        f"f.app.handler#{hashlib.md5(text.encode()).hexdigest()}"
    )


@pytest.mark.parametrize(
    "value", [object(), {1: 2, "a": 3}, {5}, b"bytes", dict], ids=lambda value: type(value).__name__
)
def test_what_is_not_json_is_no_key(value):
    """A key function's mistake, which no retry mends."""
    with pytest.raises(NonRetryableError, match=r"made of what Powertools can write"):
        POWERTOOLS.digest(value)


@pytest.mark.parametrize("value", [None, "", {}, [], (), [None, None], {"a": None}])
def test_a_missing_key_is_an_error(value):
    """What a policy makes of it is its option."""
    with pytest.raises(MissingKeyError):
        POWERTOOLS.stored_key("p#", value)


@pytest.mark.parametrize("value", [0, False, 0.0, ["a", None], ["", "a"], {"a": ""}], ids=repr)
def test_a_key_for_powertools_is_one_here(value):
    """Also where the library's own layout would see a missing one: the same event has the same key in both."""
    assert POWERTOOLS.stored_key("p#", value).startswith("p#")
