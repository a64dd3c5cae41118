"""What can be decorated: functions, methods, partials and callable objects of both colours, and what is refused."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections import deque

import pytest

from resilient_lambda import ConfigurationError, Idempotency, MemoryStore, Record, batch_handler, resilient_handler
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import NOTHING_FAILED, failed

EVENT = sqs_event(["1"])
DECORATORS = {"batch": batch_handler, "single": resilient_handler}
seen: list[object] = []


@pytest.fixture(autouse=True)
def _nothing_seen():
    seen.clear()


class Service:
    """Something with methods."""

    def method(self, record: Record):
        """Take a record."""
        seen.append((self, record))

    async def amethod(self, record: Record):
        """Take a record."""
        seen.append((self, record))

    @classmethod
    def classy(cls, record: Record):
        """Take a record."""
        seen.append((cls, record))

    @staticmethod
    def static(record: Record, context):
        """Take a record and the context."""
        seen.append((context, record))


class Callable:
    """An object that can be called."""

    def __call__(self, record: Record):
        """Take a record."""
        seen.append((self, record))


class AsyncCallable:
    """An object whose call is awaited."""

    async def __call__(self, record: Record, context):
        """Take a record and the context."""
        seen.append((context, record))


def three(tag, record: Record, other=None):
    """Take a record between others."""
    seen.append((tag, record))


async def athree(tag, record: Record, other=None):
    """Take a record between others."""
    seen.append((tag, record))


def anything(*values):
    """Take whatever comes."""
    seen.append(values)


FUNCTIONS = {
    "bound method": Service().method,
    "bound async method": Service().amethod,
    "class method": Service.classy,
    "static method": Service.static,
    "callable object": Callable(),
    "async callable object": AsyncCallable(),
    "partial": functools.partial(three, "tag"),
    "async partial": functools.partial(athree, "tag"),
    "partial of a partial": functools.partial(functools.partial(three), "tag"),
    "partial with a later name": functools.partial(three, "tag", other=5),
    "partial of a method": functools.partial(Service().method),
    "partial of an object": functools.partial(AsyncCallable()),
    "any arguments": anything,
    "lambda": lambda record: seen.append(("lambda", record)),
}


@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_what_is_callable_with_a_record_is_run(function, policies):
    """The body runs once per record, awaited where that is needed."""
    answer = batch_handler(policies=policies)(function)(sqs_event(["1"]), lambda_context())

    assert answer == NOTHING_FAILED
    assert len(seen) == 1


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_what_is_callable_with_an_event_is_run(function):
    """The same holds for single events."""
    resilient_handler(function)({"a": 1}, lambda_context())

    assert len(seen) == 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Service().method, "method"),
        (functools.partial(three, 1), "three"),
        (Callable(), "Callable"),
        (AsyncCallable(), "AsyncCallable"),
    ],
)
def test_the_entry_point_is_named_after_what_was_decorated(function, name):
    """Operators see the name in metrics and traces."""
    assert batch_handler(function).__name__ == name


def test_a_second_parameter_with_a_default_is_left_alone():
    """Only a parameter that is needed, or is called context, gets the context."""
    got = []

    def function(record, retries=3):
        got.append(retries)

    batch_handler(function)(EVENT, lambda_context())

    assert got == [3]


def test_a_context_with_a_default_is_given_the_context():
    """``context=None`` is how functions are made callable by hand."""
    got = []

    def function(record, context=None):
        got.append(context)

    context = lambda_context()
    batch_handler(function)(EVENT, context)

    assert got == [context]


def test_names_with_defaults_are_left_alone():
    """Keyword-only parameters with defaults are the function's own business."""
    got = []

    def function(record, *, dry=False, **more):
        got.append((dry, more))

    batch_handler(function)(EVENT, lambda_context())

    assert got == [(False, {})]


def generator(record):
    """Yield: the body would never run."""
    yield record


async def async_generator(record):
    """Yield: the body would never run."""
    yield record


def no_parameter():
    """Take nothing."""


def three_needed(a, b, c):
    """Need too much."""


def by_name(record, *, client):
    """Need something by name."""


class AsClass:
    """A class is no handler."""

    def __init__(self, record):
        self.record = record


REFUSED = {
    "generator": (generator, "generator"),
    "async generator": (async_generator, "generator"),
    "partial of a generator": (functools.partial(generator), "generator"),
    "no parameter": (no_parameter, "positional parameter"),
    "all parameters bound": (functools.partial(lambda record: None, 1), "positional parameter"),
    "only names": (lambda *, record: None, "positional parameter"),
    "three needed": (three_needed, "3 arguments"),
    "one needed by name": (by_name, "client"),
    "a name bound before the record": (functools.partial(lambda db, record: None, db=1), "db"),
    "class": (AsClass, "function"),
    "built-in class": (deque, "function"),
    "built-in": (print, "built in"),
    "built-in method": ([].append, "built in"),
    "number": (5, "function"),
    "text": ("handler", "function"),
    "classmethod object": (vars(Service)["classy"], "function"),
    "coroutine": (object(), "function"),
}


@pytest.mark.parametrize("decorate", DECORATORS.values(), ids=DECORATORS.keys())
@pytest.mark.parametrize(("function", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_a_handler_is_refused_at_import(decorate, function, says):
    """A clear error now instead of records that are acknowledged without a run."""
    with pytest.raises(ConfigurationError, match=says):
        decorate(function)
    with pytest.raises(ConfigurationError, match=says):
        decorate()(function)


def test_a_mock_is_answered_in_finite_time():
    """An object that has every attribute is accepted or refused, but looked at only so far."""
    code = """
from unittest.mock import MagicMock
from resilient_lambda import batch_handler
try:
    batch_handler(MagicMock())
except ValueError:
    pass
"""

    assert subprocess.run([sys.executable, "-c", code], timeout=10, check=False).returncode == 0


async def asynchronous(record):
    """Run only if awaited."""
    seen.append(record)


def synchronous(record):
    """Run at once."""
    seen.append(record)


def wrapped_in_sync(function):
    """Return what a decorator with a plain wrapper returns."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def wrapped_in_async(function):
    """Return what a decorator that makes functions awaitable returns."""

    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def hidden_in_sync(function):
    """Return a wrapper that says nothing of what it wraps."""

    def wrapper(record):
        return function(record)

    return wrapper


WRAPPERS = {
    "plain around sync": wrapped_in_sync(synchronous),
    "plain around async": wrapped_in_sync(asynchronous),
    "async around sync": wrapped_in_async(synchronous),
    "hidden around sync": hidden_in_sync(synchronous),
}


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
@pytest.mark.parametrize("function", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_a_decorator_below_does_not_keep_the_body_from_running(function, policies):
    """Whatever the colours of wrapper and function, an acknowledged record has run."""
    answer = batch_handler(policies=policies)(function)(sqs_event(["1"]), lambda_context())

    assert answer == NOTHING_FAILED
    assert len(seen) == 1


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("policies", [[], [Idempotency(MemoryStore())]], ids=["plain", "with idempotency"])
def test_a_coroutine_that_nobody_awaits_is_no_success(policies):
    """A plain function that returns a coroutine has done nothing yet: the record must come again."""
    handler = batch_handler(policies=policies)(hidden_in_sync(asynchronous))

    assert len(failed(handler(sqs_event(["1"]), lambda_context()))) == 1


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
def test_a_coroutine_of_a_single_event_that_nobody_awaits_is_an_error():
    """It must not be returned as if it were the result."""
    with pytest.raises(Exception, match="async"):
        resilient_handler(hidden_in_sync(asynchronous))({"a": 1}, lambda_context())


def test_a_wrapper_that_passes_more_than_it_takes_is_called_with_what_it_takes():
    """A decorator that injects an argument hides that parameter from us."""

    def with_database(function):
        @functools.wraps(function)
        def wrapper(record):
            return function(record, "database")

        return wrapper

    @batch_handler
    @with_database
    def handler(record, database):
        seen.append(database)

    assert handler(EVENT, lambda_context()) == NOTHING_FAILED
    assert seen == ["database"]


def test_stop_iteration_is_a_failure_like_any_other(paint):
    """``next()`` of an empty iterator in user code fails the record, with and without policies."""

    def function(record):
        next(iter(()))

    for policies in ([], [Idempotency(MemoryStore())]):
        answer = batch_handler(policies=policies)(paint(function))(sqs_event(["1"]), lambda_context())
        assert len(failed(answer)) == 1
