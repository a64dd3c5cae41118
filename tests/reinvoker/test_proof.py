"""
With a store on both sides a worker is started as often as it should be, whatever goes wrong with records and Invokes.

`python -m tests.reinvoker.proof 5000` plays more. What is promised is written at the top of `proof/judge.py`.
"""

from __future__ import annotations

from collections import Counter

import pytest

from resilient_lambda import DeadLetter, DynamoDBStore, timeout_reinvoker
from resilient_lambda.testing import Delivery

from .proof.judge import bound, extra_starts
from .proof.playing import play, play_all
from .proof.schedule import DESTINATIONS, Job, schedule
from .proof.stage import Stage, left_alone, worker_of

SEEDS = 500
CHUNK = 100
# What strikes records and Invokes alone: the worker is none of it, but that its events may wait.
OF_RECORDS = {"duplicate": 1.0, "late": 0.5, "invoke_error": 0.5, "throttle": 0.2}


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Keep what the library logs out of the report."""
    caplog.set_level("CRITICAL")


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_a_worker_is_started_once_for_each_attempt_whatever_goes_wrong(first):
    """Nothing is lost, invoked twice for one attempt, or set aside twice; see the judge."""
    counts, reports = play_all(range(first, first + CHUNK))

    assert not reports, reports[0]
    assert counts["schedules"] == CHUNK


def test_every_fault_happens_and_every_end_is_met():
    """The schedules have what they are to be about: attempts, records set aside, and each fault."""
    counts, _ = play_all(range(80))

    faults = {"crash", "throttle", "duplicate", "late", "store_error", "slow_store", "store_outage", "invoke_error"}
    assert {fault for fault in faults if not counts[fault]} == set()
    assert counts["reinvoked"] > counts["jobs"] / 2
    assert counts["parked"] > counts["jobs"] / 10


def test_a_reinvoker_that_dies_before_and_after_invoke_starts_no_attempt_twice():
    """Its records come back until their Invoke is known to have been sent; what was sent twice arrives once."""
    counts = Counter()
    for seed in range(80):
        changes = {"delay": "none", "worker": "single", "faults": {"crash": 0.6, "invoke_error": 0.2}}
        verdict = play(schedule(seed)._replace(**changes))
        counts += verdict.counts

        assert not verdict.violations, verdict.report()

    assert counts["crashed before Invoke"]
    assert counts["crashed after Invoke"]


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("destination", DESTINATIONS)
def test_a_worker_that_hangs_n_times_is_started_n_plus_1_times(destination, retries):
    """By Lambda's own retries and the re-invoker together, for every n that they reach; then it is set aside."""
    most = 3 * (retries + 1)
    for hangs in range(most + 2):
        drawn = schedule(1)._replace(
            destination=destination,
            worker="single",
            delay="none",
            timeout_s=60.0,
            retries=retries,
            max_attempts=3,
            jobs=(Job(0, 0.0, hangs),),
            faults=OF_RECORDS,
        )
        with Delivery(hangs, without=left_alone()) as delivery:
            stage = Stage(drawn, delivery)
            stage.play()
            done = hangs < most

            assert len(stage.starts) == min(hangs + 1, most)
            assert delivery.effects.count(("done", 0)) == int(done)
            assert [job for job, _, _ in stage.parked] == ([] if done else [0])


def test_what_is_set_aside_says_why():
    """After all attempts: how many there were."""
    drawn = schedule(1)._replace(
        worker="single", delay="none", timeout_s=60.0, retries=0, max_attempts=2, jobs=(Job(0, 0.0, 9),), faults={}
    )
    with Delivery(0) as delivery:
        stage = Stage(drawn, delivery)
        stage.play()

    assert [reason for _, reason, _ in stage.parked] == ["it has failed in 2 of 2 invocations"]


def sabotaged(text, *, seeds=150, handler=None, **changes):
    """Return the seed of the first schedule of which *text* is said, with what was changed; None if there is none."""
    for seed in range(seeds):
        drawn = schedule(seed)._replace(faults={"invoke_error": 0.5, "duplicate": 0.7, "crash": 0.2}, **changes)
        if any(text in violation for violation in play(drawn, worker=handler).violations):
            return seed
    return None


def test_a_receiver_without_a_store_is_convicted():
    """A second Invoke for one attempt is a second start."""
    assert sabotaged("was started by 2 invocations", receiver_has_store=False) is not None


def test_a_receiver_that_does_not_know_its_attempt_is_convicted():
    """Without the reserved key all invocations look like the first."""
    worker = worker_of("single", has_store=True)

    def forgetful(event, context):
        return worker({name: value for name, value in event.items() if name == "job"}, context)

    assert sabotaged("invocations", handler=forgetful, worker="single") is not None


def test_two_sides_without_a_store_are_convicted():
    """A record that comes twice is invoked twice, and set aside twice."""
    changes = {"receiver_has_store": False, "reinvoker_has_store": False}

    assert sabotaged("was started by 2 invocations", **changes) is not None
    assert sabotaged("was set aside 2 times", **changes) is not None


def test_without_a_store_of_the_receiver_each_struck_invoke_starts_it_once_more_at_most():
    """The bound that holds with the re-invoker's store alone: n + 1, and one for each Invoke of which nobody knew."""
    total = 0
    for seed in range(200):
        drawn = schedule(seed)._replace(receiver_has_store=False)
        with Delivery(seed, without=left_alone()) as delivery:
            stage = Stage(drawn, delivery)
            stage.play()
            extra = extra_starts(stage)

            assert extra <= bound(stage)
            total += extra

    assert total  # or nothing was measured


def test_without_a_store_of_the_reinvoker_the_receiver_alone_keeps_starts_single():
    """A claim on one side is enough against a second start; only what is set aside may be so twice."""
    for seed in range(150):
        verdict = play(schedule(seed)._replace(reinvoker_has_store=False))

        assert [each for each in verdict.violations if "started" in each] == []


@pytest.mark.parametrize("hangs", [0, 1, 2, 9])
def test_the_attempts_of_a_payload_that_is_no_object_are_counted_in_the_store(hangs):
    """It can carry no key: n + 1 starts all the same, and one record set aside, if records come late and twice."""
    # Lambda's own duplicates of the worker's events, the second source here, are left out.
    with Delivery(hangs, without=[f"duplicate:2.{number}" for number in range(9)]) as delivery:
        parked, starts = [], []

        def worker(event, context):
            starts.append(event)
            if len(starts) <= hangs:
                delivery.work(99)

        reinvoker = timeout_reinvoker(
            functions=["worker"],
            max_attempts=3,
            dead_letter=DeadLetter(lambda record, error: parked.append(str(error))),
            store=DynamoDBStore("reinvoker"),
        )
        records = delivery.sqs(reinvoker, max_receives=100, dead_letter=True)
        calls = delivery.asynchronous(
            delivery.function(worker, name="worker", timeout_s=30.0), retries=0, on_failure=records
        )
        calls.send(["report", 7])
        delivery.faults(duplicate=1.0, late=0.5)
        delivery.run()

    assert starts == [["report", 7]] * min(hangs + 1, 3)
    assert parked == ([] if hangs < 3 else ["it has failed in 3 of 3 invocations"])
