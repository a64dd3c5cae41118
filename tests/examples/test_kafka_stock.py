"""The example of Kafka: its tests pass, and its template has the answers read."""

from __future__ import annotations

from .projects import Project, printed_actions

PROJECT = Project("kafka_stock")


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


def test_partial_answers_are_on():
    """The mapping reads the answer, which it does with provisioned pollers only."""
    assert PROJECT.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert PROJECT.mapping["ProvisionedPollerConfig"]["MinimumPollers"] >= 1


def test_retries_do_not_run_out():
    """It says so in so many words: with a destination, infinite means ten otherwise. The age is the last bound."""
    assert PROJECT.mapping["MaximumRetryAttempts"] == -1
    assert PROJECT.mapping["MaximumRecordAgeInSeconds"] == 3 * 86_400
    assert PROJECT.mapping["BisectBatchOnFunctionError"] is True
    assert PROJECT.mapping["DestinationConfig"]["OnFailure"]["Destination"] == ("GetAtt", "GivenUpLevels.Arn")
    assert PROJECT.alarmed() == {"GivenUpLevels", "ParkedLevels"}


def test_there_is_time_to_wait_for_a_lease():
    """A lease of 20 s, twice the skew, and the margin fit into the timeout twice over."""
    assert PROJECT.function["Timeout"] >= 2 * (20 + 2 * 2 + 5)


def test_the_function_may_do_what_the_library_does(capsys):
    """The library's table, the sinks, and the topic."""
    store, sink = map(PROJECT.statement, ["ResilientLambdaStore", "SetAside"])

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))
    assert (sink["Action"], sink["Resource"]) == ("sqs:SendMessage", ("GetAtt", "ParkedLevels.Arn"))
    assert PROJECT.statement("SetAsideWhatIsTooLarge")["Action"] == "s3:PutObject"
    assert "kafka-cluster:ReadData" in PROJECT.statement("ReadTheTopic")["Action"]
