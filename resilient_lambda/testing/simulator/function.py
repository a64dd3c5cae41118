"""
A deployed function: its settings, its environments, and who may start an invocation.

Sources: "Understanding Lambda function scaling" and "Configuring reserved concurrency", AWS Lambda Developer Guide: one
invocation at a time in each environment; beyond the concurrency that a function has, invocations are throttled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .environment import Environment
from .history import Kind
from .invocation import LATEST, Invocation, Result
from .loading import loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .invocations.asynchronous import AsynchronousCalls
    from .world import World

    Handler: TypeAlias = Callable[[Any, Any], Any]
    # Seconds, or between how many and how many, or a function of the event.
    Cost: TypeAlias = float | tuple[float, float] | Callable[[Any], float]

STRIKING = ("crash", "timeout", "freeze")
# Among how many steps the one is drawn at which something happens; after the last one, it happens to the answer.
STEPS = (4, 12, 40)


class Function:
    """
    A function and its environments.

    Args:
        handler: Shared by all environments, its global variables included. Or its name, such as ``"app.handler"``, as
            Lambda is told it: each environment has a module of its own then, its global variables as well; what that
            module imports is shared.
        module_globals: With a handler's name: what stands in its module in the place of what it made itself, by name.
        cold_start: Called for each new environment instead, returns its handler: what it makes is that process's own.
            What it raises is an error of the function, as in Lambda's INIT phase.
        timeout_s: From 1 to 900 s on AWS.
        takes: What an invocation costs in time beside what the handler lets pass itself.
        concurrency: How many invocations may run at a time: reserved concurrency.
        cold_start_s: How long a new environment takes until it runs its first invocation.

    Attributes:
        arn: Its ARN.
        queues: The queues of its asynchronous invocations, by version or alias.
        throttles: How many invocations were refused.
    """

    def __init__(
        self,
        world: World,
        handler: Handler | str | None,
        *,
        module_globals: Mapping[str, Any] | None = None,
        name: str = "function",
        timeout_s: float = 30.0,
        takes: Cost = 0.05,
        concurrency: int = 1000,
        cold_start: Callable[[], Handler] | None = None,
        cold_start_s: float = 0.25,
    ) -> None:
        if (handler is None) == (cold_start is None):
            raise ValueError("give a handler, or cold_start= that makes one for each environment")
        if isinstance(handler, str):
            cold_start = loading(handler, module_globals or {})
        elif module_globals is not None:
            raise ValueError("module_globals= goes with the name of a handler, such as 'app.handler'")
        self.name = name
        self.arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self.timeout_s = timeout_s
        self.concurrency = concurrency
        self.throttles = 0
        self.busy = 0
        self.world = world
        self.queues: dict[str, AsynchronousCalls] = {}
        self._world = world
        world.functions.append(self)
        self._make: Callable[[], Any] = cold_start or (lambda: handler)
        self._takes = takes
        self._cold_start_s = cold_start_s
        self._idle: list[Environment] = []

    def invoke(
        self,
        event: Any,
        on_end: Callable[[Result], None],
        *,
        source: str = "",
        ids: Sequence[str] = (),
        request_id: str | None = None,
        qualifier: str = LATEST,
    ) -> None:
        """
        Start an invocation; *on_end* is called once, later, with what Lambda learns of it.

        Args:
            event: What the handler gets. JSON, made for this invocation alone.
            source: The name of the source, for the timeline.
            ids: What the source calls the events in it.
            request_id: Of an earlier attempt, where all have the same; a new one by default.
            qualifier: The version or alias that it is called by.
        """
        world = self._world
        number = world.next_invocation()
        if self.busy >= self.concurrency or world.chance.strikes_at("throttle", number):
            self.throttles += 1
            world.note(Kind.THROTTLED, source, ids, invocation=number)
            world.clock.after(0.0, lambda: on_end(Result(Kind.THROTTLED, None)))
            return
        self.busy += 1
        invocation = Invocation(
            number,
            event,
            on_end,
            request_id=request_id or _request_id(number),
            source=source,
            ids=ids,
            qualifier=qualifier,
        )
        environment = self._take_idle(number)
        if environment is not None:
            world.clock.start(0.0, lambda: environment.handle(invocation))
        else:
            world.clock.start(self._cold_start_s, lambda: self._start_cold(invocation))

    @property
    def qualifiers(self) -> set[str]:
        """What it can be called by, beside its name: versions and aliases whose events are sent somewhere."""
        return {LATEST, *self.queues}

    def version_of(self, qualifier: str) -> str:
        """Return the version that a qualifier stands for; every alias for the first."""
        return qualifier if qualifier == LATEST or qualifier.isdigit() else "1"

    def strikes_of(self, invocation: Invocation) -> dict[int, str]:
        """Decide what happens to *invocation*, by the step at which it does."""
        chance = self._world.chance
        found: dict[int, str] = {}
        if not chance.can_strike_invocations:
            return found
        for fault in STRIKING:
            if chance.strikes_at(fault, invocation.number):
                steps = STEPS[int(chance.sample(fault + " steps", invocation.number) * len(STEPS))]
                found.setdefault(1 + int(chance.sample(fault + " step", invocation.number) * steps), fault)
        return found

    def cost_s(self, invocation: Invocation) -> float:
        """Return what *invocation* costs in time beside what the handler let pass."""
        takes = self._takes
        if isinstance(takes, tuple):
            return self._world.chance.between(takes[0], takes[1], "takes", invocation.number)
        return takes(invocation.event) if callable(takes) else takes

    def take_back(self, environment: Environment) -> None:
        """Have *environment*, which is alive, wait for its next invocation."""
        environment.idle_since_s = self._world.clock.now_s
        self._idle.append(environment)

    def death_of(self, kind: Kind, invocation: Invocation) -> dict[str, Any]:
        """
        Return the payload of an invocation that ended with its environment.

        Source: aws-facts of the project, "Asynchronous invocation": the shape of a timeout and of an exit.
        """
        if kind is Kind.TIMED_OUT:
            message = f"RequestId: {invocation.request_id} Error: Task timed out after {self.timeout_s:.2f} seconds"
            return {"errorType": "Sandbox.Timedout", "errorMessage": message}
        message = f"RequestId: {invocation.request_id} Error: Runtime exited with error: exit status 1"
        return {"errorType": "Runtime.ExitError", "errorMessage": message}

    def _take_idle(self, number: int) -> Environment | None:
        now_s, chance = self._world.clock.now_s, self._world.chance
        idle = self._idle
        while idle:
            if len(idle) > 1:
                place = int(chance.sample("environment", number) * len(idle))
                idle[place], idle[-1] = idle[-1], idle[place]
            environment = idle.pop()
            if now_s - environment.idle_since_s <= environment.idle_for_s:
                return environment
        return None

    def _start_cold(self, invocation: Invocation) -> None:
        world = self._world
        world.activate(None)  # a new process knows nothing
        environment = Environment(world, self, self._make, world.environments + 1)
        world.begin(environment)
        environment.handle(invocation)


def _request_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"
