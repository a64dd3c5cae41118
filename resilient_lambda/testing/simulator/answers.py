"""
What Lambda reads in the answer to a batch, if the event source mapping has ReportBatchItemFailures.

    the answer                                              Lambda reads
    null, "", [], {}                                        success of the whole batch                      (R)
    no batchItemFailures, or null, or an empty list         success of the whole batch                      (R)
    a list of entries that each name an event of the batch  these have failed                               (D)
    an identifier that is "", null, under another key,      failure of the whole batch                      (R)
    or of no event of the batch
    anything else: a text, a number, entries that are       failure of the whole batch                      (?)
    no objects, a batchItemFailures that is no list

(R) was recorded on AWS, (D) is in the AWS Lambda Developer Guide, "Implementing partial batch responses", for SQS,
Kinesis, DynamoDB streams and Kafka; of (?) AWS says nothing, so the worse is assumed. An object with other keys alone
is read as one without failures, because an absent key is what `{}` has, too (?).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Set

NONE_FAILED: frozenset[Hashable] = frozenset()


def read_failures(answer: Any, identify: Callable[[Any], Hashable | None]) -> Set[Hashable] | None:
    """
    Return what *answer* says has failed; empty if all is well, None if Lambda takes the whole batch for failed.

    Args:
        answer: What the handler returned, as JSON.
        identify: Returns what the source calls the event with this ``itemIdentifier``, any JSON, by whatever the source
            wants to find in the returned set; None if the batch has no such event.
    """
    if not answer and (answer is None or isinstance(answer, str | list | dict)):
        return NONE_FAILED
    if not isinstance(answer, dict):
        return None
    entries = answer.get("batchItemFailures")
    if entries is None or entries == []:
        return NONE_FAILED
    if not isinstance(entries, list):
        return None
    failed: set[Hashable] = set()
    for entry in entries:
        name = identify(entry.get("itemIdentifier")) if isinstance(entry, dict) else None
        if name is None:
            return None
        failed.add(name)
    return failed


def among(ids: Collection[str]) -> Callable[[Any], str | None]:
    """Return an *identify* for `read_failures`: an event is called by its identifier, a text, which is one of *ids*."""
    return lambda identifier: identifier if isinstance(identifier, str) and identifier in ids else None
