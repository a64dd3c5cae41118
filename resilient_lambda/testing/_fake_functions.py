"""What stands in for Lambda functions that are invoked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .._core import function_names
from .._core.function_errors import EXIT, OUT_OF_MEMORY, TIMEOUT
from ..errors import FunctionError
from ..invoke._seam import DRY_RUN, EVENT, InvokeAnswer

if TYPE_CHECKING:
    from ..invoke._seam import InvokeRequest


def name_of(function: str) -> str:
    """Return the bare name of *function*, which may be an ARN and have a qualifier."""
    found = function_names.parse(function)
    return function if found is None else found.name


def answer_to(request: InvokeRequest, answer: object, request_id: str) -> InvokeAnswer:
    """
    Answer *request* as Lambda would if the function were *answer*; see `Fakes.answer`.

    Raises:
        Exception: *answer* is one, and no `FunctionError`.
    """
    if isinstance(answer, Exception) and not isinstance(answer, FunctionError):
        raise answer
    if request.invocation_type == DRY_RUN:
        return InvokeAnswer(204, request_id=request_id)
    if request.invocation_type == EVENT:
        return InvokeAnswer(202, request_id=request_id)
    try:
        if isinstance(answer, FunctionError):
            raise answer
        result = answer(json.loads(request.payload)) if callable(answer) else answer
        payload, failed = json.dumps(result).encode(), ""
    except Exception as error:  # a border: a function of the user's
        payload, failed = json.dumps(_failure(error, request_id)).encode(), "Unhandled"
    version = request.qualifier or "$LATEST"
    return InvokeAnswer(200, payload, failed, request_id, version, "" if not request.log else f"END {request_id}\n")


# As Lambda writes them: what an invoker makes of a failure, it reads out of these.
_SHAPES = {
    TIMEOUT: ("Sandbox.Timedout", "RequestId: {} Error: Task timed out after 3.00 seconds"),
    OUT_OF_MEMORY: ("Runtime.OutOfMemory", "RequestId: {} Error: Runtime exited with error: signal: killed"),
    EXIT: ("Runtime.ExitError", "RequestId: {} Error: Runtime exited with error: exit status 1"),
}


def _failure(error: Exception, request_id: str) -> dict[str, object]:
    if isinstance(error, FunctionError):
        if error.kind in _SHAPES:
            error_type, message = _SHAPES[error.kind]
            return {"errorType": error_type, "errorMessage": message.format(request_id)}
        return {"errorMessage": error.message, "errorType": error.type, "stackTrace": list(error.stack)}
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": [f'  File "{type(error).__module__}", in handler\n'],
    }
