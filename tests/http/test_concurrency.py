"""Two requests with one key at once: one runs, the other is told to come back."""

from __future__ import annotations

import asyncio
import os
import threading

import boto3
import pytest

from resilient_lambda import Idempotency, MemoryStore, resilient_handler
from resilient_lambda.errors import StoreUnavailableError
from resilient_lambda.stores import DynamoDBStore
from resilient_lambda.testing import http_event, lambda_context
from tests.engines.dynamodb_local import ENVIRONMENT
from tests.http.conftest import body_of, header_of
from tests.stores.conftest import create_table


@pytest.fixture(scope="module")
def dynamodb(dynamodb_local):
    """A store on DynamoDB Local."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        table = f"http-{os.urandom(4).hex()}"
        create_table(boto3.client("dynamodb", endpoint_url=dynamodb_local), table, "id")
        yield DynamoDBStore(table, endpoint_url=dynamodb_local)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """Both stores."""
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("dynamodb")


@pytest.fixture
def event():
    """A request with a key that no other test uses."""
    return http_event({"total": 5}, path="/orders", caller="a", idempotency_key=os.urandom(8).hex())


def test_of_two_requests_one_runs_and_the_other_is_told_to_come_back(store, event):
    """In two environments: 409 with Retry-After at once, and the answer of the first one later."""
    began, may_end = threading.Event(), threading.Event()
    runs = []

    def environment():
        @resilient_handler(http=True, policies=[Idempotency(store)], principal="caller")
        def handler(event):
            runs.append(event)
            began.set()
            assert may_end.wait(20)
            return {"statusCode": 201, "body": f"run {len(runs)}"}

        return handler

    first, second = environment(), environment()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(first(event, lambda_context())))
    thread.start()
    try:
        assert began.wait(20)
        refused = second(event, lambda_context())
    finally:
        may_end.set()
        thread.join()

    assert refused["statusCode"] == 409
    assert 1 <= int(header_of(refused, "retry-after")) <= 5
    assert "being handled" in body_of(refused)["detail"]
    assert second(event, lambda_context()) == answers[0] == {"statusCode": 201, "body": "run 1"}
    assert len(runs) == 1


def test_of_many_requests_at_once_one_runs(store, event):
    """Each in an environment of its own, all at the same moment."""
    runs = []
    gate = threading.Barrier(8)
    statuses = []

    def environment():
        @resilient_handler(http=True, policies=[Idempotency(store)], principal="caller")
        def handler(event):
            runs.append(event)
            return {"statusCode": 201}

        gate.wait()
        statuses.append(handler(event, lambda_context())["statusCode"])

    threads = [threading.Thread(target=environment) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs) == 1
    assert len(statuses) == 8
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


def test_tasks_of_one_environment_are_told_apart_too(event):
    """Two requests in one event loop, as under a web server."""

    async def both():
        began, may_end = asyncio.Event(), asyncio.Event()

        @resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal="caller")
        async def handler(event):
            began.set()
            await may_end.wait()
            return {"statusCode": 201}

        first = asyncio.ensure_future(handler.aio(event, lambda_context()))
        await began.wait()
        second = await handler.aio(event, lambda_context())
        may_end.set()
        return (await first)["statusCode"], second["statusCode"]

    assert asyncio.run(both()) == (201, 409)


def test_waiting_for_a_twin_can_be_asked_for(make, time, event):
    """``on_in_progress="wait"`` waits within the invocation, as long as it lasts."""
    store = MemoryStore()

    class CrashedError(BaseException):
        pass

    def crash(request):
        raise CrashedError

    crashing = resilient_handler(http=True, policies=[Idempotency(_Dying(store))], principal="caller")(crash)
    with pytest.raises(CrashedError):
        crashing(event, time.context(timeout_s=5))
    waiting = make(policies=[Idempotency(store, on_in_progress="wait")], principal="caller")
    bouncing = make(policies=[Idempotency(store)], principal="caller")

    assert bouncing(event, time.context(timeout_s=60))["statusCode"] == 409
    assert waiting(event, time.context(timeout_s=60))["statusCode"] == 201


class _Dying:
    """A store whose environment dies with its claim: it hears of nothing more."""

    def __init__(self, store):
        self._store = store
        self._writes = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def warm(self):
        """Do nothing."""

    def get(self, keys):
        return self._store.get(keys)

    def put_many_if(self, writes):
        return self._store.put_many_if(writes)

    def put_if(self, key, item, expected):
        self._writes += 1
        if self._writes > 1:
            raise StoreUnavailableError("the environment is dead")
        return self._store.put_if(key, item, expected)


def test_a_claim_lasts_as_long_as_the_invocation_may(time, event):
    """Nothing renews it: a request that crashed keeps its key until Lambda would have ended it, and the skew twice."""
    store = MemoryStore()

    class CrashedError(BaseException):
        pass

    def crash(request):
        raise CrashedError

    policies = [Idempotency(_Dying(store))]
    with pytest.raises(CrashedError):
        resilient_handler(http=True, policies=policies, principal="caller")(crash)(event, time.context(timeout_s=29))
    again = resilient_handler(http=True, policies=[Idempotency(store)], principal="caller")(lambda event: None)
    time.advance(30)

    assert again(event, time.context())["statusCode"] == 409
    time.advance(4)
    assert again(event, time.context())["statusCode"] == 204
