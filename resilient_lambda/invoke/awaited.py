"""`LambdaInvoker.aio`: the same methods as coroutines; what blocks runs in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._io.ambient import ambient_io

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.invocation_trace import Trace
    from .._core.invocations import Permission
    from ._calls import Calls

T = TypeVar("T")


class AwaitedInvoker:
    """A `LambdaInvoker` whose methods are awaited; got as its ``aio``."""

    __slots__ = ("_calls",)

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @overload
    async def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: type[T],
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> T: ...

    @overload
    async def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: object = None,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> Any: ...

    async def call(
        self,
        function: str,
        payload: object = None,
        *,
        returns: object = None,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        idempotent: bool = False,
        log: bool | Callable[[str], object] = False,
    ) -> Any:
        """Do what `LambdaInvoker.call` does."""
        return await self._calls.call(
            ambient_io(is_asynchronous=True),
            function,
            payload,
            returns=returns,
            qualifier=qualifier,
            tenant_id=tenant_id,
            client_context=client_context,
            idempotent=idempotent,
            log=log,
        )

    async def send(
        self,
        function: str,
        payload: object = None,
        *,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        client_context: None = None,
        idempotent: bool = False,
    ) -> str:
        """Do what `LambdaInvoker.send` does."""
        return await self._calls.send(
            ambient_io(is_asynchronous=True),
            function,
            payload,
            qualifier=qualifier,
            tenant_id=tenant_id,
            client_context=client_context,
            idempotent=idempotent,
        )

    async def check(self, function: str, *, qualifier: str | None = None, tenant_id: str | None = None) -> Permission:
        """Do what `LambdaInvoker.check` does."""
        return await self._calls.check(
            ambient_io(is_asynchronous=True), function, qualifier=qualifier, tenant_id=tenant_id
        )

    async def trace(
        self,
        function: str,
        request_id: str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        log_group: str | None = None,
    ) -> Trace:
        """Do what `LambdaInvoker.trace` does."""
        return await self._calls.trace(
            ambient_io(is_asynchronous=True), function, request_id, start_s=start_s, end_s=end_s, log_group=log_group
        )
