"""AWS's codes: the table against botocore's own data, and the answers that it judges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda._core import aws_codes, aws_errors
from resilient_lambda._core.model import Category, Verdict
from tools import aws_error_table

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE
# One to three services mark these as retryable, some two hundred others do not.
OUTVOTED = {"AccessDeniedException", "ServiceQuotaExceededException", "ValidationException"}


def judge(code, **response):
    found = aws_errors.judge_answer({"Error": {"Code": code, "Message": "m"}, **response})
    assert found is not None
    return found[1]


def verdict_and_category(code, **response):
    found = judge(code, **response)
    return found.verdict, found.category


def test_every_code_that_botocore_retries_is_in_the_table():
    """Lists, legacy data and all service models of the installed botocore; on failure run tools.aws_error_table."""
    missing = {code for code in aws_error_table.retryable_codes() if code not in aws_errors.BY_CODE}

    assert missing == set()


def test_what_botocore_retries_is_retryable_but_for_the_outvoted():
    """The few codes that nearly all services hold to be permanent are, and no other."""
    permanent = {code for code in aws_error_table.retryable_codes() if aws_errors.BY_CODE[code].verdict is NO}

    assert permanent <= OUTVOTED


def test_what_botocore_calls_throttling_is_throttling():
    """Throttling in one service is throttling in all."""
    others = {
        code
        for code in aws_error_table.throttling_codes()
        if aws_errors.BY_CODE[code].category is not Category.THROTTLING
    }

    assert others == set()


@pytest.mark.parametrize("code", sorted(OUTVOTED))
def test_the_outvoted_codes_are_marked_by_few_services(code):
    """The decision to overrule a trait stands only while nearly every service disagrees with it."""
    models = [error.is_retryable for error in aws_error_table.modelled() if error.code == code]

    assert sum(models) <= 3
    assert len(models) > 100


def test_no_code_has_two_verdicts_by_hand():
    """A code stands once in the hand-written tables."""
    codes = [
        code
        for table in (aws_codes.RETRYABLE, aws_codes.NON_RETRYABLE, aws_codes.MANAGEMENT)
        for group in table.values()
        for code in group
    ]

    assert sorted(codes) == sorted(set(codes))


def test_the_generator_prints_the_literal(capsys):
    """What the tool prints can be pasted: it is the table's own notation."""
    aws_error_table.main()

    namespace = {"Category": Category}
    exec(capsys.readouterr().out.replace(": dict[Category, tuple[str, ...]]", ""), namespace)
    printed = {category.name: sorted(codes) for category, codes in namespace["MODELLED"].items()}
    assert printed == aws_error_table.table()


RETRIED_BY_INVOKE = [
    "TooManyRequestsException",
    "ServiceException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENINotReadyException",
    "ResourceNotReadyException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
    "EFSMountTimeoutException",
    "EFSMountConnectivityException",
    "S3FilesMountTimeoutException",
    "S3FilesMountConnectivityException",
    "EFSIOException",
    "ResourceConflictException",
    "CodeArtifactUserPendingException",
    "SubnetIPAddressLimitReachedException",
    "ENILimitReachedException",
]
REFUSED_BY_INVOKE = [
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "RequestTooLargeException",
    "UnsupportedMediaTypeException",
    "ResourceNotFoundException",
    "RecursiveInvocationException",
    "NoPublishedVersionException",
    "SnapStartException",
    "ServiceQuotaExceededException",
    "InvalidRuntimeException",
    "InvalidZipFileException",
    "InvalidSubnetIDException",
    "InvalidSecurityGroupIDException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "EC2AccessDeniedException",
    "EFSMountFailureException",
    "RuntimeVersionDeletedException",
    "DurableExecutionAlreadyStartedException",
]


@pytest.mark.parametrize("code", RETRIED_BY_INVOKE)
def test_the_invoke_errors_that_pass_are_retryable(code):
    """By name, although some come with 4xx."""
    assert judge(code, ResponseMetadata={"HTTPStatusCode": 409}).verdict is YES


@pytest.mark.parametrize("code", REFUSED_BY_INVOKE)
def test_the_invoke_errors_that_stay_are_not_retryable(code):
    """By name, although some come with 502."""
    assert judge(code, ResponseMetadata={"HTTPStatusCode": 502}).verdict is NO


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ProvisionedThroughputExceededException", (YES, Category.THROTTLING)),
        ("LimitExceededException", (YES, Category.THROTTLING)),
        ("SlowDown", (YES, Category.THROTTLING)),
        ("KmsThrottled", (YES, Category.THROTTLING)),
        ("RequestTimeout", (YES, Category.TIMEOUT)),
        ("InternalServerError", (YES, Category.TRANSIENT)),
        ("TransactionConflict", (YES, Category.CONFLICT)),
        ("TransactionConflictException", (YES, Category.CONFLICT)),
        ("ExpiredTokenException", (YES, Category.ACCESS)),
        ("ConditionalCheckFailedException", (NO, Category.CONFLICT)),
        ("ConditionalCheckFailed", (NO, Category.CONFLICT)),
        ("DuplicateItem", (NO, Category.CONFLICT)),
        ("ValidationException", (NO, Category.INVALID_INPUT)),
        ("ResourceNotFoundException", (NO, Category.INVALID_INPUT)),
        ("AWS.SimpleQueueService.NonExistentQueue", (NO, Category.INVALID_INPUT)),
        ("AccessDeniedException", (NO, Category.ACCESS)),
        ("ServiceQuotaExceededException", (NO, Category.ACCESS)),
    ],
)
def test_a_known_code_decides_whatever_the_status(code, expected):
    """The same code with 200, 400 and 503 is the same error."""
    by_status = [verdict_and_category(code, ResponseMetadata={"HTTPStatusCode": status}) for status in (200, 400, 503)]

    assert by_status == [expected] * 3


@pytest.mark.parametrize(
    ("metadata", "category"),
    [
        ({"HTTPStatusCode": 429}, Category.THROTTLING),
        ({"HTTPStatusCode": 509}, Category.THROTTLING),
        ({"HTTPStatusCode": 500}, Category.TRANSIENT),
        ({"HTTPStatusCode": 503}, Category.TRANSIENT),
        ({"HTTPStatusCode": 400}, Category.UNKNOWN),
        ({"HTTPStatusCode": 404}, Category.UNKNOWN),
        ({"HTTPStatusCode": "503"}, Category.UNKNOWN),
        ({}, Category.UNKNOWN),
        (None, Category.UNKNOWN),
    ],
)
def test_an_unknown_code_is_retryable_and_its_status_names_the_category(metadata, category):
    """A status alone never sets an event aside."""
    assert verdict_and_category("BrandNewException", ResponseMetadata=metadata) == (YES, category)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("400", (NO, Category.INVALID_INPUT)),
        ("403", (NO, Category.ACCESS)),
        ("404", (NO, Category.INVALID_INPUT)),
        ("412", (NO, Category.CONFLICT)),
        ("429", (YES, Category.THROTTLING)),
        ("500", (YES, Category.TRANSIENT)),
        ("503", (YES, Category.TRANSIENT)),
        ("301", (YES, Category.UNKNOWN)),
        ("4040", (YES, Category.UNKNOWN)),
    ],
)
def test_a_code_that_is_a_status_says_what_the_status_says(code, expected):
    """The answer to a HEAD request has no body: HeadObject of an absent key is as permanent as GetObject of it."""
    assert verdict_and_category(code) == expected


def test_a_status_for_a_code_may_ask_for_a_wait():
    """Its headers are AWS's like those of any other answer."""
    found = judge("503", ResponseMetadata={"HTTPStatusCode": 503, "HTTPHeaders": {"retry-after": "12"}})

    assert (found.retry_after_s, found.reason, found.source) == (12.0, "HTTP 503", "http status")


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["None", "None"], (YES, Category.CONFLICT)),
        (["None", "TransactionConflict"], (YES, Category.CONFLICT)),
        (["ThrottlingError", "TransactionConflict"], (YES, Category.THROTTLING)),
        (["TransactionConflict", "ProvisionedThroughputExceeded"], (YES, Category.THROTTLING)),
        (["BrandNewReason"], (YES, Category.UNKNOWN)),
        (["TransactionConflict", "ConditionalCheckFailed"], (NO, Category.CONFLICT)),
        (["ThrottlingError", "ValidationError"], (NO, Category.INVALID_INPUT)),
        (["None", "ItemCollectionSizeLimitExceeded"], (NO, Category.INVALID_INPUT)),
        (["DuplicateItem"], (NO, Category.CONFLICT)),
        ([None, 7], (YES, Category.CONFLICT)),
        ([], (YES, Category.CONFLICT)),
    ],
)
def test_a_cancelled_transaction_is_judged_by_its_reasons(codes, expected):
    """One permanent reason makes it permanent, or else one throttled item makes it throttling."""
    reasons = [{"Code": code, "Item": {"secret": {"S": "x"}}} for code in codes]

    assert verdict_and_category("TransactionCanceledException", CancellationReasons=reasons) == expected


@pytest.mark.parametrize("reasons", [None, "None", {"Code": "ConditionalCheckFailed"}])
def test_a_cancelled_transaction_without_reasons_is_retryable(reasons):
    """What does not say why it was cancelled is unknown."""
    assert verdict_and_category("TransactionCanceledException", CancellationReasons=reasons) == (YES, Category.UNKNOWN)


def test_the_reason_names_the_code_of_the_cancellation():
    """People see which reason made the transaction permanent, not the item."""
    found = judge("TransactionCanceledException", CancellationReasons=[{"Code": "ConditionalCheckFailed", "Item": {}}])

    assert found.reason == "TransactionCanceledException: ConditionalCheckFailed"


@pytest.mark.parametrize(
    ("response", "expected_s"),
    [
        ({"retryAfterSeconds": "7"}, 7.0),
        ({"retryAfterSeconds": 7}, 7.0),
        ({"ResponseMetadata": {"HTTPHeaders": {"retry-after": "12"}}}, 12.0),
        ({"retryAfterSeconds": "7", "ResponseMetadata": {"HTTPHeaders": {"retry-after": "12"}}}, 7.0),
        ({"retryAfterSeconds": "soon", "ResponseMetadata": {"HTTPHeaders": {"retry-after": "12"}}}, 12.0),
        ({"ResponseMetadata": {"HTTPHeaders": {"retry-after": "-1"}}}, None),
        ({"ResponseMetadata": {"HTTPHeaders": ["retry-after"]}}, None),
        ({"ResponseMetadata": "x"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_the_service_asked_for_is_passed_on(response, expected_s):
    """Lambda's own field first, then the header; garbage counts as not asked."""
    assert judge("TooManyRequestsException", **response).retry_after_s == expected_s


def test_a_permanent_error_carries_no_wait():
    """A Retry-After with a permanent code is noise."""
    found = judge("ValidationException", ResponseMetadata={"HTTPHeaders": {"retry-after": "12"}})

    assert found.retry_after_s is None


@pytest.mark.parametrize("error", [None, "x", [], {}, {"Code": 503}, {"Code": ""}, {"Code": None}])
def test_an_answer_without_a_code_is_not_judged_here(error):
    """Only a text as code makes an answer an error of AWS."""
    assert aws_errors.judge_answer({"Error": error}) is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    code=st.sampled_from(["X", "TransactionCanceledException", "Throttling"]), metadata=JUNK, reasons=JUNK, wait=JUNK
)
def test_any_shape_of_answer_is_judged(code, metadata, reasons, wait):
    """Whatever stands beside the code, there is a verdict and a wait that is None or finite and not negative."""
    found = judge(code, ResponseMetadata=metadata, CancellationReasons=reasons, retryAfterSeconds=wait)

    assert found.retry_after_s is None or 0 <= found.retry_after_s < float("inf")
