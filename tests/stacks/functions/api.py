"""A function behind an API: every request says in its body what shall go wrong with it, and each run is noted."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from pydantic import BaseModel

from resilient_lambda import DynamoDBStore, Idempotency, Record, resilient_handler

POLICIES = [Idempotency(DynamoDBStore("resilience"))]
CORS = {"access-control-allow-origin": "*"}


class Payment(BaseModel):
    """What is paid."""

    total: int
    waits: bool = False
    unavailable: int = 0


def run(record: Record[Payment]):
    """Pay, or be unavailable as often as the request says."""
    event = record.raw
    order = (event.get("rawPath") or event["path"]).split("/")[-2]
    with Path(os.environ["NOTES"]).open("ab", buffering=0) as file:
        file.write(json.dumps({"name": order, "at_s": time.time()}).encode() + b"\n")
    lines = Path(os.environ["NOTES"]).read_text("utf-8").splitlines()
    number = sum(json.loads(line)["name"] == order for line in lines)
    while record.value.waits and not Path(f"{os.environ['NOTES']}-{order}").exists():
        time.sleep(0.02)
    status, body = (503, "later") if number <= record.value.unavailable else (201, {"paid": record.value.total})
    headers = {"x-run": str(number)}
    answer = {"statusCode": status, "body": json.dumps(body), "isBase64Encoded": False}
    if "multiValueHeaders" in event and "elb" in event["requestContext"]:
        return {**answer, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    return {**answer, "headers": headers}


@resilient_handler(http=True, policies=POLICIES, principal="caller", headers=CORS)
def pay(record: Record[Payment]):
    """Pay for whom AWS has made sure of."""
    return run(record)


def user(event) -> str:
    """Return whom something in front has made sure of; in a header, as it were."""
    return event["headers"]["x-user"] if "headers" in event else event["multiValueHeaders"]["x-user"][0]


@resilient_handler(http=True, policies=POLICIES, principal=user, headers=CORS)
def pay_of_user(record: Record[Payment]):
    """Pay for whom the header names."""
    return run(record)
