"""Engines that several folders of tests run against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.engines.dynamodb_local import DynamoDBLocal

if TYPE_CHECKING:
    from collections.abc import Iterator


# Examples are not timed: the machine may be busy with other things.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    """The endpoint of a DynamoDB Local of this session's (with pytest-xdist: of this worker's) own."""
    with DynamoDBLocal() as engine:
        yield engine.endpoint_url
