"""The options of `resilient_handler(http=True)`, checked at import."""

from __future__ import annotations

from typing import Any

from .._core import http_answer
from .._core.functions import is_coroutine_function
from .._policies.call import logger
from .._policies.idempotency import Idempotency
from .._policies.request_keys import CALLER, RequestFingerprint, RequestKey
from ..errors import ConfigurationError

# RFC 9110, section 9.2.1: they change nothing, so nothing is to be done only once.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OWN_HEADERS = ("content-type", "retry-after", "content-length")
_FORBIDDEN = frozenset("\r\n\0")


class HttpOptions:
    """
    What the user has asked for; see `resilient_handler`.

    Attributes:
        headers: Those that go with the library's own answers.
    """

    def __init__(self, *, principal: Any, failed_if: Any, status_of: Any, headers: Any, methods: Any) -> None:
        for option, function in {"failed_if": failed_if, "status_of": status_of, "principal": principal}.items():
            if is_coroutine_function(function):
                raise ConfigurationError(f"{option}= is an async function; write it with def, for it decides at once")
        for option, function in {"failed_if": failed_if, "status_of": status_of}.items():
            if function is not None and not callable(function):
                raise ConfigurationError(f"{option}={function!r} must be a function")
        if not (principal in (..., None, CALLER) or callable(principal)):
            raise ConfigurationError(f"principal={principal!r} must be 'caller', a function of the event, or None")
        self._principal: Any = principal
        self._failed_if = failed_if
        self._status_of = status_of
        self._methods = _checked_methods(methods)
        self.headers = _checked_headers(headers)

    def policies(self, given: Any) -> Any:
        """
        Return *given* with Idempotency as it is for requests.

        Raises:
            ConfigurationError: There is Idempotency, and it is not said whose the keys are.
        """
        if not isinstance(given, list | tuple):
            return given  # the plan refuses it
        return [self._over_requests(policy) if isinstance(policy, Idempotency) else policy for policy in given]

    def _over_requests(self, policy: Idempotency) -> Idempotency:
        if self._principal is ...:
            raise ConfigurationError(
                "http=True with Idempotency needs principal=: the client chooses the key, so without the caller one "
                "tenant would get another's answer by using its key. Give principal='caller' (what the authorizer, "
                "IAM or the API key says), a function from the event to the caller's name, or None if all callers "
                "are one"
            )
        return policy.over_requests(lambda key: RequestKey(key, self._principal, self._needs_key), RequestFingerprint())

    def _needs_key(self, method: str) -> bool:
        return method not in SAFE_METHODS if self._methods is None else method in self._methods

    def has_failed(self, answer: dict[str, Any]) -> bool:
        """Tell whether *answer* says that another try may succeed, so that it must not be recorded."""
        if self._failed_if is None:
            return http_answer.has_failed(answer)
        try:
            return bool(self._failed_if(answer))
        except Exception as error:  # the border to user code. What is done must not be run again for that.
            logger.warning("failed_if= raised %s; the status decides", type(error).__name__)
            return http_answer.has_failed(answer)

    def status_of(self, error: BaseException) -> int | None:
        """Return the user's status for *error*, None for the usual one."""
        if self._status_of is None:
            return None
        try:
            status = self._status_of(error)
        except Exception as broken:  # the border to user code
            logger.warning("status_of= raised %s; the usual status is taken", type(broken).__name__)
            return None
        if status is None or (isinstance(status, int) and 400 <= status <= 599 and not isinstance(status, bool)):
            return status
        logger.warning("status_of= returned what is no status from 400 to 599; the usual one is taken")
        return None


def _checked_methods(methods: Any) -> frozenset[str] | None:
    if methods is None:
        return None
    is_ok = (
        isinstance(methods, list | tuple | set | frozenset)
        and methods  # none at all would protect nothing
        and all(isinstance(name, str) and name.isupper() for name in methods)
    )
    if not is_ok:
        raise ConfigurationError(f"methods={methods!r} must be a list of methods, such as ['POST', 'PATCH']")
    return frozenset(methods)


def _checked_headers(headers: Any) -> dict[str, str]:
    if headers is None:
        return {}
    is_ok = isinstance(headers, dict) and all(
        isinstance(name, str) and name and isinstance(value, str) and not _FORBIDDEN & {*name, *value}
        for name, value in headers.items()
    )
    if not is_ok:
        raise ConfigurationError("headers= must be a dict of texts, such as {'access-control-allow-origin': '*'}")
    for name in headers:
        if name.lower() in OWN_HEADERS:
            raise ConfigurationError(f"headers= holds {name!r}, which the library writes itself; leave it out")
    return dict(headers)
