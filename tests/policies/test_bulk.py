"""A batch costs a handful of requests: keys are claimed ahead, ends are written together, beside the runs."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref

import pytest

from resilient_lambda import DeadLetter, Idempotency, MemoryStore, NonRetryableError, Success, batch_handler
from resilient_lambda._io import blocking
from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.events import ClaimTaken, CompletionUnrecorded
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import failed
from tests.policies.environments import Crash
from tests.policies.stores import NAMESPACE, FaultyStore, key_of


@pytest.fixture
def slow(make, time):
    """What is done beside the function is done as late as possible."""
    time.holds_jobs = True
    return make


def repr_of(value: object) -> str:
    """Return a name that is the same in every process."""
    return type(value).__name__ if hasattr(value, "__next__") else repr(value)


def together(steps: list[str]) -> list[tuple[str, int]]:
    """Return the steps with how many of a kind follow each other."""
    found: list[tuple[str, int]] = []
    for step in steps:
        if found and found[-1][0] == step:
            found[-1] = (step, found[-1][1] + 1)
        else:
            found.append((step, 1))
    return found


def sizes_of(store: FaultyStore) -> list[int]:
    """Return a list that will hold how many keys each bulk write has."""
    sizes: list[int] = []
    write = store.put_many_if
    store.put_many_if = lambda writes: (sizes.append(len(writes)), write(writes))[1]  # type: ignore[method-assign]
    return sizes


def test_a_batch_is_claimed_and_completed_in_a_request_each(slow, store):
    """25 keys make a request."""
    assert slow().deliver(*range(25)) == []
    assert (together(store.steps), store.requests) == ([("claim", 25), ("complete", 25)], 2)


def test_a_batch_of_one_costs_two_requests_and_no_thread(other, store, time):
    """Nothing runs beside it."""
    time.start = None

    assert other().deliver("a") == []
    assert (store.steps, store.requests) == (["claim", "complete"], 2)


def test_without_a_thread_to_be_had_everything_is_written_all_the_same(other, store, time):
    """The environment is at its limit: claims and ends are written by the handler itself."""

    def refuse(work):
        raise RuntimeError("can't start new thread")

    time.start = refuse

    assert other().deliver(*range(60)) == []
    assert {store.status(key_of(n)) for n in range(60)} == {"COMPLETED"}


def test_a_hundred_records_cost_few_requests(slow, store):
    """The first window is one request, as nothing is known yet of how long a run takes."""
    assert slow().deliver(*range(100)) == []
    assert store.requests <= 10


def test_quick_runs_have_a_large_window(slow, store, time):
    """A hundred keys are claimed at once where a run takes 10 ms."""
    environment = slow(lambda body: time.advance(0.01))
    environment.deliver(*range(30))
    sizes = sizes_of(store)
    environment.deliver(*range(100, 300))

    assert sizes[0] == 100


def test_slow_runs_have_a_small_window(slow, store, time):
    """A run of 0.4 s: what begins within a second is claimed, two keys."""
    environment = slow(lambda body: time.advance(0.4))
    environment.deliver("a")
    sizes = sizes_of(store)
    environment.deliver(*range(100, 110), timeout_s=900)

    assert sizes[:2] == [2, 2]


def test_little_time_makes_a_small_window(slow, store, time):
    """What will not begin any more is not claimed."""
    environment = slow(lambda body: time.advance(0.1))
    environment.deliver("a")
    sizes = sizes_of(store)
    environment.deliver(*range(100, 110), timeout_s=0.5)

    assert sizes[0] == 4


def test_every_write_waits_for_at_most_fifty_keys(slow, store):
    """What is not recorded would run again if the environment died: beyond fifty no further record starts."""
    runs_at_write = []
    environment = slow()
    store.before_call = lambda step: runs_at_write.append(len(environment.runs)) if step == "complete" else None
    environment.deliver(*range(120))

    assert max(later - earlier for earlier, later in zip([0, *runs_at_write], runs_at_write, strict=False)) <= 50


@pytest.mark.parametrize("options", [{"on_store_error": "run"}, {"mode": "observe"}], ids=str)
def test_who_runs_without_the_store_is_not_refused(slow, store, options):
    """What ends is waited for as ever, but nothing is given back for want of the store."""
    store.fail("complete", times=9_999)
    environment = slow(**options)

    assert environment.deliver(*range(80), timeout_s=900) == []
    assert len(environment.runs) == 80


def test_what_could_not_be_recorded_counts_among_the_fifty(slow, store):
    """Thirty that could not be written leave twenty that may be on their way."""
    environment = slow(lambda body: environment.time.advance(2) if body["k"] == 29 else None)
    started = []

    def count(step):
        if step == "complete":
            started.append(len(environment.runs))
            if len(started) == 1:
                store.fail("complete", times=30 * 4)

    store.before_call = count
    environment.deliver(*range(80), timeout_s=900)

    assert started[0] == 30
    assert next(runs for runs in started if runs > 30) == 50


def test_every_write_waits_for_at_most_a_second(slow, store, time):
    """Beyond it, asked before each run, no further record starts until the write is through."""
    written_at_s = []
    began_s = time.now()
    store.before_call = lambda step: written_at_s.append(time.now() - began_s) if step == "complete" else None
    slow(lambda body: time.advance(0.3)).deliver(*range(9))

    assert written_at_s == pytest.approx([1.5, 2.7])


def test_commit_each_records_before_the_next_begins(slow, store):
    """For those who want no run unrecorded while another one runs."""
    states = []
    environment = slow(lambda body: states.append([store.status(key_of(n)) for n in range(body["k"])]), commit="each")
    environment.deliver(*range(3))

    assert states == [[], ["COMPLETED"], ["COMPLETED", "COMPLETED"]]


def test_releases_and_completions_go_together(slow, store):
    """One request for the ends of a batch, whatever they are."""

    def work(body):
        if body["k"] % 2:
            raise ValueError

    assert slow(work).deliver(*range(6)) == ["m1", "m3", "m5"]
    assert store.requests == 2


def test_the_ends_of_parked_records_go_together(slow, store, sink):
    """After their letters are confirmed."""

    def work(body):
        raise NonRetryableError

    assert slow(work, sink=sink).deliver(*range(20)) == []
    assert (together(store.steps), store.requests) == ([("claim", 20), ("release", 20)], 2)


def test_one_key_that_fails_is_that_keys(make, store):
    """Throttled one by one: the others are claimed, the throttled is asked for again, alone."""
    store.fail("claim", times=1)

    assert make().deliver(*range(10)) == []
    assert together(store.steps) == [("claim", 11), ("complete", 10)]


def test_one_completion_that_fails_for_good_is_journalled_alone(slow, store):
    """The others are recorded."""
    store.fail("complete", times=4)
    environment = slow()

    assert environment.deliver(*"abc") == []
    assert [store.status(key_of(k)) for k in "abc"] == ["COMPLETED"] * 3


def test_beyond_fifty_unrecorded_successes_nothing_more_starts(slow, store):
    """The bound holds also where the store takes claims, but no completions."""
    store.fail("complete", times=9_999)
    environment = slow()
    answer = environment.deliver(*range(80), timeout_s=900)

    assert len(environment.runs) == 50
    assert answer == [f"m{n}" for n in range(50, 80)]
    assert len(environment.heard(CompletionUnrecorded)) == 50
    store.heal()
    assert environment.deliver(*[(f"m{n}", n) for n in range(50, 80)]) == []
    assert {store.status(key_of(n)) for n in range(80)} == {"COMPLETED"}


def test_a_suspect_is_not_claimed_ahead(make, store, time):
    """It is claimed alone, when its neighbours are done and recorded: should it kill, it kills nobody else."""
    store.lay(time.now(), key=key_of("a"), lapses=1, status="RELEASED")
    states = []
    environment = make(lambda body: states.append((body["k"], store.status(key_of("b")))))

    assert environment.deliver("a", "b", "c", receives=2) == []
    assert states == [("b", "IN_PROGRESS"), ("c", "COMPLETED"), ("a", "COMPLETED")]
    assert [event.key for event in environment.heard(ClaimTaken)][-1] == key_of("a")


def test_of_two_suspects_the_one_that_lapsed_more_often_is_the_last(make, store, time):
    """The likelier culprit waits for the likelier victim."""
    store.lay(time.now(), key=key_of("a"), lapses=2, status="RELEASED")
    store.lay(time.now(), key=key_of("b"), lapses=1, status="RELEASED")
    environment = make()
    environment.deliver("a", "b", "c", receives=2)

    assert environment.runs == ["c", "b", "a"]


def test_suspects_do_not_wait_for_those_that_wait(make, store, time):
    """A twin may last until time is up; a suspect can run at once."""
    store.lay(time.now(), key=key_of("a"), lease_until_s=time.now() + 600)
    store.lay(time.now(), key=key_of("b"), lapses=1, status="RELEASED")
    environment = make(on_in_progress="wait")

    assert environment.deliver("a", "b", "c", receives=2) == ["m0"]
    assert environment.runs == ["c", "b"]


def test_a_crash_leaves_the_suspects_neighbours_recorded(make, store, time):
    """What ran before it is completed, and nothing else is in progress."""
    store.lay(time.now(), key=key_of("a"), lapses=1, status="RELEASED")

    def work(body):
        if body["k"] == "a":
            store.fail("any", times=9_999)
            raise Crash

    with pytest.raises(Crash):
        make(work).deliver("a", "b", "c", receives=2)
    assert [store.status(key_of(k)) for k in "abc"] == ["IN_PROGRESS", "COMPLETED", "COMPLETED"]


def test_claims_of_what_was_not_started_are_released_together(make, store, time):
    """No attempt is counted, and the next delivery finds them free."""
    environment = make(lambda body: time.advance(28))

    assert environment.deliver(*range(20)) == [f"m{n}" for n in range(1, 20)]
    assert together(store.steps) == [("claim", 20), ("complete", 1), ("release", 19)]
    assert all(store.entry(key_of(n)).attempts == 0 for n in range(1, 20))


def test_claims_of_unknown_fate_are_released_together(make, store):
    """Their answers were lost; nothing ran under them."""
    store.fail("claim", times=4 * 5, has_effect=True)
    store.fail("read", times=99)

    assert make().deliver(*range(5)) == [f"m{n}" for n in range(5)]
    assert {store.status(key_of(n)) for n in range(5)} == {"RELEASED"}


def test_redeliveries_are_read_together(make, store):
    """One consistent read for the window, then one write for what is to be claimed."""
    make().deliver(*range(10))
    store.steps.clear()
    store.requests = 0
    make().deliver(*range(12), receives=2)

    assert together(store.steps) == [("read", 1), ("claim", 2), ("complete", 2)]


def test_a_claim_ahead_whose_lease_has_passed_is_taken_anew(make, store, time):
    """Another environment may have taken over meanwhile."""

    def work(body):
        if body["k"] == "a":
            store.fail("renew", times=99)
            time.advance(40)
            store.heal()
            store.lay(time.now(), key=key_of("b"), lease_until_s=time.now() + 60)

    environment = make(work, lease_s=20)

    assert environment.deliver("a", "b", timeout_s=900) == ["m1"]
    assert environment.runs == ["a"]
    assert store.entry(key_of("b")).version == "other.0"


def test_running_keys_are_renewed_in_one_request_and_waiting_ones_when_half_is_gone(make, store, time):
    """One renewal at a third of the lease, of the running key; at two thirds of all."""
    environment = make(lambda body: time.advance(22) if body["k"] == 0 else None, lease_s=30)
    environment.deliver(*range(3), timeout_s=900)

    assert together(store.steps) == [("claim", 3), ("renew", 4), ("complete", 3)]


def test_renewals_name_their_keys_in_the_order_of_the_claims(make, store, time):
    """The same every time, so that what happens can be repeated."""
    order = []
    write = store.put_many_if
    store.put_many_if = lambda writes: (order.append([entry.key for entry in writes]), write(writes))[1]
    make(lambda body: time.advance(22) if body["k"] == 0 else None, lease_s=30).deliver(*range(20), timeout_s=900)

    assert order[1] == [key_of(n) for n in range(20)]


def test_a_key_function_is_asked_once_for_each_record(make):
    """Ahead of the run; its answer is kept."""
    asked = []

    def key(body):
        asked.append(body["k"])
        return body["k"]

    make(key=key).deliver(*range(3))

    assert asked == [0, 1, 2]


def test_a_record_that_cannot_be_run_is_not_claimed(make, store):
    """Its neighbours are."""
    environment = make()

    assert environment.deliver("a", {"other": 1}, "c") == ["m1"]
    assert together(store.steps) == [("claim", 2), ("complete", 2)]


def test_a_store_that_answers_too_little_loses_nothing(make, store):
    """A bulk write of a user's own store that forgets entries: nothing is taken for written."""
    answers = store.put_many_if
    store.put_many_if = lambda writes: answers(writes)[:-1]

    assert make().deliver("a", "b") == ["m0", "m1"]


def test_writes_happen_beside_the_next_run():
    """In real time: the second record runs while the first one's completion is in flight."""
    store = FaultyStore()
    is_writing, has_run = threading.Event(), threading.Event()
    seen = []

    def before(step):
        if step == "complete" and not is_writing.is_set():
            is_writing.set()
            seen.append(has_run.wait(10))

    store.before_call = before

    def work(record):
        if record.json()["k"] == 1:
            seen.append(is_writing.wait(10))
            has_run.set()

    handler = batch_handler(policies=[Idempotency(store, key="k", namespace=NAMESPACE)])(work)

    assert failed(handler(sqs_event([{"k": n} for n in range(3)]), lambda_context())) == []
    assert seen == [True, True]
    assert {store.status(key_of(n)) for n in range(3)} == {"COMPLETED"}


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_requests_grow_with_the_batch_and_nothing_else_does(slow, store, count):
    """Linear: 25 claims a request, 50 completions a write."""
    assert slow().deliver(*range(count), timeout_s=900) == []
    assert store.requests <= count / 25 * 2 + 4


def test_an_error_that_ends_the_batch_leaves_what_ran_recorded(make, store):
    """The completion of the first record is written although the second one ended the handler."""

    def work(body):
        if body["k"] == "b":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(work).deliver("a", "b", "c")
    assert [store.status(key_of(k)) for k in "abc"] == ["COMPLETED", "RELEASED", "RELEASED"]


def test_an_unavailable_store_makes_every_record_come_again(make, store):
    """The bulk write failed as a whole, again and again."""

    def refuse(writes):
        raise StoreUnavailableError("away")

    store.put_many_if = refuse

    assert make().deliver("a", "b") == ["m0", "m1"]


def test_bodies_are_not_kept_for_the_whole_batch(make):
    """What has run is let go: memory grows with the window, not with the batch."""
    alive = []

    def work(body):
        if body["k"] == 400:
            gc.collect()
            alive.append(sum(type(thing) is dict and thing.get("mark") == "here" for thing in gc.get_objects()))

    make(work).deliver(*({"k": n, "mark": "here"} for n in range(500)))

    assert alive[0] < 250


def test_two_claims_on_one_key_are_released_one_after_the_other(make, store, time):
    """One lapsed while it waited for its turn, one's answer was lost: their neighbours are released too."""

    def work(body):
        if body["k"] == "a":
            store.fail("renew", times=99)
            time.advance(40)
        else:
            store.heal()

    environment = make(work, lease_s=20)
    store.before_call = lambda step: store.fail("claim", times=99, has_effect=True) if step == "renew" else None

    assert environment.deliver("a", "b", "c", timeout_s=900) == ["m1", "m2"]
    assert store.status(key_of("a")) == "COMPLETED"
    assert {store.status(key_of(k)) for k in "bc"} == {"RELEASED"}


@pytest.mark.parametrize("answer", [None, True, [], [None, None, None], iter(()), {"a": 1}], ids=repr_of)
@pytest.mark.parametrize("step", ["claim", "complete"])
def test_a_store_that_answers_nonsense_loses_nothing_and_repeats_nothing(make, store, step, answer):
    """A bulk write of a user's own store: what is not known to be claimed is not run, what ran is in the journal."""
    write = store.put_many_if

    def answer_nonsense(writes):
        right = write(writes)
        return answer if writes[0].item["status"] == {"claim": "IN_PROGRESS", "complete": "COMPLETED"}[step] else right

    store.put_many_if = answer_nonsense
    environment = make(commit="group", local_cache=0)
    came_back = environment.deliver(*"abc")

    if step == "claim":
        assert (came_back, environment.runs) == (["m0", "m1", "m2"], [])
    else:
        assert (came_back, environment.runs) == ([], ["a", "b", "c"])
        assert environment.deliver(*"abc") == []
        assert environment.runs == ["a", "b", "c"]


def test_windows_after_the_first_are_claimed_beside_the_runs(make, store, time):
    """The handler itself claims the first one only."""
    started = []
    start = time.start
    time.start = lambda work: started.append(store.steps.count("claim")) or start(work)
    environment = make(lambda body: time.advance(0.01))
    environment.deliver(*range(325))

    assert [claims for claims in dict.fromkeys(started) if claims < 325] == [25, 125, 225]


@pytest.mark.parametrize("records", [1, 3])
def test_nothing_starts_when_claiming_took_the_time(make, store, time, records):
    """The claims are given back: Lambda would end the run in the middle."""
    store.before_call = lambda step: time.advance(29) if step == "claim" else None
    environment = make()

    assert len(environment.deliver(*range(records))) == records
    assert environment.runs == []
    assert {(store.status(key_of(n)), store.entry(key_of(n)).attempts) for n in range(records)} == {("RELEASED", 0)}


def test_what_an_invocation_has_seen_is_let_go_with_it(make, store):
    """Its journal outlives it, not the errors of its records."""
    errors = []

    class Big(Exception):
        pass

    def work(body):
        if body["k"] == "b":
            error = Big()
            errors.append(weakref.ref(error))
            raise error

    store.fail("complete", times=99)
    environment = make(work)
    environment.deliver("a", "b")
    environment.events.clear()
    gc.collect()

    assert errors[0]() is None


@pytest.mark.parametrize("count", [1, 30])
def test_a_cancelled_handler_leaves_nothing_claimed(count):
    """Cancelled while its claims are in flight: they are waited for, and given back."""
    store = MemoryStore()
    is_asked, may_answer = threading.Event(), threading.Event()

    def stalling(method):
        def call(*args):
            is_asked.set()
            may_answer.wait(10)
            return method(*args)

        return call

    store.put_if, store.put_many_if = stalling(store.put_if), stalling(store.put_many_if)
    runs = []

    @batch_handler(policies=[Idempotency(store, key="k", namespace=NAMESPACE)])
    async def handler(record):
        runs.append(record.id)

    async def cancel():
        task = asyncio.ensure_future(handler.aio(sqs_event([{"k": n} for n in range(count)]), lambda_context()))
        await asyncio.get_running_loop().run_in_executor(None, is_asked.wait)
        task.cancel()
        asyncio.get_running_loop().call_soon(may_answer.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert runs == []
    assert {item["status"] for item in store.get([key_of(n) for n in range(count)]).values()} <= {"RELEASED"}


def test_work_that_found_no_thread_is_not_done_later(monkeypatch):
    """The pool keeps it in its queue although it could not start a thread: it is void."""
    store = FaultyStore()
    handler = batch_handler(policies=[Idempotency(store, key="k", namespace=NAMESPACE)])(lambda record: None)
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("resilient_lambda"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(blocking, "_pool", None)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    handler(sqs_event([{"k": n} for n in range(60)]), lambda_context())
    monkeypatch.setattr(threading.Thread, "start", start)
    steps = len(store.steps)
    handler(sqs_event([{"k": n} for n in range(100, 160)]), lambda_context())

    assert len(store.steps) - steps == 120
    assert {store.status(key_of(n)) for n in range(60)} == {"COMPLETED"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_threads_of_its_own():
    """The parent's pool is there in the child, its threads are not."""
    handler = batch_handler(policies=[Idempotency(MemoryStore(), key="k", namespace=NAMESPACE)])(lambda record: None)

    def deliver(first):
        return failed(handler(sqs_event([{"k": n} for n in range(first, first + 60)]), lambda_context(timeout_s=60)))

    assert deliver(0) == []
    child = os.fork()
    if child == 0:
        os._exit(0 if deliver(100) == [] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_claim_taken_anew_in_vain_is_given_back(make, store, time):
    """Its lease ahead was lost, and nobody said whether the new claim was taken: it is that one which is released."""

    def work(body):
        if body["k"] == "a":
            store.fail("renew", times=99)
            time.advance(40)
            store.heal()
            store.take_away(key_of("b"))
            store.fail("claim", times=4, has_effect=True)

    assert make(work, lease_s=20).deliver("a", "b", timeout_s=900) == ["m1"]
    assert store.status(key_of("b")) == "RELEASED"


def test_a_failure_that_an_outer_policy_swallows_leaves_nothing_claimed(time, store, sink):
    """It was to be set aside; the policy says that it is done."""

    class Swallowing:
        async def around(self, call, proceed):
            await proceed(call)
            return Success()

    def work(record):
        raise NonRetryableError

    policies = [Swallowing(), Idempotency(store, key="k", namespace=NAMESPACE)]
    handler = batch_handler(policies=policies, dead_letter=DeadLetter(sink))(work)

    assert failed(handler(sqs_event([{"k": "a"}, {"k": "b"}]), time.context())) == []
    assert (sink.letters, store.status(key_of("a")), store.status(key_of("b"))) == ([], "RELEASED", "RELEASED")
