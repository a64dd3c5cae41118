"""
Every Lambda event takes effect as often as it should: nothing lost, nothing done twice, nothing hammered.

Names load when they are first used, so that importing this package costs a cold start next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ._core.backoff import Backoff
    from ._core.classify import Classifier
    from ._core.invocation_choice import choose_invocation_type
    from ._core.keys import JMESPath
    from ._core.model import Category, Classification, Disposition, Failure, Outcome, Success, Verdict
    from ._core.record import Record
    from ._handlers.batch import batch_handler
    from ._handlers.delay import Delay
    from ._handlers.reinvoker import timeout_reinvoker
    from ._handlers.single import resilient_handler
    from ._handlers.window import Window, current_window
    from ._policies.attempt import Attempt, current_attempt
    from ._policies.claim import current_claim
    from ._policies.compose import Policy
    from ._policies.deadline import Deadline, current_deadline
    from ._policies.idempotency import Idempotency
    from ._policies.retry import Retry
    from ._policies.retry_budget import RetryBudget
    from .destinations import DestinationRecord
    from .errors import (
        CommitConditionError,
        ConfigurationError,
        DeadlineExceededError,
        FunctionError,
        InProgressError,
        LeaseLostError,
        NonRetryableError,
        ResilienceError,
        RetryableError,
    )
    from .invoke.invoker import LambdaInvoker
    from .sinks import DeadLetter
    from .stores.base import Store
    from .stores.dynamodb import DynamoDBStore
    from .stores.items import put_if_absent
    from .stores.memory import MemoryStore
else:
    # Name to module. The imports above, __all__ and docs/reference.md say the same; a test compares them.
    _HOMES = {
        "Attempt": "._policies.attempt",
        "Backoff": "._core.backoff",
        "Category": "._core.model",
        "Classification": "._core.model",
        "Classifier": "._core.classify",
        "CommitConditionError": ".errors",
        "ConfigurationError": ".errors",
        "DeadLetter": ".sinks",
        "Deadline": "._policies.deadline",
        "DeadlineExceededError": ".errors",
        "Delay": "._handlers.delay",
        "DestinationRecord": ".destinations",
        "Disposition": "._core.model",
        "DynamoDBStore": ".stores.dynamodb",
        "Failure": "._core.model",
        "FunctionError": ".errors",
        "Idempotency": "._policies.idempotency",
        "InProgressError": ".errors",
        "JMESPath": "._core.keys",
        "LambdaInvoker": ".invoke.invoker",
        "LeaseLostError": ".errors",
        "MemoryStore": ".stores.memory",
        "NonRetryableError": ".errors",
        "Outcome": "._core.model",
        "Policy": "._policies.compose",
        "Record": "._core.record",
        "ResilienceError": ".errors",
        "Retry": "._policies.retry",
        "RetryBudget": "._policies.retry_budget",
        "RetryableError": ".errors",
        "Store": ".stores.base",
        "Success": "._core.model",
        "Verdict": "._core.model",
        "Window": "._handlers.window",
        "batch_handler": "._handlers.batch",
        "choose_invocation_type": "._core.invocation_choice",
        "current_attempt": "._policies.attempt",
        "current_claim": "._policies.claim",
        "current_deadline": "._policies.deadline",
        "current_window": "._handlers.window",
        "put_if_absent": ".stores.items",
        "resilient_handler": "._handlers.single",
        "timeout_reinvoker": "._handlers.reinvoker",
    }

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(home, __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES})


__all__ = [
    "Attempt",
    "Backoff",
    "Category",
    "Classification",
    "Classifier",
    "CommitConditionError",
    "ConfigurationError",
    "DeadLetter",
    "Deadline",
    "DeadlineExceededError",
    "Delay",
    "DestinationRecord",
    "Disposition",
    "DynamoDBStore",
    "Failure",
    "FunctionError",
    "Idempotency",
    "InProgressError",
    "JMESPath",
    "LambdaInvoker",
    "LeaseLostError",
    "MemoryStore",
    "NonRetryableError",
    "Outcome",
    "Policy",
    "Record",
    "ResilienceError",
    "Retry",
    "RetryBudget",
    "RetryableError",
    "Store",
    "Success",
    "Verdict",
    "Window",
    "batch_handler",
    "choose_invocation_type",
    "current_attempt",
    "current_claim",
    "current_deadline",
    "current_window",
    "put_if_absent",
    "resilient_handler",
    "timeout_reinvoker",
]
