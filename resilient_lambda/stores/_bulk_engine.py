"""Which of the two bulk engines a `DynamoDBStore` uses, and what it has learnt about that."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from .._core.options import one_of

if TYPE_CHECKING:
    from ._dynamodb_wire import Layout
    from ._partiql import Statements

CHOICES = ("auto", "partiql", "single")

_logger = logging.getLogger("resilient_lambda")


class Engine:
    """
    The engine of one store, for the store's life.

    Args:
        choice: The store's option ``bulk``, one of `CHOICES`.

    Raises:
        ConfigurationError: It is none of them.
    """

    __slots__ = ("_choice", "_lock", "_statements", "_writes_singly")

    def __init__(self, choice: str) -> None:
        one_of("bulk", choice, CHOICES)
        self._choice = choice
        self._writes_singly = choice == "single"
        self._lock = threading.Lock()
        self._statements: Statements | None = None

    def statements(self, table: str, layout: Layout) -> Statements | None:
        """Return the PartiQL statements for *table*, or None if its writes are to be single."""
        if self._writes_singly or table.startswith("arn:") or (self._choice == "auto" and _is_mocked_by_moto()):
            return None
        known = self._statements
        if known is None or known.table != table:
            from ._partiql import Statements

            known = self._statements = Statements(table, layout)
        return known

    def give_up_statements(self, reason: str, *, is_the_users_to_change: bool) -> None:
        """Write singly from now on; *reason* is logged, the first time, if the user chose or can change it."""
        with self._lock:
            is_known, self._writes_singly = self._writes_singly, True
        if not is_known and (is_the_users_to_change or self._choice == "partiql"):
            _logger.warning("%s; bulk writes are done singly from now on, one request for each item", reason)


def _is_mocked_by_moto() -> bool:
    # moto says of some statements that they are done although their conditions do not hold.
    models = sys.modules.get("moto.core.models")
    return bool(getattr(getattr(models, "botocore_stubber", None), "enabled", False))
