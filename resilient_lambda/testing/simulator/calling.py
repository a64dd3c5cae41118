"""Where the library's invokers meet the functions of the simulation."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from ...invoke import InvokeAnswer
from .invocations.api import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...invoke import InvokeRequest
    from .invocations.api import InvokeApi


def calling(api: InvokeApi) -> Callable[[InvokeRequest], InvokeAnswer]:
    """Return what answers the calls of every `LambdaInvoker`."""

    def call(request: InvokeRequest) -> InvokeAnswer:
        asked = Request(request.function, request.qualifier, request.invocation_type, request.payload)
        if isfinite(request.timeout_s):
            asked = asked._replace(read_timeout_s=request.timeout_s)
        return InvokeAnswer(*api.answer(asked))

    return call
