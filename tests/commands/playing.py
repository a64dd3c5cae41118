"""How the tests of this folder run the demo."""

from __future__ import annotations

import argparse
import re

from resilient_lambda._commands import demo


def parse(*options: str) -> argparse.Namespace:
    """Return the parsed options of ``demo``."""
    parser = argparse.ArgumentParser()
    demo.add_parser(parser.add_subparsers())
    return parser.parse_args(["demo", *options])


def without_the_time(output: str) -> str:
    """Return *output* without the seconds that the run took."""
    return re.sub(r"in [0-9.]+ s of yours", "in ... s of yours", output)
