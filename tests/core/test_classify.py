"""The verdict on an error, and what is said of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import json
import logging
import math
import os
import socket
import ssl
import subprocess
import sys

import botocore.exceptions as boto
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import errors
from resilient_lambda._core.classify import Classifier, describe
from resilient_lambda._core.model import Category, Classification, Verdict

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE
PARK = Classification(NO, Category.INVALID_INPUT, reason="mine", source="rule")


class Order(pydantic.BaseModel):
    total: int
    lines: list[int] = []
    prices: dict[int, int] = {}
    names: dict[int | bool, int] = {}


def raised(function, *arguments):
    """Return what *function* raises."""
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def foreign(module, name, parent=Exception, **attributes):
    """Return an instance of a class that says it comes from *module*, as one of a package that is not installed."""
    kind = type(name, (parent,), {"__module__": module})
    error = kind("text of it")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def aws(code, **response):
    return boto.ClientError({"Error": {"Code": code, "Message": "m"}, **response}, "PutItem")


def judged(error, **options):
    found = Classifier(**options).classify(error)
    return found.verdict, found.category


INVALID = raised(Order.model_validate, {"total": "many"})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.RetryableError("x"), (YES, Category.TRANSIENT)),
        (errors.NonRetryableError("x"), (NO, Category.UNKNOWN)),
        (errors.InvalidRecordError("x"), (NO, Category.INVALID_INPUT)),
        (errors.MissingKeyError("x"), (NO, Category.INVALID_INPUT)),
        (errors.FingerprintMismatchError("x"), (NO, Category.CONFLICT)),
        (errors.RememberedFailureError("x", error_type="E", parked=None), (NO, Category.UNKNOWN)),
        (errors.CrashLoopError("x"), (NO, Category.CRASH)),
        (errors.NotRunError("x"), (YES, Category.TRANSIENT)),
        (errors.InProgressError("x"), (YES, Category.CONFLICT)),
        (errors.DeadlineExceededError("x"), (YES, Category.TIMEOUT)),
        (errors.StoreError("x"), (YES, Category.ACCESS)),
        (errors.ItemFormatError("x"), (YES, Category.ACCESS)),
        (errors.StoreUnavailableError("x"), (YES, Category.TRANSIENT)),
        (errors.SinkError("x"), (YES, Category.TRANSIENT)),
        (errors.SinkError("x", is_permanent=True), (YES, Category.ACCESS)),
        (errors.ConfigurationError("x"), (YES, Category.ACCESS)),
        (errors.UnknownEventError("x"), (YES, Category.UNKNOWN)),
        (errors.BatchFailedError("x"), (YES, Category.UNKNOWN)),
        (errors.LeaseLostError("x"), (YES, Category.CONFLICT)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_this_library(error, expected):
    """Only what another run cannot change is permanent; what did not run, or waits for an operator, comes back."""
    assert judged(error) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), (YES, Category.TIMEOUT)),
        (asyncio.TimeoutError(), (YES, Category.TIMEOUT)),
        (concurrent.futures.TimeoutError(), (YES, Category.TIMEOUT)),
        (foreign("asyncio.exceptions", "TimeoutError"), (YES, Category.TIMEOUT)),
        (foreign("concurrent.futures._base", "TimeoutError"), (YES, Category.TIMEOUT)),
        (socket.timeout("timed out"), (YES, Category.TIMEOUT)),  # noqa: UP041
        (OSError(errno.ETIMEDOUT, "x"), (YES, Category.TIMEOUT)),
        (ConnectionRefusedError(), (YES, Category.TRANSIENT)),
        (ConnectionResetError(), (YES, Category.TRANSIENT)),
        (BrokenPipeError(), (YES, Category.TRANSIENT)),
        (OSError(errno.ENETUNREACH, "x"), (YES, Category.TRANSIENT)),
        (OSError(errno.EHOSTUNREACH, "x"), (YES, Category.TRANSIENT)),
        (socket.gaierror(socket.EAI_AGAIN, "x"), (YES, Category.TRANSIENT)),
        (ssl.SSLError("x"), (YES, Category.TRANSIENT)),
        (FileNotFoundError(errno.ENOENT, "x"), (YES, Category.UNKNOWN)),
        (OSError("x"), (YES, Category.UNKNOWN)),
        (MemoryError(), (YES, Category.CRASH)),
        (SystemExit(1), (YES, Category.CRASH)),
        (json.JSONDecodeError("x", "doc", 0), (NO, Category.INVALID_INPUT)),
        (raised(b"\xff".decode), (NO, Category.INVALID_INPUT)),
        (INVALID, (NO, Category.INVALID_INPUT)),
        (foreign("pydantic.error_wrappers", "ValidationError"), (NO, Category.INVALID_INPUT)),
        (foreign("jsonschema.exceptions", "ValidationError"), (NO, Category.INVALID_INPUT)),
        (foreign("fastjsonschema.exceptions", "JsonSchemaValueException"), (NO, Category.INVALID_INPUT)),
        (
            foreign("aws_lambda_powertools.utilities.validation.exceptions", "SchemaValidationError"),
            (NO, Category.INVALID_INPUT),
        ),
        (foreign("shop.errors", "ValidationError"), (YES, Category.UNKNOWN)),
        (ValueError("x"), (YES, Category.UNKNOWN)),
        (KeyError("x"), (YES, Category.UNKNOWN)),
        (RecursionError("x"), (YES, Category.UNKNOWN)),
        (KeyboardInterrupt(), (YES, Category.UNKNOWN)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_python_and_of_known_packages(error, expected):
    """Broken data is permanent, network and time pass, and anything unknown is retryable."""
    assert judged(error) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (boto.EndpointConnectionError(endpoint_url="u"), (YES, Category.TRANSIENT)),
        (boto.ConnectTimeoutError(endpoint_url="u"), (YES, Category.TIMEOUT)),
        (boto.ReadTimeoutError(endpoint_url="u"), (YES, Category.TIMEOUT)),
        (boto.ConnectionClosedError(endpoint_url="u"), (YES, Category.TRANSIENT)),
        (boto.HTTPClientError(error="x"), (YES, Category.TRANSIENT)),
        (boto.SSLError(endpoint_url="u", error="x"), (YES, Category.TRANSIENT)),
        (boto.NoCredentialsError(), (YES, Category.ACCESS)),
        (boto.NoRegionError(), (YES, Category.ACCESS)),
        (boto.InvalidRegionError(region_name="r"), (YES, Category.ACCESS)),
        (boto.ParamValidationError(report="r"), (NO, Category.INVALID_INPUT)),
        (boto.WaiterError(name="n", reason="r", last_response={}), (YES, Category.UNKNOWN)),
        (aws("ThrottlingException"), (YES, Category.THROTTLING)),
        (aws("ConditionalCheckFailedException"), (NO, Category.CONFLICT)),
        (aws("BrandNew", ResponseMetadata={"HTTPStatusCode": 503}), (YES, Category.TRANSIENT)),
        (boto.ClientError({}, "PutItem"), (YES, Category.UNKNOWN)),
        (foreign("shop", "Wrapped", response={"Error": {"Code": "SlowDown"}}), (YES, Category.THROTTLING)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_botocore(error, expected):
    """Answers by their code, others by their class; an operator's fault is retryable because the event is innocent."""
    assert judged(error) == expected


def test_a_retryable_error_stays_retryable_whatever_else_it_is():
    """A user's class that is both a timeout of data and ours is what its author said with ours."""

    class Undecided(errors.RetryableError, LookupError):
        pass

    class BusyAnswer(json.JSONDecodeError, errors.RetryableError):
        def __init__(self):
            Exception.__init__(self, "busy")

    answered = errors.RetryableError("x")
    answered.response = {"Error": {"Code": "ValidationException"}}

    assert judged(answered) == (YES, Category.TRANSIENT)
    assert judged(Undecided()) == (YES, Category.TRANSIENT)
    assert judged(BusyAnswer()) == (YES, Category.TRANSIENT)


@pytest.mark.parametrize("kind", [errors.RetryableError, errors.NotRunError, errors.InProgressError])
@pytest.mark.parametrize(
    ("asked", "expected_s"),
    [(None, None), (0, 0.0), (12.5, 12.5), (-1, None), (math.nan, None), (math.inf, None), ("soon", None)],
)
def test_the_wait_of_our_errors_is_passed_on(kind, asked, expected_s):
    """Each instance has its own wait; garbage counts as none."""
    classifier = Classifier()
    classifier.classify(kind("x", retry_after_s=99))

    assert classifier.classify(kind("x", retry_after_s=asked)).retry_after_s == expected_s


def test_the_reason_names_what_decided():
    """People see a code, a class or an errno."""
    reasons = [
        Classifier().classify(error).reason
        for error in (aws("SlowDown"), ConnectionResetError(), OSError(errno.ENETUNREACH, "x"), ValueError())
    ]

    assert reasons == ["SlowDown", "ConnectionError", "ENETUNREACH", "ValueError"]


def test_the_verdict_on_a_class_does_not_depend_on_what_was_seen_before():
    """An instance that carries an answer of AWS is judged by it although its class was seen without one."""

    class Failed(Exception):
        pass

    classifier = Classifier()
    plain, answered = Failed(), Failed()
    answered.response = {"Error": {"Code": "ValidationException"}}
    before = classifier.classify(plain).verdict
    with_answer = classifier.classify(answered).verdict

    assert (before, with_answer, classifier.classify(plain).verdict) == (YES, NO, YES)


def test_the_answer_of_an_http_client_does_not_hide_the_class():
    """A ``response`` that is no answer of AWS leaves the verdict to the class."""
    error = TimeoutError()
    error.response = object()

    assert judged(error) == (YES, Category.TIMEOUT)


def test_a_type_is_judged_once():
    """The hot path: errors of one class share one verdict object."""
    classifier = Classifier()

    assert classifier.classify(ValueError("a")) is classifier.classify(ValueError("b"))


def test_classes_made_at_run_time_are_judged_and_not_hoarded():
    """After a thousand classes the verdict is still right and most of the classes are free again."""
    import gc
    import weakref

    classifier = Classifier()
    kinds = weakref.WeakSet()
    for _ in range(1_000):
        kind = type("Made", (ConnectionError,), {})
        kinds.add(kind)
        assert classifier.classify(kind()).category is Category.TRANSIENT
    gc.collect()

    assert len(kinds) < 300


# What the user says


def test_the_first_rule_that_answers_wins_over_everything():
    """Rules are asked in order, before classes, codes and our own table."""
    other = Classification(YES, Category.CONFLICT, source="our own word")
    rules = [lambda error: None, lambda error: PARK if isinstance(error, TimeoutError) else None, lambda error: other]

    assert Classifier(rules=rules, retryable=[TimeoutError]).classify(TimeoutError()) == PARK
    assert Classifier(rules=rules).classify(ValueError()) == other


def test_what_no_rule_answers_goes_on_to_the_next_stage():
    """None means: not mine; cached classes too are offered to the rules each time."""
    seen = []
    classifier = Classifier(rules=[seen.append], non_retryable=[ValueError])
    verdicts = {classifier.classify(ValueError()).verdict for _ in range(3)}

    assert verdicts == {NO}
    assert len(seen) == 3


@pytest.mark.parametrize(
    "error", [errors.InProgressError("x"), errors.DeadlineExceededError("x"), errors.LeaseLostError()]
)
def test_rules_are_not_asked_about_what_was_not_run(error):
    """A rule that parks everything must not park an event that never had its turn."""
    assert Classifier(rules=[lambda error: PARK]).classify(error).verdict is YES


def broken_rule(error):
    raise KeyError("secret payload")


def wrong_rule(error):
    return "secret payload"


class RuleObject:
    def __call__(self, error):
        return True


@pytest.mark.parametrize(
    ("rule", "what"),
    [(broken_rule, "broken_rule raised KeyError"), (wrong_rule, "wrong_rule returned str"), (RuleObject(), "bool")],
)
def test_a_broken_rule_is_passed_over_with_one_warning(rule, what, caplog):
    """It neither loses nor parks an event, and is named once, without the payload."""
    classifier = Classifier(rules=[rule, lambda error: PARK])
    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        found = [classifier.classify(ValueError()) for _ in range(3)]

    assert found == [PARK] * 3
    assert len(caplog.messages) == 1
    assert what in caplog.messages[0]
    assert "secret" not in caplog.messages[0]


@pytest.mark.parametrize(("wait_s", "expected_s"), [(5.0, 5.0), (-1.0, None), (math.nan, None)])
def test_the_wait_of_a_rule_is_finite_and_not_negative(wait_s, expected_s):
    """A wait that cannot be is dropped; the verdict stays."""
    rule = lambda error: Classification(YES, Category.THROTTLING, wait_s)  # noqa: E731
    found = Classifier(rules=[rule]).classify(ValueError())

    assert found == Classification(YES, Category.THROTTLING, expected_s, source="rule")


def test_the_more_specific_class_wins():
    """As in an inheritance tree drawn by hand, not as in the order of the options."""
    options = {"retryable": [OSError], "non_retryable": [FileNotFoundError, Exception]}

    assert judged(FileNotFoundError(), **options)[0] is NO
    assert judged(PermissionError(), **options)[0] is YES
    assert judged(ValueError(), **options)[0] is NO


def test_a_class_that_is_not_listed_keeps_its_verdict():
    """Listing some classes says nothing of the others."""
    assert judged(INVALID, retryable=[OSError]) == (NO, Category.INVALID_INPUT)


@pytest.mark.parametrize(
    "error",
    [
        errors.RetryableError("x"),
        errors.InProgressError("x"),
        errors.StoreUnavailableError("x"),
        errors.SinkError("x"),
        errors.LeaseLostError("x"),
    ],
)
def test_a_broad_class_does_not_reach_our_own_errors(error):
    """``non_retryable=[Exception]`` parks failures of the function, not what never ran or was raised to be retried."""
    assert judged(error, non_retryable=[Exception])[0] is YES


def test_classes_and_codes_change_the_verdict_and_not_the_category():
    """A breaker still sees that a parked timeout is a timeout."""
    assert judged(TimeoutError(), non_retryable=[TimeoutError]) == (NO, Category.TIMEOUT)
    assert judged(aws("AccessDeniedException"), retryable_codes=["AccessDeniedException"]) == (YES, Category.ACCESS)
    assert judged(aws("SlowDown"), non_retryable_codes=["SlowDown"]) == (NO, Category.THROTTLING)
    assert judged(aws("SlowDown"), non_retryable_codes=["Other"]) == (YES, Category.THROTTLING)


def test_classes_come_before_codes():
    """The user's class decides although the user's code says otherwise."""
    options = {"retryable": [boto.ClientError], "non_retryable_codes": ["SlowDown"]}

    assert judged(aws("SlowDown"), **options)[0] is YES


def test_a_listed_class_keeps_the_wait_only_if_it_is_retried():
    """The wait that the service asked for makes no sense for what is set aside."""
    error = aws("SlowDown", retryAfterSeconds="9")

    assert Classifier(retryable=[boto.ClientError]).classify(error) == (
        YES,
        Category.THROTTLING,
        9.0,
        "ClientError",
        "your class",
    )
    assert Classifier(non_retryable_codes=["SlowDown"]).classify(error).retry_after_s is None


def test_a_subclass_of_ours_can_be_listed():
    """A user's own subclass of RetryableError is the user's to judge."""

    class Rejected(errors.RetryableError):
        pass

    assert judged(Rejected(), non_retryable=[Rejected])[0] is NO


async def async_rule(error):
    return None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": broken_rule}, "rules=.*broken_rule.* is not a collection"),
        ({"rules": [3]}, "rules: 3 cannot be called"),
        ({"rules": [ValueError]}, "rules: .*ValueError.* is an exception class"),
        ({"rules": [async_rule]}, "rules: .*async_rule.* is an async function"),
        ({"retryable": ValueError}, "retryable=.*ValueError.* is not a collection"),
        ({"retryable": None}, "retryable=None is not a collection"),
        ({"retryable": [ValueError("x")]}, r"retryable: ValueError\('x'\) is an instance; give the class ValueError"),
        ({"non_retryable": [int]}, "non_retryable: <class 'int'> is not a subclass of Exception"),
        ({"non_retryable": ["ValueError"]}, "non_retryable: 'ValueError' is not a subclass"),
        ({"non_retryable": [KeyboardInterrupt]}, "is not a subclass of Exception"),
        ({"non_retryable": [errors.InProgressError]}, "has not had its turn"),
        ({"non_retryable": [errors.StoreUnavailableError]}, "has not had its turn"),
        ({"retryable": [OSError], "non_retryable": [OSError]}, "non_retryable: .*OSError.* is in retryable too"),
        ({"retryable_codes": "SlowDown"}, "retryable_codes='SlowDown' is not a collection"),
        ({"non_retryable_codes": [404]}, "non_retryable_codes: 404 is not an error code"),
        ({"non_retryable_codes": [""]}, "non_retryable_codes: '' is not an error code"),
        (
            {"retryable_codes": ["X"], "non_retryable_codes": ["X"]},
            "non_retryable_codes: 'X' is in retryable_codes too",
        ),
    ],
)
def test_a_wrong_option_is_refused_with_its_value(options, message):
    """The message names the option, the value and what is wrong with it."""
    with pytest.raises(errors.ConfigurationError, match=message):
        Classifier(**options)


# Whatever comes

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
RESPONSES = JUNK | st.fixed_dictionaries(
    {"Error": JUNK | st.fixed_dictionaries({"Code": JUNK})},
    optional={"ResponseMetadata": JUNK, "CancellationReasons": JUNK, "retryAfterSeconds": JUNK},
)


@given(
    response=RESPONSES,
    kind=st.sampled_from([Exception, ValueError, OSError, errors.RetryableError, KeyboardInterrupt]),
)
def test_any_response_attribute_gets_a_verdict(response, kind):
    """Whatever hangs on an exception, there is a verdict, and a wait that is None or finite and not negative."""
    error = type("Failed", (kind,), {})("x")
    error.response = response
    found = Classifier(non_retryable_codes=["X"]).classify(error)

    assert isinstance(found, Classification)
    assert found.retry_after_s is None or 0 <= found.retry_after_s < math.inf


class Explosive(Exception):
    @property
    def response(self):
        raise RuntimeError("secret payload")


def test_an_error_that_cannot_be_looked_at_is_retryable(caplog):
    """A property that raises is logged by type and costs no event."""
    with caplog.at_level(logging.WARNING, logger="resilient_lambda"):
        found = Classifier().classify(Explosive())

    assert (found.verdict, found.category, found.reason) == (YES, Category.UNKNOWN, "Explosive")
    assert caplog.messages == ["Explosive cannot be classified (RuntimeError); it is retryable"]


def test_a_subclass_that_skips_our_constructor_is_judged():
    """Attributes that the user's subclass never set count as not said."""

    class Quiet(errors.RetryableError):
        def __init__(self):
            Exception.__init__(self)

    class QuietSink(errors.SinkError):
        def __init__(self):
            Exception.__init__(self)

    assert Classifier().classify(Quiet()) == (YES, Category.TRANSIENT, None, "RetryableError", "library")
    assert judged(QuietSink()) == (YES, Category.TRANSIENT)


def test_classifying_imports_no_sdk_and_no_event_loop():
    """In a fresh process, the module and ordinary verdicts load none of the heavy packages."""
    program = """
import sys
from resilient_lambda import errors
from resilient_lambda._core.classify import Classifier, describe
caused = KeyError("x")
caused.__cause__ = TimeoutError()
for error in (ValueError("x"), errors.RetryableError("x"), caused):
    Classifier().classify(error)
    describe(error)
heavy = ("botocore", "boto3", "pydantic", "asyncio", "inspect", "dataclasses", "logging", "json")
ours = [f"resilient_lambda._core.{name}" for name in ("aws_codes", "aws_errors", "error_names", "http_errors")]
print([name for name in (*heavy, *ours) if name in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=os.getcwd()
    )

    assert result.stdout.strip() == "[]"


# What is said of an error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("total must be positive"), "total must be positive"),
        (ValueError(), "ValueError"),
        (INVALID, "invalid data: total: int_parsing"),
        (raised(Order.model_validate, [1]), "invalid data: (body): model_type"),
        (raised(Order.model_validate, {"total": 1, "lines": [1, "x"]}), "invalid data: lines.1: int_parsing"),
        (raised(Order.model_validate, {"total": 1, "prices": {"ann": 1}}), "invalid data: prices.*.[key]: int_parsing"),
        (
            raised(Order.model_validate, {"total": 1, "names": {"ann": 1}}),
            "invalid data: names.*.[key].int: int_parsing; names.*.[key].bool: bool_parsing",
        ),
        (raised(json.loads, '{"card":\n 4111'), "not JSON at line 2, column 6"),
        (raised(b"ok\xff".decode), "utf-8 text is broken at position 2: invalid start byte"),
        (raised("\ud800secret".encode), "utf-8 text is broken at position 0: surrogates not allowed"),
        (boto.NoCredentialsError(), "Unable to locate credentials"),
    ],
)
def test_an_error_is_described(error, expected):
    """Errors of data by place and kind, all others by their own text."""
    assert describe(error) == expected


def test_many_entries_are_counted():
    """Five are shown, the rest is a number."""
    text = describe(raised(Order.model_validate, {"total": 1, "lines": ["x"] * 8}))

    assert text.count("int_parsing") == 5
    assert text.endswith("; and 3 more")


def test_an_extra_field_is_not_named():
    """The name of a field that the model does not know is the sender's text."""

    class Strict(pydantic.BaseModel, extra="forbid"):
        total: int

    assert describe(raised(Strict.model_validate, {"total": 1, "secret": 2})) == "invalid data: *: extra_forbidden"


def test_a_place_that_looks_like_no_field_is_hidden():
    """Keys of a mapping are data: an address is not printed."""
    prices = pydantic.TypeAdapter(dict[str, int])

    assert describe(raised(prices.validate_python, {"ann@example.com": "x"})) == "invalid data: *: int_parsing"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            foreign("pydantic.error_wrappers", "ValidationError", errors=lambda: [{"loc": ("a",), "type": "int"}]),
            "invalid data: a: int",
        ),
        (
            foreign("jsonschema.exceptions", "ValidationError", absolute_path=["a", 0], validator="maximum"),
            "invalid data: a.0: maximum",
        ),
        (
            foreign("fastjsonschema.exceptions", "JsonSchemaValueException", path=["data", "a"], rule="maximum"),
            "invalid data: data.a: maximum",
        ),
        (
            foreign("aws_lambda_powertools.x", "SchemaValidationError", path=["data"], rule="required"),
            "invalid data: data: required",
        ),
    ],
)
def test_validators_of_other_packages_are_described_by_place_and_rule(error, expected):
    """None of their own texts is used, because those quote the data."""
    assert describe(error) == expected


def test_the_parameters_of_an_aws_call_are_not_quoted():
    """botocore's text would contain the value."""
    error = boto.ParamValidationError(report="Invalid type for parameter Key, value: secret, type: str")

    assert "secret" not in describe(error)
    assert "parameters" in describe(error)


def test_a_long_text_is_cut():
    """At a thousand characters, with dots to say so."""
    exact, cut = describe(ValueError("x" * 1_000)), describe(ValueError("x" * 1_001))

    assert exact == "x" * 1_000
    assert cut == "x" * 997 + "..."


class Silent(Exception):
    def __str__(self):
        raise RuntimeError("secret payload")


@pytest.mark.parametrize(
    "error", [Silent(), foreign("jsonschema", "ValidationError"), foreign("json", "JSONDecodeError")]
)
def test_an_error_whose_text_cannot_be_made_is_named(error):
    """describe() raises nothing and falls back to the class, never to the text of the second error."""
    text = describe(error)

    assert text.startswith(type(error).__name__)
    assert "secret" not in text
    assert "text of it" not in text


SECRETS = st.text(st.characters(categories=["L", "N", "P"]), min_size=12)


@given(secret=SECRETS)
def test_a_description_never_contains_the_input(secret):
    """Wherever a wrong value stands, it is not in the text."""
    marked = f"<{secret}>"
    events = [
        {"total": marked},
        {"total": 1, "lines": [marked]},
        {"total": 1, "lines": marked},
        {"total": 1, "prices": {marked: 1}},
        {"total": 1, "prices": {1: marked}},
        {"total": 1, "names": {marked: 1}},
        marked,
    ]
    texts = [describe(raised(Order.model_validate, event)) for event in events]

    assert not [text for text in texts if secret in text]
