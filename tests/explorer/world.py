"""
The world of the explorer: workers over one table, with every fault at every step.

Each worker is given the same events and runs a protocol whose every store operation, and whose call of the user's
function, is a step that happens when, and how, the explorer chooses. Bounds say how often each kind of fault may strike
in one schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import invariants
from .environment import Told
from .moments import Environments
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from resilient_lambda.stores import MemoryStore

    from .engine import Action
    from .environment import Protocol
    from .moments import Moment
    from .table import Operation

OVER = -1
START_S = 1_000_000.0


class Bounds(NamedTuple):
    """How often each thing may happen in one schedule."""

    ticks: int = 0  # time passes, by ``tick_s`` each
    crashes: int = 0  # a worker dies, also in the middle of a bulk write
    losses: int = 0  # a store call, or one entry of it, is not answered, with or without effect; repeated, it is
    outages: int = 0  # a store call, or one entry of it, and all its repetitions are not answered
    failures: int = 0  # the user's function fails, without effect
    beats: int = 0  # heartbeats
    redeliveries: int = 0  # per worker


PLACES = {name: place for place, name in enumerate(Bounds._fields)}


class State(NamedTuple):
    """
    One state of the world.

    Attributes:
        contents: The number of the table's contents.
        workers: Of each the number of its moment, `OVER`, or below that where it crashed.
        used: How much of each bound is used up.
        effects: By key and lapses, what the user's function has done.
    """

    contents: int
    tick: int
    workers: tuple[int, ...]
    used: tuple[int, ...]
    effects: frozenset[tuple[str, int]]


class StoreWorld:
    """
    Workers over one store; see the module.

    Args:
        protocols: By worker's name.
        records: How many records each worker is given.
        keys: All keys that can be stored.
        has_ledger: True if the user's function writes a ledger row together with the completion.
        checks_all: False to check only that no effect is repeated.
        tick_s: How far a tick moves the clock.
    """

    def __init__(
        self,
        protocols: Mapping[str, Protocol],
        bounds: Bounds,
        make_store: Callable[[], MemoryStore],
        *,
        records: int,
        keys: Sequence[str],
        is_asynchronous: bool = False,
        has_ledger: bool = False,
        checks_all: bool = True,
        tick_s: float = 6.0,
    ) -> None:
        self._tick_s = tick_s
        self._names = tuple(protocols)
        self._bounds = bounds
        self._records = tuple(range(records))
        self._has_ledger = has_ledger
        self._checks_all = checks_all
        self.table = Table(make_store, keys, has_ledger=has_ledger, checks=checks_all)
        self.environments = Environments(dict(protocols), self.table, colour=is_asynchronous)
        self._crashed: list[tuple[int, tuple[int, ...]]] = []

    def begin(self) -> State:
        moments = [self.environments.start(name, 0, self._records, START_S) for name in self._names]
        return State(0, 0, tuple(moment.number for moment in moments), (0,) * len(self._bounds), frozenset())

    def close(self) -> None:
        """End what is live."""
        self.environments.close()

    def following(self, state: State) -> Iterator[tuple[Action, State, str | None]]:
        """Yield what can happen in *state*."""
        is_anything_left = False
        for place, name in enumerate(self._names):
            for one in self._following(state, place, name):
                is_anything_left = True
                yield one
        if is_anything_left and self._is_left(state, "ticks"):
            after = state._replace(tick=state.tick + 1, used=self._use(state.used, "ticks"))
            yield ("tick",), after, self._problem(after)

    def _following(self, state: State, place: int, name: str) -> Iterator[tuple[Action, State, str | None]]:
        number = state.workers[place]
        if number == OVER:
            return
        if number < OVER:
            delivery, records = self._crashed[OVER - 1 - number]
            following = self.environments.start(name, delivery + 1, records, self._now_s(state))
            yield self._step(("redeliver", name), state, place, following)
            return
        moment = self.environments.moments[number]
        if moment.delivered is not None:
            told = Told("deliver", what=moment.delivered.failed or moment.records)
            yield self._tell(("redeliver", name), state, place, moment, told)
            return
        for actor, kind, operation in moment.steps:
            if kind == "store":
                yield from self._call(state, place, moment, actor, operation)
                continue
            told = Told("begin" if kind == "begin" else "answer", actor)
            yield self._tell(("go", actor), state, place, moment, told)
            if kind == "work" and self._is_left(state, "failures"):
                yield self._tell(("fail", actor), state, place, moment, Told("fail", actor), uses="failures")
        if self._is_left(state, "crashes"):
            yield self._crash(("crash", name), state, place, moment)
        if moment.can_beat and self._is_left(state, "beats"):
            yield self._tell(("beat", name), state, place, moment, Told("beat"), uses="beats")

    def _call(
        self, state: State, place: int, moment: Moment, actor: str, number: int
    ) -> Iterator[tuple[Action, State, str | None]]:
        """Yield all that can become of one call of the store."""
        operation = self.table.operations[number]
        contents, answer, problem = self.table.do(state.contents, number)
        done = state._replace(contents=contents)
        if problem is not None:
            yield ("go", actor), done, problem
            return
        yield self._tell(("go", actor), done, place, moment, Told("answer", actor, answer))
        lost, out = Told("error", actor), Told("outage", actor)
        if self._is_left(state, "losses") and operation.is_write:
            yield self._tell(("lose", actor), done, place, moment, lost, uses="losses")
        if self._is_left(state, "losses") and not operation.is_write:
            yield self._tell(("lose", actor), state, place, moment, lost, uses="losses")
        if self._is_left(state, "outages"):
            yield self._tell(("outage", actor), state, place, moment, out, uses="outages")
            if operation.is_write:
                yield self._tell(("unknown", actor), done, place, moment, out, uses="outages")
        if operation.name == "put_many_if":
            yield from self._call_in_parts(state, place, moment, actor, operation, done, answer)

    def _call_in_parts(
        self, state: State, place: int, moment: Moment, actor: str, operation: Operation, done: State, answer: int
    ) -> Iterator[tuple[Action, State, str | None]]:
        count = len(operation.keys)
        for missing in range(count):
            others = [n for n in range(count) if n != missing]
            undone, answers, problem = self._do_only(state, operation, others)
            answers.insert(missing, None)
            told = self.table.answer_number(answers)
            lost = list(self.table.answers[answer])
            lost[missing] = None
            lost_told = self.table.answer_number(lost)
            at = f"{missing + 1} of {count}"
            if self._is_left(state, "losses"):
                yield self._tell(
                    ("lose", actor, at), done, place, moment, Told("answer", actor, lost_told), uses="losses"
                )
                yield self._tell(
                    ("undo", actor, at), undone, place, moment, Told("answer", actor, told), problem, uses="losses"
                )
            if self._is_left(state, "outages"):
                yield self._tell(
                    ("unknown", actor, at), done, place, moment, Told("outage", actor, lost_told), uses="outages"
                )
                yield self._tell(
                    ("outage", actor, at), undone, place, moment, Told("outage", actor, told), problem, uses="outages"
                )
        if self._is_left(state, "crashes"):
            for prefix in range(1, count):
                partly, _, problem = self._do_only(state, operation, range(prefix))
                yield self._crash(("crash", actor, f"after {prefix} of {count}"), partly, place, moment, problem)

    def _do_only(
        self, state: State, operation: Operation, entries: Sequence[int]
    ) -> tuple[State, list[Any], str | None]:
        number = self.table.number_of(operation.only(entries))
        contents, answer, problem = self.table.do(state.contents, number)
        return state._replace(contents=contents), list(self.table.answers[answer]), problem

    def _tell(
        self,
        action: Action,
        state: State,
        place: int,
        moment: Moment,
        told: Told,
        problem: str | None = None,
        *,
        uses: str = "",
    ) -> tuple[Action, State, str | None]:
        following = self.environments.after(moment, told, self._now_s(state))
        return self._step(action, state, place, following, problem, uses=uses)

    def _step(
        self,
        action: Action,
        state: State,
        place: int,
        following: Moment,
        problem: str | None = None,
        *,
        uses: str = "",
    ) -> tuple[Action, State, str | None]:
        effects = state.effects
        for effect in following.effects:
            if effect in effects:
                problem = problem or f"the effect of {effect[0]} was repeated although no lease had lapsed"
            effects = effects | {effect}
        number = following.number
        used = self._use(state.used, uses) if uses else state.used
        after = State(state.contents, state.tick, _replaced(state.workers, place, number), used, effects)
        problem = problem or self._problem(after)
        delivered = following.delivered
        if delivered is not None:
            if problem is None and self._checks_all:
                problem = invariants.problem_at_end(
                    self.table.contents[after.contents],
                    delivered,
                    {key for key, _ in effects} if not self._has_ledger else self.table.contents[after.contents].rows,
                    self._now_s(state),
                )
            is_last = following.delivery >= self._bounds.redeliveries
            if is_last or not (delivered.failed or delivered.journalled):
                after = after._replace(workers=_replaced(state.workers, place, OVER))
        return action, after, problem

    def _crash(
        self, action: Action, state: State, place: int, moment: Moment, problem: str | None = None
    ) -> tuple[Action, State, str | None]:
        number = OVER
        if moment.delivery < self._bounds.redeliveries:
            where = (moment.delivery, moment.records)
            if where not in self._crashed:
                self._crashed.append(where)
            number = OVER - 1 - self._crashed.index(where)
        used = self._use(state.used, "crashes")
        return action, state._replace(workers=_replaced(state.workers, place, number), used=used), problem

    def _problem(self, state: State) -> str | None:
        if not self._checks_all:
            return None
        entries = self.table.contents[state.contents].entries
        for number in state.workers:
            moment = self.environments.moments[number] if number > OVER else None
            if moment is None:
                continue
            if moment.is_stuck:
                return f"{moment.root} waits for something that will never happen"
            for claim in moment.claims:
                problem = invariants.problem_of_claim(claim, entries.get(claim.key), self._now_s(state), moment.root)
                if problem is not None:
                    return problem
        return None

    def _now_s(self, state: State) -> float:
        return START_S + state.tick * self._tick_s

    def _is_left(self, state: State, kind: str) -> bool:
        at = PLACES[kind]
        return state.used[at] < self._bounds[at]

    @staticmethod
    def _use(used: tuple[int, ...], kind: str) -> tuple[int, ...]:
        at = PLACES[kind]
        return _replaced(used, at, used[at] + 1)


def _replaced(values: tuple[int, ...], at: int, value: int) -> tuple[int, ...]:
    return (*values[:at], value, *values[at + 1 :])
