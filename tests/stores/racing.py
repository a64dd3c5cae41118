"""Contenders for one key: what each thread and each process of the race tests runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from resilient_lambda.stores import ABSENT, STORED, AsRead, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.stores import Store


class Contest(NamedTuple):
    """
    What the contenders agree on.

    Attributes:
        barrier: All meet here before each step.
    """

    key: str
    rounds: int
    barrier: Any


def contend(store: Store, name: str, contest: Contest) -> list[tuple[bool, bool]]:
    """
    Race for as many keys as there are rounds; in each first to put the absent item, then to replace the one that won.

    Returns:
        For each round, whether this contender won the first and the second race.
    """
    won: list[tuple[bool, bool]] = []
    for number in range(contest.rounds):
        round_key = f"{contest.key}#{number}"
        contest.barrier.wait(60)
        inserted = store.put_if(round_key, {"version": f"{name}.{number}.1"}, ABSENT) is STORED
        contest.barrier.wait(60)
        current = store.get([round_key])[round_key]["version"]
        contest.barrier.wait(60)
        replacement = {"version": f"{name}.{number}.2"}
        replaced = store.put_if(round_key, replacement, AsRead((("version", current),))) is STORED
        won.append((inserted, replaced))
    return won


def contend_in_bulk(store: Store, name: str, contest: Contest) -> list[tuple[bool, bool]]:
    """Race as `contend` does, for the keys of all rounds in one bulk write each."""
    keys = [f"{contest.key}#{number}" for number in range(contest.rounds)]
    contest.barrier.wait(60)
    inserted = store.put_many_if([Write(key, {"version": f"{name}.{key}.1", "n": 1}, ABSENT) for key in keys])
    contest.barrier.wait(60)
    current = store.get(keys)
    contest.barrier.wait(60)
    replaced = store.put_many_if(
        [
            Write(key, {"version": f"{name}.{key}.2", "n": 2}, AsRead(tuple(current[key].items())), ("version", "n"))
            for key in keys
        ]
    )
    return [(first is STORED, second is STORED) for first, second in zip(inserted, replaced, strict=True)]


def contend_in_process(options: dict[str, Any], name: str, contest: Contest, results: Any) -> None:
    """Run `contend` on a store of this process's own and put what it won on *results*."""
    from resilient_lambda.stores.dynamodb import DynamoDBStore

    store = DynamoDBStore(**options)
    store.warm()
    results.put(contend(store, name, contest))


def contend_in_threads(
    store: Store, key: str, rounds: int, threads: int, race: Callable[..., list[tuple[bool, bool]]] = contend
) -> list[list[tuple[bool, bool]]]:
    """Run *race* in *threads* at once and return what each won."""
    contest = Contest(key, rounds, threading.Barrier(threads))
    won: list[list[tuple[bool, bool]]] = []

    def run(number: int) -> None:
        try:
            won.append(race(store, f"thread{number}", contest))
        except BaseException:
            contest.barrier.abort()
            raise

    contenders = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()
    return won
