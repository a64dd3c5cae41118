"""A standard queue: what comes back, how often, when, and where it ends."""

from __future__ import annotations

import json

from .stack import names_of


def test_only_what_failed_comes_back(stack_of):
    """The others are deleted: each message that succeeds is run once, with a receive count that grows by one."""
    stack = stack_of("plain")
    stack.send({"name": "a"}, {"name": "flaky", "fails": 1}, {"name": "c"})
    stack.start()
    stack.until_empty()

    assert sorted(stack.order_of_ends) == ["a", "c", "flaky"]
    assert [run.receives for run in stack.runs("flaky")] == [1, 2]
    assert len(stack.runs("a")) == len(stack.runs("c")) == 1


def test_what_fails_for_ever_ends_in_the_queues_dead_letter_queue(stack_of):
    """After its receives are spent, with the body as it was sent; its neighbours are done."""
    stack = stack_of("plain", max_receives=2)
    stack.send({"name": "a"}, {"name": "hopeless", "fails": 9})
    stack.start()
    stack.until_empty()

    assert [run.receives for run in stack.runs("hopeless")] == [1, 2]
    assert [json.loads(letter["Body"])["name"] for letter in stack.letters(stack.dead_url)] == ["hopeless"]
    assert stack.order_of_ends == ["a"]


def test_an_environment_that_dies_brings_the_whole_batch_back(stack_of):
    """Without Idempotency what was done before is done again."""
    stack = stack_of("plain")
    stack.send({"name": "a"}, {"name": "killer", "exits": 1})
    stack.start()
    stack.until_empty()

    assert stack.order_of_ends == ["a", "a", "killer"]
    assert len({run.environment for run in stack.runs("killer")}) == 2


def test_poison_is_set_aside_at_once(stack_of):
    """In the sink's queue, with its body and the error; it spends one receive, and does not come back."""
    stack = stack_of("parking")
    stack.send({"name": "a"}, {"name": "poison", "is_poison": True}, {"name": "c"})
    stack.start()
    stack.until_empty()
    (letter,) = stack.letters(stack.parked_url)
    note = json.loads(letter["MessageAttributes"]["resilient_lambda"]["StringValue"])

    assert json.loads(letter["Body"]) == {"name": "poison", "is_poison": True}
    assert note["error"] == "NonRetryableError"
    assert len(stack.runs("poison")) == 1
    assert stack.order_of_ends == ["a", "c"]


def test_what_was_set_aside_is_run_when_it_is_replayed(stack_of):
    """Once the function has been mended; the letter is gone then."""
    stack = stack_of("parking")
    stack.send({"name": "poison", "is_poison": True})
    stack.start()
    stack.until_empty()
    stack.mend()
    stack.replay()
    stack.until(lambda: stack.order_of_ends == ["poison"])
    stack.until_empty()

    assert stack.letters(stack.parked_url) == []
    assert [run.receives for run in stack.runs("poison")] == [1, 1]  # another message, with the same body


def test_a_failed_message_stays_hidden_as_long_as_it_should(stack_of):
    """A second and then two, and up to a quarter more, although the queue's timeout is thirty."""
    stack = stack_of("hiding", visibility_s=30)
    stack.send({"name": "flaky", "fails": 2}, {"name": "a"})
    stack.start()
    stack.until_empty()
    first, second, third = stack.runs("flaky")

    assert 0.9 < second.at_s - first.at_s < 20
    assert 1.9 < third.at_s - second.at_s < 20
    assert len(stack.runs("a")) == 1


def test_what_is_done_is_not_done_again_when_its_neighbour_kills_the_environment(stack_of):
    """With Idempotency the batch comes back, and only the killer is run again."""
    stack = stack_of("once")
    stack.send({"name": "a", "order_id": "1"}, {"name": "killer", "order_id": "2", "exits": 1, "takes_s": 0.5})
    stack.start()
    stack.until_empty()

    assert stack.order_of_ends == ["a", "killer"]
    assert names_of(stack.runs("a") + stack.runs("killer")) == ["a", "killer", "killer"]


def test_a_duplicate_waits_for_the_first_one_and_is_not_run(stack_of):
    """In another environment it meets the claim, is hidden until the first one must be over, and deleted then."""
    stack = stack_of("once_hiding", visibility_s=30, timeout_s=5)
    stack.start()
    stack.send({"name": "first", "order_id": "3", "takes_s": 3})
    stack.until(lambda: stack.runs("first"))
    stack.send({"name": "second", "order_id": "3"})
    stack.until_empty()
    first, hidden, done = names_of(stack.runs())

    assert (first, done) == ("first", "first done")
    assert hidden in {f"hidden for {rest_s} s" for rest_s in range(2, 7)}  # of the five that the first one may take
