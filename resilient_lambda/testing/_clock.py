"""The time that events are stamped with: that of the clock that handlers see."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Set by `fake_io` and the simulator, whose time is virtual.
now_s: Callable[[], float] = time.time
