"""Store calls with retries that know the deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .._core.backoff import full_jitter_s
from ..errors import ConfigurationError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._io.base import P
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


async def once(invocation: Invocation, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Call a method of the store, without trying again.

    Raises:
        StoreError: It failed; whatever a user's own store raises counts as that, for it must not turn a success into a
            failure.
    """
    try:
        return await invocation.io.call(function, *args, **kwargs)
    except StoreError:
        raise
    except ConfigurationError as error:  # our own text, which says what to set
        raise StoreError(str(error)) from error
    except Exception as error:
        raise StoreError(f"the store raised {type(error).__name__}") from error
