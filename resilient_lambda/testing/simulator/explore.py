"""
Look for a schedule that breaks a handler, and make what breaks it small.

A failing schedule has faults that have nothing to do with the failure. They are left out in halves, quarters and so on,
as long as what is left still fails in the same way: A. Zeller, R. Hildebrandt, "Simplifying and Isolating
Failure-Inducing Input", IEEE Transactions on Software Engineering, 2002. Because every fault is decided by the seed and
its own name, leaving one out moves no other one; but what comes later may change, so it is counted anew.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from .delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    Play = Callable[[Delivery], object]

MOST_REPLAYS = 300
# A handler that fails for ever makes a long simulation of each replay.
MOST_INVOCATIONS = 500_000
LINES_OF_A_REPORT = 80


class Failure(NamedTuple):
    """
    A schedule that breaks a handler.

    Attributes:
        without: The faults that were left out.
        strikes: Those that happened.
        error: What was raised.
        timeline: What happened.
        replays: How often it was played to make it this small; 0 if nobody tried.
        is_repeatable: Played again, it failed again.
    """

    seed: int
    without: tuple[str, ...]
    strikes: tuple[str, ...]
    error: BaseException
    timeline: str
    replays: int = 0
    is_repeatable: bool = True

    @property
    def in_python(self) -> str:
        """What replays it."""
        without = f", without={list(self.without)!r}" if self.without else ""
        return f"Delivery(seed={self.seed}{without})"

    @property
    def in_pytest(self) -> str:
        """The options of pytest that replay it."""
        without = f" --delivery-without={','.join(self.without)}" if self.without else ""
        return f"--delivery-seed={self.seed}{without}"


def explore(play: Callable[[Delivery], object], seeds: Iterable[int] = range(200)) -> None:
    """
    Play a simulation once for each seed, and make the first that fails as small as it gets.

    Args:
        play: Makes the sources, has faults happen, lets it run, and asserts. It is called again and again, so it must
            begin anew each time, and do the same each time for a seed.
        seeds: In the order in which they are tried.

    Raises:
        AssertionError: A seed fails; with the faults that it takes, how to replay it, and the timeline. Its cause is
            what *play* raised.
    """
    for seed in seeds:
        found = attempt(play, seed)
        if found is None:
            continue
        smallest = shrink(play, found)
        raise AssertionError(report(smallest, first=found)) from smallest.error


def attempt(play: Play, seed: int, without: Collection[str] = ()) -> Failure | None:
    """Play once; return what went wrong, None if nothing did."""
    with Delivery(seed, without=without) as delivery:
        try:
            play(delivery)
        except _failures() as error:
            return failure_of(delivery, without, error)
    return None


def failure_of(delivery: Delivery, without: Collection[str], error: BaseException) -> Failure:
    """Return what went wrong in *delivery*, which has not been closed yet."""
    timeline = delivery.timeline(most_lines=LINES_OF_A_REPORT)
    return Failure(delivery.seed, tuple(without), tuple(delivery.strikes), error, timeline)


def shrink(play: Play, found: Failure, most_replays: int = MOST_REPLAYS) -> Failure:
    """
    Return a failure of the same kind that takes as few faults as can be, after at most *most_replays* replays.

    The same kind is an exception of the same class. None of the faults of what is returned can be left out, unless the
    replays were used up.
    """
    invocations = 0

    def counted(delivery: Delivery) -> None:
        nonlocal invocations
        try:
            play(delivery)
        finally:
            invocations += delivery.invocations

    if not _is_alike(attempt(counted, found.seed, found.without), found):
        return found._replace(replays=1, is_repeatable=False)
    smallest, replays = found, 1
    is_better = True
    while is_better and smallest.strikes:
        is_better = False
        for left_out in _candidates(smallest.strikes):
            if replays >= most_replays or invocations >= MOST_INVOCATIONS:
                return smallest._replace(replays=replays)
            replays += 1
            tried = attempt(counted, found.seed, _joined(smallest.without, left_out))
            # Fewer faults each time: so it comes to an end, although new ones may happen instead.
            if tried is not None and _is_alike(tried, found) and len(tried.strikes) < len(smallest.strikes):
                smallest, is_better = tried, True
                break
    return smallest._replace(replays=replays)


def _is_alike(tried: Failure | None, found: Failure) -> bool:
    return tried is not None and type(tried.error) is type(found.error)


def report(smallest: Failure, *, first: Failure) -> str:
    """Return what a failure says."""
    error = smallest.error
    said = str(error).strip().partition("\n")[0]
    return "\n".join(
        [
            f"seed {smallest.seed} fails: {type(error).__name__}{': ' if said else ''}{said}",
            *how_to_replay(smallest, first=first),
            "",
            smallest.timeline,
        ]
    )


def how_to_replay(smallest: Failure, *, first: Failure, test: str = "") -> list[str]:
    """Return lines that say which faults it takes, and how to have them again, with pytest in *test*."""
    happened, left = len(first.strikes), len(smallest.strikes)
    named = ", ".join(smallest.strikes)
    if not happened:
        it_takes = "no fault happened"
    elif not smallest.is_repeatable:
        it_takes = (
            f"faults that happened: {named}; played again, it did not fail in this way, so it was not made smaller"
        )
    elif not smallest.replays:
        it_takes = f"faults that happened: {named}"
    elif not left:
        it_takes = f"it takes none of the {happened} faults that happened"
    else:
        it_takes = f"it takes {named} ({left} of {happened} faults)"
    return [it_takes, f"replay: {smallest.in_python}", f"        pytest {test}{smallest.in_pytest}"]


def _candidates(strikes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what might be left out: every kind, one kind, then halves, quarters, single ones."""
    kinds = tuple(dict.fromkeys(_kind(name) for name in strikes))
    yield kinds
    if len(kinds) > 1:
        for kind in kinds:
            yield (kind,)
    size = len(strikes)
    while size:
        for start in range(0, len(strikes), size):
            yield strikes[start : start + size]
        size //= 2


def _joined(without: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    names = dict.fromkeys((*without, *more))
    return tuple(name for name in names if _kind(name) == name or _kind(name) not in names)


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _failures() -> tuple[type[BaseException], ...]:
    """Return what counts as a failure: `pytest.fail` raises no Exception."""
    pytest = sys.modules.get("pytest")
    return (Exception,) if pytest is None else (Exception, pytest.fail.Exception)
