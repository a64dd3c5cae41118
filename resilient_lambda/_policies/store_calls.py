"""Store calls with retries that know the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._core.backoff import full_jitter_s
from .._core.cas import Conflict, Stored
from ..errors import CommitConditionError, CommitLimitError, ConfigurationError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._core.cas import PutResult, Write
    from .._io.base import P
    from ..stores.base import Store
    from .call import Invocation

T = TypeVar("T")

TRIES = 4
BASE_S = 0.05
CAP_S = 1.0


async def attempt(invocation: Invocation, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Call a method of the store, again if it is unavailable: four tries, while there is time before the deadline.

    Once all tries have failed, later calls of the invocation are tried once until one succeeds: a batch of ten must not
    try a dead table forty times.

    Repeating a compare-and-set is safe: the store recognises its own success by the version (protocols.md B1).

    Raises:
        StoreUnavailableError: All tries failed, or time ran out; the write may have taken effect.
        StoreError: The store refused for good.
    """
    io = invocation.io
    _refuse_in_vain(invocation)
    number = 1
    while True:
        began_s = io.monotonic()
        try:
            answer = await once(invocation, function, *args, **kwargs)
        except StoreUnavailableError:
            # A store that hangs is asked again only if it may hang as long once more.
            invocation.store_call_s = io.monotonic() - began_s
            wait_s = full_jitter_s(number, base_s=BASE_S, cap_s=CAP_S, rand=io.random())
            if invocation.is_store_away or number == TRIES or not invocation.has_time_for_store(wait_s):
                invocation.is_store_away = True
                raise
            await io.sleep(wait_s)
            number += 1
        else:
            invocation.store_call_s = 0.0
            invocation.is_store_away = False
            return answer


async def attempt_many(
    invocation: Invocation, store: Store, writes: Sequence[Write], *, repeats: bool = True
) -> list[PutResult | StoreError]:
    """
    Do *writes* in one bulk operation; those that the store could not do are tried again, as by `attempt`.

    Returns:
        In order, the answer to each write, or its error.
    """
    io = invocation.io
    try:
        _refuse_in_vain(invocation)
    except StoreUnavailableError as error:
        return [error] * len(writes)
    answers: dict[int, PutResult | StoreError] = {}
    waiting = list(range(len(writes)))
    was_answered = False
    number = 1
    while True:
        began_s = io.monotonic()
        found = await _put_many(invocation, store, [writes[n] for n in waiting])
        answers.update(zip(waiting, found, strict=True))
        again = [n for n in waiting if isinstance(answers[n], StoreUnavailableError)]
        if len(again) < len(waiting):  # some were answered: the store is there, it is these keys that are throttled
            was_answered = True
            invocation.is_store_away = False
            invocation.store_call_s = 0.0
        else:
            invocation.store_call_s = io.monotonic() - began_s
        if not again or not repeats:
            break
        wait_s = full_jitter_s(number, base_s=BASE_S, cap_s=CAP_S, rand=io.random())
        if invocation.is_store_away or number == TRIES or not invocation.has_time_for_store(wait_s):
            invocation.is_store_away = not was_answered
            break
        await io.sleep(wait_s)
        waiting = again
        number += 1
    return [answers[n] for n in range(len(writes))]


async def _put_many(invocation: Invocation, store: Store, writes: list[Write]) -> Sequence[PutResult | StoreError]:
    try:
        if len(writes) == 1:
            return [_checked(await once(invocation, store.put_if, *writes[0][:3]))]
        answers = await once(invocation, store.put_many_if, writes)
    except StoreError as error:
        return [error] * len(writes)
    if not isinstance(answers, list) or len(answers) != len(writes):
        return [StoreError(f"the store did not answer each of {len(writes)} writes")] * len(writes)
    return [answer if isinstance(answer, StoreError) else _checked(answer) for answer in answers]


def _refuse_in_vain(invocation: Invocation) -> None:
    # A store that hung the last time is not asked when it may hang beyond the deadline: the answer must go out.
    if invocation.is_store_away and not invocation.has_time_for_store():
        raise StoreUnavailableError("there is no time left to ask a store that does not answer")


def _checked(answer: object) -> PutResult | StoreError:
    # A store of a user's own that answers something else must not pass for one that has written.
    if isinstance(answer, Stored | Conflict):
        return answer
    return StoreError(f"the store answered a write with {type(answer).__name__} instead of Stored or Conflict")


async def once(invocation: Invocation, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Call a method of the store, without trying again.

    Raises:
        CommitConditionError, CommitLimitError: What a transaction says of the user's items.
        StoreError: It failed; whatever a user's own store raises counts as that, for it must not turn a success into a
            failure.
    """
    try:
        return await invocation.io.call(function, *args, **kwargs)
    except (StoreError, CommitConditionError, CommitLimitError):
        raise
    except ConfigurationError as error:  # our own text, which says what to set
        raise StoreError(str(error)) from error
    except Exception as error:
        raise StoreError(f"the store raised {type(error).__name__}") from error
