"""What the tests of requests share: both colours, events of every kind, ways to read an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda import Idempotency, MemoryStore, resilient_handler
from resilient_lambda.testing import fake_io
from tests.handlers.colours import COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import FakeIo


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Turn a ``def`` into the colour under test."""
    return request.param


@pytest.fixture
def time() -> Iterator[FakeIo]:
    """Virtual time for every handler that is called inside the test."""
    with fake_io() as io:
        yield io


@pytest.fixture
def runs() -> list[Any]:
    """The events that ran."""
    return []


@pytest.fixture
def make(paint: Callable[..., Any], runs: list[Any]) -> Callable[..., Any]:
    """Return a handler of requests around an action, with an empty store unless told otherwise."""

    def make(action: Callable[[Any], Any] = lambda event: {"statusCode": 201}, **options: Any) -> Any:
        def function(event):
            runs.append(event)
            return action(event)

        options = {"policies": [Idempotency(MemoryStore())], "principal": None, **options}
        return resilient_handler(http=True, **options)(paint(function))

    return make


def body_of(answer: dict[str, Any]) -> Any:
    """Return the body of a response, which is JSON."""
    return json.loads(answer["body"])


def header_of(answer: dict[str, Any], name: str) -> str | None:
    """Return a header of a response, None if it is not there."""
    if "multiValueHeaders" in answer:
        (value,) = answer["multiValueHeaders"].get(name, [None])
        return value
    return answer["headers"].get(name)


def raising(error: BaseException) -> Callable[[Any], Any]:
    """Return an action that raises *error*."""

    def action(event):
        raise error

    return action
