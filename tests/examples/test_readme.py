"""The first page shows what really happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import resilient_lambda

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text("utf-8")


def test_the_figures_of_the_demo_are_those_that_it_prints():
    """The excerpt of the page is part of the demo's output."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    excerpt = PAGE.split("```text\n", 1)[1].split("```", 1)[0]

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in excerpt.splitlines() if line not in done.stdout] == []


def test_the_two_commands_exist():
    """What the page tells people to run first is in the Makefile."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"\bmake (\w+)", PAGE))

    assert {"demo", "test"} <= targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_table_of_measurements_has_its_place():
    """The benchmarks are written between two marks."""
    assert PAGE.index("<!-- benchmarks -->") < PAGE.index("<!-- /benchmarks -->")


def test_the_changelog_begins_with_this_version():
    """The newest entry is the version of the package, with its date."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)

    assert newest
    assert newest[1] == resilient_lambda.__version__
