"""`Retry` around functions: a decorator for `def` and `async def`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import logging
import sys
import unittest.mock
import weakref

import pytest

from resilient_lambda import (
    Backoff,
    Classifier,
    ConfigurationError,
    InProgressError,
    LeaseLostError,
    NonRetryableError,
    Retry,
    RetryableError,
    RetryBudget,
    batch_handler,
    current_attempt,
    resilient_handler,
)
from resilient_lambda.testing import in_memory

NOTES = pytest.mark.skipif(sys.version_info < (3, 11), reason="errors carry notes from Python 3.11 on")


@pytest.fixture
def call(paint):
    """Return a caller of what a `Retry` made of a function of one argument, in the colour under test."""

    def call(retry, function, argument=None):
        result = retry(paint(function))(argument)
        return asyncio.run(result) if inspect.isawaitable(result) else result

    return call


class Flaky:
    """
    A function that fails with one error after the other, and then returns "done".

    Attributes:
        numbers: What `current_attempt` said in each try.
    """

    def __init__(self, *errors):
        self.errors = list(errors)
        self.numbers = []

    def function(self):
        """Return the function of one argument."""

        def flaky(argument):
            self.numbers.append(current_attempt().number)
            if self.errors:
                raise self.errors.pop(0)
            return "done"

        return flaky


def test_what_succeeds_is_called_once(call, time):
    """There is no wait, and the result is the function's own."""
    flaky = Flaky()

    assert call(Retry(), flaky.function()) == "done"
    assert (flaky.numbers, time.slept_s) == ([1], [])


def test_what_fails_and_may_succeed_is_called_again(call, time):
    """After waits of its backoff; each try knows its number."""
    flaky = Flaky(TimeoutError(), ConnectionError())

    assert call(Retry(), flaky.function()) == "done"
    assert flaky.numbers == [1, 2, 3]
    assert 0 <= time.slept_s[0] < 2
    assert 0 <= time.slept_s[1] < 4


def test_behind_the_last_try_its_own_error_is_raised(call, time):
    """The very object, so that whoever catches it sees what he would see without a retry."""
    last = TimeoutError("third")

    with pytest.raises(TimeoutError) as caught:
        call(Retry(), Flaky(TimeoutError("first"), TimeoutError("second"), last).function())
    assert caught.value is last
    assert last.__context__ is None


@NOTES
def test_the_error_says_that_all_tries_are_used(call, time):
    """In a note, which tracebacks show."""
    with pytest.raises(TimeoutError) as caught:
        call(Retry(attempts=2), Flaky(*[TimeoutError()] * 2).function())

    assert caught.value.__notes__ == ["resilient_lambda: given up after try 2 of 2: all tries are used"]


@NOTES
def test_an_error_that_is_raised_again_and_again_has_one_note(call, time):
    """That of the last time; notes of others stay."""
    error = TimeoutError()
    error.add_note("mine")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            call(Retry(attempts=2), Flaky(error, error).function())

    assert [note.partition(":")[0] for note in error.__notes__] == ["mine", "resilient_lambda"]


@pytest.mark.parametrize(
    "error",
    [
        NonRetryableError("x"),
        InProgressError("x"),
        UnicodeDecodeError("utf-8", b"", 0, 1, "x"),
        LeaseLostError("x"),
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_try_cannot_help_is_raised_at_once(error, time):
    """Permanent errors, bounces of policies inside, and all that is no Exception; without a word."""
    flaky = Flaky(error)

    with pytest.raises(type(error)) as caught:
        Retry()(flaky.function())(None)
    assert (flaky.numbers, time.slept_s) == ([1], [])
    assert getattr(caught.value, "__notes__", []) == []


def test_a_failure_that_turns_permanent_ends_it(call, time):
    """The second error is one that another try cannot help."""
    flaky = Flaky(TimeoutError(), NonRetryableError("x"), TimeoutError())

    with pytest.raises(NonRetryableError):
        call(Retry(attempts=9), flaky.function())
    assert flaky.numbers == [1, 2]


def test_a_classifier_of_ones_own_decides(call, time):
    """Here an error that is permanent otherwise."""
    flaky = Flaky(NonRetryableError("x"))
    classifier = Classifier(retryable=[NonRetryableError])

    assert call(Retry(classifier=classifier), flaky.function()) == "done"


def test_nobody_comes_earlier_than_asked(call, time):
    """The wait that the error asks for, and the backoff on top of it."""
    call(Retry(), Flaky(RetryableError("x", retry_after_s=20)).function())

    assert 20 <= time.slept_s[0] < 22


def test_a_backoff_of_ones_own_is_kept(call, time):
    """Equal jitter with a base of 8 s waits between 4 and 8 s."""
    call(Retry(backoff=Backoff(base_s=8, cap_s=8, jitter="equal")), Flaky(TimeoutError()).function())

    assert 4 <= time.slept_s[0] < 8


def test_without_tokens_there_is_no_other_try(call, time):
    """Two tokens are two retries, whoever makes them; the third failure is raised at once."""
    retry = Retry(attempts=2, budget=2)
    flakies = [Flaky(TimeoutError(), TimeoutError()) for _ in range(3)]
    for flaky in flakies:
        with pytest.raises(TimeoutError):
            call(retry, flaky.function())

    assert [flaky.numbers for flaky in flakies] == [[1, 2], [1, 2], [1]]


def test_a_retry_that_helps_costs_nothing(call, time):
    """Its token comes back: single failures may be as many as they like."""
    retry = Retry(budget=1)
    for _ in range(5):
        assert call(retry, Flaky(TimeoutError()).function()) == "done"

    assert retry.budget.left == 1


def test_first_tries_that_succeed_earn_tokens(call, time):
    """Ten successes are worth one retry."""
    retry = Retry(attempts=2, budget=1)
    with pytest.raises(TimeoutError):
        call(retry, Flaky(*[TimeoutError()] * 2).function())
    for _ in range(11):
        call(retry, Flaky().function())

    assert call(retry, Flaky(TimeoutError()).function()) == "done"


def test_a_budget_can_be_shared(call, time):
    """What one has used up the other has not."""
    budget = RetryBudget(1)
    with pytest.raises(TimeoutError):
        call(Retry(attempts=2, budget=budget), Flaky(*[TimeoutError()] * 2).function())

    with pytest.raises(TimeoutError):
        call(Retry(budget=budget), Flaky(TimeoutError()).function())


def test_without_a_budget_there_is_no_limit(call, time):
    """Only ``attempts`` counts."""
    retry = Retry(attempts=100, budget=None)

    assert call(retry, Flaky(*[TimeoutError()] * 99).function()) == "done"


def test_in_memory_fills_every_budget(call, time):
    """What one test has used up is not missing in the next one."""
    retry = Retry(attempts=2, budget=1)
    with pytest.raises(TimeoutError):
        call(retry, Flaky(*[TimeoutError()] * 2).function())

    with in_memory():
        assert call(retry, Flaky(TimeoutError()).function()) == "done"


def test_inside_a_handler_no_wait_goes_beyond_the_deadline(paint, time):
    """Of 10 s one is kept for the end; a wait of 20 s is not begun."""
    flaky = Flaky(*[RetryableError("x", retry_after_s=20)] * 9)
    retried = Retry(attempts=9)(flaky.function())

    def function(event):
        return retried(event)

    with pytest.raises(RetryableError):
        resilient_handler(paint(function))({}, time.context(timeout_s=10))
    assert (flaky.numbers, time.slept_s) == ([1], [])


def test_what_is_given_up_is_told_without_its_data(call, time, caplog):
    """Log lines carry names, classes and numbers, never what the error says."""
    caplog.set_level(logging.INFO, "resilient_lambda")
    with pytest.raises(TimeoutError):
        call(Retry(attempts=2), Flaky(TimeoutError("secret"), TimeoutError("secret")).function())

    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in said] == ["INFO", "WARNING"]
    assert "failed with TimeoutError (timeout); try 2 of 2 in" in said[0][1]
    assert said[1][1].endswith("given up after try 2 of 2: all tries are used")
    assert "secret" not in str(said)


def test_a_retry_that_is_one_try_says_nothing(call, time, caplog):
    """Nobody expects another one."""
    with pytest.raises(TimeoutError):
        call(Retry(attempts=1), Flaky(TimeoutError()).function())

    assert caplog.records == []


def test_a_retry_inside_a_retry_counts_from_one(call, time):
    """On the second try of the outer one, the inner one begins with its own first."""
    inner = Flaky(*[TimeoutError()] * 3)
    outer = []

    def function(argument):
        outer.append(current_attempt().number)
        inside = Retry(attempts=2)(inner.function())
        found = inside(argument)
        outer.append(current_attempt().number)
        return found

    assert call(Retry(), function) == "done"
    assert (outer, inner.numbers) == ([1, 2, 2], [1, 2, 1, 2])


def test_an_async_retry_inside_a_retry_counts_from_one(time):
    """As for `def`, and the outer one's number is back behind it."""
    numbers = []

    @Retry()
    async def inner():
        numbers.append(current_attempt().number)

    @Retry()
    async def outer():
        await inner()
        numbers.append(current_attempt().number)
        if len(numbers) < 4:
            raise TimeoutError

    asyncio.run(outer())

    assert numbers == [1, 1, 1, 2]


def test_elsewhere_it_is_the_first_attempt():
    """Outside of handlers and retries nothing has failed yet."""
    assert current_attempt() == (1, 1, "", None)


def test_a_method_can_be_decorated(time):
    """It is bound as any function is."""

    class Client:
        tries = 0

        @Retry()
        def get(self, name, *, loud=False):
            """Get it."""
            self.tries += 1
            if self.tries < 2:
                raise TimeoutError
            return name, loud

    client = Client()

    assert client.get("a", loud=True) == ("a", True)
    assert (client.tries, Client.get.__doc__) == (2, "Get it.")


def test_a_partial_of_a_coroutine_function_is_awaited(time):
    """What a wrapper around it returns is no result yet: the body fails when it is awaited."""
    flaky = Flaky(TimeoutError())
    function = flaky.function()

    async def fetch(name):
        return function(name)

    retried = Retry()(functools.partial(fetch, "a"))

    assert asyncio.run(retried()) == "done"


def test_an_object_that_can_be_called_is_retried(time):
    """Its class gives the name in the log."""

    class Fetch:
        tries = 0

        def __call__(self):
            self.tries += 1
            if self.tries < 2:
                raise TimeoutError
            return "done"

    assert Retry()(Fetch())() == "done"


def test_a_coroutine_that_nobody_would_retry_is_refused(time):
    """A `def` that returns one has not failed yet, whatever comes of it."""

    async def fetch():
        raise TimeoutError

    def begin():
        return fetch()

    with pytest.raises(TypeError, match="returned coroutine, which Retry does not await: make it async def"):
        Retry()(begin)()


def test_an_awaitable_that_cannot_be_closed_is_refused_too(time):
    """A future, for example."""

    class Later:
        def __await__(self):
            yield

    def begin():
        return Later()

    with pytest.raises(TypeError, match="returned Later"):
        Retry()(begin)()


def generator():
    """Yield nothing of interest."""
    yield 1


async def async_generator():
    """Yield nothing of interest."""
    yield 1


@contextlib.contextmanager
def context():
    """Hold nothing."""
    yield


@contextlib.asynccontextmanager
async def async_context():
    """Hold nothing."""
    yield


@batch_handler
def handles_records(record):
    """Do nothing."""


@resilient_handler
def handles_events(event):
    """Do nothing."""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (generator, "generator is a generator"),
        (async_generator, "async_generator is a generator"),
        (context, "context is a generator"),
        (async_context, "async_context is a generator"),
        (staticmethod(len), "below @staticmethod"),
        (classmethod(generator), "below @staticmethod and @classmethod"),
        (Flaky, "is no function"),
        (5, "is no function"),
        (handles_records, "is a handler: give it policies"),
        (handles_events, "is a handler: give it policies"),
    ],
    ids=[
        "generator",
        "async generator",
        "context",
        "async context",
        "static",
        "class method",
        "class",
        "number",
        "batch handler",
        "handler",
    ],
)
def test_what_another_try_would_not_run_again_is_refused(function, message):
    """At import, with what to do instead."""
    with pytest.raises(ConfigurationError, match=message):
        Retry()(function)


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 2.5},
        {"attempts": True},
        {"backoff": 5},
        {"backoff": Backoff},
        {"classifier": TimeoutError},
        {"budget": 0},
        {"budget": 0.5},
        {"budget": "many"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(options):
    """At import of the user's module."""
    with pytest.raises(ConfigurationError):
        Retry(**options)


def test_operators_can_switch_it_off(monkeypatch, time):
    """Then the function is the function: one try, and not a wrapper more."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "retry")
    flaky = Flaky(TimeoutError())
    function = flaky.function()

    assert Retry()(function) is function


def test_switched_off_repeat_is_one_try(monkeypatch, time):
    """For clients of ours that retry by it."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "retry")
    tries = []

    async def once():
        tries.append(1)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(Retry().repeat(time, once))
    assert tries == [1]


def test_repeat_takes_a_verdict_and_a_time_of_its_own(time):
    """Its caller knows better which errors are worth it, and until when."""
    verdicts = Classifier(retryable=[NonRetryableError])
    errors = [NonRetryableError("x")]

    async def once():
        if errors:
            raise errors.pop()
        return "done"

    assert asyncio.run(Retry().repeat(time, once, classify=verdicts.classify)) == "done"
    assert asyncio.run(Retry().repeat(time, once)) == "done"
    errors.append(TimeoutError())
    with pytest.raises(TimeoutError):
        asyncio.run(Retry().repeat(time, once, until_s=time.now()))


def test_repeat_earns_as_a_decorator_does(time):
    """One budget for all that use it."""
    retry = Retry(budget=2)
    retry.budget.take()

    async def once():
        return "done"

    asyncio.run(retry.repeat(time, once))

    assert retry.budget.left == pytest.approx(1.1)


def test_a_cancellation_during_a_wait_goes_through():
    """In real time: the wait ends at once, the function is not run again, and the token is back."""
    retry = Retry(backoff=Backoff(base_s=1_000, cap_s=1_000, jitter="equal"), budget=1)
    flaky = Flaky(*[TimeoutError()] * 3)
    function = flaky.function()

    @retry
    async def fetch():
        function(None)

    async def cancelled():
        task = asyncio.create_task(fetch())
        while not retry.budget.missing:
            await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert (flaky.numbers, retry.budget.left) == ([1], 1)


def test_an_interrupt_during_a_wait_goes_through(time):
    """Ctrl-C means now, and gives back the token."""
    retry = Retry(budget=1)
    flaky = Flaky(*[TimeoutError()] * 3)

    async def interrupted(seconds):
        raise KeyboardInterrupt

    time.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        retry(flaky.function())(None)

    assert (flaky.numbers, retry.budget.left) == ([1], 1)


def test_errors_are_let_go_of_without_the_collector(time):
    """The frames of a retry do not keep what its errors hold."""

    class Big:
        pass

    class HeavyError(Exception):
        def __init__(self):
            super().__init__()
            self.big = Big()
            kept.append(weakref.ref(self.big))

    kept = []

    def heavy():
        raise HeavyError

    def run():
        with contextlib.suppress(HeavyError):
            Retry()(heavy)()

    gc.disable()
    try:
        run()

        assert [found() for found in kept] == [None, None, None]
    finally:
        gc.enable()


def test_a_retry_shows_its_settings():
    """As it is written."""
    retry = Retry(attempts=2, backoff=Backoff(base_s=1, cap_s=2), budget=None)

    assert repr(retry) == "Retry(attempts=2, backoff=Backoff(base_s=1, cap_s=2), budget=None)"


@pytest.mark.parametrize("kind", ["frozen", "odd notes"])
def test_an_error_that_takes_no_note_is_raised_as_it_is(kind, time):
    """Nothing of ours stands in its place."""

    class FrozenError(TimeoutError):
        def __setattr__(self, name, value):
            raise AttributeError(name)

        def add_note(self, note):
            raise AttributeError(note)

    error = FrozenError() if kind == "frozen" else TimeoutError()
    if kind == "odd notes":
        error.__notes__ = 5

    with pytest.raises(TimeoutError) as caught:
        Retry(attempts=2)(Flaky(error, error).function())(None)
    assert caught.value is error


def test_a_mock_can_be_retried(time):
    """It has every attribute that one asks it for, but is no handler."""
    function = unittest.mock.Mock(side_effect=[TimeoutError(), "done"])

    assert Retry()(function)("a") == "done"
    assert function.call_count == 2


def test_an_async_mock_can_be_retried(time):
    """As an `async def` would be."""
    function = unittest.mock.AsyncMock(side_effect=[TimeoutError(), "done"])

    assert asyncio.run(Retry()(function)("a")) == "done"


def test_with_the_deadline_switched_off_a_wait_still_ends_before_lambdas(monkeypatch, paint, time):
    """Sleeping into Lambda's end helps nobody."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "deadline")
    flaky = Flaky(RetryableError("x", retry_after_s=20))
    retried = Retry()(flaky.function())

    def function(event):
        return retried(event)

    with pytest.raises(RetryableError):
        resilient_handler(paint(function))({}, time.context(timeout_s=10))
    assert time.slept_s == []


def test_a_function_inside_a_context_manager_is_none(time):
    """What stands around a function is left as it is: each try enters it again."""
    flaky = Flaky(TimeoutError())

    @Retry()
    @context()
    def work():
        return flaky.function()(None)

    assert work() == "done"


def test_the_end_of_an_iterator_is_not_tried_again(time):
    """It will be there the next time, too."""
    rows = iter([])

    @Retry()
    def take():
        return next(rows)

    with pytest.raises(StopIteration):
        take()

    assert time.slept_s == []
