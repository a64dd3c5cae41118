"""Whose keys are whose: namespaces, functions that share a store or a policy, and every way to name a key."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from resilient_lambda import Idempotency, JMESPath, batch_handler, resilient_handler
from resilient_lambda.errors import ConfigurationError
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import NOTHING_FAILED
from tests.policies.stores import key_of


@pytest.fixture
def runs():
    """What ran."""
    return []


def test_the_namespace_is_the_name_of_the_lambda_function(paint, store, runs, time):
    """Two functions on one table each do their own work; the name comes from the context."""

    def function(body):
        runs.append(body)

    for name in ("one", "two", "one"):
        handler = batch_handler(policies=[Idempotency(store, key="k")], model=dict)(paint(function))
        handler(sqs_event([{"k": "a"}]), time.context(name))

    assert len(runs) == 2
    assert {store.status(key_of("a", name)) for name in ("one", "two")} == {"COMPLETED"}


def test_the_environment_names_the_function_where_the_context_does_not(paint, store, time, monkeypatch):
    """As in tools that pass None for the context."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "from-the-environment")
    batch_handler(policies=[Idempotency(store, key="k")], model=dict)(paint(lambda body: None))(
        sqs_event([{"k": "a"}]), None
    )

    assert store.status(key_of("a", "from-the-environment")) == "COMPLETED"


def test_without_any_name_nothing_is_run(paint, store, monkeypatch, runs):
    """And the text says what to pass."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)

    def function(event):
        runs.append(event)

    handler = resilient_handler(policies=[Idempotency(store, key="k")])(paint(function))
    with pytest.raises(ConfigurationError, match=r"pass Idempotency\(namespace=\.\.\.\)"):
        handler({"k": "a"}, None)

    assert (runs, store.steps) == ([], [])


def test_one_namespace_makes_two_functions_one(paint, store, time, runs):
    """What either did is done."""

    def function(body):
        runs.append(body)

    for name in ("one", "two"):
        policy = Idempotency(store, key="k", namespace="shared")
        batch_handler(policies=[policy], model=dict)(paint(function))(sqs_event([{"k": "a"}]), time.context(name))

    assert len(runs) == 1


def test_a_store_has_no_configuration_of_keys(paint, store, time, runs):
    """Two handlers on one store, each with its own key: the first one's is not used for the second."""

    def function(body):
        runs.append(body)

    for key in ("order", "refund"):
        handler = batch_handler(policies=[Idempotency(store, key=key)], model=dict)(paint(function))
        handler(sqs_event([{"order": "o", "refund": "r"}]), time.context(f"by-{key}"))

    assert len(runs) == 2


def test_one_policy_may_stand_in_two_handlers(paint, store, time, runs):
    """Deployed as two functions their keys do not meet; nested, each keeps its own session."""
    policy = Idempotency(store, key="k")

    @batch_handler(policies=[policy], model=dict)
    def inner(body):
        runs.append("inner")

    def function(body):
        assert inner(sqs_event([body, body]), time.context("inner")) == NOTHING_FAILED
        runs.append("outer")

    outer = batch_handler(policies=[policy], model=dict)(function)

    assert outer(sqs_event([{"k": 1}, {"k": 1}]), time.context("outer")) == NOTHING_FAILED
    assert runs == ["inner", "outer"]


KEYS = {
    "path": "order.id",
    "paths": ["order.id", "tenant"],
    "tuple of paths": ("order.id",),
    "JMESPath": JMESPath("order.id"),
    "JMESPath with JSON inside": JMESPath("powertools_json(wrapped).id"),
    "JMESPath list": JMESPath("[order.id, tenant]"),
    "function": lambda body: body["order"]["id"],
    "function of several": lambda body: {"id": body["order"]["id"], "tenant": body["tenant"]},
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_every_kind_of_key_tells_duplicates(paint, store, time, runs, key):
    """What differs elsewhere is the same event; what differs in the key is another."""

    def function(body):
        runs.append(body["order"]["id"])

    handler = batch_handler(policies=[Idempotency(store, key=key)], model=dict)(paint(function))

    def body(name, noise):
        return {"order": {"id": name}, "tenant": "t", "wrapped": json.dumps({"id": name}), "noise": noise}

    answer = handler(sqs_event([body("a", 1), body("b", 2), body("a", 3)]), time.context())

    assert answer == NOTHING_FAILED
    assert runs == ["a", "b"]


def test_the_order_of_names_in_an_object_does_not_matter(paint, store, time, runs):
    """Equal objects are equal keys."""

    def function(body):
        runs.append(body)

    handler = batch_handler(policies=[Idempotency(store, key="id")], model=dict)(paint(function))
    bodies = [{"id": dict(pairs)} for pairs in permutations({"x": 1, "y": [2], "z": None}.items())]
    handler(sqs_event(bodies), time.context())

    assert len(runs) == 1


def test_the_default_key_of_a_batch_is_the_records_id(paint, store, runs):
    """A redelivery is a duplicate, a second message with the same body is not."""

    def function(record):
        runs.append(record.id)

    handler = batch_handler(policies=[Idempotency(store)])(paint(function))
    event = sqs_event(["same", "same"])
    handler(event, lambda_context())
    handler(event, lambda_context())

    assert runs == [record["messageId"] for record in event["Records"]]
