"""A function behind APIs, a URL and a load balancer: requests over HTTP, signed, to AWS's runtime client."""

from __future__ import annotations

import itertools
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.engines.ministack import REGION

from .doors import DOORS, Door
from .stack import ACCOUNT, FUNCTIONS, PACKAGE_ROOT, package

_numbers = itertools.count(1)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


class Api:
    """A function behind a door, and two users who may call it."""

    def __init__(self, ministack: Any, notes: Any, door: Door) -> None:
        name = f"api-{os.getpid()}-{next(_numbers)}"
        self.notes = notes
        self._door = door
        notes.touch()
        function = ministack.client("lambda").create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Role=f"arn:aws:iam::{ACCOUNT}:role/r",
            Handler=door.handler,
            Code={"ZipFile": package()},
            Timeout=20,
            Environment={
                "Variables": {
                    "PYTHONPATH": f"{PACKAGE_ROOT}:{FUNCTIONS}",
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "NOTES": str(notes),
                }
            },
        )
        self._url = door.open(ministack, name, function["FunctionArn"])
        iam = ministack.client("iam")
        self._users = {}
        for user in ("alice", "bob"):
            iam.create_user(UserName=f"{user}-{name}")
            key = iam.create_access_key(UserName=f"{user}-{name}")["AccessKey"]
            self._users[user] = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def pay(self, order: str, body: Any, *, key: str | None, user: str = "alice") -> Answer:
        """Send a request as *user*."""
        headers = {"Content-Type": "application/json", "X-User": user}
        if key is not None:
            headers["Idempotency-Key"] = key
        url = f"{self._url}/orders/{order}/pay"
        request = AWSRequest("POST", url, data=json.dumps(body).encode(), headers=headers)
        if self._door.service:
            SigV4Auth(self._users[user], self._door.service, REGION).add_auth(request)
        sent = urllib.request.Request(url, data=request.data, headers=dict(request.headers), method="POST")
        try:
            answer = urllib.request.urlopen(sent, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, found, answer.read().decode())

    def let_end(self, order: str) -> None:
        """Have the payment of *order* that waits for this end."""
        Path(f"{self.notes}-{order}").touch()

    def runs(self, order: str) -> int:
        """Return how often the payment of *order* was run."""
        return sum(json.loads(line)["name"] == order for line in self.notes.read_text("utf-8").splitlines())


@pytest.fixture(scope="module", params=DOORS)
def api(request, ministack, tmp_path_factory):
    """One of each kind for all tests, which take orders of their own."""
    return Api(ministack, tmp_path_factory.mktemp("api") / "notes", DOORS[request.param])


@pytest.fixture
def order():
    """An order that no other test pays."""
    return f"order-{next(_numbers)}"


def test_a_repeated_request_gets_the_first_answer(api, order):
    """Status, headers and body; a body in other words is the same, another one is refused."""
    first, second = (api.pay(order, {"total": 5}, key="k") for _ in range(2))
    other = api.pay(order, {"total": 6}, key="k")

    assert (first.status, first.headers["x-run"], first.body) == (201, "1", '{"paid": 5}')
    assert (second.status, second.headers["x-run"], second.body) == (201, "1", '{"paid": 5}')
    assert other.status == 422
    assert api.runs(order) == 1


def test_another_user_has_keys_of_his_own(api, order):
    """The same key, order and body, signed by another user: another payment."""
    answers = [api.pay(order, {"total": 5}, key="k", user=user) for user in ("alice", "bob", "alice")]

    assert [answer.headers["x-run"] for answer in answers] == ["1", "2", "1"]


def test_an_answer_that_says_it_failed_is_tried_again(api, order):
    """The first 503 goes to the caller, the second request runs."""
    statuses = [api.pay(order, {"total": 5, "unavailable": 1}, key="k").status for _ in range(3)]

    assert statuses == [503, 201, 201]
    assert api.runs(order) == 2


def test_a_request_that_cannot_be_taken_is_told_why(api, order):
    """No key, and a body that does not fit; with the headers for browsers."""
    no_key, no_fit = api.pay(order, {"total": 5}, key=None), api.pay(order, {"total": "much"}, key="k")

    assert (no_key.status, no_fit.status) == (400, 422)
    assert "total" in json.loads(no_fit.body)["detail"]
    assert no_fit.headers["content-type"] == "application/problem+json"
    assert no_fit.headers["access-control-allow-origin"] == "*"
    assert api.runs(order) == 0


def test_of_two_requests_at_once_one_runs(api, order):
    """The other one is told to come back, and gets the first one's answer then."""
    slow: list[Answer] = []
    request = {"total": 5, "waits": True}
    thread = Thread(target=lambda: slow.append(api.pay(order, request, key="k")))
    thread.start()
    while not api.runs(order):
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        refused = api.pay(order, request, key="k")
    finally:
        api.let_end(order)
        thread.join()

    assert refused.status == 409
    assert 1 <= int(refused.headers["retry-after"]) <= 5
    assert slow[0].status == 201
    assert api.pay(order, request, key="k").body == slow[0].body
    assert api.runs(order) == 1
