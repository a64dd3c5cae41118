"""What the tests of policies share: virtual time, both colours, a store and a sink that can fail."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda.testing import fake_io
from tests.handlers.colours import COLOURS
from tests.policies.environments import Environment, Sink
from tests.policies.stores import FaultyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import FakeIo


@pytest.fixture
def time() -> Iterator[FakeIo]:
    """Virtual time for every handler that is called inside the test."""
    with fake_io() as io:
        yield io


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Turn a ``def`` into the colour under test."""
    return request.param


@pytest.fixture
def store() -> FaultyStore:
    """The table of all environments."""
    return FaultyStore()


@pytest.fixture
def sink() -> Sink:
    """The dead-letter sink of all environments."""
    return Sink()


@pytest.fixture
def make(time: FakeIo, store: FaultyStore, paint: Callable[..., Any]) -> Callable[..., Environment]:
    """Return an environment in the colour under test."""
    return partial(Environment, time, store, paint=paint)


@pytest.fixture
def other(time: FakeIo, store: FaultyStore) -> Callable[..., Environment]:
    """Return an environment that can also be called while a handler of the other colour is running."""
    return partial(Environment, time, store)
