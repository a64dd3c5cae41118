"""Who is invoked again: the reserved key off, the attempt known, and one of two arrivals run (protocols.md B15)."""

from __future__ import annotations

import threading

import pytest
from pydantic import BaseModel

from resilient_lambda import (
    DeadLetter,
    Idempotency,
    MemoryStore,
    Retry,
    batch_handler,
    current_attempt,
    resilient_handler,
)
from resilient_lambda._core.cas import STORED, Conflict
from resilient_lambda._core.reinvoke_items import arrived_key
from resilient_lambda._core.reserved import KEY, Mark, put_on
from resilient_lambda.errors import StoreError, StoreUnavailableError
from resilient_lambda.events import DuplicateSuppressed, RecordSettled, StoreBypassed
from resilient_lambda.testing import fake_io, lambda_context, s3_event, sns_event
from tests.handlers.colours import COLOURS

MARK = Mark(2, "root", 1_000.0)
EVENT = {"job_id": "j"}


@pytest.fixture(params=COLOURS.values(), ids=COLOURS.keys())
def paint(request):
    """Turn a ``def`` into the colour under test."""
    return request.param


@pytest.fixture
def runs():
    """What ran."""
    return []


@pytest.fixture
def store():
    """A store."""
    return MemoryStore()


@pytest.fixture
def make(paint, runs):
    """Return a handler that notes each run, and does *action* then."""

    def make(action=lambda: "done", *, observers=(), dead_letter=None, **options):
        def function(event):
            runs.append((event, current_attempt()))
            return action()

        policies = [Idempotency(key="job_id", **options)] if options else []
        return resilient_handler(policies=policies, observers=observers, dead_letter=dead_letter)(paint(function))

    return make


def arriving(request_id):
    """Return the context of an invocation."""
    return lambda_context("worker", request_id=request_id)


def again(event=None, mark=MARK):
    """Return an event as the re-invoker sends it."""
    return put_on(EVENT if event is None else event, mark)


def test_the_key_is_off_and_the_attempt_is_known(make, runs):
    """With and without a store the function gets its event, and may ask which attempt it is."""
    make()(again(), arriving("a"))
    make()(EVENT, arriving("b"))

    assert [event for event, _ in runs] == [EVENT, EVENT]
    assert [attempt[1:] for _, attempt in runs] == [(2, "root", 1_000.0), (1, "", None)]


def test_the_attempt_is_not_known_after_the_invocation(make, runs):
    """The next event of the environment is a first one."""
    handler = make()
    handler(again(), arriving("a"))
    handler(EVENT, arriving("b"))

    assert runs[1][1].invocation == 1
    assert current_attempt().invocation == 1


@pytest.mark.parametrize("said", [None, {}, "x", {"attempt": "2", "root": "r"}, {"attempt": 0, "root": "r"}, [1]])
def test_a_key_that_says_nothing_is_taken_off_all_the_same(make, runs, store, said):
    """Whoever wrote it: the event is run as a first one."""
    handler = make(store=store)
    handler({**EVENT, KEY: said}, arriving("a"))

    assert runs[0][0] == EVENT
    assert runs[0][1].invocation == 1


def test_a_time_that_no_clock_can_show_is_unknown(make, runs, store):
    """JSON has whole numbers of any size."""
    make(store=store)({**EVENT, KEY: {"attempt": 2, "root": "r", "first_failed_at": 10**400}}, arriving("a"))

    assert (runs[0][1].invocation, runs[0][1].first_failed_at_s) == (2, None)


def test_models_and_fingerprints_do_not_see_the_key(paint, store):
    """A model that forbids other fields takes the event, and the fingerprint is that of the first invocation."""
    runs = []

    class Job(BaseModel, extra="forbid"):
        job_id: str

    def function(job: Job):
        runs.append(job)
        return len(runs)

    handler = resilient_handler(model=Job, policies=[Idempotency(store, key="job_id", fingerprint=True)])(
        paint(function)
    )

    assert handler(EVENT, arriving("a")) == 1
    assert handler(again(), arriving("b")) == 1
    assert len(runs) == 1


def test_of_two_arrivals_one_is_run(make, runs, store):
    """The re-invoker crashed after its Invoke and invoked again: the second is answered as done, and nothing is run."""
    told = []
    handler = make(store=store, observers=[told.append])

    assert handler(again({"job_id": "x"}), arriving("a")) == "done"
    assert handler(again({"job_id": "y"}), arriving("b")) is None
    assert len(runs) == 1
    key = arrived_key("worker", MARK)
    assert DuplicateSuppressed(key, "reinvoked", is_observed_only=False) in told
    assert [(found.record_id, found.ran) for found in told if isinstance(found, RecordSettled)] == [
        ("a", True),
        ("b", False),
    ]


def test_lambdas_own_retry_of_a_crashed_arrival_is_run(make, runs, store):
    """The environment was killed after the claim: the retry has the same request id, and passes."""
    environment = Mortal(store)
    with fake_io() as io:
        with pytest.raises(KeyboardInterrupt):
            make(environment.die, store=environment)(again(), arriving("a"))
        io.advance(60)
        make(store=store)(again(), arriving("a"))

    assert len(runs) == 2


def test_a_retry_of_an_arrival_that_failed_is_run(make, runs, store):
    """Lambda tries it again after an error, too."""

    def fail():
        if len(runs) == 1:
            raise OSError

    handler = make(fail, store=store)
    with pytest.raises(OSError):  # it has no text
        handler(again(), arriving("a"))
    handler(again(), arriving("a"))

    assert len(runs) == 2


class Mortal(MemoryStore):
    """The store as an environment sees it that is killed: what it writes after that reaches nobody."""

    def __init__(self, store):
        super().__init__()
        self.store, self.is_dead = store, False

    def die(self):
        self.is_dead = True
        raise KeyboardInterrupt

    def get(self, keys, *, consistent=True):
        return self.store.get(keys, consistent=consistent)

    def put_if(self, key, item, expected):
        return STORED if self.is_dead else self.store.put_if(key, item, expected)


@pytest.mark.parametrize(
    ("failed_id", "late_s", "least_s", "most_s"),
    [("first", 5.2, 0, 0), ("first", 4.8, 0.2, 0.5), ("other", 5.2, 3, 30), ("", 5.2, 3, 30)],
    ids=["over", "not over", "another", "unknown"],
)
def test_the_claim_of_the_invocation_that_failed_is_not_waited_for(
    make, runs, store, failed_id, late_s, least_s, most_s
):
    """Lambda has said that it is over, and its time is: a wait would take the time of the attempt that begins."""
    mark = MARK._replace(failed_id=failed_id)
    with fake_io() as io:
        first = lambda_context("worker", request_id="first", timeout_s=5, clock=io.monotonic)
        environment = Mortal(store)
        with pytest.raises(KeyboardInterrupt):
            make(environment.die, store=environment)(EVENT, first)
        io.advance(late_s)
        began_s = io.now()
        make(store=store)(again(mark=mark), lambda_context("worker", request_id="b", timeout_s=60, clock=io.monotonic))

        assert least_s <= io.now() - began_s <= most_s
    assert len(runs) == 2


def test_each_attempt_of_each_event_is_one(make, runs, store):
    """Another attempt, and another root, are other arrivals."""
    handler = make(lambda: None, store=store)
    for number, mark in enumerate([MARK, MARK._replace(attempt=3), MARK._replace(root="other")]):
        handler(again({"job_id": number}, mark), arriving(str(number)))

    assert len(runs) == 3


def test_two_arrivals_at_once_are_one_run(runs, store):
    """Two environments write at the same time: one write wins."""
    gate = threading.Barrier(2, timeout=10)

    class Racing(MemoryStore):
        def put_if(self, key, item, expected):
            if "#reinvoked#" in key:
                gate.wait()
            return store.put_if(key, item, expected)

    def environment(request_id):
        @resilient_handler(policies=[Idempotency(Racing(), key="job_id")])
        def handler(event):
            runs.append(event)

        return threading.Thread(target=handler, args=(again({"job_id": request_id}), arriving(request_id)))

    threads = [environment("a"), environment("b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(runs) == 1


class Away(MemoryStore):
    """A store that cannot tell which arrival is the first."""

    error: StoreError = StoreUnavailableError("away")

    def put_if(self, key, item, expected):
        if "#reinvoked#" in key:
            raise self.error
        return super().put_if(key, item, expected)


@pytest.mark.parametrize("error", [StoreUnavailableError("away"), StoreError("no table")], ids=["away", "refused"])
def test_what_cannot_be_told_is_given_back_to_lambda(make, runs, error):
    """The invocation fails, also where there is a sink: run it might be the second of two."""
    letters = []
    store = Away()
    store.error = error
    sink = DeadLetter(lambda record, error: letters.append(record))
    handler = make(store=store, dead_letter=sink)
    with fake_io(), pytest.raises(type(error)):
        handler(again(), arriving("a"))

    assert (runs, letters) == ([], [])


def test_on_store_error_run_runs_it(make, runs):
    """Who would rather run twice than late says so, and is told."""
    told = []
    handler = make(store=Away(), on_store_error="run", observers=[told.append])
    with fake_io():
        handler(again(), arriving("a"))

    assert len(runs) == 1
    assert StoreBypassed(arrived_key("worker", MARK), "StoreUnavailableError") in told


def test_observing_runs_the_second_and_says_so(make, runs, store):
    """In observe mode nothing is kept from running."""
    told = []
    handler = make(store=store, mode="observe", observers=[told.append])
    handler(again(), arriving("a"))
    handler(again(), arriving("b"))

    assert len(runs) == 2
    assert DuplicateSuppressed(arrived_key("worker", MARK), "reinvoked", is_observed_only=True) in told


def test_beside_powertools_the_second_is_found_as_well(make, runs, store):
    """The item lies beside Powertools' own, which never look at it."""
    handler = make(store=store, layout="powertools", namespace="worker.app.handler")
    handler(again({"job_id": "x"}), arriving("a"))
    handler(again({"job_id": "y"}), arriving("b"))

    assert len(runs) == 1


def test_the_claim_ends_with_keep_s(make, runs, store):
    """Then it counts as never written, also while the table still has the item."""
    handler = make(store=store, keep_s=60)
    with fake_io() as io:
        for request_id, wait_s in (("a", 61), ("b", 30), ("c", 0)):
            handler(again({"job_id": request_id}), arriving(request_id))
            io.advance(wait_s)

    assert [event["job_id"] for event, _ in runs] == ["a", "b"]


def test_a_lost_answer_of_the_claim_is_ones_own(make, runs):
    """The write took effect, its answer did not come: the repeated write recognises itself."""

    class Losing(MemoryStore):
        has_lost = False

        def put_if(self, key, item, expected):
            found = super().put_if(key, item, expected)
            if "#reinvoked#" in key and not self.has_lost:
                self.has_lost = True
                raise StoreUnavailableError("no answer")
            return found

    with fake_io():
        make(store=Losing())(again(), arriving("a"))

    assert len(runs) == 1


def test_an_item_that_goes_away_while_it_is_claimed_is_written_anew(make, runs):
    """TTL removes it between the refusal and the next write; one that changes for ever is a store that is away."""

    class Fleeting(MemoryStore):
        times = 0

        def put_if(self, key, item, expected):
            if "#reinvoked#" in key and self.times:
                self.times -= 1
                return Conflict(None)
            return super().put_if(key, item, expected)

    store = Fleeting()
    store.times = 3
    make(store=store)(again({"job_id": "x"}), arriving("a"))
    store.times = 4
    with pytest.raises(StoreUnavailableError):
        make(store=store)(again({"job_id": "y"}, MARK._replace(attempt=3)), arriving("b"))

    assert len(runs) == 1


def test_tries_within_the_invocation_know_the_invocation(store):
    """`Retry` counts its own, and says which invocation it is in."""
    seen = []

    @resilient_handler(policies=[Idempotency(store, key="job_id"), Retry(attempts=2)])
    def handler(event):
        seen.append(current_attempt()[:3])
        if len(seen) == 1:
            raise OSError

    with fake_io():
        handler(again(), arriving("a"))

    assert seen == [(1, 2, "root"), (2, 2, "root")]


def test_without_a_request_id_everything_is_run(make, runs, store):
    """Nothing would tell Lambda's retry from a second start; taken for one, the event would be lost."""
    handler = make(store=store)
    context = arriving("a")
    context.aws_request_id = ""
    handler(again({"job_id": "x"}), context)
    handler(again({"job_id": "y"}), context)

    assert len(runs) == 2


def test_a_switched_off_idempotency_claims_nothing(make, runs, monkeypatch):
    """Operators have it off: the store is not asked."""
    monkeypatch.setenv("RESILIENT_LAMBDA_DISABLE", "idempotency")
    make(store=Away())(again(), arriving("a"))

    assert runs[0][1].invocation == 2


@pytest.mark.parametrize("event", [s3_event(["a"]), sns_event([EVENT])], ids=["s3", "sns"])
def test_a_batch_is_run_by_one_of_two_arrivals(paint, runs, store, event):
    """S3 and SNS invoke asynchronously: their events come again with the key beside ``Records``."""

    def function(record):
        runs.append(current_attempt().invocation)

    handler = batch_handler(policies=[Idempotency(store, namespace="w")])(paint(function))
    plain = batch_handler(paint(function))

    for request_id in ("a", "b"):
        assert handler(again(event), arriving(request_id)) == {"batchItemFailures": []}
    assert runs == [2]
    plain(again(event), arriving("c"))
    plain(event, arriving("d"))
    assert runs == [2, 2, 1]


def test_the_second_arrival_of_a_batch_runs_nothing_though_its_records_are_new(paint, runs, store):
    """It is the arrival that is claimed, not the records."""

    def function(record):
        runs.append(record.json())

    handler = batch_handler(policies=[Idempotency(store)])(paint(function))
    handler(again(sns_event([1])), arriving("a"))
    handler(again(sns_event([2])), arriving("b"))

    assert runs == [1]


def test_lanes_in_threads_know_the_attempt(runs):
    """With ``concurrency=`` too, each record's function may ask."""

    @batch_handler(concurrency=2)
    def handler(record):
        runs.append(current_attempt().root_request_id)

    handler(again(sns_event([1])), arriving("a"))

    assert runs == ["root"]


def test_the_item_says_what_the_docs_say(make, store):
    """docs/data-format.md describes it."""
    with fake_io() as io:
        make(store=store, keep_s=100)(again(), arriving("a"))
        key = arrived_key("worker", MARK)
        item = dict(store.get([key])[key])

        assert item.pop("version").endswith(".1")
        assert item == {"format": 1, "status": "ARRIVED", "request_id": "a", "expires_at_s": int(io.now()) + 100}
