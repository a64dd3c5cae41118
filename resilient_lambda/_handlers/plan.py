"""What a decorator works out once, at import: options checked, annotation resolved, policies composed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from .._core.batch import dispose
from .._core.classify import Classifier
from .._core.model import Failure
from .._core.options import number
from .._policies.call import Call, Invocation
from .._policies.compose import check_order, compose, disabled, kind_of, warm, without
from ..errors import ConfigurationError
from ..sinks import DeadLetter
from .parameters import parameter_of
from .signature import read_signature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from .._core.model import Disposition, Outcome
    from .._core.record import Record
    from .._core.sources import Source
    from .._io.base import Io
    from .._policies.compose import Policy
    from ..events import Observer


class Plan:
    """
    One decorated function and all that its options say.

    Attributes:
        function: The user's function.
        signature: What it looks like.
        parameter: How its first parameter is filled.
        policies: Those that operators have not switched off, outermost first.
        dead_letter: The sink, None if there is none or operators switched it off.
        asks_receives: True if the receive count must stand in for real attempts, which Idempotency alone counts.
        step: Runs one `Call` through all policies.
        io: What policies may do to the world.
    """

    __slots__ = (
        "asks_receives",
        "classifier",
        "dead_letter",
        "function",
        "io",
        "margin_s",
        "max_attempts",
        "observers",
        "parameter",
        "policies",
        "signature",
        "step",
    )

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
    ) -> None:
        self.function = function
        self.signature = read_signature(function)
        self.parameter = parameter_of(
            function, self.signature, model=model, raw=raw, local_names=local_names, is_event=is_event
        )
        off = disabled()
        checked = check_order(_listed("policies", policies))
        kept = (without(policy) if kind_of(policy) in off else policy for policy in checked)
        self.policies = tuple(policy for policy in kept if policy is not None)
        if dead_letter is not None and not isinstance(dead_letter, DeadLetter):
            raise ConfigurationError(
                f"dead_letter={dead_letter!r} is no DeadLetter; wrap a function as DeadLetter(function) "
                "or use DeadLetter.sqs(url=...)"
            )
        if dead_letter is not None:
            dead_letter.check(is_asynchronous=self.signature.is_asynchronous)
        self.dead_letter = None if "dead_letter" in off else dead_letter
        self.observers = tuple(_listed("observers", observers))
        for observer in self.observers:
            if not callable(observer):
                raise ConfigurationError(f"observers holds {observer!r}, which cannot be called with an event")
        if classifier is not None and not isinstance(classifier, Classifier):
            raise ConfigurationError(f"classifier={classifier!r} is no Classifier; give Classifier(...)")
        self.classifier = classifier or Classifier()
        if max_attempts is not None:
            number("max_attempts", max_attempts, at_least=1, is_whole=True)
            if dead_letter is None:
                raise ConfigurationError(f"max_attempts={max_attempts} needs dead_letter=, where the record goes then")
        self.max_attempts = max_attempts if self.dead_letter is not None else None
        counts_attempts = any(kind_of(policy) == "idempotency" for policy in self.policies)
        self.asks_receives = self.max_attempts is not None and not counts_attempts
        if margin_s is not None:
            number("margin_s", margin_s, at_least=0)
        if not isinstance(raw, bool):
            raise ConfigurationError(f"raw={raw!r} must be True or False")
        self.margin_s = float("-inf") if "deadline" in off else margin_s
        self.step = compose(self.policies, function, takes_context=self.signature.takes_context)
        self.io = _io_for(self.signature.is_asynchronous)
        if is_initialising():
            self.warm()

    def warm(self) -> None:
        """Load now what the first invocation would load."""
        warm((self.parameter, self.dead_letter, *self.policies))

    def open(self, source: Source, context: Any) -> Invocation:
        """Begin an invocation."""
        return Invocation(self.current_io(), source, context, observers=self.observers, margin_s=self.margin_s)

    def current_io(self) -> Io:
        """Return the Io to use now: a test's, or this plan's own."""
        return self.io if replacement is None else replacement(self.signature.is_asynchronous)

    def call(
        self,
        record: Record[Any],
        invocation: Invocation,
        *,
        before_suspect: Callable[[], Awaitable[None]],
        is_last_resort: bool = True,
    ) -> Call:
        """Return a run of the function for *record*."""
        return Call(
            record,
            invocation,
            argument_of=self.parameter.convert,
            classify=self.classifier.classify,
            dispose=self.dispose,
            max_attempts=self.max_attempts,
            before_suspect=before_suspect,
            is_last_resort=is_last_resort,
        )

    async def run(self, call: Call) -> Outcome:
        """Run *call* through all policies."""
        try:
            return await self.step(call)
        except Exception as error:  # a user's policy that raises although it must not
            return Failure(error, self.classifier.classify(error))

    def dispose(self, failure: Failure, attempts: int | None) -> Disposition:
        """Decide what becomes of a record that failed."""
        return dispose(
            failure, attempts=attempts, max_attempts=self.max_attempts, has_sink=self.dead_letter is not None
        )


# Set by `resilient_lambda.testing.fake_io`: gives every handler of the process its Io, by its colour.
replacement: Callable[[bool], Io] | None = None


def is_initialising() -> bool:
    """
    Tell whether this is Lambda's INIT phase, where loading is cheap: full CPU, and outside the first invocation.

    ``RESILIENT_LAMBDA_WARM=0`` says no.
    """
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ and os.environ.get("RESILIENT_LAMBDA_WARM", "1") != "0"


def local_names_of_caller(depth: int) -> Mapping[str, Any]:
    """Return the local names *depth* frames above the caller, where the user's function is decorated."""
    return sys._getframe(depth + 1).f_locals


def _io_for(is_asynchronous: bool) -> Io:
    if is_asynchronous:
        from .._io.aio import IO as asynchronous

        return asynchronous
    from .._io.blocking import IO as blocking

    return blocking


def _listed(option: str, value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    raise ConfigurationError(f"{option}={value!r} must be a list, outermost first; leave it out for none")
