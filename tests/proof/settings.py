"""Settings under which each source keeps an event for as long as it takes: what is lost then is the handler's fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .schedule import Options


def _sqs(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    window_s = rng.choice((0.0, 1.0, 20.0))
    return {
        # Received for as long as the window is open: with less than both together some would never be deleted.
        "visibility_s": timeout_s * rng.choice((1, 2, 6)) + window_s,
        "batch_size": rng.choice((1, 3, 10)),
        "window_s": window_s,
        "max_concurrency": rng.choice((None, 2)),
        **_receives(rng, options),
    }


def _fifo(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    return {
        "visibility_s": timeout_s * rng.choice((1, 2, 6)),
        "batch_size": rng.choice((1, 3, 10)),
        "max_concurrency": rng.choice((None, 2)),
        **_receives(rng, options),
    }


def _receives(rng: Random, options: Options) -> dict[str, Any]:
    """Return how often a message may come; where that has an end, a dead-letter queue is there."""
    if not options.has_letters and rng.random() < 0.5:
        return {"max_receives": rng.choice((5, 20)), "dead_letter": True}
    return {"max_receives": None, "dead_letter": False}


def _stream(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    return {
        "shards": rng.choice((1, 2)),
        "batch_size": rng.choice((1, 3, 100)),
        "window_s": rng.choice((0.0, 1.0)),
        "bisect": rng.random() < 0.5,
        "parallelization": rng.choice((1, 1, 3)),
        **_retries(rng, options),
    }


def _kafka(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    return {
        "partitions": rng.choice((1, 3)),
        "batch_size": rng.choice((1, 3, 100)),
        "window_s": rng.choice((0.0, 0.5)),
        "bisect": rng.random() < 0.5,
        **_retries(rng, options),
    }


def _share_group(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    return {
        "share_group": True,
        "partitions": rng.choice((1, 3)),
        "batch_size": rng.choice((1, 3, 100)),
        **_retries(rng, options),
    }


def _retries(rng: Random, options: Options) -> dict[str, Any]:
    """Return how often a batch may come; where that has an end, a destination is there."""
    if not options.has_letters and rng.random() < 0.5:
        return {"retries": rng.choice((3, 20)), "on_failure": "sqs"}
    return {"retries": -1, "on_failure": None}


def _asynchronous(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    # Three attempts are not many: without a destination AWS itself would lose what fails.
    return {"retries": rng.choice((0, 1, 2)), "on_failure": "sqs"}


def _synchronous(rng: Random, timeout_s: float, options: Options) -> dict[str, Any]:
    return {"attempts": 10_000, "wait_s": rng.choice((3.0, 10.0, 40.0))}


SETTINGS: dict[str, Callable[[Random, float, Options], dict[str, Any]]] = {
    "sqs": _sqs,
    "fifo": _fifo,
    "kinesis": _stream,
    "dynamodb": _stream,
    "kafka": _kafka,
    "share-group": _share_group,
    "asynchronous": _asynchronous,
    "synchronous": _synchronous,
}
