"""Run a piece of Python in a fresh interpreter that sees the package and nothing of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from .imports import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT_S = 60


def run(code: str, *, env: Mapping[str, str] | None = None, path: Path = ROOT, is_bare: bool = False) -> str:
    """
    Return what *code* prints; fail with its standard error if it fails.

    Args:
        env: Variables to add to an environment without any of AWS's or this library's.
        path: The folder to import from; it replaces this repository.
        is_bare: Leave out everything that is installed, so that there is nothing but the standard library and *path*.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RESILIENT_", "PYT"))
    }
    # A warning in a fresh interpreter is a defect as it is in the tests themselves.
    flags = ["-W", "error::DeprecationWarning:__main__", *(["-S"] if is_bare else [])]
    done = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(code)],
        env={**inherited, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        cwd=path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    return done.stdout
