"""A worker that hangs as its event says, as the example of the re-invoker has one; each start is noted in a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from resilient_lambda import DynamoDBStore, Idempotency, current_attempt, resilient_handler


def note(**facts):
    """Add a line to the file of this function."""
    with Path(os.environ["NOTES"]).open("ab", buffering=0) as file:
        file.write(json.dumps(facts).encode() + b"\n")


# A claim of an environment that was stopped is free soon.
@resilient_handler(
    policies=[
        Idempotency(
            DynamoDBStore("resilience"), key=lambda job: [job["of"], job["report_id"]], lease_s=0.6, skew_s=0.05
        )
    ]
)
def worker(job, context):
    """Hang until Lambda stops it, for as many attempts as the job says."""
    attempt = current_attempt()
    note(
        name=job["report_id"],
        attempt=attempt.invocation,
        root=attempt.root_request_id,
        request_id=context.aws_request_id,
        keys=sorted(job),
    )
    if attempt.invocation <= job["hangs"]:
        time.sleep(30)
    note(name=f"{job['report_id']} done", attempt=attempt.invocation)
