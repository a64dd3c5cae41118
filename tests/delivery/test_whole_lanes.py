"""Functions that take a whole lane, and say of each record what became of it, or of all with one error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, Record, Success, batch_handler
from resilient_lambda.errors import BatchFailedError
from resilient_lambda.testing import fake_io
from tests.delivery import judge, model
from tests.delivery.events import Sent, event_of, only
from tests.delivery.judge import Rules

BOTH_COLOURS = pytest.mark.parametrize("is_asynchronous", [False, True], ids=["sync", "async"])
RESULTS = {"ok": None, "success": Success(5), "retry": ValueError("retry"), "poison": NonRetryableError("poison")}
FATES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([*RESULTS, "ok", "ok"])), min_size=1, max_size=8)


def unfinished_of(lanes, fates, *, has_sink, raises):
    """Return what must come again: in a lane everything from the first failure on that no sink takes."""
    left = set()
    for lane in set(lanes) - {None}:
        left |= _left_of([position for position, other in enumerate(lanes) if other == lane], fates, has_sink, raises)
    return left


def _left_of(positions, fates, has_sink, raises):
    bad = [position for position in positions if fates[position] in {"retry", "poison"}]
    if raises and bad:
        return set(positions)
    kept = [position for position in bad if fates[position] == "retry" or not has_sink]
    return {position for position in positions if kept and position >= kept[0]}


@pytest.mark.parametrize("source", [model.FIFO, model.KINESIS, model.DYNAMODB, model.KAFKA, model.DOCUMENTDB], ids=str)
@BOTH_COLOURS
@settings(max_examples=25)
@given(data=st.data(), drawn=FATES)
def test_what_a_lane_function_says_of_each_record_is_what_comes_again(source, is_asynchronous, data, drawn):
    """In its lane a record that failed brings the later ones back; an error of the function all of the lane."""
    has_sink, raises = data.draw(st.booleans()), data.draw(st.booleans())
    is_idempotent, concurrency = data.draw(st.booleans()), data.draw(st.sampled_from([1, 3]))
    sent = [Sent(number, lane=lane) for number, (lane, _) in enumerate(drawn)]
    event = event_of(source, sent)
    items = model.items(source, event)
    order = [source.identity(item.raw) for item in items]
    serials = {source.identity(model.items(source, event_of(source, [one]))[0].raw): one.serial for one in sent}
    fates = [drawn[serials[name]][1] for name in order]
    calls = []

    def take(records):
        positions = [order.index(source.identity(record.raw)) for record in records]
        calls.append(positions)
        results = [RESULTS[fates[position]] for position in positions]
        errors = [result for result in results if isinstance(result, Exception)]
        if raises and errors:
            raise ValueError("all")
        return results if errors or data is None else None

    if is_asynchronous:

        async def function(records: list[Record]):
            return take(records)
    else:

        def function(records: list[Record]):
            return take(records)

    policies = [Idempotency(MemoryStore(), key=lambda record: repr(source.identity(record.raw)))]
    handler = batch_handler(
        lane=True,
        concurrency=concurrency,
        dead_letter=DeadLetter(lambda record, error: None) if has_sink else None,
        policies=policies if is_idempotent else [],
    )(function)
    lanes = judge.lanes(Rules(source), event)
    with fake_io() as io:
        try:
            answer = handler(event, io.context(timeout_s=900))
        except BatchFailedError as error:
            answer = error
    left = unfinished_of(lanes, fates, has_sink=has_sink, raises=raises)

    assert model.delivered_again(source, event, answer) == model.forced_again(source, event, left)
    assert sorted(position for call in calls for position in call) == list(range(len(order)))
    assert all(call == sorted(call) and len({lanes[position] for position in call}) == 1 for call in calls)


@pytest.mark.parametrize("source", model.SOURCES, ids=str)
@BOTH_COLOURS
@settings(max_examples=10)
@given(fates=st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_lanes_are_delivered_until_every_record_took_effect_once(source, is_asynchronous, fates):
    """With Idempotency, each record failing as often as drawn, and nothing of its lane tried behind it."""
    event = event_of(source, [Sent(number, lane=number % 2) for number in range(len(fates))])
    names = [source.identity(item.raw) for item in model.items(source, event)]
    tries, done = dict(zip(names, fates, strict=True)), []

    def take(records):
        results = []
        for record in records:
            name = source.identity(record.raw)
            if any(results) or tries[name] > 0:
                tries[name] -= not any(results)
                results.append(ValueError("not yet"))
            else:
                done.append(name)
                results.append(None)
        return results

    if is_asynchronous:

        async def function(records: list[Record]):
            return take(records)
    else:

        def function(records: list[Record]):
            return take(records)

    guard = Idempotency(MemoryStore(), key=lambda record: repr(source.identity(record.raw)), keep_s=10**7)
    options = {"share_group": True} if source is model.SHARE_GROUP else {}
    handler = batch_handler(lane=True, policies=[guard], **options)(function)
    with fake_io() as io:
        for _ in range(sum(fates) + len(fates) + 1):
            try:
                answer = handler(event, io.context(timeout_s=900))
            except BatchFailedError as error:
                answer = error
            again = model.delivered_again(source, event, answer)
            if not again:
                break
            event = only(source, event, again)
            io.advance(6000)

    assert again == set()
    assert sorted(done, key=repr) == sorted(names, key=repr)
