"""What the tests of handlers share: both colours, virtual time, and ways to read an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
