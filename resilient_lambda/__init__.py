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
    from ._core.keys import JMESPath
    from ._core.model import Category, Classification, Disposition, Failure, Outcome, Success, Verdict
    from ._core.record import Record
    from ._handlers.batch import batch_handler
    from ._handlers.single import resilient_handler
    from ._handlers.window import Window, current_window
    from ._policies.claim import current_claim
    from ._policies.compose import Policy
    from ._policies.deadline import Deadline, current_deadline
    from ._policies.idempotency import Idempotency
    from .errors import (
        CommitConditionError,
        ConfigurationError,
        DeadlineExceededError,
        InProgressError,
        LeaseLostError,
        NonRetryableError,
        ResilienceError,
        RetryableError,
    )
    from .sinks import DeadLetter
    from .stores.base import Store
    from .stores.dynamodb import DynamoDBStore
    from .stores.items import put_if_absent
    from .stores.memory import MemoryStore
else:
    # Name to module. The imports above, __all__ and docs/reference.md say the same; a test compares them.
    _HOMES = {
        "Backoff": "._core.backoff",
        "Category": "._core.model",
        "Classification": "._core.model",
        "Classifier": "._core.classify",
        "CommitConditionError": ".errors",
        "ConfigurationError": ".errors",
        "DeadLetter": ".sinks",
        "Deadline": "._policies.deadline",
        "DeadlineExceededError": ".errors",
        "Disposition": "._core.model",
        "DynamoDBStore": ".stores.dynamodb",
        "Failure": "._core.model",
        "Idempotency": "._policies.idempotency",
        "InProgressError": ".errors",
        "JMESPath": "._core.keys",
        "LeaseLostError": ".errors",
        "MemoryStore": ".stores.memory",
        "NonRetryableError": ".errors",
        "Outcome": "._core.model",
        "Policy": "._policies.compose",
        "Record": "._core.record",
        "ResilienceError": ".errors",
        "RetryableError": ".errors",
        "Store": ".stores.base",
        "Success": "._core.model",
        "Verdict": "._core.model",
        "Window": "._handlers.window",
        "batch_handler": "._handlers.batch",
        "current_claim": "._policies.claim",
        "current_deadline": "._policies.deadline",
        "current_window": "._handlers.window",
        "put_if_absent": ".stores.items",
        "resilient_handler": "._handlers.single",
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
    "Backoff",
    "Category",
    "Classification",
    "Classifier",
    "CommitConditionError",
    "ConfigurationError",
    "DeadLetter",
    "Deadline",
    "DeadlineExceededError",
    "Disposition",
    "DynamoDBStore",
    "Failure",
    "Idempotency",
    "InProgressError",
    "JMESPath",
    "LeaseLostError",
    "MemoryStore",
    "NonRetryableError",
    "Outcome",
    "Policy",
    "Record",
    "ResilienceError",
    "RetryableError",
    "Store",
    "Success",
    "Verdict",
    "Window",
    "batch_handler",
    "current_claim",
    "current_deadline",
    "current_window",
    "put_if_absent",
    "resilient_handler",
]
