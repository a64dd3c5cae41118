"""A read timeout for each call: with the botocore that knows one, and with those from before."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from resilient_lambda.invoke._bounds import bound, bound_pools, read_within

from .server import Reply


@pytest.fixture(params=[bound, bound_pools], ids=["as this botocore does", "as older ones do"])
def client(request, server):
    """A client whose own read timeout is 30 s, prepared in either way."""
    config = Config(read_timeout=30, connect_timeout=2, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", endpoint_url=server.url, config=config)
    request.param(client)
    request.param(client)
    return client


def test_a_call_in_the_block_is_bounded(server, client):
    """By the block's timeout, not by the client's."""
    server.script = [Reply(hangs=True)]
    with read_within(0.1), pytest.raises(ReadTimeoutError):
        client.invoke(FunctionName="slow")

    assert len(server.seen) == 1


def test_the_last_block_decides(server, client):
    """Also over a connection that an earlier call has left, with another timeout."""
    with read_within(20):
        client.invoke(FunctionName="quick")["Payload"].read()
    server.script = [Reply(hangs=True)]
    with read_within(0.1), pytest.raises(ReadTimeoutError):
        client.invoke(FunctionName="slow")

    assert server.seen[0].peer == server.seen[1].peer


def test_outside_of_blocks_the_client_has_its_own(server, client):
    """The user's other calls are as patient as they were."""
    with read_within(0.001):
        pass
    client.invoke(FunctionName="quick")["Payload"].read()

    assert len(server.seen) == 1


def test_a_fake_client_is_left_alone():
    """A stand-in of the user's without botocore's insides is passed over."""
    bound(object())
