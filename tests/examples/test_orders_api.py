"""The example of an API: its tests pass, and its template keeps callers apart."""

from __future__ import annotations

from .projects import Project, printed_actions

PROJECT = Project("orders_api")
API = PROJECT.properties("OrdersApi")


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    PROJECT.run_tests()


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    assert "is a valid SAM Template" in PROJECT.validate(tmp_path)


def test_every_route_has_an_authorizer():
    """The caller is part of every key, so nobody calls unknown."""
    assert API["Auth"]["DefaultAuthorizer"] in API["Auth"]["Authorizers"]
    assert "Auth" not in PROJECT.mapping


def test_browsers_may_send_the_key_and_read_when_to_come_back():
    """Without these, CORS would take both away."""
    assert "idempotency-key" in API["CorsConfiguration"]["AllowHeaders"]
    assert "retry-after" in API["CorsConfiguration"]["ExposeHeaders"]


def test_the_function_ends_before_the_api_stops_waiting():
    """An HTTP API waits for 30 s."""
    assert PROJECT.function["Timeout"] < 29
    assert PROJECT.mapping["PayloadFormatVersion"] == "2.0"


def test_failed_requests_raise_an_alarm():
    """The handler answers everything, so Lambda counts no errors."""
    alarm = PROJECT.properties("FailedOrdersAlarm")

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5xx")
    assert alarm["Dimensions"] == [{"Name": "ApiId", "Value": ("Ref", "OrdersApi")}]


def test_the_function_may_do_what_the_library_does_and_no_more(capsys):
    """The table's actions are those that the command line prints, on the template's table only."""
    store = PROJECT.statement("ResilientLambdaStore")
    (policy,) = PROJECT.function["Policies"]

    assert (store["Action"], store["Resource"]) == (printed_actions(capsys), ("GetAtt", "ResilienceTable.Arn"))
    assert len(policy["Statement"]) == 1
