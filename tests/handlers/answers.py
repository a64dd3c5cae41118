"""Reading what a batch handler answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def failed(answer: Mapping[str, Any]) -> list[str]:
    """Return the identifiers that *answer* names; any other shape than Lambda's fails the test."""
    assert set(answer) == {"batchItemFailures"}
    for entry in answer["batchItemFailures"]:
        assert set(entry) == {"itemIdentifier"}
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
