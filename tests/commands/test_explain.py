"""``python -m resilient_lambda explain``: what is recognised, what is told of it, and what is not."""

from __future__ import annotations

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import DeadLetter, NonRetryableError, batch_handler
from resilient_lambda.__main__ import main
from resilient_lambda._commands._explain_reading import read
from resilient_lambda._commands._explain_text import as_json, report
from resilient_lambda.errors import InvalidRecordError
from resilient_lambda.testing import lambda_context, sqs_event

SECRET = "4111-1111"
TIMED_OUT = {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds"}
RECORD = {
    "version": "1.0",
    "timestamp": "2019-11-14T18:16:05.568Z",
    "requestContext": {
        "requestId": "r-1",
        "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": {"card": SECRET},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": TIMED_OUT,
}
BATCH = {
    "requestContext": {"requestId": "r-2", "functionArn": "arn", "condition": "RetryAttemptsExhausted"},
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None},
    "KinesisBatchInfo": {
        "shardId": "shard-7", "startSequenceNumber": "10", "endSequenceNumber": "12", "batchSize": 2, "streamArn": "s",
    },
}  # fmt: skip


@pytest.fixture
def explain(capsys):
    """Return a function that runs the command and returns its exit code, output and complaints."""

    def run(*options):
        capsys.readouterr()
        return (main(["explain", *options]), *capsys.readouterr())

    return run


@pytest.fixture
def found(explain):
    """Return a function that returns what the command finds in a text, or in a value as JSON."""

    def look(error, *options):
        text = error if isinstance(error, str) else json.dumps(error)
        code, output, complaint = explain(text, "--json", *options)
        assert (code, complaint) == (0, "")
        return json.loads(output)

    return look


def verdict(finding):
    return finding["verdict"], finding["category"], finding["reason"], finding["source"]


# What is recognised


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("ThrottlingException", ("retryable", "throttling", "ThrottlingException", "aws code")),
        ("  AccessDenied\n", ("non_retryable", "access", "AccessDenied", "aws code")),
        ("TransactionCanceledException", ("retryable", "conflict", "TransactionCanceledException", "aws code")),
        ("com.amazonaws.dynamodb#ConditionalCheckFailedException",
         ("non_retryable", "conflict", "ConditionalCheckFailedException", "aws code")),
        ("AWS.SimpleQueueService.NonExistentQueue",
         ("non_retryable", "invalid_input", "AWS.SimpleQueueService.NonExistentQueue", "aws code")),
        ("Lambda.TooManyRequestsException", ("retryable", "throttling", "TooManyRequestsException", "aws code")),
        ("Lambda.BrandNew", ("retryable", "unknown", "BrandNew", "unknown")),
        ("States.Timeout", ("retryable", "timeout", "States.Timeout", "aws code")),
        ("Sandbox.Timedout", ("retryable", "timeout", "Sandbox.Timedout", "function error")),
        ("botocore.exceptions.EndpointConnectionError: Could not connect",
         ("retryable", "transient", "EndpointConnectionError", "botocore")),
        ("Traceback (most recent call last):\n  ...\njson.decoder.JSONDecodeError: Expecting value",
         ("non_retryable", "invalid_input", "JSONDecodeError", "class")),
        ("Traceback (most recent call last):\n  ...\nTimeoutError: no answer\nhint: ask the owner",
         ("retryable", "timeout", "TimeoutError", "class")),
        (("Traceback (most recent call last):\n  ...\nKeyError: 'a'\n\nDuring handling of the above exception, ...\n\n"
          "Traceback (most recent call last):\n  ...\nConnectionResetError: [Errno 104] reset\n"
          "resilient_lambda: given up after try 3 of 3: all tries are used"),
         ("retryable", "transient", "ConnectionError", "class")),
        (("Traceback (most recent call last):\n  ...\npydantic_core._pydantic_core.ValidationError: 1 error for Order\n"
          "id\n  Field required\n    For further information visit us"),
         ("non_retryable", "invalid_input", "ValidationError", "aws code")),
        ("[ERROR] TimeoutError: no answer\nTraceback (most recent call last):\n  ...",
         ("retryable", "timeout", "TimeoutError", "class")),
        ("it failed\nof\nTimeoutError: no answer\nhint: no", ("retryable", "timeout", "TimeoutError", "class")),
        ("RequestId: 4b1e Error: Runtime exited with error: signal: killed",
         ("retryable", "crash", "out_of_memory", "function error")),
        ("START RequestId: 4b1e\nRequestId: 4b1e Error: Runtime exited with error: exit status 1",
         ("retryable", "crash", "exit", "function error")),
        ("An error occurred (404) when calling the HeadObject operation: Not Found",
         ("non_retryable", "invalid_input", "HTTP 404", "http status")),
        ("[ERROR] InProgressError: busy", ("retryable", "conflict", "InProgressError", "library")),
        ("ValueError", ("retryable", "unknown", "ValueError", "unknown")),
        ("shop.errors.OrderRejected: no", ("retryable", "unknown", "shop.errors.OrderRejected", "unknown")),
        ("503", ("retryable", "transient", "HTTP 503", "http status")),
        ("404", ("non_retryable", "invalid_input", "HTTP 404", "http status")),
        ("An error occurred (SlowDown) when calling the PutObject operation: x",
         ("retryable", "throttling", "SlowDown", "aws code")),
        ({"Error": {"Code": "BrandNew"}, "ResponseMetadata": {"HTTPStatusCode": 503}},
         ("retryable", "transient", "BrandNew", "aws status")),
        ({"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": "ValidationError"}]},
         ("non_retryable", "invalid_input", "TransactionCanceledException: ValidationError", "aws code")),
        ({"__type": "a.b#ValidationException", "message": SECRET},
         ("non_retryable", "invalid_input", "ValidationException", "aws code")),
        ({"code": "SlowDown"}, ("retryable", "throttling", "SlowDown", "aws code")),
        ({"Code": "SlowDown"}, ("retryable", "throttling", "SlowDown", "aws code")),
        ({"Error": "States.Timeout", "Cause": ""}, ("retryable", "timeout", "States.Timeout", "aws code")),
        ('"SlowDown"', ("retryable", "throttling", "SlowDown", "aws code")),
        ({"errorType": "ValidationError", "errorMessage": SECRET, "stackTrace": []},
         ("non_retryable", "invalid_input", "ValidationError", "function error")),
        ({"errorMessage": SECRET}, ("retryable", "unknown", "FunctionError", "function error")),
        (TIMED_OUT, ("retryable", "timeout", "timeout", "function error")),
        (TIMED_OUT["errorMessage"], ("retryable", "timeout", "timeout", "function error")),
        ({"errorType": "Runtime.ExitError",
          "errorMessage": "RequestId: r Error: Runtime exited with error: signal: killed"},
         ("retryable", "crash", "out_of_memory", "function error")),
    ],
)  # fmt: skip
def test_an_error_is_recognised_in_what_people_have(found, error, expected):
    """Codes, classes, statuses, lines of logs, answers of AWS, errors of functions; never with their texts."""
    (finding,) = found(error)

    assert verdict(finding) == expected
    assert SECRET not in json.dumps(finding)


ENVELOPES = {
    "itself": lambda record: record,
    "text in JSON": json.dumps,
    "an SQS event": lambda record: {"Records": [{"messageId": "m", "body": json.dumps(record)}]},
    "an SQS record": lambda record: {"messageId": "m", "body": json.dumps(record)},
    "what receive-message prints": lambda record: {"Messages": [{"MessageId": "m", "Body": json.dumps(record)}]},
    "an SNS event": lambda record: {"Records": [{"Sns": {"Message": json.dumps(record)}}]},
    "a notification in a message": lambda record: {
        "body": json.dumps({"Type": "Notification", "TopicArn": "t", "Message": json.dumps(record)})
    },
    "an EventBridge event": lambda record: {"detail-type": "Lambda ...", "source": "lambda", "detail": record},
}


@pytest.mark.parametrize("envelope", list(ENVELOPES))
def test_a_record_is_found_in_every_envelope(found, envelope):
    """It says which invocation was given up, why, and what is left to do; never what the event was."""
    (finding,) = found(ENVELOPES[envelope](RECORD))

    assert verdict(finding) == ("retryable", "timeout", "timeout", "function error")
    assert finding["facts"] == {
        "function": "arn:aws:lambda:us-east-2:123456789012:function:f:$LATEST",
        "request id": "r-1",
        "condition": "RetriesExhausted",
        "invocations": 3,
        "kind": "timeout",
        "type": "Sandbox.Timedout",
    }
    assert finding["now"][0] == "nobody tries again: Lambda has tried as often as MaximumRetryAttempts allows"
    assert "invokes the function again" in finding["now"][1]
    assert finding["retries"] == []
    assert SECRET not in json.dumps(finding)


@pytest.mark.parametrize(
    ("changed", "category", "words"),
    [
        ({"responsePayload": {"errorType": "ValueError", "errorMessage": SECRET}}, "unknown", "sets it aside, unless"),
        ({"requestContext": {"condition": "EventAgeExceeded"}, "responsePayload": None}, "transient", "sets it aside"),
        ({"requestContext": {"condition": "BrandNew"}}, "timeout", "nobody tries again"),
    ],
)
def test_other_ends_of_an_invocation_are_told_apart(found, changed, category, words):
    """An exception of the function's own, an event that became too old, a condition that AWS adds."""
    (finding,) = found({**RECORD, **changed})

    assert finding["category"] == category
    assert words in " ".join(finding["now"])


def test_a_record_without_its_event_cannot_be_invoked_with(found):
    """A topic's record leaves out what is too large."""
    (finding,) = found({name: value for name, value in RECORD.items() if name != "requestPayload"})

    assert "the record lacks the event" in finding["now"][1]


def test_a_batch_that_was_given_up_is_told_by_where_it_is(found):
    """Shard and sequence numbers, and that nothing can be invoked with them."""
    (finding,) = found(BATCH)

    assert finding["facts"]["records"] == "s, shard shard-7, sequence numbers 10 to 12"
    assert finding["now"] == [
        "nobody tries again: the batch was tried as often as MaximumRetryAttempts allows",
        "read those records from the stream or topic while it still has them, and send them again",
        "timeout_reinvoker sets it aside: there is nothing to invoke with",
    ]


def test_a_record_of_success_has_no_verdict(found):
    """Nothing has failed."""
    (finding,) = found({**RECORD, "requestContext": {"condition": "Success"}, "responsePayload": {"ok": SECRET}})

    assert finding["verdict"] is None
    assert finding["now"] == ["the function answered: nothing has failed"]
    assert SECRET not in json.dumps(finding)


def test_a_dead_letter_of_ours_is_recognised_as_it_lies_in_the_queue(found, world, parked):
    """The real sink's message: the note beside the body says what it was and why; replay sends it back."""

    @batch_handler(dead_letter=DeadLetter.sqs(parked, client=world.sqs))
    def handler(record):
        raise NonRetryableError(SECRET)

    handler(sqs_event([{"card": SECRET}]), lambda_context("orders"))
    messages = world.messages(parked)
    note = json.loads(messages[0]["MessageAttributes"]["resilient_lambda"]["StringValue"])
    forms = [
        {"Messages": messages},
        {"resilient_lambda": note, "record": {}},
        {"detail": {"resilient_lambda": note, "record": {}}},
    ]
    findings = [found(form)[0] for form in (*forms, note)]

    for finding in findings:
        assert verdict(finding) == ("non_retryable", "unknown", "NonRetryableError", "library")
        assert finding["facts"]["source"] == "sqs"
        assert finding["now"][-1].endswith("replay")
        assert SECRET not in json.dumps(finding)
    assert len(findings) == 4


def test_a_letter_with_a_retryable_error_says_why_it_is_there(found):
    """Its name alone does not explain it."""
    (finding,) = found({"resilient_lambda": {"v": 1, "error": "TimeoutError"}, "record": None})

    assert "max_attempts was reached" in finding["now"][1]


def test_a_message_of_lambdas_dead_letter_queue_is_told_by_its_attributes(found):
    """The body is the event, and is not looked into."""
    attributes = {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": TIMED_OUT["errorMessage"]}
    message = {
        "body": json.dumps({"card": SECRET}),
        "messageAttributes": {name: {"stringValue": value} for name, value in attributes.items()},
    }
    (finding,) = found({"Records": [message]})

    assert (finding["category"], finding["facts"]["kind"]) == ("timeout", "timeout")
    assert finding["now"] == ["nobody tries again", "the body is the event: send it to the function"]


def test_each_of_several_records_is_told(found):
    """A batch of messages is a list of findings."""
    findings = found({"Records": [{"body": json.dumps(RECORD)}, {"body": json.dumps(BATCH)}]})

    assert [finding["category"] for finding in findings] == ["timeout", "unknown"]


# Who retries


def test_what_left_a_function_is_told_by_source(found):
    """Synchronous callers, Lambda's asynchronous retries, queues, streams, Kafka, brokers and Step Functions."""
    (finding,) = found("ValueError")
    by = {retry["source"]: retry["by"] for retry in finding["retries"]}

    assert list(by) == [
        "sync", "async", "sqs", "sqs-fifo", "kinesis", "dynamodb", "kafka", "mq", "documentdb", "stepfunctions",
    ]  # fmt: skip
    assert "nobody but the caller" in by["sync"]
    assert "after 1 and 2 minutes" in by["async"]
    assert "maxReceiveCount" in by["sqs"]
    assert "MaximumRetryAttempts" in by["kinesis"]
    assert "ErrorEquals" in by["stepfunctions"]


def test_what_invoke_answers_is_told_too(found):
    """A throttled function: Lambda keeps an asynchronous event for hours, and a queue loses receives."""
    (finding,) = found("TooManyRequestsException")
    by = {(retry["when"], retry["source"]): retry["by"] for retry in finding["retries"]}

    assert "up to 6 hours" in by["refusal", "async"]
    assert "costs a receive" in by["refusal", "sqs"]
    assert "after 1 and 2 minutes" in by["function", "async"]


@pytest.mark.parametrize(
    ("error", "scopes"),
    [
        ("An error occurred (ServiceException) when calling the Invoke operation: x", {"refusal"}),
        ("An error occurred (ServiceException) when calling the PutItem operation: x", {"function"}),
        ("ServiceException", {"refusal", "function"}),
        ("ThrottlingException", {"function"}),
    ],
)
def test_the_operation_says_whether_it_was_invoke(found, error, scopes):
    """Only answers of Invoke mean that a function was not run."""
    (finding,) = found(error)

    assert {retry["when"] for retry in finding["retries"]} == scopes


@pytest.mark.parametrize(
    ("error", "here"),
    [
        ("TimeoutError", "names the record alone"),
        ("NonRetryableError", "with dead_letter=, sets it aside"),
        (TIMED_OUT, "nothing any more: the whole batch comes back"),
        ("Runtime.ExitError", "nothing any more: the whole batch comes back"),
    ],
)
def test_what_this_library_does_depends_on_the_verdict(found, error, here):
    """And it can do nothing where Lambda has ended the function."""
    (finding,) = found(error, "--source", "sqs")
    (retry,) = finding["retries"]

    assert (retry["source"], retry["here"][: len(here)]) == ("sqs", here)


def test_an_error_of_step_functions_is_told_for_step_functions(found):
    """Nobody else knows its name."""
    (finding,) = found("States.Timeout")

    assert [retry["source"] for retry in finding["retries"]] == ["stepfunctions"]


# How it is told


def test_people_get_words(explain):
    """What, verdict, why, and who tries again; lines of a width that can be read."""
    code, output, _ = explain("ResourceNotFoundException")
    lines = output.splitlines()

    assert code == 0
    assert lines[0] == "what         ResourceNotFoundException, an error code of AWS, which Invoke may answer"
    assert lines[1] == "verdict      not retryable, invalid input"
    assert lines[2] == "because      the table of AWS's error codes: ResourceNotFoundException"
    assert "if it is what Lambda answered: who tries again to invoke it, and when" in lines
    assert "if it left the function: who runs it again, and when" in lines
    assert lines[-1].startswith("No retry helps")
    assert max(map(len, lines)) <= 100


def test_people_get_the_facts_of_a_record(explain):
    """Each under its name; and the wait that an answer asked for."""
    _, output, _ = explain(json.dumps(RECORD))
    _, asked, _ = explain(json.dumps({"Error": {"Code": "SlowDown"}, "retryAfterSeconds": "7"}))
    _, success, _ = explain(json.dumps({**RECORD, "requestContext": {"condition": "Success"}}))

    assert "request id   r-1\n" in output
    assert "now          nobody tries again" in output
    assert "asks for a wait of 7 s" in asked
    assert "verdict" not in success


def test_it_is_read_from_a_file_and_from_standard_input(explain, tmp_path, monkeypatch):
    """Without an argument, or with a dash, it waits for standard input."""
    path = tmp_path / "record.json"
    path.write_text(json.dumps(RECORD))
    outputs = [explain("--file", str(path))]
    for options in ([], ["-"], ["--file", "-"]):
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(RECORD)))
        outputs.append(explain(*options))

    assert outputs == [outputs[0]] * 4
    assert "Sandbox.Timedout" in outputs[0][1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing that can be explained"),
        ("   ", "nothing that can be explained"),
        ("what is this?", "nothing that can be explained"),
        ("200", "200 is no status"),
        ("9" * 5_000, "999999999 is no status"),
        ("{", "not JSON at line 1, column 2"),
        ("[" * 100_000, "JSON that is nested too deeply"),
        ("[[[[[[[[[[[1]]]]]]]]]]]", "it is nested too deeply"),
        ("[]", "an empty list"),
        ("[1]", "nothing that can be explained"),
        ("{}", "an object of no kind that is known"),
        ('{"card": "4111-1111"}', "an object of no kind that is known"),
        ('{"4111-1111": 1}', "an object of no kind that is known"),
        ('{"Records": [{"body": "{}"}]}', "an object of no kind that is known"),
        ('{"body": 7}', "an object of no kind that is known"),
        ('{"messageAttributes": {"resilient_lambda": 7}, "body": "{}"}', "an object of no kind that is known"),
        ('{"messageAttributes": {"resilient_lambda": {"stringValue": null}}}', "nothing that can be explained"),
        ('{"requestContext": {"condition": 7}, "requestPayload": "4111-1111"}', "fields of the wrong type"),
    ],
)
def test_what_is_none_of_it_is_refused_with_what_would_be(explain, text, words):
    """Exit code 1, one line, and nothing of what was read but names."""
    code, output, complaint = explain(text)

    assert (code, output) == (1, "")
    assert complaint.startswith("error: ")
    assert words in complaint
    assert complaint.count("\n") == 1
    assert SECRET not in complaint


NAMES = st.sampled_from(
    ["Records", "Messages", "body", "Body", "Message", "detail", "Sns", "Error", "Code", "code", "__type", "errorType",
     "errorMessage", "requestContext", "condition", "responsePayload", "requestPayload", "KinesisBatchInfo",
     "timestamp", "KafkaBatchInfo", "messageAttributes", "stringValue", "resilient_lambda", "record", "error",
     "dedup", "RequestID"]
)  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9) | st.just("Success"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(value=JUNK, source=st.sampled_from(["", "sqs"]))
def test_whatever_is_handed_over_is_explained_or_refused(value, source):
    """No shape of JSON, and no text, ends in anything else."""
    for text in (json.dumps(value), str(value)):
        try:
            findings = read(text)
        except InvalidRecordError:
            continue
        told = [report(finding, source) for finding in findings]

        assert all(told)
        assert json.loads(json.dumps([as_json(finding, source) for finding in findings]))


def test_a_file_that_cannot_be_read_is_an_error(explain, tmp_path):
    """No such file, and no text."""
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\xfe")

    assert explain("--file", str(tmp_path / "none"))[::2] == (
        1,
        f"error: '{tmp_path / 'none'}' cannot be read: No such file or directory\n",
    )
    assert explain("--file", str(path))[::2] == (1, "error: this is no text in UTF-8\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [(["X", "--file", "x"], "either ERROR or --file"), (["X", "--source", "mqtt"], "sqs-fifo")],
)
def test_options_that_do_not_go_together_are_a_usage_error(explain, options, words, capsys):
    """Exit code 2, with what is allowed."""
    with pytest.raises(SystemExit) as end:
        explain(*options)

    assert end.value.code == 2
    assert words in capsys.readouterr().err
