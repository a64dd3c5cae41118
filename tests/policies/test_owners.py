"""Who owns a claim: an owner is drawn anew each time, also in clones of one environment."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from resilient_lambda import Idempotency, batch_handler
from resilient_lambda._core.idempotency import owner_of
from resilient_lambda._io.aio import AsyncIo
from resilient_lambda._io.blocking import BlockingIo
from resilient_lambda.testing import lambda_context, sqs_event
from tests.policies.stores import FaultyStore, key_of

IN_A_FORK = """
import os
from resilient_lambda import Idempotency, MemoryStore, batch_handler, current_claim
from resilient_lambda._io.blocking import IO
from resilient_lambda.testing import lambda_context, sqs_event

policy = Idempotency(MemoryStore(), key="k", namespace="n")

@batch_handler(policies=[policy], model=dict)
def handler(body):
    owner = current_claim().entry.version.partition("-")[0]
    os.write(1, f"{owner} {IO.token()}\\n".encode())  # in one piece: both processes write here

child = os.fork()
handler(sqs_event([{"k": 1}]), lambda_context(request_id="same"))
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_clones_of_one_process_draw_different_owners():
    """Two environments restored from one snapshot, here two forks, never take each other for themselves."""
    done = subprocess.run([sys.executable, "-c", IN_A_FORK], capture_output=True, text=True, check=True, timeout=60)
    drawn = done.stdout.split()

    assert len(drawn) == 4
    assert len(set(drawn)) == 4
    assert all(len(token) == 32 for token in drawn)


@pytest.mark.parametrize("io", [BlockingIo(), AsyncIo()], ids=["sync", "async"])
def test_tokens_do_not_come_from_a_seed(io):
    """Neither from the process's generator nor from the one for jitter."""
    tokens = set()
    for _ in range(100):
        random.seed(0)
        tokens.add(io.token())
    io.random = None

    assert len(tokens | {io.token()}) == 101


def test_every_claim_has_its_own_owner_and_names_the_request():
    """Two records of one invocation are claimed by two owners, readable for people by the request id."""
    store = FaultyStore()
    policy = Idempotency(store, key="k", namespace="orders")
    handler = batch_handler(policies=[policy], model=dict)(lambda body: None)
    handler(sqs_event([{"k": 1}, {"k": 2}]), lambda_context(request_id="request"))
    owners = [owner_of(store.entry(key_of(k)).version) for k in (1, 2)]

    assert owners[0] != owners[1]
    assert all(owner.endswith("-request") for owner in owners)
