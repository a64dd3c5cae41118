"""Write stock levels from a topic into the warehouse's database, a partition at a time."""

from pydantic import BaseModel, Field
from warehouse import write

from resilient_lambda import DeadLetter, DynamoDBStore, Idempotency, NonRetryableError, Record, batch_handler


class Level(BaseModel):
    """How much there is of an article; the record's key is the article."""

    count: int = Field(ge=0)


@batch_handler(
    policies=[Idempotency(DynamoDBStore())],  # the key: cluster, topic, partition, offset and time
    dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL", too_large=DeadLetter.s3(env="LETTERS_BUCKET")),
    # No max_attempts: while the warehouse is away, all levels of all partitions would be set aside, batch after batch.
    # What is poison is known, here and in warehouse.py; the mapping's MaximumRecordAgeInSeconds bounds the rest.
    # All records of a partition at once: one request to the warehouse instead of a hundred.
    lane=True,
)
def handler(levels: list[Record[Level | None]]) -> list[Exception | None]:
    """Write the levels of one partition; return for each record None, or why it cannot be written."""
    errors = [None if level.key else NonRetryableError("a level needs its article as key") for level in levels]
    # In order: of two levels of one article the later one stays. A tombstone says that the article is gone.
    lines = {
        level.key.decode("utf-8", "replace"): None if level.value is None else level.value.count
        for level, error in zip(levels, errors, strict=True)
        if error is None
    }
    write(lines)  # raises for all of them
    return errors
