"""Every row of the table, in its order, with its aim."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .row import Aim, Benchmark

if TYPE_CHECKING:
    from .row import Measured


def _do(module: str, function: str, *arguments: Any) -> Measured:
    # The peers take a second to import: only what is measured is loaded.
    measured: Measured = getattr(import_module(f".{module}", __package__), function)(*arguments)
    return measured


STREAMS = ("kinesis", "dynamodb", "kafka")

BENCHMARKS = (
    Benchmark("import_core_cpu", "ms", Aim(absolute=12.0), partial(_do, "cold", "import_core")),
    Benchmark("import_ready_cpu", "ms", Aim(ratio=0.7), partial(_do, "cold", "import_ready")),
    Benchmark("batch_ok_1000", "us/record", Aim(absolute=0.8), partial(_do, "batches", "ok", 1_000)),
    Benchmark("batch_ok_raw_1000", "us/record", Aim(absolute=0.2), partial(_do, "batches", "ok_raw", 1_000)),
    *(
        Benchmark(
            f"batch_ok_{source}_1000", "us/record", Aim(absolute=0.8), partial(_do, "batches", "ok", 1_000, source)
        )
        for source in STREAMS
    ),
    Benchmark("batch_fail_100", "us/record", Aim(absolute=1.6), partial(_do, "batches", "failing", 100)),
    Benchmark("batch_fail_1000", "us/record", Aim(absolute=1.6), partial(_do, "batches", "failing", 1_000)),
    Benchmark("batch_fail_10000", "us/record", Aim(absolute=1.6), partial(_do, "batches", "failing", 10_000)),
    *(
        Benchmark(
            f"batch_fail_{source}_10000",
            "us/record",
            Aim(absolute=1.6),
            partial(_do, "batches", "failing", 10_000, source),
        )
        for source in STREAMS
    ),
    Benchmark("batch_fail_1000_logged", "us/record", Aim(), partial(_do, "batches", "failing_logged", 1_000)),
    Benchmark("batch_model_1000", "us/record", Aim(ratio=1.0), partial(_do, "batches", "validated", 1_000)),
    Benchmark("batch_ok_10000_memory", "kB", Aim(ratio=1.0), partial(_do, "memory", "ok", 10_000)),
    Benchmark("batch_fail_10000_memory", "kB", Aim(ratio=1.0), partial(_do, "memory", "failing", 10_000)),
    Benchmark("ordered_parallel_1000", "ms", Aim(), partial(_do, "ordered", "parallel", 1_000)),
    Benchmark("ordered_parallel_async_1000", "ms", Aim(), partial(_do, "ordered", "parallel_async", 1_000)),
    Benchmark("idempotency_cache_hit", "us", Aim(absolute=6.0), partial(_do, "idempotency", "cache_hit")),
    Benchmark("idempotency_miss_requests", "requests", Aim(ratio=1.0), partial(_do, "idempotency", "miss_requests")),
    Benchmark("idempotent_batch_100", "ms", Aim(ratio=0.07), partial(_do, "store_rows", "batch", 100)),
    Benchmark("idempotent_batch_100_cpu", "ms", Aim(ratio=0.07), partial(_do, "store_rows", "batch_cpu", 100)),
    Benchmark(
        "idempotent_batch_100_requests",
        "requests",
        Aim(absolute=10.0),
        partial(_do, "store_rows", "batch_requests", 100),
    ),
    Benchmark("idempotent_batch_100_working", "ms", Aim(), partial(_do, "store_rows", "batch_working", 100)),
    Benchmark("idempotent_batch_1000", "ms", Aim(ratio=0.07), partial(_do, "store_rows", "batch", 1_000)),
    Benchmark("idempotent_batch_10000", "ms", Aim(ratio=1.2), partial(_do, "store_rows", "linear")),
    Benchmark("idempotent_batch_10000_memory", "MB", Aim(absolute=60.0), partial(_do, "store_rows", "memory")),
    Benchmark("idempotent_single", "ms", Aim(ratio=1.0), partial(_do, "store_rows", "single")),
    Benchmark("idempotent_single_requests", "requests", Aim(ratio=1.0), partial(_do, "store_rows", "single_requests")),
    Benchmark("commit_with_100", "ms", Aim(), partial(_do, "store_rows", "committing", 100)),
    Benchmark("retry_ok", "us", Aim(absolute=0.4), partial(_do, "retries", "succeeding")),
    Benchmark("retry_one_failure", "us", Aim(ratio=1.0), partial(_do, "retries", "failing_once")),
    Benchmark("classify_client_error", "us", Aim(), partial(_do, "retries", "classifying")),
    Benchmark("simulated_delivery", "us/message", Aim(absolute=50.0), partial(_do, "simulator", "delivered")),
    Benchmark("wheel_bytes", "bytes", Aim(absolute=150_000.0), partial(_do, "wheel", "wheel_bytes")),
)
