"""What FIFO queues and topics ask for besides: a group that keeps the order, an id that tells copies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._letter import SQS_SOURCES, system_attribute

if TYPE_CHECKING:
    from ._aws import Draft

_GROUP = re.compile(r"[!-~]{1,128}")  # what AWS takes: letters, digits and punctuation of ASCII


def fifo_fields(draft: Draft) -> dict[str, str]:
    """
    Return the group and the deduplication id of a letter.

    The group is the message's own; without one, all letters of one lane of one stream or topic share one. What has no
    order has a group for itself: a queue hides what lies behind the first letters of a group, as long as they stay.

    A queue confirms a message whose deduplication id it has seen within five minutes, and drops it. So the id is never
    the message's own but of the one delivery (protocols.md A7), and of records that a replay brings back under the id
    that they had, as a function of a stream gets them, it is new each time: rather two letters than none.
    """
    record = draft.letter.record
    group = system_attribute(record, "MessageGroupId")
    if record.lane is None:
        group = f"{record.source}-{draft.dedup[:32]}"
    elif not _GROUP.fullmatch(group):
        from hashlib import sha256

        place = f"{record.origin}|{record.lane}".encode("utf-8", "surrogatepass")
        group = f"{record.source}-{sha256(place).hexdigest()[:32]}"
    is_of_delivery = record.source in SQS_SOURCES
    return {"MessageGroupId": group, "MessageDeduplicationId": draft.dedup if is_of_delivery else draft.token()}
