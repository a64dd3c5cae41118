"""The wait that an answer's headers ask for."""

from __future__ import annotations

from email.message import Message
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core.retry_after import http_date_s, wait_in

from ..naming import id_of

NOW_S = 1_800_000_000.0


def date(at_s):
    return formatdate(at_s, usegmt=True)


def message(**headers):
    """Return headers as urllib has them."""
    found = Message()
    for name, value in headers.items():
        found[name.replace("_", "-")] = value
    return found


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"retry-after": "12"}, 12.0),
        ({"RETRY-AFTER": " 1.5 "}, 1.5),
        ({"retry-after": 12}, 12.0),
        (message(retry_AFTER="12"), 12.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": [12]}, None),
        ({"retry-after": b"12"}, None),
        ({7: "12"}, None),
        ({}, None),
        ([("Retry-After", "12")], None),
        ("Retry-After: 12", None),
        (None, None),
    ],
    ids=id_of,
)
def test_seconds_are_read_from_any_mapping(headers, expected_s):
    """However the name is spelled; garbage counts as not asked."""
    assert wait_in(headers) == expected_s


@pytest.mark.parametrize("clock_s", [None, 0.0, NOW_S + 99])
def test_a_date_is_held_against_the_date_of_the_answer(clock_s):
    """Whatever our own clock says, the two dates are of one clock."""
    assert wait_in({"Retry-After": date(NOW_S + 30), "Date": date(NOW_S)}, clock_s) == 30.0


@pytest.mark.parametrize("given", [{}, {"date": "yesterday"}, {"date": 7}], ids=id_of)
def test_an_answer_without_a_date_is_held_against_our_clock(given):
    """If there is one, or else the date says nothing."""
    headers = {"retry-after": date(NOW_S + 30), **given}

    assert wait_in(headers, NOW_S) == 30.0
    assert wait_in(headers) is None


def test_a_date_that_has_passed_is_no_wait():
    """The next try may be made at once."""
    assert wait_in({"Retry-After": date(NOW_S - 30), "Date": date(NOW_S)}) == 0.0


@given(at_s=st.integers(0, 253_402_300_799))
def test_any_date_that_a_server_sends_is_read(at_s):
    """From 1970 to the year 9999, leap years and centuries included."""
    assert http_date_s(date(at_s)) == at_s


@pytest.mark.parametrize(
    "text",
    [
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, 06 Now 1994 08:49:37 GMT",
        "",
    ],
)
def test_what_no_server_may_send_is_no_date(text):
    """The two formats that were given up long ago, other zones, other words."""
    assert http_date_s(text) is None
