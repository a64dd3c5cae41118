"""The example that users copy: its tests pass, its template is right, its permissions are those that are used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import yaml
from moto import mock_aws

from resilient_lambda import DynamoDBStore
from resilient_lambda._commands.table import main as table_command
from resilient_lambda.stores import ABSENT, STORED
from tools.venvs import provide

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "sqs_orders"
SAM = "aws-sam-cli==1.170.0"


class Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms: ``!GetAtt A.B`` becomes ``("GetAtt", "A.B")``."""


Template.add_multi_constructor("!", lambda loader, tag, node: (tag, loader.construct_scalar(node)))

RESOURCES = yaml.load((EXAMPLE / "template.yaml").read_text("utf-8"), Template)["Resources"]
FUNCTION = RESOURCES["OrdersFunction"]["Properties"]
QUEUE = RESOURCES["OrdersQueue"]["Properties"]
TABLE = RESOURCES["ResilienceTable"]["Properties"]
MAPPING = FUNCTION["Events"]["Orders"]["Properties"]


def statement(sid: str) -> dict:
    """Return a statement of the function's policy."""
    (policy,) = FUNCTION["Policies"]
    return next(each for each in policy["Statement"] if each["Sid"] == sid)


def test_its_tests_pass():
    """The example's own tests pass where it is, as a user runs them."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_sam_takes_the_template(tmp_path):
    """``sam validate --lint`` finds nothing: the transform works, and cfn-lint is content."""
    python = provide("sam", Path(sys.executable), [SAM], b"")
    done = subprocess.run(
        # As a module: the scripts of an environment that was moved into its place name the old one.
        [python, "-m", "samcli", "validate", "--lint", "--template", EXAMPLE / "template.yaml"],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


def test_partial_answers_are_on():
    """The event source mapping reads the answer; without it, messages that failed would be deleted."""
    assert MAPPING["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_messages_stay_hidden_for_six_timeouts():
    """A message does not come back while an earlier delivery may still be running."""
    assert QUEUE["VisibilityTimeout"] >= 6 * FUNCTION["Timeout"]


def test_messages_have_five_receives_at_least():
    """Bounces and crashes do not drain a message into the dead-letter queue at once."""
    assert QUEUE["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert QUEUE["RedrivePolicy"]["deadLetterTargetArn"] == ("GetAtt", "OrdersDeadLetters.Arn")


def test_the_table_fits_the_store(monkeypatch):
    """The store reads what it wrote into a table of the template, and writes the attribute that TTL looks at."""
    monkeypatch.setenv("RESILIENT_LAMBDA_TABLE", "resilience")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        wanted = {name: TABLE[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")}
        client.create_table(TableName="resilience", **wanted)
        store = DynamoDBStore(client=client)
        stored = store.put_if("k", {"version": "a.0", "expires_at_s": 1_800_000_000}, ABSENT)
        item = client.get_item(TableName="resilience", Key={"id": {"S": "k"}})["Item"]

    assert stored == STORED
    assert item[TABLE["TimeToLiveSpecification"]["AttributeName"]] == {"N": "1800000000"}
    assert TABLE["TimeToLiveSpecification"]["Enabled"] is True


def test_the_function_may_do_what_the_store_does_and_no_more(capsys):
    """The policy is the one that the command line prints, on the template's table only."""
    table_command(["table", "iam", "--table", "resilience"])
    (printed,) = json.loads(capsys.readouterr().out)["Statement"]
    policy = statement("ResilientLambdaStore")

    assert policy["Action"] == printed["Action"]
    assert policy["Resource"] == ("GetAtt", "ResilienceTable.Arn")


def test_the_function_may_hide_failed_orders_of_its_queue_only():
    """The role that SAM makes for a queue lacks this action, without which no failed message waits longer each time."""
    assert statement("HideFailedOrders")["Action"] == "sqs:ChangeMessageVisibility"
    assert statement("HideFailedOrders")["Resource"] == MAPPING["Queue"] == ("GetAtt", "OrdersQueue.Arn")


def test_the_function_may_send_to_the_queue_of_parked_orders_only():
    """The sink's queue is the one that the environment names."""
    assert statement("ParkOrders")["Action"] == "sqs:SendMessage"
    assert statement("ParkOrders")["Resource"] == ("GetAtt", "ParkedOrders.Arn")
    assert FUNCTION["Environment"]["Variables"]["PARKED_QUEUE_URL"] == ("Ref", "ParkedOrders")
