"""Records of many keys in one batch of a stream: the keys in parallel, each key in its order."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BatchProcessor,
    EventType,
    async_process_partial_response,
    process_partial_response,
)

from resilient_lambda import Idempotency, MemoryStore, Record, batch_handler

from .row import Measured
from .samples import CONTEXT, keyed_orders

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[dict[str, Any], Any], Any]

PEER = "Powertools BatchProcessor, one record after the other"
UNORDERED = "Powertools AsyncBatchProcessor, all at once and in no order"
KEYS = 100
AT_ONCE = 10
WORK_S = 0.001
ROUNDS = 3
NOTE = (
    f"Kinesis, {KEYS} partition keys, {WORK_S * 1000:g} ms of waiting a record; ours with order='key',"
    f" concurrency={AT_ONCE} and Idempotency over a MemoryStore; the peer without idempotency"
)


class Side(NamedTuple):
    """
    Who does the work.

    Attributes:
        ran: The partition key and the sequence number of each record whose run has ended.
    """

    handler: Handler
    ran: list[tuple[str, int]]
    keeps_order: bool = True


def parallel(records: int) -> Measured:
    """Wall clock of ``def`` functions, in threads."""
    return _row(_taken_ms({"ours": _ours(), "peer": _peer()}, records))


def parallel_async(records: int) -> Measured:
    """Wall clock of ``async def`` functions, in tasks."""
    return _row(_taken_ms({"ours": _ours_async(), "peer": _peer(), UNORDERED: _peer_async()}, records))


def _row(taken_ms: dict[str, list[float]]) -> Measured:
    return Measured(
        median(taken_ms["ours"]),
        median(taken_ms["peer"]),
        PEER,
        NOTE,
        others={UNORDERED: median(taken_ms[UNORDERED])} if UNORDERED in taken_ms else {},
        spread={side: (min(taken_ms[side]), max(taken_ms[side])) for side in ("ours", "peer")},
    )


def _taken_ms(sides: dict[str, Side], records: int) -> dict[str, list[float]]:
    taken_ms: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        timed_ms(side, keyed_orders(KEYS, KEYS))  # threads, loops and connections are there afterwards
    for _ in range(ROUNDS):
        for name, side in sides.items():
            taken_ms[name].append(timed_ms(side, keyed_orders(records, KEYS)))
    return taken_ms


def timed_ms(side: Side, event: dict[str, Any]) -> float:
    """
    Return the milliseconds that *event* takes.

    Raises:
        AssertionError: A record was lost, run twice, or run before an earlier one of its key.
    """
    start_s = time.perf_counter()
    answer = side.handler(event, CONTEXT)
    taken_s = time.perf_counter() - start_s
    sent = [(raw["kinesis"]["partitionKey"], int(raw["kinesis"]["sequenceNumber"])) for raw in event["Records"]]
    is_right = sorted(side.ran) == sorted(sent) and answer == {"batchItemFailures": []}
    if not is_right or (side.keeps_order and _by_key(side.ran) != _by_key(sent)):
        raise AssertionError("records were lost, run twice, or run out of order: the comparison would be void")
    side.ran.clear()
    return taken_s * 1000


def _by_key(ran: list[tuple[str, int]]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for key, number in ran:
        numbers.setdefault(key, []).append(number)
    return numbers


def _ours() -> Side:
    ran: list[tuple[str, int]] = []

    @batch_handler(policies=[Idempotency(MemoryStore())], order="key", concurrency=AT_ONCE)
    def handler(record: Record) -> None:
        time.sleep(WORK_S)
        ran.append((record.key, int(record.id)))

    return Side(handler, ran)


def _ours_async() -> Side:
    ran: list[tuple[str, int]] = []

    @batch_handler(policies=[Idempotency(MemoryStore())], order="key", concurrency=AT_ONCE)
    async def handler(record: Record) -> None:
        await asyncio.sleep(WORK_S)
        ran.append((record.key, int(record.id)))

    return Side(handler, ran)


def _peer() -> Side:
    ran: list[tuple[str, int]] = []
    processor = BatchProcessor(EventType.KinesisDataStreams)

    def handle(record: Any) -> None:
        time.sleep(WORK_S)
        ran.append((record.kinesis.partition_key, int(record.kinesis.sequence_number)))

    return Side(lambda event, context: process_partial_response(event, handle, processor, context), ran)


def _peer_async() -> Side:
    ran: list[tuple[str, int]] = []
    processor = AsyncBatchProcessor(EventType.KinesisDataStreams)

    async def handle(record: Any) -> None:
        await asyncio.sleep(WORK_S)
        ran.append((record.kinesis.partition_key, int(record.kinesis.sequence_number)))

    def handler(event: dict[str, Any], context: Any) -> Any:
        return async_process_partial_response(event, handle, processor, context)

    return Side(handler, ran, keeps_order=False)
