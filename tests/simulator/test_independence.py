"""The simulator can convict the library, because it does not think with the library's head."""

from __future__ import annotations

import ast
from importlib.util import resolve_name
from pathlib import Path

import pytest

import resilient_lambda
from tests.naming import id_of

PACKAGE = Path(resilient_lambda.__file__).parent
SIMULATOR = PACKAGE / "testing" / "simulator"
# Where the simulation and the library meet, and what each of the two may know.
MEETING = {
    "calling": {"invoke"},
    "cancelling": {"_io"},
    "library": {"_handlers", "_io", "_policies", "errors", "invoke", "sinks", "stores"},
    "store": {"errors", "stores"},
}
MODULES = sorted(SIMULATOR.rglob("*.py"))


def imported(path):
    """Return the parts of the library that the module at *path* imports, those of `testing` left out."""
    package = ".".join(path.relative_to(PACKAGE.parent).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            name = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            names = [name, *(f"{name}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {full.split(".")[1] for full in names if full.startswith("resilient_lambda.") and full.count(".")}
    return found - {"testing"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: id_of(path.relative_to(SIMULATOR).as_posix()))
def test_simulator_shares_no_code_with_the_library(path):
    """No rule of the simulator is the library's: few modules meet it, through what it offers to tests."""
    allowed = MEETING.get(path.stem, set()) if path.parent == SIMULATOR else set()

    assert imported(path) - {"_core"} <= allowed or not imported(path)
    assert "_core" not in imported(path) or path.name == "library.py"
