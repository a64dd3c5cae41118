"""``python -m resilient_lambda replay``: what is sent where, what is left, and what it says."""

from __future__ import annotations

import base64
import json

import pytest

from resilient_lambda.__main__ import main

from .replaying import ACCOUNT, envelope, kinesis_record, note, refusal

PARTITION_KEY = "user-7"
URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/parked"


def test_a_message_goes_back_to_its_queue(world, replay, parked, orders):
    """Body and attributes as they were, without the note, and the letter is gone."""
    attributes = {
        "tenant": {"DataType": "String", "StringValue": "t-1"},
        "digest": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "weight": {"DataType": "Number.int", "StringValue": "7"},
    }
    world.park(parked, '{"a": 1}', note(), attributes)
    done = replay("--from-queue", parked)
    (message,) = world.messages(orders)

    assert done.code == 0
    assert done.output == "looked at 1, sent 1, failed 0, cannot be sent 0, not meant 0\n"
    assert message["Body"] == '{"a": 1}'
    assert message["MessageAttributes"] == attributes
    assert world.messages(parked) == []
    assert world.hidden(parked) == 0


def test_attributes_that_had_no_room_come_back(world, replay, parked, orders):
    """The tenth attribute, which travelled inside the note, is one of the message again."""
    attributes = {f"n{number}": {"DataType": "String", "StringValue": "x"} for number in range(9)}
    rest = {"n9": {"DataType": "Binary", "BinaryValue": "0102"}}
    world.park(parked, "body", note(attributes=rest), attributes)
    replay("--from-queue", parked)
    (message,) = world.messages(orders)

    assert len(message["MessageAttributes"]) == 10
    assert message["MessageAttributes"]["n9"]["BinaryValue"] == b"\x01\x02"


def test_notes_of_the_first_version_are_read(world, replay, parked, orders):
    """They have no version, origin or time: they can go to a queue that is named."""
    rest = {"n9": {"DataType": "Binary", "BinaryValue": "0102"}}
    world.park(parked, "body", {"error": "KeyError", "source": "sqs", "id": "m", "dedup": "0", "attributes": rest})
    refused = replay("--from-queue", parked)
    done = replay("--from-queue", parked, "--to-queue", orders)
    (message,) = world.messages(orders)

    assert refused.code == 1
    assert "1 x does not say which queue it came from: use --to-queue or --to-function" in refused.output
    assert done.code == 0
    assert message["MessageAttributes"]["n9"]["BinaryValue"] == b"\x01\x02"


def test_each_letter_finds_its_own_source(world, replay, parked, orders):
    """Letters of two queues lie in one."""
    returns = world.queue("returns")
    world.park(parked, "order", note())
    world.park(parked, "return", note(origin=f"{ACCOUNT}:returns"))
    world.park(parked, "another order", note())
    done = replay("--from-queue", parked)

    assert done.code == 0
    assert world.bodies(orders) == ["order", "another order"]
    assert world.bodies(returns) == ["return"]


def test_a_letter_without_a_note_needs_a_target(world, replay, parked, orders):
    """Where the note had no room, nothing says where it came from: it stays until it is told where to go."""
    world.park(parked, "large")
    refused = replay("--from-queue", parked)
    left = world.bodies(parked)
    done = replay("--from-queue", parked, "--to-queue", orders)

    assert (refused.code, left) == (1, ["large"])
    assert done.code == 0
    assert world.bodies(orders) == ["large"]


def test_a_group_is_kept_and_the_deduplication_id_is_fresh(world, replay):
    """Order holds within a group; each run has ids of its own, the same run the same ones (protocols.md A7)."""
    source, parked = world.queue("orders.fifo"), world.queue("parked.fifo")
    for number in range(3):
        world.park(
            parked, str(number), note(origin=f"{ACCOUNT}:orders.fifo", source="sqs-fifo"),
            MessageGroupId="customer", MessageDeduplicationId=f"d{number}",
        )  # fmt: skip
    first = replay("--from-queue", parked, "--keep", "--run-id", "one")
    replay("--from-queue", parked, "--keep", "--run-id", "one")
    again = world.messages(source)
    replay("--from-queue", parked, "--run-id", "two")
    messages = world.messages(source)

    assert "run one" in first.complaints
    assert [message["Body"] for message in again] == ["0", "1", "2"]
    assert [message["Body"] for message in messages] == ["0", "1", "2", "0", "1", "2"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"customer"}
    assert len({message["Attributes"]["MessageDeduplicationId"] for message in messages}) == 6


def test_the_record_s_own_group_counts(world, replay):
    """A letter in a standard queue notes it; one in a FIFO queue may have another there."""
    source, parked = world.queue("orders.fifo"), world.queue("parked")
    fields = {"origin": f"{ACCOUNT}:orders.fifo", "source": "sqs-fifo", "lane": "customer"}
    world.park(parked, "body", note(**fields, fifo={"group": "customer", "dedup": "old"}))
    done = replay("--from-queue", parked)
    (message,) = world.messages(source)

    assert done.code == 0
    assert message["Attributes"]["MessageGroupId"] == "customer"
    assert message["Attributes"]["MessageDeduplicationId"] != "old"


def test_nothing_overtakes_a_letter_of_its_group_that_was_not_sent(world, replay):
    """The later letters of the group stay behind it, those of other groups go."""
    source, parked = world.queue("orders.fifo"), world.queue("parked.fifo")
    for body, group in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        world.park(
            parked, body, note(origin=f"{ACCOUNT}:orders.fifo", source="sqs-fifo"),
            MessageGroupId=group, MessageDeduplicationId=body,
        )  # fmt: skip
    sends = []

    def refuse_first(number, name, when):
        if (name, when) == ("sqs.send_message", "before"):
            sends.append(number)
            if len(sends) == 1:
                raise refusal("InternalError", "SendMessage")

    world.on_call = refuse_first
    done = replay("--from-queue", parked)

    assert done.code == 1
    assert world.bodies(source) == ["b1"]
    assert sorted(world.bodies(parked)) == ["a1", "a2"]
    assert "1 x a letter before it, of the same group or partition key, was not sent" in done.output


def test_a_kinesis_record_goes_back_to_its_stream(world, replay, parked):
    """Its bytes as they were, under its partition key."""
    world.kinesis.create_stream(StreamName="clicks", ShardCount=1)
    arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
    record = kinesis_record(base64.b64encode(b"\x00click").decode(), key=PARTITION_KEY)
    world.park(parked, envelope(record, source="kinesis", origin=arn, id="49590"))
    done = replay("--from-queue", parked)
    shard = world.kinesis.get_shard_iterator(
        StreamName="clicks", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (put,) = world.kinesis.get_records(ShardIterator=shard)["Records"]

    assert done.code == 0
    assert (put["Data"], put["PartitionKey"]) == (b"\x00click", PARTITION_KEY)
    assert world.messages(parked) == []


@pytest.mark.parametrize("source", ["sns", "s3", "kafka", "dynamodb", "activemq", "documentdb", "invocation"])
def test_what_takes_nothing_back_stays(world, replay, parked, source):
    """Nobody can send to these sources: the letter stays, and the way out is named."""
    world.park(parked, envelope({"any": "record"}, source=source, origin="arn:aws:x:eu-west-1:1:y"))
    done = replay("--from-queue", parked)

    assert done.code == 1
    assert f"1 x is of {source}, which takes nothing back: use --to-function" in done.output
    assert len(world.messages(parked)) == 1


def test_a_record_of_another_source_goes_to_a_queue_as_json(world, replay, parked, orders):
    """As the event had it."""
    world.park(parked, envelope({"Sns": {"Message": "hi"}}, source="sns"))
    done = replay("--from-queue", parked, "--to-queue", orders)

    assert done.code == 0
    assert [json.loads(body) for body in world.bodies(orders)] == [{"Sns": {"Message": "hi"}}]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: json.dumps({"Type": "Notification", "Message": text}),
        lambda text: json.dumps({"source": "x", "detail-type": "dead letter", "detail": json.loads(text)}),
    ],
    ids=["sns", "eventbridge"],
)
def test_letters_that_came_through_sns_or_eventbridge_are_opened(world, replay, parked, orders, wrap):
    """A queue behind such a sink holds the envelope inside another one."""
    record = {"body": "order", "messageAttributes": {}, "attributes": {}, "eventSource": "aws:sqs"}
    world.park(parked, wrap(envelope(record)))
    done = replay("--from-queue", parked)

    assert (done.code, world.bodies(orders)) == (0, ["order"])


def test_only_what_is_meant_is_sent(world, replay, parked, orders):
    """By error, source and time; the rest is given back at once."""
    world.park(parked, "key", note())
    world.park(parked, "value", note(error="ValueError"))
    world.park(parked, "old", note(at="2020-01-01T00:00:00Z"))
    world.park(parked, "without note")
    done = replay("--from-queue", parked, "--error-type", "KeyError", "--since", "2026-11-01T00:00Z", "--source", "sqs")

    assert done.code == 0
    assert world.bodies(orders) == ["key"]
    assert sorted(world.bodies(parked)) == ["old", "value", "without note"]
    assert done.output.startswith("looked at 4, sent 1, failed 0, cannot be sent 0, not meant 3\n")
    assert "2 x is of another error" in done.output
    assert "1 x is of another time" in done.output


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (["--since", "1d"], []),
        (["--until", "2026-11-21T09:00:00Z"], ["body"]),
        (["--until", "2026-11-21T08:59:59"], []),
        (["--source", f"{ACCOUNT}:orders"], ["body"]),
        (["--source", "kinesis"], []),
        (["--function", "billing"], ["body"]),
        (["--function", "search"], []),
        (["--error-type", "KeyError", "--error-type", "ValueError"], ["body"]),
    ],
)
def test_each_filter_holds(world, replay, parked, orders, options, sent):
    """Times are UTC, and inclusive; sources are names or ARNs."""
    world.park(
        parked,
        "body",
        note(at="2026-11-21T09:00:00.000Z" if "1d" not in options else "2020-01-01T00:00:00Z", function="billing"),
    )
    replay("--from-queue", parked, *options)

    assert world.bodies(orders) == sent


def test_a_limit_is_kept(world, replay, parked, orders):
    """No more is sent, and no more is looked at than needed."""
    for number in range(5):
        world.park(parked, str(number), note())
    done = replay("--from-queue", parked, "--limit", "2")

    assert done.output.startswith("looked at 2, sent 2")
    assert (len(world.messages(orders)), len(world.messages(parked))) == (2, 3)


def test_a_large_queue_is_gone_through_once(world, replay, parked, orders):
    """Many receives, each letter once, whether it is meant or not."""
    for number in range(37):
        world.park(parked, str(number), note(error="KeyError" if number % 3 else "ValueError"))
    done = replay("--from-queue", parked, "--error-type", "KeyError")

    assert done.output.startswith("looked at 37, sent 24, failed 0, cannot be sent 0, not meant 13\n")
    assert len(world.bodies(orders)) == 24
    assert len(world.bodies(parked)) == 13


def test_a_dry_run_changes_nothing(world, replay, parked, orders):
    """It says what would be sent, never a payload; all is visible again."""
    world.park(parked, "secret", note())
    world.park(parked, "secret", note(error="ValueError"))
    done = replay("--from-queue", parked, "--dry-run", "--error-type", "KeyError")

    assert done.code == 0
    assert "would send" in done.output
    assert f"to {ACCOUNT}:orders" in done.output
    assert "looked at 2, would send 1, failed 0, cannot be sent 0, not meant 1" in done.output
    assert "secret" not in done.output + done.complaints
    assert (world.messages(orders), len(world.messages(parked))) == ([], 2)


def test_a_queue_that_moves_what_is_looked_at_is_told_of(world, replay, parked):
    """A redrive policy on the dead-letter queue counts the receives of a replay, too."""
    last = world.queue("last")
    policy = json.dumps({"deadLetterTargetArn": f"{ACCOUNT}:last", "maxReceiveCount": "3"})
    world.sqs.set_queue_attributes(QueueUrl=parked, Attributes={"RedrivePolicy": policy})
    done = replay("--from-queue", parked, "--dry-run")

    assert "warning: this queue has a redrive policy of its own: a letter that was received 3 times" in done.complaints
    assert world.messages(last) == []


def test_what_fails_again_meanwhile_is_left(world, replay, parked, orders):
    """A function that is not mended yet would keep the replay running for ever."""
    world.park(parked, "body", note())

    def fail_again(number, name, when):
        if (name, when) == ("sqs.send_message_batch", "after"):
            world.park(parked, "body", note(at="2099-01-01T00:00:00Z"))

    world.on_call = fail_again
    done = replay("--from-queue", parked)

    assert done.output.startswith("looked at 2, sent 1, failed 0, cannot be sent 0, not meant 1\n")
    assert "1 x was set aside after this run began" in done.output
    assert (len(world.messages(orders)), len(world.messages(parked))) == (1, 1)


def test_objects_go_back_and_are_deleted(world, replay, orders):
    """Those under the prefix, whatever page they are on; others stay."""
    world.bucket("parked")
    record = {"body": "order", "messageAttributes": {}, "attributes": {}, "eventSource": "aws:sqs"}
    for number in range(13):
        world.s3.put_object(Bucket="parked", Key=f"orders/{number}.json", Body=envelope(record))
    world.s3.put_object(Bucket="parked", Key="other/1.json", Body=envelope(record))
    world.s3.put_object(Bucket="parked", Key="orders/readme.txt", Body=b"\xff")
    done = replay("--from-s3", "s3://parked/orders/")
    left = [found["Key"] for found in world.s3.list_objects_v2(Bucket="parked")["Contents"]]

    assert done.code == 1
    assert "1 x is no letter of this library; the first is orders/readme.txt" in done.output
    assert world.bodies(orders) == ["order"] * 13
    assert left == ["orders/readme.txt", "other/1.json"]


def test_keep_leaves_the_objects(world, replay, orders):
    """``--keep`` sends and deletes nothing."""
    world.bucket("parked")
    record = {"body": "order", "eventSource": "aws:sqs"}
    world.s3.put_object(Bucket="parked", Key="a", Body=envelope(record))
    done = replay("--from-s3", "s3://parked", "--keep")

    assert (done.code, world.bodies(orders)) == (0, ["order"])
    assert len(world.s3.list_objects_v2(Bucket="parked")["Contents"]) == 1


def test_a_letter_that_was_replaced_meanwhile_stays(world, replay, orders):
    """The record failed again, and lies under the same key: that letter was not sent."""
    world.bucket("parked")
    record = {"body": "order", "eventSource": "aws:sqs"}
    world.s3.put_object(Bucket="parked", Key="a", Body=envelope(record))
    newer = envelope(record, at="2099-01-01T00:00:00Z")

    def fail_again(number, name, when):
        if (name, when) == ("sqs.send_message_batch", "after"):
            world.s3.put_object(Bucket="parked", Key="a", Body=newer)

    world.on_call = fail_again
    done = replay("--from-s3", "s3://parked/")

    assert done.code == 1
    assert "a newer letter lies under its key, and was left there" in done.output
    assert world.s3.get_object(Bucket="parked", Key="a")["Body"].read().decode() == newer


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["--from-queue", "required"]),
        (["--from-queue", URL, "--from-s3", "s3://b"], ["not allowed with"]),
        (["--from-queue", URL, "--to-queue", URL], ["the same queue"]),
        (["--from-queue", URL, "--batch", "5"], ["--to-function"]),
        (["--from-queue", URL, "--to-function", "f", "--batch", "11"], ["--batch 11", "between 1 and 10"]),
        (["--from-queue", URL, "--limit", "0"], ["--limit 0"]),
        (["--from-queue", URL, "--since", "yesterday"], ["--since 'yesterday'", "2h"]),
        (["--from-queue", URL, "--since", ""], ["--since ''"]),
        (["--from-queue", URL, "--since", "1h", "--until", "2h"], ["--since 1h", "--until 2h"]),
        (["--from-queue", URL, "--source", "sqz"], ["--source 'sqz'", "kinesis", "invocation"]),
        (["--from-queue", URL, "--source", "SQS"], ["--source 'SQS'"]),
        (["--from-queue", f"{ACCOUNT}:parked"], ["no URL of a queue"]),
        (["--from-queue", URL, "--to-queue", "orders"], ["--to-queue 'orders'", "no URL of a queue"]),
        (["--from-s3", "bucket/prefix"], ["--from-s3", "s3://bucket/prefix"]),
        (["--from-s3", "s3://"], ["no address of S3"]),
        (["--from-queue", URL, "--attribute", "status=s"], ["--attribute", "pass --table"]),
        (["--from-queue", URL, "--key-attribute", "pk"], ["--key-attribute", "pass --table"]),
        (["--from-queue", URL, "--table", "t", "--attribute", "status"], ["--attribute 'status'", "FIELD=NAME"]),
        (["--from-queue", URL, "--table", "t", "--sort-key-attribute", "id"], ["error: ", "id"]),
    ],
)
def test_a_wrong_command_line_is_explained(options, words, capsys, monkeypatch):
    """A usage error, exit code 2, before anything is asked of AWS."""
    monkeypatch.delenv("RESILIENT_LAMBDA_TABLE", raising=False)
    with pytest.raises(SystemExit) as end:
        main(["replay", *options])
    complaints = capsys.readouterr().err

    assert end.value.code == 2
    assert [word for word in words if word not in complaints] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from-queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere"], ["NonExistentQueue"]),
        (["--from-s3", "s3://nowhere/"], ["NoSuchBucket"]),
    ],
)
def test_letters_that_cannot_be_read_are_an_error(world, replay, options, words):
    """One line, exit code 1."""
    done = replay(*options)

    assert done.code == 1
    assert done.complaints.splitlines()[-1].startswith("error: ")
    assert [word for word in words if word not in done.complaints] == []


def test_a_target_that_takes_nothing_ends_the_run(world, replay, parked):
    """Ten failures in a row are enough: each look at a letter costs a receive."""
    for number in range(25):
        world.park(parked, str(number), note(origin=f"{ACCOUNT}:gone"))
    done = replay("--from-queue", parked)

    assert done.code == 1
    assert "stopped after 10 failures in a row" in done.complaints
    assert done.output.startswith("looked at 10, sent 0, failed 10")
    assert (len(world.messages(parked)), world.hidden(parked)) == (25, 0)


def test_it_runs_as_a_command(world, parked, orders, capsys):
    """With clients of its own, and a wait at the end of the queue."""
    world.park(parked, "body", note())
    code = main(["replay", "--from-queue", parked])

    assert (code, world.bodies(orders), world.bodies(parked)) == (0, ["body"], [])
    assert capsys.readouterr().err.startswith("run ")
