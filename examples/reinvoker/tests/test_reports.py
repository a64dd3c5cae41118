"""What becomes of reports: rendered in time, with a second try, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import reinvoker
import reports
import worker

from resilient_lambda.testing import lambda_context, sqs_event

EVENT = json.loads((Path(__file__).resolve().parents[1] / "events" / "timeout.json").read_text("utf-8"))


@pytest.fixture
def rendered(monkeypatch, delivery):
    """Have reports be rendered in the simulation; one whose name begins with "long" takes too long in full."""
    found = []

    def render(report_id, *, in_full):
        found.append((report_id, in_full))
        if report_id == "endless" or (report_id.startswith("long") and in_full):
            delivery.work(600)
        delivery.effect(report_id)
        return 40 if in_full else 4

    monkeypatch.setattr(worker, "render", render)
    return found


@pytest.fixture
def deployed(delivery, rendered):
    """Deploy the template, with a queue between the worker and the re-invoker; return where reports are asked for."""
    reading = delivery.function(reinvoker.handler, name="reports-reinvoker", timeout_s=60)
    records = delivery.sqs(reading, name="records", max_receives=10, dead_letter=True)
    rendering = delivery.function(worker.handler, name="reports-worker", timeout_s=60)
    return delivery.asynchronous(rendering, retries=1, on_failure=records, key="report_id")


def test_a_report_that_takes_too_long_is_rendered_with_less_detail(delivery, deployed, rendered):
    """Lambda tries twice, the re-invoker once more, and the worker knows."""
    deployed.send({"report_id": "long"})
    delivery.run()

    assert rendered == [("long", True), ("long", True), ("long", False)]
    assert delivery.effects == ["long"]


def test_a_report_that_never_ends_is_set_aside_once(delivery, deployed, rendered):
    """After three attempts of two tries each; its record waits in the queue of parked ones."""
    deployed.send({"report_id": "endless"})
    delivery.run()

    assert len(rendered) == 6
    (records,) = [source for source in delivery.sources if source.name == "records"]
    (letter,) = records.dead_letters
    assert letter.error == "NotReinvokedError"
    assert json.loads(letter.body)["requestPayload"]["report_id"] == "endless"


@pytest.mark.delivery(seeds=20)
def test_every_report_is_rendered_whatever_goes_wrong(delivery, deployed):
    """Records come late and twice, calls fail, environments die; each report is rendered or set aside, none twice."""
    names = ["short", "long-1", "long-2"]
    for name in names:
        deployed.send({"report_id": name})
    delivery.faults(duplicate=0.3, late=0.3, invoke_error=0.3, store_error=0.1)
    delivery.run()

    assert deployed.handled_more_than_once() == []
    (records,) = [source for source in delivery.sources if source.name == "records"]
    parked = [json.loads(letter.body)["requestPayload"]["report_id"] for letter in records.dead_letters]
    assert sorted({*map(str, delivery.effects), *parked}) == sorted(names)


def test_a_timed_out_record_is_invoked_again(aws):
    """The event is as it was sent, but for the reserved key."""
    reinvoker.handler(EVENT, lambda_context("reports-reinvoker"))

    (request,) = aws.invocations
    payload = json.loads(request.payload)
    assert request.function.endswith("reports-worker")
    assert payload["report_id"] == "2026-11"
    assert payload["__resilient_lambda__"]["attempt"] == 2


def test_the_same_record_in_a_queue_is_invoked_once(aws):
    """It came twice; the answer names nothing to be delivered again."""
    context = lambda_context("reports-reinvoker")

    assert reinvoker.handler(sqs_event([EVENT]), context) == {"batchItemFailures": []}
    assert reinvoker.handler(sqs_event([EVENT]), context) == {"batchItemFailures": []}
    assert len(aws.invocations) == 1


def test_another_function_is_never_invoked(aws):
    """Whoever can write to the queue cannot have anything else run."""
    context = {**EVENT["requestContext"], "functionArn": EVENT["requestContext"]["functionArn"].replace("worker", "x")}
    reinvoker.handler({**EVENT, "requestContext": context}, lambda_context("reports-reinvoker"))

    assert aws.invocations == []
    assert len(aws.dead_letters) == 1


def test_a_report_is_rendered_in_full_at_first():
    """What stands for rendering."""
    assert reports.render("2026-11", in_full=True) > reports.render("2026-11", in_full=False)
