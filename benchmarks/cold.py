"""CPU time of a cold start: import and decoration, each in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from .row import Measured

ROOT = Path(__file__).resolve().parent.parent
RUNS = 15
WARM_UPS = 2  # they compile to .pyc and fill the page cache
INIT = {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}
_NOTE = f"median of {RUNS} fresh interpreters after {WARM_UPS} warm-ups, runtime client loaded before"


def import_core() -> Measured:
    """Build batch and idempotency without an AWS client; the peer builds a batch alone, as its layer needs a client."""
    ours, peer = _medians_ms("ours", "peer_batch", {})
    return Measured(ours, peer, "Powertools, batch alone", f"{_NOTE}; the peer without idempotency")


def import_ready() -> Measured:
    """Build the same in Lambda's INIT phase, ready to call DynamoDB."""
    ours, peer = _medians_ms("ours", "peer_idempotent", INIT)
    return Measured(
        ours,
        peer,
        "Powertools, batch and idempotency",
        f"{_NOTE}; ours has rehearsed a call, the peer built its client",
    )


def _medians_ms(ours: str, peer: str, env: dict[str, str]) -> tuple[float, float]:
    times: dict[str, list[float]] = {ours: [], peer: []}
    for run in range(WARM_UPS + RUNS):
        for function, measured in times.items():
            taken_ms = _run(function, env)
            if run >= WARM_UPS:
                measured.append(taken_ms)
    return median(times[ours]), median(times[peer])


def _run(function: str, env: dict[str, str]) -> float:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "RESILIENT_LAMBDA_", "POWERTOOLS_", "PYTHON", "COV_"))
    }
    credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
    region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cold_child", function],
        cwd=ROOT,
        env={**inherited, **credentials, **region, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return float(done.stdout)
