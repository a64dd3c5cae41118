"""
What AWS's error codes mean, as literal data, and how an answer is judged by them.

An error is judged by its code, never by its HTTP status alone: Lambda answers a permanent KMSDisabledException with
502. Only the status of an *unknown* code is looked at, and only to tell throttling and server faults apart; every
unknown code is retryable.

One table serves all services, because an error does not say which service it is of. So where they disagree:

1. A code that botocore would try again in any service is retryable in all. A needless retry costs a receive; parking
   what a retry would have cured costs an operator's evening.
2. But not the few that one to three services mark against two hundred others that do not: AccessDeniedException,
   ValidationException and ServiceQuotaExceededException stay permanent. `NON_RETRYABLE` wins over `MODELLED`.
3. Throttling in one service is throttling in all: the longer backoff never hurts.

Imported when the first answer of AWS must be judged, not before.
"""

from __future__ import annotations

from typing import Any, cast

from .backoff import asked_wait_s
from .model import Category, Classification, Verdict

# fmt: off

# Printed by tools/aws_error_table.py from botocore 1.44.5: its own lists and the traits of all service models.
MODELLED: dict[Category, tuple[str, ...]] = {
    Category.THROTTLING: (
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "ModelNotReadyException",
        "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
        "RequestThrottledException", "SlowDown", "ThrottledException", "ThrottledRequestException", "Throttling",
        "ThrottlingException", "TooManyRequestException", "TooManyRequestsException", "TransactionInProgressException",
    ),
    Category.TIMEOUT: (
        "ClientTimeoutException", "ExecutionTimeoutException", "GatewayTimedOutException", "QueryTimeoutException",
        "RequestTimeout", "RequestTimeoutException", "TimeLimitExceededException",
    ),
    Category.CONFLICT: (
        "ConcurrentModificationException", "ConflictException", "ConstraintViolationException",
        "ReplicatedWriteConflictException", "RetryableConflictException",
    ),
    Category.TRANSIENT: (
        "AccessDeniedException", "BadDigest", "BulkLoadIdNotFoundException", "CancelledByMaintenanceException",
        "DependencyException", "DirectoryUnavailableException", "FailureByQueryException", "IDPCommunicationError",
        "InsufficientCapacityException", "InternalErrorException", "InternalException", "InternalServerErrorException",
        "InternalServerException", "InternalServiceError", "InternalServiceErrorException", "InternalServiceException",
        "InvalidTokenException", "MemoryLimitExceededException", "QueryLimitExceededException",
        "RangeNotSatisfiableException", "S3Exception", "SchemaRegistryUnavailableException", "ServiceException",
        "ServiceQuotaExceededException", "ServiceUnavailableException", "StreamSessionAccessNotReadyException",
        "UnprocessableEntityException", "ValidationException",
    ),
}

# What botocore's data leaves out: entries of bulk calls, SQS and SNS, KMS, the Invoke API (which marks nothing).
RETRYABLE: dict[Category, tuple[str, ...]] = {
    Category.THROTTLING: (
        "KMSThrottling", "KMSThrottlingException", "KmsThrottled", "KmsThrottlingException", "OverLimit",
        "ProvisionedThroughputExceeded", "ServiceUnavailableThrottling", "ThrottlingError", "ThrottledError",
        "ENILimitReachedException", "SubnetIPAddressLimitReachedException",
    ),
    Category.TIMEOUT: (
        "DependencyTimeoutException", "EFSMountTimeoutException", "S3FilesMountTimeoutException",
        "SnapStartTimeoutException", "StatementTimeoutException",
    ),
    Category.CONFLICT: (
        "OperationAborted", "ResourceConflictException", "ResourceInUseException", "TransactionConflict",
        "TransactionConflictException",
    ),
    Category.TRANSIENT: (
        "CodeArtifactUserPendingException", "DatabaseResumingException", "DatabaseUnavailableException",
        "EC2UnexpectedException", "EFSIOException", "EFSMountConnectivityException", "ENINotReadyException",
        "InternalError", "InternalFailure", "InternalFailureException", "InternalServerError", "KMSInternalException",
        "KeyUnavailableException", "RequestExpired", "RequestTimeTooSkewed", "ResourceNotReadyException",
        "S3FilesMountConnectivityException", "ServiceUnavailable", "ServiceUnavailableError",
        "SnapStartNotReadyException", "SnapStartRegenerationFailureException",
    ),
    # The environment's credentials, not this event: the next environment has fresh ones, or an operator mends them.
    Category.ACCESS: (
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
        "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken",
        "MissingAuthenticationTokenException", "SignatureDoesNotMatch", "UnrecognizedClientException",
    ),
}

# INVALID_INPUT is the request's fault. ACCESS waits for an operator: permissions, keys, quotas, the set-up of what is
# called. CONFLICT: the state of the data says no, and will say so again.
NON_RETRYABLE: dict[Category, tuple[str, ...]] = {
    Category.INVALID_INPUT: (
        "BadRequestException", "InvalidArgument", "InvalidArgumentException", "InvalidInputException",
        "InvalidParameter", "InvalidParameterCombination", "InvalidParameterException", "InvalidParameterValue",
        "InvalidParameterValueException", "InvalidRequest", "InvalidRequestException", "MalformedQueryString",
        "MalformedXML", "MissingParameter", "ParameterValueInvalid", "SerializationException", "ValidationError",
        "ValidationException", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NotFound",
        "NotFoundException", "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFound",
        "ResourceNotFoundException", "StateMachineDoesNotExist", "TableNotFoundException", "TaskDoesNotExist",
        "TransactionNotFoundException", "EntityTooLarge", "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException", "KeyTooLongError", "RequestEntityTooLargeException",
        "RequestTooLargeException", "SerializedRequestEntityTooLargeException",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchRequestTooLong",
        "AWS.SimpleQueueService.EmptyBatchRequest", "AWS.SimpleQueueService.InvalidBatchEntryId",
        "AWS.SimpleQueueService.MessageNotInflight", "AWS.SimpleQueueService.NonExistentQueue",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.UnsupportedOperation",
        "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidAttributeName",
        "InvalidAttributeValue", "InvalidBatchEntryId", "InvalidIdFormat", "InvalidMessageContents",
        "MessageNotInflight", "QueueDoesNotExist", "ReceiptHandleIsInvalid", "TooManyEntriesInBatchRequest",
        "UnsupportedOperation", "InvalidArn", "InvalidExecutionInput", "InvalidName", "InvalidOutput",
        "MessageRejected", "UnknownOperationException", "InvalidRequestContentException", "ModeNotSupportedException",
        "NoPublishedVersionException", "RecursiveInvocationException", "UnsupportedMediaType",
        "UnsupportedMediaTypeException",
    ),
    Category.ACCESS: (
        "AccessDenied", "AccessDeniedException", "AccountProblem", "AuthorizationError", "AuthorizationErrorException",
        "DecryptionFailure", "DisabledException", "EC2AccessDeniedException", "EFSMountFailureException",
        "ForbiddenException", "InvalidSecurity", "NotAuthorized", "NotAuthorizedException", "OptInRequired",
        "S3FilesMountFailureException", "UnauthorizedException", "UnauthorizedOperation",
        "AWS.SimpleQueueService.KmsAccessDenied", "KMSAccessDenied", "KMSAccessDeniedException", "KMSDisabled",
        "KMSDisabledException", "KMSInvalidState", "KMSInvalidStateException", "KMSNotFound", "KMSNotFoundException",
        "KMSOptInRequired", "KmsAccessDenied", "KmsAccessDeniedException", "KmsDisabled", "KmsInvalidKeyUsage",
        "KmsInvalidState", "KmsInvalidStateException", "KmsNotFound", "KmsOptInRequired",
        "CodeArtifactUserDeletedException", "CodeArtifactUserFailedException", "InvalidRuntimeException",
        "InvalidSecurityGroupIDException", "InvalidSubnetIDException", "InvalidZipFileException",
        "RuntimeAliasDeletedException", "RuntimeVersionDeletedException", "ServiceQuotaExceededException",
        "SnapStartException",
    ),
    Category.CONFLICT: (
        "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "ConditionalCheckFailed", "ConditionalCheckFailedException",
        "DuplicateItem", "DuplicateItemException", "DurableExecutionAlreadyStartedException", "EntityAlreadyExists",
        "EntityAlreadyExistsException", "ExecutionAlreadyExists", "IdempotencyParameterMismatch",
        "IdempotentParameterMismatch", "IdempotentParameterMismatchException", "PreconditionFailed",
        "ResourceAlreadyExistsException", "ResourceExistsException", "TableAlreadyExistsException", "TaskTimedOut",
    ),
}

# Errors that botocore raises itself, by class name; a subclass is judged by the first name in its line of parents.
# An operator's fault (no credentials, no region) is retryable: the event is innocent, and nothing may be lost.
BOTOCORE_CLASSES: dict[tuple[Verdict, Category], tuple[str, ...]] = {
    (Verdict.RETRYABLE, Category.TIMEOUT): ("ConnectTimeoutError", "ReadTimeoutError"),
    (Verdict.RETRYABLE, Category.THROTTLING): ("CapacityNotAvailableError",),
    (Verdict.RETRYABLE, Category.TRANSIENT): (
        "AwsChunkedWrapperError", "ChecksumError", "ConnectionError", "FlexibleChecksumError", "HTTPClientError",
        "IncompleteReadError", "MetadataRetrievalError",
    ),
    (Verdict.RETRYABLE, Category.ACCESS): (
        "BaseEndpointResolverError", "ConfigNotFound", "ConfigParseError", "CredentialRetrievalError",
        "EndpointProviderError", "InvalidConfigError", "InvalidRegionError", "LoginError", "NoAuthTokenError",
        "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "SSOError", "TokenRetrievalError",
        "UnknownCredentialError", "UnknownTokenProviderError",
    ),
    (Verdict.NON_RETRYABLE, Category.INVALID_INPUT): (
        "MissingParametersError", "ParamValidationError", "ValidationError",
    ),
}

# fmt: on


def _by_code() -> dict[str, Classification]:
    """Return the tables as one; what stands in a later table wins."""
    verdicts = ((Verdict.RETRYABLE, MODELLED), (Verdict.RETRYABLE, RETRYABLE), (Verdict.NON_RETRYABLE, NON_RETRYABLE))
    return {
        code: Classification(verdict, category, reason=code)
        for verdict, table in verdicts
        for category, codes in table.items()
        for code in codes
    }


BY_CODE = _by_code()
BY_BOTOCORE_CLASS = {
    name: Classification(verdict, category, reason=name)
    for (verdict, category), names in BOTOCORE_CLASSES.items()
    for name in names
}


def judge_answer(response: dict[str, Any]) -> tuple[str, Classification] | None:
    """Return the error code in an answer, as botocore parses it, with the verdict; None if there is no code."""
    code = _mapping(response.get("Error")).get("Code")
    if not isinstance(code, str) or not code:
        return None
    found = BY_CODE.get(code)
    if found is None:
        reasons = response.get("CancellationReasons")
        if code == "TransactionCanceledException" and isinstance(reasons, list):
            found = _judge_cancellation(code, cast("list[object]", reasons))
        else:
            found = Classification(Verdict.RETRYABLE, _category_by_status(response), reason=code)
    if found.verdict is Verdict.RETRYABLE and (wait_s := _asked_wait_s(response)) is not None:
        found = Classification(found.verdict, found.category, wait_s, found.reason)
    return code, found


def _judge_cancellation(code: str, reasons: list[object]) -> Classification:
    """Judge a cancelled transaction: one permanent reason makes it permanent, or else one throttled makes it that."""
    category = Category.CONFLICT
    for reason in reasons:
        name = _mapping(reason).get("Code")
        if not isinstance(name, str) or name == "None":  # AWS's word for an item that was not at fault
            continue
        found = BY_CODE.get(name, Classification(Verdict.RETRYABLE, Category.UNKNOWN))
        if not found.is_retryable:
            return found._replace(reason=f"{code}: {name}")
        if category is not Category.THROTTLING:
            category = found.category
    return Classification(Verdict.RETRYABLE, category, reason=code)


def _category_by_status(response: dict[str, Any]) -> Category:
    """Return the category of an unknown code."""
    status = _mapping(response.get("ResponseMetadata")).get("HTTPStatusCode")
    if not isinstance(status, int):
        return Category.UNKNOWN
    if status in (429, 509):  # 509: bandwidth limit; botocore slows down for it too
        return Category.THROTTLING
    return Category.TRANSIENT if status >= 500 else Category.UNKNOWN


def _asked_wait_s(response: dict[str, Any]) -> float | None:
    """Return the wait in Lambda's ``retryAfterSeconds`` or in the ``Retry-After`` header, in seconds."""
    wait_s = asked_wait_s(response.get("retryAfterSeconds"))
    if wait_s is not None:
        return wait_s
    headers = _mapping(_mapping(response.get("ResponseMetadata")).get("HTTPHeaders"))
    return asked_wait_s(headers.get("retry-after"))


def _mapping(value: object) -> dict[str, Any]:
    """Return *value* if it is a dict, or else an empty one: an answer may be of any shape."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
