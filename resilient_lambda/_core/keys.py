"""
Idempotency keys: where they are found in a record and how they are stored.

Stored key: ``v1#<namespace>#<sha256 of the canonical JSON of the value>``. Canonical JSON has sorted names and no
spaces, so 1 and "1" differ, and equal objects have equal keys.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, InvalidRecordError, MissingKeyError, NonRetryableError
from .options import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    KeySpec: TypeAlias = "str | Sequence[str] | JMESPath | Callable[..., object]"

# DynamoDB takes partition keys of 2,048 bytes; the prefix and the digest need 70 of them.
MAX_NAMESPACE_BYTES = 1_024

_sha256: Callable[[bytes], Any] | None = None
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class JMESPath:
    """
    A JMESPath expression as a key, with Powertools' functions (``powertools_json`` and the others).

    Needs jmespath, which comes with boto3, and aws-lambda-powertools; both are loaded when the handler is warmed or
    first used.

    Args:
        expression: Looks into the record's parsed body, or into the event of `resilient_handler`.
    """

    __slots__ = ("_search", "expression")

    def __init__(self, expression: str) -> None:
        if not expression.strip():
            raise ConfigurationError(f"JMESPath({expression!r}) is empty; give an expression such as 'detail.id'")
        self.expression = expression
        self._search: Callable[[Any], Any] | None = None

    def __repr__(self) -> str:
        return f"JMESPath({self.expression!r})"

    def warm(self) -> None:
        """Load the libraries and compile the expression."""
        if self._search is not None:
            return
        try:
            import jmespath  # type: ignore[import-untyped]  # it ships no types
            from aws_lambda_powertools.utilities.jmespath_utils import PowertoolsFunctions
        except ImportError as error:
            raise ConfigurationError(
                f"{self!r} needs jmespath and aws-lambda-powertools; install both or use a dotted path as key"
            ) from error
        try:
            compiled = jmespath.compile(self.expression)
        except ValueError as error:  # the root of jmespath's errors
            raise ConfigurationError(f"{self!r} is no JMESPath expression: {error}") from error
        options = jmespath.Options(custom_functions=PowertoolsFunctions())
        self._search = lambda data: compiled.search(data, options=options)

    def find(self, data: object) -> Any:
        """Return what the expression finds in *data*, None if nothing."""
        self.warm()
        assert self._search is not None
        return self._search(data)


def compile_path(path: str, option: str = "key") -> Callable[[Any], Any]:
    """
    Compile a dotted path: names of objects and numbers of array items, as in ``"detail.items.0.id"``.

    The function returned gives the value, or None where the path leads nowhere.

    Raises:
        ConfigurationError: The path is empty or has an empty part.
    """
    parts = path.split(".")
    if any(part == "$" or part.endswith("]") for part in parts):
        # Taken as names they would be found in no record, and the whole queue would be set aside.
        raise ConfigurationError(
            f"{option}={path!r} looks like JSONPath; write names and item numbers with dots, like 'items.0.id', "
            "or give a JMESPath"
        )
    if not all(parts):
        raise ConfigurationError(f"{option}={path!r} has an empty part; write it like 'order.id'")
    if len(parts) == 1:
        return lambda data: data.get(path) if isinstance(data, dict) else _step(data, path)

    def find(data: Any) -> Any:
        for part in parts:
            data = _step(data, part)
        return data

    return find


def _step(data: Any, part: str) -> Any:
    if hasattr(data, "keys"):
        return data.get(part)
    if isinstance(data, list | tuple) and part.isdecimal() and int(part) < len(data):
        return data[int(part)]
    return None


def compile_data_key(spec: str | Sequence[str] | JMESPath, option: str = "key") -> Callable[[Any], Any]:
    """
    Compile a key that looks into the data: a dotted path, several of them, or a `JMESPath`.

    Several paths are one key, a list; it is missing if one of them is.
    """
    if isinstance(spec, JMESPath):
        return spec.find
    if isinstance(spec, str):
        return compile_path(spec, option)
    if not spec or not all(isinstance(path, str) for path in spec):
        raise ConfigurationError(
            f"{option}={spec!r} must be a dotted path, a list of dotted paths, JMESPath or a function"
        )
    finds = [compile_path(path, option) for path in spec]

    return lambda data: [find(data) for find in finds]


def check_namespace(namespace: str) -> str:
    """
    Return *namespace* if it can be part of a stored key.

    Raises:
        ConfigurationError: It is no text, empty or too long.
    """
    text("namespace", namespace)
    size_bytes = len(namespace.encode("utf-8", "surrogatepass"))
    if size_bytes > MAX_NAMESPACE_BYTES:
        raise ConfigurationError(
            f"namespace {namespace[:40]!r} has {size_bytes} bytes; give it at most {MAX_NAMESPACE_BYTES}"
        )
    return namespace


def digest(value: object) -> str:
    """
    Return the SHA-256 of the canonical JSON of *value*, as hex.

    Raises:
        NonRetryableError: The value is not JSON.
    """
    global _sha256
    if _sha256 is None:
        from hashlib import sha256  # 2 ms, so when warmed; bound once, for the statement alone costs 0.5 us

        _sha256 = sha256
    try:
        canonical = _canonical(value)
    except (TypeError, ValueError):
        from .json_text import json_text  # Decimals, sets and bytes, as DynamoDB has them

        try:
            canonical = json_text(value, sorts_names=True)
        except InvalidRecordError:
            raise NonRetryableError(
                f"an idempotency key must be made of JSON values (str, numbers, bool, lists, dicts), "
                f"not {type(value).__name__}"
            ) from None
    return _sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def is_missing(value: object) -> bool:
    """
    Tell whether *value* says that no key was set: None, "", a list with such a part, an object of nothing else.

    A list stands for several parts of one key. Were [None, None] a key, all events without these fields would have it
    in common: the first would be run, the others taken for its duplicates.
    """
    if isinstance(value, list | tuple):
        return not value or any(is_missing(part) for part in value)
    if isinstance(value, dict):
        return all(part is None or part == "" for part in value.values())
    return value is None or value == ""


def stored_key(
    prefix: str,
    value: object,
    *,
    digest: Callable[[object], str] = digest,
    is_missing: Callable[[object], bool] = is_missing,
) -> str:
    """
    Return the stored key for the key *value*.

    Args:
        prefix: ``v1#<namespace>#``, see `key_prefix`.
        digest: What stands for the value.
        is_missing: What counts as no value.

    Raises:
        MissingKeyError: The value is missing, see `is_missing`.
        NonRetryableError: The value is not JSON.
    """
    if is_missing(value):
        raise MissingKeyError("the idempotency key is missing, null or empty in this record")
    return prefix + digest(value)


def key_prefix(namespace: str) -> str:
    """Return what all stored keys of *namespace* begin with."""
    return f"v1#{check_namespace(namespace)}#"
