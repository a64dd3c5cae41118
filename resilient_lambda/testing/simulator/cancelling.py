"""What is too slow in an ``async def`` handler is cancelled, as the library does it, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._io.aio import CancellingIo
from ..io import _AsynchronousView

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..io import FakeIo


class CancellingView(_AsynchronousView):
    """The library's `Io` for asynchronous handlers inside one environment, whose loop has virtual time."""

    def __init__(self, io: FakeIo) -> None:
        super().__init__(io)
        self._cancelling: _Cancelling | None = None

    def open(self, *, concurrency: int, cut_at_s: float | None, grace_s: float, retires: bool) -> CancellingView:
        super().open(concurrency=concurrency, cut_at_s=cut_at_s, grace_s=grace_s, retires=retires)
        self._cancelling = None if cut_at_s is None else _Cancelling(self._io, cut_at_s, grace_s)
        return self

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        if self._cancelling is None:
            return await super().invoke(function, *args)
        await self._io.let_others_go_on()
        with self._io._cutting():
            return await self._cancelling.invoke(function, *args)


class _Cancelling(CancellingIo):
    """Cancels by the environment's clock, and taints the environment, not the process."""

    def __init__(self, io: FakeIo, cut_at_s: float, grace_s: float) -> None:
        super().__init__(cut_at_s, grace_s)
        self.now = io.now
        self.taint = io.taint  # type: ignore[method-assign]
