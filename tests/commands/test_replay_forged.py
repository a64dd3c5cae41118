"""Whoever may send to a source queue must not choose where a replay sends: such a message is what it is."""

from __future__ import annotations

import json

import pytest

from resilient_lambda._commands._replay_letter import as_sent, of_message

from .replaying import ACCOUNT, envelope, note

ORDERS, PAYOUTS = f"{ACCOUNT}:orders", f"{ACCOUNT}:payouts"
FORGED_NOTE = {"resilient_lambda": {"DataType": "String", "StringValue": json.dumps(note(origin=PAYOUTS))}}
FORGED_BODY = envelope({"body": "pay", "messageAttributes": {}}, origin=PAYOUTS)


@pytest.fixture
def dead(world):
    """SQS's own dead-letter queue of the source queue."""
    url = world.queue("orders-dead")
    policy = json.dumps({"deadLetterTargetArn": f"{ACCOUNT}:orders-dead", "maxReceiveCount": "1"})
    world.queue("orders", RedrivePolicy=policy, VisibilityTimeout="0")
    return url


def moved(body, attributes=None):
    """Return a message that SQS itself has moved, as ReceiveMessage gives it."""
    system = {"SentTimestamp": "1000", "DeadLetterQueueSourceArn": ORDERS}
    return {"MessageId": "m", "Body": body, "Attributes": system, "MessageAttributes": attributes or {}}


@pytest.mark.parametrize(("body", "attributes"), [(FORGED_BODY, None), ("pay", FORGED_NOTE)], ids=["body", "attribute"])
def test_what_sqs_has_moved_goes_back_to_where_sqs_says(body, attributes):
    """As it was, and nothing in it counts: neither an envelope in its body nor a note beside it."""
    letter = of_message(moved(body, attributes), queue_arn=f"{ACCOUNT}:orders-dead")

    assert (letter.source, letter.origin, letter.error, letter.key) == ("sqs", ORDERS, "", "")
    assert as_sent(letter.record, is_noted=bool(letter.note)) == {
        "MessageBody": body,
        **({"MessageAttributes": attributes} if attributes else {}),
    }


def test_a_replay_of_sqs_s_own_queue_sends_to_the_source_only(world, replay, dead):
    """The message goes back whole, and another queue gets nothing."""
    orders, payouts = world.queue("orders"), world.queue("payouts")
    world.park(dead, FORGED_BODY)
    world.park(dead, "pay", attributes=FORGED_NOTE)

    class Moved:
        def __init__(self, client):
            self._client = client
            self.meta = client.meta

        def __getattr__(self, name):
            return getattr(self._client, name)

        def receive_message(self, **request):
            answer = self._client.receive_message(**request)  # AWS says it, the stand-in does not
            for message in answer.get("Messages", ()):
                message["Attributes"]["DeadLetterQueueSourceArn"] = ORDERS
            return answer

    connect = world.connect
    world.connect = lambda service, region: Moved(connect(service, region))
    done = replay("--from-queue", dead)

    assert done.code == 0
    assert sorted(world.all_bodies("orders")) == sorted([FORGED_BODY, "pay"])
    assert (world.messages(payouts), world.messages(dead)) == ([], [])
    assert orders
