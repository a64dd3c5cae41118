"""
Write the tables of ``docs/classification.md`` from the data that the library judges by.

Run it when the test that compares the two fails: ``python -m tools.classification_tables``. What stands between
``<!-- table: name -->`` and ``<!-- end -->`` is replaced, and nothing else.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from resilient_lambda import errors
from resilient_lambda._core import aws_codes, error_classes, error_names, http_errors
from resilient_lambda._core.aws_errors import BY_CODE
from resilient_lambda._core.model import SOURCES, Category, Verdict
from resilient_lambda._core.retriers import RETRIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilient_lambda._core.model import Classification

PAGE = Path(__file__).resolve().parents[1] / "docs" / "classification.md"
_BLOCK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rendered(page: str) -> str:
    """
    Return *page* with its tables as the data has them now.

    Raises:
        KeyError: The page asks for a table that does not exist.
    """
    return _BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}{block[3]}", page)


def rules() -> str:
    """Return who may decide, in order."""
    return _table(["`source`", "what decided"], ([f"`{name}`", text] for name, text in SOURCES.items()))


def codes() -> str:
    """Return the codes that calls of functions answer."""
    managing = {code for listed in aws_codes.MANAGEMENT.values() for code in listed}
    return _by_verdict("codes", ((code, found) for code, found in BY_CODE.items() if code not in managing))


def invoke() -> str:
    """Return what Invoke can answer."""
    return _by_verdict("codes", ((code, BY_CODE[code]) for code in sorted(aws_codes.INVOKE)))


def management() -> str:
    """Return the codes that only calls answer which manage resources."""
    listed = (code for group in aws_codes.MANAGEMENT.values() for code in group)
    return _by_verdict("codes", ((code, BY_CODE[code]) for code in listed))


def botocore() -> str:
    """Return botocore's own errors."""
    groups = aws_codes.BOTOCORE_CLASSES.items()
    return _grouped("classes", {key: [f"`{name}`" for name in names] for key, names in groups})


def statuses() -> str:
    """Return the statuses of HTTP answers."""
    groups: dict[tuple[Verdict, Category], list[str]] = {}
    for status, key in http_errors.STATUSES.items():
        groups.setdefault(key, []).append(str(status))
    groups.setdefault((Verdict.RETRYABLE, Category.TRANSIENT), []).append("every other 5xx")
    groups.setdefault((Verdict.NON_RETRYABLE, Category.INVALID_INPUT), []).append("every other 4xx")
    return _grouped("status", groups)


def clients() -> str:
    """Return the errors of HTTP clients; all of them are retryable."""
    rows = []
    for package, names in http_errors.CLASSES.items():
        by_category = {
            category: ", ".join(f"`{name}`" for name, found in names.items() if found is category)
            for category in (Category.TIMEOUT, Category.TRANSIENT)
        }
        rows.append([f"`{package}`", *by_category.values()])
    return _table(["package", "timeout", "transient"], rows)


def classes() -> str:
    """Return Python's own errors and those of other packages."""
    named = [(kind.__name__, found) for kind, found in error_classes.BUILT_IN.items()]
    named += [(f"{package}.{name}", found) for (package, name), found in error_classes.BY_NAME.items()]
    return _by_verdict("classes", named)


def library() -> str:
    """Return this library's own errors."""
    return _by_verdict("classes", ((kind.__name__, found) for kind, found in error_classes.OWN.items()))


def functions() -> str:
    """Return the names that Lambda's runtimes give to errors."""
    groups: dict[tuple[Verdict, Category], list[str]] = {}
    for name, key in error_names.OF_RUNTIMES.items():
        groups.setdefault(key, []).append(f"`{name}`")
    return _grouped("`errorType`", groups)


def step_functions() -> str:
    """Return what Step Functions calls errors, beside the names of exceptions."""
    groups: dict[tuple[Verdict, Category], list[str]] = {}
    for code in sorted(aws_codes.INVOKE):
        groups.setdefault(BY_CODE[code][:2], []).append(f"`Lambda.{code}`")
    for name, key in error_names.OF_STEP_FUNCTIONS.items():
        groups.setdefault(key, []).append(f"`{name}`")
    return _grouped("`ErrorEquals`", groups)


def retry_block() -> str:
    """Return the Retry field of a state that treats errors as this library does."""
    own = [name for name, kind in vars(errors).items() if isinstance(kind, type)]
    permanent = [name for name in own if issubclass(getattr(errors, name), errors.NonRetryableError)]
    by_invoke = {code: BY_CODE[code] for code in sorted(aws_codes.INVOKE)}
    refused = [f"Lambda.{code}" for code, found in by_invoke.items() if not found.is_retryable]
    throttled = [f"Lambda.{code}" for code, found in by_invoke.items() if found.category is Category.THROTTLING]
    block = [
        {"ErrorEquals": [*permanent, "ValidationError", "JSONDecodeError", *refused], "MaxAttempts": 0},
        _retrier(throttled, 2, 60),
        _retrier(["States.TaskFailed", "States.Timeout"], 1, 30),
    ]
    return "```json\n[\n" + ",\n".join(map(_as_json, block)) + "\n]\n```\n"


def retriers() -> str:
    """Return who tries again, by source."""
    rows = ([f"`{row.name}`", row.title, row.after_failure, row.after_refusal] for row in RETRIERS)
    return _table(["`--source`", "invoked by", "after a failure", "after a refusal"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "rules": rules,
    "codes": codes,
    "invoke": invoke,
    "management": management,
    "botocore": botocore,
    "statuses": statuses,
    "clients": clients,
    "classes": classes,
    "library": library,
    "functions": functions,
    "step-functions": step_functions,
    "retry-block": retry_block,
    "retriers": retriers,
}


def main(page: Path = PAGE) -> None:
    """Write the tables of *page*."""
    page.write_text(rendered(page.read_text("utf-8")), "utf-8")


def _retrier(names: list[str], interval_s: int, longest_s: int) -> dict[str, object]:
    waits = {"IntervalSeconds": interval_s, "BackoffRate": 2, "MaxDelaySeconds": longest_s, "JitterStrategy": "FULL"}
    return {"ErrorEquals": names, **waits, "MaxAttempts": 6}


def _as_json(retrier: dict[str, object]) -> str:
    names, rest = retrier["ErrorEquals"], {name: value for name, value in retrier.items() if name != "ErrorEquals"}
    wrapped = textwrap.fill(json.dumps(names)[1:-1], 110, break_long_words=False, break_on_hyphens=False)
    listed = textwrap.indent(wrapped, " " * 6)
    return f'  {{"ErrorEquals": [\n{listed}\n    ],\n    {json.dumps(rest)[1:-1]}}}'


def _by_verdict(title: str, named: Iterable[tuple[str, Classification]]) -> str:
    groups: dict[tuple[Verdict, Category], list[str]] = {}
    for name, found in sorted(named, key=lambda pair: pair[0]):
        groups.setdefault((found.verdict, found.category), []).append(f"`{name}`")
    return _grouped(title, groups)


def _grouped(title: str, groups: dict[tuple[Verdict, Category], list[str]]) -> str:
    order = [(verdict, category) for verdict in Verdict for category in Category]
    rows = (
        ["yes" if verdict is Verdict.RETRYABLE else "no", category.name, ", ".join(groups[verdict, category])]
        for verdict, category in order
        if (verdict, category) in groups
    )
    return _table(["retried", "category", title], rows)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return "".join([lines[0], "|" + "---|" * len(head) + "\n", *lines[1:]])


if __name__ == "__main__":
    main()
