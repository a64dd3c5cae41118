"""A live execution environment: coroutines that are told what happens, and stand still until they are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda._core.idempotency import owner_of
from resilient_lambda.errors import RetryableError, StoreUnavailableError
from resilient_lambda.stores import Conflict, Stored

from .stepping import Actor, EnvironmentEndedError, StepBeat, StepIo
from .table import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeAlias

    from resilient_lambda._policies.claim import ActiveClaim

    from .table import Table

    Protocol: TypeAlias = Callable[["Environment", StepIo], Callable[[tuple[int, ...]], Coroutine[Any, Any, None]]]

TRIES = 4  # how often the library repeats a store call


class Told(NamedTuple):
    """
    What happens to an environment.

    Attributes:
        how: ``deliver``, ``begin``, ``answer``, ``error`` (no answer, once), ``outage`` (nor to its repetitions),
            ``fail`` (the user's function), ``beat``.
        actor: To whose step.
        what: The number of the answer; which records are delivered.
    """

    how: str
    actor: str = ""
    what: Any = None


class Trusted(NamedTuple):
    """
    A claim under which the user's function has begun.

    Attributes:
        until_s: Until when the environment trusts it; 0 if it does not.
    """

    key: str
    owner: str
    until_s: float
    is_lost: bool


class Delivered(NamedTuple):
    """
    How a delivery has ended.

    Attributes:
        failed: Numbers of the records that come again.
        acknowledged: Keys of those that do not.
        journalled: Keys whose success this environment could not record, in this delivery or an earlier one.
        met: Owners that the store has shown in progress in this delivery, with their keys.
        had_outage: True if a store call failed although it was repeated.
        owner_prefixes: What the owners of this environment's claims begin with: per delivery, this one's last.
    """

    failed: tuple[int, ...]
    acknowledged: frozenset[str]
    journalled: frozenset[str]
    met: frozenset[tuple[str, str]]
    had_outage: bool
    owner_prefixes: tuple[str, ...]


class Environment:
    """
    One live environment of a worker.

    Args:
        protocol: Is called once, as the environment starts; returns ``deliver(records) -> coroutine``.
    """

    def __init__(self, name: str, delivery: int, protocol: Protocol, table: Table, *, colour: bool) -> None:
        self.name = name
        self.delivery = delivery - 1
        self._first_delivery = delivery
        self.now_s = 0.0
        self.runs = 0
        self.run_s = 0.0
        self.was_clock_read = False
        self.is_ended = False
        self.beat: StepBeat | None = None
        self.records: tuple[int, ...] = ()
        self.met: set[tuple[str, str]] = set()
        self.effects: list[tuple[str, int]] = []
        self.claims: list[ActiveClaim] = []
        self.delivered: Delivered | None = None
        self.journalled: set[str] = set()
        self.acknowledged: set[str] = set()
        self.failed: tuple[int, ...] = ()
        self.had_outage = False
        self.known: set[str] = set()
        self._tokens = 0
        self._table = table
        self._actors: dict[str, Actor] = {}
        self._deliver = protocol(self, StepIo(self, is_asynchronous=colour))

    def next_token(self) -> str:
        self._tokens += 1
        return f"{self.owner_prefix}{self._tokens}"

    @property
    def owner_prefix(self) -> str:
        return f"{self.name}{self.delivery}x"

    def tell(self, told: Told, now_s: float) -> None:
        """Let *told* happen, and everything that follows without anybody's choice."""
        self.now_s = now_s
        self.was_clock_read = False
        self.effects.clear()
        actor = self._actors.get(told.actor)
        if told.how == "deliver":
            self._begin_delivery(told.what)
        elif told.how == "beat":
            assert self.beat is not None
            self.beat.begin()
        else:
            assert actor is not None
            self._resume(actor, told)
        self._settle()

    def _begin_delivery(self, records: tuple[int, ...]) -> None:
        self.delivery += 1
        self.records = records
        self.beat, self.delivered, self.had_outage, self._tokens = None, None, False, 0
        for group in (self.met, self.claims, self.acknowledged, self._actors):
            group.clear()
        self._actors[self.name] = Actor(self._deliver(records))

    def _resume(self, actor: Actor, told: Told) -> None:
        step = actor.pending
        assert step is not None
        if told.how == "begin" or (told.how == "answer" and told.what is None):
            actor.give(None)
        elif told.how == "fail":
            actor.throw(RetryableError("without effect"))
        elif told.how == "answer":
            actor.give(_fresh(self._table.answers[told.what]))
        elif told.how == "error":
            actor.throw(StoreUnavailableError("the answer was lost"))
        else:
            self._outage(actor, told.what)

    def meet(self, call: Any, answer: Any) -> None:
        """Note who was met in a conflict."""
        answers = answer if isinstance(answer, list) else [answer]
        if not any(isinstance(one, Conflict) for one in answers):
            return
        for key, one in zip(Operation.of(*call).keys, answers, strict=True):
            if isinstance(one, Conflict) and one.current is not None and one.current["status"] == "IN_PROGRESS":
                self.met.add((key, owner_of(str(one.current["version"]))))

    def warm_up(self, deliver: Callable[[tuple[int, ...]], Any], records: tuple[int, ...]) -> None:
        """*deliver* while nobody disturbs: afterwards the environment knows how long a run takes."""
        self._deliver = deliver
        self._begin_delivery(records)
        while self.delivered is None:
            for actor in list(self._actors.values()):
                step = actor.pending
                if step is not None and step.kind != "wait":
                    is_bulk = step.kind == "store" and step.call[0] == "put_many_if"
                    actor.give(
                        None if step.kind != "store" else [Stored()] * len(step.call[1][0]) if is_bulk else Stored()
                    )
            self._settle()
        self.delivery -= 1
        self.known.clear()

    def _outage(self, actor: Actor, answer: int | None) -> None:
        # The operation and all repetitions of it fail; with an answer, those of its entries that have none.
        self.had_outage = True
        assert actor.pending is not None
        operation = Operation.of(*actor.pending.call)
        keys, names = set(operation.keys), {operation.name}
        tries = TRIES
        if answer is not None:
            entries = _fresh(self._table.answers[answer])
            keys = {key for key, entry in zip(operation.keys, entries, strict=True) if isinstance(entry, Exception)}
            names = {"put_if", "put_many_if"}
            tries -= 1
            actor.give(entries)
        for _ in range(tries):
            if actor.pending is None or actor.pending.kind != "store":
                break
            pending = Operation.of(*actor.pending.call)
            if pending.name not in names or not keys.issuperset(pending.keys):
                break
            actor.throw(StoreUnavailableError("the store does not answer"))

    def _settle(self) -> None:
        is_moving = True
        while is_moving:
            is_moving = False
            for actor in list(self._actors.values()):
                if actor.pending is not None and actor.pending.kind == "wait" and actor.pending.is_ready():
                    actor.give(None)
                    is_moving = True
        main = self._actors[self.name]
        if main.is_done:
            if main.error is not None:
                raise main.error
            self.delivered = Delivered(
                self.failed,
                frozenset(self.acknowledged),
                frozenset(self.journalled),
                frozenset(self.met),
                self.had_outage,
                tuple(f"{self.name}{delivery}x" for delivery in range(self._first_delivery, self.delivery + 1)),
            )

    def add(self, kind: str, coroutine: Any) -> Actor:
        """Start a coroutine beside the main one."""
        number = sum(name.startswith(f"{self.name}-{kind}") for name in self._actors)
        actor = self._actors[f"{self.name}-{kind}{number + 1}"] = Actor(coroutine)
        return actor

    def steps(self) -> tuple[tuple[str, str, int], ...]:
        """Return what could happen next."""
        found = []
        for name, actor in self._actors.items():
            step = actor.pending
            if step is not None and step.kind != "wait":
                operation = self._table.number_of(Operation.of(*step.call)) if step.kind == "store" else -1
                found.append((name, step.kind, operation))
        return tuple(found)

    def trusted(self) -> tuple[Trusted, ...]:
        """Return the claims that the user's function has seen, as this environment sees them now."""
        if self.delivered is not None:
            return ()
        return tuple(
            Trusted(
                claim.key,
                owner_of(claim.entry.version),
                0.0 if claim.is_lost or claim.is_settled else claim.entry.lease_until_s,
                claim.is_lost,
            )
            for claim in self.claims
        )

    def end(self) -> None:
        """End every coroutine where it stands."""
        self.is_ended = True
        for actor in list(self._actors.values()):
            while actor.coroutine.cr_frame is not None:
                with suppress(BaseException):
                    actor.coroutine.throw(EnvironmentEndedError())


def _fresh(answer: Any) -> Any:
    # An exception that was raised before carries where; and lists are not shared.
    if isinstance(answer, list):
        return [StoreUnavailableError("this entry failed") if entry is None else entry for entry in answer]
    return answer
