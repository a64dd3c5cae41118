"""How `batch_handler` handles an event. Only events need this: it loads in INIT, or with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.reserved import KEY as RESERVED
from .._io.blocking import drive
from .batching import Batch
from .lane_run import lane_run
from .running import run_plain, run_plain_async

if TYPE_CHECKING:
    from .._core.sources import Raw
    from .plan import Plan
    from .reading import Reading
    from .reinvoked import Reinvoked


def _begin(plan: Plan, reading: Reading, event: Raw, context: Any) -> Batch:
    delivery = reading.open(event)
    plan.check(delivery)
    return Batch(plan, plan.open(delivery.source, context), delivery)


def _reinvoked(event: dict[str, Any]) -> Reinvoked:
    from .reinvoked import Reinvoked  # few events are such

    return Reinvoked(event)


def warm(reading: Reading) -> None:
    """Load what the first event would load: this module, to begin with."""
    reading.warm()


async def handle(plan: Plan, reading: Reading, event: Raw, context: Any, failed_id: str = "") -> dict[str, Any]:
    """Handle *event* for an ``async def`` function; return the answer to Lambda."""
    if isinstance(event, dict) and RESERVED in event:
        reinvoked = _reinvoked(event)
        invocation = plan.open(reading.open(reinvoked.event).source, context)
        if not await reinvoked.is_to_run(plan, invocation):
            return {"batchItemFailures": []}
        with reinvoked:
            return await handle(plan, reading, reinvoked.event, context, reinvoked.failed_id)
    batch = _begin(plan, reading, event, context)
    batch.invocation.failed_id = failed_id
    with batch:
        if not plan.is_plain or batch.window is not None:
            await lane_run(plan, batch, reading).run()
        else:
            for arguments, lane in batch.plain_lanes():
                await run_plain_async(plan, batch, arguments, in_order=lane is not None)
                batch.leave_rest(arguments, lane)
        await batch.end()
    return batch.answer()


def handle_blocking(plan: Plan, reading: Reading, event: Raw, context: Any, failed_id: str = "") -> dict[str, Any]:
    """Do what `handle` does, for ``def``."""
    if isinstance(event, dict) and RESERVED in event:
        reinvoked = _reinvoked(event)
        invocation = plan.open(reading.open(reinvoked.event).source, context)
        if not drive(reinvoked.is_to_run(plan, invocation)):
            return {"batchItemFailures": []}
        with reinvoked:
            return handle_blocking(plan, reading, reinvoked.event, context, reinvoked.failed_id)
    batch = _begin(plan, reading, event, context)
    batch.invocation.failed_id = failed_id
    with batch:
        if not plan.is_plain or batch.window is not None:
            drive(lane_run(plan, batch, reading).run())
        else:
            for arguments, lane in batch.plain_lanes():
                run_plain(plan, batch, arguments, in_order=lane is not None)
                batch.leave_rest(arguments, lane)
        if batch.needs_end:
            drive(batch.end())
    return batch.answer()
