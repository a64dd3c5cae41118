"""The warning about a boto3 client that retries as well."""

from __future__ import annotations

import functools
import logging

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from resilient_lambda import Retry, RetryableError


def client(retries):
    """Return a client of DynamoDB that is never used."""
    return Session().create_client(
        "dynamodb",
        region_name="eu-central-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=None if retries is None else Config(retries=retries),
    )


@pytest.fixture
def warnings(caplog):
    """Return the warnings that were logged."""
    caplog.set_level(logging.WARNING, "resilient_lambda")
    return lambda: [record.getMessage() for record in caplog.records if "boto3 client" in record.getMessage()]


@pytest.mark.parametrize(
    "retries", [None, {"mode": "standard"}, {"total_max_attempts": 3}, {"max_attempts": 1}], ids=str
)
def test_a_method_of_a_client_that_retries_is_warned_about(retries, warnings):
    """Once for each `Retry`, with what to set."""
    dynamodb, retry = client(retries), Retry()
    retry(dynamodb.get_item)
    retry(functools.partial(dynamodb.put_item, TableName="t"))

    assert len(warnings()) == 1
    assert "Retry stands around get_item" in warnings()[0]
    assert "Config(retries={'total_max_attempts': 1})" in warnings()[0]


@pytest.mark.parametrize("retries", [{"total_max_attempts": 1}, {"max_attempts": 0}], ids=str)
def test_a_method_of_a_client_that_does_not_retry_is_fine(retries, warnings):
    """That is how it should be."""
    Retry()(client(retries).get_item)

    assert warnings() == []


def test_methods_of_others_are_fine(warnings):
    """Nothing is known of them."""
    Retry()("text".upper)
    Retry()(functools.partial(print))

    assert warnings() == []


@pytest.mark.parametrize(
    ("answer", "is_warned"),
    [
        ({"ResponseMetadata": {"RetryAttempts": 4}}, True),
        ({"ResponseMetadata": {"RetryAttempts": 0}}, False),
        ({"ResponseMetadata": {}}, False),
        ({"ResponseMetadata": {"RetryAttempts": "4"}}, False),
        ({}, False),
    ],
    ids=str,
)
def test_an_answer_after_retries_of_its_client_is_warned_about(answer, is_warned, warnings, time):
    """botocore counts them in its answers."""
    retry = Retry()

    @retry
    def read():
        raise ClientError({"Error": {"Code": "ThrottlingException"}, **answer}, "GetItem")

    for _ in range(2):
        with pytest.raises(ClientError):
            read()

    assert len(warnings()) == is_warned


def test_an_answer_without_metadata_is_fine(warnings, time):
    """Errors of others may carry anything."""

    error = TimeoutError()
    error.response = {"ResponseMetadata": None}

    @Retry()
    def read():
        raise error

    with pytest.raises(TimeoutError):
        read()

    assert warnings() == []


def test_errors_without_an_answer_are_fine(warnings, time):
    """They do not say."""

    @Retry()
    def read():
        raise RetryableError

    with pytest.raises(RetryableError):
        read()

    assert warnings() == []
