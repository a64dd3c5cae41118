"""
How many retries one environment may make: a token bucket.

What is tried again while everything fails multiplies the load on what is down. So a retry takes a token, and takes it
at once, not when its wait is over: of a thousand lanes in back-off each has taken one. A retry that succeeds gives its
token back, so that single failures cost nothing; each first try that succeeds earns a part of one.

Sources: gRPC, proposal A6, retry throttling (a failure costs a token, a success earns a part of one); AWS SDKs, "Retry
behavior", retry quota (a retry that succeeds returns what it took); Finagle, RetryBudget (a share of the requests).
"""

from __future__ import annotations

from threading import Lock
from weakref import WeakSet

from .._core.options import number

# Every budget of the process: what is used up in one test, or one simulated environment, is not so in another.
living: WeakSet[RetryBudget] = WeakSet()


class RetryBudget:
    """
    Tokens for retries, shared by all that are given the same object; each environment has its own.

    Args:
        tokens: How many there are, in the beginning and at most.
        per_success: What a first try that succeeds earns.

    Raises:
        ConfigurationError: An option is wrong.
    """

    __slots__ = ("__weakref__", "_lock", "missing", "per_success", "tokens")

    # How many tokens are missing: 0 where there is nothing to earn, which is all that a success looks at.
    missing: float

    def __init__(self, tokens: int = 10, *, per_success: float = 0.1) -> None:
        number("tokens", tokens, at_least=1, is_whole=True)
        number("per_success", per_success, at_least=0)
        self.tokens = tokens
        self.per_success = per_success
        self.missing = 0.0
        self._lock = Lock()
        living.add(self)

    def __repr__(self) -> str:
        return f"RetryBudget({self.tokens!r}, per_success={self.per_success!r})"

    @property
    def left(self) -> float:
        """How many tokens there are now."""
        return self.tokens - self.missing

    def take(self) -> bool:
        """Take a token; return False if there is no whole one."""
        with self._lock:
            if self.missing > self.tokens - 1 + 1e-9:  # ten tenths are a whole one, though not as floats
                return False
            self.missing += 1.0
            return True

    def give_back(self) -> None:
        """Give back a token that was taken."""
        self._add(1.0)

    def earn(self) -> None:
        """Add what a first try that has succeeded earns."""
        self._add(self.per_success)

    def _add(self, tokens: float) -> None:
        with self._lock:
            self.missing = max(0.0, self.missing - tokens)

    def forget(self) -> None:
        """Be full again, as in a new environment: for tests."""
        self.swap_memory(None)

    def swap_memory(self, memory: float | None) -> float:
        """Put *memory*, None for a new environment's, in the place of what is missing here; return that. For tests."""
        with self._lock:
            known, self.missing = self.missing, memory or 0.0
        return known
