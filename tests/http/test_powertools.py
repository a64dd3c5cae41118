"""Above the resolvers of Powertools' event handler; and what its own idempotency does there instead."""

from __future__ import annotations

import warnings

import boto3
import pytest
from aws_lambda_powertools.event_handler import (
    ALBResolver,
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    CORSConfig,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ServiceError
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from moto import mock_aws

from resilient_lambda import Idempotency, MemoryStore, RetryableError, resilient_handler
from resilient_lambda.testing import http_event, lambda_context
from tests.stores.conftest import create_table

RESOLVERS = {
    "rest": APIGatewayRestResolver,
    "http": APIGatewayHttpResolver,
    "url": LambdaFunctionUrlResolver,
    "alb": ALBResolver,
}


@pytest.fixture(params=RESOLVERS)
def api(request):
    """Which kind of event."""
    return request.param


@pytest.fixture
def statuses():
    """What the next runs answer, 201 by default."""
    return []


@pytest.fixture
def app(api, statuses, runs):
    """An app with one route."""
    app = RESOLVERS[api](cors=CORSConfig(allow_origin="https://example.com"))

    @app.post("/orders")
    def create():
        runs.append(app.current_event)
        what = statuses.pop(0) if statuses else 201
        if isinstance(what, Exception):
            raise what
        if what == 500:
            raise ServiceError(500, "broken")
        return Response(
            status_code=what, content_type="application/json", body=f'{{"run": {len(runs)}}}', headers={"x-run": "1"}
        )

    return app


@pytest.fixture
def handler(app):
    """The app inside policies."""

    @resilient_handler(http=True, policies=[Idempotency(MemoryStore())], principal=None)
    def handler(event, context):
        return app.resolve(event, context)

    return handler


def order(api, total=5, **options):
    """Return a request to the app."""
    headers = {"origin": "https://example.com"}
    event = http_event({"total": total}, api=api, path="/orders", headers=headers, idempotency_key="k", **options)
    if api == "rest":  # the resolver reads these
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    return event


def test_the_apps_answer_is_the_answer_of_duplicates_too(handler, api, runs):
    """Status, headers and body, as the resolver makes them for its kind of event."""
    first, second = (handler(order(api), lambda_context()) for _ in range(2))

    assert first == second
    assert first["statusCode"] == 201
    assert first["body"] == '{"run": 1}'
    assert "https://example.com" in str(first)
    assert len(runs) == 1


@pytest.mark.parametrize("status", [503, 429, 500])
def test_an_apps_answer_that_says_it_failed_is_not_recorded(handler, api, statuses, runs, status):
    """Whether it was returned or raised inside the app."""
    statuses.append(status)

    assert handler(order(api), lambda_context())["statusCode"] == status
    assert handler(order(api), lambda_context())["statusCode"] == 201
    assert len(runs) == 2


def test_an_error_that_the_app_answers_is_recorded(handler, api, statuses, runs):
    """A 400 of the app's is its answer to this request."""
    statuses.append(BadRequestError("no"))

    assert handler(order(api), lambda_context())["statusCode"] == 400
    assert handler(order(api), lambda_context())["statusCode"] == 400
    assert len(runs) == 1


def test_an_error_that_leaves_the_app_is_answered(handler, api, statuses):
    """503 for one that is worth another try."""
    statuses.append(RetryableError("secret"))
    answer = handler(order(api), lambda_context())

    assert answer["statusCode"] == 503
    assert "secret" not in str(answer)


def test_preflight_requests_need_no_key(handler, api):
    """OPTIONS is the browser's question before the request."""
    event = order(api, method="OPTIONS")
    event["headers"].pop("idempotency-key")

    assert handler(event, lambda_context())["statusCode"] == 204


@pytest.fixture
def theirs(statuses, runs):
    """The same app under Powertools' idempotency, with the bare header as key, as its documentation has it."""
    with mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = boto3.client(
            "dynamodb", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
        create_table(client, "idempotency", "id")
        app = APIGatewayHttpResolver()

        @app.post("/orders")
        def create():
            runs.append(app.current_event)
            status = statuses.pop(0) if statuses else 201
            return Response(status_code=status, content_type="text/plain", body=f"run {len(runs)}")

        @idempotent(
            persistence_store=DynamoDBPersistenceLayer("idempotency", boto3_client=client),
            config=IdempotencyConfig(event_key_jmespath='headers."idempotency-key"'),
        )
        def handler(event, context):
            return app.resolve(event, context)

        yield handler


def test_peers_bug_17_an_outage_is_recorded(theirs, handler_of, statuses, runs):
    """Theirs replays a 503 for as long as it keeps results; ours runs the next request."""
    for handler, expected in ((theirs, [503, 503]), (handler_of(statuses, runs), [503, 201])):
        statuses[:] = [503]

        assert [handler(order("http"), lambda_context())["statusCode"] for _ in range(2)] == expected


def test_peers_bug_18_a_tenant_gets_anothers_answer(theirs, handler_of, statuses, runs):
    """Theirs gives the second caller the first one's answer; ours runs both."""
    for handler, expected in ((theirs, ["run 1", "run 1"]), (handler_of(statuses, runs), ["run 1", "run 2"])):
        runs.clear()

        assert [
            handler(order("http", caller=caller), lambda_context())["body"] for caller in ("alice", "bob")
        ] == expected


@pytest.fixture
def handler_of():
    """Return our handler around such an app."""

    def handler_of(statuses, runs):
        app = APIGatewayHttpResolver()

        @app.post("/orders")
        def create():
            runs.append(app.current_event)
            status = statuses.pop(0) if statuses else 201
            return Response(status_code=status, content_type="text/plain", body=f"run {len(runs)}")

        @resilient_handler(
            http=True,
            policies=[Idempotency(MemoryStore())],
            principal=lambda event: (
                (event["requestContext"].get("authorizer") or {}).get("jwt", {}).get("claims", {}).get("sub", "nobody")
            ),
        )
        def handler(event, context):
            return app.resolve(event, context)

        return handler

    return handler_of
