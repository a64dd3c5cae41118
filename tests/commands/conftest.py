"""A small AWS, and the command ``replay`` in it."""

from __future__ import annotations

import pytest
from moto import mock_aws

from tests.engines.dynamodb_local import ENVIRONMENT

from .replaying import Done, World, run


@pytest.fixture
def aws_environment(monkeypatch):
    """Credentials and a region that moto takes; no table by default."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "RESILIENT_LAMBDA_TABLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def world(aws_environment):
    """An AWS of this test's own."""
    with mock_aws():
        yield World()


@pytest.fixture
def replay(world, capsys):
    """Return a function that runs the command and returns its exit code, output and complaints."""

    def command(*options):
        capsys.readouterr()
        return Done(run(world, *options), *capsys.readouterr())

    return command


@pytest.fixture
def parked(world):
    """The dead-letter queue."""
    return world.queue("parked")


@pytest.fixture
def orders(world):
    """The source queue."""
    return world.queue("orders")
