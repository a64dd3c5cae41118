"""Nothing that a user can set is undocumented."""

from __future__ import annotations

import inspect
import re
from enum import Enum

import pytest

import resilient_lambda

from .pages import PAGES, ROOT

REFERENCE = ROOT / "docs" / "reference.md"
VARIABLE = re.compile(r"\bRESILIENT_LAMBDA_[A-Z][A-Z_]*[A-Z]\b")


def variables_of_the_code() -> set[str]:
    """Return the environment variables that the package's source names."""
    sources = (ROOT / "resilient_lambda").rglob("*.py")
    return {name for path in sources for name in VARIABLE.findall(path.read_text("utf-8"))}


def variables_of_the_docs() -> set[str]:
    """Return the environment variables that any page names."""
    return {name for path in PAGES for name in VARIABLE.findall(path.read_text("utf-8"))}


def options(thing: object) -> dict[str, set[str]]:
    """Return the parameters of a public callable, and of a class's public constructors, by their dotted name."""
    name = getattr(thing, "__name__", "")
    if inspect.isclass(thing):
        if getattr(thing, "_is_protocol", False) or issubclass(thing, (tuple, Enum)):
            return {}  # implemented or read by users, not called
        constructors = {
            f"{name}.{member}": getattr(thing, member) for member in vars(thing) if is_factory(thing, member)
        }
        return {dotted: parameters(call) for dotted, call in {name: thing, **constructors}.items()}
    return {name: parameters(thing)} if inspect.isroutine(thing) else {}


def is_factory(owner: type, member: str) -> bool:
    """Say whether *member* is a public alternative constructor."""
    return not member.startswith("_") and isinstance(vars(owner)[member], (classmethod, staticmethod))


def parameters(call: object) -> set[str]:
    """Return the names of what can be passed to *call*."""
    try:
        signature = inspect.signature(call)
    except ValueError:
        return set()  # an exception without a constructor of its own
    skipped = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
    names = {p.name for p in signature.parameters.values() if p.kind not in skipped and not p.name.startswith("_")}
    return names - {"message"}  # of an exception: needs no explanation


def section(page: str, name: str) -> str:
    """Return the section of the reference that *name* heads, with what is below it, or the table row that it begins."""
    heading = re.search(rf"^(#{{2,5}}) `{re.escape(name)}\b.*$", page, re.MULTILINE)
    if heading:
        end = re.search(rf"^#{{1,{len(heading[1])}}} ", page[heading.end() :], re.MULTILINE)
        return page[heading.start() : heading.end() + end.start() if end else None]
    return "\n".join(re.findall(rf"^\| *`{re.escape(name)}\b.*$", page, re.MULTILINE))


CALLABLES = {
    dotted: (name, names)
    for name in sorted(set(resilient_lambda.__all__) - {"__version__"})
    for dotted, names in options(getattr(resilient_lambda, name)).items()
    if names
}


def test_every_environment_variable_is_documented():
    """What the code reads from the environment stands in the documentation."""
    assert variables_of_the_code() - variables_of_the_docs() == set()


def test_no_environment_variable_is_documented_in_vain():
    """What the documentation tells people to set is read by the code."""
    assert variables_of_the_docs() - variables_of_the_code() == set()


@pytest.mark.parametrize("dotted", sorted(CALLABLES))
def test_every_option_is_documented(dotted):
    """docs/reference.md names each parameter in the section of its callable."""
    name, names = CALLABLES[dotted]
    page = REFERENCE.read_text("utf-8")
    text = section(page, dotted) or section(page, name)

    assert text
    assert {option for option in names if not re.search(rf"`[^`\n]*\b{option}\b[^`\n]*`", text)} == set()


def test_the_batch_handlers_options_are_seen():
    """The check reads real signatures: it knows the options of the main decorator."""
    assert {"policies", "dead_letter"} <= CALLABLES["batch_handler"][1]
