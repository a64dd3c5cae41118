"""What a large batch without policies needs in memory, over its event."""

from __future__ import annotations

import gc
import logging
import tracemalloc
from typing import TYPE_CHECKING, Any

from resilient_lambda import batch_handler

from .batches import PEER, check_alike, log_level, peer_handler, peer_raises, peer_takes_record, raises, takes_record
from .row import Measured
from .samples import CONTEXT, orders

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any], Any]

LANES = 10
_NOTE = "most that Python had allocated at a time during the call (tracemalloc), the event not counted"


def ok(records: int) -> Measured:
    """All records succeed."""
    return _measured(takes_record, peer_takes_record, records, _NOTE)


def failing(records: int) -> Measured:
    """All records fail; neither side logs."""
    return _measured(raises, peer_raises, records, f"{_NOTE}; the peer keeps each record's traceback")


def _measured(ours: Callable[..., None], peer: Callable[..., None], records: int, note: str) -> Measured:
    sides = {
        "ours": batch_handler(ours),
        "peer": peer_handler(peer),
        "concurrent": batch_handler(concurrency=LANES)(ours),
    }
    few, event = orders(LANES), orders(records)
    with log_level(logging.ERROR):
        answers = {side: handler(few, CONTEXT) for side, handler in sides.items()}
        check_alike(answers["ours"], answers["peer"], "sqs")
        peaks_kb = {side: _peak_bytes(handler, event) / 1000 for side, handler in sides.items()}
    others = {f"ours with concurrency={LANES}": peaks_kb["concurrent"]}
    return Measured(peaks_kb["ours"], peaks_kb["peer"], PEER, note, others=others)


def _peak_bytes(handler: Handler, event: dict[str, Any]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        handler(event, CONTEXT)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
