"""Clearing a remembered failure: this delivery's, and nothing else (protocols.md A1)."""

from __future__ import annotations

import time

import pytest

from resilient_lambda import MemoryStore
from resilient_lambda._commands._replay_failure import CLEARED, clear
from resilient_lambda._commands._replay_letter import Letter
from resilient_lambda._core.cas import ABSENT
from resilient_lambda._core.idempotency import Entry, Status, render
from resilient_lambda._core.powertools_format import POWERTOOLS

from .replaying import note

KEY = "v1#orders#00"
LATER = int(time.time()) + 1_000
FAILED = Entry(Status.FAILED, "owner.3", LATER, delivery="m-1", error="KeyError", parked="d-1")


def letter(**fields):
    """Return a letter of the delivery ``m-1``."""
    return Letter("d-1", "d-1", note(**{"key": KEY, **fields}), "sqs", "", {}, {}, "", 0.0)


def store_of(item):
    """Return a store with *item* under the key."""
    store = MemoryStore()
    if item is not None:
        store.put_if(KEY, item, ABSENT)
    return store


def test_the_failure_of_this_delivery_is_cleared():
    """The entry is gone, so the next delivery runs; a second time there is nothing."""
    store = store_of(render(FAILED))

    assert clear(store, letter()) == CLEARED
    assert store.get([KEY]) == {}
    assert clear(store, letter()) == "nothing is stored under the key"


def test_the_delivery_is_what_the_letter_calls_it():
    """Where the id alone tells it from no other one, the letter notes more."""
    store = store_of(render(FAILED._replace(delivery="digest")))

    assert "another delivery" in clear(store, letter())
    assert clear(store, letter(delivery="digest")) == CLEARED


def test_the_failure_of_what_the_letter_becomes_is_cleared():
    """A run that is repeated sends it under the same id as before."""
    store = store_of(render(FAILED._replace(delivery="sent before")))

    assert clear(store, letter(), sent_as="sent before") == CLEARED


def test_a_dry_run_only_looks():
    """It says the same and leaves the entry."""
    store = store_of(render(FAILED))

    assert clear(store, letter(), is_dry=True) == CLEARED
    assert store.get([KEY]) == {KEY: render(FAILED)}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (render(FAILED._replace(delivery="m-2")), "another delivery"),
        (render(FAILED._replace(status=Status.COMPLETED)), "completed"),
        (render(FAILED._replace(status=Status.IN_PROGRESS, lease_until_s=LATER)), "in progress"),
        (render(FAILED._replace(status=Status.RELEASED)), "free"),
        (render(FAILED._replace(expires_at_s=1)), "expired"),
        ({"version": "x", "status": "ODD", "expires_at_s": LATER}, "not understood"),
        ({**render(FAILED), "format": 99}, "not understood"),
        (POWERTOOLS.render(FAILED._replace(status=Status.COMPLETED)), "completed"),
    ],
)
def test_everything_else_is_left_alone(item, words):
    """What is found is told, and stays as it is."""
    store = store_of(item)
    found = clear(store, letter())

    assert words in found
    assert store.get([KEY]) == {KEY: item}


def test_a_letter_without_a_key_clears_nothing():
    """Handlers without Idempotency note none."""
    store = store_of(render(FAILED))

    assert clear(store, letter(key=None)) == "the letter names no idempotency key"
    assert store.get([KEY]) == {KEY: render(FAILED)}


class Busy(MemoryStore):
    """A store in which a worker claims the key just before it is deleted."""

    def delete_if(self, key, expected):
        """Let the worker be first."""
        self.put_if(key, render(Entry(Status.IN_PROGRESS, "worker.1", LATER, lease_until_s=LATER)), expected)
        return super().delete_if(key, expected)


def test_a_worker_that_claims_the_key_meanwhile_keeps_it():
    """The deletion is conditional on the entry as it was read."""
    store = Busy()
    store.put_if(KEY, render(FAILED), ABSENT)

    assert clear(store, letter()) == "the key is in progress, and was left alone"
    assert store.get([KEY])[KEY]["version"] == "worker.1"
