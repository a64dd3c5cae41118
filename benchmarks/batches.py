"""A batch without policies: all records succeed, all fail, all are validated."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord  # noqa: TC002  # an annotation below
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
from pydantic import BaseModel, Json

from resilient_lambda import Record, batch_handler

from .row import Measured
from .samples import CONTEXT, PARTITIONS, orders
from .timing import fastest_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[Any, Any], Any]

PEER = "Powertools BatchProcessor"
EVENT_TYPES = {
    "sqs": EventType.SQS,
    "kinesis": EventType.KinesisDataStreams,
    "dynamodb": EventType.DynamoDBStreams,
    "kafka": EventType.Kafka,
}
_SILENT = "our warning lines switched off by level, as the peer's debug lines are"
_UNHIDDEN = "outside Lambda, where no message is hidden: a request for ten of them comes to it there"
_ONE_LANE = "ours runs the first record, which fails, and returns the batch from there; the peer runs and returns all"
_STOPPING = {
    "kinesis": _ONE_LANE,
    "dynamodb": _ONE_LANE,
    "kafka": f"{PARTITIONS} partitions: of each ours runs the first record, which fails, and returns it from there; "
    "the peer runs and returns all",
}
_LOG = logging.getLogger("resilient_lambda")


class Order(BaseModel):
    """What a message holds."""

    order_id: str
    total: int


class OrderRecord(SqsRecordModel):
    """A message as Powertools validates it: the whole record, its body as an `Order`."""

    body: Json[Order]  # type: ignore[assignment]  # Powertools' way to type a body


def ok(records: int, source: str = "sqs") -> Measured:
    """All records succeed; the function takes the library's record."""
    ours, peer = _per_record_us(batch_handler(takes_record), peer_handler(peer_takes_record, source), records, source)
    return Measured(ours, peer, PEER, f"{PARTITIONS} partitions" if source == "kafka" else "")


def ok_raw(records: int) -> Measured:
    """All records succeed; the function takes the event's own dict, which the peer cannot give."""

    @batch_handler(raw=True)
    def handler(record: dict[str, Any]) -> None:
        pass

    ours, peer = _per_record_us(handler, peer_handler(peer_takes_record), records)
    return Measured(ours, peer, PEER, "ours with raw=True")


def failing(records: int, source: str = "sqs") -> Measured:
    """All records fail; neither side logs."""
    with log_level(logging.ERROR):
        ours, peer = _per_record_us(batch_handler(raises), peer_handler(peer_raises, source), records, source)
    note = f"{_STOPPING.get(source, _UNHIDDEN)}; {_SILENT}"
    return Measured(ours, peer, PEER, note)


def failing_logged(records: int) -> Measured:
    """All records fail; ours writes its one warning line for each, the peer writes nothing."""
    lines = io.StringIO()
    sink = logging.StreamHandler(lines)
    handler = batch_handler(raises)

    def logged(event: Any, context: Any) -> Any:
        lines.seek(0)
        lines.truncate()
        return handler(event, context)

    _LOG.addHandler(sink)
    _LOG.propagate = False
    try:
        with log_level(logging.WARNING):
            ours, peer = _per_record_us(logged, peer_handler(peer_raises), records)
    finally:
        _LOG.removeHandler(sink)
        _LOG.propagate = True
    return Measured(ours, peer, PEER, "ours with one warning line per record, written to memory; the peer logs nothing")


def validated(records: int) -> Measured:
    """Each body is validated by pydantic; the function takes the model."""

    @batch_handler
    def handler(order: Order) -> None:
        pass

    ours, peer = _per_record_us(handler, peer_handler(_takes_model, model=OrderRecord), records)
    return Measured(ours, peer, PEER, "the peer validates the whole record, ours the body")


def takes_record(record: Record) -> None:
    """Succeed."""


def raises(record: Record) -> None:
    """Fail."""
    raise ValueError("no stock")


def peer_takes_record(record: SQSRecord) -> None:
    """Succeed; the peer does not look at the annotation."""


def peer_raises(record: SQSRecord) -> None:
    """Fail."""
    raise ValueError("no stock")


def _takes_model(record: OrderRecord) -> None:
    pass


def peer_handler(record_handler: Callable[[Any], None], source: str = "sqs", **options: Any) -> Handler:
    """Return the peer's handler of *source*'s events."""
    # By default a batch that fails as a whole raises; here both sides answer record by record.
    processor = BatchProcessor(EVENT_TYPES[source], raise_on_entire_batch_failure=False, **options)
    return lambda event, context: process_partial_response(event, record_handler, processor, context)


@contextmanager
def log_level(level: int) -> Iterator[None]:
    """Set the level of this library's logger."""
    before = _LOG.level
    _LOG.setLevel(level)
    try:
        yield
    finally:
        _LOG.setLevel(before)


def check_alike(ours: dict[str, Any], peer: dict[str, Any], source: str) -> None:
    """
    Refuse a comparison in which the two sides had different records delivered again.

    A stream goes on from the lowest number that is named, Kafka from the lowest of each partition: what else is named
    says nothing.
    """
    if delivered_again(ours, source) != delivered_again(peer, source):
        raise AssertionError("the two sides answered differently: the comparison would be void")


def delivered_again(answer: dict[str, Any], source: str) -> object:
    """Return what Lambda makes of *answer*."""
    named = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    if source == "sqs":
        return named
    if source != "kafka":
        return min(map(int, named), default=None)
    lowest: dict[str, int] = {}
    for identifier in named:
        partition = identifier["partition"]
        lowest[partition] = min(identifier["offset"], lowest.get(partition, identifier["offset"]))
    return lowest


def _per_record_us(ours: Handler, peer: Handler, records: int, source: str = "sqs") -> tuple[float, float]:
    event = orders(records, source)
    check_alike(ours(event, CONTEXT), peer(event, CONTEXT), source)
    return fastest_us(lambda: ours(event, CONTEXT), lambda: peer(event, CONTEXT), items=records)
