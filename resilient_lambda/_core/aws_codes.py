"""
AWS's error codes and botocore's classes, as literal data.

One table serves all services, because an error does not say which service it is of. So where they disagree:

1. A code that botocore would try again in any service is retryable in all. A needless retry costs a receive; parking
   what a retry would have cured costs an operator's evening.
2. But not the few that one to three services mark against two hundred others that do not: AccessDeniedException,
   ValidationException and ServiceQuotaExceededException stay permanent. `NON_RETRYABLE` wins over `MODELLED`.
3. Throttling in one service is throttling in all: the longer backoff never hurts.

A test walks the models of DynamoDB, SQS, SNS, S3, Kinesis, EventBridge, Step Functions, Secrets Manager, SSM and
Lambda, and fails on an error that is in none of the tables.
"""

from __future__ import annotations

from .model import Category, Verdict

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

# What only calls that make, change and delete resources answer, of the services that functions use most.
MANAGEMENT: dict[tuple[Verdict, Category], tuple[str, ...]] = {
    (Verdict.RETRYABLE, Category.THROTTLING): (
        "ActivityWorkerLimitExceeded", "AutomationExecutionLimitExceededException", "ExecutionLimitExceeded",
        "ReplayLimitExceeded", "ReplayLimitExceededException", "ResourceLimitExceededException", "Throttled",
    ),
    (Verdict.RETRYABLE, Category.CONFLICT): (
        "BackupInUseException", "ConcurrentAccess", "ConcurrentAccessException", "ExportConflictException",
        "IllegalStatusException", "ImportConflictException", "InvalidState", "InvalidStateException",
        "OpsItemConflictException", "OpsMetadataTooManyUpdatesException", "PurgeQueueInProgress",
        "QueueDeletedRecently", "ResourceDataSyncConflictException", "ResourcePolicyConflictException", "StaleTag",
        "StaleTagException", "TableInUseException", "TargetInUseException", "TooManyUpdates",
    ),
    (Verdict.RETRYABLE, Category.TRANSIENT): (
        "ExpiredIteratorException", "ExpiredNextTokenException", "TargetNotConnected",
    ),
    (Verdict.NON_RETRYABLE, Category.INVALID_INPUT): (
        "ActivityDoesNotExist", "AnnotationNameTooLong", "AssociationDoesNotExist", "AssociationExecutionDoesNotExist",
        "AutomationDefinitionNotFoundException", "AutomationDefinitionVersionNotFoundException",
        "AutomationExecutionNotFoundException", "AutomationStepNotFoundException", "BackupNotFoundException",
        "BatchEntryIdsNotDistinctException", "BatchRequestTooLongException", "CodeSigningConfigNotFoundException",
        "DoesNotExistException", "DryRunOperationException", "EmptyBatchRequestException", "ExecutionDoesNotExist",
        "ExportNotFoundException", "GlobalTableNotFoundException", "HierarchyLevelLimitExceededException",
        "HierarchyTypeMismatchException", "ImportNotFoundException", "IncompatiblePolicyException",
        "IndexNotFoundException", "InvalidActivation", "InvalidActivationId", "InvalidAddress",
        "InvalidAggregatorException", "InvalidAllowedPatternException", "InvalidAnnotationName", "InvalidAssociation",
        "InvalidAssociationVersion", "InvalidAutomationExecutionParametersException",
        "InvalidAutomationSignalException", "InvalidAutomationStatusUpdateException", "InvalidBatchEntryIdException",
        "InvalidCommandId", "InvalidDefinition", "InvalidDeleteInventoryParametersException",
        "InvalidDeletionIdException", "InvalidDocument", "InvalidDocumentContent", "InvalidDocumentOperation",
        "InvalidDocumentSchemaVersion", "InvalidDocumentType", "InvalidDocumentVersion",
        "InvalidEncryptionConfiguration", "InvalidEventPatternException", "InvalidExportTimeException", "InvalidFilter",
        "InvalidFilterKey", "InvalidFilterOption", "InvalidFilterValue", "InvalidInstanceId",
        "InvalidInstanceInformationFilterValue", "InvalidInstancePropertyFilterValue", "InvalidInventoryGroupException",
        "InvalidInventoryItemContextException", "InvalidInventoryRequestException", "InvalidItemContentException",
        "InvalidKeyId", "InvalidLoggingConfiguration", "InvalidNextToken", "InvalidNextTokenException",
        "InvalidNotificationConfig", "InvalidOptionException", "InvalidOutputFolder", "InvalidOutputLocation",
        "InvalidParameters", "InvalidPermissionType", "InvalidPluginName", "InvalidPolicyAttributeException",
        "InvalidPolicyTypeException", "InvalidPrefix", "InvalidResourceId", "InvalidResourceType",
        "InvalidRestoreTimeException", "InvalidResultAttributeException", "InvalidSchedule", "InvalidTag",
        "InvalidTarget", "InvalidTargetMaps", "InvalidTracingConfiguration", "InvalidTypeNameException",
        "InvalidUpdate", "InvocationDoesNotExist", "ItemContentMismatchException", "ItemSizeLimitExceededException",
        "MalformedPolicyDocumentException", "MalformedResourcePolicyDocumentException", "MaxDocumentSizeExceeded",
        "MissingRequiredParameter", "NoLongerSupportedException", "NoSuchAnnotation",
        "OpsItemInvalidParameterException", "OpsItemNotFoundException",
        "OpsItemRelatedItemAssociationNotFoundException", "OpsMetadataInvalidArgumentException",
        "OpsMetadataNotFoundException", "ParameterPatternMismatchException", "PolicyLengthExceededException",
        "PolicyNotFoundException", "ProvisionedConcurrencyConfigNotFoundException", "ReplicaNotFoundException",
        "ResourceDataSyncInvalidConfigurationException", "ResourceDataSyncNotFoundException",
        "ResourcePolicyInvalidParameterException", "ResourcePolicyNotFoundException", "ServiceSettingNotFound",
        "StateMachineTypeNotSupported", "TooManyEntriesInBatchRequestException", "TooManyParts",
        "TotalSizeLimitExceededException", "TrimmedDataAccessException", "UnsupportedCalendarException",
        "UnsupportedFeatureRequiredException", "UnsupportedInventoryItemContextException",
        "UnsupportedInventorySchemaVersionException", "UnsupportedOperatingSystem", "UnsupportedOperationException",
        "UnsupportedParameterType", "UnsupportedPlatformType", "UserError", "UserErrorException",
        "VerificationException",
    ),
    (Verdict.NON_RETRYABLE, Category.ACCESS): (
        "ActivityLimitExceeded", "AliasLimitExceededException", "AnnotationLimitExceeded", "AssociationLimitExceeded",
        "AssociationVersionLimitExceeded", "AutomationDefinitionNotApprovedException",
        "CapacityProviderLimitExceededException", "CodeStorageExceededException", "CodeVerificationFailedException",
        "ComplianceTypeCountLimitExceededException", "ContinuousBackupsUnavailableException",
        "CustomSchemaCountLimitExceededException", "DocumentLimitExceeded", "DocumentPermissionLimit",
        "DocumentVersionLimitExceeded", "EncryptionFailure", "EndpointDisabled", "EndpointDisabledException",
        "FeatureNotAvailableException", "FilterPolicyLimitExceeded", "FilterPolicyLimitExceededException",
        "FunctionVersionsPerCapacityProviderLimitExceededException", "InvalidCodeSignatureException", "InvalidRole",
        "InvalidSecurityException", "ManagedRuleException", "OperationDisabledException",
        "OpsItemAccessDeniedException", "OpsItemLimitExceededException", "OpsMetadataKeyLimitExceededException",
        "OpsMetadataLimitExceededException", "OptedOut", "OptedOutException", "ParameterLimitExceeded",
        "ParameterMaxVersionLimitExceeded", "ParameterVersionLabelLimitExceeded", "PlatformApplicationDisabled",
        "PlatformApplicationDisabledException", "PointInTimeRecoveryUnavailableException",
        "PoliciesLimitExceededException", "PublicPolicyException", "ResourceDataSyncCountExceededException",
        "ResourcePolicyLimitExceededException", "StateMachineLimitExceeded", "SubTypeCountLimitExceededException",
        "SubscriptionLimitExceeded", "SubscriptionLimitExceededException", "TagLimitExceeded",
        "TagLimitExceededException", "TagPolicy", "TagPolicyException", "TooManyTags", "TooManyTagsError",
        "TopicLimitExceeded", "TopicLimitExceededException",
    ),
    (Verdict.NON_RETRYABLE, Category.CONFLICT): (
        "ActivityAlreadyExists", "AlreadyExistsException", "AssociatedInstances", "AssociationAlreadyExists",
        "CallbackTimeoutException", "DocumentAlreadyExists", "DuplicateDocumentContent", "DuplicateDocumentVersionName",
        "DuplicateInstanceId", "EncryptionTypeMismatch", "ExecutionNotRedrivable", "GlobalTableAlreadyExistsException",
        "InvalidObjectState", "InvalidWriteOffset", "ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError",
        "OpsItemAlreadyExistsException", "OpsItemRelatedItemAlreadyExistsException",
        "OpsMetadataAlreadyExistsException", "ParameterAlreadyExists", "PreconditionFailedException",
        "PreconditionNotMetException", "QueueNameExists", "ReplicaAlreadyExistsException",
        "ResourceDataSyncAlreadyExistsException", "StateMachineAlreadyExists", "StateMachineDeleting",
        "StatusUnchanged",
    ),
}

# What the calls that invoke a function can answer: only these say of a function that it was not run.
INVOKE = frozenset((
    "CodeArtifactUserDeletedException", "CodeArtifactUserFailedException", "CodeArtifactUserPendingException",
    "DurableExecutionAlreadyStartedException", "EC2AccessDeniedException", "EC2ThrottledException",
    "EC2UnexpectedException", "EFSIOException", "EFSMountConnectivityException", "EFSMountFailureException",
    "EFSMountTimeoutException", "ENILimitReachedException", "ENINotReadyException", "InvalidParameterValueException",
    "InvalidRequestContentException", "InvalidRuntimeException", "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException", "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException",
    "KMSInvalidStateException", "KMSNotFoundException", "ModeNotSupportedException", "NoPublishedVersionException",
    "RecursiveInvocationException", "RequestTooLargeException", "ResourceConflictException",
    "ResourceNotFoundException", "ResourceNotReadyException", "RuntimeAliasDeletedException",
    "RuntimeVersionDeletedException", "S3FilesMountConnectivityException", "S3FilesMountFailureException",
    "S3FilesMountTimeoutException", "SerializedRequestEntityTooLargeException", "ServiceException",
    "ServiceQuotaExceededException", "SnapStartException", "SnapStartNotReadyException",
    "SnapStartRegenerationFailureException", "SnapStartTimeoutException", "SubnetIPAddressLimitReachedException",
    "TooManyRequestsException", "UnsupportedMediaTypeException",
))

# Errors that botocore raises itself, by class name; a subclass is judged by the first name in its line of parents.
# An operator's fault (no credentials, no region, a wrong setting) is retryable: the event is innocent, and nothing may
# be lost. What is wrong with a parameter is the event's, or the code's that made it of the event.
BOTOCORE_CLASSES: dict[tuple[Verdict, Category], tuple[str, ...]] = {
    (Verdict.RETRYABLE, Category.TIMEOUT): ("ConnectTimeoutError", "ReadTimeoutError"),
    (Verdict.RETRYABLE, Category.THROTTLING): ("CapacityNotAvailableError",),
    (Verdict.RETRYABLE, Category.TRANSIENT): (
        "AwsChunkedWrapperError", "ChecksumError", "ConnectionClosedError", "ConnectionError",
        "EndpointConnectionError", "FlexibleChecksumError", "HTTPClientError", "IncompleteReadError",
        "MetadataRetrievalError", "ParserError", "ProxyConnectionError", "ResponseParserError",
        "ResponseStreamingError", "SSLError", "UnseekableStreamError",
    ),
    (Verdict.RETRYABLE, Category.ACCESS): (
        "ApiVersionNotFoundError", "BaseEndpointResolverError", "ConfigNotFound", "ConfigParseError",
        "CredentialRetrievalError", "DataNotFoundError", "EndpointDiscoveryException", "EndpointProviderError",
        "InvalidChecksumConfigError", "InvalidConfigError", "InvalidDefaultsMode", "InvalidEndpointConfigurationError",
        "InvalidEndpointDiscoveryConfigurationError", "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError",
        "InvalidProxiesConfigError", "InvalidRegionError", "InvalidRetryConfigurationError",
        "InvalidS3AddressingStyleError", "InvalidS3UsEast1RegionalEndpointConfigError",
        "InvalidSTSRegionalEndpointsConfigError", "LoginError", "MD5UnavailableError", "MissingDependencyException",
        "NoAuthTokenError", "NoCredentialsError", "NoRegionError", "PartialCredentialsError", "ProfileNotFound",
        "RefreshWithMFAUnsupportedError", "SSOError", "ServiceNotInRegionError", "TokenRetrievalError",
        "UndefinedModelAttributeError", "UnknownCredentialError", "UnknownRegionError", "UnknownServiceStyle",
        "UnknownSignatureVersionError", "UnknownTokenProviderError", "UnsupportedS3AccesspointConfigurationError",
        "UnsupportedS3ConfigurationError", "UnsupportedS3ControlConfigurationError", "UnsupportedServiceProtocolsError",
        "UnsupportedSignatureVersionError", "WaiterConfigError",
    ),
    # A fault of the code, or an end that says nothing of why.
    (Verdict.RETRYABLE, Category.UNKNOWN): (
        "InvalidExpressionError", "OperationNotPageableError", "PaginationError", "StubResponseError",
        "UnknownClientMethodError", "WaiterError",
    ),
    (Verdict.NON_RETRYABLE, Category.INVALID_INPUT): (
        "InvalidDNSNameError", "InvalidHostLabelError", "MissingParametersError", "ParamValidationError",
        "UnsupportedOutpostResourceError", "UnsupportedS3ArnError", "UnsupportedS3ControlArnError", "ValidationError",
    ),
}

# fmt: on
