"""What the tests of the proof share."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Each failed record leaves a line in the log, which takes as long as the rest."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process beside the test's own, in which nobody counts lines for coverage: that would double the time."""
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, processes, initializer=logging.disable, initargs=(logging.CRITICAL,)) as pool:
        yield pool
