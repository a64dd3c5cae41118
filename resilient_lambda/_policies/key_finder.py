"""Where a policy finds a value in a call: a path into the body, a JMESPath, or a function of what the function gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.keys import JMESPath, compile_data_key
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.keys import KeySpec
    from .._core.record import Record
    from .call import Call


class KeyFinder:
    """
    Finds a value by the user's *spec*.

    Attributes:
        spec: What the user gave.
        needs_argument: True if the value is a function of what the user's function gets, so of a validated record.

    Raises:
        ConfigurationError: The spec is of no known kind.
    """

    __slots__ = ("_find", "_function", "needs_argument", "spec")

    def __init__(self, option: str, spec: KeySpec) -> None:
        self.spec = spec
        self.needs_argument = callable(spec)
        self._function: Callable[..., object] | None = None
        self._find: Callable[[Any], Any] | None = None
        if callable(spec):
            if isinstance(spec, type):
                raise ConfigurationError(f"{option}={spec!r} is a class; give a path or a function")
            self._function = spec
        elif isinstance(spec, str | list | tuple | JMESPath):
            self._find = compile_data_key(spec, option)
        else:
            raise ConfigurationError(
                f"{option}={spec!r} must be a dotted path, a list of dotted paths, JMESPath(...) or a function"
            )

    def warm(self) -> None:
        """Load what the first search would load."""
        if isinstance(self.spec, JMESPath):
            self.spec.warm()

    def find(self, call: Call) -> Any:
        """Return the value for *call*, None if there is none."""
        if self._function is not None:
            return self._function(call.prepare())
        return self.find_in(call.record)

    def find_in(self, record: Record[Any]) -> Any:
        """Return the value in the body of *record*, None if there is none."""
        assert self._find is not None
        return self._find(record.json())
