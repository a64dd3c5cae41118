"""What is sent to a source, whatever the source."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

ACCOUNT = "us-east-1:123456789012"


class Sent(NamedTuple):
    """
    What is sent to a source.

    Attributes:
        serial: Which of all records it is.
        lane: Of the message group, topic-partition or queue, where the source has such a thing.
        key: Of the partition key, item key or message key, where the source has such a thing.
        is_readable: Whether what was sent is JSON, where the source could send anything else.
    """

    serial: int
    lane: int = 0
    key: int = 0
    is_readable: bool = True

    @property
    def text(self) -> str:
        """What was sent."""
        return json.dumps({"serial": self.serial, "key": self.key}) if self.is_readable else "{nonsense"

    @property
    def number(self) -> int:
        """A sequence number, longer for some than for others: 9, 99, 100, ... as integers, not as text, in order."""
        return 97 + self.serial if self.serial < 50 else 10**25 + self.serial

    @property
    def offset(self) -> int:
        """An offset, which is a number of 64 bits."""
        return min(self.number, 10**18 + self.serial)


def base64_of(text: str) -> str:
    """Return *text* as most sources pass it on."""
    return base64.b64encode(text.encode()).decode()
