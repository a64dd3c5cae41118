"""``python -m resilient_lambda key show``: one idempotency item, and what it means now."""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.item_format import NATIVE
from .._core.powertools_format import POWERTOOLS
from ..errors import ConfigurationError, ItemFormatError, NonRetryableError
from ..stores._dynamodb_wire import TTL_ATTRIBUTE, TTL_FIELD, Layout
from ..stores.dynamodb import TABLE_VARIABLE
from . import _key_text as text
from . import table
from ._table_calls import Table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from .._core.item_format import ItemFormat

run = table.run


def add_parser(subparsers: table.Subparsers) -> None:
    """Add ``key show``; the parsed arguments carry ``run``, to be called with them."""
    verbs = subparsers.add_parser(
        "key", help="what is stored under an idempotency key", description="Look at one idempotency key."
    ).add_subparsers(dest="verb", required=True, metavar="show")
    summary = "Show who has the key, what became of it, and what the next delivery will meet."
    parser = verbs.add_parser("show", help=summary, description=summary)
    parser.set_defaults(run=partial(show, parser.error))
    parser.add_argument("key", nargs="?", metavar="KEY", help="as logs and events name it: v1#orders#fc05...")
    parser.add_argument("--namespace", help="instead of KEY: the function's name, or what Idempotency(namespace=) says")
    parser.add_argument("--value", help="with --namespace: the key in JSON, or a plain word")
    parser.add_argument(
        "--powertools", action="store_true", help="with --namespace, the key's prefix: as layout='powertools' has it"
    )
    parser.add_argument("--table", default=os.environ.get(TABLE_VARIABLE), help=f"its name; default {TABLE_VARIABLE}")
    parser.add_argument("--region", help="default: AWS_REGION, then the profile's")
    parser.add_argument("--endpoint-url", help="where DynamoDB is, for DynamoDB Local")
    parser.add_argument("--key-attribute", default="id", help="partition key; default: id")
    parser.add_argument("--sort-key-attribute", help="sort key; default: none")
    parser.add_argument("--sort-key-value", default="resilient_lambda", help="default: resilient_lambda")
    parser.add_argument("--ttl-attribute", default=TTL_ATTRIBUTE, help=f"default: {TTL_ATTRIBUTE}")
    parser.add_argument(
        "--attribute", action="append", default=[], metavar="FIELD=NAME", help="a field that has another name there"
    )
    parser.add_argument("--result", action="store_true", help="show the recorded result: it is what you returned")
    parser.add_argument("--json", action="store_true", help="the item as DynamoDB writes it")


def show(fail: Callable[[str], Any], args: argparse.Namespace) -> int:
    """
    Print the item; exit code 1 if there is none or it is not understood.

    Args:
        fail: Ends the program with a usage error.
    """
    if (args.key is None) == (args.namespace is None) or (args.namespace is None) != (args.value is None):
        fail("pass either KEY or both --namespace and --value")
    key: str = args.key or _computed(args.namespace, args.value, POWERTOOLS if args.powertools else NATIVE)
    items = _Items(args)
    attributes = items.read(key)
    if attributes is None:
        print(text.absent(key, args.table, is_computed=args.key is None), file=sys.stderr)
        return 1
    if args.json:
        results = {items.layout.attribute(name) for name in text.RESULT_FIELDS} & set(attributes)
        if results and not args.result:
            print(f"note: left out without --result: {', '.join(results)}", file=sys.stderr)
        print(text.raw(attributes, without=() if args.result else results))
        return 0
    item = items.layout.to_item(attributes)
    try:
        found = text.recognise(item)
    except ItemFormatError as error:
        print(f"error: {text.unknown(error, attributes)}", file=sys.stderr)
        return 1
    print("\n".join(text.report(key, item, found, now_s=time.time())))
    if args.result and found.entry.result is not None:
        print(_readable(found.entry.result))
    return 0


class _Items(Table):
    """The items of the table that the options name."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__(args)
        renamed = {TTL_FIELD: args.ttl_attribute}
        for pair in args.attribute:
            field, _, name = pair.partition("=")
            renamed[field] = name
        self.layout = Layout(args.key_attribute, args.sort_key_attribute, args.sort_key_value, renamed)

    def read(self, key: str) -> dict[str, Any] | None:
        """Return the attributes of the item under *key*, None if there is none."""
        return self._call("GetItem", "get_item", Key=self.layout.key(key), ConsistentRead=True).get("Item")


def _computed(namespace: str, value: str, layout: ItemFormat) -> str:
    try:
        content = json.loads(value)
    except ValueError:
        content = value
        print(f"note: --value is no JSON, so it is taken as the string {json.dumps(value)}", file=sys.stderr)
    try:
        return layout.stored_key(layout.prefix(namespace), content)
    except NonRetryableError as error:
        raise ConfigurationError(f"--value {value!r} makes no key: {error}") from None


def _readable(result: str | bytes) -> str:
    if isinstance(result, str):
        return result
    import zlib

    try:
        return zlib.decompress(result).decode()
    except (zlib.error, ValueError):
        return f"{result!r} (not what this library compresses)"
