"""Read the package's imports from its source, without running any of it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "resilient_lambda"


class Import(NamedTuple):
    """
    One imported module.

    Attributes:
        importer: The importing file, relative to the package: ``_core/keys.py``.
        target: Dotted name; of a module of ours without the package's name, and empty for the package itself.
        is_relative: Written with leading dots, so of ours.
        is_type_only: Under ``if TYPE_CHECKING:``.
        is_lazy: Inside a function.
    """

    importer: str
    line: int
    target: str
    is_relative: bool
    is_type_only: bool
    is_lazy: bool

    @property
    def top(self) -> str:
        """The first part of the target's name."""
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {'.' if self.is_relative else ''}{self.target}"


def files() -> list[Path]:
    """Return every source file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def of_package() -> list[Import]:
    """Return every import of every file."""
    return [
        found for path in files() for found in of_source(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8"))
    ]


def of_source(importer: str, text: str) -> list[Import]:
    """Return the imports in *text*, as if it stood in the file *importer* of the package."""
    return list(_walk(ast.parse(text), importer, is_type_only=False, is_lazy=False))


def _walk(node: ast.AST, importer: str, *, is_type_only: bool, is_lazy: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(importer, node.lineno, alias.name, False, is_type_only, is_lazy)
    elif isinstance(node, ast.ImportFrom):
        for target in _targets(node, importer):
            yield Import(importer, node.lineno, target, node.level > 0, is_type_only, is_lazy)
    elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        for child in node.body:
            yield from _walk(child, importer, is_type_only=True, is_lazy=is_lazy)
        for child in node.orelse:
            yield from _walk(child, importer, is_type_only=is_type_only, is_lazy=is_lazy)
    else:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, importer, is_type_only=is_type_only, is_lazy=is_lazy or is_function)


def _targets(node: ast.ImportFrom, importer: str) -> list[str]:
    if not node.level:
        return [node.module or ""]
    folder = importer.split("/")[:-1]
    base = folder[: len(folder) - (node.level - 1)] + (node.module.split(".") if node.module else [])
    place = PACKAGE.joinpath(*base)
    # `from . import x` names a module if there is one of that name, otherwise something in __init__.py.
    modules = [a.name for a in node.names if (place / f"{a.name}.py").exists() or (place / a.name).is_dir()]
    others = len(modules) < len(node.names)
    return [".".join([*base, name]) for name in modules] + ([".".join(base)] if others else [])
