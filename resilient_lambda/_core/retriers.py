"""
Who tries again when an invocation fails, and when: Lambda's own rules by source, and what this library makes of them.

Data for ``python -m resilient_lambda explain`` and the documentation. AWS's developer guide says the rules.
"""

from __future__ import annotations

from .._named_tuple import NamedTuple


class Retrier(NamedTuple):
    """
    One way to invoke a function.

    Attributes:
        name: As ``--source`` takes it.
        title: For people.
        after_failure: Who tries again, and when, after the function ran and failed.
        after_refusal: The same if Lambda could not run it: throttled, or a fault of the service.
        retryable: What a handler of this library does with a retryable error.
        permanent: What it does with one that is not.
        ended: What it can do if Lambda ended the function: for its time, its memory, an exit.
    """

    name: str
    title: str
    after_failure: str
    after_refusal: str
    retryable: str
    permanent: str
    ended: str


_SET_ASIDE = "with dead_letter=, sets it aside and acknowledges it, and nobody tries again; without, as a retryable one"
_NAMES_IT = "names the record alone in its answer; with Idempotency the others are not run again"
_SHARD = (
    "Lambda, at once, from the lowest failed record, until MaximumRetryAttempts or MaximumRecordAgeInSeconds (by"
    " default until the record expires); the shard waits. Then the on-failure destination, which gets no payload"
    " unless it is a bucket"
)
_SHARD_REFUSED = (
    "Lambda, until the records are older than MaximumRecordAgeInSeconds or expire; not counted in MaximumRetryAttempts"
)
_STOPS = "stops at the record, and names it as where to go on from"
_AGAIN_ASYNC = (
    "Lambda, two more times (MaximumRetryAttempts 0 to 2), after 1 and 2 minutes, with the same request id; then the"
    " OnFailure destination or the dead-letter queue"
)
_AGAIN_ASYNC_REFUSED = (
    "Lambda, for up to 6 hours (MaximumEventAgeInSeconds), with waits from 1 second to 5 minutes; then the destination,"
    " with the condition EventAgeExceeded"
)
_RAISES = "raises it, so that Lambda tries again"
_ENDED = (
    "nothing any more: the whole batch comes back; with Idempotency what was finished is not run again, and margin_s="
    " or interrupt=True end before Lambda does"
)
_WHOLE = "raises after all records were tried; with Idempotency only the failed ones run again"

RETRIERS = (
    Retrier(
        "sync",
        "a caller that waits (SDK, API Gateway, function URL, ALB)",
        "nobody but the caller: the answer is a 200 with FunctionError, which no SDK takes for an error; behind an API"
        " the client gets a 502",
        "the caller's SDK, for throttling and 5xx: boto3 up to 4 times (legacy mode) or twice (standard); it goes by"
        " the status, so also in vain. LambdaInvoker goes by the name",
        "raises it, so that the caller knows; LambdaInvoker.call() there tries again only with idempotent=True",
        "raises it; LambdaInvoker.call() does not try again",
        "nothing any more; LambdaInvoker.call() there raises FunctionError, with idempotent=True after more tries",
    ),
    Retrier(
        "async",
        "asynchronous (Event, S3, SNS, EventBridge, schedules)",
        _AGAIN_ASYNC,
        _AGAIN_ASYNC_REFUSED,
        _RAISES,
        _SET_ASIDE,
        "nothing any more; a timeout_reinvoker as OnFailure destination runs timeouts again after Lambda's own tries",
    ),
    Retrier(
        "sqs",
        "SQS",
        "SQS, when the visibility timeout has passed, until the message was received maxReceiveCount times; then the"
        " queue's dead-letter queue, or, without one, until the message expires",
        "SQS, when the visibility timeout has passed; each time costs a receive although the function did not run",
        f"{_NAMES_IT}; visibility= says how long it stays hidden",
        _SET_ASIDE,
        _ENDED,
    ),
    Retrier(
        "sqs-fifo",
        "SQS FIFO",
        "SQS, as for a standard queue; the messages behind it in its group wait",
        "SQS, as for a standard queue; the group waits",
        "names it and those behind it in its group",
        _SET_ASIDE,
        _ENDED,
    ),
    Retrier("kinesis", "Kinesis", _SHARD, _SHARD_REFUSED, _STOPS, _SET_ASIDE, _ENDED),
    Retrier("dynamodb", "DynamoDB streams", _SHARD, _SHARD_REFUSED, _STOPS, _SET_ASIDE, _ENDED),
    Retrier(
        "kafka",
        "Kafka (MSK, self-managed)",
        "Lambda, from the lowest failed offset of the partition, until MaximumRetryAttempts (by default without end, or"
        " 10 times with an on-failure destination); the partition waits",
        "Lambda, until it succeeds or the records expire; the partition waits",
        _STOPS,
        _SET_ASIDE,
        _ENDED,
    ),
    Retrier(
        "mq",
        "Amazon MQ",
        "Lambda, the whole batch, until it succeeds or the messages expire",
        "Lambda, until it succeeds or the messages expire",
        _WHOLE,
        _SET_ASIDE,
        _ENDED,
    ),
    Retrier(
        "documentdb",
        "DocumentDB",
        "Lambda, the whole batch, until it succeeds or the change stream has lost it",
        "Lambda, until it succeeds or the change stream has lost it",
        _WHOLE,
        _SET_ASIDE,
        _ENDED,
    ),
    Retrier(
        "stepfunctions",
        "a task of Step Functions",
        "the state's Retry block, if one of its ErrorEquals is the error's class, States.TaskFailed or States.ALL; what"
        " Lambda ended is Sandbox.Timedout or Runtime.ExitError, of old runtimes Lambda.Unknown",
        "the state's Retry block, if one of its ErrorEquals is Lambda. and the code, such as"
        " Lambda.TooManyRequestsException",
        "raises it under its own class, for ErrorEquals to name",
        "raises it under its own class: leave that out of ErrorEquals, or catch it",
        "nothing any more",
    ),
)
BY_SOURCE = {retrier.name: retrier for retrier in RETRIERS}

CONDITIONS = {
    "Success": "the function answered: nothing has failed",
    "RetriesExhausted": "Lambda has tried as often as MaximumRetryAttempts allows",
    "EventAgeExceeded": "the event became older than MaximumEventAgeInSeconds, throttled or waiting to be tried again",
    "ZeroReservedConcurrency": "the function's reserved concurrency is 0, so that nothing of it may run",
    "RetryAttemptsExhausted": "the batch was tried as often as MaximumRetryAttempts allows",
    "RecordAgeExceeded": "the records became older than MaximumRecordAgeInSeconds",
}
