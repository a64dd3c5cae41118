"""
Lanes: which record of a batch may start next.

A lane is what keeps an order: an SQS message group, a stream's batch, a topic-partition, or a key. Its records run one
after the other, and it stops at the first one that must be delivered again. Lanes are independent of each other. The
record that starts is always the first of the event whose lane is free, so a batch that is run one at a time is run in
the order of the event.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence


class Lanes:
    """
    The lanes of one batch.

    Args:
        count: How many records there are.
        names: The lane of each; None if every record is a lane of its own.

    Attributes:
        is_ordered: True if there are lanes of more than one record.
        running: The records that have started and not ended.
    """

    def __init__(self, count: int, names: Sequence[Hashable] | None) -> None:
        self.is_ordered = names is not None
        self.running: set[int] = set()
        self._names: Sequence[Hashable] = range(count) if names is None else names
        self._left: dict[Hashable, list[int]] = {}  # of each lane, the last first
        self._busy: dict[Hashable, int] = {}  # how many of a lane have started and not ended
        self._stopped: set[Hashable] = set()
        self._paused: set[Hashable] = set()
        for number in range(count - 1, -1, -1):
            self._left.setdefault(self._names[number], []).append(number)
        self._free = [left[-1] for left in self._left.values()]  # the heads of the lanes that may go on, a heap
        heapify(self._free)

    def start(self) -> int | None:
        """Return the number of the record that starts now, None if none may."""
        return self._started(heappop(self._free)) if self._free else None

    def start_behind(self, number: int) -> int | None:
        """Return the number of the record that starts beside record *number*, of its lane; None if there is none."""
        if not self.is_ordered:
            return self.start()
        left = self._left[self._names[number]]
        return self._started(left[-1]) if left else None

    def _started(self, number: int) -> int:
        name = self._names[number]
        self._left[name].pop()
        self._busy[name] = self._busy.get(name, 0) + 1
        self.running.add(number)
        return number

    def end(self, number: int, *, stops: bool) -> None:
        """
        Take notice that record *number* has ended; its lane is free once all have that were started together.

        Args:
            stops: True if its lane must not go on.
        """
        self.running.discard(number)
        if stops:
            self._stopped.add(self._names[number])
        self.let_go(number)

    def hold(self, number: int) -> None:
        """Keep the lane of record *number* from being freed, until `let_go`: more of it are to be started together."""
        self._busy[self._names[number]] += 1

    def let_go(self, number: int) -> None:
        """Free the lane of record *number*, unless something else keeps it."""
        name = self._names[number]
        self._busy[name] -= 1
        if not self._busy[name]:
            del self._busy[name]
            if self._left[name] and name not in self._stopped:
                heappush(self._free, self._left[name][-1])

    def pause(self, number: int) -> None:
        """Take notice that record *number* was put off: its lane waits for it, and `end` comes later."""
        self.running.discard(number)
        self._paused.add(self._names[number])

    def undo_start(self, number: int) -> None:
        """Take notice that record *number* does not run after all: its lane has stopped before it."""
        self.running.discard(number)
        name = self._names[number]
        self._busy[name] -= 1
        self._left[name].append(number)

    def behind(self, number: int) -> Sequence[int]:
        """Return the records of the lane of record *number* that have not started."""
        return self._left[self._names[number]]

    def is_stopped(self, number: int) -> bool:
        """Tell whether the lane of record *number* must not go on."""
        return self._names[number] in self._stopped

    def resume(self, number: int) -> None:
        """Take notice that record *number*, which was put off, runs now."""
        self.running.add(number)
        self._paused.discard(self._names[number])

    def free(self) -> int:
        """Return how many lanes could start a record now."""
        return len(self._free)

    def upcoming(self, concurrency: int) -> Iterator[int]:
        """
        Yield the records that have not started, in the order in which they would if all took as long.

        Those of stopped lanes, and of lanes that wait for a record that was put off, are left out.
        """
        heads = list(self._free)
        for name in self._busy:
            if self._left[name] and name not in self._stopped and name not in self._paused:
                heappush(heads, self._left[name][-1])
        passed: dict[Hashable, int] = {}
        while heads:
            for number in [heappop(heads) for _ in range(min(concurrency, len(heads)))]:
                yield number
                name = self._names[number]
                passed[name] = passed.get(name, 0) + 1
                if passed[name] < len(self._left[name]):
                    heappush(heads, self._left[name][-1 - passed[name]])

    def is_alone(self) -> bool:
        """Tell whether the one record that runs is in the only lane that is left to go on."""
        return self.is_ordered and not self._free and len(self.running) == 1

    def unstarted(self) -> list[int]:
        """Return the records that have not started, in the order of the event."""
        return sorted(number for left in self._left.values() for number in left)
