"""A FIFO queue: within a group nothing overtakes, whatever fails and however long it is hidden."""

from __future__ import annotations

import json

from .stack import names_of


def test_a_group_keeps_its_order_over_a_failure_in_its_middle(stack_of):
    """What is behind the failure is not run before it; other groups go on."""
    stack = stack_of("plain", is_fifo=True)
    stack.send({"name": "a1"}, {"name": "a2", "fails": 2}, {"name": "a3"}, group="a")
    stack.send({"name": "b1"}, {"name": "b2"}, group="b")
    stack.start()
    stack.until_empty()
    runs = names_of(stack.runs())

    assert [name for name in runs if name in ("a1", "a2", "a3")] == ["a1", "a2", "a2", "a2", "a3"]
    assert [name for name in runs if name in ("b1", "b2")] == ["b1", "b2"]
    assert runs.index("b2 done") < runs.index("a2 done")
    assert {run.group for run in stack.runs("a2")} == {"a"}


def test_a_group_goes_on_when_poison_is_set_aside(stack_of):
    """Into a FIFO queue, in its group; the next message is run in the same invocation, once that is confirmed."""
    stack = stack_of("parking", is_fifo=True)
    stack.send({"name": "a1"}, {"name": "poison", "is_poison": True}, {"name": "a3"}, group="a")
    stack.start()
    stack.until_empty()
    (letter,) = stack.letters(stack.parked_url)

    assert json.loads(letter["Body"])["name"] == "poison"
    assert letter["Attributes"]["MessageGroupId"] == "a"
    assert (
        letter["Attributes"]["MessageDeduplicationId"] != "poison"
    )  # it would be swallowed when it is set aside again
    assert names_of(stack.runs()) == ["a1", "a1 done", "poison", "a3", "a3 done"]


def test_a_message_may_be_set_aside_and_replayed_again_and_again(stack_of):
    """All within the five minutes in which the queue takes a deduplication id that it knows for sent already."""
    stack = stack_of("parking", is_fifo=True)
    stack.send({"name": "poison", "is_poison": True}, group="a")
    stack.start()
    stack.until_empty()
    stack.replay()
    stack.until(lambda: len(stack.runs("poison")) == 2)
    stack.until_empty()
    stack.mend()
    stack.replay()
    stack.until(lambda: stack.order_of_ends == ["poison"])
    stack.until_empty()

    assert stack.letters(stack.parked_url) == []
    assert {run.group for run in stack.runs("poison")} == {"a"}


def test_a_group_goes_on_when_the_queue_gives_a_message_up(stack_of):
    """After its receives are spent the message is in the dead-letter queue, and the one behind it is run."""
    stack = stack_of("plain", is_fifo=True, max_receives=2)
    stack.send({"name": "hopeless", "fails": 9}, group="a")
    stack.start()
    stack.until(lambda: stack.runs("hopeless"))
    stack.send({"name": "next"}, group="a")
    stack.until_empty()

    assert names_of(stack.runs()) == ["hopeless", "hopeless", "next", "next done"]
    assert [json.loads(letter["Body"])["name"] for letter in stack.letters(stack.dead_url)] == ["hopeless"]


def test_a_hidden_message_stops_its_group_until_it_is_back(stack_of):
    """What is behind it, and what is sent meanwhile, waits for it; all come back in their order."""
    stack = stack_of("pausing", is_fifo=True, visibility_s=30)
    stack.send({"name": "a1", "fails": 1}, {"name": "a2"}, group="a")
    stack.start()
    stack.until(lambda: stack.runs("a1"))
    stack.send({"name": "a3"}, group="a")
    stack.send({"name": "b1"}, group="b")
    stack.until_empty()
    first, second = stack.runs("a1")

    assert [name for name in stack.order_of_ends if name != "b1"] == ["a1", "a2", "a3"]
    assert len(stack.runs("a2")) == len(stack.runs("a3")) == 1
    assert 2.9 < second.at_s - first.at_s < 20
    assert stack.runs("b1")[0].at_s < second.at_s
