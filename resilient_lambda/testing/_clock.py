"""The time that events are stamped with."""

from __future__ import annotations

import time


def now_s() -> float:
    """Return the time in seconds: that of the clock that handlers see, which `fake_io` replaces."""
    from .._handlers import plan

    return time.time() if plan.replacement is None else plan.replacement(False).now()
