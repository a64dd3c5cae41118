"""The demo's command line: a queue of orders, everything that can go wrong, and a ledger."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resilient_lambda import DynamoDBStore, MemoryStore, __version__
from resilient_lambda.__main__ import main as library_command
from resilient_lambda.errors import ConfigurationError, StoreError

from . import page
from .orders import draw, name_of
from .run import with_the_library, without_it
from .style import Style
from .verdict import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilient_lambda import Store

PROGRAM = "python -m examples.demo"
FEWEST, MOST = 20, 5_000
ALL = "all"
TABLE = "resilient-lambda-demo"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
DESCRIPTION = """\
Handle a queue of orders with this library, in the simulator of resilient_lambda.testing: real SQS event JSON, with
duplicates, poison, throttling, crashes, freezes and outages, all drawn from a seed, in virtual time. Prints what
happened and a ledger, and fails if one order was not handled exactly as often as it should be."""
EXIT_CODES = """\
exit codes:
  0  the promise held
  1  it did not, or the store could not be used
  2  the command line was not understood"""


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options in *argv*, by default those that the program was started with."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orders", type=_count, default=300, metavar="N", help=f"how many, from {FEWEST} to {MOST}; default: 300"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="what goes wrong, and when; default: 7")
    parser.add_argument(
        "--store", choices=("memory", "dynamodb"), default="memory", help="where the claims are kept; default: memory"
    )
    parser.add_argument(
        "--endpoint", metavar="URL", help="where DynamoDB is, such as http://127.0.0.1:8000; default: AWS"
    )
    parser.add_argument("--table", default=TABLE, metavar="NAME", help=f"made if it is not there; default: {TABLE}")
    parser.add_argument("--no-contrast", action="store_true", help="leave out the same run without the library")
    parser.add_argument(
        "--timeline",
        nargs="?",
        const=ALL,
        metavar="ORDER",
        help="print what happened to it, order-0007 for example, or to all",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw what happened, as SVG")
    parser.add_argument("--verbose", action="store_true", help="show the library's warning line of each failed record")
    args = parser.parse_args(argv)
    if args.timeline not in (None, ALL, *map(name_of, range(args.orders))):
        last = name_of(args.orders - 1)
        parser.error(f"argument --timeline: {args.timeline!r} is no order from {name_of(0)} to {last}")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo with the options in *argv* and return the exit code: 0 if the promise held."""
    args = parse(argv)
    try:
        store = _store(args)
    except (ConfigurationError, StoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return show(args, store)


def show(args: argparse.Namespace, store: Store) -> int:
    """Play the schedule that *args* ask for over *store*, print it, and return 0 if the promise held."""
    began_s = time.perf_counter()
    style = Style.of(sys.stdout)
    schedule = draw(args.orders, args.seed)
    print(
        style.bold(f"resilient_lambda {__version__}") + f": {args.orders} orders, seed {args.seed}, {args.store} store"
    )
    _print(page.sent(schedule, style))
    with _LogLines(are_shown=args.verbose):
        run = with_the_library(schedule, store)
    found = settle(schedule, run)
    _print(page.went_wrong(run, style))
    _print(page.was_done(run, style))
    _print(page.ledger(found, style))
    if not args.no_contrast:
        plain = {name: settle(schedule, other) for name, other in without_it(schedule).items()}
        _print(page.contrast({"this library": found, **plain}, style))
    if args.timeline:
        ids = [] if args.timeline == ALL else run.messages_of(args.timeline)
        _print([style.title("TIMELINE"), run.delivery.timeline(*ids)])
    if args.plot:
        try:
            run.delivery.plot(args.plot)
        except OSError as error:
            print(f"error: {args.plot} cannot be written: {error.strerror}", file=sys.stderr)
            return 1
        print(f"\nwrote {args.plot}")
    _print(page.verdict(found, style))
    if not found.holds:
        print(f"  see it again: {PROGRAM} --orders {args.orders} --seed {args.seed} --store {args.store}")
    real_s = time.perf_counter() - began_s
    print(style.dim(f"{run.duration_s / 60:.0f} minutes of Lambda's time in {real_s:.1f} s of yours"))
    return 0 if found.holds else 1


def _store(args: argparse.Namespace) -> Store:
    """
    Return the store that was asked for; DynamoDB's table is made if it is not there.

    Raises:
        ConfigurationError: Options do not go together, or boto3 is missing.
        StoreError: DynamoDB cannot be reached, or the table cannot be used.
    """
    if args.store == "memory":
        if args.endpoint:
            raise ConfigurationError("--endpoint is for --store dynamodb; the memory store is nowhere else")
        return MemoryStore()
    _lend_credentials(args.endpoint)
    options = ["--table", args.table, *(["--endpoint-url", args.endpoint] if args.endpoint else [])]
    if library_command(["table", "create", *options]) != 0:
        raise StoreError(f"the table {args.table!r} cannot be used; the line above says why")
    return DynamoDBStore(args.table, endpoint_url=args.endpoint)


def _lend_credentials(endpoint: str | None) -> None:
    """Set any credentials and region if the engine is on this machine and none are set: a local one takes all."""
    if urlsplit(endpoint or "").hostname not in LOOPBACK:
        return
    if not {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & set(os.environ):
        os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local")
    if not {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} & set(os.environ):
        os.environ["AWS_REGION"] = "us-east-1"


class _LogLines:
    """The library's log lines on standard error inside the ``with`` block, or kept quiet."""

    def __init__(self, *, are_shown: bool) -> None:
        self._logger = logging.getLogger("resilient_lambda")
        self._handler: logging.Handler = logging.StreamHandler() if are_shown else logging.NullHandler()
        self._propagates = self._logger.propagate

    def __enter__(self) -> None:
        self._logger.addHandler(self._handler)
        self._logger.propagate = False

    def __exit__(self, *exc_info: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.propagate = self._propagates


def _print(lines: list[str]) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    text = "\n".join(line.rstrip() for line in lines)
    print(text.encode(encoding, "replace").decode(encoding))  # the timeline draws its lines wherever it is printed


def _count(text: str) -> int:
    """Return *text* as a number of orders, for argparse."""
    if not text.isdecimal() or not FEWEST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {FEWEST} to {MOST}")
    return int(text)
