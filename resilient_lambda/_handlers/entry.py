"""
The Lambda entry point that a decorator returns.

A plain function ``(event, context)`` with a name but without ``__wrapped__`` and annotations: decorators stacked above
it, such as Powertools' logger or event_parser, must not take the event for what the user's function receives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from typing_extensions import ParamSpec

    from .plan import Plan

    P = ParamSpec("P")
    R_co = TypeVar("R_co", covariant=True)

    class BatchEntryPoint(Protocol[P, R_co]):
        """What `batch_handler` returns: the Lambda handler of a batch."""

        __name__: str

        @property
        def record_handler(self) -> Callable[P, R_co]:
            """The decorated function itself, for tests of it alone."""
            ...

        def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]: ...

        async def aio(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
            """Handle a batch inside a running event loop."""
            ...

    class EventEntryPoint(Protocol[P, R_co]):
        """What `resilient_handler` returns: the Lambda handler of single events."""

        __name__: str

        @property
        def event_handler(self) -> Callable[P, R_co]:
            """The decorated function itself, for tests of it alone."""
            ...

        def __call__(self, event: Any, context: Any) -> Any: ...

        async def aio(self, event: Any, context: Any) -> Any:
            """Handle an event inside a running event loop."""
            ...


def entry_point(
    plan: Plan,
    *,
    run_blocking: Callable[[Any, Any], Any],
    run: Callable[[Any, Any], Coroutine[Any, Any, Any]],
    attribute: str,
) -> Any:
    """
    Return the entry point of *plan*.

    Args:
        run_blocking: Handles an event for a synchronous function.
        run: Handles an event for an ``async def`` function.
        attribute: Under which name the entry point carries the user's function.
    """
    if plan.signature.is_asynchronous:
        from .._io import aio as event_loop

        def handle(event: Any, context: Any) -> Any:
            return event_loop.run(run(event, context))

        async def aio(event: Any, context: Any) -> Any:
            return await run(event, context)

    else:

        def handle(event: Any, context: Any) -> Any:
            return run_blocking(event, context)

        async def aio(event: Any, context: Any) -> Any:
            return run_blocking(event, context)

    entry: Any = handle
    entry.__name__ = entry.__qualname__ = plan.signature.name
    entry.__module__ = getattr(plan.function, "__module__", __name__)
    entry.__doc__ = plan.function.__doc__
    entry.__annotations__ = {}
    entry.aio = aio
    setattr(entry, attribute, plan.function)
    return entry
