"""Handlers by their names: each environment has a module of its own."""

from __future__ import annotations

import sys

import pytest

from resilient_lambda.testing import Delivery

SOURCE = """
from dataclasses import dataclass
from http import HTTPStatus

seen = set()
status = HTTPStatus.OK
tell = None

@dataclass
class Order:
    id: int

def handler(event, context):
    for record in event["Records"]:
        if record["messageId"] not in seen:
            seen.add(record["messageId"])
            tell(Order(1), record["messageId"])
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return the name of a module that remembers in a global variable."""
    (tmp_path / "shop_of_tests.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "shop_of_tests"
    sys.modules.pop("shop_of_tests", None)


def test_each_environment_has_a_module_of_its_own(module):
    """What a handler remembers in a global variable does not make it idempotent, as on AWS."""
    twice = 0
    for seed in range(20):
        with Delivery(seed) as delivery:
            worker = delivery.function(
                f"{module}.handler", takes=5.0, module_globals={"tell": lambda order, id: delivery.effect(id)}
            )
            queue = delivery.sqs(worker, key=lambda body: body)
            for number in range(5):
                queue.send(f"sqs-{number + 1}")
            delivery.faults(duplicate=0.5)
            delivery.run()
            twice += bool(queue.handled_more_than_once())

    assert twice > 5


def test_the_process_keeps_its_own_module(module):
    """The test goes on with the module that it has imported, if it has."""
    with Delivery() as delivery:
        queue = delivery.sqs(delivery.function(f"{module}.handler", module_globals={"tell": lambda order, id: None}))
        queue.send("hello")
        delivery.run()

        assert queue.lost == []
    assert module not in sys.modules


def test_a_module_that_is_not_there_is_refused_at_once():
    """Before anything is run, with what to write."""
    with Delivery() as delivery, pytest.raises(ValueError, match=r"'nowhere\.handler': there is no module 'nowhere'"):
        delivery.sqs("nowhere.handler")


def test_globals_go_with_a_name():
    """A function that is handed over has the globals of its own module."""
    with Delivery() as delivery, pytest.raises(ValueError, match="module_globals"):
        delivery.function(lambda event, context: None, module_globals={"tell": print})
