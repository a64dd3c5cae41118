"""
The hot path: records of one batch run one after the other, where no policy stands between.

An ordered source comes here lane by lane: a lane stops at the first record that must be delivered again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.model import Failure
from .._core.pace import FORGETTING
from .._core.record import Record
from .._io.blocking import drive
from .._policies.compose import is_failure, refuse_awaitable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core.sources import Source
    from .batching import Batch
    from .plan import Plan


def run_plain(plan: Plan, batch: Batch, arguments: Iterator[Any], *, in_order: bool) -> None:
    """
    Run records one after the other, without a coroutine.

    Args:
        arguments: Records, or the event's own dicts; what is left in it was not started.
        in_order: True to stop at the first record that must be delivered again.
    """
    function, settle_success, invocation = _bound(plan, batch), batch.settle_success, batch.invocation
    now, stop_at_s, longest_s = invocation.io.now, invocation.stop_at_s, invocation.pace.longest_s
    judges_failures, failed, source = batch.judges_failures, batch.failed, invocation.source
    latest_s = stop_at_s - longest_s if invocation.has_started else stop_at_s
    began_s = now()
    for argument in arguments:
        if began_s > latest_s or began_s >= stop_at_s:
            batch.give_back(_record(argument, source))
            if in_order:
                break
            continue
        try:
            returned = function(argument)
            if returned is not None:
                refuse_awaitable(returned)
        except BaseException as error:  # the border to user code
            if not is_failure(error, invocation.io):
                raise
            if judges_failures:
                failure = Failure(error, plan.classifier.classify(error))
                if in_order:
                    if drive(batch.settle_in_order(_record(argument, source), failure)):
                        break
                else:
                    batch.settle(_record(argument, source), failure)
            else:
                failed.append(_record(argument, source).raw)
                if in_order:
                    break
        else:
            if settle_success is not None:
                settle_success(_record(argument, source))
        ended_s = now()
        took_s = ended_s - began_s
        longest_s = took_s if took_s >= longest_s else longest_s - (longest_s - took_s) * FORGETTING
        latest_s = stop_at_s - longest_s
        began_s = ended_s
    invocation.has_started = True
    invocation.pace.longest_s = longest_s


async def run_plain_async(plan: Plan, batch: Batch, arguments: Iterator[Any], *, in_order: bool) -> None:
    """Do what `run_plain` does, for ``async def``."""
    function, settle_success, invocation = _bound(plan, batch), batch.settle_success, batch.invocation
    now, stop_at_s, longest_s = invocation.io.now, invocation.stop_at_s, invocation.pace.longest_s
    judges_failures, failed, source = batch.judges_failures, batch.failed, invocation.source
    latest_s = stop_at_s - longest_s if invocation.has_started else stop_at_s
    began_s = now()
    for argument in arguments:
        if began_s > latest_s or began_s >= stop_at_s:
            batch.give_back(_record(argument, source))
            if in_order:
                break
            continue
        try:
            returned = await function(argument)
            if returned is not None:
                refuse_awaitable(returned)
        except BaseException as error:  # the border to user code
            if not is_failure(error, invocation.io):
                raise
            if judges_failures:
                failure = Failure(error, plan.classifier.classify(error))
                if in_order:
                    if await batch.settle_in_order(_record(argument, source), failure):
                        break
                else:
                    batch.settle(_record(argument, source), failure)
            else:
                failed.append(_record(argument, source).raw)
                if in_order:
                    break
        else:
            if settle_success is not None:
                settle_success(_record(argument, source))
        ended_s = now()
        took_s = ended_s - began_s
        longest_s = took_s if took_s >= longest_s else longest_s - (longest_s - took_s) * FORGETTING
        latest_s = stop_at_s - longest_s
        began_s = ended_s
    invocation.has_started = True
    invocation.pace.longest_s = longest_s


def _bound(plan: Plan, batch: Batch) -> Callable[[Any], Any]:
    """Return the function of one argument that the loop calls."""
    function, convert, context = plan.function, plan.parameter.convert, batch.invocation.context
    if plan.parameter.is_plain:
        return (lambda argument: function(argument, context)) if plan.signature.takes_context else function
    if plan.signature.takes_context:
        return lambda record: function(convert(record), context)
    return lambda record: function(convert(record))


def _record(argument: Any, source: Source) -> Record[Any]:
    return argument if isinstance(argument, Record) else Record(argument, source)
