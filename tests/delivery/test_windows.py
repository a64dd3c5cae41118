"""Tumbling windows: whatever fails, the state at the end has counted every record once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import Record, batch_handler, current_window
from resilient_lambda.testing import fake_io
from tests.delivery import model
from tests.delivery.events import Sent, event_of, only
from tests.handlers.colours import COLOURS

WINDOW = {
    "window": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:05:00Z"},
    "shardId": "shardId-000000000006",
    "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
    "isFinalInvokeForWindow": False,
    "isWindowTerminatedEarly": False,
}


@pytest.mark.parametrize("source", [model.KINESIS, model.DYNAMODB], ids=str)
@pytest.mark.parametrize("paint", COLOURS.values(), ids=COLOURS.keys())
@settings(max_examples=25)
@given(batches=st.lists(st.lists(st.integers(0, 2), max_size=5), max_size=4), end_fails=st.integers(0, 2))
def test_the_state_at_the_end_of_a_window_has_counted_every_record_once(source, paint, batches, end_fails):
    """Batches whose records fail as often as drawn, after they have changed the state; then the end, which may fail."""
    serials = iter(range(10_000))
    numbered = [[(next(serials), failures) for failures in batch] for batch in batches]
    failing = {serial: failures for batch in numbered for serial, failures in batch}
    order = {}
    ended, end_failures = [], [end_fails]

    def function(record):
        serial = order[source.identity(record.raw)]
        current_window().state.setdefault("seen", []).append(serial)
        if failing[serial] > 0:
            failing[serial] -= 1
            raise ValueError("not yet")

    function.__annotations__["record"] = Record

    def end(window):
        if end_failures[0] > 0:
            end_failures[0] -= 1
            raise ValueError("not yet")
        ended.append(window.state.get("seen", []))

    async def end_later(window):
        end(window)

    painted = paint(function)
    handler = batch_handler(window_end=end if painted is function else end_later)(painted)
    state = {}
    with fake_io() as io:
        for batch in numbered:
            event = {**event_of(source, [Sent(serial) for serial, _ in batch]), **WINDOW}
            for item, (serial, _) in zip(model.items(source, event), batch, strict=True):
                order[source.identity(item.raw)] = serial
            while event["Records"]:
                answer = handler({**event, "state": state}, io.context())
                again = model.delivered_again(source, event, answer)
                state = answer["state"]
                event = only(source, event, again)
        final = {**event_of(source, []), **WINDOW, "isFinalInvokeForWindow": True, "state": state}
        for _ in range(end_fails):
            with pytest.raises(ValueError, match="not yet"):
                handler(final, io.context())
        handler(final, io.context())

    assert ended == [[serial for batch in numbered for serial, _ in batch]]
