"""Every example of the documentation runs, and every link leads somewhere."""

from __future__ import annotations

import os
import re

import pytest

from resilient_lambda.testing import in_memory

from .pages import PAGES, ROOT, blocks, run


@pytest.fixture(autouse=True)
def no_aws(monkeypatch):
    """Take AWS out of the environment: an example that reached for it would fail, not call it."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "RESILIENT_LAMBDA_")):
            monkeypatch.delenv(name)


@pytest.fixture
def page(tmp_path):
    """Return a function that writes a page."""

    def write(text):
        path = tmp_path / "page.md"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_of_a_page_run(path):
    """The python blocks run in order over stores and sinks in memory; the json blocks are JSON."""
    with in_memory():
        done = run(path)

    assert done == sum(block.language in {"python", "json"} for block in blocks(path.read_text("utf-8")))


def test_the_first_page_has_an_example():
    """The README shows code that runs."""
    assert any(block.language == "python" for block in blocks((ROOT / "README.md").read_text("utf-8")))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_somewhere(path):
    """Links to files of the repository name files that exist; links within a page name its headings."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = path.parent / file if file else path
        has_no_anchor = not anchor or linked.suffix != ".md"
        if not linked.exists() or not (has_no_anchor or anchor in anchors(linked.read_text("utf-8"))):
            broken.append(target)

    assert broken == []


def anchors(text: str) -> set[str]:
    """Return the anchors that the headings of a page get."""
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_failing_example_fails_its_page(page):
    """An exception of a block is the test's, with the page and the line in its traceback."""
    path = page("# A page\n\n```python\nx = 1\nassert x == 2\n```\n")

    with pytest.raises(AssertionError) as caught:
        run(path)

    assert caught.traceback[-1].path == path
    assert caught.traceback[-1].lineno + 1 == 5


def test_blocks_of_a_page_share_a_namespace(page):
    """Hidden setup and earlier blocks are seen by later ones."""
    path = page(
        "<!-- test: setup\nx = 1\n-->\n```python\ny = x + 1\n```\n"
        "```console\n$ no\n```\n- an item\n  ```python\n  assert y == 2\n  ```\n"
    )

    assert run(path) == 3


def test_a_json_block_must_be_json(page):
    """A typing error in an event or an answer is found."""
    with pytest.raises(ValueError, match="delimiter"):
        run(page('```json\n{"a" 1}\n```\n'))
