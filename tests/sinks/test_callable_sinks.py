"""`DeadLetter(function)`: that it returns, confirms; anything else keeps the record."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest

from resilient_lambda import ConfigurationError, DeadLetter, NonRetryableError, Record, batch_handler
from resilient_lambda.events import DeadLettered, SinkRejected
from resilient_lambda.testing import lambda_context, sqs_event, sqs_record
from tests.handlers.answers import failed
from tests.handlers.colours import COLOURS


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def park(request):
    """Set records aside with a sink; return the ids that come again and the events."""

    def park(sink, *, count=1, context=None):
        def function(record):
            raise NonRetryableError("poison")

        seen = []
        handler = batch_handler(dead_letter=DeadLetter(sink), observers=[seen.append])(request.param(function))
        event = sqs_event(sqs_record("1", message_id=f"m{number}") for number in range(count))
        return failed(handler(event, context or lambda_context())), seen

    return park


@pytest.mark.parametrize(
    ("returned", "confirmation"),
    [(None, "confirmed"), ("id-1", "id-1"), ("", "confirmed"), (5, "confirmed"), (False, "confirmed")],
)
def test_returning_confirms(park, returned, confirmation):
    """A text is kept as the confirmation; nothing else means anything."""
    names, seen = park(lambda record, error: returned)

    assert names == []
    assert seen[0] == DeadLettered("m0", "NonRetryableError", confirmation)


@pytest.mark.parametrize("error", [OSError("down"), ValueError("x"), KeyError("k"), TimeoutError()], ids=repr)
def test_raising_keeps_the_record(park, error):
    """Whatever it raises: the record comes again, and the error's class is told."""

    def sink(record, cause):
        raise error

    names, seen = park(sink)

    assert names == ["m0"]
    assert isinstance(seen[0], SinkRejected)


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_an_exhausted_iterator_in_a_sink_keeps_the_record(colour):
    """``next()`` without a default raises what no future can hold: it must not hang the handler, in no colour."""
    code = f"""
from resilient_lambda import DeadLetter, NonRetryableError, batch_handler
from resilient_lambda.testing import lambda_context, sqs_event

def sink(record, error):
    next(iter(()))

@batch_handler(dead_letter=DeadLetter(sink))
{colour} handler(record):
    raise NonRetryableError("x")

print(len(handler(sqs_event(["1"]), lambda_context())["batchItemFailures"]))
"""

    done = subprocess.run([sys.executable, "-c", code], timeout=20, capture_output=True, text=True, check=True)

    assert done.stdout == "1\n"


def test_a_sink_gets_the_record_and_the_error(park):
    """The record with its body and id, and what the function raised."""
    got = []

    def sink(record, error):
        got.append((record, error))

    park(sink)
    ((record, error),) = got

    assert isinstance(record, Record)
    assert (record.id, record.body) == ("m0", "1")
    assert isinstance(error, NonRetryableError)
    assert str(error) == "poison"


def test_a_sink_of_the_wrong_shape_keeps_the_records(park):
    """A function that does not take two arguments fails for each record and loses none."""
    names, _ = park(lambda record: None, count=2)

    assert names == ["m0", "m1"]


class Sink:
    """Sinks of other shapes."""

    def __init__(self):
        self.got = []

    def __call__(self, record, error):
        """Take a letter."""
        self.got.append(record.id)

    def method(self, record, error):
        """Take a letter."""
        self.got.append(record.id)

    def tagged(self, tag, record, error):
        """Take a letter."""
        self.got.append(record.id)


@pytest.mark.parametrize(
    "shape", [lambda sink: sink, lambda sink: sink.method, lambda sink: functools.partial(sink.tagged, "t")]
)
def test_methods_objects_and_partials_are_sinks(park, shape):
    """Anything that takes a record and an error."""
    sink = Sink()
    names, _ = park(shape(sink))

    assert (names, sink.got) == ([], ["m0"])


@pytest.mark.parametrize("name", ["function", "object", "method"])
def test_an_asynchronous_sink_in_a_synchronous_handler_is_refused(name):
    """It would never run; found at import."""

    class Async:
        async def __call__(self, record, error): ...

        async def method(self, record, error): ...

    async def function(record, error): ...

    sink = {"function": function, "object": Async(), "method": Async().method}[name]

    with pytest.raises(ConfigurationError, match="async"):
        batch_handler(dead_letter=DeadLetter(sink))(lambda record: None)


def test_letters_that_do_not_fit_before_the_deadline_come_again(time, park):
    """Each letter takes 2 s: after the end of the invocation none is begun."""
    began = []

    def slow(record, error):
        began.append(record.id)
        time.advance(2)

    ends_at_s = time.now() + 5
    names, _ = park(slow, count=20, context=time.context(timeout_s=5))

    assert len(began) == 2
    assert names == [f"m{number}" for number in range(len(began), 20)]
    assert time.now() <= ends_at_s


def handled(colour, sink):
    """Set one record aside in a handler of that colour; return the ids that come again."""

    def function(record):
        raise NonRetryableError("poison")

    handler = batch_handler(dead_letter=DeadLetter(sink))(COLOURS[colour](function))
    return failed(handler(sqs_event([sqs_record("1", message_id="m0")]), lambda_context()))


def test_an_asynchronous_sink_is_awaited_in_an_asynchronous_handler():
    """Confirmed when it has returned, not when it was called."""
    got = []

    async def sink(record, error):
        got.append(record.id)

    assert (handled("async", sink), got) == ([], ["m0"])


@pytest.mark.parametrize(("colour", "names"), [("async", []), ("sync", ["m0"])])
def test_a_function_around_an_asynchronous_sink_is_seen_when_it_returns(colour, names):
    """Awaited where that is possible; elsewhere nothing has run, so nothing is confirmed."""
    got = []

    async def sink(record, error):
        got.append(record.id)

    def around(record, error):
        return sink(record, error)

    assert handled(colour, around) == names
    assert got == (["m0"] if colour == "async" else [])


@pytest.mark.parametrize("sink", [None, "queue", 5], ids=repr)
def test_what_cannot_be_called_is_no_sink(sink):
    """Found at import."""
    with pytest.raises(ConfigurationError, match="callable"):
        DeadLetter(sink)
