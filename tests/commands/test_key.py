"""``python -m resilient_lambda key show`` on DynamoDB Local: items of real handlers, of Powertools, and none."""

from __future__ import annotations

import hashlib
import json
import os

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from botocore.config import Config

from resilient_lambda import DynamoDBStore, Idempotency, resilient_handler
from resilient_lambda.__main__ import main
from resilient_lambda.testing import lambda_context
from tests.engines.dynamodb_local import ENVIRONMENT

PATIENT = Config(read_timeout=60, retries={"total_max_attempts": 1})


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Credentials and a region that a local engine takes; no table by default."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "RESILIENT_LAMBDA_TABLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def client(dynamodb_local):
    """A client of the engine."""
    return boto3.client("dynamodb", endpoint_url=dynamodb_local, config=PATIENT)


@pytest.fixture
def table(client):
    """A table of this test's own, with the default key."""
    return create(client, "id")


def create(client, *keys):
    """Create a table with these keys and return its name."""
    name = f"keys-{os.urandom(6).hex()}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
    )
    return name


@pytest.fixture
def show(dynamodb_local, table, capsys):
    """Return a function that runs ``key show`` and returns its exit code, output and complaints."""

    def run(*options):
        capsys.readouterr()
        given = () if "--table" in options else ("--table", table)
        code = main(["key", "show", "--endpoint-url", dynamodb_local, *given, *options])
        return (code, *capsys.readouterr())

    return run


def test_a_claim_is_seen_at_each_of_its_stages(show, table, dynamodb_local):
    """In progress while the handler runs, released after its failure, completed with a result that stays hidden."""
    wanted = ("--namespace", "jobs", "--value", '{"id": 7}')
    seen = []

    store = DynamoDBStore(table, endpoint_url=dynamodb_local)

    @resilient_handler(policies=[Idempotency(store, key="job", namespace="jobs")])
    def handler(event, context):
        seen.append(show(*wanted))
        if len(seen) == 1:
            raise TimeoutError
        return {"pages": 3}

    with pytest.raises(TimeoutError):
        handler({"job": {"id": 7}}, lambda_context(request_id="request-1"))
    seen.append(show(*wanted))
    handler({"job": {"id": 7}}, lambda_context(request_id="request-2"))
    seen.append(show(*wanted))
    first, released, second, completed = (output for _, output, _ in seen)

    assert [code for code, _, _ in seen] == [0, 0, 0, 0]
    assert "status    IN_PROGRESS: in progress until" in first
    assert "owner     request request-1" in first
    assert "status    RELEASED: released, runs at the next delivery" in released
    assert "attempts  1" in released
    assert "error     TimeoutError" in released
    assert "owner     request request-2" in second
    assert "attempts  1" in second
    assert "status    COMPLETED: completed, answers duplicates until" in completed
    assert "result    11 bytes, shown by --result" in completed
    assert "pages" not in completed


def test_a_result_is_shown_only_if_asked_for(show, table, dynamodb_local):
    """Neither the report nor the raw item has it without ``--result``, also if it is compressed."""

    @resilient_handler(policies=[Idempotency(DynamoDBStore(table, endpoint_url=dynamodb_local), key="job")])
    def handler(event, context):
        return "secret " * event["times"]

    small, large = (("--namespace", "function", "--value", times) for times in ("1", "60000"))
    for times in (1, 60_000):
        handler({"job": times, "times": times}, lambda_context("function"))
    silent = [show(*key, *options) for key in (small, large) for options in ((), ("--json",))]

    assert "secret" not in repr(silent)
    assert [complaint for _, _, complaint in silent] == ["", "note: left out without --result: result\n"] * 2
    assert "compressed, shown by --result" in silent[2][1]
    assert json.loads(show(*small, "--json", "--result")[1])["result"] == {"S": '"secret "'}
    assert show(*small, "--result")[1].splitlines()[-1] == '"secret "'
    assert json.loads(show(*large, "--result")[1].splitlines()[-1]) == "secret " * 60_000


def test_items_of_powertools_are_read(show, table, client, monkeypatch):
    """The real utility's items, in progress and done, by the key as it stands in the table and by its value."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
    layer = DynamoDBPersistenceLayer(table, boto3_client=client)
    config = IdempotencyConfig(event_key_jmespath="order_id", expires_after_seconds=600)
    seen = []

    def stored_key():
        (item,) = client.scan(TableName=table)["Items"]
        return item["id"]["S"]

    @idempotent(persistence_store=layer, config=config, key_prefix="shop.orders")
    def handler(event, context):
        seen.append(show(stored_key()))
        return {"charged": True}

    handler({"order_id": "a"}, lambda_context())
    key = stored_key()
    seen.append(show("--namespace", "shop.orders", "--value", "a", "--powertools"))
    (_, first, _), (code, done, note) = seen

    assert "layout    Powertools, written by Powertools" in first
    assert "status    INPROGRESS: in progress until" in first
    assert code == 0
    assert f"key       {key}" in done
    assert "status    COMPLETED: completed, answers duplicates until" in done
    assert "result    17 bytes" in done
    assert "charged" not in done
    assert note == 'note: --value is no JSON, so it is taken as the string "a"\n'


def test_a_table_with_other_names_is_read(show, client, dynamodb_local):
    """The options are those of DynamoDBStore."""
    name = create(client, "pk", "sk")
    store = DynamoDBStore(
        name,
        endpoint_url=dynamodb_local,
        key_attribute="pk",
        sort_key_attribute="sk",
        sort_key_value="mine",
        attributes={"status": "st", "expires_at_s": "ttl"},
    )

    @resilient_handler(policies=[Idempotency(store, key="job", namespace="jobs")])
    def handler(event, context):
        return None

    handler({"job": "a"}, lambda_context())
    keys = ("--key-attribute", "pk", "--sort-key-attribute", "sk", "--sort-key-value", "mine")
    names = ("--ttl-attribute", "ttl", "--attribute", "status=st")
    code, output, _ = show("--table", name, *keys, *names, "--namespace", "jobs", "--value", '"a"')

    assert (code, "status    COMPLETED" in output) == (0, True)
    assert show("--table", name, "--namespace", "jobs", "--value", '"a"')[0] == 1


def test_no_item_is_an_error_that_helps(show, table):
    """Exit code 1, with the key that was computed and where else to look."""
    code, output, complaint = show("--namespace", "orders", "--value", "1")

    assert (code, output) == (1, "")
    assert f"no item under 'v1#orders#{hashlib.sha256(b'1').hexdigest()}' in table '{table}'" in complaint
    assert "the namespace is another" in complaint


def test_an_item_of_another_program_is_no_crash(show, table, client):
    """Exit code 1, and the names of its attributes; ``--json`` shows it all the same."""
    client.put_item(TableName=table, Item={"id": {"S": "k"}, "names": {"SS": ["x"]}, "blob": {"B": b"\x00"}})
    code, output, complaint = show("k")

    assert (code, output) == (1, "")
    assert complaint.endswith("its attributes: blob, id, names\n")
    assert json.loads(show("k", "--json")[1])["blob"] == {"B": "AA=="}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["k", "--table", "nowhere"], ["'nowhere'", "no such table", "table create"]),
        (["--namespace", "orders", "--value", "null"], ["--value 'null' makes no key", "missing"]),
        (["k", "--table", ""], ["no table name", "RESILIENT_LAMBDA_TABLE"]),
        (["k", "--attribute", "status"], ["attributes['status']"]),
    ],
)
def test_what_cannot_be_looked_at_is_told_in_one_line(show, options, words):
    """Errors of AWS and of options are those of the ``table`` command: words, exit code 1."""
    code, output, complaint = show(*options)

    assert (code, output) == (1, "")
    assert complaint.startswith("error: ")
    assert [word for word in words if word not in complaint] == []


@pytest.mark.parametrize(
    "options", [[], ["k", "--namespace", "n", "--value", "v"], ["--namespace", "n"], ["k", "--value", "v"]]
)
def test_a_key_is_given_in_one_way(show, options, capsys):
    """A usage error, exit code 2, says which two ways there are."""
    with pytest.raises(SystemExit) as end:
        show(*options)

    assert end.value.code == 2
    assert "pass either KEY or both --namespace and --value" in capsys.readouterr().err


def test_items_that_are_kept_as_powertools_does_are_read(show, table, dynamodb_local):
    """Of a handler with ``layout="powertools"``: in progress, released after a failure, done."""
    wanted = ("--namespace", "shop.orders", "--value", "a", "--powertools")
    store = DynamoDBStore(table, endpoint_url=dynamodb_local)
    seen = []

    @resilient_handler(policies=[Idempotency(store, key="order_id", layout="powertools", namespace="shop.orders")])
    def handler(event, context):
        seen.append(show(*wanted))
        if len(seen) == 1:
            raise TimeoutError
        return {"charged": True}

    with pytest.raises(TimeoutError):
        handler({"order_id": "a"}, lambda_context(request_id="request-1"))
    seen.append(show(*wanted))
    handler({"order_id": "a"}, lambda_context(request_id="request-2"))
    seen.append(show(*wanted))
    first, released, _, completed = (output for _, output, _ in seen)

    assert [code for code, _, _ in seen] == [0, 0, 0, 0]
    assert "in progress until" in first
    assert "runs at the next delivery" in released
    assert "attempts  1" in released
    assert "answers duplicates until" in completed
