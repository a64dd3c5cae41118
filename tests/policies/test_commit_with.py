"""`commit_with`: the user's writes and the completion, all of it or nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from resilient_lambda import (
    CommitConditionError,
    ConfigurationError,
    Idempotency,
    MemoryStore,
    NonRetryableError,
    batch_handler,
    current_claim,
    put_if_absent,
)
from resilient_lambda._io.blocking import drive
from resilient_lambda.errors import CommitLimitError, LeaseLostError, StoreError, StoreUnavailableError
from resilient_lambda.events import ClaimTaken, FailedAfterCommit
from resilient_lambda.testing import lambda_context, sqs_event
from tests.policies.stores import KEY

TRIES = 4


def row(name: object) -> Any:
    return put_if_absent("ledger", {"id": str(name), "amount": 5})


def commit(*items: Any, result: Any = None) -> None:
    """Commit in either colour: in virtual time nothing suspends."""
    drive(current_claim().acommit_with(items, result=result))


def rows(store: Any) -> list[str]:
    return [item["Put"]["Item"]["id"] for item in store.memory.committed]


def test_the_items_and_the_completion_are_one_write(make, store):
    """Claim and commit; nothing is written after them."""
    assert make(lambda body: commit(row(body["k"]))).deliver("a") == []
    assert store.steps == ["claim", "commit"]
    assert (store.status(), rows(store)) == ("COMPLETED", ["a"])


def test_a_duplicate_is_not_run_again(make, store):
    """In this environment from memory, in another one by the completion."""
    environment = make(lambda body: commit(row(body["k"])))
    environment.deliver("a")
    environment.deliver(("other", "a"))
    another = make()

    assert another.deliver("a", receives=2) == []
    assert (environment.runs, another.runs, rows(store)) == (["a"], [], ["a"])


def test_a_duplicate_gets_the_result_that_was_committed(make):
    """The function had not returned yet, so what it returns cannot be known."""
    environment = make(lambda body: commit(row("a"), result={"paid": 5}), is_single=True, local_cache=0)

    assert environment.invoke("a") is None
    assert environment.invoke("a") == {"paid": 5}


def test_an_error_after_the_commit_is_told_and_acknowledged(make, store, sink):
    """It is done; running it again, or setting it aside, would be wrong."""

    def work(body):
        commit(row("a"))
        raise NonRetryableError

    environment = make(work, sink=sink)

    assert environment.deliver("a") == []
    assert environment.heard(FailedAfterCommit) == [FailedAfterCommit(KEY, "NonRetryableError")]
    assert (sink.letters, store.status(), rows(store)) == ([], "COMPLETED", ["a"])


def test_an_exit_after_the_commit_releases_nothing(other, store):
    """Whatever ends the run, the completion stays."""

    def work(body):
        commit(row("a"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        other(work).deliver("a")
    assert store.status() == "COMPLETED"


@pytest.mark.parametrize("swallows", [True, False])
def test_a_commit_after_the_lease_was_lost_writes_nothing(make, store, time, swallows):
    """Another environment has taken over: the event comes again, whatever the function makes of it."""

    def work(body):
        time.advance(60)
        store.lay(time.now(), lease_until_s=time.now() + 60)
        with suppress(BaseException if swallows else ZeroDivisionError):
            commit(row("a"))

    assert make(work).deliver("a") == ["m0"]
    assert (store.entry().version, rows(store)) == ("other.0", [])


def test_a_lost_lease_passes_an_except_exception(other, store, time):
    """It is no Exception, so that a careless handler of errors does not stop it."""
    caught = []

    def work(body):
        store.lay(time.now(), lease_until_s=time.now() + 60)
        try:
            commit(row("a"))
        except BaseException as error:
            caught.append(error)
            raise

    other(work).deliver("a")

    assert isinstance(caught[0], LeaseLostError)


def test_a_condition_that_fails_sets_the_event_aside(make, store, sink):
    """By default another try cannot help; the error names the item."""
    store.memory.transact(None, [row("a")], token="earlier")

    def work(body):
        commit(row("b"), row("a"))

    assert make(work, sink=sink).deliver("a") == []
    assert sink.letters == [("m0", "CommitConditionError")]
    assert rows(store) == ["a"]


def test_the_error_of_a_condition_says_which_and_what_is_there(other, store):
    """For functions that can tell an equal item from another one."""
    store.memory.transact(None, [row("a")], token="earlier")
    seen = []

    def work(body):
        with pytest.raises(CommitConditionError) as caught:
            commit(row("b"), row("a"))
        seen.append((caught.value.index, caught.value.item))

    other(work).deliver("a")

    assert seen == [(1, {"id": {"S": "a"}, "amount": {"N": "5"}})]


def test_a_failed_condition_that_is_swallowed_comes_again(make, store):
    """Nothing was written, so nothing may be acknowledged; the run counts as an attempt."""
    store.memory.transact(None, [row("a")], token="earlier")

    def work(body):
        with suppress(CommitConditionError):
            commit(row("a"))

    assert make(work).deliver("a") == ["m0"]
    assert (store.status(), store.entry().attempts) == ("RELEASED", 1)


@pytest.mark.parametrize("items", [[row("refusal of a")], []], ids=["another row", "no row"])
def test_a_second_commit_may_settle_what_the_first_could_not(make, store, items):
    """The way to acknowledge an event whose first choice was refused."""
    store.memory.transact(None, [row("a")], token="earlier")

    def work(body):
        with suppress(CommitConditionError):
            commit(row("a"))
        commit(*items)

    assert make(work).deliver("a") == []
    assert store.status() == "COMPLETED"
    assert len(rows(store)) == 1 + len(items)


@pytest.mark.parametrize("losses", [1, TRIES - 1])
def test_a_lost_answer_is_asked_for_again_with_the_same_token(make, store, losses):
    """DynamoDB then says that it is done already."""
    store.fail("commit", times=losses, has_effect=True)

    assert make(lambda body: commit(row("a"))).deliver("a") == []
    assert store.tokens == [store.tokens[0]] * (losses + 1)
    assert (store.status(), rows(store)) == ("COMPLETED", ["a"])


def test_an_unknown_commit_is_looked_up(make, store):
    """All answers lost: the version under the key tells that it took effect."""
    store.fail("commit", times=TRIES, has_effect=True)

    assert make(lambda body: commit(row("a"))).deliver("a") == []
    assert store.steps == ["claim", *["commit"] * TRIES, "read"]
    assert rows(store) == ["a"]


@pytest.mark.parametrize("ending", ["swallows", "raises", "raises for good"])
def test_an_unknown_commit_that_is_not_found_comes_again(make, store, sink, ending):
    """Whatever the function returns or raises: the next delivery finds out."""
    store.fail("commit", times=TRIES)

    def work(body):
        try:
            commit(row("a"))
        except StoreUnavailableError:
            if ending == "raises":
                raise
            if ending == "raises for good":
                raise NonRetryableError from None

    environment = make(work, sink=sink, max_attempts=1)

    assert environment.deliver("a") == ["m0"]
    assert (sink.letters, rows(store)) == ([], [])
    assert environment.deliver("a", receives=2) == []
    assert rows(store) == ["a"]


def test_a_commit_that_took_effect_unseen_is_found_by_the_next_delivery(make, store):
    """The store is away after it: nothing is known, the event comes again and is not run."""

    def cut(step):
        if step == "commit":
            store.fail("any", times=99)

    store.fail("commit", times=1, has_effect=True)
    store.before_call = cut
    environment = make(lambda body: commit(row("a")))

    assert environment.deliver("a") == ["m0"]
    store.heal()
    store.before_call = lambda step: None
    assert environment.deliver("a", receives=2) == []
    assert (environment.runs, rows(store)) == (["a"], ["a"])


def test_a_renewal_whose_answer_was_lost_does_not_refuse_the_commit(make, store, time):
    """The version that the heartbeat wrote is this environment's own."""

    def work(body):
        store.fail("renew", times=1, has_effect=True)
        time.advance(7)
        commit(row("a"))

    assert make(work, lease_s=20).deliver("a") == []
    assert store.steps == ["claim", "renew", "commit", "commit"]
    assert len(set(store.tokens)) == 2
    assert rows(store) == ["a"]


def test_after_the_commit_nothing_is_renewed(make, store, time):
    """A renewal would find its own completion."""

    def work(body):
        commit(row("a"))
        time.advance(60)

    make(work, lease_s=20).deliver("a")

    assert store.steps == ["claim", "commit"]


def test_two_commits_of_one_run_are_refused(make, store):
    """What the second one writes would not be part of the completion."""
    caught = []

    def work(body):
        commit(row("a"))
        with pytest.raises(RuntimeError, match="called twice") as error:
            commit(row("b"))
        caught.append(error)

    assert make(work).deliver("a") == []
    assert len(caught) == 1
    assert rows(store) == ["a"]


def test_a_result_that_cannot_be_stored_is_refused_before_anything_is_sent(make, store):
    """The message says what it was made of, not what it was."""
    caught = []

    def work(body):
        with pytest.raises(CommitLimitError, match="object is not JSON") as error:
            commit(row("a"), result=object())
        caught.append(error)

    assert make(work).deliver("a") == ["m0"]
    assert len(caught) == 1
    assert "commit" not in store.steps


def test_a_commit_that_is_refused_for_good_comes_again(make, store):
    """No permission: the event is innocent."""
    store.fail("commit", times=99, error=StoreError("denied"))

    assert make(lambda body: commit(row("a"))).deliver("a") == ["m0"]
    assert store.steps == ["claim", "commit", "release"]


def test_without_a_store_that_can_the_error_says_so(other):
    """A store of the user's own need not know transactions."""

    class Plain:
        def __init__(self):
            memory = MemoryStore()
            self.get, self.put_if, self.put_many_if = memory.get, memory.put_if, memory.put_many_if

        def warm(self):
            """Do nothing."""

    caught = []

    def work(record):
        with pytest.raises(ConfigurationError, match="needs a store with transactions") as error:
            current_claim().commit_with([row("a")])
        caught.append(error)

    handler = batch_handler(policies=[Idempotency(Plain(), namespace="n")])(work)
    answer = handler(sqs_event(["{}"]), lambda_context())

    assert len(caught) == 1
    assert len(answer["batchItemFailures"]) == 1


@pytest.mark.parametrize("options", [{"mode": "observe"}, {"on_missing_key": "skip", "key": "absent"}], ids=str)
def test_where_nothing_is_enforced_the_items_are_written_all_the_same(make, store, options):
    """They are the function's effect."""
    assert make(lambda body: commit(row("a")), **options).deliver("a") == []
    assert rows(store) == ["a"]


def test_an_async_handler_is_told_what_to_await():
    """`commit_with` blocks, which a loop must not."""
    seen = []

    @batch_handler(policies=[Idempotency(MemoryStore(), namespace="n")])
    async def handler(record):
        with pytest.raises(RuntimeError, match="await current_claim"):
            current_claim().commit_with([])
        await current_claim().acommit_with([row("a")])
        seen.append(record)

    answer = asyncio.run(handler.aio(sqs_event(["{}"]), lambda_context()))

    assert answer == {"batchItemFailures": []}
    assert len(seen) == 1


def test_commits_in_a_batch_are_one_request_each(make, store):
    """The claims are taken together, and given up by nothing else."""
    environment = make(lambda body: commit(row(body["k"])))

    assert environment.deliver(*"abc") == []
    assert store.steps == ["claim"] * 3 + ["commit"] * 3
    assert len(environment.heard(ClaimTaken)) == 3


def test_a_commit_that_is_cut_short_by_a_timeout_is_not_taken_for_done():
    """Cancelled in the middle, by a timeout of the function's own, it is found out by the next delivery."""
    store = MemoryStore()
    is_asked, may_answer = threading.Event(), threading.Event()
    transact = store.transact

    def stall(own, items, *, token):
        is_asked.set()
        may_answer.wait(10)
        return transact(own, items, token=token)

    store.transact = stall
    seen = []

    @batch_handler(policies=[Idempotency(store, namespace="n", lease_s=6)])
    async def handler(record):
        task = asyncio.ensure_future(current_claim().acommit_with([row("a")]))
        await asyncio.get_running_loop().run_in_executor(None, is_asked.wait)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        seen.append(record.id)
        may_answer.set()

    answer = asyncio.run(handler.aio(sqs_event(["{}"]), lambda_context()))

    assert answer["batchItemFailures"] == [{"itemIdentifier": seen[0]}]


@pytest.mark.parametrize("call", ["commit_with", "acommit_with"])
def test_a_commit_that_never_happened_is_not_taken_for_done(call):
    """In an async handler: the wrong one, whose error is swallowed, or the right one without its ``await``."""
    store = MemoryStore()

    @batch_handler(policies=[Idempotency(store, namespace="n")])
    async def handler(record):
        with suppress(RuntimeError):
            forgotten = getattr(current_claim(), call)([row("a")])
            forgotten.close()

    answer = asyncio.run(handler.aio(sqs_event(["{}"]), lambda_context()))

    assert len(answer["batchItemFailures"]) == 1
    assert store.committed == []


def test_two_commits_at_once_commit_once():
    """Two tasks of one run: the second is refused, whichever it is."""
    store = MemoryStore()
    ends = []

    @batch_handler(policies=[Idempotency(store, namespace="n")])
    async def handler(record):
        claim = current_claim()
        both = [claim.acommit_with([row(name)]) for name in "ab"]
        ends.extend(await asyncio.gather(*both, return_exceptions=True))

    answer = asyncio.run(handler.aio(sqs_event(["{}"]), lambda_context()))

    assert answer == {"batchItemFailures": []}
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "RuntimeError"]
    assert len(store.committed) == 1


@pytest.mark.parametrize(
    "ask", [lambda claim: claim.ensure_owned(for_s=1), lambda claim: claim.commit_with([row("a")])]
)
def test_what_the_function_left_behind_owns_nothing(other, store, ask):
    """A thread that goes on after the run: its event is another run's business by now."""
    claims = []

    def work(body):
        claims.append(current_claim())
        raise ValueError

    other(work).deliver("a")

    with pytest.raises(LeaseLostError, match="is over"):
        ask(claims[0])
    assert (store.status(), rows(store)) == ("RELEASED", [])


@pytest.mark.parametrize("items", [None, 5, [5], [{"Put": {}}]], ids=repr)
def test_what_is_no_transaction_is_the_functions_own_error(make, store, sink, items):
    """Raised before anything is sent: it counts as an attempt, and as what it is."""

    def work(body):
        drive(current_claim().acommit_with(items))

    environment = make(work, sink=sink, max_attempts=1)

    assert environment.deliver("a") == []
    assert [error for _, error in sink.letters] == ["CommitLimitError" if isinstance(items, list) else "TypeError"]
