"""The judge itself: it acquits a right handler, and convicts each kind of wrong one."""

from __future__ import annotations

import pytest

from tests.delivery import model
from tests.delivery.events import Sent, event_of
from tests.delivery.judge import OK, POISON, RETRY, Delivery, Letter, Rules, Run, problems

FOUR = [Sent(serial, key=serial % 2) for serial in range(4)]
EMPTY = {"batchItemFailures": []}


def names(source, *positions):
    """Return an answer that names the records at *positions*."""
    batch = model.items(source, event_of(source, FOUR))
    return {"batchItemFailures": [{"itemIdentifier": batch[position].name} for position in positions]}


def runs(*outcomes):
    """Return runs one after the other, each of the record at its place; None for one that did not run."""
    return [
        Run(position, began=10 * position, ended=10 * position + 5, outcome=outcome)
        for position, outcome in enumerate(outcomes)
        if outcome is not None
    ]


def judged(source, happened, answer, *, letters=(), rules=None, **facts):
    """Return the verdict on one delivery of four records."""
    delivery = Delivery(event_of(source, FOUR), happened, letters, answer, **facts)
    return problems(rules or Rules(source), delivery)


ALL_OK = runs(OK, OK, OK, OK)
STOPPED = runs(OK, RETRY)
RIGHT = [
    (model.SQS, ALL_OK, EMPTY),
    (model.SQS, runs(OK, RETRY, OK, RETRY), names(model.SQS, 1, 3)),
    (model.FIFO, STOPPED, names(model.FIFO, 1, 2, 3)),
    (model.KINESIS, STOPPED, names(model.KINESIS, 1)),
    (model.DYNAMODB, STOPPED, names(model.DYNAMODB, 1)),
    (model.DOCUMENTDB, STOPPED, ValueError()),
    (model.ACTIVEMQ, runs(OK, RETRY, OK, OK), ValueError()),
    (model.SNS, ALL_OK, {}),
]


@pytest.mark.parametrize(("source", "happened", "answer"), RIGHT)
def test_a_right_handler_is_acquitted(source, happened, answer):
    """Everything ran, in order, and what failed comes again."""
    assert judged(source, happened, answer) == []


WRONG = [
    ("lost: [1]", model.SQS, runs(OK, RETRY, OK, OK), EMPTY),
    ("lost: [1]", model.SQS, runs(OK, None, OK, OK), EMPTY),
    ("lost: [1]", model.ACTIVEMQ, runs(OK, RETRY, OK, OK), EMPTY),
    ("lost: [1]", model.KINESIS, STOPPED, names(model.KINESIS, 2)),
    ("needlessly delivered again: [0]", model.SQS, ALL_OK, names(model.SQS, 0)),
    ("needlessly delivered again: [0]", model.SQS, STOPPED, {"batchItemFailures": [{"itemIdentifier": ""}]}),
    ("needlessly delivered again: [0]", model.KINESIS, STOPPED, names(model.KINESIS, 0, 1)),
    ("needlessly delivered again: [0, 1, 2, 3]", model.SNS, ALL_OK, ValueError("x")),
    (
        "deleted while an earlier one of its lane comes again: [2]",
        model.FIFO,
        runs(OK, RETRY, OK),
        names(model.FIFO, 1, 3),
    ),
    ("it raised ValueError('x')", model.SQS, STOPPED, ValueError("x")),
    ("it answered None", model.SQS, ALL_OK, None),
    ("stands twice", model.SQS, runs(RETRY, OK, OK, OK), names(model.SQS, 0, 0)),
    ("2 ran although 1 before it comes again", model.KINESIS, runs(OK, RETRY, OK), names(model.KINESIS, 1)),
    ("1 began before 0 had ended", model.FIFO, [Run(0, 0, 9, OK), Run(1, 8, 10, OK), *ALL_OK[2:]], EMPTY),
    ("1 ran although 0 before it comes again", model.FIFO, ALL_OK[1:], names(model.FIFO, 0)),
    ("2 runs at once", model.SQS, [Run(0, 0, 9, OK), Run(1, 8, 10, OK), *ALL_OK[2:]], EMPTY),
    ("0 ran twice in one delivery", model.SQS, [*ALL_OK, Run(0, 90, 91, OK)], EMPTY),
    ("1 was given back for no reason", model.SQS, [*ALL_OK[:1], *ALL_OK[2:]], names(model.SQS, 1)),
    ("0 was given back for no reason", model.KINESIS, [], names(model.KINESIS, 0)),
]


@pytest.mark.parametrize(("verdict", "source", "happened", "answer"), WRONG)
def test_a_wrong_handler_is_convicted(verdict, source, happened, answer):
    """Lost, needless, out of order, twice, or idle: each is seen."""
    assert any(verdict in problem for problem in judged(source, happened, answer))


POISONED = runs(OK, POISON, OK, OK)


@pytest.mark.parametrize("source", [model.SQS, model.FIFO, model.KINESIS], ids=str)
def test_a_record_that_is_parked_is_finished(source):
    """The lane goes on behind it, and it does not come again."""
    assert judged(source, POISONED, EMPTY, letters=[Letter(1, 16, True)]) == []


def test_a_record_whose_letter_was_refused_is_not_finished():
    """It comes again, and what is acknowledged without a confirmed letter is lost."""
    refused = [Letter(1, 16, False)]

    assert judged(model.SQS, POISONED, names(model.SQS, 1), letters=refused) == []
    assert judged(model.SQS, POISONED, EMPTY, letters=refused) == ["lost: [1]"]


def test_in_a_lane_the_letter_is_confirmed_before_the_next_record_runs():
    """A letter at the end of the batch is too late: if it is refused, the order is gone."""
    late = [Letter(1, 99, True)]

    assert judged(model.SQS, POISONED, EMPTY, letters=late) == []
    assert judged(model.FIFO, POISONED, EMPTY, letters=late) == [
        "2 began before the letter of 1 was confirmed",
        "3 began before the letter of 1 was confirmed",
    ]


def test_a_lane_that_is_to_stop_at_a_letter_stops():
    """With ``stop_lane_on_dead_letter`` the rest comes again."""
    rules = Rules(model.FIFO, stops_on_letter=True)
    letters = [Letter(1, 16, True)]

    assert judged(model.FIFO, POISONED[:2], names(model.FIFO, 2, 3), letters=letters, rules=rules) == []
    assert len(judged(model.FIFO, POISONED, EMPTY, letters=letters, rules=rules)) == 2


def test_only_what_failed_for_good_is_set_aside():
    """A record that succeeded or may yet succeed is no dead letter."""
    letters = [Letter(1, 16, True)]

    assert judged(model.SQS, STOPPED + ALL_OK[2:], EMPTY, letters=letters) == [
        "1 was set aside without a permanent failure"
    ]


def test_what_cannot_be_read_is_set_aside_without_a_run():
    """Its run would have nothing to take."""
    letters = [Letter(1, 16, True)]

    assert judged(model.SQS, runs(OK, None, OK, OK), EMPTY, letters=letters, hopeless={1}) == []


def test_with_order_by_key_what_ran_behind_the_checkpoint_comes_again_by_force():
    """The other keys run on; the source brings them back, and a done key must not run then."""
    rules = Rules(model.KINESIS, by_key=True, concurrency=2)
    happened = runs(OK, RETRY, OK)

    assert judged(model.KINESIS, happened, names(model.KINESIS, 1), rules=rules, keys="abcd") == []
    assert judged(model.KINESIS, happened, names(model.KINESIS, 1), rules=rules, keys="abcd", done_before={"c"}) == [
        "'c' ran again although it is done"
    ]


def test_one_run_decides_for_all_records_of_its_key():
    """With Idempotency a duplicate in the batch is answered, not run."""
    assert judged(model.SQS, runs(OK, None, OK), EMPTY, keys="aabb") == []
    assert judged(model.SQS, ALL_OK, EMPTY, keys="aabc") == ["'a' ran twice in one delivery"]


def test_what_is_given_back_at_the_deadline_needs_no_other_reason():
    """There was no time for it."""
    assert judged(model.SQS, ALL_OK[:2], names(model.SQS, 2, 3), ran_out_of_time=True) == []


def test_an_exception_is_an_answer_where_everything_failed_and_that_was_asked_for():
    """``raise_if_all_failed`` slows the polling down, and loses no more than an answer would."""
    rules = Rules(model.SQS, raises_if_all_failed=True)

    assert judged(model.SQS, runs(RETRY, RETRY, RETRY, RETRY), ValueError("x"), rules=rules) == []
    assert judged(model.SQS, runs(OK, RETRY, RETRY, RETRY), ValueError("x"), rules=rules) == [
        "it raised ValueError('x')",
        "needlessly delivered again: [0]",
    ]
