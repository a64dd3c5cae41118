"""The values that every layer speaks of: classifications, outcomes and dispositions. Immutable, no I/O."""

from __future__ import annotations

from enum import Enum
from typing import Any

from .._named_tuple import NamedTuple


class Verdict(Enum):
    """Whether another try can help."""

    RETRYABLE = "retryable"
    NON_RETRYABLE = "non_retryable"


class Category(Enum):
    """Why the function failed, as far as the error tells."""

    THROTTLING = "throttling"
    TRANSIENT = "transient"
    TIMEOUT = "timeout"
    INVALID_INPUT = "invalid_input"
    ACCESS = "access"
    CONFLICT = "conflict"
    CRASH = "crash"
    UNKNOWN = "unknown"


# Which rule of a `Classifier` decided, in the order in which they are asked.
SOURCES = {
    "rule": "one of your rules",
    "your class": "a class in retryable= or non_retryable=",
    "your code": "a code in retryable_codes= or non_retryable_codes=",
    "library": "an error of this library, which says itself what is to become of the event",
    "function error": "what Lambda said of a function that was invoked",
    "aws code": "the table of AWS's error codes",
    "aws status": "the HTTP status of an answer of AWS whose code nobody knows",
    "botocore": "an error of botocore itself, by its class",
    "http status": "the HTTP status of an answer",
    "class": "the class, of Python or of a package that is known by name",
    "errno": "the number that the operating system gave a network error",
    "group": "what is in an exception group",
    "cause": "the error's __cause__, because the error itself says nothing",
    "unknown": "no rule: it is retryable",
}
UNKNOWN_SOURCE = "unknown"


class Classification(NamedTuple):
    """
    The verdict on one error.

    Attributes:
        verdict: Whether another try can help.
        category: Why it failed.
        retry_after_s: The wait that the dependency asked for, in seconds; None if it did not say.
        reason: What was found, for people: an error code, a class name, a status.
        source: Which rule found it: one of `SOURCES`, or "" outside of a `Classifier`.
    """

    verdict: Verdict
    category: Category
    retry_after_s: float | None = None
    reason: str = ""
    source: str = ""

    @property
    def is_retryable(self) -> bool:
        """True if another try can help."""
        return self.verdict is Verdict.RETRYABLE


class Success:
    """
    The function returned *value*, in this run or in an earlier one.

    Attributes:
        ran: False if an earlier run is answered for: the function was not run.
    """

    __match_args__ = ("value",)
    __slots__ = ("ran", "value")

    def __init__(self, value: Any = None, *, ran: bool = True) -> None:
        self.value = value
        self.ran = ran

    def __repr__(self) -> str:
        return "Success(...)"


class Failure:
    """
    The function failed with *error*, or was not run because of it.

    Attributes:
        ran: False if the function was not run (a bounce): no attempt is counted.
    """

    __match_args__ = ("error", "classification")
    __slots__ = ("classification", "error", "ran")

    def __init__(self, error: BaseException, classification: Classification, *, ran: bool = True) -> None:
        self.error = error
        self.classification = classification
        self.ran = ran

    def __repr__(self) -> str:
        return f"Failure({type(self.error).__name__}, {self.classification.verdict.name})"


class Disposition(Enum):
    """What the answer says of a record."""

    ACK = "ack"
    RETRY = "retry"
    DEAD_LETTER = "dead_letter"


Outcome = Success | Failure
