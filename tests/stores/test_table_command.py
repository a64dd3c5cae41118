"""``python -m resilient_lambda table``: on DynamoDB Local, with cfn-lint, and against what the store calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from resilient_lambda._commands.table import main
from resilient_lambda.stores import ABSENT, STORED, AsRead, Write
from resilient_lambda.stores.dynamodb import DynamoDBStore
from tests.engines.dynamodb_local import free_port
from tests.engines.flaky_proxy import Fault, FlakyProxy

from .conftest import TABLE, create_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# What IAM asks for is what the operation does, not its name.
ACTIONS_WITHIN = {
    "BatchExecuteStatement": ["PartiQLInsert", "PartiQLUpdate"],
    "TransactWriteItems": ["ConditionCheckItem", "PutItem"],
}


@pytest.fixture
def name() -> str:
    """A table name that no other test uses."""
    return f"table-{os.urandom(6).hex()}"


@pytest.fixture
def table(tables: str) -> Callable[..., int]:
    """Run a verb that needs the engine."""
    return lambda verb, *options: main(["table", verb, "--endpoint-url", tables, *options])


def test_created_table_fits_the_store(table: Callable[..., int], tables: str, local_client: Any, name: str) -> None:
    """TTL is on and the store can write at once."""
    created = table("create", "--table", name)
    ttl = local_client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]

    assert created == 0
    assert DynamoDBStore(name, endpoint_url=tables).put_if("k", {"version": "a.1"}, ABSENT) is STORED
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}


def test_created_table_with_other_names_fits_a_store_with_these_names(
    table: Callable[..., int], tables: str, local_client: Any, name: str
) -> None:
    """The options are those of DynamoDBStore."""
    created = table(
        "create", "--table", name, "--key-attribute", "pk", "--sort-key-attribute", "sk", "--ttl-attribute", "ttl"
    )
    ttl = local_client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    store = DynamoDBStore(
        name, endpoint_url=tables, key_attribute="pk", sort_key_attribute="sk", attributes={"expires_at_s": "ttl"}
    )

    assert created == 0
    assert store.put_if("k", {"version": "a.1", "expires_at_s": 1_900_000_000}, ABSENT) is STORED
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_describing_shows_keys_ttl_billing_and_count(
    table: Callable[..., int], tables: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that an operator asks first, and nothing to complain of."""
    table("create", "--table", name)
    DynamoDBStore(name, endpoint_url=tables).put_if("k", {"version": "a.1"}, ABSENT)
    capsys.readouterr()

    assert table("describe", "--table", name) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"table     {name} (ACTIVE)",
        "keys      partition key 'id' (S)",
        "TTL       ENABLED on 'expiration'",
        "billing   PAY_PER_REQUEST",
        "items     1 (AWS counts them about every six hours)",
    ]


def test_creating_twice_is_harmless(table: Callable[..., int], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The second time says that all is there."""
    table("create", "--table", name)
    capsys.readouterr()

    assert table("create", "--table", name) == 0
    assert capsys.readouterr().out == f"table '{name}' exists\nTTL is on: attribute 'expiration'\n"


def test_creating_turns_ttl_on_for_a_table_without_it(
    table: Callable[..., int], local_client: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that somebody made by hand is completed; before, describe names the problem and the command."""
    create_table(local_client, name, "id")
    described = table("describe", "--table", name)
    complaint = capsys.readouterr().out

    assert described == 1
    assert "TTL is off, so items stay for ever" in complaint
    assert f"python -m resilient_lambda table create --table {name}" in complaint
    assert table("create", "--table", name) == 0
    assert table("describe", "--table", name) == 0


@pytest.mark.parametrize("verb", ["create", "describe"])
def test_other_key_schema_is_an_error(
    table: Callable[..., int], local_client: Any, name: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot be changed, so the text says which options fit the table; nothing is altered."""
    create_table(local_client, name, "pk", "sk")
    code = table(verb, "--table", name)
    shown = "".join(capsys.readouterr())
    ttl = local_client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]

    assert code == 1
    assert "partition key 'pk' (S), sort key 'sk' (S); asked for partition key 'id' (string) and no sort key" in shown
    assert ttl["TimeToLiveStatus"] == "DISABLED"


@pytest.mark.parametrize("verb", ["create", "describe"])
def test_ttl_on_another_attribute_is_an_error(
    table: Callable[..., int], name: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The library's items would never expire; the text names the option that fits."""
    table("create", "--table", name, "--ttl-attribute", "ttl")
    code = table(verb, "--table", name)

    assert code == 1
    assert "attributes={'expires_at_s': 'ttl'}" in "".join(capsys.readouterr())


def test_describing_an_absent_table_says_how_to_create_it(
    table: Callable[..., int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the command."""
    assert table("describe", "--table", name) == 1
    assert f"table create --table {name}" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["create", "describe"])
def test_engine_that_is_down_is_told_without_a_traceback(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line and its cause."""
    code = main(["table", verb, "--table", "any", "--endpoint-url", f"http://127.0.0.1:{free_port()}"])

    assert code == 1
    assert capsys.readouterr().err.startswith("error: DescribeTable on table 'any': no answer")


def test_denied_creation_names_the_action(tables: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The operator reads which permission is missing."""
    with FlakyProxy(tables) as proxy:
        proxy.fail(Fault.ACCESS_DENIED, operation="CreateTable")
        code = main(["table", "create", "--table", name, "--endpoint-url", proxy.endpoint_url])

    assert code == 1
    assert "dynamodb:CreateTable" in capsys.readouterr().err


def test_name_that_dynamodb_does_not_take_is_explained_in_its_words(
    table: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """DynamoDB's own text follows."""
    assert table("create", "--table", "a") == 1
    assert "between 3 and 255 characters" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["create", "describe", "iam"])
def test_missing_table_name_is_asked_for(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option or the variable that the store reads too."""
    assert main(["table", verb]) == 1
    assert "--table" in capsys.readouterr().err


def test_table_name_comes_from_the_stores_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One place to set it."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "claims")

    assert main(["table", "iam"]) == 0
    assert "table/claims" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--table", "claims", "--point-in-time-recovery"),
        ("--table", "claims", "--key-attribute", "pk", "--sort-key-attribute", "sk: #1", "--ttl-attribute", "ttl"),
    ],
    ids=["default", "recoverable", "own names"],
)
def test_template_passes_cfn_lint(tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """No error and no warning, whatever the options."""
    main(["table", "cloudformation", *options])
    template = tmp_path / "table.yaml"
    template.write_text(capsys.readouterr().out)
    linted = subprocess.run(
        [
            sys.executable,
            "-c",
            "from cfnlint.runner import main; main()",
            "--regions",
            "eu-west-1",
            "--",
            str(template),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert linted.stdout.strip() == ""


def test_template_holds_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """TTL, encryption, recovery, on-demand billing; claims outlive the stack."""
    main(["table", "cloudformation", "--table", "claims", "--point-in-time-recovery", "--ttl-attribute", "ttl"])
    template = capsys.readouterr().out

    for line in (
        'TableName: "claims"',
        "BillingMode: PAY_PER_REQUEST",
        'TimeToLiveSpecification: {AttributeName: "ttl", Enabled: true}',
        "SSESpecification: {SSEEnabled: true}",
        "PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}",
        "DeletionPolicy: Retain",
    ):
        assert line in template


def test_policy_allows_what_the_store_calls_and_no_more(
    tables: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every verb with every outcome, seen from outside: the operations are the policy's actions."""
    main(["table", "iam", "--table", TABLE, "--region", "eu-west-1", "--account", "123456789012"])
    (statement,) = json.loads(capsys.readouterr().out)["Statement"]
    with FlakyProxy(tables) as proxy:
        store = DynamoDBStore(TABLE, endpoint_url=proxy.endpoint_url)
        item = {"version": "a.1"}
        as_item = AsRead((("version", "a.1"),))
        store.put_if(key, item, ABSENT)
        store.put_if(key, {"version": "a.2"}, ABSENT)
        store.put_many_if([Write(f"{key}-2", item, ABSENT), Write(f"{key}-3", item, as_item, ("version", "error"))])
        store.get([key])
        store.get([key, f"{key}-2"], consistent=False)
        store.delete_if(key, as_item)
        store.delete_if(key, ABSENT)
        store.add(f"{key}-4", {"calls": 1}, expires_at_s=1, remove=["slow"])
        check = {"TableName": TABLE, "Key": {"id": f"{key}-5"}, "ConditionExpression": "attribute_not_exists(id)"}
        store.transact(Write(f"{key}-6", item, ABSENT), [{"ConditionCheck": check}], token=key[:36])
        called = {action for operation in proxy.calls for action in ACTIONS_WITHIN.get(operation, [operation])}

    assert {f"dynamodb:{action}" for action in called} == set(statement["Action"])
    assert statement["Resource"] == f"arn:aws:dynamodb:eu-west-1:123456789012:table/{TABLE}"
    assert statement["Effect"] == "Allow"


def test_policy_of_an_arn_names_that_arn(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of another account or partition is named as it is."""
    arn = "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/claims"
    main(["table", "iam", "--table", arn])

    assert json.loads(capsys.readouterr().out)["Statement"][0]["Resource"] == arn
