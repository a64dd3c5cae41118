"""The command line: what it offers, what it refuses, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import resilient_lambda
from resilient_lambda.__main__ import main


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m resilient_lambda`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "resilient_lambda", *options], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--help"], ["explain", "key", "table", "exit codes", "--version"]),
        (["explain", "--help"], ["--source", "--file", "--json", "examples"]),
        (["key", "--help"], ["show"]),
        (["table", "--help"], ["create", "describe", "cloudformation", "iam"]),
    ],
)
def test_help_names_what_there_is(options, words, capsys):
    """Each help lists its commands or options, and ends well."""
    with pytest.raises(SystemExit) as end:
        main(options)

    output = capsys.readouterr().out
    assert end.value.code == 0
    assert [word for word in words if word not in output] == []


def test_the_version_is_the_package_s(capsys):
    """``--version`` prints it and ends well."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert (end.value.code, capsys.readouterr().out) == (0, f"resilient_lambda {resilient_lambda.__version__}\n")


def test_no_command_shows_the_help(capsys):
    """Without a command the help goes to standard error, with the exit code of a usage error."""
    code = main([])

    assert (code, "table" in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["tabel"], ["tabel", "key", "table"]),
        (["table", "iam", "--colour"], ["--colour"]),
        (["key"], ["show"]),
        (["table"], ["create|describe|cloudformation|iam"]),
    ],
)
def test_what_is_not_understood_is_named(options, words, capsys):
    """A usage error says which word was wrong and what is allowed, and exits with 2."""
    with pytest.raises(SystemExit) as end:
        main(options)

    output = capsys.readouterr().err
    assert end.value.code == 2
    assert [word for word in words if word not in output] == []


def test_table_is_mounted(capsys):
    """``table`` runs under the same program."""
    code = main(["table", "iam", "--table", "resilience", "--region", "eu-west-1"])

    statement = json.loads(capsys.readouterr().out)["Statement"][0]
    assert (code, statement["Resource"]) == (0, "arn:aws:dynamodb:eu-west-1:*:table/resilience")


def test_it_runs_as_a_module():
    """``python -m resilient_lambda`` is the program, and passes the exit code on."""
    good, bad = run("table", "cloudformation"), run("table", "iam", "--table", "")

    assert (good.returncode, good.stderr) == (0, "")
    assert "AWS::DynamoDB::Table" in good.stdout
    assert (bad.returncode, bad.stdout) == (1, "")


def test_a_reader_that_leaves_is_no_error():
    """``... | head`` gets its lines without a complaint about the closed pipe."""
    program = [sys.executable, "-m", "resilient_lambda", "table", "cloudformation"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read() if process.stderr is not None else ""

    assert complaint == ""


def test_help_loads_nothing_heavy():
    """AWS's SDK, pydantic and asyncio wait for the command that needs them."""
    code = (
        "import sys\nfrom resilient_lambda.__main__ import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('boto3', 'botocore', 'pydantic', 'asyncio', 'aws_lambda_powertools')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines()[-1] == "[]"
