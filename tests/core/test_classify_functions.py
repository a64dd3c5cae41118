"""Functions that were invoked and failed: the verdict by what ended them, and by the name of their error."""

from __future__ import annotations

import pytest

from resilient_lambda._core.classify import Classifier
from resilient_lambda._core.error_names import OF_RUNTIMES, OF_STEP_FUNCTIONS, judge_name
from resilient_lambda._core.model import Category, Classification, Verdict
from resilient_lambda.errors import FunctionError

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE


def judged(error, **options):
    found = Classifier(**options).classify(error)
    return found.verdict, found.category, found.reason, found.source


@pytest.mark.parametrize(
    ("kind", "category"),
    [("timeout", Category.TIMEOUT), ("out_of_memory", Category.CRASH), ("exit", Category.CRASH)],
)
def test_what_lambda_ended_is_retryable(kind, category):
    """A time limit, the memory or an exit may be another machine's next time, whatever the type says."""
    error = FunctionError("ValidationError", "x", kind=kind)

    assert judged(error) == (YES, category, kind, "function error")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NonRetryableError", (NO, Category.UNKNOWN)),
        ("MissingKeyError", (NO, Category.INVALID_INPUT)),
        ("InProgressError", (YES, Category.CONFLICT)),
        ("LeaseLostError", (YES, Category.CONFLICT)),
        ("ValidationError", (NO, Category.INVALID_INPUT)),
        ("JSONDecodeError", (NO, Category.INVALID_INPUT)),
        ("UnicodeDecodeError", (NO, Category.INVALID_INPUT)),
        ("ConnectionResetError", (YES, Category.TRANSIENT)),
        ("TimeoutError", (YES, Category.TIMEOUT)),
        ("ReadTimeoutError", (YES, Category.TIMEOUT)),
        ("ConnectTimeout", (YES, Category.TIMEOUT)),
        ("ProvisionedThroughputExceededException", (YES, Category.THROTTLING)),
        ("ConditionalCheckFailedException", (NO, Category.CONFLICT)),
        ("Function.ResponseSizeTooLarge", (NO, Category.INVALID_INPUT)),
        ("Runtime.ImportModuleError", (YES, Category.ACCESS)),
        ("ValueError", (YES, Category.UNKNOWN)),
        ("ClientError", (YES, Category.UNKNOWN)),
        ("ShopError", (YES, Category.UNKNOWN)),
        ("dict", (YES, Category.UNKNOWN)),
        ("print", (YES, Category.UNKNOWN)),
        ("annotations", (YES, Category.UNKNOWN)),
        ("Any", (YES, Category.UNKNOWN)),
    ],
)
def test_the_handlers_exception_is_judged_by_its_name(name, expected):
    """As if it had been raised here; a name that nobody knows is retryable."""
    assert judged(FunctionError(name, "x")) == (*expected, name, "function error")


def test_an_error_without_a_name_is_retryable():
    """A function may answer anything."""
    assert judged(FunctionError("", "x")) == (YES, Category.UNKNOWN, "FunctionError", "function error")


def test_the_type_of_the_error_can_be_listed_as_a_code():
    """It is all that is left of the class: no class can be listed for it."""
    options = {"non_retryable_codes": ["OrderRejected"], "retryable_codes": ["ValidationError"]}

    assert judged(FunctionError("OrderRejected", "x"), **options) == (
        NO,
        Category.UNKNOWN,
        "OrderRejected",
        "your code",
    )
    assert judged(FunctionError("ValidationError", "x"), **options)[0] is YES
    assert judged(FunctionError("x", "x"), non_retryable=[FunctionError])[0] is NO


def test_a_subclass_that_skips_our_constructor_is_judged():
    """Attributes that the user's subclass never set, or set to something else, count as not said."""

    class Quiet(FunctionError):
        def __init__(self):
            Exception.__init__(self)

    odd = Quiet()
    odd.kind, odd.type = ["timeout"], 7

    assert judged(Quiet())[:2] == (YES, Category.UNKNOWN)
    assert judged(odd, non_retryable_codes=["7"])[:2] == (YES, Category.UNKNOWN)


@pytest.mark.parametrize("name", sorted(OF_RUNTIMES))
def test_names_that_runtimes_give_are_known(name):
    """Lambda's own words for what is wrong with a function."""
    verdict, category = OF_RUNTIMES[name]

    assert judge_name(name) == Classification(verdict, category, None, name, "function error")


@pytest.mark.parametrize("name", sorted(OF_STEP_FUNCTIONS))
def test_names_that_step_functions_gives_are_known(name):
    """What a state of Step Functions catches beside names of exceptions."""
    verdict, category = OF_STEP_FUNCTIONS[name]

    assert judge_name(name) == Classification(verdict, category, None, name, "aws code")


@pytest.mark.parametrize("name", ["ShopError", "", "Error", "print", "annotations"])
def test_a_name_that_nobody_knows_has_no_verdict(name):
    """Not everything in a module is an error."""
    assert judge_name(name) is None
