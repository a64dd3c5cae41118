"""Keep a search index like the table of products, change by change."""

from pydantic import BaseModel
from search import delete, put

from resilient_lambda import DeadLetter, Record, batch_handler


class Product(BaseModel):
    """An item of the table, as far as the index is concerned."""

    id: str
    name: str
    price_cents: int


# No Idempotency: to put and to delete a document under its id is the same the second time. A batch that is delivered
# again runs through old changes first and ends with the newest, as before.
@batch_handler(dead_letter=DeadLetter.sqs(env="PARKED_QUEUE_URL"))
def handler(change: Record[Product]) -> None:
    """Bring one change into the index."""
    product = change.value  # the new image; of what was removed the old one
    if change.change == "REMOVE":
        delete(product.id)
    elif change.old_image is None or Product.model_validate(change.old_image) != product:
        # Otherwise nothing has changed that anybody could search for.
        put(product.id, product.model_dump())
