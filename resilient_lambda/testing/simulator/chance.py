"""
Chance, from a seed: what goes wrong, and when.

Every decision has a name, and depends on the seed and that name alone. So one fault can be left out without another one
moving elsewhere, which is how a failing schedule is made smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Collection

_MASK = 2**64 - 1


class Faults(NamedTuple):
    """
    What goes wrong, and how often: probabilities from 0 to 1, if nothing else is said.

    Attributes:
        crash: Of an invocation: its environment dies at one of its steps, or when nobody has heard its answer yet.
        timeout: Of an invocation: one of its steps hangs until Lambda stops it.
        freeze: Of an invocation: at one of its steps its environment stands still until after the deadline. Lambda has
            given it up when it thaws, goes on for a few steps, and is gone.
        throttle: Of an invocation: Lambda refuses to start it.
        duplicate: Of an event: it is delivered once more although nothing failed.
        late: Of an event: it comes minutes later than it could.
        store_error: Of a store call: it fails, half of the times after it took effect.
        slow_store: Of a store call: it takes up to 2 s.
        store_outage: Share of the time for which no store call succeeds.
        sink_error: Of a dead letter: the sink fails, half of the times after it took it.
        invoke_error: Of an Invoke by a handler: it is throttled, fails or gets no answer, half of the times after it
            took effect.
        skew_s: By how many seconds at most the clock of an environment is wrong.
    """

    crash: float = 0.0
    timeout: float = 0.0
    freeze: float = 0.0
    throttle: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    store_error: float = 0.0
    slow_store: float = 0.0
    store_outage: float = 0.0
    sink_error: float = 0.0
    invoke_error: float = 0.0
    skew_s: float = 0.0


class Chance:
    """
    Decides by a seed.

    Args:
        without: What does not happen: faults of `Faults` by name, or single ones as `strikes` calls them.

    Attributes:
        can_strike_invocations: Whether something can happen to an invocation at one of its steps.
        strikes: The names of the faults that happened, in order.
    """

    def __init__(self, seed: int, without: Collection[str] = ()) -> None:
        self.seed = seed
        self._faults = Faults()
        self.can_strike_invocations = False
        self.strikes: list[str] = []
        self._without = frozenset(without)
        self._kinds: dict[str, int] = {}

    @property
    def faults(self) -> Faults:
        """How often what goes wrong."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self.can_strike_invocations = bool(faults.crash or faults.timeout or faults.freeze)

    def sample(self, kind: str, *numbers: int) -> float:
        """Return a sample from ``[0, 1)``, always the same for the seed, *kind* and *numbers*."""
        salt = self._kinds.get(kind)
        if salt is None:
            salt = self._kinds[kind] = crc32(f"{self.seed}/{kind}".encode())
        # Python's hash of a tuple of integers is the same in every process; the product spreads what it leaves alike.
        mixed = hash((salt, *numbers)) & _MASK
        mixed = (mixed ^ mixed >> 31) * 0x9E3779B97F4A7C15 & _MASK
        return ((mixed ^ mixed >> 29) >> 11) / 2**53

    def between(self, low: float, high: float, kind: str, *numbers: int) -> float:
        """Return a sample from ``[low, high)``."""
        return low + (high - low) * self.sample(kind, *numbers)

    def skew_s(self, environment: int) -> float:
        """Return by how much the clock of an environment is wrong."""
        most_s = 0.0 if "skew_s" in self._without else self.faults.skew_s
        return self.between(-most_s, most_s, "skew", environment) if most_s else 0.0

    def strikes_at(self, fault: str, *numbers: int) -> bool:
        """Tell whether *fault*, a name of `Faults`, happens to what *numbers* stand for; asked once for each."""
        probability: float = getattr(self._faults, fault)
        if not probability or fault in self._without or self.sample(fault, *numbers) >= probability:
            return False
        name = f"{fault}:{'.'.join(map(str, numbers))}"
        if name in self._without:
            return False
        self.strikes.append(name)
        return True
