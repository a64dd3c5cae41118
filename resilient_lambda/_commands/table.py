"""``python -m resilient_lambda table``: the DynamoDB table: made, checked, printed as template and policy."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, StoreError
from ..stores._dynamodb_wire import TTL_ATTRIBUTE
from ..stores.dynamodb import TABLE_VARIABLE
from ._table_calls import Table, show_keys
from ._table_text import cloudformation, policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    class Subparsers(Protocol):
        """What ``argparse.ArgumentParser.add_subparsers`` returns."""

        def add_parser(self, name: str, *, help: str, description: str | None = None) -> argparse.ArgumentParser: ...


def add_parser(subparsers: Subparsers) -> None:
    """Add ``table`` with its four verbs; the parsed arguments carry ``run``, to be called with them."""
    text = "Make, check or print the DynamoDB table that keeps claims, circuits and counters."
    verbs = subparsers.add_parser("table", help="the DynamoDB table of the store", description=text).add_subparsers(
        dest="verb", required=True, metavar="create|describe|cloudformation|iam"
    )
    for verb, run, summary in (
        ("create", create, "create the table with TTL on; harmless if it exists"),
        ("describe", describe, "show the table, and what is wrong with it"),
        ("cloudformation", print_cloudformation, "print the table as a CloudFormation template"),
        ("iam", print_policy, "print the least-privilege policy of a function that uses the table"),
    ):
        parser = verbs.add_parser(verb, help=summary, description=summary[0].upper() + summary[1:] + ".")
        parser.set_defaults(run=run)
        parser.add_argument(
            "--table", default=os.environ.get(TABLE_VARIABLE), help=f"its name; default {TABLE_VARIABLE}"
        )
        parser.add_argument("--region", help="default: AWS_REGION, then the profile's")
        if verb == "iam":
            parser.add_argument("--account", help="the account's number; default: any")
            continue
        parser.add_argument("--key-attribute", default="id", help="partition key; default: id")
        parser.add_argument("--sort-key-attribute", help="sort key; default: none")
        parser.add_argument("--ttl-attribute", default=TTL_ATTRIBUTE, help=f"default: {TTL_ATTRIBUTE}")
        if verb == "cloudformation":
            parser.add_argument("--point-in-time-recovery", action="store_true", help="keep backups of 35 days")
        else:
            parser.add_argument("--endpoint-url", help="where DynamoDB is, for DynamoDB Local")


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``table`` alone with *argv*, such as ``["table", "create"]``, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m resilient_lambda")
    add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(argv)
    return run(args)


def run(args: argparse.Namespace) -> int:
    """Run what `add_parser` parsed and return the exit code; what fails is told in one line."""
    verb: Callable[[argparse.Namespace], int] = args.run
    try:
        if not args.table and verb is not print_cloudformation:
            raise ConfigurationError(f"no table name: pass --table or set {TABLE_VARIABLE}")
        return verb(args)
    except (ConfigurationError, StoreError) as error:
        cause = f"\n  {error.__cause__}" if error.__cause__ is not None else ""
        print(f"error: {error}{cause}", file=sys.stderr)
        return 1


def create(args: argparse.Namespace) -> int:
    """Create the table on demand, wait until it is active, and turn TTL on."""
    table = Table(args)
    found = table.look()
    if found is None:
        table.create()
        print(f"created table {args.table!r} with {table.layout.describe_key()}, billed by request")
    else:
        print(f"table {args.table!r} exists")
    found = table.wait_until_active()
    problem = table.key_problem(found)
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    status, attribute = table.time_to_live()
    if status in ("ENABLED", "ENABLING") and attribute != args.ttl_attribute:
        print(f"error: {_other_ttl(attribute, args.ttl_attribute)}", file=sys.stderr)
        return 1
    if status not in ("ENABLED", "ENABLING"):
        table.enable_time_to_live()
        print(f"turned TTL on: attribute {args.ttl_attribute!r}")
    else:
        print(f"TTL is on: attribute {args.ttl_attribute!r}")
    return 0


def describe(args: argparse.Namespace) -> int:
    """Print what the table is; exit code 1 if something must be done."""
    table = Table(args)
    found = table.look()
    if found is None:
        print(f"table {args.table!r} does not exist here; create it: {_create_command(args)}", file=sys.stderr)
        return 1
    status, attribute = table.time_to_live()
    billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    print(f"table     {args.table} ({found['TableStatus']})")
    print(f"keys      {show_keys(found)}")
    print(f"TTL       {status}{f' on {attribute!r}' if attribute else ''}")
    print(f"billing   {billing}")
    print(f"items     {found.get('ItemCount', 0)} (AWS counts them about every six hours)")
    problems = [problem for problem in (table.key_problem(found), _ttl_problem(args, status, attribute)) if problem]
    for problem in problems:
        print(f"problem   {problem}")
    return 1 if problems else 0


def print_cloudformation(args: argparse.Namespace) -> int:
    """Print the template."""
    print(
        cloudformation(
            table=args.table,
            key_attribute=args.key_attribute,
            sort_key_attribute=args.sort_key_attribute,
            ttl_attribute=args.ttl_attribute,
            recovers_points_in_time=args.point_in_time_recovery,
        )
    )
    return 0


def print_policy(args: argparse.Namespace) -> int:
    """Print the policy."""
    region = args.region or os.environ.get("AWS_REGION")
    print(policy(table=args.table, region=region, account=args.account))
    return 0


def _ttl_problem(args: argparse.Namespace, status: str, attribute: str | None) -> str | None:
    if status not in ("ENABLED", "ENABLING"):
        return f"TTL is off, so items stay for ever and cost storage; turn it on: {_create_command(args)}"
    if attribute != args.ttl_attribute:
        return _other_ttl(attribute, args.ttl_attribute)
    return None


def _other_ttl(attribute: str | None, wanted: str) -> str:
    return (
        f"TTL is on, but on the attribute {attribute!r}, not {wanted!r}: items of the library would never expire;"
        f" use DynamoDBStore(attributes={{'expires_at_s': {attribute!r}}}) and --ttl-attribute {attribute}"
    )


def _create_command(args: argparse.Namespace) -> str:
    return f"python -m resilient_lambda table create --table {args.table}"
