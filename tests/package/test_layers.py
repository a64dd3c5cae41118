"""The arrows between the layers point down; what is heavy or impure stays where it belongs."""

from __future__ import annotations

import ast

import pytest

from .imports import PACKAGE, Import, files, of_package, of_source

# From the bottom to the top; names side by side are of one layer.
LAYERS = [
    {"_named_tuple"},
    {"errors"},
    {"events"},
    {"_core"},
    {"_io"},
    {"stores"},
    {"_policies"},
    {"policies"},
    {"sinks", "invoke", "metrics", "destinations"},
    {"_handlers"},
    {"testing", "lint"},
    {"__init__"},  # the public names; the layers above it use the package as users do
    {"_commands", "pytest_plugin"},
    {"__main__"},
]
# Telemetry events carry values of the core; to name their types costs nothing at run time.
TYPE_ONLY_UPWARD = {("events", "_core")}

PURE_STDLIB = {
    "__future__", "base64", "binascii", "builtins", "collections", "enum", "errno", "functools", "hashlib", "heapq",
    "itertools", "json", "math", "operator", "re", "types", "typing",
}  # fmt: skip
# JMESPath expressions are pure too; loaded only if a key is given as one. Decimal is; only an item's fraction needs it.
# A user's rule that is broken is told to people; there is nobody else to tell.
PURE_LAZY = {
    "_core/attribute_values.py": {"decimal"},
    "_core/classify.py": {"logging"},
    "_core/keys.py": {"aws_lambda_powertools", "jmespath"},
}

HEAVY = {
    "asyncio", "aws_lambda_powertools", "boto3", "botocore", "concurrent", "dataclasses", "decimal", "http", "inspect",
    "jmespath", "pydantic", "random", "urllib", "urllib3",
}  # fmt: skip
# Who asks for these asks for what they import: an event loop, a pydantic model.
HEAVY_BY_NAME = {"_io/aio.py", "destinations.py"}
# What a handler never reaches may import what it likes.
OFF_THE_HANDLER_PATH = {"testing", "lint", "_commands", "__main__", "pytest_plugin"}


def unit(name: str) -> str:
    """Return the layer's unit for a file or a dotted name: ``_core/keys.py`` and ``_core.keys`` are of ``_core``."""
    return name.replace("/", ".").removesuffix(".py").partition(".")[0] or "__init__"


def rank(name: str) -> int:
    """Return the height of a module's layer, from 0 for the bottom."""
    for height, units in enumerate(LAYERS):
        if unit(name) in units:
            return height
    pytest.fail(f"{name} is of no layer; give it one in LAYERS and in docs/architecture.md")


def upward(imports: list[Import]) -> list[Import]:
    """Return the imports that point up."""
    return [
        found
        for found in imports
        if found.is_relative
        and rank(found.target) > rank(found.importer)
        and not (found.is_type_only and (unit(found.importer), unit(found.target)) in TYPE_ONLY_UPWARD)
    ]


def test_every_module_has_a_layer():
    """A new module at the root of the package must be given its place."""
    heights = {path.name: rank(path.relative_to(PACKAGE).as_posix()) for path in files()}

    assert heights


def test_imports_point_down():
    """No module imports from a layer above its own, not even inside a function."""
    assert [str(found) for found in upward(of_package())] == []


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("_core/batch.py", "from ..stores.base import Store"),
        ("stores/memory.py", "def f():\n    from .._policies import claim"),
        ("_policies/claim.py", "from ..sinks import DeadLetter"),
        ("_handlers/batch.py", "from .. import Idempotency"),
        ("errors.py", "from . import events"),
    ],
)
def test_an_upward_import_is_found(importer, line):
    """The check sees module-level and function-level imports, of names and of modules."""
    assert len(upward(of_source(importer, line))) == 1


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("_core/batch.py", "from ..errors import ResilienceError"),
        ("_handlers/batch.py", "from .._policies.compose import compose"),
        ("_commands/key.py", "from .. import DynamoDBStore"),
        ("__init__.py", "from ._handlers.batch import batch_handler"),
    ],
)
def test_a_downward_import_is_left_alone(importer, line):
    """What points down, or stays in its layer, is no finding."""
    assert upward(of_source(importer, line)) == []


def test_imports_inside_the_package_are_relative():
    """A vendored copy under another name never reaches for an installed ``resilient_lambda``."""
    assert [str(found) for found in of_package() if not found.is_relative and found.top == PACKAGE.name] == []


def test_the_core_imports_nothing_impure():
    """Time, randomness, threads, files and AWS are arguments of the core, never its imports."""
    findings = []
    for found in of_package():
        if unit(found.importer) != "_core" or found.is_type_only:
            continue
        if found.is_relative:
            is_pure = unit(found.target) in {"_named_tuple", "errors", "events", "_core"}
        else:
            is_pure = found.top in PURE_STDLIB or (found.is_lazy and found.top in PURE_LAZY.get(found.importer, ()))
        if not is_pure:
            findings.append(str(found))

    assert findings == []


def test_the_core_does_no_input_or_output():
    """No file of the core opens, prints or asks."""
    findings = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} calls {node.func.id}"
        for path in files()
        if unit(path.relative_to(PACKAGE).as_posix()) == "_core"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}
    ]

    assert findings == []


def test_only_the_asynchronous_io_imports_asyncio():
    """Synchronous handlers never pay for asyncio; users' tests may."""
    findings = [
        str(found)
        for found in of_package()
        if found.top == "asyncio" and not found.is_type_only and found.importer != "_io/aio.py"
        if unit(found.importer) not in OFF_THE_HANDLER_PATH
    ]

    assert findings == []


def test_aws_is_named_only_where_aws_is_called():
    """Only the DynamoDB store, the sinks, the invoker, the fakes and the command line know botocore."""

    def may(importer: str) -> bool:
        return importer.startswith(("stores/dynamodb", "stores/_dynamodb", "stores/_aws")) or unit(importer) in {
            "sinks",
            "invoke",
            "testing",
            "lint",
            "_commands",
        }

    findings = [
        str(found)
        for found in of_package()
        if found.top in {"boto3", "botocore"} and not found.is_type_only and not may(found.importer)
    ]

    assert findings == []


def test_nothing_heavy_is_imported_at_module_level():
    """On a handler's path heavy modules are imported by the function that needs them, when warmed or first used."""
    findings = [
        str(found)
        for found in of_package()
        if found.top in HEAVY and not found.is_lazy and not found.is_type_only
        if unit(found.importer) not in OFF_THE_HANDLER_PATH and found.importer not in HEAVY_BY_NAME
    ]

    assert findings == []
