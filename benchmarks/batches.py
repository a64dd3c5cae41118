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
from .samples import CONTEXT, orders
from .timing import fastest_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEER = "Powertools BatchProcessor"
_LOG = logging.getLogger("resilient_lambda")


class Order(BaseModel):
    """What a message holds."""

    order_id: str
    total: int


class OrderRecord(SqsRecordModel):
    """A message as Powertools validates it: the whole record, its body as an `Order`."""

    body: Json[Order]  # type: ignore[assignment]  # Powertools' way to type a body


def ok(records: int) -> Measured:
    """All records succeed; the function takes the library's record."""

    @batch_handler
    def handler(record: Record) -> None:
        pass

    ours, peer = _per_record_us(handler, _peer(_takes_record), records)
    return Measured(ours, peer, PEER)


def ok_raw(records: int) -> Measured:
    """All records succeed; the function takes the event's own dict, which the peer cannot give."""

    @batch_handler(raw=True)
    def handler(record: dict[str, Any]) -> None:
        pass

    ours, peer = _per_record_us(handler, _peer(_takes_record), records)
    return Measured(ours, peer, PEER, "ours with raw=True")


def failing(records: int) -> Measured:
    """All records fail; neither side logs."""
    with _log_level(logging.ERROR):
        ours, peer = _per_record_us(batch_handler(_raises), _peer(_peer_raises), records)
    return Measured(ours, peer, PEER, "our warning lines switched off by level, as the peer's debug lines are")


def failing_logged(records: int) -> Measured:
    """All records fail; ours writes its one warning line for each, the peer writes nothing."""
    lines = io.StringIO()
    sink = logging.StreamHandler(lines)
    handler = batch_handler(_raises)

    def logged(event: Any, context: Any) -> Any:
        lines.seek(0)
        lines.truncate()
        return handler(event, context)

    _LOG.addHandler(sink)
    _LOG.propagate = False
    try:
        with _log_level(logging.WARNING):
            ours, peer = _per_record_us(logged, _peer(_peer_raises), records)
    finally:
        _LOG.removeHandler(sink)
        _LOG.propagate = True
    return Measured(ours, peer, PEER, "ours with one warning line per record, written to memory; the peer logs nothing")


def validated(records: int) -> Measured:
    """Each body is validated by pydantic; the function takes the model."""

    @batch_handler
    def handler(order: Order) -> None:
        pass

    ours, peer = _per_record_us(handler, _peer(_takes_model, model=OrderRecord), records)
    return Measured(ours, peer, PEER, "the peer validates the whole record, ours the body")


def _takes_record(record: SQSRecord) -> None:
    pass


def _takes_model(record: OrderRecord) -> None:
    pass


def _raises(record: Record) -> None:
    raise ValueError("no stock")


def _peer_raises(record: SQSRecord) -> None:
    raise ValueError("no stock")


def _peer(record_handler: Callable[[Any], None], **options: Any) -> Callable[[Any, Any], Any]:
    # By default a batch that fails as a whole raises; here both sides answer record by record.
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, **options)
    return lambda event, context: process_partial_response(event, record_handler, processor, context)


def _per_record_us(
    ours: Callable[[Any, Any], Any], peer: Callable[[Any, Any], Any], records: int
) -> tuple[float, float]:
    event = orders(records)
    if ours(event, CONTEXT) != peer(event, CONTEXT):
        raise AssertionError("the two sides answered differently: the comparison would be void")
    return fastest_us(lambda: ours(event, CONTEXT), lambda: peer(event, CONTEXT), items=records)


@contextmanager
def _log_level(level: int) -> Iterator[None]:
    before = _LOG.level
    _LOG.setLevel(level)
    try:
        yield
    finally:
        _LOG.setLevel(before)
