"""What holds while both libraries work on one table, and what does not: the table of docs/coming-from-powertools.md."""

from __future__ import annotations

import time

import pytest
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from resilient_lambda import InProgressError, current_claim
from resilient_lambda.errors import ConfigurationError, LeaseLostError
from resilient_lambda.events import ClaimLost, ClaimTaken
from tests.powertools.fleet import Crash, Stuck

AN_OLD_CLAIM_OF_OURS = pytest.mark.parametrize("io", [-100.0], indirect=True, ids=["100 s ago"])
# By then a worker of Powertools whose invocation has just ended may be taken over: 5 s, and the skew.
SURELY_DEAD_S = 11.0


def crash(order):
    """Die in the middle of the function."""
    raise Crash


def fail(order):
    """Fail in a way that is worth another try."""
    raise ConnectionError


def crash_ours(fleet):
    """Leave the claim of a worker of ours that has died."""

    def work(order):
        fleet.connection.is_cut = True
        raise Crash

    with pytest.raises(Crash):
        fleet.ours(work).invoke(timeout_s=30.0)
    fleet.connection.is_cut = False


def crash_theirs(fleet, *, ends_in_s, **config):
    """Leave the claim of a worker of Powertools that has died, and whose invocation would have ended then."""
    with pytest.raises(Crash):
        fleet.theirs(crash, **config).invoke(remaining_s=ends_in_s)


@pytest.mark.parametrize("how", ["invoke", "deliver"])
@pytest.mark.parametrize(("first", "second"), [("theirs", "ours"), ("ours", "theirs")])
def test_what_one_has_done_the_other_does_not_do_again(fleet, how, first, second):
    """COMPLETED by either is replayed by either."""
    getattr(getattr(fleet, first)(), how)()
    getattr(getattr(fleet, second)(), how)()

    assert fleet.runs == [first]


def test_powertools_respects_our_live_lease(fleet):
    """While our function runs, theirs is not run, and the message comes back."""
    seen = []

    def work(order):
        seen.extend(fleet.theirs().deliver())
        with pytest.raises(IdempotencyAlreadyInProgressError):
            fleet.theirs().invoke()

    assert fleet.ours(work).deliver() == []
    assert seen == ["m0"]
    assert fleet.runs == ["ours"]


def test_we_respect_a_live_lease_of_powertools(fleet):
    """While their function runs, ours is not run: the message comes back, a single event waits for its turn."""
    seen = []

    def work(order):
        seen.extend(fleet.ours().deliver())
        with pytest.raises(InProgressError):
            fleet.ours().invoke(timeout_s=20.0)

    fleet.theirs(work).invoke(remaining_s=60.0)

    assert seen == ["m0"]
    assert fleet.runs == ["theirs"]


def test_our_claim_never_expires_before_its_lease(fleet):
    """Powertools takes over once `expiration` is past; ours outlives the lease, however short keep_s is."""

    def work(order):
        item = fleet.item()
        assert item["expiration"] > item["in_progress_expiration"] / 1000
        assert item["in_progress_expiration"] > (time.time() + 599) * 1000

    assert fleet.ours(work, keep_s=1).deliver(timeout_s=600.0) == []


def test_our_failure_lets_powertools_run_at_once(fleet):
    """A released key is an item in progress whose lease has ended."""
    assert fleet.ours(fail).deliver() == ["m0"]
    assert fleet.theirs().deliver() == []
    assert fleet.runs == ["ours", "theirs"]


def test_a_failure_of_powertools_lets_us_run_at_once(fleet):
    """It deletes its item."""
    assert fleet.theirs(fail).deliver() == ["m0"]
    assert fleet.ours().deliver() == []
    assert fleet.runs == ["theirs", "ours"]


@AN_OLD_CLAIM_OF_OURS
def test_powertools_takes_over_from_our_crashed_worker(fleet):
    """When our lease has ended by its clock."""
    crash_ours(fleet)
    fleet.theirs().invoke()

    assert fleet.runs == ["ours", "theirs"]


def test_powertools_does_not_take_over_from_our_crashed_worker_before(fleet):
    """It cannot know that it is dead."""
    crash_ours(fleet)

    assert fleet.theirs().deliver() == ["m0"]


@pytest.mark.parametrize(("ended_s", "comes_back"), [(0.0, ["m0"]), (4.0, ["m0"]), (SURELY_DEAD_S, [])])
def test_we_take_over_a_crashed_worker_of_powertools_when_it_must_be_dead(fleet, ended_s, comes_back):
    """Not at the end of its invocation: five seconds after it, and the skew."""
    crash_theirs(fleet, ends_in_s=20.0)
    fleet.io.advance(20.0 + ended_s)

    assert fleet.ours().deliver() == comes_back


def test_a_worker_of_powertools_without_an_end_is_waited_for_until_its_item_expires(fleet):
    """Without a Lambda context the item says nothing of the lease; Powertools itself waits so long."""
    crash_theirs(fleet, ends_in_s=1.0, expires_after_seconds=600)
    fleet.change(in_progress_expiration=None)
    fleet.io.advance(599.0)

    assert fleet.ours().deliver() == ["m0"]

    fleet.io.advance(SURELY_DEAD_S)

    assert fleet.ours().deliver() == []


def test_an_expired_item_does_not_make_us_take_over_a_live_worker(fleet):
    """Powertools does so itself; two of its workers run then, but none of ours."""
    crash_theirs(fleet, ends_in_s=30.0)
    fleet.change(expiration={"N": str(int(time.time()) - 10)})

    assert fleet.ours().deliver() == ["m0"]

    crash_theirs(fleet, ends_in_s=30.0)

    assert fleet.runs == ["theirs", "theirs"]


def test_a_claim_that_powertools_calls_expired_is_respected(fleet):
    """Where its retention is over when it writes, it writes another status."""
    crash_theirs(fleet, ends_in_s=20.0, expires_after_seconds=-10)

    assert fleet.item()["status"] == "EXPIRED"
    assert fleet.ours().deliver() == ["m0"]

    fleet.io.advance(20.0 + SURELY_DEAD_S)

    assert fleet.ours().deliver() == []


def test_of_two_takeovers_from_a_dead_worker_of_powertools_one_wins(fleet):
    """Another of its workers was faster: our condition names the item as read, so we are refused (protocols.md B11)."""
    crash_theirs(fleet, ends_in_s=-SURELY_DEAD_S)
    fleet.connection.before_takeover = lambda: crash_theirs(fleet, ends_in_s=30.0)

    assert fleet.ours().deliver() == ["m0"]
    assert fleet.runs == ["theirs", "theirs"]


@AN_OLD_CLAIM_OF_OURS
def test_a_takeover_by_powertools_is_noticed(fleet):
    """Its PutItem takes our version away, so our completion is refused: it decides, the event is not run again."""
    worker = fleet.ours(lambda order: crash_theirs(fleet, ends_in_s=30.0))

    assert worker.deliver(timeout_s=30.0) == []
    assert worker.heard(ClaimLost)
    assert fleet.item()["status"] == "INPROGRESS"
    assert "version" not in fleet.item()


@AN_OLD_CLAIM_OF_OURS
def test_after_a_takeover_by_powertools_we_are_told_before_the_effect(fleet):
    """`ensure_owned` is a conditional write where little is left of the lease."""

    def work(order):
        crash_theirs(fleet, ends_in_s=30.0)
        current_claim().ensure_owned(for_s=40.0)

    assert fleet.ours(work).deliver(timeout_s=30.0) == ["m0"]


@AN_OLD_CLAIM_OF_OURS
def test_our_late_success_leaves_a_completion_of_powertools_alone(fleet):
    """It took over, and was done before us."""
    assert fleet.ours(lambda order: fleet.theirs(lambda order: "theirs").invoke()).deliver(timeout_s=30.0) == []
    assert fleet.item()["data"] == '"theirs"'


@pytest.mark.parametrize("work", [lambda order: None, fail], ids=["success", "failure"])
def test_a_late_completion_of_powertools_over_our_claim_is_final(fleet, work):
    """It keeps our version, but not the status: neither our completion nor our release undoes it."""
    stuck = Stuck(fleet, remaining_s=-SURELY_DEAD_S)

    def overtaken(order):
        stuck.succeed("late")
        return work(order)

    fleet.ours(overtaken).deliver()

    assert (fleet.item()["status"], fleet.item()["data"]) == ("COMPLETED", '"late"')
    assert fleet.ours().invoke() == "late"
    assert fleet.runs == ["theirs", "ours"]


def test_after_a_late_completion_of_powertools_our_claim_is_lost(fleet):
    """A function that asks before its effect is told."""
    stuck = Stuck(fleet, remaining_s=-SURELY_DEAD_S)

    def work(order):
        stuck.succeed()
        with pytest.raises(LeaseLostError):
            current_claim().ensure_owned(for_s=60.0)

    assert fleet.ours(work).deliver(timeout_s=30.0) == ["m0"]


def test_a_late_failure_of_powertools_frees_our_live_claim(fleet):
    """Does not hold: it deletes the item, whosever it is, and a third worker runs beside ours."""
    stuck = Stuck(fleet, remaining_s=-SURELY_DEAD_S)

    def work(order):
        stuck.fail()
        assert fleet.item() is None
        fleet.ours().deliver()

    assert fleet.ours(work).deliver() == []
    assert fleet.runs == ["theirs", "ours", "ours"]
    assert fleet.item()["status"] == "COMPLETED"


def test_our_success_is_recorded_although_powertools_deleted_the_claim(fleet):
    """If nobody was between: the completion is written anew."""
    stuck = Stuck(fleet, remaining_s=-SURELY_DEAD_S)
    fleet.ours(lambda order: stuck.fail()).deliver()
    fleet.theirs().deliver()

    assert fleet.runs == ["theirs", "ours"]


def test_a_late_failure_of_powertools_forgets_our_completion(fleet):
    """Does not hold: the key is done, the failure deletes it, the next delivery runs."""
    stuck = Stuck(fleet, remaining_s=-SURELY_DEAD_S)
    fleet.ours().deliver()
    stuck.fail()

    assert fleet.item() is None

    fleet.theirs().deliver()

    assert fleet.runs == ["theirs", "ours", "theirs"]


def test_attempts_are_counted_among_ourselves(fleet):
    """They travel in attributes that Powertools ignores."""
    attempts = []

    def work(order):
        attempts.append(current_claim().attempt)
        fail(order)

    for _ in range(3):
        fleet.ours(work).deliver()

    assert attempts == [1, 2, 3]


def test_attempts_are_forgotten_where_powertools_was_between(fleet):
    """Does not hold: its claim replaces the whole item, and its failure deletes it."""
    attempts = []

    def work(order):
        attempts.append(current_claim().attempt)
        fail(order)

    fleet.ours(work).deliver()
    fleet.theirs(fail).deliver()
    fleet.ours(work).deliver()

    assert attempts == [1, 1]


def test_a_crash_is_a_lapse_whoever_crashed(fleet):
    """A takeover from a worker of Powertools counts as one; after that, only we count on."""
    crash_theirs(fleet, ends_in_s=-SURELY_DEAD_S)
    worker = fleet.ours()
    worker.deliver()

    assert [(taken.lapses, taken.is_takeover) for taken in worker.heard(ClaimTaken)] == [(1, True)]


@pytest.mark.parametrize("option", [{"remember_failures_s": 60.0}, {"lease_s": 60.0}])
def test_what_powertools_could_not_keep_is_refused(fleet, option):
    """At import: it fails on a remembered failure, and takes over when a heartbeat is late."""
    with pytest.raises(ConfigurationError, match="powertools"):
        fleet.ours(**option)
