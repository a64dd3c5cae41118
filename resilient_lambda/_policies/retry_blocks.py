"""The tries of a block of code: ``for attempt in retry: with attempt: ...``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._io.ambient import ambient_io
from .._io.blocking import drive
from .attempt import Attempt, current
from .tries import Tries

if TYPE_CHECKING:
    from types import TracebackType

    from .._io.base import Io
    from .retry import Retry


class Block:
    """
    One try of a block: ``with attempt: ...``.

    Leaving it by an error that is worth another try ends the ``with`` quietly, and the loop goes on; any other error is
    raised. Leaving it in any other way ends the loop.

    Attributes:
        number: 1 for the first try, one more for each further one.
    """

    __slots__ = ("_around", "_is_used", "_of", "number")

    def __init__(self, of: _Tried, number: int) -> None:
        self._of = of
        self._around: Attempt | None = None
        self._is_used = False
        self.number = number

    def __repr__(self) -> str:
        return f"<try {self.number}>"

    def __enter__(self) -> Block:
        if self._is_used:
            # Or else a success here would end the loop behind a failure that is to be tried again.
            raise RuntimeError("`with attempt:` stands once in each turn of `for attempt in retry:`")
        self._is_used = True
        self._of.has_begun = True
        self._around = current.get()
        current.set((self._around or Attempt())._replace(number=self.number))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool:
        current.set(self._around)
        if error is None:
            self._of.succeed()
            return False
        return isinstance(error, Exception) and self._of.fails(error, trace)


class _Tried:
    """What both kinds of loops do."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._tries: Tries | None = None
        self._goes_on = True
        self.has_begun = True

    def succeed(self) -> None:
        """Take notice that a try has succeeded: the loop ends."""
        self._goes_on = False
        if self._tries is not None:
            self._tries.release()
        elif self._retry.meter.missing:
            self._retry.meter.earn()

    def fails(self, error: Exception, trace: TracebackType | None) -> bool:
        """Take notice that a try has failed; return whether there is another one."""
        self._goes_on = False
        if self._retry.is_off:
            return False
        if self._tries is None:
            name = "a block" if trace is None else f"a block of {trace.tb_frame.f_code.co_name}"
            self._tries = Tries(self._retry, self._io(), name)
        self._goes_on = self._tries.fail(error) is None
        return self._goes_on

    def _io(self) -> Io:
        return ambient_io(is_asynchronous=False)

    def _next(self) -> Block:
        if not self.has_begun:
            # Or else the loop would never end, and nothing would be tried again.
            raise RuntimeError("the block of `for attempt in retry:` must begin with `with attempt:`")
        self.has_begun = False
        return Block(self, 1 if self._tries is None else self._tries.failed + 1)


class Blocks(_Tried):
    """The tries of a block in a ``def`` function."""

    def __iter__(self) -> Blocks:
        return self

    def __next__(self) -> Block:
        if not self._goes_on:
            raise StopIteration
        if self._tries is not None:
            drive(self._tries.wait())
        return self._next()


class AsyncBlocks(_Tried):
    """The tries of a block in an ``async def`` function."""

    def __aiter__(self) -> AsyncBlocks:
        return self

    async def __anext__(self) -> Block:
        if not self._goes_on:
            raise StopAsyncIteration
        if self._tries is not None:
            await self._tries.wait()
        return self._next()

    def _io(self) -> Io:
        return ambient_io(is_asynchronous=True)
