"""What a plan runs events with. Nothing else at import needs it: it loads in INIT, or with the first event."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._core.batch import dispose
from .._core.classify import Classifier
from .._core.model import Disposition, Failure
from .._policies.call import Call, Invocation
from .._policies.compose import compose, running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .._core.model import Classification, Outcome
    from .._io.base import Io
    from .._policies.compose import Proceed
    from .plan import Plan


def equip(plan: Plan) -> None:
    """Give *plan* what its options come to."""
    max_attempts, has_sink = plan.max_attempts, plan.dead_letter is not None

    def disposed(failure: Failure, attempts: int | None) -> Disposition:
        return dispose(failure, attempts=attempts, max_attempts=max_attempts, has_sink=has_sink)

    plan.classifier = plan.given_classifier or Classifier()
    plan.io = _io_of(plan)
    plan.dispose = disposed
    plan.run = _contained(compose(plan.policies, _innermost(plan)), plan.classifier.classify)
    plan.call = partial(
        Call,
        argument_of=plan.parameter.convert,
        classify=plan.classifier.classify,
        dispose=disposed,
        max_attempts=max_attempts,
    )
    plan.invocation = partial(
        Invocation,
        observers=plan.observers,
        margin_s=plan.margin_s,
        pace=plan.pace,
        concurrency=plan.concurrency,
        cuts=plan.interrupts,
        retires=plan.retires,
    )


def _innermost(plan: Plan) -> Proceed:
    if plan.takes_lane:
        from .._policies.arrival import arrive

        import_module(".bulk_run", __package__)

        return arrive
    return running(plan.function, takes_context=plan.signature.takes_context)


def _contained(
    step: Proceed, classify: Callable[[BaseException], Classification]
) -> Callable[[Call], Coroutine[Any, Any, Outcome]]:
    async def run(call: Call) -> Outcome:
        try:
            return await step(call)
        except Exception as error:  # a user's policy that raises although it must not
            return Failure(error, classify(error))

    return run


def _io_of(plan: Plan) -> Io:
    if plan.signature.is_asynchronous:
        from .._io.aio import IO as asynchronous

        return asynchronous
    from .._io.blocking import IO as blocking

    # What the first event would load.
    if plan.concurrency > 1:
        import_module(".._io.threads", __package__)
    elif plan.interrupts:
        import_module(".._io.interrupting", __package__)
    return blocking
