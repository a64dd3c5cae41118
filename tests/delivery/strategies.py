"""Batches of any kind: several lanes, keys that come twice, sequence numbers of all lengths, any outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.delivery.events import Sent
from tests.delivery.plans import FAILURES, Plan

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

OUTCOMES = st.lists(st.sampled_from(sorted(FAILURES)), max_size=3).map(tuple)


def plans(*, max_size: int = 10, costs: SearchStrategy[float] | None = None) -> SearchStrategy[list[Plan]]:
    """Return batches in which every record heals after three failures at most."""
    one = st.builds(
        Plan,
        st.builds(
            Sent,
            st.just(0),
            lane=st.integers(0, 2),
            key=st.integers(0, 3),
            is_readable=st.sampled_from([True, True, True, False]),
        ),
        event=st.integers(0, 5),
        outcomes=OUTCOMES,
        refusals=st.sampled_from([0, 0, 1, 3]),
        cost_s=st.just(0.0) if costs is None else costs,
        yields=st.integers(0, 3),
    )
    return st.tuples(st.lists(one, max_size=max_size), st.integers(0, 49)).map(_numbered)


def _numbered(drawn: tuple[list[Plan], int]) -> list[Plan]:
    found, first = drawn
    numbered = [plan._replace(sent=plan.sent._replace(serial=first + place)) for place, plan in enumerate(found)]
    # What cannot be read is an event of its own: whether it is answered as a duplicate or as nonsense is no matter.
    return [plan if plan.sent.is_readable else plan._replace(event=100 + plan.sent.serial) for plan in numbered]
