"""Which record may start next: in order within a lane, one at a time, nothing behind one that stops its lane."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from resilient_lambda._core.lanes import Lanes


def drained(lanes: Lanes) -> list[int]:
    """Return the order in which the records run one at a time."""
    order: list[int] = []
    while (number := lanes.start()) is not None:
        order.append(number)
        lanes.end(number, stops=False)
    return order


@given(names=st.none() | st.lists(st.sampled_from("abcd"), max_size=12), count=st.integers(0, 12))
def test_one_at_a_time_is_the_order_of_the_event(names, count):
    """Whatever the lanes are, a batch that is run one at a time keeps the order in which it came."""
    count = count if names is None else len(names)

    assert drained(Lanes(count, names)) == list(range(count))


def test_several_start_from_different_lanes():
    """The head of each lane may run at once, the lowest first, and the second of a lane only after its first."""
    lanes = Lanes(5, ["a", "a", "b", "b", "c"])

    assert lanes.free() == 3
    assert [lanes.start() for _ in range(4)] == [0, 2, 4, None]
    lanes.end(2, stops=False)
    assert (lanes.start(), lanes.free()) == (3, 0)


def test_without_lanes_every_record_may_run_at_once():
    """Records of a source without order wait for nothing."""
    lanes = Lanes(3, None)

    assert not lanes.is_ordered
    assert [lanes.start() for _ in range(4)] == [0, 1, 2, None]


def test_a_lane_stops_where_it_is_told_to():
    """What is behind the record that stops it is left, in the order of the event; other lanes go on."""
    lanes = Lanes(6, ["a", "b", "a", "b", "a", "a"])
    lanes.end(lanes.start(), stops=True)

    assert drained(lanes) == [1, 3]
    assert lanes.unstarted() == sorted(lanes.behind(0)) == [2, 4, 5]
    assert list(lanes.behind(1)) == []
    assert lanes.is_stopped(0)
    assert not lanes.is_stopped(1)


def test_a_stop_without_order_stops_nothing_else():
    """A record that stands alone has nothing behind it."""
    lanes = Lanes(3, None)
    lanes.end(lanes.start(), stops=True)

    assert drained(lanes) == [1, 2]


def test_a_paused_record_keeps_its_lane():
    """Nothing of its lane overtakes what was put off; once it has run, the lane goes on."""
    lanes = Lanes(3, ["a", "a", "b"])
    lanes.pause(lanes.start())

    assert drained(lanes) == [2]
    lanes.resume(0)
    assert lanes.running == {0}
    lanes.end(0, stops=False)
    assert drained(lanes) == [1]


def test_records_of_a_lane_can_be_started_together():
    """`start_behind` goes on in the lane, or anywhere where there are none; the lane is free when all have ended."""
    lanes = Lanes(4, ["a", "a", "b", "a"])
    lanes.hold(lanes.start())

    assert [lanes.start_behind(0), lanes.start_behind(0), lanes.start_behind(0)] == [1, 3, None]
    for number in (0, 1, 3):
        lanes.end(number, stops=False)
    lanes.let_go(0)
    assert lanes.unstarted() == [2]

    single = Lanes(3, None)
    assert (single.start(), single.start_behind(0), single.start_behind(0), single.start_behind(0)) == (0, 1, 2, None)


def test_a_lane_that_is_held_is_not_free_although_its_first_has_ended():
    """Between the records that are started together no other lane's thread may take the next one."""
    lanes = Lanes(2, ["a", "a"])
    lanes.hold(lanes.start())
    lanes.end(0, stops=False)

    assert lanes.free() == 0
    lanes.let_go(0)
    assert (lanes.free(), lanes.start()) == (1, 1)


def test_an_undone_start_is_left_again():
    """A record behind one that stops its lane counts as not started, in its place."""
    lanes = Lanes(3, ["a", "a", "a"])
    first = lanes.start()
    second = lanes.start_behind(first)
    lanes.end(first, stops=True)
    lanes.undo_start(second)

    assert lanes.unstarted() == [1, 2]
    assert (lanes.running, lanes.start()) == (set(), None)


@pytest.mark.parametrize(
    ("names", "started", "expected"),
    [
        (["a", "a"], 1, True),
        (["a", "b"], 1, False),  # b could go on
        (["a", "b"], 2, False),  # two run
        (None, 1, False),  # without order nothing waits for it
    ],
)
def test_alone_is_who_nobody_could_run_instead_of(names, started, expected):
    """True for the one record that runs, of the only lane that is left."""
    lanes = Lanes(2, names)
    for _ in range(started):
        lanes.start()

    assert lanes.is_alone() is expected


class LanesMachine(RuleBasedStateMachine):
    """
    A batch is run by several lanes at a time, records are put off, started together, and stop their lanes.

    What starts is always the lowest record whose lane is free: nothing of it runs, was put off or is held, and nothing
    before it has stopped the lane. Each record starts once, and is either started or left at the end.
    """

    @initialize(names=st.lists(st.sampled_from("abc"), min_size=1, max_size=12) | st.none(), count=st.integers(1, 8))
    def begin(self, names, count):
        """Open a batch."""
        count = count if names is None else len(names)
        self.lanes = Lanes(count, names)
        self.names = list(range(count)) if names is None else names
        self.is_ordered = names is not None
        self.left = set(range(count))
        self.running: set[int] = set()
        self.paused: set[int] = set()
        self.held: dict[int, int] = {}
        self.ended: list[int] = []
        self.stopped: set[object] = set()

    def is_busy(self, name: object) -> bool:
        """Tell whether something keeps the lane *name*."""
        return any(self.names[number] == name for number in (*self.running, *self.paused, *self.held))

    def free_heads(self) -> list[int]:
        """Return what may start, by the rule in words."""
        heads: dict[object, int] = {}
        for number in sorted(self.left):
            heads.setdefault(self.names[number], number)
        return sorted(number for name, number in heads.items() if name not in self.stopped and not self.is_busy(name))

    def note_start(self, number: int) -> None:
        """A record begins."""
        assert number in self.left
        self.left.discard(number)
        self.running.add(number)

    @precondition(lambda self: hasattr(self, "lanes"))
    @rule()
    def start(self):
        """Start the next record, whichever that is."""
        free = self.free_heads()

        assert self.lanes.free() == len(free)
        number = self.lanes.start()
        assert number == (free[0] if free else None)
        if number is not None:
            self.note_start(number)

    @precondition(lambda self: getattr(self, "running", None))
    @rule(data=st.data(), stops=st.booleans())
    def end(self, data, stops):
        """End a record; it may stop its lane."""
        number = data.draw(st.sampled_from(sorted(self.running)))
        self.lanes.end(number, stops=stops)
        self.running.discard(number)
        self.ended.append(number)
        if stops:
            self.stopped.add(self.names[number])

    def last_started(self) -> list[int]:
        """Return what runs and has nothing of its lane started behind it: whoever is put off is the last of it."""
        started = {*self.running, *self.paused, *self.ended}
        return sorted(
            number
            for number in self.running
            if not any(other > number and self.names[other] == self.names[number] for other in started)
        )

    @precondition(lambda self: hasattr(self, "lanes") and self.last_started())
    @rule(data=st.data())
    def put_off(self, data):
        """Put a record off."""
        number = data.draw(st.sampled_from(self.last_started()))
        self.lanes.pause(number)
        self.running.discard(number)
        self.paused.add(number)

    @precondition(lambda self: getattr(self, "paused", None))
    @rule(data=st.data())
    def resume_or_undo(self, data):
        """Run what was put off, or leave it if its lane has stopped meanwhile."""
        number = data.draw(st.sampled_from(sorted(self.paused)))
        self.paused.discard(number)
        if self.lanes.is_stopped(number):
            self.lanes.undo_start(number)
            self.left.add(number)
        else:
            self.lanes.resume(number)
            self.running.add(number)

    @precondition(lambda self: getattr(self, "running", None) and not getattr(self, "held", None))
    @rule(data=st.data())
    def hold(self, data):
        """Begin to start several of a lane together."""
        number = data.draw(st.sampled_from(sorted(self.running)))
        self.lanes.hold(number)
        self.held[number] = number

    @precondition(lambda self: getattr(self, "held", None))
    @rule()
    def start_behind(self):
        """Start the next of the lane that is held; without order, of any."""
        (number,) = self.held
        if self.is_ordered:
            left = sorted(other for other in self.left if self.names[other] == self.names[number])
        else:
            left = self.free_heads()
        if self.names[number] in self.stopped:
            return  # who stops a lane starts nothing behind
        if self.is_ordered and any(self.names[other] == self.names[number] for other in self.paused):
            return  # nor who waits for one of it
        found = self.lanes.start_behind(number)

        assert found == (left[0] if left else None)
        if found is not None:
            self.note_start(found)

    @precondition(lambda self: getattr(self, "held", None))
    @rule()
    def let_go(self):
        """Start no more of that lane together."""
        (number,) = self.held
        self.held.clear()
        self.lanes.let_go(number)

    @invariant()
    def all_records_are_somewhere(self):
        """None is lost, none runs twice."""
        if not hasattr(self, "lanes"):
            return
        places = [*self.left, *self.running, *self.paused, *self.ended]

        assert sorted(places) == list(range(len(self.names)))
        assert self.lanes.unstarted() == sorted(self.left)
        assert self.lanes.running == self.running

    @invariant()
    def records_of_a_lane_start_in_order(self):
        """What is left of a lane is behind all of it that has started."""
        if not hasattr(self, "lanes"):
            return
        first_left: dict[object, int] = {}
        for number in sorted(self.left):
            first_left.setdefault(self.names[number], number)
        started = defaultdict(list)
        for number in (*self.running, *self.ended):
            started[self.names[number]].append(number)
        for name, number in first_left.items():
            assert all(before < number for before in started[name])


TestLanesMachine = LanesMachine.TestCase
TestLanesMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
