"""The lazy table, the type-checking imports, ``__all__`` and the reference name the same things."""

from __future__ import annotations

import ast
import importlib
import re

import pytest

import resilient_lambda

from .imports import PACKAGE, ROOT

TREE = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
NAMES = sorted(set(resilient_lambda.__all__) - {"__version__"})
SECOND_SHELF = ["errors", "events", "stores", "sinks", "invoke", "testing"]


def lazy_table() -> dict[str, str]:
    """Return the one literal dict of names and modules in ``__init__.py``."""
    tables = [
        ast.literal_eval(node.value)
        for node in ast.walk(TREE)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict)
    ]

    assert len(tables) == 1
    return tables[0]


def type_checking_imports() -> dict[str, str]:
    """Return what ``if TYPE_CHECKING:`` imports, with the module it comes from."""
    return {
        alias.asname or alias.name: "." * node.level + (node.module or "")
        for block in TREE.body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


def named_in_the_reference() -> set[str]:
    """Return the identifiers that begin a heading or a table row of docs/reference.md."""
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    return set(re.findall(r"^(?:#{2,5} |\| *)`([A-Za-z_]\w*)", page, re.MULTILINE))


def headings_of_the_reference() -> set[str]:
    """Return the identifiers that begin a heading of docs/reference.md."""
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    return set(re.findall(r"^#{2,5} `([A-Za-z_]\w*)", page, re.MULTILINE))


def test_table_and_all_agree():
    """What loads lazily is what is public."""
    assert sorted(lazy_table()) == NAMES


def test_table_and_type_checking_imports_agree():
    """A type checker sees each name come from the module that it loads from."""

    def plain(table: dict[str, str]) -> dict[str, str]:
        return {name: module.lstrip(".") for name, module in table.items()}

    assert plain(type_checking_imports()) == plain(lazy_table())


def test_all_is_sorted_and_names_nothing_twice():
    """One order, so that a change of the public names is one line of the diff."""
    listed = list(resilient_lambda.__all__)

    assert listed == sorted(set(listed))


@pytest.mark.parametrize("name", NAMES)
def test_public_name_resolves(name):
    """Each name is there, and is the same object each time."""
    assert getattr(resilient_lambda, name) is getattr(resilient_lambda, name)


def test_dir_lists_the_public_names():
    """Completion in a shell shows lazy names too."""
    assert set(resilient_lambda.__all__) <= set(dir(resilient_lambda))


def test_unknown_name_is_an_attribute_error():
    """A misspelt name fails as on any module, with the name in the message."""
    with pytest.raises(AttributeError, match="batch_handlr"):
        _ = resilient_lambda.batch_handlr


def test_a_star_import_brings_the_public_names():
    """``from resilient_lambda import *`` works with the lazy table."""
    namespace: dict[str, object] = {}
    exec("from resilient_lambda import *", namespace)

    assert set(NAMES) <= set(namespace)


def test_version_is_a_literal():
    """The build reads the version without running the package."""
    values = [
        node.value
        for node in TREE.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__version__" for t in node.targets)
    ]

    assert [ast.literal_eval(value) for value in values] == [resilient_lambda.__version__]
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]|rc)?\d*", resilient_lambda.__version__)


@pytest.mark.parametrize("module", SECOND_SHELF)
def test_second_shelf_module_can_be_imported(module):
    """The modules of the second shelf are public under their own names."""
    assert importlib.import_module(f"resilient_lambda.{module}").__doc__


def test_every_public_name_is_in_the_reference():
    """docs/reference.md has a heading or a table row for each public name."""
    assert set(NAMES) - named_in_the_reference() == set()


def test_the_reference_has_headings_for_nothing_else():
    """A heading of docs/reference.md names something that can be imported."""
    second_shelf = {
        name for module in SECOND_SHELF for name in dir(importlib.import_module(f"resilient_lambda.{module}"))
    }

    assert headings_of_the_reference() - set(NAMES) - second_shelf - set(SECOND_SHELF) - {"resilient_lambda"} == set()
