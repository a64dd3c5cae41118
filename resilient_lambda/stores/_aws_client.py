"""
AWS clients of the library's own: one per process, service, region and endpoint, however many stores there are.

Built on botocore alone: ``boto3.client`` would add its own session and resource machinery to every cold start.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Bounds of one call (protocols.md C1). Retries are the library's: it sees the deadline and recognises a lost answer.
CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 2
CONNECTIONS = 50

_logger = logging.getLogger("resilient_lambda")
_lock = threading.Lock()
_clients: dict[tuple[str, str, str | None], Any] = {}
_session: Any = None
_services: set[str] = set()


def shared_client(service: str, *, region: str | None = None, endpoint_url: str | None = None) -> Any:
    """
    Return the process's client of *service*, building it at the first call.

    Args:
        region: Default: ``AWS_REGION``, then ``AWS_DEFAULT_REGION``, then the profile's.

    Raises:
        ConfigurationError: boto3 is missing, no region is known, or the endpoint is no URL.
    """
    known_region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    name = (service, known_region, endpoint_url)
    client = _clients.get(name)
    if client is None:
        # botocore's session is not safe for threads, and two clients would mean two connection pools.
        with _lock:
            client = _clients.get(name)
            if client is None:
                client = _clients[name] = _build(*name)
    return client


def _list_services(_type_name: str) -> list[str]:
    return sorted(_services)


def _build(service: str, region: str, endpoint_url: str | None) -> Any:
    global _session
    with _collector_paused():
        try:
            import botocore.session
            from botocore.config import Config
        except ImportError as error:
            raise ConfigurationError(
                "boto3 is not installed: pip install 'resilient_lambda[aws-sdk]' (Lambda's Python runtimes carry it)"
            ) from error
        _services.add(service)
        if _session is None:
            _session = botocore.session.get_session()
            # botocore would look into the folder of each of its 400 services, twice, to learn that this one exists.
            _session.get_component("data_loader").list_available_services = _list_services
        if not region and not (region := _session.get_config_variable("region") or ""):
            raise ConfigurationError(
                f"no AWS region for the {service} client: set AWS_REGION (Lambda does), or pass region="
            )
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            # Requests are built here, of known types; botocore's own check costs CPU and puts values into its errors.
            parameter_validation=False,
        )
        try:
            return _session.create_client(service, region_name=region, endpoint_url=endpoint_url, config=config)
        except ValueError as error:
            raise ConfigurationError(f"no {service} client for endpoint {endpoint_url!r}: {error}") from error


@contextlib.contextmanager
def _collector_paused() -> Generator[None, None, None]:
    # Importing botocore and parsing its models makes many objects that all stay: collecting in between costs a tenth.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            # Counts all that is young among the old, unseen; the next collection would look at each, for 17 ms.
            gc.freeze()
            gc.unfreeze()
        if was_enabled:
            gc.enable()


def _forget() -> None:
    # A forked child must not write into its parent's connections.
    global _lock, _session
    _lock = threading.Lock()
    _session = None
    _clients.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class _EmptyAnswer:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


def rehearse(client: Any, operation: str, method: str, **request: Any) -> None:
    """
    Make *client* do all of one call but the sending.

    botocore imports modules, compiles its endpoint rules and builds signers at the first call; this has it done in
    INIT, where Lambda gives full CPU, instead of in the first invocation.
    """
    thread = threading.get_ident()

    def answer(request: Any, **_: object) -> Any:
        if threading.get_ident() != thread:
            return None  # another thread's call, a real one
        from botocore.awsrequest import AWSResponse

        headers: Any = {}
        return AWSResponse(request.url, 200, headers, _EmptyAnswer())

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    with contextlib.suppress(Exception):  # what is wrong, missing credentials for one, shows at the first real call
        importlib.import_module("encodings.idna")  # the socket module loads it to look up a host
        client.meta.events.register(event, answer)
        try:
            getattr(client, method)(**request)
        finally:
            client.meta.events.unregister(event, answer)


def warn_of_long_bounds(client: Any, owner: str) -> None:
    """Log one warning if a call of *client*, which was passed to *owner*, may take longer than one of our own would."""
    config: Any = getattr(getattr(client, "meta", None), "config", None)
    if config is None:
        return  # a fake of the user's
    retries: dict[str, Any] = config.retries or {}
    tries = retries.get("total_max_attempts", 5)
    if config.connect_timeout > CONNECT_TIMEOUT_S or config.read_timeout > READ_TIMEOUT_S or tries > 1:
        # protocols.md C1: with botocore's defaults one dead connection costs more than three minutes.
        _logger.warning(
            "the client passed to %s may take %s s to connect, %s s to read and %s tries for one call, which can"
            " outlive the invocation; give it botocore.config.Config(connect_timeout=%s, read_timeout=%s,"
            " retries={'total_max_attempts': 1}), or pass no client",
            owner,
            config.connect_timeout,
            config.read_timeout,
            tries,
            CONNECT_TIMEOUT_S,
            READ_TIMEOUT_S,
        )


def warn_of_long_connect(client: Any, owner: str) -> None:
    """Log one warning if *client*, which was passed to *owner*, may take longer to connect than one of our own."""
    config: Any = getattr(getattr(client, "meta", None), "config", None)
    connect_s = getattr(config, "connect_timeout", None)
    if isinstance(connect_s, (int, float)) and connect_s > CONNECT_TIMEOUT_S:
        _logger.warning(
            "the client passed to %s may take %s s to connect, which can outlive the invocation; give it"
            " botocore.config.Config(connect_timeout=%s), or pass no client",
            owner,
            connect_s,
            CONNECT_TIMEOUT_S,
        )


_single_try = threading.local()


@contextlib.contextmanager
def single_try() -> Generator[None, None, None]:
    """Keep a client that `forbid_retries_within_single_try` prepared from repeating the calls made in this block."""
    _single_try.is_on = True
    try:
        yield
    finally:
        _single_try.is_on = False


def forbid_retries_within_single_try(client: Any, operation: str) -> None:
    """
    Prepare a client with retries of its own for `single_try`; its other calls of *operation* are retried as before.

    botocore decides on a retry by asking handlers, the most specific first, and knows no way to say no for one call;
    so this handler ends the call with the error that a client without retries would raise: of the client's own classes.
    """
    if not hasattr(client, "meta"):
        return  # a fake of the user's

    def raise_instead_of_retry(
        response: Any = None, caught_exception: BaseException | None = None, operation: Any = None, **_: object
    ) -> None:
        if not getattr(_single_try, "is_on", False):
            return
        if caught_exception is not None:
            raise caught_exception
        if response is not None and response[0].status_code >= 300:
            code = response[1].get("Error", {}).get("Code")
            raise client.exceptions.from_code(code)(response[1], operation.name)

    event = f"needs-retry.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(event, raise_instead_of_retry, unique_id="resilient_lambda-single-try")
