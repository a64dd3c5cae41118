"""
What must hold after a schedule.

A *start* is that the worker's function begins. Lambda's own retries of an invocation are starts, too: they carry its
request id, and the re-invoker counts them as one. So with a store on both sides:

    one request id for each (root, attempt)   however often its record came, the Invoke was sent or its answer lost
    retries + 1 starts for each request id    what Lambda does by itself, and no more
    a start only after the last one ended     by a timeout, a crash, or an error; never after a success
    done, or set aside exactly once           or in the dead-letter queue of the re-invoker itself: never gone

Where an attempt was sent twice, because an answer was lost, one of the two invocations is answered without a start. If
its environment dies before that, Lambda reports a failure of that attempt as well, which may be set aside, each time
that the record of the one comes after that of the other.

Of a job that hangs n times, and of which nothing else is struck, follows: n + 1 starts, or as many as there may be.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resilient_lambda.testing import Kind
from resilient_lambda.testing.simulator.source import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .stage import Stage, Start

KEY = "__resilient_lambda__"
ENDS = {Kind.ANSWERED, Kind.FAILED, Kind.TIMED_OUT, Kind.CRASHED}
STRIKES = {Kind.CRASHED, Kind.TIMED_OUT, Kind.FAULT, Kind.FAILED}


class Facts:
    """
    What is known of the invocations.

    Attributes:
        ends: How each ended, and its place among all that happened.
        struck: The numbers of those that may have lost what they knew.
        effects: How often what took effect: jobs that were done and parked, and in how many struck invocations.
    """

    def __init__(self, stage: Stage) -> None:
        self.ends: dict[int, tuple[Kind, int]] = {}
        self.struck: set[int] = set()
        self.effects: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        for place, each in enumerate(stage.delivery.happenings):
            if each.kind in ENDS:
                self.ends[each.invocation] = each.kind, place
            if each.kind in STRIKES:
                self.struck.add(each.invocation)
        for each in stage.delivery.happenings:
            if each.kind is Kind.EFFECT:
                self.effects[each.text] += 1
                self.excused[each.text] += each.invocation in self.struck


def judge(stage: Stage) -> list[str]:
    """Return what is wrong, one sentence each."""
    facts = Facts(stage)
    found = [
        *_of_attempts(stage),
        *_of_starts(stage, facts),
        *_of_ends(stage, facts),
        *_of_sources(stage),
    ]
    if stage.keys_seen - {"job"}:
        found.append(f"the function has seen {sorted(stage.keys_seen)}")
    return found


def extra_starts(stage: Stage) -> int:
    """Return how many invocations of a (root, attempt) there were beyond the first, over all jobs."""
    return sum(len(ids) - 1 for ids in _request_ids(stage).values())


def _request_ids(stage: Stage) -> dict[Any, set[str]]:
    found: dict[Any, set[str]] = defaultdict(set)
    for start in stage.starts:
        found[start.job, start.attempt].add(start.request_id)
    return found


def _of_attempts(stage: Stage) -> Iterator[str]:
    schedule = stage.schedule
    for (job, attempt), ids in _request_ids(stage).items():
        if len(ids) > 1:
            yield f"attempt {attempt} of job {job} was started by {len(ids)} invocations"
        if attempt > schedule.max_attempts:
            yield f"job {job} had attempt {attempt} of {schedule.max_attempts}"
    tries = Counter((start.job, start.request_id) for start in stage.starts)
    for (job, _), count in tries.items():
        if count > schedule.retries + 1:
            yield f"one invocation of job {job} was started {count} times, Lambda tries {schedule.retries + 1} times"
    roots: dict[int, set[str]] = defaultdict(set)
    for start in stage.starts:
        roots[start.job].add(start.root or start.request_id)
    for job, found in roots.items():
        if len(found) > 1:
            yield f"job {job} has roots {sorted(found)}"


def _of_starts(stage: Stage, facts: Facts) -> Iterator[str]:
    by_job: dict[int, list[Start]] = defaultdict(list)
    for start in stage.starts:
        by_job[start.job].append(start)
    for job, starts in by_job.items():
        for earlier, later in pairwise(starts):
            kind, place = facts.ends.get(earlier.invocation, (None, len(stage.delivery.happenings)))
            if place > later.place:
                yield f"job {job} was started while an earlier start was under way"
            elif kind is Kind.ANSWERED and earlier.invocation not in facts.struck:
                yield f"job {job} was started again although it was done"
        cut = sum(facts.ends[start.invocation][0] is not Kind.ANSWERED for start in starts)
        is_done = facts.effects[f"('done', {job})"] > 0
        if is_done and len(starts) > cut + 1:
            yield f"job {job} was started {len(starts)} times, {cut} of which were cut"
        if not is_done and len(starts) > cut:
            yield f"job {job} was started {len(starts)} times, {cut} of which were cut, and is not done"


def _of_ends(stage: Stage, facts: Facts) -> Iterator[str]:
    given_up, twins = _given_up(stage), _struck_twins(stage)
    for job in stage.schedule.jobs:
        done, parked = f"('done', {job.number})", f"('parked', {job.number})"
        if facts.effects[done] > 1 + facts.excused[done]:
            yield f"job {job.number} was done {facts.effects[done]} times"
        if facts.effects[parked] > 1 + facts.excused[parked] and not twins[job.number]:
            yield f"job {job.number} was set aside {facts.effects[parked]} times"
        if not facts.effects[done] and not facts.effects[parked] and job.number not in given_up:
            yield f"job {job.number} is lost: neither done nor set aside"
        if job.number in given_up and not set(stage.schedule.faults) - {"duplicate", "late", "skew_s"}:
            yield f"the record of job {job.number} was given up by Lambda"
        if facts.effects[parked] and facts.effects[done] > facts.excused[done] and not twins[job.number]:
            yield f"job {job.number} is done, and was set aside"
        if facts.effects[parked] and not facts.effects[done]:
            yield from _of_parked(stage, facts, job.number)


def _of_parked(stage: Stage, facts: Facts, job: int) -> Iterator[str]:
    """It is set aside for what happened to it: it failed of something else, or in all its attempts."""
    starts = [start for start in stage.starts if start.job == job]
    cut = {facts.ends[start.invocation][0] for start in starts}
    if cut == {Kind.TIMED_OUT} and _is_calm(stage):
        wanted = stage.schedule.max_attempts * (stage.schedule.retries + 1)
        if len(starts) != wanted:
            yield f"job {job} was set aside after {len(starts)} starts instead of {wanted}"


def _is_calm(stage: Stage) -> bool:
    """Nothing but the records was struck: no start was lost before the function began."""
    return not set(stage.schedule.faults) - {"duplicate", "late", "throttle", "invoke_error", "skew_s"}


def _struck_twins(stage: Stage) -> Counter[int]:
    """Return by job how many invocations died without a start, of attempts that were sent more than once."""
    sent: dict[Any, list[str]] = defaultdict(list)
    for item in stage.calls.items.values():
        mark = item.body.get(KEY)
        sent[stage.job_of(json.dumps(item.body)), mark and mark["attempt"]].append(item.id)
    doubled = {id: job for (job, _), ids in sent.items() if len(ids) > 1 for id in ids}
    found: Counter[int] = Counter()
    began = {start.invocation for start in stage.starts}
    for each in stage.delivery.happenings:
        is_dead = each.source == stage.calls.name and each.kind in {Kind.CRASHED, Kind.TIMED_OUT, Kind.FAILED}
        if is_dead and each.invocation not in began:
            found.update(doubled[id] for id in each.ids if id in doubled)
    return found


def _given_up(stage: Stage) -> set[int]:
    """Return the jobs of which a record, or a re-invocation, is in a dead-letter queue of the re-invoker's source."""
    return {
        stage.job_of(str(letter.body)) for reader in stage.readers for letter in reader.dead_letters if not letter.error
    }


def _of_sources(stage: Stage) -> Iterator[str]:
    for source in stage.delivery.sources:
        for item in source.items.values():
            if item.state in {State.WAITING, State.IN_FLIGHT}:
                yield f"{item.id} is still {item.state.value}"
            if item.state is State.DISCARDED:
                yield f"{item.id} was discarded"


def bound(stage: Stage) -> int:
    """
    Return how many Invokes may have been sent once more: one for each that was not known to have been sent.

    Its answer was lost, or the environment of the re-invoker died, or lost its store, in the invocation that sent it;
    of a batch, all that it sent.
    """
    facts, names = Facts(stage), {reader.name for reader in stage.readers}
    happenings = stage.delivery.happenings
    lost = sum("answer was lost" in each.text for each in happenings)
    begun = {
        each.invocation: len(each.ids) for each in happenings if each.kind is Kind.STARTED and each.source in names
    }
    return lost + sum(records for invocation, records in begun.items() if invocation in facts.struck)
