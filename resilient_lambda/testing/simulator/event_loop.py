"""An event loop whose time is the simulation's: `asyncio.sleep` in a handler takes none of the test's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World


# For how long, in the test's own time, an answer from outside is waited for: from a socket, or a thread.
OUTSIDE_S = 5.0
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
        super().__init__()
        # A task of an environment that died is never finished: nothing to complain of.
        self.set_exception_handler(lambda loop, context: None)

    def time(self) -> float:
        """Return the simulation's time, in seconds since the loop was made: asyncio adds a billionth to it."""
        return self._world.clock.now_s - self._began_s

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
                elif loop._selector.select(OUTSIDE_S):
                    left_s = 0.0
                else:
                    left_s = NEVER_S
                if left_s > 0:
                    environment.pass_time(left_s)
        super()._run_once()  # type: ignore[misc]


def _inside(loop: VirtualLoop) -> Any:
    # asyncio has no other way to ask what its loop waits for; the base class would wait for it in real time.
    return loop
