"""Stores, handlers and settings with one rule broken each: the proof must find what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilient_lambda import Classification, Classifier, MemoryStore
from resilient_lambda._core.model import Category, Verdict
from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict

from .handlers import STORE, make, policy
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilient_lambda.testing import Delivery

    from .schedule import Schedule

    Handler = Callable[[Any, Any], Any]


class UnconditionalStore(MemoryStore):
    """Writes whatever it is given, over whatever is there."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        return super().put_if(key, item, self._as_it_is(key))

    def put_many_if(self, writes: Any) -> Any:
        return super().put_many_if([write._replace(expected=self._as_it_is(write.key)) for write in writes])

    def transact(self, own: Any, items: Any, *, token: str) -> Any:
        if own is not None:
            own = own._replace(expected=self._as_it_is(own.key))
        return super().transact(own, items, token=token)

    def _as_it_is(self, key: str) -> Any:
        current = self.get([key]).get(key)
        return ABSENT if current is None else AsRead((("version", current["version"]),))


class TearingStore(MemoryStore):
    """Writes the items of a transaction although the condition of the library's own item does not hold."""

    def transact(self, own: Any, items: Any, *, token: str) -> Any:
        answer = super().transact(own, items, token=token)
        if isinstance(answer, Conflict):
            super().transact(None, items, token=token[:-1] + "x")
        return answer


class ForgetfulStore(MemoryStore):
    """Confirms completions and keeps none of them."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        return STORED if item["status"] == "COMPLETED" else super().put_if(key, item, expected)

    def put_many_if(self, writes: Any) -> Any:
        return [self.put_if(*write) for write in writes]

    def transact(self, own: Any, items: Any, *, token: str) -> Any:
        return super().transact(None, items, token=token)


class LyingStore(MemoryStore):
    """Says of refused writes that they were done."""

    def put_if(self, key: str, item: Any, expected: Any) -> Any:
        super().put_if(key, item, expected)
        return STORED

    def put_many_if(self, writes: Any) -> Any:
        super().put_many_if(writes)
        return [STORED for _ in writes]


def over(store: type[MemoryStore]) -> Callable[[Schedule, Delivery], Stage]:
    """Prepare stages over a *store* of their own."""

    def prepare(drawn: Schedule, delivery: Delivery) -> Stage:
        memory = store()
        handler = make(drawn.options, [policy(drawn.options, delivery.store(memory))])
        return Stage(drawn, delivery, handler, ledger=lambda: [item["Put"]["Item"] for item in memory.committed])

    return prepare


def around(wrap: Callable[[Handler], Handler]) -> Callable[[Schedule, Delivery], Stage]:
    """Prepare stages with something around the handler."""

    def prepare(drawn: Schedule, delivery: Delivery) -> Stage:
        return Stage(drawn, delivery, wrap(make(drawn.options, [policy(drawn.options, STORE)])))

    return prepare


def untouched(drawn: Schedule, delivery: Delivery) -> Stage:
    """Prepare a stage with nothing broken."""
    return around(lambda handler: handler)(drawn, delivery)


def unprotected(drawn: Schedule, delivery: Delivery) -> Stage:
    """Prepare a stage whose handler has no `Idempotency`."""
    return Stage(drawn, delivery, make(drawn.options._replace(order=None, makes_sure=False), []))


def strict(drawn: Schedule, delivery: Delivery) -> Stage:
    """Prepare a stage whose handler takes every error for permanent."""
    classifier = Classifier(rules=[lambda error: Classification(Verdict.NON_RETRYABLE, Category.UNKNOWN)])
    return Stage(drawn, delivery, make(drawn.options, [policy(drawn.options, STORE)], classifier=classifier))


def reversing(handler: Handler) -> Handler:
    """Run the records from the last to the first."""

    def handle(event: Any, context: Any) -> Any:
        records = event.get("Records") or []
        answer = handler({**event, "Records": records[::-1]}, context)
        failed = answer["batchItemFailures"]
        return {"batchItemFailures": failed[-1:]}

    return handle


def swallowing(handler: Handler) -> Handler:
    """Answer that all is well, whatever happened."""

    def handle(event: Any, context: Any) -> Any:
        handler(event, context)
        return {"batchItemFailures": []}

    return handle


def mistaken(handler: Handler) -> Handler:
    """Name something in the answer that is not in the event, which has all of the batch come back."""

    def handle(event: Any, context: Any) -> Any:
        handler(event, context)
        return {"batchItemFailures": [{"itemIdentifier": "nobody"}]}

    return handle


def forging(handler: Handler) -> Handler:
    """Answer with something else than what the run has returned."""

    def handle(event: Any, context: Any) -> Any:
        return {**handler(event, context), "run": "another"}

    return handle
