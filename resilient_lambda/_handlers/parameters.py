"""
What the user's function receives, decided by the annotation of its first parameter.

    none, Record, Record[T], Powertools' data classes   the record (T validated, as ``record.value``)
    str, bytes                                           the body as it was sent
    dict, list                                           the body as JSON, of that type
    any other type                                       the body, validated by a pydantic TypeAdapter

What is no text but a structure (an image of DynamoDB, what ``decode=`` made) is validated as it is.

A second parameter, if there is one, receives the Lambda context.
"""

from __future__ import annotations

import collections.abc
import sys
from typing import TYPE_CHECKING, Any

from .._core.describe import describe
from .._core.record import Record
from .._core.source_types import Data
from ..errors import ConfigurationError, InvalidRecordError
from .signature import Signature, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UNSET: Any = object()


class Parameter:
    """
    Turns a record into what the function gets.

    Attributes:
        convert: The record's argument; raises `InvalidRecordError` if the record does not fit.
        is_plain: True if the record or the event's own dict is handed over as it is.
        takes_raw: True if it is the event's own dict.
    """

    __slots__ = ("_adapter", "_kind", "convert", "is_plain", "takes_raw")

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._adapter: Any = None
        self.takes_raw = kind is _Raw
        self.is_plain = self.takes_raw or kind is Record
        self.convert: Callable[[Record[Any]], Any] = self._convert_for(kind)

    def warm(self) -> None:
        """Build the pydantic adapter, if one is needed."""
        if self.convert in (self._validated_body, self._validated_record):
            self._validator()

    def _convert_for(self, kind: Any) -> Callable[[Record[Any]], Any]:
        if kind is Record:
            return _itself
        if kind is _Raw:
            return _raw
        if getattr(kind, "__origin__", None) is Record:
            (self._kind,) = kind.__args__
            _need_pydantic(self._kind)
            return self._validated_record
        if _is_powertools_data_class(kind):
            return lambda record: kind(record.raw)
        if kind is str:
            return _text
        if kind is bytes:
            return _bytes
        if kind is dict or kind is list:
            return self._plain_json
        _need_pydantic(kind)
        return self._validated_body

    def _plain_json(self, record: Record[Any]) -> Any:
        value = record.json()
        if not isinstance(value, self._kind):
            raise InvalidRecordError(
                f"the body is a JSON {type(value).__name__}, the function takes a {self._kind.__name__}"
            )
        return value

    def _validated_record(self, record: Record[Any]) -> Record[Any]:
        return record.with_value(self._validated_body(record))

    def _validated_body(self, record: Record[Any]) -> Any:
        validator, content = self._adapter or self._validator(), record.content
        try:
            if isinstance(content, Data):  # an event, an image of DynamoDB, what decode= made
                return validator.validate_python(content.value)
            return validator.validate_json(content)
        except _ValidationError as error:
            # Not chained: whoever prints the traceback of pydantic's error prints the input with it.
            raise InvalidRecordError(f"the body does not fit: {describe(error)}") from None

    def _validator(self) -> Any:
        global _ValidationError
        from pydantic import TypeAdapter, ValidationError

        _ValidationError = ValidationError
        try:
            self._adapter = TypeAdapter(self._kind)
        except Exception as error:  # pydantic raises errors of several kinds for types that it cannot handle
            raise ConfigurationError(f"{self._kind!r} is no type that pydantic can validate: {error}") from error
        return self._adapter


_ValidationError: type[Exception] = InvalidRecordError  # pydantic's, once it is loaded


class _Raw:
    """Stands for ``raw=True``: the event's own dict."""


def parameter_of(
    function: Callable[..., Any],
    signature: Signature,
    *,
    model: Any,
    raw: bool,
    local_names: Mapping[str, Any],
    is_event: bool,
    takes_lane: bool = False,
) -> Parameter:
    """
    Return how the function's first parameter is filled.

    Args:
        model: The user's ``model=``, which overrides the annotation; None if not given.
        raw: The user's ``raw=``.
        local_names: The local names where the function was decorated, to resolve annotations given as text.
        is_event: True for a single event: without an annotation the function gets the event itself.
        takes_lane: True if the function takes a list of records; this is then about each of them.

    Raises:
        ConfigurationError: The annotation cannot be resolved, or contradicts an option.
    """
    if raw:
        if model is not None:
            raise ConfigurationError(f"raw=True and model={model!r} exclude each other; give one of them")
        return Parameter(_Raw)
    if model is not None:
        return Parameter(_checked_type("model=", model))
    kind = resolve(function, signature.annotation, local_names)
    if takes_lane:
        kind = _in_lane(kind)
    if kind is None:
        return Parameter(_Raw if is_event else Record)
    if hasattr(kind, "__metadata__") and _names_record(kind.__origin__):  # Annotated[Record, ...]
        kind = kind.__origin__
    if not _is_record(kind) and _names_record(kind):
        raise ConfigurationError(f"the annotation {kind} has Record inside something else; take one Record")
    _checked_type("the annotation ", kind)
    if is_event and kind in (Any, collections.abc.Mapping):
        kind = _Raw
    elif _is_any_object(kind):
        kind = _Raw if is_event else dict
    return Parameter(list if getattr(kind, "__origin__", None) is list and not _arguments(kind) else kind)


def _in_lane(kind: Any) -> Any:
    """Return of what a lane's *kind* is a list."""
    if kind is None or kind is list:
        return None
    is_list = getattr(kind, "__origin__", None) in (list, collections.abc.Sequence)
    (inner,) = _arguments(kind) if is_list and len(_arguments(kind)) == 1 else (None,)
    if not _is_record(inner):
        raise ConfigurationError(f"lane=True needs list[Record] or list[Record[T]], not {kind}")
    return inner


def _checked_type(option: str, kind: Any) -> Any:
    is_value = isinstance(kind, str | bytes | int | float | list | tuple | dict | set)
    if is_value or (not isinstance(kind, type) and hasattr(type(kind), "model_validate")):
        raise ConfigurationError(f"{option}{kind!r} is no type; give the class itself, such as Order")
    return kind


def _is_any_object(kind: Any) -> bool:
    """Tell whether *kind* is a dict of anything, which needs no validation."""
    is_mapping = getattr(kind, "__origin__", None) in (dict, collections.abc.Mapping)
    return kind is dict or (is_mapping and _arguments(kind) in ((), (str, Any)))


def _arguments(kind: Any) -> tuple[Any, ...]:
    return tuple(part for part in getattr(kind, "__args__", ()) if type(part).__name__ != "TypeVar")


def _is_record(kind: Any) -> bool:
    return kind is Record or getattr(kind, "__origin__", None) is Record


def _names_record(kind: Any) -> bool:
    return _is_record(kind) or any(_is_record(part) for part in _arguments(kind))


def _itself(record: Record[Any]) -> Record[Any]:
    return record


def _raw(record: Record[Any]) -> Any:
    return record.raw


def _text(record: Record[Any]) -> str:
    body = _present(record)
    if isinstance(body, str):
        return body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecordError(f"the body is not UTF-8: {describe(error)}") from None


def _bytes(record: Record[Any]) -> bytes:
    body = _present(record)
    if isinstance(body, bytes):
        return body
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise InvalidRecordError(f"the body is not UTF-8: {describe(error)}") from None


def _present(record: Record[Any]) -> str | bytes:
    """Return the body, if there is one: taken for an empty text, a deletion would pass for an object without values."""
    if record.is_tombstone:
        raise InvalidRecordError("the record is a tombstone, which deletes its key; take a Record, or a type with None")
    return record.body


def _is_powertools_data_class(kind: Any) -> bool:
    return any(
        base.__name__ == "DictWrapper" and base.__module__.startswith("aws_lambda_powertools.")
        for base in getattr(kind, "__mro__", ())
    )


def _need_pydantic(kind: Any) -> None:
    if "pydantic" not in sys.modules:
        from importlib.util import find_spec  # 0.3 ms that only a handler with a model should pay

        if find_spec("pydantic") is None:
            raise ConfigurationError(
                f"validating bodies as {kind!r} needs pydantic; install it, or take a Record or a dict"
            )
    if type(kind).__name__ == "_TypedDictMeta" and type(kind).__module__ == "typing" and sys.version_info < (3, 12):
        raise ConfigurationError(f"{kind!r}: before Python 3.12, pydantic takes TypedDict of typing_extensions only")
