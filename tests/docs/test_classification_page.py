"""The tables of docs/classification.md are made of the data by which the library judges."""

from __future__ import annotations

import json
import re

import pytest

from resilient_lambda import errors
from resilient_lambda.__main__ import main
from resilient_lambda._core.error_names import judge_name
from tools import classification_tables

PAGE = classification_tables.PAGE.read_text("utf-8")


def test_the_page_has_the_tables_as_they_are_now():
    """On failure run ``python -m tools.classification_tables``."""
    assert classification_tables.rendered(PAGE) == PAGE


def test_the_page_has_every_table():
    """None is made for nothing."""
    assert set(re.findall(r"<!-- table: ([\w-]+) -->", PAGE)) == set(classification_tables.TABLES)


def test_a_page_that_asks_for_an_unknown_table_is_an_error():
    """A misspelt name must not stay empty."""
    with pytest.raises(KeyError, match="cods"):
        classification_tables.rendered("<!-- table: cods -->\n<!-- end -->")


def test_the_page_is_written(tmp_path):
    """The tool replaces what is between the marks, and nothing else."""
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: rules -->\nold\n<!-- end -->\nafter\n")
    classification_tables.main(page)
    text = page.read_text()

    assert text.startswith("before\n<!-- table: rules -->\n| `source` |")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text


def test_the_example_of_explain_is_what_it_prints(capsys):
    """Up to the dots."""
    block = re.search(r"```console\n\$ python -m resilient_lambda (.*)\n([^`]*)\.\.\.\n```", PAGE)
    main(block[1].split())

    assert capsys.readouterr().out.startswith(block[2])


def test_the_retry_block_retries_what_the_library_retries():
    """What its first retrier refuses is permanent by name, and every permanent error of this library is there."""
    refused, throttled, others = json.loads(classification_tables.retry_block().strip("`json\n"))
    names = [name.removeprefix("Lambda.") for name in refused["ErrorEquals"]]
    own = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.NonRetryableError)
    }

    assert refused["MaxAttempts"] == 0
    assert own <= set(names)
    assert [name for name in names if judge_name(name).is_retryable] == []
    assert [
        name for name in throttled["ErrorEquals"] if not judge_name(name.removeprefix("Lambda.")).is_retryable
    ] == []
    assert others["ErrorEquals"] == ["States.TaskFailed", "States.Timeout"]
