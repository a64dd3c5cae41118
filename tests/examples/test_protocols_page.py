"""docs/protocols.md explains every rule that the code cites, and what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "resilient_lambda"
PAGE = (ROOT / "docs" / "protocols.md").read_text("utf-8")
LABEL = r"[A-D]\d{1,2}|[GIJ](?=\W)"
SECTIONS = dict(
    zip(
        re.findall(rf"^##+ ({LABEL})[.]", PAGE, re.MULTILINE),
        re.split(rf"^##+ (?:{LABEL})[.]", PAGE, flags=re.MULTILINE)[1:],
        strict=True,
    )
)


def cited(folder: str) -> set[str]:
    """Return the labels that comments and docstrings below *folder* cite."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text("utf-8")
        for listed in re.findall(rf"protocols\.md ((?:{LABEL})(?:, (?:{LABEL}))*)", text + " "):
            found |= set(listed.split(", "))
        found |= {
            label for group in re.findall(rf"\(((?:{LABEL})(?:, (?:{LABEL}))*)\)", text) for label in group.split(", ")
        }
    return found


@pytest.mark.parametrize("folder", ["resilient_lambda", "tests", "tools"])
def test_every_rule_that_is_cited_has_a_section(folder):
    """Whoever meets a label in a comment finds the rule behind it."""
    assert cited(folder) - set(SECTIONS) == set()


def test_rules_are_cited_at_all():
    """The check sees the citations of the code."""
    assert {"A1", "B1", "B4", "B8", "C2", "I"} <= cited("resilient_lambda")


@pytest.mark.parametrize("label", sorted(SECTIONS))
def test_a_rule_says_where_it_lives_and_what_shows_it(label):
    """Each section names files of the package, functions in them, and tests."""
    text = " ".join(SECTIONS[label].split())
    where, _, shown = text.partition("*Where.*")[2].partition("*Test.*")
    files = re.findall(r"`([\w/]+\.py)`", where)
    sources = "".join((PACKAGE / file).read_text("utf-8") for file in files)
    tests = re.findall(r"`(tests/[\w/.]+)`", shown)

    assert files
    assert tests
    assert {name for name in re.findall(r"`(\w+)`", where) if f" {name}" not in sources} == set()
    assert {path for path in tests if not (ROOT / path).exists()} == set()
