"""``decode=``: bytes of a record that a function of the user's makes something of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, InvalidRecordError, ResilienceError
from .functions import is_coroutine_function
from .source_types import Data

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source_types import Raw, Source

# Sources whose events have a structure and no bytes.
STRUCTURED = ("dynamodb", "documentdb", "s3")

# Errors that decoders raise for bad data, besides Python's own for bad values. By name: none of their modules is
# imported here, and who raises one has it imported.
_DATA_ERRORS = {
    "zlib.error",
    "gzip.BadGzipFile",
    "_lzma.LZMAError",
    "struct.error",
    "google.protobuf.message.DecodeError",
    "avro.errors.AvroException",
    "zstandard.backend_c.ZstdError",
}


def checked_decode(decode: Any) -> Callable[[bytes], Any] | None:
    """
    Return the user's ``decode=``.

    Raises:
        ConfigurationError: It cannot be called, or is ``async def``.
    """
    if decode is not None and (not callable(decode) or is_coroutine_function(decode)):
        raise ConfigurationError(f"decode={decode!r} must be a plain function of bytes, such as gzip.decompress")
    return decode  # type: ignore[no-any-return]


def decoded(source: Source, decode: Callable[[bytes], Any]) -> Source:
    """
    Return the row that reads what *decode* makes of a record's bytes; a text is given to it as UTF-8.

    What is wrong with the data becomes an `InvalidRecordError`, which does not show it. All else passes as it is: a
    schema registry may be down. Kafka's tombstones have no bytes and stay what they are.

    Raises:
        ConfigurationError: The source has no bytes.
    """
    if source.name in STRUCTURED:
        raise ConfigurationError(f"decode= has no bytes to read in records of {source.name}; leave it out")
    read = source.content_of

    def content_of(raw: Raw) -> str | bytes | Data:
        content = read(raw)
        if isinstance(content, Data):
            return content
        made = _made(decode, content)
        if isinstance(made, (bytearray, memoryview)):
            return bytes(made)
        return made if isinstance(made, (str, bytes)) else Data(made, content)

    return source._replace(content_of=content_of)


def _made(decode: Callable[[bytes], Any], content: str | bytes) -> Any:
    try:
        return decode(content.encode() if isinstance(content, str) else content)
    except Exception as error:
        if not _is_about_data(error):
            raise
        kind = type(error).__name__
    # Outside of the clause: the error would be this one's context, and may hold the data.
    raise InvalidRecordError(f"decode= could not read the record's body ({kind})")


def _is_about_data(error: Exception) -> bool:
    if any(f"{kind.__module__}.{kind.__qualname__}" in _DATA_ERRORS for kind in type(error).__mro__):
        return True
    if isinstance(error, (ResilienceError, OSError)):  # some of the latter are ValueErrors as well
        return False
    return isinstance(error, (ValueError, TypeError, LookupError, EOFError, ArithmeticError))
