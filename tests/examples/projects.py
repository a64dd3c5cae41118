"""The examples that users copy: reading their templates, running their tests, asking SAM what it thinks of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from resilient_lambda._commands.table import main as table_command
from tools.venvs import provide

ROOT = Path(__file__).resolve().parents[2]
SAM = "aws-sam-cli==1.170.0"


class _Template(yaml.SafeLoader):
    """Reads CloudFormation's short forms: ``!GetAtt A.B`` becomes ``("GetAtt", "A.B")``."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> tuple[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return tag, loader.construct_sequence(node, deep=True)
    return tag, loader.construct_scalar(node)


_Template.add_multi_constructor("!", _short_form)


class Project:
    """
    One example.

    Attributes:
        folder: Where it is.
        resources: Those of its template.
    """

    def __init__(self, name: str) -> None:
        self.folder = ROOT / "examples" / name
        self.resources: dict[str, Any] = yaml.load((self.folder / "template.yaml").read_text("utf-8"), _Template)[
            "Resources"
        ]

    @property
    def function(self) -> dict[str, Any]:
        """The properties of its one function."""
        (found,) = self._properties("AWS::Serverless::Function")
        return found

    @property
    def mapping(self) -> dict[str, Any]:
        """The properties of that function's one event."""
        (event,) = self.function["Events"].values()
        return event["Properties"]

    def _properties(self, kind: str) -> list[dict[str, Any]]:
        return [found["Properties"] for found in self.resources.values() if found["Type"] == kind]

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of a resource."""
        return self.resources[name]["Properties"]

    def alarmed(self) -> set[str]:
        """Return the names of the queues whose messages raise an alarm."""
        dimensions = [each for alarm in self._properties("AWS::CloudWatch::Alarm") for each in alarm["Dimensions"]]
        return {each["Value"][1].removesuffix(".QueueName") for each in dimensions if each["Name"] == "QueueName"}

    def statement(self, sid: str) -> dict[str, Any]:
        """Return a statement of the function's policy."""
        (policy,) = self.function["Policies"]
        return next(each for each in policy["Statement"] if each["Sid"] == sid)

    def run_tests(self) -> None:
        """Run its own tests where it is, as a user runs them."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RESILIENT_"))}
        _run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def validate(self, home: Path) -> str:
        """Return what ``sam validate --lint`` says; it fails if SAM or cfn-lint finds anything."""
        python = provide("sam", Path(sys.executable), [SAM], b"")
        return _run(
            # As a module: the scripts of an environment that was moved into its place name the old one.
            [python, "-m", "samcli", "validate", "--lint", "--template", self.folder / "template.yaml"],
            cwd=home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "SAM_CLI_TELEMETRY": "0",
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
        )


def printed_actions(capsys: Any) -> list[str]:
    """Return the actions on the library's table that the command line prints."""
    table_command(["table", "iam", "--table", "resilience"])
    (printed,) = json.loads(capsys.readouterr().out)["Statement"]
    return printed["Action"]


def _run(command: list[Any], *, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
