"""Invoke the worker once more where it timed out; set everything else aside."""

import os

from resilient_lambda import DeadLetter, DynamoDBStore, timeout_reinvoker

handler = timeout_reinvoker(
    # This function, as it is named here, and no other: whatever a record says.
    functions=[os.environ["WORKER_ARN"]],
    max_attempts=3,
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"),
    # A record that comes twice starts the worker once.
    store=DynamoDBStore(),
)
