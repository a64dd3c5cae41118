"""
What type checkers make of the decorators; checked by test_typing.py with mypy --strict and basedpyright.

A line that ends in ``# wrong`` must be an error, every other line must not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from typing_extensions import assert_type

from resilient_lambda import (
    Backoff,
    Classifier,
    DeadLetter,
    DynamoDBStore,
    Idempotency,
    MemoryStore,
    Policy,
    Record,
    Retry,
    RetryBudget,
    Store,
    batch_handler,
    current_attempt,
    current_claim,
    resilient_handler,
)
from resilient_lambda.events import Event, RecordSettled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine


class Order(BaseModel):
    """A body."""

    order_id: str


@batch_handler
def bare(order: Order) -> None: ...


@batch_handler()
def called(order: Order, context: object) -> int:
    return 1


@batch_handler(
    policies=[Idempotency(MemoryStore(), key="order_id")],
    dead_letter=DeadLetter(lambda record, error: print(record.id, error)),
    observers=[print],
    classifier=Classifier(non_retryable=[KeyError]),
    max_attempts=3,
    margin_s=1.5,
)
async def asynchronous(record: Record[Order]) -> str:
    assert_type(record.value, Order)
    assert_type(record.receives, "int | None")
    await current_claim().aensure_owned(for_s=1)
    return record.id


@resilient_handler
def single(event: dict[str, Any], context: object) -> str:
    return "done"


@resilient_handler(policies=[Idempotency(DynamoDBStore("t"), key=["a", "b"])])
async def asynchronous_single(event: Order) -> str:
    return event.order_id


def use(event: dict[str, Any], context: object) -> None:
    assert_type(bare(event, context), dict[str, Any])
    assert_type(called(event, context), dict[str, Any])
    assert_type(asynchronous(event, context), dict[str, Any])
    assert_type(bare.record_handler(Order(order_id="a")), None)
    assert_type(called.record_handler(Order(order_id="a"), context), int)
    single_function: Callable[[dict[str, Any], object], str] = single.event_handler
    single_function(event, context)
    awaited: Callable[[Record[Order]], Awaitable[str]] = asynchronous.record_handler
    print(awaited, bare.__name__, single(event, context), asynchronous_single(event, context))

    bare.record_handler("text")  # wrong
    bare.record_handler()  # wrong
    called.record_handler(Order(order_id="a"))  # wrong
    bare(event)  # wrong
    bare("event", context)  # wrong
    bare.event_handler(event)  # wrong
    single.record_handler(event)  # wrong


async def use_aio(event: dict[str, Any], context: object) -> None:
    assert_type(await bare.aio(event, context), dict[str, Any])
    print(await single.aio(event, context))


def observe(event: Event) -> None:
    if isinstance(event, RecordSettled):
        assert_type(event.record_id, str)


def wrong_observer(event: int) -> None: ...


batch_handler(observers=[observe])
batch_handler(observers=[wrong_observer])  # wrong
batch_handler(policies=[MemoryStore()])  # wrong
batch_handler(policies=Idempotency(MemoryStore()))  # wrong
batch_handler(dead_letter=print)  # wrong
batch_handler(max_attempts="3")  # wrong
batch_handler(max_attempt=3)  # wrong
resilient_handler(raw=True)  # wrong
Idempotency(MemoryStore(), on_missing_key="ignore")  # wrong
Idempotency("table")  # wrong
DeadLetter.sqs(url=5)  # wrong

policy: Policy = Idempotency(MemoryStore())


@Retry(attempts=5, backoff=Backoff(base_s=1, cap_s=5, jitter="equal"), budget=RetryBudget(5))
def charge(order_id: str, *, cents: int = 0) -> int:
    return cents


@Retry(budget=None)
async def charge_async(order_id: str) -> int:
    return 5


async def use_retry() -> None:
    assert_type(charge("a", cents=5), int)
    assert_type(await charge_async("a"), int)
    assert_type(current_attempt().number, int)
    for attempt in Retry():
        with attempt:
            assert_type(attempt.number, int)
    async for attempt in Retry():
        with attempt:
            assert_type(attempt.number, int)
    charge(5)  # wrong
    charge("a", 5)  # wrong
    await charge("a")  # wrong
    async with Retry():  # wrong
        pass


retry_policy: Policy = Retry()
Retry(3)  # wrong
Retry(attempts="3")  # wrong
Retry(backoff=5)  # wrong
Backoff(jitter="none")  # wrong
store: Store = MemoryStore()
other_store: Store = DynamoDBStore("t")
coroutine: Coroutine[Any, Any, dict[str, Any]] = bare.aio({}, None)
