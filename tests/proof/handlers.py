"""The handlers under proof: what they do is written in the order that they are given."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from resilient_lambda import (
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    NonRetryableError,
    Record,
    RetryableError,
    batch_handler,
    current_claim,
    resilient_handler,
)

from .stage import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from .schedule import Options
    from .stage import Run, Stage

    Handler = Callable[[Any, Any], Any]

LEDGER = "proof-rows"
PARKED = DeadLetter.sqs("https://sqs.us-east-1.amazonaws.com/123456789012/parked", client=object())
STORE = DynamoDBStore("resilience")


@cache
def handler_of(options: Options) -> Handler:
    """Return the handler with *options*, over a table that the simulator stands in for."""
    return make(options, [policy(options, STORE)])


def policy(options: Options, store: Any, *, namespace: str = "proof") -> Idempotency:
    """Return the policy of a handler with *options*."""
    return Idempotency(
        store,
        key="key",
        namespace=namespace,
        lease_s=options.lease_s,
        commit=options.commit,  # type: ignore[arg-type]
        local_cache=options.local_cache,
        remember_failures_s=options.remember_failures_s,
        on_in_progress=options.on_in_progress,  # type: ignore[arg-type]
    )


def make(options: Options, policies: list[Any], *, classifier: Any = None) -> Handler:
    """Make a handler with *options* inside *policies*."""
    dead_letter = PARKED if options.has_letters else None
    if options.is_single:
        single: Any = _single_async if options.is_asynchronous else _single
        return resilient_handler(
            policies=policies, dead_letter=dead_letter, max_attempts=options.max_attempts, classifier=classifier
        )(single)
    record: Any = _record_async if options.is_asynchronous else _record
    return batch_handler(
        policies=policies,
        dead_letter=dead_letter,
        max_attempts=options.max_attempts,
        classifier=classifier,
        concurrency=options.concurrency,
        order=options.order,  # type: ignore[arg-type]
        share_group=options.is_share_group,
        stop_lane_on_dead_letter=options.stops_lane,
        interrupt=options.interrupt,
        after_interrupt="keep",
    )(record)


def _record(record: Record) -> None:
    _run(record.json())


async def _record_async(record: Record) -> None:
    await _run_async(record.json())


def _single(event: dict[str, Any]) -> dict[str, Any]:
    return _run(event)


async def _single_async(event: dict[str, Any]) -> dict[str, Any]:
    return await _run_async(event)


def _run(body: dict[str, Any]) -> dict[str, Any]:
    stage = current.get()
    order = stage.order_of(body)
    options = stage.schedule.options
    with stage.running(order) as run:
        _before(stage, run)
        if options.commits:
            with suppress(*[Exception] * options.swallows):
                current_claim().commit_with([row_of(stage, run)], result=answer_of(run))
        else:
            if options.makes_sure:
                current_claim().ensure_owned(for_s=1.0)
            stage.delivery.effect(order.key)
        return _after(stage, run)


async def _run_async(body: dict[str, Any]) -> dict[str, Any]:
    stage = current.get()
    order = stage.order_of(body)
    options = stage.schedule.options
    with stage.running(order) as run:
        _before(stage, run)
        if options.commits:
            with suppress(*[Exception] * options.swallows):
                await current_claim().acommit_with([row_of(stage, run)], result=answer_of(run))
        else:
            if options.makes_sure:
                await current_claim().aensure_owned(for_s=1.0)
            stage.delivery.effect(order.key)
        return _after(stage, run)


def _before(stage: Stage, run: Run) -> None:
    stage.delivery.work(run.order.before_s)
    if run.order.is_permanent:
        raise NonRetryableError("it can never succeed")
    if run.count <= run.order.fails:
        raise RetryableError("it may succeed later")


def _after(stage: Stage, run: Run) -> dict[str, Any]:
    stage.delivery.work(run.order.after_s)
    if run.order.raises:
        raise ValueError("after it took effect")
    return answer_of(run)


def answer_of(run: Run) -> dict[str, Any]:
    """Return what callers are to be told, those of duplicates too, if it is *run* that does it."""
    return {"key": run.order.key, "run": run.name}


def row_of(stage: Stage, run: Run) -> dict[str, Any]:
    """Return what *run* is to commit: no condition forbids a second row of the same key."""
    return {"Put": {"TableName": LEDGER, "Item": {"id": stage.prefix, **answer_of(run)}}}
