"""The example of a FIFO queue: its tests pass, and its template keeps the order."""

from __future__ import annotations

from .projects import Project, printed_actions

PROJECT = Project("fifo_bookings")


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


def test_partial_answers_are_on():
    """The event source mapping reads the answer; without it, messages that failed would be deleted."""
    assert PROJECT.mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert PROJECT.mapping["BatchSize"] <= 10


def test_messages_stay_hidden_for_six_timeouts():
    """A message does not come back while an earlier delivery may still be running."""
    queue = PROJECT.properties("BookingsQueue")

    assert queue["VisibilityTimeout"] >= 6 * PROJECT.function["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_all_queues_keep_the_groups():
    """The queue, its dead-letter queue and the sink's are FIFO queues, and each failure raises an alarm."""
    names = ["BookingsQueue", "BookingsDeadLetters", "ParkedBookings"]

    assert [PROJECT.properties(name)["FifoQueue"] for name in names] == [True, True, True]
    assert PROJECT.alarmed() == {"BookingsDeadLetters", "ParkedBookings"}


def test_the_function_may_do_what_the_library_does_and_no_more(capsys):
    """The table's actions are those that the command line prints; the queues' are two."""
    store, sink, hide = map(PROJECT.statement, ["ResilientLambdaStore", "SetAside", "HideFailedBookings"])

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))
    assert (sink["Action"], sink["Resource"]) == ("sqs:SendMessage", ("GetAtt", "ParkedBookings.Arn"))
    assert (hide["Action"], hide["Resource"]) == ("sqs:ChangeMessageVisibility", ("GetAtt", "BookingsQueue.Arn"))
