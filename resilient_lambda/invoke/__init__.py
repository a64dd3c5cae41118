"""
Invoking other Lambda functions: waiting for the answer, handing over, asking whether one may, and looking what became.

    from resilient_lambda import LambdaInvoker

    orders = LambdaInvoker()
    order = orders.call("price-order", {"order_id": "a"}, returns=Order)
    request_id = orders.send("ship-order", order)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._seam import InvokeAnswer, InvokeRequest
from .invoker import LambdaInvoker

if TYPE_CHECKING:
    from .._core.invocation_choice import Choice, choose_invocation_type
    from .._core.invocation_trace import Trace, TracedAttempt
    from .._core.invocations import Permission
    from .awaited import AwaitedInvoker
else:
    # Types of answers, and what is for people, load when they are named.
    _HOMES = {
        "AwaitedInvoker": ".awaited",
        "Choice": ".._core.invocation_choice",
        "Permission": ".._core.invocations",
        "Trace": ".._core.invocation_trace",
        "TracedAttempt": ".._core.invocation_trace",
        "choose_invocation_type": ".._core.invocation_choice",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "AwaitedInvoker",
    "Choice",
    "InvokeAnswer",
    "InvokeRequest",
    "LambdaInvoker",
    "Permission",
    "Trace",
    "TracedAttempt",
    "choose_invocation_type",
]
