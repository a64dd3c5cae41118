"""The example of a DynamoDB stream: its tests pass, and its template loses nothing."""

from __future__ import annotations

from .projects import Project

PROJECT = Project("dynamodb_streams_search")


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


def test_the_stream_has_both_images():
    """What was removed, and what has changed, is in the event."""
    assert PROJECT.properties("Products")["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_what_lambda_gives_up_on_is_told():
    """Retries do not run out before the records' age does, that is less than a day, and an alarm goes off."""
    assert PROJECT.mapping["MaximumRetryAttempts"] == -1
    assert PROJECT.mapping["MaximumRecordAgeInSeconds"] < 86_400
    assert PROJECT.mapping["DestinationConfig"]["OnFailure"]["Destination"] == ("GetAtt", "GivenUpChanges.Arn")
    assert PROJECT.alarmed() == {"GivenUpChanges", "ParkedChanges"}


def test_the_function_may_send_to_the_sink_and_no_more():
    """It has no table of the library's."""
    (policy,) = PROJECT.function["Policies"]

    assert [each["Sid"] for each in policy["Statement"]] == ["SetAside"]
    assert PROJECT.statement("SetAside")["Resource"] == ("GetAtt", "ParkedChanges.Arn")
