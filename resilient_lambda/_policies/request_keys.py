"""
The idempotency key of a request, and what must be equal in two requests of one key.

The client chooses the key, so by itself it means nothing: with it go the caller, the method, the route, the path and
what the path's names stand for. Without the caller, one tenant would get another's answer by using its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.http_caller import caller_of
from .._core.http_request import HEADER, idempotency_key
from .._core.keys import digest, is_missing
from ..errors import CallerUnknownError, MalformedRequestError
from .call_keys import EXEMPT

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    from .._core.http_row import HttpRecord
    from .call import Call
    from .key_finder import KeyFinder

    Principal: TypeAlias = Callable[[dict[str, Any]], str | None] | Literal["caller"] | None

CALLER = "caller"


class RequestKey:
    """
    Finds the key of a request, as a `KeyFinder` finds that of a record.

    Args:
        given: The user's, in the place of the header; None for the header.
        principal: Who calls: ``"caller"``, a function of the event, or None for "whoever it is".
        needs_key: Tells whether a method needs a key.
    """

    __slots__ = ("_given", "_needs_key", "_principal", "needs_argument", "spec")

    def __init__(self, given: KeyFinder | None, principal: Principal, needs_key: Callable[[str], bool]) -> None:
        self._given = given
        self._principal = principal
        self._needs_key = needs_key
        self.spec = HEADER if given is None else given.spec
        self.needs_argument = given is not None and given.needs_argument

    def warm(self) -> None:
        """Load what the first search would load."""
        if self._given is not None:
            self._given.warm()

    def find(self, call: Call) -> Any:
        """Return the key of *call*; raises what makes one impossible."""
        given = self._given
        return self._scoped(call.record, None if given is None else lambda: given.find(call))

    def find_in(self, record: Any) -> Any:
        """Return the key of *record*; raises what makes one impossible."""
        given = self._given
        return self._scoped(record, None if given is None else lambda: given.find_in(record))

    def _scoped(self, record: Any, find: Callable[[], Any] | None) -> Any:
        request = record.request
        if not self._needs_key(request.method):
            return EXEMPT
        value = idempotency_key(record.raw) if find is None else find()
        if is_missing(value):
            return None
        scope = [request.form.value, request.method, request.route, request.path, request.parameters]
        if record.caller is None:  # once: a user's function may take its time, checking a signature
            record.caller = self._caller(record)
        # One JSON list: no value can reach over into its neighbour's place.
        return digest([*scope, record.caller, value])

    def _caller(self, record: HttpRecord) -> list[str | None]:
        if self._principal is None:
            return ["anyone"]
        if callable(self._principal):
            event: Any = record.raw
            named = self._principal(event)
            if isinstance(named, str) and named:
                return ["named", named]
            raise CallerUnknownError("the function given as principal= has named nobody (a text, and not an empty one)")
        found = caller_of(record.raw)
        if found is None:
            raise CallerUnknownError(
                "the event says of no caller: is the route without an authorizer? Give principal= a function of the "
                "event, or None if it may be anybody"
            )
        return found


class RequestFingerprint:
    """Finds what must be equal in two requests of one key: query and body."""

    __slots__ = ()
    spec = True
    needs_argument = False

    def warm(self) -> None:
        """Do nothing: the key has loaded what this takes."""

    def find(self, call: Call) -> str:
        """Return the digest for *call*."""
        return self.find_in(call.record)

    def find_in(self, record: Any) -> str:
        """
        Return the digest for *record*.

        Raises:
            MalformedRequestError: The body cannot be read.
        """
        try:
            return digest([record.request.query, record.comparable()])
        except RecursionError:
            raise MalformedRequestError("the body is nested too deeply") from None
