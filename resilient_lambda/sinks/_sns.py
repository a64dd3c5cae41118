"""Dead letters to an SNS topic: ten per request, each confirmed by its own entry of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ._fifo import fifo_fields
from ._letter import envelope_of, region_of_arn
from ._requests import Entry, Limits, batch_answers, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._aws import Draft
    from ._requests import Answer


class Topic:
    """How SNS takes letters: as envelopes without attributes, for a subscriber's queue takes ten of those at most."""

    title = "SNS"
    name = client_name = "sns"
    option = "arn"
    limits = Limits(entries=10, size_bytes=262_144, at_once=1)  # of one message, and of all of one request

    def check(self, address: str) -> None:
        """
        Check that it is an ARN: everything else would be refused at the first letter.

        Raises:
            ConfigurationError: It is none.
        """
        if not address.startswith("arn:"):
            raise ConfigurationError(f"DeadLetter.sns(): {address!r} is no ARN of a topic; give arn:aws:sns:...")

    def region_of(self, address: str) -> str | None:
        """Return the ARN's region."""
        return region_of_arn(address)

    def entry_of(self, draft: Draft, address: str) -> Entry:
        """Return a message."""
        message = envelope_of(draft.letter, draft.note)
        content = {"Id": str(draft.number), "Message": message}
        if address.endswith(".fifo"):
            content.update(fifo_fields(draft))
        return checked(self.title, Entry(draft.number, content, len(message.encode())), self.limits)

    def send(self, client: Any, address: str, group: Sequence[Entry]) -> dict[int, Answer]:
        """Make one PublishBatch."""
        answer = client.publish_batch(TopicArn=address, PublishBatchRequestEntries=[entry.content for entry in group])
        return batch_answers(self.title, answer, group)
