"""docs/architecture.md knows what the code has: sources, layers, dependencies."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from resilient_lambda._core.sources import INVOCATION, SOURCE_NAMES, row_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
GROUPS = {"required": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_dependency_has_its_reason(group):
    """Whatever is installed, the page says what for."""
    names = {re.split(r"[<>=;]", requirement)[0].strip() for requirement in GROUPS[group]}
    # moto[dynamodb,sqs] is explained as moto, aws-lambda-powertools[tracer] as itself; the package is no dependency.
    missing = {
        name
        for name in names - {f"{PROJECT['name']}[{other}]" for other in GROUPS}
        if f"`{name}`" not in PAGE and f"`{name.partition('[')[0]}`" not in PAGE
    }

    assert missing == set()


@pytest.mark.parametrize("row", [*map(row_of, SOURCE_NAMES), INVOCATION], ids=lambda row: row.name)
def test_every_source_has_its_row(row):
    """A source of the code is in the page's table, with what its events say."""
    (line,) = re.findall(rf"^\| `{row.name}` \|.*$", PAGE, re.MULTILINE)

    assert row.event_source in line


def test_every_layer_is_in_the_picture():
    """A folder or module of the package stands in the picture of the layers."""
    picture = PAGE.split("```text", 1)[1].split("```", 1)[0]
    parts = {path.stem for path in (ROOT / "resilient_lambda").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert {part for part in parts - {"__pycache__"} if not re.search(rf"\b{part}\b", picture)} == set()
