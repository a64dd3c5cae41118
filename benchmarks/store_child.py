"""
Do one of `benchmarks.store_works` several times in this process; print what each time took, as JSON.

The first batch is not measured: it opens the connections. Every batch has keys that nobody has used.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from resilient_lambda.testing import lambda_context, sqs_event

from .proxy_statistics import statistics
from .store_works import WORKS, Setting

BODY_BYTES = 500
WARM_UP_RECORDS = 100
TIMEOUT_S = 900


class Order(NamedTuple):
    """
    What the child is asked to do.

    Attributes:
        work: One of `WORKS`.
        counts: Whether the setting's url is that of a proxy, which counts requests.
    """

    work: str
    records: int
    repeats: int
    counts: bool
    setting: Setting


def orders(records: int) -> dict[str, Any]:
    """Return an SQS event of new orders, about 500 bytes of JSON each."""
    batch = uuid.uuid4().hex[:12]
    bodies = ({"order_id": f"{batch}-{n:05}", "customer": f"customer-{n}", "total": n + 1} for n in range(records))
    return sqs_event({**body, "remarks": "x" * (BODY_BYTES - 85)} for body in bodies)


def resident_bytes(field: str) -> int:
    """Return VmRSS (now) or VmHWM (at most, since `forget_peak`); where there is no /proc, the most so far for both."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def forget_peak() -> None:
    """Let VmHWM begin anew."""
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5", "ascii")


def main(order: Order) -> dict[str, list[float]]:
    """Return a list of figures, one for each repetition."""
    handler = WORKS[order.work](order.setting)
    figures: dict[str, list[float]] = {"wall_ms": [], "cpu_ms": [], "requests": [], "memory_bytes": []}
    for repetition in range(1 + order.repeats):
        event = orders(order.records if repetition else min(order.records, WARM_UP_RECORDS))
        context = lambda_context("orders", timeout_s=TIMEOUT_S)
        gc.collect()
        before = statistics(order.setting.url)["requests"] if order.counts else 0
        forget_peak()
        resident = resident_bytes("VmRSS")
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        answer = handler(event, context)
        wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
        if answer != {"batchItemFailures": []}:
            raise AssertionError(f"{order.work} failed: {str(answer)[:500]}")
        if repetition:
            figures["wall_ms"].append(wall_s * 1000)
            figures["cpu_ms"].append(cpu_s * 1000)
            figures["memory_bytes"].append(resident_bytes("VmHWM") - resident)
            figures["requests"].append(statistics(order.setting.url)["requests"] - before if order.counts else 0)
    return figures


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(main(Order(**{**asked, "setting": Setting(**asked["setting"])}))))
