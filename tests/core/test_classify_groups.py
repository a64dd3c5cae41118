"""Exception groups, and errors that say nothing and have a cause that does."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import errors
from resilient_lambda._core.classify import Classifier
from resilient_lambda._core.model import Category, Classification, Verdict

from .errors_at_hand import aws, caused, foreign

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE
BAD = errors.InvalidRecordError("bad")


class ShopError(Exception):
    pass


def judged(error, **options):
    found = Classifier(**options).classify(error)
    return found.verdict, found.category, found.source


def group(*members):
    return ExceptionGroup("several", members)


# Groups


def test_groups_of_the_same_groups_are_not_looked_at_for_ever():
    """A thousand in each of eight levels would be 10 ** 24 looks; past some thousands it is unknown."""
    error = group(BAD)
    for _ in range(7):
        error = ExceptionGroup("many", [error] * 900)

    assert judged(error)[:2] == (YES, Category.UNKNOWN)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([BAD, aws("ValidationException")], (NO, Category.INVALID_INPUT)),
        ([aws("AccessDenied"), BAD], (NO, Category.ACCESS)),
        ([BAD, TimeoutError()], (YES, Category.TIMEOUT)),
        ([BAD, ValueError()], (YES, Category.UNKNOWN)),
        ([TimeoutError(), aws("SlowDown"), ConnectionError()], (YES, Category.THROTTLING)),
        ([group(BAD, group(BAD)), BAD], (NO, Category.INVALID_INPUT)),
        ([BAD, group(group(BAD), group(aws("SlowDown")))], (YES, Category.THROTTLING)),
        ([caused(ShopError(), TimeoutError()), BAD], (YES, Category.TIMEOUT)),
    ],
)
def test_a_group_is_permanent_only_if_all_that_is_in_it_is(members, expected):
    """One that may pass makes the whole worth another try; one that is throttled says how."""
    assert judged(group(*members)) == (*expected, "group")


def test_the_longest_wait_in_a_group_is_kept():
    """Whoever retries retries all of it; what a permanent error asks for counts as nothing."""
    members = [
        errors.RetryableError("a", retry_after_s=3),
        errors.RetryableError("b", retry_after_s=9),
        aws("SlowDown"),
        aws("ValidationException", retryAfterSeconds=99),
    ]

    assert Classifier().classify(group(*members)) == Classification(YES, Category.THROTTLING, 9.0, "SlowDown", "group")
    assert Classifier().classify(group(BAD)).retry_after_s is None


def test_what_the_user_says_holds_for_what_is_in_a_group():
    """Classes, codes and rules see the members."""
    park = Classification(NO, Category.ACCESS)

    assert judged(group(ShopError()), non_retryable=[ShopError])[0] is NO
    assert judged(group(aws("SlowDown")), non_retryable_codes=["SlowDown"])[0] is NO
    assert judged(group(ShopError()), rules=[lambda error: park if isinstance(error, ShopError) else None])[0] is NO


def test_a_broad_class_does_not_park_a_group_of_what_never_ran():
    """``non_retryable=[Exception]`` means the failures of the function, in groups as elsewhere."""
    in_progress = group(errors.InProgressError("busy"))

    assert judged(in_progress, non_retryable=[Exception])[0] is YES
    assert judged(group(ValueError()), non_retryable=[Exception])[0] is NO


def test_a_class_of_groups_can_be_listed():
    """The user's own class of groups is the user's to judge; the category stays."""

    class Refusals(ExceptionGroup):
        pass

    error = Refusals("no", [TimeoutError()])

    assert Classifier(non_retryable=[Refusals]).classify(error) == Classification(
        NO, Category.TIMEOUT, None, "Refusals", "your class"
    )
    assert judged(error, non_retryable=[ShopError])[0] is YES


def test_a_rule_may_judge_a_group_as_a_whole():
    """It is asked about the group before its members."""
    park = Classification(NO, Category.ACCESS, source="mine")

    assert judged(group(TimeoutError()), rules=[lambda error: park])[2] == "mine"


def test_groups_of_the_backport_are_groups():
    """They are known by name, as the package is not imported."""
    parent = type("BaseExceptionGroup", (Exception,), {"__module__": "exceptiongroup._exceptions"})
    error = foreign("exceptiongroup", "ExceptionGroup", parent, exceptions=(BAD,))

    assert judged(error) == (NO, Category.INVALID_INPUT, "group")


def test_something_else_with_exceptions_is_no_group():
    """An attribute of that name decides nothing."""
    assert judged(foreign("shop", "Several", exceptions=(BAD,))) == (YES, Category.UNKNOWN, "unknown")


def test_a_group_that_wants_the_process_to_end_is_judged_like_any_other():
    """A BaseExceptionGroup is looked into, too."""
    assert judged(BaseExceptionGroup("end", [SystemExit(1), BAD])) == (YES, Category.CRASH, "group")


def test_a_group_that_is_too_large_or_too_deep_is_retryable():
    """What nobody looked at must not park the event."""
    deep = BAD
    for _ in range(20):
        deep = group(deep)

    assert judged(deep) == (YES, Category.UNKNOWN, "group")
    assert judged(group(*[BAD] * 1_001)) == (YES, Category.UNKNOWN, "unknown")
    assert judged(group(*[BAD] * 1_000))[0] is NO


MEMBERS = st.sampled_from([BAD, TimeoutError(), ValueError(), aws("SlowDown"), aws("AccessDenied"), SystemExit(1)])


@given(members=st.lists(MEMBERS, min_size=1, max_size=6))
def test_the_order_in_a_group_does_not_matter_to_the_verdict(members):
    """Neither does how deep they are."""
    verdicts = {
        Classifier().classify(BaseExceptionGroup("g", order)).verdict
        for order in (members, members[::-1], [BaseExceptionGroup("inner", members)])
    }

    assert verdicts == {YES if any(Classifier().classify(member).is_retryable for member in members) else NO}


# Causes


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (aws("SlowDown"), (YES, Category.THROTTLING, "cause")),
        (aws("ValidationException"), (NO, Category.INVALID_INPUT, "cause")),
        (TimeoutError(), (YES, Category.TIMEOUT, "cause")),
        (errors.NonRetryableError("no"), (NO, Category.UNKNOWN, "cause")),
        (group(BAD), (NO, Category.INVALID_INPUT, "cause")),
        (caused(RuntimeError(), BAD), (NO, Category.INVALID_INPUT, "cause")),
        (caused(OSError("x"), BAD), (NO, Category.INVALID_INPUT, "cause")),
        (KeyError("x"), (YES, Category.UNKNOWN, "unknown")),
        (caused(KeyError("x"), ValueError()), (YES, Category.UNKNOWN, "unknown")),
    ],
)
def test_an_error_that_says_nothing_is_judged_by_its_cause(cause, expected):
    """The first of the chain that says something decides, with its category and reason."""
    assert judged(caused(ShopError(), cause)) == expected


@pytest.mark.parametrize("error", [BAD, TimeoutError(), aws("AccessDenied"), SystemExit()])
def test_an_error_that_says_something_is_not_judged_by_its_cause(error):
    """A timeout while an answer was being read is a timeout, whatever came before."""
    alone = judged(error)

    assert judged(caused(error, aws("SlowDown"))) == alone


def test_an_error_with_nothing_to_say_keeps_its_own_name():
    """People look for the class that was raised."""
    assert Classifier().classify(caused(ShopError(), KeyError("x"))).reason == "ShopError"


def test_one_class_with_and_without_a_cause_has_two_verdicts():
    """What was seen first does not matter."""
    classifier = Classifier()
    verdicts = [
        classifier.classify(error).verdict
        for error in (ShopError(), caused(ShopError(), BAD), ShopError(), caused(ShopError(), TimeoutError()))
    ]

    assert verdicts == [YES, NO, YES, YES]


def test_what_the_user_says_holds_for_the_cause():
    """Classes, codes and rules judge it as if it had been raised; what they say of the error itself comes first."""
    park = Classification(NO, Category.ACCESS)

    assert judged(caused(ShopError(), KeyError()), non_retryable=[LookupError])[0] is NO
    assert judged(caused(ShopError(), aws("SlowDown")), non_retryable_codes=["SlowDown"])[0] is NO
    assert judged(caused(ShopError(), KeyError()), rules=[lambda e: park if isinstance(e, KeyError) else None])[0] is NO
    assert judged(caused(ShopError(), BAD), retryable=[ShopError]) == (YES, Category.UNKNOWN, "your class")


def test_what_is_merely_around_an_error_is_no_cause():
    """``__context__`` is what was being handled, and an error in a handler of errors is another error."""

    def handle():
        try:
            raise BAD
        except errors.InvalidRecordError:
            raise ShopError  # noqa: B904

    with pytest.raises(ShopError) as caught:
        handle()

    assert judged(caught.value) == (YES, Category.UNKNOWN, "unknown")


def test_a_circle_of_causes_ends():
    """Nothing forbids that an error causes itself."""
    first, second = ShopError(), KeyError()
    caused(first, caused(second, first))

    assert judged(first) == (YES, Category.UNKNOWN, "unknown")


def test_a_cause_that_is_too_deep_is_not_looked_for():
    """Eight links are followed."""

    def chain(length):
        error = BAD
        for _ in range(length):
            error = caused(ShopError(), error)
        return error

    assert judged(chain(8))[0] is NO
    assert judged(chain(9))[0] is YES
