"""What a client of AWS raises where a service refuses or is not reached: botocore's own errors if it is installed."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn


class Operation(NamedTuple):
    """
    One operation of a service.

    Attributes:
        throttled: The code of its refusal to do so many.
        broken: The code of its failure.
    """

    service: str
    name: str
    throttled: str
    broken: str

    @property
    def endpoint_url(self) -> str:
        """Where it is asked for."""
        return f"https://{self.service}.us-east-1.amazonaws.com/"

    def refuse(self, code: str, status: int, message: str, **fields: str) -> NoReturn:
        """
        Raise what a client raises of an answer with an error.

        Args:
            fields: What else the answer has.
        """
        response: Any = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
            "message": message,
            **fields,
        }
        try:
            from botocore.exceptions import ClientError
        except ImportError:
            raise ServiceError(response, self.name) from None
        # A client makes a class of each code, too.
        kind = type(code, (ClientError,), {"__module__": ClientError.__module__})
        raise kind(response, self.name)

    def fail_before(self, sample: float) -> NoReturn:
        """Raise one of the errors after which nothing has taken effect, by a sample from ``[0, 1)``."""
        if sample < 0.4:
            reason = "CallerRateLimitExceeded"
            self.refuse(self.throttled, 429, "Rate Exceeded.", Reason=reason, retryAfterSeconds="1")
        if sample < 0.7:
            self.refuse(self.broken, 500, "The service encountered an internal error.")
        try:
            from botocore.exceptions import ConnectTimeoutError
        except ImportError:
            raise ConnectionError(f'Connect timeout on endpoint URL: "{self.endpoint_url}"') from None
        raise ConnectTimeoutError(endpoint_url=self.endpoint_url)

    def fail_after(self, sample: float) -> NoReturn:
        """Raise one of the errors after which the request has taken effect."""
        if sample < 0.5:  # (?)
            self.refuse(self.broken, 500, "The service encountered an internal error.")
        self.lose_answer()

    def lose_answer(self) -> NoReturn:
        """Raise what a client raises when no answer comes: whether the request took effect is not known."""
        try:
            from botocore.exceptions import ReadTimeoutError
        except ImportError:
            raise TimeoutError(f'Read timeout on endpoint URL: "{self.endpoint_url}"') from None
        raise ReadTimeoutError(endpoint_url=self.endpoint_url)


class ServiceError(Exception):
    """
    An error that the service answered with, where there is no botocore.

    Attributes:
        response: As botocore parses it.
        operation_name: The API's operation.
    """

    def __init__(self, response: dict[str, Any], operation_name: str) -> None:
        code, message = response["Error"]["Code"], response["Error"]["Message"]
        super().__init__(f"An error occurred ({code}) when calling the {operation_name} operation: {message}")
        self.response = response
        self.operation_name = operation_name
