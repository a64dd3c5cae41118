"""
Every Lambda event takes effect as often as it should: nothing lost, nothing done twice, nothing hammered.

Names load when they are first used, so that importing this package costs a cold start next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ._core.classify import Classifier
    from ._core.keys import JMESPath
    from ._core.model import Category, Classification, Disposition, Failure, Outcome, Success, Verdict
    from ._core.record import Record
    from ._handlers.batch import batch_handler
    from ._handlers.single import resilient_handler
    from ._policies.claim import current_claim
    from ._policies.compose import Policy
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
        "Category": "._core.model",
        "Classification": "._core.model",
        "Classifier": "._core.classify",
        "CommitConditionError": ".errors",
        "ConfigurationError": ".errors",
        "DeadLetter": ".sinks",
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
        "batch_handler": "._handlers.batch",
        "current_claim": "._policies.claim",
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
    "Category",
    "Classification",
    "Classifier",
    "CommitConditionError",
    "ConfigurationError",
    "DeadLetter",
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
    "batch_handler",
    "current_claim",
    "put_if_absent",
    "resilient_handler",
]
