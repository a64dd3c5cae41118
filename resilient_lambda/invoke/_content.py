"""Payloads and results: values of Python as JSON, and JSON as the type that the caller expects."""

from __future__ import annotations

import json
from typing import Any

from .._core.describe import describe
from .._core.invocations import check_context_size
from ..errors import ConfigurationError, InvalidPayloadError

_validators: dict[Any, Any] = {}
_MAX_VALIDATORS = 256


def payload_of(value: Any) -> bytes:
    """
    Return *value* as the JSON that a function is invoked with; an empty object for None, as Lambda does it.

    Bytes are JSON already, and are sent as they are.

    Raises:
        InvalidPayloadError: It holds something that is no JSON. The message names its type, never its value.
    """
    if value is None:
        return b"{}"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    try:
        return json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # The texts of these errors may quote the value; those of ours name types.
        what = (
            str(error)
            if isinstance(error, _NoJsonError)
            else "it holds NaN, a cycle, a lone surrogate, or a name that is no text"
        )
        raise InvalidPayloadError(f"the payload is no JSON: {what}") from None


class _NoJsonError(TypeError):
    pass


def _plain(value: Any) -> Any:
    """Return what `json` does not know, pydantic models, data classes, dates, Decimals, as what it does."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    try:
        from pydantic_core import to_jsonable_python
    except ImportError:
        raise _NoJsonError(f"it holds a {type(value).__name__}; pydantic would write more types") from None
    try:
        return to_jsonable_python(value, by_alias=True, inf_nan_mode="constants")
    except ValueError:  # PydanticSerializationError is one
        raise _NoJsonError(f"it holds a {type(value).__name__}") from None


def result_of(payload: bytes, returns: Any, function: str) -> Any:
    """
    Return what a function has answered, as *returns*; as JSON if that is None.

    Raises:
        InvalidPayloadError: It does not fit. The message says where and how, never what was answered.
        ConfigurationError: *returns* is no type.
    """
    if returns is None:
        try:
            return json.loads(payload) if payload else None
        except (ValueError, RecursionError):
            raise InvalidPayloadError(f"the answer of {function!r} is no JSON that can be read") from None
    if returns is bytes:
        return payload
    validator = validator_of(returns)
    try:
        return validator.validate_json(payload or b"null")
    except ValueError as error:  # pydantic's ValidationError is one
        # Not chained: whoever prints the traceback of pydantic's error prints the answer with it.
        raise InvalidPayloadError(f"the answer of {function!r} does not fit: {describe(error)}") from None


def validator_of(returns: Any) -> Any:
    """
    Return what validates answers as *returns*.

    Raises:
        ConfigurationError: It is no type, pydantic is missing, or cannot validate it.
    """
    is_value = isinstance(returns, (str, bytes, int, float, list, tuple, dict, set))
    if is_value or (not isinstance(returns, type) and hasattr(type(returns), "model_validate")):
        raise ConfigurationError(f"returns={returns!r} is no type; give the class itself, such as Order")
    try:
        known = _validators.get(returns)
    except TypeError:  # types can be unhashable: Annotated with a list, for one
        return _new_validator(returns)
    if known is None:
        if len(_validators) >= _MAX_VALIDATORS:  # types made at run time must not fill the memory
            _validators.clear()
        known = _validators[returns] = _new_validator(returns)
    return known


def _new_validator(returns: Any) -> Any:
    try:
        from pydantic import TypeAdapter
    except ImportError as error:
        raise ConfigurationError(
            f"returns={returns!r} needs pydantic; install it, or take the answer as it is"
        ) from error
    try:
        return TypeAdapter(returns)
    except Exception as error:  # pydantic raises errors of several kinds for types that it cannot handle
        raise ConfigurationError(f"returns={returns!r} is no type that pydantic can validate: {error}") from error


def context_of(value: Any) -> str:
    """
    Return a client context as the Invoke API takes it: base64 of JSON.

    Raises:
        PayloadTooLargeError: It is longer than that API takes.
        InvalidPayloadError: It is no JSON.
    """
    from base64 import b64encode

    context = b64encode(payload_of(value)).decode()
    check_context_size(context)
    return context
