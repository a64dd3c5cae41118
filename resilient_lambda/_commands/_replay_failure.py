"""A failure that the idempotency table remembers, cleared before its letter is sent again (protocols.md A1)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .._core.cas import Stored
from .._core.idempotency import Status, as_read
from ..errors import ItemFormatError
from ._key_text import recognise

if TYPE_CHECKING:
    from ..stores.base import Store
    from ._replay_letter import Letter

CLEARED = "a remembered failure was cleared"


def clear(store: Store, letter: Letter, *, sent_as: str = "", is_dry: bool = False) -> str:
    """
    Delete the entry under the letter's key if it remembers that this very delivery failed; return what was found.

    Nothing else is ever touched: what is in progress or completed under the key is another delivery's.

    Args:
        sent_as: What the delivery will be called that the letter becomes, if this is known: a run that is repeated
            under its id meets the failure of its own first try.
        is_dry: Only look.

    Raises:
        StoreError: The store did not answer, or refused.
    """
    failed = letter.note.get("delivery", letter.note.get("id"))
    if not letter.key:
        return "the letter names no idempotency key"
    for _ in range(3):  # whoever writes meanwhile has claimed the key, so once is enough but for odd luck
        item = store.get([letter.key]).get(letter.key)
        if item is None:
            return "nothing is stored under the key"
        try:
            entry = recognise(item).entry
        except ItemFormatError:
            return "what is stored under the key is not understood, and was left alone"
        if entry.expires_at_s <= time.time():
            return "what is stored under the key has expired"
        if entry.status is not Status.FAILED:
            return _OTHERS[entry.status]
        if entry.delivery not in (failed, sent_as or None):
            return "the failure of another delivery is remembered, and was left alone"
        if is_dry or isinstance(store.delete_if(letter.key, as_read(entry)), Stored):
            return CLEARED
    return "the key changes hands all the time, and was left alone"


_OTHERS = {
    Status.IN_PROGRESS: "the key is in progress, and was left alone",
    Status.COMPLETED: "the key is completed, and was left alone: the event had its effect, its handler will skip it",
    Status.RELEASED: "the key is free",
}
