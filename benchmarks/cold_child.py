"""Import one Lambda function over the loaded runtime client; print the CPU milliseconds that it took."""

from __future__ import annotations

import importlib
import sys
from time import process_time_ns

# What Lambda's Python has loaded before it imports the user's module.
import awslambdaric.bootstrap  # noqa: F401

start = process_time_ns()
importlib.import_module(f"benchmarks.functions.{sys.argv[1]}")
sys.stdout.write(f"{(process_time_ns() - start) / 1e6}\n")
