"""What is compared of two requests with one key."""

from __future__ import annotations

import pytest

from resilient_lambda._core.http_request import read_request
from resilient_lambda._core.http_row import HttpRecord
from resilient_lambda._policies.request_keys import RequestFingerprint
from resilient_lambda.errors import MalformedRequestError
from resilient_lambda.testing import http_event


def fingerprint(event):
    """Return what stands for the request's content."""
    return RequestFingerprint().find_in(HttpRecord(event, "id", read_request(event)))


SENT = http_event({"a": 1, "b": [True, None]}, query={"x": "1"})


@pytest.mark.parametrize(
    "event",
    [
        http_event('{ "b": [true, null], "a": 1 }', query={"x": "1"}),
        http_event(b'{"a":1,"b":[true,null]}', query={"x": "1"}),
        http_event({"a": 1, "b": [True, None]}, query={"x": "1"}, headers={"user-agent": "other"}, path="/other"),
    ],
    ids=["in other words", "in base64", "with other headers"],
)
def test_what_means_the_same_is_the_same(event):
    """Headers and path are no content: the path is part of the key."""
    assert fingerprint(event) == fingerprint(SENT)


@pytest.mark.parametrize(
    "event",
    [
        http_event({"a": "1", "b": [True, None]}, query={"x": "1"}),
        http_event({"a": 1.5, "b": [True, None]}, query={"x": "1"}),
        http_event({"a": 1, "b": [None, True]}, query={"x": "1"}),
        http_event({"a": 1, "b": [True, None]}, query={"x": "2"}),
        http_event({"a": 1, "b": [True, None]}),
        http_event(query={"x": "1"}),
    ],
    ids=["a text", "another number", "another order", "another query", "no query", "no body"],
)
def test_what_means_something_else_is_another(event):
    """Types and the order of lists count."""
    assert fingerprint(event) != fingerprint(SENT)


def test_a_text_is_not_the_json_that_it_looks_like():
    """A body that is no JSON cannot be made to look like one that is."""
    bodies = ["a", '"a"', b"\xff", "ff", '["text","a"]', "", "null"]

    assert len({fingerprint(http_event(body)) for body in bodies}) == len(bodies)


def test_what_cannot_be_written_again_is_malformed():
    """Python may read deeper than it writes: no digest, no comparison."""

    class Deep(HttpRecord):
        def comparable(self):
            nested = []
            for _ in range(200_000):
                nested = [nested]
            return nested

    with pytest.raises(MalformedRequestError, match="deep"):
        RequestFingerprint().find_in(Deep(SENT, "id", read_request(SENT)))
