"""A Lambda endpoint, virtual time, and both colours of an invoker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda import LambdaInvoker
from resilient_lambda.testing import fake_io, in_memory

from .server import LambdaServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilient_lambda.testing import FakeIo, Fakes


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    """Credentials and a region, and nothing of the developer's own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_LAMBDA_INITIALIZATION_TYPE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LambdaServer]:
    """A Lambda endpoint of this test's own."""
    with LambdaServer() as server:
        yield server


@pytest.fixture
def io() -> Iterator[FakeIo]:
    """Virtual time: waits between tries take none. What is sent over a connection takes the time that it takes."""
    with fake_io() as io:
        yield io


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    """Functions in memory."""
    with in_memory() as fakes:
        yield fakes


class Colour:
    """An invoker whose methods block, whichever colour is under test."""

    def __init__(self, invoker: LambdaInvoker, *, is_asynchronous: bool) -> None:
        self._invoker = invoker
        self._is_asynchronous = is_asynchronous

    def __getattr__(self, name: str) -> Any:
        if not self._is_asynchronous:
            return getattr(self._invoker, name)
        method = getattr(self._invoker.aio, name)

        def run(*args: Any, **kwargs: Any) -> Any:
            async def main() -> Any:
                return await method(*args, **kwargs)

            return asyncio.run(main())

        return run


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def invoker_of(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Make an invoker of the colour under test."""

    def make(**options: Any) -> Any:
        return Colour(LambdaInvoker(**options), is_asynchronous=request.param)

    return make
