"""What must not overtake in a replay: after a letter that stays, the later ones of its lane stay too. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.sources import row_of
from ..errors import SinkError
from ._replay_letter import QUEUES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from ._replay_letter import Letter

    # Of one place, "" where it is not known, and of one group or key there.
    Lane: TypeAlias = tuple[str, str]

STREAMS = ("kinesis", "dynamodb", "kafka")


class BehindError(SinkError):
    """The letter was not asked for: one before it stays."""

    def __init__(self) -> None:
        super().__init__("a letter before it, of the same group or partition key, was not sent; it stays behind it")


class Lanes:
    """
    The lanes of which a letter stays.

    Args:
        lane_of: Returns the lane of a letter, None if it has no order.
    """

    def __init__(self, lane_of: Callable[[Letter], Lane | None]) -> None:
        self._lane_of = lane_of
        self._stopped: set[Lane] = set()

    def stop(self, letter: Letter) -> None:
        """Have the later letters of its lane stay behind *letter*."""
        lane = self._lane_of(letter)
        if lane is not None:
            self._stopped.add(lane)

    def holds_back(self, letter: Letter) -> bool:
        """Tell whether a letter before this one stays, of which it must not get ahead."""
        lane = self._lane_of(letter)
        # One that does not say where it came from may be of the same place.
        return lane is not None and (lane in self._stopped or ("", lane[1]) in self._stopped)


def lane_of(letter: Letter) -> Lane | None:
    """Return the lane of a letter that goes back to where it came from: a message group, or the key in a stream."""
    if letter.source in STREAMS:
        key = row_of(letter.source).order_key_of
        found = key(letter.record) if key is not None and isinstance(letter.record, dict) else ""
        if letter.source == "kafka" and found:
            found = f"{letter.record.get('topic')} {found}"
        return (letter.origin, f"key {found}") if found else None
    # A standard queue has groups too (fair queues), and no order.
    is_of_fifo = letter.origin.endswith(".fifo") or not letter.origin
    if letter.group and is_of_fifo and letter.source in (*QUEUES, ""):
        return letter.origin, f"group {letter.group}"
    return None
