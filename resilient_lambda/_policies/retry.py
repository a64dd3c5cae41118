"""`Retry`: what failed is tried again within the invocation. A decorator, a policy, and a context."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from .._core.backoff import RETRY_BACKOFF, Backoff
from .._core.options import number
from ..errors import ConfigurationError
from .order import disabled
from .retry_budget import RetryBudget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typing_extensions import ParamSpec

    from .._core.classify import Classifier
    from .._core.model import Classification, Outcome
    from .._io.base import Io
    from .call import Call, Invocation
    from .compose import Proceed
    from .retry_blocks import AsyncBlocks, Blocks

    P = ParamSpec("P")

R = TypeVar("R")


class Retry:
    """
    Try again within the invocation what failed and may succeed.

    A policy, ``policies=[Idempotency(...), Retry()]``; a decorator of any function, ``@Retry()``; and the tries of a
    block, ``for attempt in Retry(): with attempt: ...``, with ``async for`` in ``async def``. No wait goes beyond the
    deadline of the invocation. What is given up raises its own last error, with a note that says why.

    Args:
        attempts: How many tries there may be, the first included.
        backoff: How waits grow; by default at most 2, 4, 8 s and so on up to 30 s, anything between nothing and that.
            After throttling twice as long; never less than the dependency asked for.
        classifier: Which errors are worth another try; by default the handler's in a policy, elsewhere `Classifier()`.
        budget: How many retries an environment may make beyond what successes earn: a number of tokens for this
            `Retry` alone, a `RetryBudget` that several share, or None for no limit.

    Attributes:
        is_off: True while operators have it switched off: everything is tried once.
        meter: What a success looks at: the budget; one of which nothing is ever missing, where there is none.
        has_warned: True once it was said that a client retries as well.

    Raises:
        ConfigurationError: An option is wrong.
    """

    kind = "retry"

    def __init__(
        self,
        *,
        attempts: int = 3,
        backoff: Backoff | None = None,
        classifier: Classifier | None = None,
        budget: RetryBudget | int | None = 10,
    ) -> None:
        number("attempts", attempts, at_least=1, is_whole=True)
        if backoff is None:
            backoff = RETRY_BACKOFF
        elif not isinstance(backoff, Backoff):
            raise ConfigurationError(f"backoff={backoff!r} is no Backoff; give Backoff(base_s=, cap_s=)")
        if classifier is not None:
            from .._core.classify import Classifier as Judge  # who gives one has loaded it

            if not isinstance(classifier, Judge):
                raise ConfigurationError(f"classifier={classifier!r} is no Classifier; give Classifier(...)")
        if budget is not None and not isinstance(budget, RetryBudget):
            number("budget", budget, at_least=1, is_whole=True)
            budget = RetryBudget(budget)
        self.attempts = attempts
        self.backoff = backoff
        self.classifier = classifier
        self.budget = budget
        self.has_warned = False
        self.meter = RetryBudget() if budget is None else budget
        self.is_off = "retry" in disabled()

    def __repr__(self) -> str:
        return f"Retry(attempts={self.attempts!r}, backoff={self.backoff!r}, budget={self.budget!r})"

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """
        Return *function*, ``def`` or ``async def``, inside this retry.

        Raises:
            ConfigurationError: It is no function, or one that another try would not run again.
        """
        from .retried_functions import retried

        wrapped: Callable[P, R] = retried(self, function)
        return wrapped

    def __iter__(self) -> Blocks:
        """Return the tries of a block: ``for attempt in retry: with attempt: ...``."""
        from .retry_blocks import Blocks

        return Blocks(self)

    def __aiter__(self) -> AsyncBlocks:
        """Return the tries of a block in ``async def``: ``async for attempt in retry: with attempt: ...``."""
        from .retry_blocks import AsyncBlocks

        return AsyncBlocks(self)

    async def repeat(
        self,
        io: Io,
        once: Callable[[], Awaitable[R]],
        *,
        until_s: float | None = None,
        classify: Callable[[BaseException], Classification] | None = None,
        name: str = "call",
        has_no_commit: bool = False,
    ) -> R:
        """
        Return what ``await once()`` returns, tried again as often as these terms allow.

        Args:
            until_s: Wall clock before which each wait must end; by default the deadline of the invocation, if any.
            classify: Which errors are worth another try, instead of the classifier.
            name: What is tried, for log and note.
            has_no_commit: True if *once* makes no commit: it may be tried again behind `commit_with`.

        Raises:
            Exception: The last error, with a note why it was not tried again.
        """
        if self.is_off:
            return await once()
        try:
            result = await once()
        except Exception as error:  # the border to user code
            first = error
        else:
            if self.meter.missing:
                self.meter.earn()
            return result
        try:
            from .tries import Tries, again

            tries = Tries(self, io, name, until_s=until_s, classify=classify, has_no_commit=has_no_commit)
            return await again(tries, once, first)
        finally:
            del first

    async def around(self, call: Call, proceed: Proceed) -> Outcome:
        """Run *call*, and again if it fails and may succeed."""
        outcome = await proceed(call)
        if getattr(outcome, "error", None) is None:  # a Success, whose class only events need
            if self.meter.missing:
                self.meter.earn()
            return outcome
        from .retried_calls import run_again

        return await run_again(self, call, proceed, outcome)

    async def close(self, invocation: Invocation) -> None:
        """Forget what was decided for records of this invocation."""
        invocation.sessions.pop(self, None)

    def warm(self) -> None:
        """Load what the first failure would load."""
        import_module(".retried_calls", __package__)
