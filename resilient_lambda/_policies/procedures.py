"""
Procedures: the steps of a protocol on one key, as a generator of store operations.

A procedure yields what it wants of the store, a `Read` or a `Write`, and is sent the answer; a store error is thrown
into it. What it returns is its result. So each protocol is written once, and whether it goes to the store alone or
together with others is decided here: `together` asks for the next step of all of them in one bulk operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .._named_tuple import NamedTuple
from ..errors import StoreError
from .store_calls import attempt, attempt_many, once

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import TypeAlias

    from .._core.cas import Item, Write
    from ..stores.base import Store
    from .call import Invocation

T = TypeVar("T")


class Read(NamedTuple):
    """The item under *key*, or None."""

    key: str


if TYPE_CHECKING:
    Procedure: TypeAlias = Generator[Read | Write, Any, T]


async def alone(invocation: Invocation, store: Store, procedure: Procedure[T], *, repeats: bool = True) -> T:
    """
    Do *procedure*, each step in a call of its own.

    Args:
        repeats: False to try each call once.

    Raises:
        StoreError: The store failed, and the procedure does not know what to do about it.
    """
    (end,) = await together(invocation, store, [procedure], repeats=repeats)
    if isinstance(end, StoreError):
        raise end
    return end


async def together(
    invocation: Invocation, store: Store, procedures: Sequence[Procedure[T]], *, repeats: bool = True
) -> list[T | StoreError]:
    """
    Do *procedures*, the next step of all of them in one bulk operation each time.

    Of several on one key only one takes part each time: a bulk operation that names a key twice is refused as a whole
    (protocols.md B10).

    Returns:
        In order, the result of each, or the error which it does not know what to do about: an entry's failure is that
        entry's.
    """
    ends: list[Any] = [None] * len(procedures)
    steps: dict[int, Read | Write] = {}

    def go_on(number: int, resume: Callable[[], Read | Write]) -> None:
        steps.pop(number, None)
        try:
            steps[number] = resume()
        except StopIteration as done:
            ends[number] = done.value
        except StoreError as error:
            ends[number] = error
        except Exception as error:  # an item of a user's own store that is none
            ends[number] = StoreError(f"what the store answered cannot be used ({type(error).__name__})")

    for number, procedure in enumerate(procedures):
        go_on(number, lambda procedure=procedure: next(procedure))  # type: ignore[misc]
    while steps:
        turns: dict[str, int] = {}
        for number, step in steps.items():
            turns.setdefault(step.key, number)
        reads = {n: step for n in turns.values() if isinstance(step := steps[n], Read)}
        writes = {n: step for n in turns.values() if not isinstance(step := steps[n], Read)}
        answers: list[Any] = []
        if reads:
            answers += await _read(invocation, store, [step.key for step in reads.values()], repeats=repeats)
        if writes:
            answers += await attempt_many(invocation, store, list(writes.values()), repeats=repeats)
        for number, answer in zip((*reads, *writes), answers, strict=True):
            advance = _throwing if isinstance(answer, StoreError) else _sending
            go_on(number, advance(procedures[number], answer))
    return ends


async def _read(
    invocation: Invocation, store: Store, keys: list[str], *, repeats: bool
) -> list[Item | None] | list[StoreError]:
    try:
        items = await (attempt if repeats else once)(invocation, store.get, keys)
    except StoreError as error:
        return [error] * len(keys)
    if not hasattr(items, "get"):
        kind = type(items).__name__
        return [StoreError(f"the store answered a read with {kind} instead of items by key")] * len(keys)
    return [items.get(key) for key in keys]


def _sending(procedure: Procedure[Any], answer: Any) -> Callable[[], Read | Write]:
    return lambda: procedure.send(answer)


def _throwing(procedure: Procedure[Any], error: StoreError) -> Callable[[], Read | Write]:
    return lambda: procedure.throw(error)
