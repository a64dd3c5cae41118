"""Names of test cases that are the same in every process: tests are shared out among several."""

from __future__ import annotations

import re


def id_of(value: object) -> str:
    """Return *value* as text, without where it lies in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
