"""An event loop whose time is the simulation's: `asyncio.sleep` in a handler takes none of the test's."""

from __future__ import annotations

import asyncio
import selectors
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World


# For how long, in the test's own time, an answer from outside is waited for: from a socket, or a thread.
OUTSIDE_S = 1.0
# Nothing will ever happen: that is for as long as a function may run.
NEVER_S = 900.0


# A task may want to be cancelled more than once; one that goes on for ever is left.
MOST_ROUNDS = 50
# What seconds since the epoch are exact to is less: time must get past a timer.
ROUNDING_S = 1e-6


class VirtualLoop(asyncio.SelectorEventLoop):
    """
    The event loop of one environment.

    When all of its tasks wait for a time to come, time passes up to then. What tasks wait for from outside, a socket or
    a thread, takes the test's own time; what does not come is waited for until the function is stopped.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_unwinding = False
        self._began_s = world.clock.now_s
        self._quiet = _QuietSelector(self)
        super().__init__(self._quiet)
        # A task of an environment that died is never finished: nothing to complain of.
        self.set_exception_handler(lambda loop, context: None)

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None  # sockets, which most loops here never need: see `_QuietSelector`

    def make_self_pipe(self) -> None:
        """Have other threads wake this loop by a socket, as it waits for sockets."""
        super()._make_self_pipe()  # type: ignore[misc]

    def _close_self_pipe(self) -> None:
        if self._csock is not None:
            super()._close_self_pipe()  # pyright: ignore[reportAttributeAccessIssue]

    def _write_to_self(self) -> None:
        if self._csock is None:
            self._quiet.woken.set()
        else:
            super()._write_to_self()  # pyright: ignore[reportAttributeAccessIssue]

    def time(self) -> float:
        """Return the simulation's time, in seconds since the loop was made: asyncio adds a billionth to it."""
        return self._world.clock.now_s - self._began_s

    def _hears_from_outside(self) -> bool:
        events = self._quiet.select(OUTSIDE_S)
        return bool(events or _inside(self)._ready)

    def unwind(self) -> None:
        """Have the tasks that are left end, of an environment that has died, or one that nothing will be run in."""
        self._is_unwinding = True
        for _ in range(MOST_ROUNDS):
            left = asyncio.all_tasks(self)
            if not left:
                break
            for task in left:
                task.cancel()
            self.call_soon(self.stop)
            self.run_forever()
        self.close()

    def _run_once(self) -> None:
        environment, loop = self._world.active, _inside(self)
        if environment is not None and not self._is_unwinding:
            environment.check_alive()  # a dead one would wait for ever for what its tasks do not do any more
            if not loop._ready:
                if loop._scheduled:
                    left_s = loop._scheduled[0].when() - self.time() + ROUNDING_S
                else:
                    left_s = 0.0 if self._hears_from_outside() else NEVER_S
                if left_s > 0:
                    environment.pass_time(left_s)
        super()._run_once()  # type: ignore[misc]


def _inside(loop: VirtualLoop) -> Any:
    # asyncio has no other way to ask what its loop waits for; the base class would wait for it in real time.
    return loop


class _QuietSelector(selectors.BaseSelector):
    """
    What a loop waits with: an event between threads, until it has to wait for a socket.

    Hundreds of environments have hundreds of loops; with the usual selector each would hold three file descriptors.
    """

    def __init__(self, loop: VirtualLoop) -> None:
        self.woken = threading.Event()
        self._loop = loop
        self._real: selectors.BaseSelector | None = None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self._real is None:
            self._real = selectors.DefaultSelector()
            self._loop.make_self_pipe()
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        if self._real is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self._real is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._real is not None:
            return self._real.select(timeout)
        self.woken.wait(timeout)
        self.woken.clear()
        return []

    def get_map(self) -> Any:
        return {} if self._real is None else self._real.get_map()

    def close(self) -> None:
        if self._real is not None:
            self._real.close()
