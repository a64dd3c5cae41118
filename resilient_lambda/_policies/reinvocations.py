"""
A re-invocation arrives: is it the one that is to be run, or the second of two (protocols.md B15).

The re-invoker may crash after Lambda has accepted its Invoke and before it has recorded that; then it invokes again.
Only who is invoked can tell the two apart: the first to write (root, attempt) into the store has it. Lambda's own
retries of that invocation have its request id, and pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.cas import ABSENT, AsRead, Stored
from .._core.reinvoke_items import arrived_item, arrived_key, is_expired
from ..errors import StoreError, StoreUnavailableError
from ..events import DuplicateSuppressed, StoreBypassed
from .call import logger
from .store_calls import attempt

if TYPE_CHECKING:
    from .._core.cas import Expected, Item
    from .._core.reserved import Mark
    from ..stores.base import Store
    from .call import Invocation
    from .idempotency import Options

# An item that is found expired is written over; that it has just been removed, or written, can happen once or twice.
_ROUNDS = 4


async def is_to_run(store: Store, options: Options, invocation: Invocation, mark: Mark) -> bool:
    """
    Tell whether the re-invocation *mark*, which has arrived as *invocation*, is to be run.

    Raises:
        StoreError: It cannot be told, and must not be run then: Lambda shall deliver it again.
    """
    request_id = invocation.request_id
    if not request_id:
        return True  # nothing tells a retry of Lambda's from a second start; taken for one, the event would be lost
    key = arrived_key(options.namespace or invocation.function_name, mark)
    try:
        owner = await _claim(store, key, request_id, options.keep_s, invocation)
    except StoreError as error:
        if not (options.runs_on_store_error or options.observes):
            raise
        invocation.emit(StoreBypassed(key, type(error).__name__))
        logger.warning("the store failed (%s); it is not known whether %s has run", type(error).__name__, key)
        return True
    if owner == request_id:
        return True
    invocation.emit(DuplicateSuppressed(key, "reinvoked", is_observed_only=options.observes))
    return options.observes


async def _claim(store: Store, key: str, request_id: str, keep_s: float, invocation: Invocation) -> str:
    """Write *request_id* under *key* unless another one is there; return the one that is there."""
    io = invocation.io
    # One for all rounds: a write whose answer is lost is recognised by it (protocols.md B1).
    item = arrived_item(request_id, token=io.token(), now_s=io.now(), keep_s=keep_s)
    expected: Expected = ABSENT
    for _ in range(_ROUNDS):
        answer = await attempt(invocation, store.put_if, key, item, expected)
        if isinstance(answer, Stored):
            return request_id
        current: Item | None = answer.current
        if current is not None and not is_expired(current, io.now()):
            return str(current.get("request_id", ""))
        expected = ABSENT
        if current is not None:
            expected = AsRead((("version", current.get("version")), ("status", current.get("status"))))
    raise StoreUnavailableError(f"{key} has changed {_ROUNDS} times while it was claimed")
