"""
Execution environments: processes that load the handler, run one invocation at a time, and are frozen in between.

Source: "Lambda execution environment lifecycle", AWS Lambda Developer Guide.
"""

from __future__ import annotations

import json
from decimal import Decimal
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn

from ..events import LambdaContext
from .clock import MOST_REFUSALS
from .history import Kind
from .invocation import LATEST, Killed, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from .function import Function
    from .invocation import Invocation
    from .world import World

# Lambda says nothing of how long an idle environment lives; minutes have been seen.
IDLE_S = (300.0, 900.0)
MOST_STEPS_AFTER_THAW = 6
LONGEST_FREEZE_S = 120.0


class Environment:
    """
    One execution environment.

    Attributes:
        number: Counts the environments of the simulation, from 1.
        idle_for_s: After how long without an invocation it is gone.
        skew_s: By how much its clock is wrong.
        memory: What its process knows, by whose knowledge it is; kept here while another environment runs.
        is_dead: Nothing runs in it any more.
    """

    def __init__(
        self, world: World, function: Function, load: Callable[[], Callable[[Any, Any], Any]], number: int
    ) -> None:
        self.number = number
        self.memory: dict[Any, Any] = {}
        self.is_dead = False
        self.idle_since_s = 0.0
        self.idle_for_s = world.chance.between(*IDLE_S, "idle", number)
        self.skew_s = world.chance.skew_s(number)
        self.invocation: Invocation | None = None
        self._thread = 0
        self._refused = 0
        self._world = world
        self._function = function
        self._load = load
        self._handler: Callable[[Any, Any], Any] | None = None

    def now_s(self) -> float:
        """Return the time by this environment's clock."""
        return self._world.clock.now_s + self.skew_s

    def handle(self, invocation: Invocation) -> None:
        """Run the handler; the source hears of it when the handler's time has passed."""
        world, function = self._world, self._function
        began_s = world.clock.now_s
        self.invocation = invocation
        invocation.thread = self._thread = get_ident()
        invocation.ends_at_s = began_s + function.timeout_s
        invocation.strikes = function.strikes_of(invocation)
        world.activate(self)
        world.note(Kind.STARTED, invocation.source, invocation.ids, environment=self)
        context = LambdaContext(
            function.name, timeout_s=function.timeout_s, request_id=invocation.request_id, clock=self.now_s
        )
        if invocation.qualifier != LATEST:
            context.invoked_function_arn += f":{invocation.qualifier}"
            context.function_version = function.version_of(invocation.qualifier)
        try:
            result = self._run(invocation, context)
        except Killed:
            return
        finally:
            if world.tidy is not None:
                world.tidy()
            world.activate(None)
        if invocation.is_over:  # it froze, and was given up
            self.is_dead = True
            return
        ends_at_s = world.clock.now_s + function.cost_s(invocation)
        strikes = invocation.strikes
        late = next((strikes[step] for step in strikes if step > invocation.steps), None) if strikes else None
        if ends_at_s >= invocation.ends_at_s or late in {"timeout", "freeze"}:
            world.clock.at(invocation.ends_at_s, lambda: self._end_dead(Kind.TIMED_OUT))
        elif late == "crash":
            world.clock.at(ends_at_s, lambda: self._end_dead(Kind.CRASHED))
        else:
            world.clock.at(ends_at_s, lambda: self._end(result))

    def step(self, name: str) -> None:
        """
        Pass a point at which something may go wrong.

        Raises:
            Killed: It did.
        """
        invocation = self.check_alive()
        invocation.steps += 1
        if invocation.steps_left is not None:
            invocation.steps_left -= 1
            if invocation.steps_left <= 0:
                self.is_dead = True
                raise Killed
        kind = invocation.strikes.get(invocation.steps)
        if kind is None or invocation.is_over:
            return
        if kind == "crash":
            self.die(Kind.CRASHED, f"at {name}")
        elif kind == "timeout":
            self.pass_time(2 * self._function.timeout_s)  # whoever can be cut short, is
        else:
            self._freeze(invocation, name)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with what else goes on in the environment."""
        advance = self._world.advance
        if advance is None:
            self.work(seconds)
        else:
            advance(self, seconds)

    def work(self, seconds: float) -> None:
        """
        Let time pass.

        Raises:
            Killed: The function's time was up.
        """
        invocation, clock = self.check_alive(), self._world.clock
        ends_at_s = clock.now_s + seconds
        if ends_at_s >= invocation.ends_at_s and not invocation.is_over:
            self._wait_until(invocation.ends_at_s)
            self.die(Kind.TIMED_OUT)
        self._wait_until(ends_at_s)

    def next_call(self) -> tuple[int, int]:
        """Return the name of a new call to a store or a sink: the numbers of the invocation and of the call in it."""
        invocation = self.check_alive()
        invocation.calls += 1
        return invocation.number, invocation.calls

    def dies_in(self, steps: int) -> bool:
        """Tell whether the environment dies at one of the next *steps* steps."""
        invocation = self.check_alive()
        return any(
            kind == "crash" and invocation.steps < step <= invocation.steps + steps
            for step, kind in invocation.strikes.items()
        )

    def check_alive(self) -> Invocation:
        """
        Return what is being run.

        Raises:
            Killed: Nothing is.
            RuntimeError: This is a thread that the handler has started.
        """
        invocation = self.invocation
        if self.is_dead or invocation is None:
            self._refused += 1
            if self._refused > MOST_REFUSALS and get_ident() == self._thread:
                self._world.note(
                    Kind.FAULT, "", (), environment=self, text="the handler swallows the end of its process"
                )
                self._world.activate(None)
                self._world.clock.abandon()
            raise Killed
        if get_ident() != invocation.thread:
            raise RuntimeError(
                "only the thread that runs the handler is simulated: no delivery.work, step or effect, no store call, "
                "in one that the handler has started"
            )
        return invocation

    def die(self, kind: Kind, text: str = "") -> NoReturn:
        """
        End here and now.

        Raises:
            Killed: Always.
        """
        invocation = self.check_alive()
        self.is_dead = True
        self._report(invocation, Result(kind, self._function.death_of(kind, invocation)), text)
        raise Killed

    def _run(self, invocation: Invocation, context: Any) -> Result:
        try:
            if self._handler is None:
                self._handler = self._load()
            if self._world.prepare is not None:
                self._world.prepare()
            # What an environment gets is JSON, and so is what it sends: nothing is shared with the outside.
            answer = self._handler(invocation.event, context)
            if answer is not None:
                answer = self._as_json(answer)
        except Killed:
            raise
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except SystemExit as error:
            self.die(Kind.CRASHED, f"exit status {error.code}")
        except Exception as error:
            return Result(Kind.FAILED, _payload_of(error, invocation.request_id))
        if self.is_dead:  # it swallowed the end of its environment
            raise Killed
        return Result(Kind.ANSWERED, answer)

    def _as_json(self, answer: Any) -> Any:
        if answer == {"batchItemFailures": []}:
            return answer
        try:
            return json.loads(json.dumps(answer, default=_number_of))
        except Exception as error:
            # The runtime client says this of an answer that is no JSON.
            raise _MarshalError(f"Unable to marshal response: {error}") from error

    def _freeze(self, invocation: Invocation, name: str) -> None:
        world = self._world
        chance = world.chance
        world.note(Kind.FROZE, invocation.source, invocation.ids, environment=self, text=f"at {name}")
        thaws_at_s = invocation.ends_at_s + chance.between(0.0, LONGEST_FREEZE_S, "thaw", invocation.number)
        invocation.steps_left = 1 + int(chance.between(0, MOST_STEPS_AFTER_THAW, "steps after", invocation.number))
        world.clock.at(
            invocation.ends_at_s,
            lambda: self._report(
                invocation, Result(Kind.TIMED_OUT, self._function.death_of(Kind.TIMED_OUT, invocation)), ""
            ),
        )
        self._wait_until(thaws_at_s)
        world.note(Kind.THAWED, invocation.source, invocation.ids, environment=self)

    def _wait_until(self, time_s: float) -> None:
        self._world.clock.wait_until(time_s)
        self._world.activate(self)

    def _end_dead(self, kind: Kind) -> None:
        if self.is_dead or self.invocation is None:
            return
        self.is_dead = True
        self._report(self.invocation, Result(kind, self._function.death_of(kind, self.invocation)), "")

    def _end(self, result: Result) -> None:
        invocation = self.invocation
        if self.is_dead or invocation is None:
            return
        self.invocation = None
        if self._handler is not None:
            self._function.take_back(self)
        self._report(invocation, result, "")

    def _report(self, invocation: Invocation, result: Result, text: str) -> None:
        if invocation.is_over:
            return
        self._function.busy -= 1  # before anybody hears of it, who may invoke again at once
        if not text and result.kind is Kind.FAILED:
            text = f"{result.answer['errorType']}: {result.answer['errorMessage']}"
        elif result.kind is Kind.ANSWERED and result.answer not in (None, {"batchItemFailures": []}):
            text = json.dumps(result.answer)
        self._world.note(
            result.kind, invocation.source, invocation.ids, environment=self, invocation=invocation.number, text=text
        )
        invocation.end(result)


class _MarshalError(Exception):
    pass


def _number_of(value: Any) -> float:
    # The runtime client takes what DynamoDB returns.
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _payload_of(error: Exception, request_id: str) -> dict[str, Any]:
    """Return what the runtime client reports of an exception; without the stack, which would differ by machine."""
    name = "Runtime.MarshalError" if isinstance(error, _MarshalError) else type(error).__name__
    return {"errorMessage": str(error), "errorType": name, "requestId": request_id, "stackTrace": []}
