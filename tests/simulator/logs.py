"""The three sources that keep records in order, each so that one test can be about all of them."""

from __future__ import annotations

import json
from base64 import b64decode


def body_of(data):
    """Return what was sent, by its base64."""
    return json.loads(b64decode(data))


class Kinesis:
    """A data stream with one shard."""

    info_name = "KinesisBatchInfo"

    @staticmethod
    def make(delivery, handler, **options):
        """Make the source."""
        return delivery.kinesis(handler, **{"key": "id", **options})

    @staticmethod
    def send(source, id, key="a", **options):
        """Send a record; those with the same *key* are ordered."""
        return source.send({"id": id}, partition_key=key, **options)

    @staticmethod
    def records(event):
        """Return what is called by which identifier, in order."""
        return [
            (body_of(record["kinesis"]["data"])["id"], record["kinesis"]["sequenceNumber"])
            for record in event["Records"]
        ]


class Table:
    """A table with a stream of one shard; each record is another item."""

    info_name = "DDBStreamBatchInfo"

    @staticmethod
    def make(delivery, handler, **options):
        """Make the source."""
        return delivery.dynamodb(handler, **{"key": "id", "key_names": ("part",), **options})

    @staticmethod
    def send(source, id, key="a", **options):
        """Change the item *key*."""
        return source.send({"part": key, "id": id}, **options)

    @staticmethod
    def records(event):
        """Return what is called by which identifier, in order."""
        found = []
        for record in event["Records"]:
            change = record["dynamodb"]
            ((kind, id),) = change["NewImage"]["id"].items()
            found.append((int(id) if kind == "N" else id, change["SequenceNumber"]))
        return found


class Kafka:
    """A topic with one partition."""

    info_name = "KafkaBatchInfo"

    @staticmethod
    def make(delivery, handler, **options):
        """Make the source."""
        return delivery.kafka(handler, **{"key": "id", "partitions": 1, "window_s": 0.0, **options})

    @staticmethod
    def send(source, id, key="a", **options):
        """Send a record; those with the same *key* are ordered."""
        return source.send({"id": id}, key=key, **options)

    @staticmethod
    def records(event):
        """Return what is called by which identifier, in order."""
        return [
            (body_of(record["value"])["id"], {"partition": partition, "offset": record["offset"]})
            for partition, records in event["records"].items()
            for record in records
        ]


LOGS = (Kinesis, Table, Kafka)


def answer(*identifiers):
    """Return the answer that reports *identifiers*."""
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def send_all(kind, source, count):
    """Send *count* records, which are ordered."""
    return [kind.send(source, id) for id in range(count)]


class Scripted:
    """
    A handler that keeps what it got, and does what it is told.

    Args:
        fails: The ids of records that it reports, each as often as it gets them, or as often as said.
        raises: As *fails*, but it raises.
    """

    def __init__(self, kind, delivery, *, fails=(), raises=()):
        self.batches = []
        self._kind = kind
        self._delivery = delivery
        self._fails = dict(fails) if isinstance(fails, dict) else dict.fromkeys(fails, 10**6)
        self._raises = dict(raises) if isinstance(raises, dict) else dict.fromkeys(raises, 10**6)

    def __call__(self, event, context):
        """Handle *event*."""
        records = self._kind.records(event)
        self.batches.append([id for id, _ in records])
        for id, _ in records:
            if self._raises.get(id, 0) > 0:
                self._raises[id] -= 1
                raise ValueError(f"record {id}")
        for id, identifier in records:
            if self._fails.get(id, 0) > 0:
                self._fails[id] -= 1
                return answer(identifier)
            self._delivery.effect(id)
        return None
