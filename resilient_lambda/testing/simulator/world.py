"""What all parts of a simulation share: time, chance, what happened, and which environment is running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .clock import Clock
from .history import Happening, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from .chance import Chance
    from .environment import Environment
    from .function import Function
    from .invocations.relays import Bucket


MOST_INVOCATIONS = 100_000


class Effect(NamedTuple):
    """
    Something that took effect outside.

    Attributes:
        at_s: Seconds since the epoch.
        number: Its place among all that happened.
    """

    key: Hashable
    at_s: float
    number: int
    environment: int
    invocation: int


class Memory(Protocol):
    """Something that a process knows by itself: each environment has its own."""

    def swap_memory(self, memory: Any) -> Any:
        """Put *memory*, None for a new one, in the place of what there is, and return that."""
        ...


class World:
    """
    What all parts of a simulation share.

    Attributes:
        active: The environment whose code is running; None outside of all.
        memories: Whose memory is each environment's own.
        effects: What took effect, in order.
        happenings: Everything that happened, in order.
        invocations: How many there were.
        functions: All that were deployed.
        buckets: Those that get records, by name.
        effect_names: By table, the attribute that names the effect of an item that is committed.
        most_invocations: How many there may be.
        prepare: Called right before a handler.
        tidy: Called right after it.
        advance: Lets time pass inside an environment, with what goes on there meanwhile.
    """

    def __init__(self, chance: Chance, *, start_s: float, patience_s: float) -> None:
        self.clock = Clock(start_s, patience_s=patience_s)
        self.chance = chance
        self.active: Environment | None = None
        self.memories: dict[Memory, None] = {}
        self.effects: list[Effect] = []
        self.happenings: list[Happening] = []
        self.invocations = 0
        self.most_invocations = MOST_INVOCATIONS
        self.sources: list[Any] = []
        self.functions: list[Function] = []
        self.buckets: dict[str, Bucket] = {}
        self._soon: list[Callable[[], None]] = []
        self._outages: dict[int, bool] = {}
        self.effect_names: dict[str, str] = {}
        self._seen: set[Hashable] = set()
        self._outside: dict[Any, Any] = {}
        self._known: list[Environment] = []
        self.prepare: Callable[[], None] | None = None
        self.tidy: Callable[[], None] | None = None
        self.advance: Callable[[Environment, float], None] | None = None

    def soon(self, action: Callable[[], None]) -> None:
        """Have *action* done when time goes on: a test may say after it has sent something what goes wrong with it."""
        if not self._soon:
            self.clock.after(0.0, self._do_soon)
        self._soon.append(action)

    def _do_soon(self) -> None:
        actions, self._soon = self._soon, []
        for action in actions:
            action()

    def next_invocation(self) -> int:
        """
        Return the number of a new invocation.

        Raises:
            RuntimeError: There are too many.
        """
        self.invocations += 1
        if self.invocations > self.most_invocations:
            raise RuntimeError(
                f"{MOST_INVOCATIONS:,} invocations, and no end: does a source retry for ever what fails for ever? "
                "run(for_s=...) ends after some time"
            )
        return self.invocations

    def begin(self, environment: Environment) -> None:
        """Take notice of a new environment."""
        self._known.append(environment)

    @property
    def environments(self) -> int:
        """How many environments there were."""
        return len(self._known)

    def is_out(self, length_s: float) -> bool:
        """Tell whether the store is out: time is cut into pieces of *length_s*, and chance decides for each."""
        if not self.chance.faults.store_outage:
            return False
        piece = int(self.clock.now_s / length_s)
        found = self._outages.get(piece)
        if found is None:
            found = self._outages[piece] = self.chance.strikes_at("store_outage", piece)
        return found

    def activate(self, environment: Environment | None) -> None:
        """Have the process's memory be that of *environment*, or of the test."""
        before = self.active
        if environment is before:
            return
        self.active = environment
        if not self.memories:
            return
        kept = self._outside if before is None else before.memory
        wanted = self._outside if environment is None else environment.memory
        for memory in self.memories:
            kept[memory] = memory.swap_memory(wanted.pop(memory, None))

    def share(self, memory: Memory) -> None:
        """Have *memory*, met for the first time in the environment that runs, be each environment's own."""
        if memory not in self.memories:
            self.memories[memory] = None
            self._outside[memory] = memory.swap_memory(None)

    def forget_memories(self) -> list[Environment]:
        """Give the process its own memory back; return the environments, which keep theirs."""
        self.activate(None)
        return self._known

    def running(self) -> Environment:
        """
        Return the environment that is running.

        Raises:
            RuntimeError: None is.
        """
        if self.active is None:
            raise RuntimeError("this is for code of a handler: no environment of the simulation is running")
        return self.active

    def committed(self, items: Sequence[Mapping[str, Any]], environment: Environment) -> None:
        """Take notice of the items of a transaction: those of some tables are effects."""
        for item in items:
            for operation, parameters in item.items():
                name = self.effect_names.get(parameters.get("TableName"))
                if name is not None and operation != "ConditionCheck":
                    value = {**parameters.get("Key", {}), **parameters.get("Item", {})}.get(name)
                    # Plain, or as DynamoDB writes it: {"S": "a"}.
                    self.keep_effect(next(iter(value.values())) if isinstance(value, dict) else value, environment)

    def note(
        self,
        kind: Kind,
        source: str,
        ids: Sequence[str],
        *,
        environment: Environment | None = None,
        invocation: int = 0,
        text: str = "",
    ) -> None:
        """Keep what happened."""
        number = 0
        if environment is not None:
            number = environment.number
            if not invocation and environment.invocation is not None:
                invocation = environment.invocation.number
        self.happenings.append(Happening(self.clock.now_s, kind, source, ids, number, invocation, text))

    def effect(self, key: Hashable, once: Hashable | None = None) -> bool:
        """Let something take effect outside, from the environment that is running; see `Delivery.effect`."""
        environment = self.running()
        environment.step(f"before the effect {key!r}")
        is_new = once is None or once not in self._seen
        if is_new:
            self._seen.add(once)
            self.keep_effect(key, environment)
        environment.step(f"after the effect {key!r}")
        return is_new

    def keep_effect(self, key: Hashable, environment: Environment) -> None:
        """Take notice that something took effect."""
        invocation = environment.check_alive()
        number = len(self.happenings)
        self.effects.append(Effect(key, self.clock.now_s, number, environment.number, invocation.number))
        self.note(Kind.EFFECT, invocation.source, invocation.ids, environment=environment, text=str(key))
