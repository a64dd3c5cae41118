"""AWS calls of the replay command: clients with patience, and errors that can be told in one line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ..sinks._sqs import region_of_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Connect: TypeAlias = Callable[[str, str | None], Any]

# An operator waits longer than an invocation could. A function may take 15 minutes to answer; asking it a second time
# would run it twice, so those calls are made once.
READ_TIMEOUT_S = 20
FUNCTION_TIMEOUT_S = 910


class CallError(Exception):
    """
    AWS refused a call, or did not answer.

    Attributes:
        code: The error code that AWS answered, "" if there was no answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Clients:
    """
    The clients of one run, each built when first asked for.

    Args:
        region: Where things are whose address does not say so.
        connect: Builds a client from a service's name and a region.
    """

    def __init__(self, region: str | None, connect: Connect) -> None:
        self._region = region
        self._connect = connect
        self._built: dict[tuple[str, str | None], Any] = {}

    def get(self, service: str, region: str | None = None) -> Any:
        """Return the client of *service* in *region*."""
        name = (service, region or self._region)
        if name not in self._built:
            self._built[name] = self._connect(*name)
        return self._built[name]

    def for_queue(self, url: str) -> Any:
        """Return the SQS client of the region that *url* names."""
        return self.get("sqs", region_of_url(url))

    def for_arn(self, service: str, arn: str) -> Any:
        """Return the client of the region that *arn* names."""
        parts = arn.split(":")
        return self.get(service, parts[3] if len(parts) > 3 else None)


def connecting(endpoint_url: str | None) -> Connect:
    """Return what builds real clients, at *endpoint_url* if there is one."""

    def connect(service: str, region: str | None) -> Any:
        try:
            import botocore.session
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigurationError("boto3 is not installed: pip install 'resilient_lambda[aws-sdk]'") from error
        is_function = service == "lambda"
        config = Config(
            connect_timeout=5,
            read_timeout=FUNCTION_TIMEOUT_S if is_function else READ_TIMEOUT_S,
            retries={"total_max_attempts": 1 if is_function else 4, "mode": "standard"},
            tcp_keepalive=True,
        )
        session = botocore.session.get_session()
        region = region or os.environ.get("AWS_REGION")  # which botocore itself does not read
        try:
            return session.create_client(service, region_name=region, endpoint_url=endpoint_url, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(f"no client of {service}: {error}") from error

    return connect


def call(client: Any, method: str, **request: Any) -> dict[str, Any]:
    """
    Return the answer of one call.

    Raises:
        CallError: There is none, or it is an error.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = getattr(client, method)(**request)
    except ClientError as error:
        found: Any = error.response.get("Error", {})
        raise CallError(str(error), str(found.get("Code", ""))) from error
    except BotoCoreError as error:
        raise CallError(f"{method}: {error}") from error
    return answer


def read(body: Any) -> bytes:
    """
    Return what an answer's *body* holds.

    Raises:
        CallError: The connection broke before it was complete.
    """
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    try:
        content: bytes = body.read()
    except (BotoCoreError, HTTPError, OSError) as error:
        raise CallError(f"the answer broke off: {type(error).__name__}") from error
    return content
