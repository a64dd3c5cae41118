"""What a retry around a function costs: where nothing fails, and where one try does. And one verdict on an error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import stamina
import tenacity
from botocore.exceptions import ClientError

from resilient_lambda import Classifier, Retry, batch_handler
from resilient_lambda.testing import fake_io

from .row import Measured
from .samples import CONTEXT, orders
from .timing import fastest_us

if TYPE_CHECKING:
    from collections.abc import Callable

PEER = "stamina"
CALLS = 1_000
RECORDS = 1_000


def succeeding() -> Measured:
    """Call a function that returns at once, through all of them and bare."""
    sides = {"ours": Retry()(_nothing), **_peers(_nothing)}
    _check(sides)
    bare_us, _ = fastest_us(_repeated(_nothing), _repeated(_nothing), items=CALLS)
    ours_us, peer_us = fastest_us(_repeated(sides["ours"]), _repeated(sides[PEER]), items=CALLS)
    tenacity_us, _ = fastest_us(_repeated(sides["tenacity"]), _repeated(_nothing), items=CALLS)
    return Measured(
        ours_us - bare_us,
        peer_us - bare_us,
        PEER,
        "per call; nothing is made before the first failure",
        others={
            "tenacity": tenacity_us - bare_us,
            "ours, `async def`": _net_async_us(),
            "ours, the only policy of a batch, per record": _net_policy_us(),
        },
    )


def failing_once() -> Measured:
    """Call a function whose first try fails: the wait is decided, and not waited."""
    flaky = _Flaky()
    sides = {"ours": Retry(budget=None)(flaky), **_peers(flaky)}
    loggers = [logging.getLogger(name) for name in ("resilient_lambda", "stamina", "tenacity")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    stamina.set_testing(True, attempts=3)
    try:
        with fake_io() as io:
            _check(sides)

            def ours() -> None:
                io.slept_s.clear()
                _repeated(sides["ours"])()

            ours_us, peer_us = fastest_us(ours, _repeated(sides[PEER]), items=CALLS)
            tenacity_us, _ = fastest_us(_repeated(sides["tenacity"]), _repeated(_nothing), items=CALLS)
    finally:
        stamina.set_testing(False)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    note = "per call, both tries; ours classifies the error, asks deadline and claim, and counts the retry"
    return Measured(ours_us, peer_us, PEER, note, others={"tenacity": tenacity_us})


def classifying() -> Measured:
    """Judge an error of AWS."""
    error = ClientError(
        {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}, "ResponseMetadata": {}}, "PutItem"
    )
    classify = Classifier().classify
    if not classify(error).is_retryable:
        raise AssertionError("throttling is worth another try: the row would be void")

    def work() -> None:
        for _ in range(CALLS):
            classify(error)

    ours_us, _ = fastest_us(work, _repeated(_nothing), items=CALLS)
    return Measured(ours_us, None, "", "the code and the headers of each answer are looked at")


class _Flaky:
    """A function whose every other call fails."""

    __name__ = __qualname__ = "flaky"

    def __init__(self) -> None:
        self.has_failed = False

    def __call__(self) -> str:
        self.has_failed = not self.has_failed
        if self.has_failed:
            raise ConnectionResetError
        return "done"


def _nothing() -> str:
    return "done"


def _peers(function: Callable[[], str]) -> dict[str, Callable[[], str]]:
    waits = tenacity.wait_random_exponential(multiplier=1, max=30)
    tries = tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=waits, sleep=lambda seconds: None, reraise=True)
    return {PEER: stamina.retry(on=Exception, attempts=3)(function), "tenacity": tries(function)}


def _check(sides: dict[str, Callable[[], str]]) -> None:
    for name, side in sides.items():
        if side() != "done":
            raise AssertionError(f"{name} returned something else: the comparison would be void")


def _repeated(function: Callable[[], object]) -> Callable[[], None]:
    def work() -> None:
        for _ in range(CALLS):
            function()

    return work


def _net_async_us() -> float:
    async def nothing() -> str:
        return "done"

    retried = Retry()(nothing)

    def driven(function: Callable[[], Any]) -> Callable[[], None]:
        async def calls() -> None:
            for _ in range(CALLS):
                await function()

        def work() -> None:
            try:
                calls().send(None)  # nothing suspends
            except StopIteration:
                return

        return work

    ours_us, bare_us = fastest_us(driven(retried), driven(nothing), items=CALLS)
    return ours_us - bare_us


def _net_policy_us() -> float:
    event = orders(RECORDS)
    ours = batch_handler(policies=[Retry()])(lambda record: None)
    bare = batch_handler(lambda record: None)
    ours_us, bare_us = fastest_us(lambda: ours(event, CONTEXT), lambda: bare(event, CONTEXT), items=RECORDS)
    return ours_us - bare_us
