"""The lowest versions that pyproject.toml promises really work."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.venvs import ROOT, lowest

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment with the lowest versions."""
    return lowest()


def test_the_package_works_with_the_lowest_versions(python, table):
    """Models, idempotency, Powertools' logger and the DynamoDB store work with the oldest dependencies allowed."""
    done = subprocess.run(
        [python, ROOT / "tools" / "smoke.py", "--endpoint", table.endpoint_url, "--table", table.name],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_lowest_versions_are_the_ones_installed(python):
    """The environment holds the bounds themselves, or a later version only where this Python has no earlier wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bounds = dict(
        re.split(">=", requirement)
        for requirement in project["dependencies"] + project["optional-dependencies"]["aws-sdk"]
    )
    code = f"from importlib.metadata import version; print(*map(version, {sorted(bounds)}))"
    installed = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    differing = {
        name
        for name, found in zip(sorted(bounds), installed, strict=True)
        if not f"{found}.".startswith(f"{bounds[name]}.")
    }

    assert differing <= ({"pydantic"} if sys.version_info >= (3, 13) else set())
