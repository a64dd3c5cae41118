"""Write each reading of a meter into a table exactly once, meter by meter in order."""

import os

from pydantic import BaseModel, Field

from resilient_lambda import DeadLetter, DynamoDBStore, Idempotency, batch_handler, current_claim, put_if_absent


class Reading(BaseModel):
    """What a meter sends each minute; the partition key is the meter."""

    meter: str
    at: str
    watts: int = Field(ge=0)


@batch_handler(
    # A meter that repeats itself sends two records; it is one reading all the same.
    policies=[Idempotency(DynamoDBStore(), key=["meter", "at"])],
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL", too_large=DeadLetter.s3(env="LETTERS_BUCKET")),
    # No max_attempts: outages would count, too. What is poison is known, a reading that does not fit and a row that is
    # there already; for the rest the mapping has a bound, MaximumRecordAgeInSeconds.
    # One meter that is stuck does not stop the thousand others of its shard, as far as this batch goes.
    order="key",
    concurrency=8,
)
def handler(reading: Reading) -> None:
    """Write one reading."""
    row = {"meter": reading.meter, "at": reading.at, "watts": reading.watts}
    # The row and the record that it is written are one transaction: both or neither, whatever dies.
    current_claim().commit_with([put_if_absent(os.environ["READINGS_TABLE"], row, key=("meter", "at"))])
