"""What the tests of deliveries share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="package")
def _quiet() -> Iterator[None]:
    """Thousands of failures are planned here; a warning for each would hide the one that is not."""
    logger = logging.getLogger("resilient_lambda")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)
