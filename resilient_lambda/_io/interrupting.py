"""
The Io of synchronous handlers that cut short what hangs: SIGALRM raises inside the user's function, and nowhere else.

The rules are those of protocols.md G. The handler raises only while ``_is_armed`` says that the user's function runs,
and never in the frame of `InterruptingIo.invoke` itself, so a signal that lands between two lines there cannot take a
result away. Everything of ours runs disarmed: no store call, no commit, no log line of the library is ever cut.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

from .base import Interrupted
from .blocking import BlockingIo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import FrameType

# A function that catches the first one, or was inside C code, meets the next (protocols.md C11).
AGAIN_S = 0.25

_has_warned = False


class InterruptingIo(BlockingIo):
    """
    `Io` with a signal, for one invocation.

    Args:
        cut_at_s: Wall clock at which the user's function is cut short.
        again_s: After what time the next alarm comes, in seconds, and a quarter of a second at most.
        retires: True to end the environment afterwards: what was cut may have left locks taken.
    """

    def __init__(self, cut_at_s: float, *, again_s: float, retires: bool) -> None:
        self._cut_at_s = cut_at_s
        self._again_s = max(0.01, min(AGAIN_S, again_s))
        self._retires = retires
        self._has_alarm = False
        self._is_armed = False
        self._is_due = False
        self._was_cut = False
        self._has_cut = False

    async def run_lanes(self, lane: Callable[[], Awaitable[None]], count: int) -> None:
        """Run *lane* once, with the alarm set."""
        is_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
        if not is_main or signal.getsignal(signal.SIGALRM) != signal.SIG_DFL or any(signal.getitimer(_TIMER)):
            _warn_once()
            await lane()
            return
        self._has_alarm = True
        self._set_alarm()
        try:
            await lane()
        finally:
            self._has_alarm = False
            signal.setitimer(_TIMER, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            if self._has_cut and self._retires:
                self.taint(lambda: True)

    async def invoke(self, function: Callable[..., Any], *args: object) -> Any:
        """
        Call the user's *function*.

        Raises:
            Interrupted: It was cut short, whatever it made of that: who swallows it has not done what he meant to do.
        """
        self._was_cut = False
        if self._has_alarm and not signal.getitimer(_TIMER)[0]:  # an earlier function has used the timer for itself
            self._set_alarm()
        try:
            self._is_armed = True
            result = function(*args)
            self._is_armed = False
        except BaseException:
            self._is_armed = False
            if self._was_cut:
                raise Interrupted from None
            raise
        if self._was_cut:
            raise Interrupted
        return result

    def _set_alarm(self) -> None:
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(_TIMER, max(0.001, self._cut_at_s - self.now()), self._again_s)

    @contextlib.contextmanager
    def shield(self) -> Generator[None]:
        """Return a context in which nothing is cut short; an alarm that came meanwhile is raised at its end."""
        if threading.current_thread() is not threading.main_thread():  # which no alarm ever reaches
            yield
            return
        was_armed, self._is_armed = self._is_armed, False
        self._is_due = False
        try:
            yield
        finally:
            self._is_armed = was_armed
        if was_armed and self._is_due:
            self._was_cut = self._has_cut = True
            raise Interrupted

    def _on_alarm(self, _signal: int, frame: FrameType | None) -> None:
        self._is_due = True
        if self._is_armed and frame is not None and frame.f_code is not _BOUNDARY:
            self._was_cut = self._has_cut = True
            raise Interrupted


_TIMER: int = getattr(signal, "ITIMER_REAL", 0)  # Windows, where tests may run, has none
_BOUNDARY = InterruptingIo.invoke.__code__


def _warn_once() -> None:
    global _has_warned
    if not _has_warned:
        _has_warned = True
        import logging

        logging.getLogger("resilient_lambda").warning(
            "interrupt=True does nothing here: the handler does not run in the main thread, or SIGALRM is in use; "
            "records are not started too late, but one that hangs is not cut short"
        )
