"""
What an error means of which only the name is left: in the answer of a function that was invoked, or in a note.

Imported when the first of them must be judged, not before.
"""

from __future__ import annotations

import builtins

from .. import errors
from .aws_errors import BY_BOTOCORE_CLASS, BY_CODE
from .error_classes import BUILT_IN, BY_NAME, OWN
from .function_errors import EXIT, HANDLER, OUT_OF_MEMORY, TIMEOUT
from .http_errors import BY_CLASS
from .model import UNKNOWN_SOURCE, Category, Classification, Verdict

_BY_KIND = {TIMEOUT: Category.TIMEOUT, OUT_OF_MEMORY: Category.CRASH, EXIT: Category.CRASH}
# Names that Lambda and its runtimes give, not the function. A deployment that cannot be loaded is an operator's to
# mend: the event is innocent, and is kept until then.
OF_RUNTIMES = {
    "Function.ResponseSizeTooLarge": (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),  # the same event, the same answer
    "Runtime.HandlerNotFound": (Verdict.RETRYABLE, Category.ACCESS),
    "Runtime.ImportModuleError": (Verdict.RETRYABLE, Category.ACCESS),
    "Runtime.InvalidEntrypoint": (Verdict.RETRYABLE, Category.ACCESS),
    "Runtime.MalformedHandlerName": (Verdict.RETRYABLE, Category.ACCESS),
    "Runtime.UserCodeSyntaxError": (Verdict.RETRYABLE, Category.ACCESS),
    "Sandbox.Timedout": (Verdict.RETRYABLE, Category.TIMEOUT),
    "Runtime.ExitError": (Verdict.RETRYABLE, Category.CRASH),
    "Runtime.OutOfMemory": (Verdict.RETRYABLE, Category.CRASH),
}
# What Step Functions calls errors, beside the names of exceptions and "Lambda." before a code of Invoke.
OF_STEP_FUNCTIONS = {
    "Lambda.AWSLambdaException": (Verdict.RETRYABLE, Category.TRANSIENT),
    "Lambda.ClientExecutionTimeoutException": (Verdict.RETRYABLE, Category.TIMEOUT),
    "Lambda.SdkClientException": (Verdict.RETRYABLE, Category.TRANSIENT),
    "Lambda.Unknown": (Verdict.RETRYABLE, Category.UNKNOWN),
    "States.DataLimitExceeded": (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    "States.HeartbeatTimeout": (Verdict.RETRYABLE, Category.TIMEOUT),
    "States.Permissions": (Verdict.NON_RETRYABLE, Category.ACCESS),
    "States.Runtime": (Verdict.NON_RETRYABLE, Category.INVALID_INPUT),
    "States.TaskFailed": (Verdict.RETRYABLE, Category.UNKNOWN),
    "States.Timeout": (Verdict.RETRYABLE, Category.TIMEOUT),
}


def judge_name(name: str) -> Classification | None:
    """
    Return the verdict on an error that is called *name*, as its class or its code; None if nobody knows the name.

    Names of classes are taken for those of the package where they are known: whoever else names a class ValidationError
    means the same by it.
    """
    own = getattr(errors, name, None)
    if isinstance(own, type):
        return next((OWN[parent] for parent in own.__mro__ if parent in OWN), None)
    for table, source in ((OF_RUNTIMES, "function error"), (OF_STEP_FUNCTIONS, "aws code")):
        if name in table:
            return Classification(*table[name], None, name, source)
    return BY_CODE.get(name) or _judge_class_name(name)


def judge_function_error(error: errors.FunctionError) -> Classification:
    """Return the verdict on a function that failed, by what ended it: by the handler's exception, if that did."""
    # Attributes are asked for with care: a subclass of the user's need not have called our constructor.
    kind, name = getattr(error, "kind", HANDLER), getattr(error, "type", "")
    if isinstance(kind, str) and kind in _BY_KIND:
        return Classification(Verdict.RETRYABLE, _BY_KIND[kind], None, kind, "function error")
    found = judge_name(name) if isinstance(name, str) else None
    if found is None:
        reason = name if isinstance(name, str) and name else type(error).__name__
        return Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, reason, "function error")
    return found._replace(reason=name, source="function error")


def _judge_class_name(name: str) -> Classification | None:
    kind = getattr(builtins, name, None)
    if isinstance(kind, type):
        found = next((BUILT_IN[parent] for parent in kind.__mro__ if parent in BUILT_IN), None)
        if found is None and issubclass(kind, BaseException):
            return Classification(Verdict.RETRYABLE, Category.UNKNOWN, None, name, UNKNOWN_SOURCE)
        return found
    if name in BY_BOTOCORE_CLASS:
        return BY_BOTOCORE_CLASS[name]
    return next((found for table in (BY_NAME, BY_CLASS) for key, found in table.items() if key[1] == name), None)
