"""The command line: ``python -m resilient_lambda``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from . import __version__
from ._commands import explain, key, replay, table

if TYPE_CHECKING:
    from collections.abc import Sequence

# A package copied under another name is called by that name.
PROGRAM = f"python -m {__package__ or 'resilient_lambda'}"
EXIT_CODES = """\
exit codes:
  0  done
  1  what was asked for failed, or something is wrong with it
  2  the command line was not understood"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that *argv* names and return the exit code."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Every Lambda event takes effect as often as it should: nothing lost, nothing done twice.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"resilient_lambda {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    explain.add_parser(commands)
    key.add_parser(commands)
    replay.add_parser(commands)
    table.add_parser(commands)
    args = parser.parse_args(argv)
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    return {"explain": explain.run, "key": key.run, "replay": replay.run, "table": table.run}[args.command](args)


def _guarded() -> int:
    """Run `main`; whoever stops it, or stops reading, knows why."""
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain about the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


if __name__ == "__main__":
    sys.exit(_guarded())
