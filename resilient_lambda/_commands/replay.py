"""``python -m resilient_lambda replay``: dead letters go back to their source, to another queue, or to a function."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.sources import SOURCE_NAMES
from ..errors import ConfigurationError, StoreError
from ..stores._dynamodb_wire import TTL_ATTRIBUTE, TTL_FIELD
from ..stores.dynamodb import TABLE_VARIABLE, DynamoDBStore
from ._replay_bucket import BucketLetters, bucket_and_prefix
from ._replay_calls import CallError, Clients, connecting
from ._replay_function import ToFunction
from ._replay_letter import parse_iso
from ._replay_queue import QueueLetters
from ._replay_run import Choice, Replay
from ._replay_target import ToQueue, ToSource

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Generator

    from ..stores.base import Store
    from ._replay_calls import Connect
    from ._replay_target import Target
    from .table import Subparsers

SUMMARY = "Send dead letters back to their source, to another queue, or to a function."
DETAILS = """\
For each letter: a failure that the idempotency table remembers is cleared, the letter
is sent, and only when that is confirmed it is deleted. What is not sent is given back.
Ctrl-C ends it after the step at hand; a second one at once.

examples:
  replay --from-queue URL --dry-run
  replay --from-queue URL --error-type KeyError --since 2h --limit 5
  replay --from-s3 s3://parked/orders/ --to-function orders-worker
"""
INTERRUPTED = 130
_TABLE_OPTIONS = ("key_attribute", "sort_key_attribute", "sort_key_value", "ttl_attribute")


def add_parser(subparsers: Subparsers) -> None:
    """Add ``replay``; the parsed arguments carry ``run``, to be called with them."""
    from argparse import RawDescriptionHelpFormatter

    parser = subparsers.add_parser("replay", help="send dead letters once more", description=SUMMARY)
    parser.usage = (
        "%(prog)s (--from-queue URL | --from-s3 s3://BUCKET/PREFIX)\n"
        "         [--to source | --to-queue URL | --to-function NAME] [options]"
    )
    parser.epilog, parser.formatter_class = DETAILS, RawDescriptionHelpFormatter
    parser.set_defaults(run=partial(replay, parser.error))
    letters = parser.add_argument_group("where the letters are").add_mutually_exclusive_group(required=True)
    letters.add_argument("--from-queue", metavar="URL", help="an SQS queue, standard or FIFO")
    letters.add_argument("--from-s3", metavar="s3://BUCKET/PREFIX", help="objects in S3")
    to = parser.add_argument_group("where they go")
    targets = to.add_mutually_exclusive_group()
    targets.add_argument("--to", choices=["source"], help="the queue or stream each came from; the default")
    targets.add_argument("--to-queue", metavar="URL", help="one SQS queue for all")
    targets.add_argument("--to-function", metavar="NAME", help="a Lambda function; name or ARN, with alias or version")
    to.add_argument("--batch", type=int, default=1, metavar="N", help="letters of one source in one event: 1 to 10")
    to.add_argument("--wait", action="store_true", help="wait for each run of the function, and keep what fails")
    to.add_argument("--run-id", help="repeat an interrupted run under its id, with the ids of its messages")
    which = parser.add_argument_group("which of them")
    which.add_argument(
        "--error-type", action="append", default=[], metavar="NAME", help="class of the error; repeatable"
    )
    which.add_argument("--source", action="append", default=[], metavar="NAME", help="sqs, kinesis, ..., or an ARN")
    which.add_argument("--function", action="append", default=[], metavar="NAME", help="that set it aside; repeatable")
    which.add_argument("--since", metavar="TIME", help="set aside since: 2026-11-21T09:00Z, or 90m, 2h, 3d ago")
    which.add_argument("--until", metavar="TIME", help="set aside until")
    which.add_argument("--limit", type=int, metavar="N", help="send at most so many")
    how = parser.add_argument_group("how")
    how.add_argument("--dry-run", action="store_true", help="say what would be sent; a queue counts it as a receive")
    how.add_argument("--keep", action="store_true", help="do not delete what was sent")
    how.add_argument("--region", help="default: AWS_REGION, then the profile's")
    how.add_argument("--endpoint-url", help="where AWS is, for emulators")
    _add_table_options(parser.add_argument_group("the idempotency table, where failures are remembered"))


def _add_table_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--table", default=os.environ.get(TABLE_VARIABLE), help=f"its name; default {TABLE_VARIABLE}")
    group.add_argument("--key-attribute", help="partition key; default: id")
    group.add_argument("--sort-key-attribute", help="sort key; default: none")
    group.add_argument("--sort-key-value", help="default: resilient_lambda")
    group.add_argument("--ttl-attribute", help=f"default: {TTL_ATTRIBUTE}")
    group.add_argument(
        "--attribute", action="append", default=[], metavar="FIELD=NAME", help="a field that has another name there"
    )


def run(args: argparse.Namespace, *, connect: Connect | None = None) -> int:
    """
    Run what `add_parser` parsed and return the exit code; what fails is told in one line.

    Args:
        connect: Builds clients; by default real ones.
    """
    command: Callable[..., int] = args.run
    try:
        return command(args, connect or connecting(args.endpoint_url))
    except (ConfigurationError, StoreError, CallError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def replay(fail: Callable[[str], Any], args: argparse.Namespace, connect: Connect) -> int:
    """
    Replay; exit code 1 if a letter that was meant stays, 130 if it was interrupted.

    Args:
        fail: Ends the program with a usage error.
    """
    choice = _checked(fail, args)
    store = _store(fail, args)
    run_id: str = args.run_id or os.urandom(6).hex()
    clients = Clients(args.region, connect)
    letters = (
        QueueLetters(args.from_queue, clients)
        if args.from_queue
        else BucketLetters(args.from_s3, clients, since_s=choice.since_s)
    )
    letters.open()
    target: Target
    if args.to_function:
        target = ToFunction(args.to_function, clients, run_id, lot=args.batch, waits=args.wait)
    elif args.to_queue:
        target = ToQueue(args.to_queue, clients, run_id)
    else:
        target = ToSource(clients, run_id, letters.arn)
    for warning in letters.warnings:
        _tell(f"warning: {warning}")
    _tell(
        f"{'dry run' if args.dry_run else f'run {run_id}'}{f', about {letters.count} letters' if letters.count else ''}"
    )
    with _stop_on_signals() as stopping:
        each = Replay(
            letters,
            target,
            choice,
            store=store,
            limit=args.limit or float("inf"),
            is_dry=args.dry_run,
            keeps=args.keep,
            stopping=stopping,
            tell=_tell,
            show=print,
        )
        try:
            each.run()
        finally:
            print("\n".join(each.tally.summary(is_dry=args.dry_run)))
        if stopping():
            _tell(f"interrupted; unless something is mended first, go on with --run-id {run_id}")
            return INTERRUPTED
    tally = each.tally
    return 1 if tally.failed or tally.refused or tally.kept or tally.unreached else 0


def _checked(fail: Callable[[str], Any], args: argparse.Namespace) -> Choice:
    if not 1 <= args.batch <= 10:
        fail(f"--batch {args.batch}: between 1 and 10")
    if not args.to_function and (args.wait or args.batch > 1):
        fail("--wait and --batch are for --to-function")
    if args.limit is not None and args.limit < 1:
        fail(f"--limit {args.limit}: at least 1")
    if args.from_queue and args.from_queue == args.to_queue:
        fail("--from-queue and --to-queue are the same queue")
    _check_addresses(fail, args)
    for source in args.source:
        if source not in (*SOURCE_NAMES, "invocation") and not source.startswith("arn:"):
            fail(f"--source {source!r}: neither an ARN nor one of {', '.join(SOURCE_NAMES)}, invocation")
    now_s = time.time()
    bounds = {"since": 0.0, "until": float("inf")}
    for name in bounds:
        text: str | None = getattr(args, name)
        if text is not None:
            try:
                bounds[name] = time_of(text, now_s=now_s)
            except ValueError:
                fail(f"--{name} {text!r}: neither a time, 2026-11-21T09:00Z, nor how long ago, 90m, 2h, 3d")
    if bounds["since"] > bounds["until"]:
        fail(f"--since {args.since} is later than --until {args.until}: nothing was ever set aside between them")
    return Choice(args.error_type, args.source, bounds["since"], bounds["until"], now_s, args.function)


def _check_addresses(fail: Callable[[str], Any], args: argparse.Namespace) -> None:
    if args.from_s3:
        try:
            bucket_and_prefix(args.from_s3)
        except ValueError as error:
            fail(f"--from-s3: {error}")
    for option, url in (("--from-queue", args.from_queue), ("--to-queue", args.to_queue)):
        if url and "://" not in url:
            fail(f"{option} {url!r} is no URL of a queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")


def _store(fail: Callable[[str], Any], args: argparse.Namespace) -> Store | None:
    """Return where handlers remember failures, None if no table is named."""
    given = {name: getattr(args, name) for name in _TABLE_OPTIONS if getattr(args, name)}
    if not args.table:
        for name in (*given, *(["attribute"] if args.attribute else [])):
            fail(f"--{name.replace('_', '-')} is about a table: pass --table")
        return None
    renamed = {TTL_FIELD: given.pop("ttl_attribute", TTL_ATTRIBUTE)}
    for pair in args.attribute:
        field, _, name = pair.partition("=")
        if not (field and name):
            fail(f"--attribute {pair!r}: FIELD=NAME")
        renamed[field] = name
    try:
        return DynamoDBStore(
            args.table, endpoint_url=args.endpoint_url, region=args.region, attributes=renamed, **given
        )
    except ConfigurationError as error:
        return fail(str(error))  # type: ignore[no-any-return]  # it does not return


def time_of(text: str, *, now_s: float) -> float:
    """
    Return the time that *text* says: a date and time in UTC, or how long ago, such as ``90m``, ``2h`` or ``3d``.

    Raises:
        ValueError: It is neither.
    """

    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    if text[:-1].isdecimal() and text[-1] in units:
        return now_s - int(text[:-1]) * units[text[-1]]
    return parse_iso(text)


class _Stop:
    """Told by the first signal; the second one ends the program where it is."""

    def __init__(self) -> None:
        self._is_set = False

    def __call__(self) -> bool:
        return self._is_set

    def note(self, *_: object) -> None:
        if self._is_set:
            raise KeyboardInterrupt
        self._is_set = True
        _tell("stopping after this step; once more ends it at once")


@contextmanager
def _stop_on_signals() -> Generator[_Stop]:
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield stop
        return
    before = {number: signal.signal(number, stop.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
