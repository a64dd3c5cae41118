"""``python -m resilient_lambda explain``: what an error is, whether it is retried, by whom and when."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.retriers import BY_SOURCE
from ..errors import InvalidRecordError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from .table import Subparsers

_EXAMPLES = """\
examples:
  explain ThrottlingException
  explain '{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 7d Error: Task timed out after 3.00 seconds"}'
  aws sqs receive-message --queue-url ... | python -m resilient_lambda explain --source async"""


def add_parser(subparsers: Subparsers) -> None:
    """Add ``explain``; the parsed arguments carry ``run``, to be called with them."""
    import argparse

    summary = "Say what an error is, whether it is retried, by whom and when."
    parser = subparsers.add_parser(
        "explain",
        help=summary,
        description=f"{summary} It calls nobody, and shows nothing of a payload.",
    )
    parser.epilog, parser.formatter_class = _EXAMPLES, argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=partial(explain, parser.error))
    parser.add_argument(
        "error",
        nargs="?",
        metavar="ERROR",
        help="a code of AWS, a class, an HTTP status, the last line of a traceback, or the JSON of a function's error, "
        "a destination's record or a dead letter, in any envelope; default: standard input",
    )
    parser.add_argument("--file", metavar="PATH", help="read it from a file; - is standard input")
    parser.add_argument(
        "--source", choices=sorted(BY_SOURCE), help="tell of this one only: how the function is invoked"
    )
    parser.add_argument("--json", action="store_true", help="for programs: a list with an object for each error")


def run(args: argparse.Namespace) -> int:
    """Run what the parsed arguments name."""
    return int(args.run(args))


def explain(fail: Callable[[str], Any], args: argparse.Namespace) -> int:
    """
    Print what was found; exit code 1 if there is nothing to explain.

    Args:
        fail: Ends the program with a usage error.
    """
    from . import _explain_reading, _explain_text

    if args.error is not None and args.file is not None:
        fail("pass either ERROR or --file")
    try:
        findings = _explain_reading.read(_text(args))
    except (InvalidRecordError, OSError, UnicodeDecodeError) as error:
        print(f"error: {_said(error)}", file=sys.stderr)
        return 1
    source = args.source or ""
    if args.json:
        print(json.dumps([_explain_text.as_json(finding, source) for finding in findings], indent=2))
    else:
        print("\n\n".join("\n".join(_explain_text.report(finding, source)) for finding in findings))
    return 0


def _text(args: argparse.Namespace) -> str:
    if args.error is not None and args.error != "-":
        return str(args.error)
    if args.file is not None and args.file != "-":
        return Path(args.file).read_text("utf-8")
    return sys.stdin.read()


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "this is no text in UTF-8"
    if isinstance(error, OSError):
        return f"{error.filename!r} cannot be read: {error.strerror}"
    return str(error)
