"""Many contenders, one key: exactly one wins. On DynamoDB Local, and in memory; moto is not safe for races."""

from __future__ import annotations

import multiprocessing
from typing import Literal

import pytest

from resilient_lambda.stores import MemoryStore
from resilient_lambda.stores.dynamodb import DynamoDBStore

from .conftest import TABLE
from .racing import Contest, contend_in_bulk, contend_in_process, contend_in_threads

ROUNDS = 50  # of two races each, in each of the two tests on DynamoDB Local: 200 races


def winners(won: list[list[tuple[bool, bool]]]) -> list[tuple[int, int]]:
    """Return for each round how many contenders won the first and the second race."""
    return [
        (sum(first for first, _ in rounds), sum(second for _, second in rounds)) for rounds in zip(*won, strict=True)
    ]


def test_one_of_32_threads_wins_each_race(local_store: DynamoDBStore, key: str) -> None:
    """Absent keys are taken once, and a version is replaced once."""
    won = contend_in_threads(local_store, key, ROUNDS, threads=32)

    assert len(won) == 32
    assert winners(won) == [(1, 1)] * ROUNDS


@pytest.mark.parametrize("bulk", ["partiql", "single"])
def test_one_of_four_threads_wins_each_race_of_bulk_writes(
    tables: str, key: str, bulk: Literal["partiql", "single"]
) -> None:
    """Sixty keys at once, twice, by either engine: each key has one winner."""
    store = DynamoDBStore(TABLE, endpoint_url=tables, bulk=bulk)
    won = contend_in_threads(store, key, 60, threads=4, race=contend_in_bulk)

    assert len(won) == 4
    assert winners(won) == [(1, 1)] * 60


def test_one_of_four_processes_wins_each_race(tables: str, key: str) -> None:
    """So it is across processes, each with a client of its own."""
    context = multiprocessing.get_context("spawn")
    contest, results = Contest(key, ROUNDS, context.Barrier(4)), context.Queue()
    options = {"table": TABLE, "endpoint_url": tables}
    processes = [
        context.Process(target=contend_in_process, args=(options, f"process{n}", contest, results)) for n in range(4)
    ]
    for process in processes:
        process.start()
    won = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * 4
    assert winners(won) == [(1, 1)] * ROUNDS


def test_one_of_eight_threads_wins_each_race_in_memory(key: str) -> None:
    """The store in memory keeps the same promise."""
    won = contend_in_threads(MemoryStore(), key, 200, threads=8)

    assert winners(won) == [(1, 1)] * 200
