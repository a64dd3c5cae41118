"""Checks of options: what passes, and what a refusal says."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from resilient_lambda import ConfigurationError
from resilient_lambda._core.options import number, one_of, text


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0, {}),
        (-1.5, {}),
        (0, {"at_least": 0}),
        (1, {"at_least": 0, "is_whole": True}),
        (0.001, {"above": 0}),
        (10**30, {"above": 0}),
    ],
)
def test_a_number_within_its_bounds_passes(value, bounds):
    """Nothing is raised, nothing is returned."""
    assert number("x", value, **bounds) is None


@pytest.mark.parametrize(
    "value", [None, "5", True, False, math.nan, math.inf, -math.inf, [], Decimal(1), Fraction(1), 1j], ids=repr
)
@pytest.mark.parametrize("is_whole", [True, False])
def test_what_is_no_finite_number_is_refused(value, is_whole):
    """The text has the option, the value and what is allowed."""
    with pytest.raises(ConfigurationError) as raised:
        number("keep_s", value, is_whole=is_whole)

    assert str(raised.value) == f"keep_s={value!r} must be {'a whole' if is_whole else 'a finite'} number"


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {"above": 0}, "x=0 must be a finite number, more than 0"),
        (-0.5, {"above": 0}, "x=-0.5 must be a finite number, more than 0"),
        (-1, {"at_least": 0}, "x=-1 must be a finite number, at least 0"),
        (0, {"at_least": 1, "is_whole": True}, "x=0 must be a whole number, at least 1"),
        (1.5, {"at_least": 1, "is_whole": True}, "x=1.5 must be a whole number, at least 1"),
        (0.4, {"above": 0.5}, "x=0.4 must be a finite number, more than 0.5"),
    ],
)
def test_a_number_outside_its_bounds_is_refused(value, bounds, message):
    """With the bound."""
    with pytest.raises(ConfigurationError) as raised:
        number("x", value, **bounds)

    assert str(raised.value) == message


def test_one_of_several_passes():
    """Each of them."""
    for value in ("error", "skip"):
        assert one_of("x", value, ("error", "skip")) is None


@pytest.mark.parametrize("value", ["", "other", None, 1, True, ["error"], b"error"], ids=repr)
def test_none_of_several_is_refused(value):
    """All that is allowed is named."""
    with pytest.raises(ConfigurationError, match="must be one of 'error', 'skip'"):
        one_of("x", value, ("error", "skip"))


@pytest.mark.parametrize("value", ["a", " ", "é"])
def test_a_text_passes(value):
    """Any but the empty one."""
    assert text("x", value) is None


@pytest.mark.parametrize("value", ["", None, 5, b"a", ["a"]], ids=repr)
def test_what_is_no_text_is_refused(value):
    """As is an empty one."""
    with pytest.raises(ConfigurationError, match="must be a text, and not an empty one"):
        text("x", value)


def test_a_refusal_is_also_a_value_error():
    """Whoever catches those at import gets it."""
    with pytest.raises(ValueError, match="x"):
        text("x", "")
