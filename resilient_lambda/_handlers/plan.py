"""What a decorator works out once, at import: options checked, annotation resolved, policies composed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .._core.functions import is_coroutine_function
from .._core.options import number, one_of
from .._core.pace import Pace
from .._io.initialising import is_initialising
from .._policies.order import check_order, disabled, kind_of, without
from ..errors import ConfigurationError
from .parameters import parameter_of
from .signature import read_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from .._core.classify import Classifier
    from .._core.model import Disposition, Failure, Outcome
    from .._core.sources import Delivery, Source
    from .._io.base import Io
    from .._policies.call import Call, Invocation
    from .._policies.compose import Policy
    from ..events import Observer
    from ..sinks import DeadLetter
    from .visibility import VisibilityOption


class Plan:
    """
    One decorated function and all that its options say.

    Attributes:
        function: The user's function.
        signature: What it looks like.
        parameter: How its first parameter is filled.
        policies: Those that operators have not switched off, outermost first.
        dead_letter: The sink, None if there is none or operators switched it off.
        given_idempotency: True if there is an Idempotency policy, also one that operators have switched off.
        has_idempotency: True if there is one that works.
        is_plain: True if nothing stands between the loop and the function.
        window_end: What is called at the end of a tumbling window, None if nothing is.
        asks_receives: True if the receive count must stand in for real attempts, which Idempotency alone counts.

    The rest is made by `equip`, when the plan is warmed or any of it is first asked for.

    Attributes:
        call: Makes a run of the function: a `Call`.
        classifier: Says of failures whether another try can help.
        dispose: Decides what becomes of a record that failed, after so many attempts.
        invocation: Makes an `Invocation`.
        io: What policies may do to the world.
        run: Runs a `Call` through all policies.
    """

    __slots__ = (
        "__weakref__",
        "asks_receives",
        "call",
        "classifier",
        "concurrency",
        "dead_letter",
        "dispose",
        "function",
        "given_classifier",
        "given_idempotency",
        "has_idempotency",
        "interrupts",
        "invocation",
        "io",
        "is_plain",
        "margin_s",
        "max_attempts",
        "observers",
        "pace",
        "parameter",
        "policies",
        "raise_if_all_failed",
        "retires",
        "run",
        "signature",
        "stop_lane_on_dead_letter",
        "takes_lane",
        "visibility",
        "window_end",
    )

    if TYPE_CHECKING:
        call: Callable[..., Call]
        classifier: Classifier
        dispose: Callable[[Failure, int | None], Disposition]
        invocation: Callable[[Io, Source, Any], Invocation]
        io: Io
        run: Callable[[Call], Coroutine[Any, Any, Outcome]]
    else:

        def __getattr__(self, name: str) -> Any:
            if name not in _EQUIPMENT:
                raise AttributeError(f"a plan has no {name!r}")
            self._equip()
            return getattr(self, name)

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        policies: Sequence[Policy],
        dead_letter: DeadLetter | None,
        observers: Sequence[Observer],
        classifier: Classifier | None,
        model: Any,
        raw: bool,
        max_attempts: int | None,
        margin_s: float | None,
        local_names: Mapping[str, Any],
        is_event: bool,
        takes_lane: bool = False,
        concurrency: int = 1,
        stop_lane_on_dead_letter: bool = False,
        raise_if_all_failed: bool = False,
        visibility: Any = False,
        window_end: Callable[..., Any] | None = None,
        interrupt: bool = False,
        after_interrupt: str = "retire",
    ) -> None:
        self.function = function
        self.signature = read_signature(function)
        for option, value in {
            "raw": raw,
            "lane": takes_lane,
            "stop_lane_on_dead_letter": stop_lane_on_dead_letter,
            "raise_if_all_failed": raise_if_all_failed,
            "interrupt": interrupt,
        }.items():
            if not isinstance(value, bool):
                raise ConfigurationError(f"{option}={value!r} must be True or False")
        self.parameter = parameter_of(
            function,
            self.signature,
            model=model,
            raw=raw,
            local_names=local_names,
            is_event=is_event,
            takes_lane=takes_lane,
        )
        off = disabled()
        checked = check_order(_listed("policies", policies))
        kept = (without(policy) if kind_of(policy) in off else policy for policy in checked)
        self.policies = tuple(policy for policy in kept if policy is not None)
        if dead_letter is not None:
            from ..sinks import DeadLetter as Sink  # who gives one has loaded it

            if not isinstance(dead_letter, Sink):
                raise ConfigurationError(
                    f"dead_letter={dead_letter!r} is no DeadLetter; wrap a function as DeadLetter(function) "
                    "or use DeadLetter.sqs(url=...)"
                )
            dead_letter.check(is_asynchronous=self.signature.is_asynchronous)
        self.dead_letter = None if "dead_letter" in off else dead_letter
        self.observers = tuple(_listed("observers", observers))
        for observer in self.observers:
            if not callable(observer):
                raise ConfigurationError(f"observers holds {observer!r}, which cannot be called with an event")
        if classifier is not None:
            from .._core.classify import Classifier as Judge  # who gives one has loaded it

            if not isinstance(classifier, Judge):
                raise ConfigurationError(f"classifier={classifier!r} is no Classifier; give Classifier(...)")
        self.given_classifier = classifier
        if max_attempts is not None:
            number("max_attempts", max_attempts, at_least=1, is_whole=True)
            if dead_letter is None:
                raise ConfigurationError(f"max_attempts={max_attempts} needs dead_letter=, where the record goes then")
        self.max_attempts = max_attempts if self.dead_letter is not None else None
        self.given_idempotency = any(kind_of(policy) == "idempotency" for policy in checked)
        self.has_idempotency = self.given_idempotency and "idempotency" not in off
        self.asks_receives = self.max_attempts is not None and not self.has_idempotency
        if margin_s is not None:
            number("margin_s", margin_s, at_least=0)
        number("concurrency", concurrency, at_least=1, is_whole=True)
        one_of("after_interrupt", after_interrupt, ("retire", "keep"))
        if visibility is not False and visibility != "auto":
            from .visibility import checked as checked_visibility  # and Backoff, which who gives one has loaded

            visibility = checked_visibility(visibility)
        self.margin_s = float("-inf") if "deadline" in off else margin_s
        self.takes_lane = takes_lane
        self.concurrency = concurrency
        self.stop_lane_on_dead_letter = stop_lane_on_dead_letter
        self.raise_if_all_failed = raise_if_all_failed
        self.visibility: VisibilityOption = False if "visibility" in off else visibility
        self.window_end = _checked_window_end(window_end, is_asynchronous=self.signature.is_asynchronous)
        self.interrupts = interrupt and "deadline" not in off
        self.retires = after_interrupt == "retire"
        self.is_plain = not (self.policies or concurrency > 1 or self.interrupts or takes_lane)
        self.pace = Pace()
        living.add(self)
        if is_initialising():
            self.warm()

    def warm(self) -> None:
        """Load now what the first invocation would load."""
        self._equip()
        for part in (self.parameter, self.dead_letter, *self.policies):
            warming = getattr(part, "warm", None)  # not every policy has one
            if warming is not None:
                warming()

    def _equip(self) -> None:
        from .equipment import equip  # with all that events need, and nothing at import does

        equip(self)

    def open(self, source: Source, context: Any) -> Invocation:
        """Begin an invocation."""
        io = self.current_io()
        io.end_if_tainted()
        return self.invocation(io, source, context)

    def check(self, delivery: Delivery) -> None:
        """
        Check that the handler's options fit what was delivered, before anything is run.

        Raises:
            ConfigurationError: They do not.
        """
        if self.stop_lane_on_dead_letter:
            from .._core.source_types import Answers  # an event has loaded it

            if delivery.source.answers is Answers.WHOLE:
                raise ConfigurationError(
                    f"stop_lane_on_dead_letter=True does not fit {delivery.source.name}: without partial answers the "
                    "record that was set aside comes again as well, and would stop the others each time; leave it out"
                )
        if delivery.window is not None and self.has_idempotency:
            raise ConfigurationError(
                "a handler with Idempotency cannot take tumbling windows: a record that is skipped, because it is "
                "done, would be missing in the window's state; leave out the policy, or TumblingWindowInSeconds"
            )

    def current_io(self) -> Io:
        """Return the Io to use now: a test's, or this plan's own."""
        return self.io if replacement is None else replacement(self)


_EQUIPMENT = ("call", "classifier", "dispose", "invocation", "io", "run")

# Every handler of the process, so that `resilient_lambda.testing` can make all of them forget how long runs take.
living: WeakSet[Plan] = WeakSet()

# Set by `resilient_lambda.testing`: gives every handler of the process its Io.
replacement: Callable[[Plan], Io] | None = None


def local_names_of_caller(depth: int) -> Mapping[str, Any]:
    """Return the local names *depth* frames above the caller, where the user's function is decorated."""
    return sys._getframe(depth + 1).f_locals


def _checked_window_end(function: Any, *, is_asynchronous: bool) -> Any:
    if function is None:
        return None
    if not callable(function):
        raise ConfigurationError(f"window_end={function!r} must be a function that takes the window")
    if is_coroutine_function(function) != is_asynchronous:
        raise ConfigurationError("window_end= and the handler must both be async, or neither")
    return function


def _listed(option: str, value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    raise ConfigurationError(f"{option}={value!r} must be a list, outermost first; leave it out for none")
