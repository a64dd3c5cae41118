"""The decorators under mypy --strict and basedpyright, as users run them on their own code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("typing_cases.py")
ROOT = CASES.parents[2]
WRONG = {number for number, line in enumerate(CASES.read_text().splitlines(), 1) if line.endswith("# wrong")}


def lines_by_mypy(cache: Path) -> dict[int, str]:
    """Return mypy's errors in the cases by line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), "--no-error-summary", str(CASES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = re.finditer(rf"^{re.escape(str(CASES.relative_to(ROOT)))}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    return {int(match[1]): match[2] for match in found}


def lines_by_basedpyright(folder: Path) -> dict[int, str]:
    """Return basedpyright's errors in the cases by line."""
    settings = folder / "pyrightconfig.json"
    settings.write_text(
        json.dumps(
            {
                "include": [str(CASES)],
                "extraPaths": [str(ROOT)],
                "typeCheckingMode": "standard",
                "reportUnusedCoroutine": "none",
            }
        )
    )
    command = [Path(sys.executable).with_name("basedpyright"), "--project", settings, "--outputjson"]
    command += ["--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1
    return {
        error["range"]["start"]["line"] + 1: error["message"]
        for error in report["generalDiagnostics"]
        if error["severity"] == "error"
    }


@pytest.mark.parametrize("checker", [lines_by_mypy, lines_by_basedpyright], ids=["mypy", "basedpyright"])
def test_right_use_passes_and_wrong_use_is_an_error(checker, tmp_path):
    """Exactly the lines marked as wrong are errors, under both checkers."""
    found = checker(tmp_path)

    assert {number: text for number, text in found.items() if number not in WRONG} == {}
    assert sorted(WRONG - set(found)) == []
