"""The example of a Kinesis stream: its tests pass, and its template loses nothing."""

from __future__ import annotations

from .projects import Project, printed_actions

PROJECT = Project("kinesis_readings")


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


def test_a_failure_does_not_bring_the_whole_batch_again():
    """The event source mapping reads the answer, and a crash has the batch halved."""
    assert PROJECT.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert PROJECT.mapping["BisectBatchOnFunctionError"] is True


def test_what_lambda_gives_up_on_is_told():
    """Retries do not run out before the records' age does, that is less than the retention, and an alarm goes off."""
    retention_s = PROJECT.properties("ReadingsStream")["RetentionPeriodHours"] * 3600

    assert PROJECT.mapping["MaximumRetryAttempts"] == -1
    assert PROJECT.mapping["MaximumRecordAgeInSeconds"] < retention_s
    assert PROJECT.mapping["DestinationConfig"]["OnFailure"]["Destination"] == ("GetAtt", "GivenUpReadings.Arn")
    assert PROJECT.alarmed() == {"GivenUpReadings", "ParkedReadings"}


def test_there_is_time_to_wait_for_a_lease():
    """A lease of 20 s, twice the skew, and the margin fit into the timeout twice over."""
    assert PROJECT.function["Timeout"] >= 2 * (20 + 2 * 2 + 5)


def test_the_function_may_do_what_the_library_does_and_no_more(capsys):
    """The library's table, one verb on the table of readings, and the sinks."""
    store, rows, sink = map(PROJECT.statement, ["ResilientLambdaStore", "WriteReadings", "SetAside"])

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))
    assert (rows["Action"], rows["Resource"]) == ("dynamodb:PutItem", ("GetAtt", "ReadingsTable.Arn"))
    assert (sink["Action"], sink["Resource"]) == ("sqs:SendMessage", ("GetAtt", "ParkedReadings.Arn"))
    assert PROJECT.statement("SetAsideWhatIsTooLarge")["Action"] == "s3:PutObject"


def test_the_table_of_readings_has_the_key_that_the_handler_names():
    """``put_if_absent(..., key=("meter", "at"))`` is about this table's key."""
    keys = PROJECT.properties("ReadingsTable")["KeySchema"]

    assert [key["AttributeName"] for key in keys] == ["meter", "at"]
