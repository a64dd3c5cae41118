"""Errors that are copied, and brought from other processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from resilient_lambda import errors
from tests.naming import id_of


class OrderRejectedError(errors.NonRetryableError):
    """One of the user's, whose constructor wants more than a text."""

    def __init__(self, order_id: str, *, reason: str) -> None:
        super().__init__(f"{order_id}: {reason}")
        self.order_id = order_id


@pytest.mark.parametrize("travel", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
@pytest.mark.parametrize(
    "error",
    [
        errors.FunctionError("ValueError", "no", kind="timeout", stack=("x",), request_id="r", log="END"),
        errors.PayloadTooLargeError("too large", size_bytes=3, limit_bytes=2),
        errors.CommitConditionError("no", index=1, item={"id": "a"}),
        errors.OutcomeUnknownError("no answer", function="price", waited_s=2.0),
        errors.CommitLimitError("too many"),
        errors.RetryableError("slow down", retry_after_s=20),
        OrderRejectedError("a", reason="no stock"),
    ],
    ids=id_of,
)
def test_an_error_arrives_as_it_was(travel, error):
    """Of a ProcessPoolExecutor, for example: it must not break the pool."""
    arrived = travel(error)

    assert type(arrived) is type(error)
    assert (str(arrived), arrived.args, vars(arrived)) == (str(error), error.args, vars(error))
