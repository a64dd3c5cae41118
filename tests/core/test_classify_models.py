"""Nothing that AWS's models or botocore can raise is left without a verdict that somebody has thought of."""

from __future__ import annotations

import botocore.discovery
import botocore.eventstream
import botocore.exceptions
import botocore.parsers
import pytest

from resilient_lambda._core import aws_codes, aws_errors
from resilient_lambda._core.classify import Classifier
from resilient_lambda._core.model import Category, Verdict
from tools import aws_error_table

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE
INVOKE = ["Invoke", "InvokeWithResponseStream", "InvokeAsync"]
SERVICES = [
    "lambda", "dynamodb", "dynamodbstreams", "sqs", "sns", "s3", "kinesis", "events", "stepfunctions", "secretsmanager",
    "ssm", "scheduler",
]  # fmt: skip
BY_REASONS = {"TransactionCanceledException"}  # judged by what its answer says of each item
# Roots that say nothing, and warnings.
SAY_NOTHING = {
    "BotoCoreError", "ClientError", "EventStreamError", "ImminentRemovalWarning", "UnsupportedTLSVersionWarning",
}  # fmt: skip


@pytest.mark.parametrize("operation", INVOKE)
def test_every_error_of_invoke_has_a_verdict_by_name(operation):
    """Nothing that Lambda's Invoke can answer is left to its HTTP status: a permanent one may come with 502."""
    codes = aws_error_table.codes_of("lambda", [operation])

    assert "ResourceNotFoundException" in codes
    assert codes - set(aws_errors.BY_CODE) == set()


def test_what_invoke_can_answer_is_listed():
    """Nothing else says of a function that it was not run."""
    assert aws_error_table.codes_of("lambda", INVOKE) <= aws_codes.INVOKE
    assert set(aws_errors.BY_CODE) >= aws_codes.INVOKE


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_of_the_services_that_functions_use_has_a_verdict_by_name(service):
    """Under the code that XML carries, and under the name that JSON does; on failure give it a line in aws_codes."""
    unknown = aws_error_table.codes_of(service) - set(aws_errors.BY_CODE) - BY_REASONS

    assert unknown == set()


def test_no_code_is_in_the_table_of_management_in_vain():
    """It holds what the models of these services name, and nothing else."""
    modelled = set().union(*map(aws_error_table.codes_of, SERVICES))
    listed = {code for codes in aws_codes.MANAGEMENT.values() for code in codes}

    assert listed <= modelled


def test_what_a_model_calls_retryable_is_retried_unless_outvoted():
    """The traits of these services and the table agree, but for the documented three."""
    marked = {error.code for name in SERVICES for error in aws_error_table.modelled_of(name) if error.is_retryable}
    refused = {code for code in marked if aws_errors.BY_CODE[code].verdict is NO}

    assert refused <= {"AccessDeniedException", "ServiceQuotaExceededException", "ValidationException"}


def test_a_function_that_is_not_there_is_not_there_unless_told_otherwise():
    """ResourceNotFoundException is permanent, and one option makes it transient."""
    error = botocore.exceptions.ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")
    told = Classifier(retryable_codes=["ResourceNotFoundException"])

    assert Classifier().classify(error).verdict is NO
    assert told.classify(error).verdict is YES


def classes_of(module):
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__module__ == module.__name__
    ]


@pytest.mark.parametrize("kind", classes_of(botocore.exceptions), ids=lambda kind: kind.__name__)
def test_every_exception_of_botocore_has_a_verdict_by_name(kind):
    """By its own name or by that of a parent that says something; a new one must be given a place in aws_codes."""
    names = {parent.__name__ for parent in kind.__mro__ if parent.__module__.startswith("botocore")}

    assert names & set(aws_errors.BY_BOTOCORE_CLASS) or kind.__name__ in SAY_NOTHING


def test_the_named_classes_of_botocore_exist_or_came_later():
    """A misspelt class name would never match; those that this botocore lacks are known to be newer or older."""
    modules = (botocore.exceptions, botocore.discovery, botocore.eventstream, botocore.parsers)
    there = {kind.__name__ for module in modules for kind in classes_of(module)}

    assert set(aws_errors.BY_BOTOCORE_CLASS) - there <= {"LoginError", "UnknownTokenProviderError"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (botocore.exceptions.UnknownServiceError(service_name="x", known_service_names="y"), (YES, Category.ACCESS)),
        (botocore.exceptions.InvalidRetryModeError(provided_retry_mode="x", valid_modes="y"), (YES, Category.ACCESS)),
        (botocore.exceptions.InvalidDNSNameError(bucket_name="A_b"), (NO, Category.INVALID_INPUT)),
        (botocore.exceptions.UnseekableStreamError(stream_object="x"), (YES, Category.TRANSIENT)),
        (botocore.exceptions.UnStubbedResponseError(operation_name="x", reason="y"), (YES, Category.UNKNOWN)),
        (botocore.parsers.ResponseParserError(), (YES, Category.TRANSIENT)),
        (botocore.eventstream.ChecksumMismatch(1, 2), (YES, Category.TRANSIENT)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_wrong_with_the_setup_is_retryable_and_what_is_wrong_with_a_parameter_is_not(error, expected):
    """The event is innocent of a missing region, and is what a bucket's name was made of."""
    found = Classifier().classify(error)

    assert (found.verdict, found.category, found.source) == (*expected, "botocore")
