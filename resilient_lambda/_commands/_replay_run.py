"""
The run of a replay: look, choose, clear, send, delete, in this order, so that a crash at any point loses nothing.

A letter is deleted only after its sending was confirmed. What dies in between is there again, and is sent again: a
duplicate is possible, a loss is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .._named_tuple import NamedTuple
from ..errors import SinkError, StoreError
from ._replay_failure import CLEARED, clear
from ._replay_lanes import BehindError, Lanes
from ._replay_tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ..stores.base import Store
    from ._replay_letter import Letter
    from ._replay_target import Target

FAILURES_IN_A_ROW = 10


class Letters(Protocol):
    """Where letters lie: `QueueLetters` or `BucketLetters`."""

    @property
    def count(self) -> int | None:
        """How many there may be."""
        ...

    def take(self, most: int) -> list[Letter] | None: ...

    def holds(self, letter: Letter, *, for_s: float) -> bool: ...

    def unreached(self) -> int: ...

    def remove(self, letters: Sequence[Letter]) -> dict[str, str]: ...

    def give_back(self) -> str | None: ...


class Choice(NamedTuple):
    """
    Which letters are meant.

    Attributes:
        errors: Classes of errors; empty for any.
        sources: Names of sources or ARNs of origins; empty for any.
        since_s: Set aside at this time or later.
        until_s: Set aside at this time at the latest.
        began_s: When the run began: what is set aside during it has just failed again.
        functions: Which functions set them aside; empty for any.
    """

    errors: Collection[str]
    sources: Collection[str]
    since_s: float
    until_s: float
    began_s: float
    functions: Collection[str] = ()

    def why_not(self, letter: Letter) -> str | None:
        """Return why *letter* is not meant, None if it is."""
        if letter.at_s > self.began_s:
            return "was set aside after this run began"
        if not self.since_s <= letter.at_s <= self.until_s:
            return "is of another time"
        if letter.problem:
            return None  # nobody knows what it says
        if self.errors and letter.error not in self.errors:
            return "is of another error"
        if self.functions and letter.function not in self.functions:
            return "is of another function"
        # "sqs" means both, as in `batch_handler(source=)`.
        names = {letter.source, letter.origin, letter.source.removesuffix("-fifo")}
        if self.sources and not names & set(self.sources):
            return "is of another source"
        return None


class Replay:
    """
    One run.

    Args:
        store: Where handlers remember failures; None if they do not.
        limit: How many letters to send at most.
        is_dry: Only say what would be done.
        keeps: Do not delete what was sent.
        stopping: Tells whether someone wants it to end.
        tell: Takes what people should see while it runs.
        show: Takes what a dry run would send.
    """

    def __init__(
        self,
        letters: Letters,
        target: Target,
        choice: Choice,
        *,
        store: Store | None,
        limit: float,
        is_dry: bool,
        keeps: bool,
        stopping: Callable[[], Any],
        tell: Callable[[str], None],
        show: Callable[[str], None],
    ) -> None:
        self.tally = Tally(tell)
        self._letters = letters
        self._target = target
        self._lanes = Lanes(target.lane_of)
        self._choice = choice
        self._store = store
        self._limit = limit
        self._is_dry = is_dry
        self._keeps = keeps
        self._stopping = stopping
        self._tell = tell
        self._show = show

    def run(self) -> None:
        """
        Go through the letters; whatever ends it, what is still held is given back.

        Raises:
            CallError: The letters cannot be read.
        """
        try:
            while self._goes_on():
                found = self._letters.take(self._most())
                if found is None:
                    self.tally.unreached = self._letters.unreached()
                    break
                if self._goes_on():
                    self._replay(found)
                self.tally.progress(self._letters.count)
        finally:
            problem = self._letters.give_back()
            if problem:
                self._tell(problem)

    def _goes_on(self) -> bool:
        if self.tally.failures_in_a_row >= FAILURES_IN_A_ROW:
            self._tell(f"stopped after {self.tally.failures_in_a_row} failures in a row")
            return False
        return not self._stopping() and self._most() > 0

    def _most(self) -> int:
        return int(min(self._target.lot, self._limit - self.tally.sent - self.tally.failed))

    def _replay(self, lot: Sequence[Letter]) -> None:
        # One after the other: what stays may hold back those after it, not those before.
        ready = [letter for letter in lot if self._is_chosen(letter) and self._is_ready(letter)]
        if not ready:
            return
        if self._is_dry:
            for letter in ready:
                self.tally.sent += 1
                self._show(f"would send {letter} to {self._target.name_for(letter)}")
            return
        sent: list[Letter] = []
        for letter, answer in zip(ready, self._target.send(ready), strict=True):
            if isinstance(answer, BehindError):
                self.tally.refuse(str(answer), letter)
            elif isinstance(answer, SinkError):
                self.tally.fail(str(answer), letter)
                self._lanes.stop(letter)
            else:
                sent.append(letter)
        if sent:
            self.tally.failures_in_a_row = 0
            self.tally.sent += len(sent)
            if not self._keeps:
                self._delete(sent)

    def _is_chosen(self, letter: Letter) -> bool:
        self.tally.looked_at += 1
        unwanted = self._choice.why_not(letter)
        if unwanted is not None:
            self.tally.unwanted += 1
            self.tally.count(unwanted, letter)
        return unwanted is None

    def _is_ready(self, letter: Letter) -> bool:
        refusal = letter.problem or self._target.refusal(letter) or self._refusal_of_delivery(letter)
        if refusal:
            self.tally.refuse(refusal, letter)
        elif self._lanes.holds_back(letter):
            self.tally.refuse(str(BehindError()), letter)
        elif not self._letters.holds(letter, for_s=self._target.patience_s):
            self.tally.fail("was held for too long, and was left for another run", letter)
        elif self._is_cleared(letter):
            return True
        self._lanes.stop(letter)
        return False

    def _refusal_of_delivery(self, letter: Letter) -> str | None:
        if self._store is None and letter.key and self._target.keeps_delivery(letter):
            # The handler would take it for the delivery that failed, and a failure that it remembers would swallow it.
            return "names an idempotency key, under which its failure may be remembered: pass --table"
        return None

    def _is_cleared(self, letter: Letter) -> bool:
        if self._store is None:
            return True
        try:
            found = clear(self._store, letter, sent_as=self._target.sent_as(letter), is_dry=self._is_dry)
        except StoreError as error:
            self.tally.fail(str(error), letter)
            return False
        if found == CLEARED:
            self.tally.cleared += 1
        elif letter.key:
            self.tally.count(found, letter)
        return True

    def _delete(self, sent: Sequence[Letter]) -> None:
        problems = self._letters.remove(sent)
        for letter in sent:
            if letter.identity in problems:
                self.tally.kept += 1
                self.tally.count(f"was sent, but not deleted: {problems[letter.identity]}", letter)
