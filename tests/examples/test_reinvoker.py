"""The example of the re-invoker: its tests pass, and its template has what each kind of destination needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.naming import id_of

from .projects import Project, printed_actions

PROJECT = Project("reinvoker")
KINDS = {
    "ByLambda": ("lambda:InvokeFunction", set()),
    "BySQS": ("sqs:SendMessage", {"RecordsQueue", "RecordsMapping"}),
    "BySNS": ("sns:Publish", {"RecordsTopic", "RecordsSubscription", "TopicMayInvoke"}),
    "ByEventBridge": ("events:PutEvents", {"RecordsBus", "RecordsRule", "BusMayInvoke", "RuleMayGiveUp"}),
    "ByS3": (["s3:ListBucket", "s3:PutObject"], {"RecordsBucket", "BucketMayInvoke"}),
}


def statements(function: str, condition: str | None) -> dict[str, dict[str, Any]]:
    """Return the statements of a function's policy, by name: those that are always there, or with a condition."""
    (policy,) = PROJECT.properties(function)["Policies"]
    found = {}
    for each in policy["Statement"]:
        if isinstance(each, dict):
            named, statement = None, each
        else:
            _, (named, statement, _) = each
        if named == condition:
            found[statement["Sid"]] = statement
    return found


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


@pytest.mark.parametrize("condition", KINDS, ids=id_of)
def test_each_kind_has_its_resources_and_no_others(condition):
    """Whatever stands between the functions is made only if it was chosen."""
    _, wanted = KINDS[condition]

    assert {name for name, each in PROJECT.resources.items() if each.get("Condition") == condition} == wanted


@pytest.mark.parametrize("condition", KINDS, ids=id_of)
def test_the_worker_may_send_records_to_what_was_chosen_only(condition):
    """Lambda sends them with the role of the function that failed."""
    action, _ = KINDS[condition]
    found = statements("WorkerFunction", condition)

    assert found["SendRecords"]["Action"] == action
    assert "SendRecords" not in statements("WorkerFunction", None)


def test_the_reinvoker_may_invoke_the_worker_and_nothing_else():
    """The ARN of its code is that of its role."""
    variables = PROJECT.properties("ReinvokerFunction")["Environment"]["Variables"]
    invoking = statements("ReinvokerFunction", None)["InvokeWorker"]

    assert invoking["Action"] == "lambda:InvokeFunction"
    assert invoking["Resource"] == variables["WORKER_ARN"]


@pytest.mark.parametrize("function", ["WorkerFunction", "ReinvokerFunction"])
def test_both_functions_may_do_what_the_store_does_and_no_more(function, capsys):
    """The policy is the one that the command line prints, on the template's table only."""
    store = statements(function, None)["ResilientLambdaStore"]

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))


def test_records_are_set_aside_in_a_queue_with_an_alarm():
    """As is what the re-invoker could not take."""
    park = statements("ReinvokerFunction", None)["Park"]
    variables = PROJECT.properties("ReinvokerFunction")["Environment"]["Variables"]

    assert (park["Action"], park["Resource"]) == ("sqs:SendMessage", ("GetAtt", "ParkedRecords.Arn"))
    assert variables["PARKED_QUEUE_URL"] == ("Ref", "ParkedRecords")
    assert PROJECT.alarmed() == {"ParkedRecords", "GivenUpRecords"}


def test_nothing_that_reads_records_gives_them_up_without_a_trace():
    """Neither the queue, nor Lambda's own queue of the re-invoker, nor the rule."""
    given_up = ("GetAtt", "GivenUpRecords.Arn")
    queue, failures = PROJECT.properties("RecordsQueue"), PROJECT.properties("ReinvokerFailures")

    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == given_up
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert failures["DestinationConfig"]["OnFailure"]["Destination"] == given_up
    assert PROJECT.properties("RecordsRule")["Targets"][0]["DeadLetterConfig"]["Arn"] == given_up


def test_partial_answers_are_on():
    """The mapping reads the answer; without it, records that failed would be deleted."""
    assert PROJECT.properties("RecordsMapping")["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    timeout_s = PROJECT.properties("ReinvokerFunction")["Timeout"]
    assert PROJECT.properties("RecordsQueue")["VisibilityTimeout"] >= 6 * timeout_s


def test_there_is_time_to_wait_for_a_lease():
    """A lease of 20 s, twice the skew, and the margin fit into both timeouts."""
    for function in ("WorkerFunction", "ReinvokerFunction"):
        assert PROJECT.properties(function)["Timeout"] >= 2 * (20 + 2 * 2 + 5)


def test_the_rule_knows_what_lambda_sends():
    """The source is "lambda", without "aws."."""
    pattern = PROJECT.properties("RecordsRule")["EventPattern"]

    assert pattern == {"source": ["lambda"], "detail-type": ["Lambda Function Invocation Result - Failure"]}
