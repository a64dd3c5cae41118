"""
SIGKILL inside a request to DynamoDB: before it is sent, while it is under way, or when its answer has just come.

It strikes in botocore's last step before the wire, so that it meets every client of the process alike.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from botocore.httpsession import URLLib3Session

_send = URLLib3Session.send
_lock = threading.Lock()
_aim: dict[str, Any] | None = None


def aim(at: dict[str, Any] | None) -> None:
    """
    Kill this process in a request to come; None for no request.

    Args:
        at: ``moment`` (``claims``, ``ends`` or ``transaction``), ``number`` (of that moment's requests, counted from
            1), ``when`` (``before``, ``during``, ``after``) and, for ``during``, ``after_s``.
    """
    global _aim
    with _lock:
        _aim = None if at is None else dict(at)


def moment_of(request: Any) -> str | None:
    """Return what the library is doing with *request*; None if it is none of the library's."""
    body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
    target = request.headers.get("X-Amz-Target", "")
    if (target.decode() if isinstance(target, bytes) else target).endswith("TransactWriteItems"):
        return "transaction"
    if b"orders-claims" not in body:
        return None
    return "ends" if b'"COMPLETED"' in body or b'"RELEASED"' in body else "claims"


def _is_the_one(request: Any) -> dict[str, Any] | None:
    with _lock:
        if _aim is None or moment_of(request) != _aim["moment"]:
            return None
        _aim["number"] -= 1
        return _aim if _aim["number"] == 0 else None


def _strike() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _send_under_fire(session: Any, request: Any) -> Any:
    struck = _is_the_one(request)
    if struck is None:
        return _send(session, request)
    if struck["when"] == "before":
        _strike()
    elif struck["when"] == "during":
        threading.Timer(struck["after_s"], _strike).start()
    answer = _send(session, request)
    if struck["when"] == "after":
        _strike()
    return answer


URLLib3Session.send = _send_under_fire
