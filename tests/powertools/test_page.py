"""The page about Powertools keeps what it promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resilient_lambda.__main__ import main
from tests.powertools.conftest import TABLE
from tests.powertools.fleet import PREFIX

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "coming-from-powertools.md"


def test_each_row_of_the_table_names_its_tests():
    """A guarantee that no test shows is none."""
    table = PAGE.read_text("utf-8").partition("## What holds meanwhile")[2].partition("## Other tables")[0]
    rows = [row for row in table.splitlines() if row.startswith("|")][2:]
    tests = {
        name
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.M)
    }
    named = [set(re.findall(r"`(test_\w+)`", row)) for row in rows]

    assert len(rows) > 12
    assert all(named)
    assert set().union(*named) <= tests


@pytest.fixture
def show(fleet, dynamodb_local, capsys):
    """Return a function that runs the check of the third step, and returns exit code and output."""

    def run(namespace, value):
        options = {"--namespace": namespace, "--value": value, "--table": TABLE, "--endpoint-url": dynamodb_local}
        code = main(["key", "show", "--powertools", *(part for option in options.items() for part in option)])
        return code, capsys.readouterr().out

    return run


def test_the_check_finds_what_powertools_left(fleet, show):
    """Prefix and key are right."""
    fleet.theirs().invoke()
    code, output = show(PREFIX, fleet.key)

    assert code == 0
    assert fleet.stored_key() in output
    assert "COMPLETED" in output


def test_the_check_finds_nothing_under_another_key(fleet, show):
    """Prefix or key is wrong, and the exit code says so."""
    fleet.theirs().invoke()

    assert show("other", fleet.key) == (1, "")
    assert show(PREFIX, f"{fleet.key}-2") == (1, "")
