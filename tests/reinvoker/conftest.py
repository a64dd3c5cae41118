"""What the tests of the re-invoker share: AWS in memory, a sink, and a re-invoker of one function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda import DeadLetter, MemoryStore, timeout_reinvoker
from resilient_lambda.testing import fake_io, in_memory, lambda_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import Fakes

WORKER = "arn:aws:lambda:us-east-1:123456789012:function:worker"


@pytest.fixture
def aws() -> Iterator[Fakes]:
    """AWS in memory, and time that passes when somebody waits."""
    with fake_io(), in_memory() as fakes:
        yield fakes


@pytest.fixture
def letters() -> list[tuple[Any, BaseException]]:
    """What went to the sink: what the record was in its event, and why."""
    return []


@pytest.fixture
def store() -> MemoryStore:
    """A store."""
    return MemoryStore()


@pytest.fixture
def make(aws: Fakes, letters: list[tuple[Any, BaseException]]) -> Callable[..., Any]:
    """Return a re-invoker of `WORKER`, as a function of the event."""

    def make(**options: Any) -> Any:
        options = {"functions": [WORKER], **options}
        sink = DeadLetter(lambda record, error: letters.append((record.raw, error)))
        handler = timeout_reinvoker(dead_letter=sink, **options)
        return lambda event, context=None: handler(event, context or lambda_context("reinvoker"))

    return make
