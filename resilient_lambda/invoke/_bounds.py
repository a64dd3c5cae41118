"""
A read timeout for each call of a client, where botocore knows one for each client.

A client for every timeout would mean new connections for each, and 3 ms to build it. Newer botocore takes the timeout
of one request from its context. Before that, a client hands one timeout object to its connection pools, and those ask
it for a copy before each request: it is replaced by one whose copies know the call.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_call = threading.local()


@contextlib.contextmanager
def read_within(seconds: float) -> Generator[None]:
    """Bound the calls that this thread makes in the block, of clients that `bound` has prepared."""
    _call.read_s = seconds
    try:
        yield
    finally:
        _call.read_s = None


def bound(client: Any) -> None:
    """Prepare *client* for `read_within`; twice is as good as once. Its other calls keep its own timeout."""
    if not hasattr(client, "meta"):
        return  # a fake of the user's
    if takes_context():
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(
            f"before-parameter-build.{service}", _into_context, unique_id="resilient_lambda-read-timeout"
        )
    else:
        bound_pools(client)


def takes_context() -> bool:
    """Tell whether this botocore takes the timeout of one request."""
    from botocore.httpsession import URLLib3Session

    return hasattr(URLLib3Session, "_get_request_timeout")


def _into_context(context: Any = None, **_: object) -> None:
    read_s = getattr(_call, "read_s", None)
    if read_s is not None and context is not None:
        context["read_timeout"] = read_s


def bound_pools(client: Any) -> None:
    """Prepare a client of a botocore from before that, whose insides will not change any more."""
    from urllib3.util import Timeout

    class PerCall(Timeout):
        def clone(self) -> Timeout:
            read_s = getattr(_call, "read_s", None)
            return Timeout(connect=self._connect, read=self._read if read_s is None else read_s, total=self.total)

    session = client._endpoint.http_session
    known = session._timeout
    if isinstance(known, PerCall):
        return
    timeout = PerCall(connect=known.connect_timeout, read=known.read_timeout)
    session._timeout = timeout  # of managers for proxies, which are made when needed
    for manager in (session._manager, *session._proxy_managers.values()):
        manager.connection_pool_kw["timeout"] = timeout
