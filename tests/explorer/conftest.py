"""The explorer's hundred thousand deliveries are not logged."""

from __future__ import annotations

import logging
import os

import pytest

IS_LONG = os.environ.get("RESILIENT_LAMBDA_EXPLORE") == "long"


@pytest.fixture(autouse=True)
def _silence():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
