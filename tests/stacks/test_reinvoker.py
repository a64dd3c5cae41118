"""A worker times out, its destination has the record, the re-invoker of the example has it invoked again."""

from __future__ import annotations

import json

import pytest

from .chain import Chain


@pytest.fixture(scope="module", params=["lambda_itself", "sqs_queue", "sns_topic"])
def chain(request, ministack, tmp_path_factory):
    """The example, with one kind of destination."""
    made = Chain(ministack, request.param, tmp_path_factory.mktemp("notes") / "notes")
    yield made
    made.end()


def test_a_worker_that_times_out_is_started_again_and_succeeds(chain):
    """Twice: with the event as it was sent, the attempt, and the same root; nothing is set aside."""
    chain.send("twice", hangs=2)
    chain.until(lambda: chain.starts("twice done"))
    first, second, third = chain.starts("twice")

    assert [start["attempt"] for start in (first, second, third)] == [1, 2, 3]
    assert second["root"] == third["root"] != ""
    assert {tuple(start["keys"]) for start in (first, second, third)} == {("hangs", "of", "report_id")}
    assert [start["attempt"] for start in chain.starts("twice done")] == [3]
    assert chain.parked() == []


def test_a_worker_that_always_times_out_is_set_aside_with_its_record(chain):
    """After three attempts, with the reason."""
    chain.send("endless", hangs=9)
    chain.until(chain.parked)
    (letter,) = chain.parked()

    assert len(chain.starts("endless")) == 3
    assert '"endless"' in json.dumps(letter["Body"]).replace("\\", "")
    assert "it has failed in 3 of 3 invocations" in json.dumps(letter)


def test_a_worker_that_succeeds_is_started_once(chain):
    """The re-invoker hears nothing of it."""
    chain.send("quick", hangs=0)
    chain.until(lambda: chain.starts("quick done"))

    assert len(chain.starts("quick")) == 1
