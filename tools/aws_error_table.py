"""
Print the retryable codes of the installed botocore as the literal ``MODELLED`` of ``_core/aws_codes.py``.

Run it when the test that compares the two fails: ``python -m tools.aws_error_table``, and paste what it prints.
"""

from __future__ import annotations

import gzip
import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore
from botocore.retries import standard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATA = Path(botocore.__file__).parent / "data"
ORDER = ("THROTTLING", "TIMEOUT", "CONFLICT", "TRANSIENT")


class Modelled(NamedTuple):
    """What one service's model says of one error code."""

    shape: str
    code: str
    is_retryable: bool
    is_throttling: bool
    status: int | None


def load(path: Path) -> Any:
    """Return the JSON in *path*, compressed or not."""
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def models() -> Iterator[Any]:
    """Yield the model of every service in every version; older botocores do not compress them."""
    for path in sorted({*DATA.glob("*/*/service-2.json.gz"), *DATA.glob("*/*/service-2.json")}):
        yield load(path)


def newest_model(service: str) -> Any:
    """Return the model of *service*, as boto3 names it, in its newest version."""
    return load(sorted((DATA / service).glob("*/service-2.json*"))[-1])


def modelled() -> Iterator[Modelled]:
    """Yield every error of every service model, retryable or not."""
    for model in models():
        yield from _errors_in(model)


def modelled_of(service: str) -> Iterator[Modelled]:
    """Yield every error of one service."""
    yield from _errors_in(newest_model(service))


def codes_of(service: str, operations: Sequence[str] = ()) -> set[str]:
    """Return what *service* may call its errors: the names of their shapes, and their codes where those differ."""
    model = newest_model(service)
    listed = [error["shape"] for name in operations for error in model["operations"].get(name, {}).get("errors", ())]
    return {
        name
        for error in _errors_in(model)
        if not operations or error.shape in listed
        for name in (error.shape, error.code)
    }


def _errors_in(model: Any) -> Iterator[Modelled]:
    for name, shape in model["shapes"].items():
        if shape.get("exception") or shape.get("error"):
            error = shape.get("error", {})
            yield Modelled(
                shape=name,
                code=error.get("code") or name,
                is_retryable="retryable" in shape,
                is_throttling=bool(shape.get("retryable", {}).get("throttling")),
                status=error.get("httpStatusCode"),
            )


def throttling_codes() -> set[str]:
    """Return the codes of botocore's standard retry mode, and those which a model marks as throttling."""
    return {error.code for error in modelled() if error.is_throttling} | set(
        standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES
    )


def retryable_codes() -> dict[str, set[int | None]]:
    """Return every code that botocore would try again, with the HTTP statuses that models give it."""
    codes: dict[str, set[int | None]] = {}
    for error in modelled():
        if error.is_retryable:
            codes.setdefault(error.code, set()).add(error.status)
    legacy = re.findall(r'"service_error_code": *"([^"]+)"', (DATA / "_retry.json").read_text())
    fixed = standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES
    for code in (*legacy, *fixed, *throttling_codes()):
        codes.setdefault(code, set())
    return codes


def category(code: str, statuses: set[int | None], throttling: set[str]) -> str:
    """Return the name of the category: by trait, then by the code's words, then by the modelled status."""
    if code in throttling or 429 in statuses:
        return "THROTTLING"
    if re.search(r"Time(d)?(Out|out)|TimeLimit", code):
        return "TIMEOUT"
    if re.search(r"Conflict|Concurrent|ConstraintViolation", code):
        return "CONFLICT"
    return "TRANSIENT"


def table() -> dict[str, list[str]]:
    """Return the codes by category, sorted."""
    throttling = throttling_codes()
    found: dict[str, list[str]] = {name: [] for name in ORDER}
    for code, statuses in sorted(retryable_codes().items()):
        found[category(code, statuses, throttling)].append(code)
    return found


def main() -> None:
    """Print the literal."""
    print("MODELLED: dict[Category, tuple[str, ...]] = {")
    for name, codes in table().items():
        print(f"    Category.{name}: (")
        text = " ".join(f'"{code}",' for code in codes)
        print(textwrap.indent(textwrap.fill(text, 112, break_long_words=False), " " * 8))
        print("    ),")
    print("}")


if __name__ == "__main__":
    main()
