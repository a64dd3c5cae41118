"""What an error of botocore means for a store. Texts name the table and what to do; payload never enters them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..errors import ConfigurationError, ItemTooLargeError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..errors import ResilienceError
    from ._dynamodb_wire import Layout

CONDITION_FAILED = "ConditionalCheckFailedException"

# Asked to slow down, or in the middle of something: the same call can succeed later.
TRANSIENT_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)

# What the entries of BatchExecuteStatement call them.
CODE_OF_ENTRY = {
    "AccessDenied": "AccessDeniedException",
    "ProvisionedThroughputExceeded": "ProvisionedThroughputExceededException",
    "ResourceNotFound": "ResourceNotFoundException",
    "ThrottlingError": "ThrottlingException",
    "TransactionConflict": "TransactionConflictException",
}

EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})

SIGNATURE_CODES = frozenset(
    {
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Parts of DynamoDB's texts, in lower case; its code for all of them is ValidationException.
TOO_LARGE_TEXTS = ("item size has exceeded", "item size to update has exceeded")
KEY_SCHEMA_TEXTS = (
    "key element",
    "missing the key",
    "required keys",
    "type mismatch for key",
    "conditions on the keys",
)


def code_of(error: BaseException) -> str:
    """Return the error code that AWS answered, or "" if there was no answer."""
    return str(response_of(error).get("Error", {}).get("Code", ""))


def response_of(error: BaseException) -> dict[str, Any]:
    """Return the answer that a ClientError carries; empty for any other error."""
    response: Any = getattr(error, "response", None)
    return cast("dict[str, Any]", response) if isinstance(response, dict) else {}


def translate(error: Exception, *, operation: str, table: str, layout: Layout) -> ResilienceError | None:
    """
    Return the library's error for what botocore raised; None if it is not botocore's.

    Args:
        operation: DynamoDB's name of the call, as in IAM actions.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        return _of_answer(error, operation, table, layout)
    if isinstance(error, BotoCoreError):
        return _of_failed_call(error, operation, table)
    if isinstance(error, ResponseParserError):
        return StoreUnavailableError(f"{operation} on table {table!r}: the answer was not DynamoDB's; try again")
    return None


def translate_entry(failure: Mapping[str, Any], *, table: str, layout: Layout) -> StoreError:
    """
    Return the library's error for a statement that DynamoDB did not do, among others that it may have done.

    Args:
        failure: The ``Error`` of its entry in the answer.
    """
    from botocore.exceptions import ClientError

    operation = "BatchExecuteStatement"
    code = str(failure.get("Code", ""))
    named: Any = {"Error": {"Code": CODE_OF_ENTRY.get(code, code), "Message": str(failure.get("Message", ""))}}
    cause = ClientError(named, operation)
    error = _of_answer(cause, operation, table, layout)
    error.__cause__ = cause
    return error


def _of_answer(error: Any, operation: str, table: str, layout: Layout) -> StoreError:
    code = code_of(error)
    status = response_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{operation} on table {table!r}"
    if code in TRANSIENT_CODES or status >= 500:
        return StoreUnavailableError(f"{what}: DynamoDB answered {code}; try again")
    text = str(response_of(error).get("Error", {}).get("Message", "")).lower()
    if status == 413 or any(part in text for part in TOO_LARGE_TEXTS):
        return ItemTooLargeError(f"{what}: the item is larger than DynamoDB's 400 KB; nothing was written")
    if code == "ResourceNotFoundException":
        return StoreError(
            f"{what}: there is no such table in this region and account;"
            f" create it: python -m resilient_lambda table create --table {table}"
        )
    if code.startswith("AccessDenied"):
        return StoreError(
            f"{what}: not allowed; the function's role needs dynamodb:{operation} on this table"
            " (python -m resilient_lambda table iam prints the whole policy)"
        )
    if code in EXPIRED_CODES:
        return StoreError(f"{what}: the AWS credentials have expired ({code}); renew them")
    if code in SIGNATURE_CODES:
        return StoreError(f"{what}: DynamoDB does not accept the AWS credentials ({code}); check them and the clock")
    if any(part in text for part in KEY_SCHEMA_TEXTS):
        return StoreError(
            f"{what}: the table has another key schema; the store uses {layout.describe_key()}:"
            " set key_attribute= and sort_key_attribute= of DynamoDBStore as the table has them"
        )
    return StoreError(f"{what}: DynamoDB refused with {code}; its own text is in the error that caused this one")


def _of_failed_call(error: Any, operation: str, table: str) -> ResilienceError:
    from botocore import exceptions as botocore_errors

    kind = type(error).__name__
    what = f"{operation} on table {table!r}"
    if isinstance(error, (botocore_errors.HTTPClientError, botocore_errors.ConnectionError)):
        return StoreUnavailableError(f"{what}: no answer from DynamoDB ({kind})")
    if isinstance(error, (botocore_errors.CredentialRetrievalError, botocore_errors.MetadataRetrievalError)):
        return StoreUnavailableError(f"{what}: the AWS credentials could not be fetched ({kind}); try again")
    if isinstance(error, (botocore_errors.NoCredentialsError, botocore_errors.PartialCredentialsError)):
        return StoreError(
            f"{what}: no AWS credentials ({kind}); Lambda gives them to a function with a role,"
            " elsewhere set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        )
    if isinstance(error, botocore_errors.NoRegionError):
        return ConfigurationError(f"{what}: no AWS region; set AWS_REGION")
    return StoreError(f"{what}: the call was not made ({kind})")
