"""What `Retry` does as a decorator. A first try that succeeds costs two looks and a call, and no state."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from .._core.functions import CO_ASYNC_GENERATOR, CO_GENERATOR, is_coroutine_function, unwrap
from ..errors import ConfigurationError
from .attempt import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from .retry import Retry


def retried(retry: Retry, function: Callable[..., Any]) -> Any:
    """
    Return *function*, ``def`` or ``async def``, inside *retry*.

    Raises:
        ConfigurationError: It is no function, or one that another try would not run again.
    """
    _check(function)
    if retry.is_off:
        return function
    if getattr(function, "__self__", None) is not None or hasattr(function, "func"):
        from .double_retries import warn_of_client

        warn_of_client(function, retry)
    return _asynchronous(retry, function) if is_coroutine_function(function) else _blocking(retry, function)


def _blocking(retry: Retry, function: Callable[..., Any]) -> Any:
    attempt_of, meter, name = current.get, retry.meter, _name(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        around = attempt_of()
        if around is not None and around.number != 1:  # of another Retry around this one
            current.set(around._replace(number=1))
            try:
                return call(*args, **kwargs)
            finally:
                current.set(around)
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # the border to user code
            first = error
        else:
            if meter.missing:
                meter.earn()
            if result is not None and hasattr(result, "__await__"):
                _refuse_awaitable(result, name)
            return result
        try:
            from .._io.ambient import ambient_io
            from .tries import Tries, again_blocking

            tries = Tries(retry, ambient_io(is_asynchronous=False), name)
            return again_blocking(tries, lambda: function(*args, **kwargs), first)
        finally:
            del first  # or the frames that its traceback keeps would keep it

    return wraps(function)(call)


def _asynchronous(retry: Retry, function: Callable[..., Any]) -> Any:
    attempt_of, meter, name = current.get, retry.meter, _name(function)

    async def call(*args: Any, **kwargs: Any) -> Any:
        around = attempt_of()
        if around is not None and around.number != 1:
            current.set(around._replace(number=1))
            try:
                return await call(*args, **kwargs)
            finally:
                current.set(around)
        try:
            result = await function(*args, **kwargs)
        except Exception as error:  # the border to user code
            first = error
        else:
            if meter.missing:
                meter.earn()
            return result
        try:
            from .._io.ambient import ambient_io
            from .tries import Tries, again

            tries = Tries(retry, ambient_io(is_asynchronous=True), name)
            return await again(tries, lambda: function(*args, **kwargs), first)
        finally:
            del first

    return wraps(function)(call)


def _refuse_awaitable(returned: Any, name: str) -> None:
    """
    Refuse what a ``def`` function returned to be awaited: what fails in it, later, would not be tried again.

    Raises:
        TypeError: Always.
    """
    close = getattr(returned, "close", None)
    if close is not None:
        close()
    raise TypeError(f"{name} returned {type(returned).__name__}, which Retry does not await: make it async def")


def _check(function: Any) -> None:
    if isinstance(function, staticmethod | classmethod):
        raise ConfigurationError("Retry stands below @staticmethod and @classmethod, next to the function")
    if not callable(function) or isinstance(function, type):
        raise ConfigurationError(f"Retry()({function!r}) is no function; write @Retry() above a def or async def")
    if not {"record_handler", "event_handler"}.isdisjoint(getattr(function, "__dict__", ())):
        raise ConfigurationError(
            f"{_name(function)} is a handler: give it policies=[Retry(...)], or put @Retry() below its decorator"
        )
    inner = unwrap(function)[0]
    if getattr(inner, "__globals__", {}).get("__name__") == "contextlib":
        inner = getattr(inner, "__wrapped__", inner)  # that of @contextmanager, which runs in the `with`
    code = getattr(inner, "__code__", None)
    if code is not None and code.co_flags & (CO_GENERATOR | CO_ASYNC_GENERATOR):
        raise ConfigurationError(
            f"{_name(function)} is a generator, which runs when it is iterated: "
            "write `for attempt in retry: with attempt: ...` around the loop over it"
        )


def _name(function: Any) -> str:
    found = getattr(function, "__qualname__", None)
    return found if isinstance(found, str) else type(function).__name__
