"""The example of S3: its tests pass, and its template loses no event."""

from __future__ import annotations

from .projects import Project, printed_actions

PROJECT = Project("s3_imports")


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


def test_lambda_tries_as_often_as_it_can():
    """Two retries are the most there is, and what is given up goes to a queue with an alarm."""
    invocation = PROJECT.function["EventInvokeConfig"]

    assert invocation["MaximumRetryAttempts"] == 2
    assert invocation["DestinationConfig"]["OnFailure"]["Destination"] == ("GetAtt", "GivenUpImports.Arn")
    assert PROJECT.alarmed() == {"GivenUpImports", "ParkedImports"}


def test_there_is_time_to_wait_for_a_lease():
    """A lease of 20 s, twice the skew, and the margin fit into the timeout twice over."""
    assert PROJECT.function["Timeout"] >= 2 * (20 + 2 * 2 + 5)


def test_the_version_that_was_uploaded_can_be_read():
    """The bucket keeps versions, and the function may read them."""
    assert PROJECT.properties("Uploads")["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "s3:GetObjectVersion" in PROJECT.statement("ReadUploads")["Action"]


def test_the_function_may_do_what_the_library_does_and_no_more(capsys):
    """The library's table, one verb on the table of imports, and the sink."""
    store, rows, sink = map(PROJECT.statement, ["ResilientLambdaStore", "WriteImports", "SetAside"])

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))
    assert (rows["Action"], rows["Resource"]) == ("dynamodb:PutItem", ("GetAtt", "Imports.Arn"))
    assert (sink["Action"], sink["Resource"]) == ("sqs:SendMessage", ("GetAtt", "ParkedImports.Arn"))
