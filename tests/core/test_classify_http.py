"""Answers and errors of HTTP clients: requests, urllib3 and urllib as they are, httpx and aiohttp by their names."""

from __future__ import annotations

import http.client
import io
import socket
import urllib.error
from email.message import Message

import pytest
import requests
import urllib3.exceptions as urllib3

from resilient_lambda import errors
from resilient_lambda._core import http_errors
from resilient_lambda._core.classify import Classifier
from resilient_lambda._core.model import Category, Verdict

from .errors_at_hand import CLIENT_CLASSES, client_error, foreign

YES = Verdict.RETRYABLE
NO = Verdict.NON_RETRYABLE
AIOHTTP = "aiohttp.client_exceptions"
LATER = "Sun, 06 Nov 1994 08:50:07 GMT"
NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


def of_requests(status, **headers):
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers)
    return requests.HTTPError("no", response=response)


def of_httpx(status, **headers):
    answer = requests.Response()  # of the same face: status_code, headers
    answer.status_code = status
    answer.headers.update(headers)
    return client_error("httpx", "HTTPStatusError", response=answer)


def of_aiohttp(status, **headers):
    return client_error(AIOHTTP, "ClientResponseError", status=status, headers=headers or None)


def of_urllib(status, **headers):
    said = Message()
    for name, value in headers.items():
        said[name] = value
    return urllib.error.HTTPError("https://x.invalid", status, "no", said, io.BytesIO())


CLIENTS = [of_requests, of_httpx, of_aiohttp, of_urllib]


def judged(error):
    found = Classifier().classify(error)
    return found.verdict, found.category


@pytest.mark.parametrize("of_client", CLIENTS, ids=lambda client: client.__name__)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (NO, Category.INVALID_INPUT)),
        (401, (NO, Category.ACCESS)),
        (402, (NO, Category.ACCESS)),
        (403, (NO, Category.ACCESS)),
        (404, (NO, Category.INVALID_INPUT)),
        (407, (NO, Category.ACCESS)),
        (408, (YES, Category.TIMEOUT)),
        (409, (YES, Category.CONFLICT)),
        (410, (NO, Category.INVALID_INPUT)),
        (412, (NO, Category.CONFLICT)),
        (413, (NO, Category.INVALID_INPUT)),
        (421, (YES, Category.TRANSIENT)),
        (422, (NO, Category.INVALID_INPUT)),
        (423, (YES, Category.CONFLICT)),
        (425, (YES, Category.TRANSIENT)),
        (429, (YES, Category.THROTTLING)),
        (451, (NO, Category.ACCESS)),
        (500, (YES, Category.TRANSIENT)),
        (501, (NO, Category.INVALID_INPUT)),
        (502, (YES, Category.TRANSIENT)),
        (503, (YES, Category.TRANSIENT)),
        (504, (YES, Category.TIMEOUT)),
        (505, (NO, Category.INVALID_INPUT)),
        (509, (YES, Category.THROTTLING)),
        (529, (YES, Category.TRANSIENT)),
        (599, (YES, Category.TIMEOUT)),
    ],
)
def test_an_answer_is_judged_by_its_status(of_client, status, expected):
    """The same status is the same verdict, whichever client it came through."""
    error = of_client(status)
    found = Classifier().classify(error)

    assert (found.verdict, found.category) == expected
    assert (found.reason, found.source) == (f"HTTP {status}", "http status")


@pytest.mark.parametrize("of_client", CLIENTS, ids=lambda client: client.__name__)
def test_the_wait_that_an_answer_asks_for_is_passed_on(of_client):
    """In seconds or as a date, and only where another try is worth it."""
    classify = Classifier().classify

    assert classify(of_client(503, **{"Retry-After": "7"})).retry_after_s == 7.0
    assert classify(of_client(429, **{"Retry-After": LATER, "Date": NOW})).retry_after_s == 30.0
    assert classify(of_client(429, **{"Retry-After": LATER})).retry_after_s is None
    assert classify(of_client(429, **{"Retry-After": LATER}), now_s=784_111_777.0).retry_after_s == 30.0
    assert classify(of_client(404, **{"Retry-After": "7"})).retry_after_s is None
    assert classify(of_client(503)).retry_after_s is None


@pytest.mark.parametrize("status", [None, 200, 302, 399, 600, True, "503", 503.0])
@pytest.mark.parametrize("of_client", [of_requests, of_aiohttp], ids=lambda client: client.__name__)
def test_what_is_no_status_of_a_failure_leaves_the_verdict_to_the_class(of_client, status):
    """An answer that did not fail is not what went wrong."""
    assert judged(of_client(status)) == (YES, Category.UNKNOWN)


def test_each_answer_of_one_class_is_judged_by_itself():
    """One classifier sees a 200, a 503 and a 404 in the same class of error."""
    classifier = Classifier()
    statuses = (200, 503, 404, 503)
    for of_client in CLIENTS:
        verdicts = [classifier.classify(of_client(status)).verdict for status in statuses]
        assert verdicts == [YES, YES, NO, YES]


def test_an_answer_hangs_on_errors_of_any_library():
    """SDKs are built on these clients, and keep the answer under ``response``; some call its status ``status``."""
    plain = foreign("shop.client", "Refused", response=of_requests(403).response)
    other = foreign("shop.client", "Busy", response=of_aiohttp(429))

    assert judged(plain) == (NO, Category.ACCESS)
    assert judged(other) == (YES, Category.THROTTLING)


def test_our_own_errors_are_what_they_say_whatever_hangs_on_them():
    """Who raises RetryableError over a 404 has the last word."""
    error = errors.RetryableError("no")
    error.response = of_requests(404).response

    assert judged(error) == (YES, Category.TRANSIENT)


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (requests.ConnectionError(), Category.TRANSIENT),
        (requests.exceptions.SSLError(), Category.TRANSIENT),
        (requests.exceptions.ChunkedEncodingError(), Category.TRANSIENT),
        (requests.exceptions.ContentDecodingError(), Category.TRANSIENT),
        (requests.exceptions.RetryError(), Category.TRANSIENT),
        (requests.Timeout(), Category.TIMEOUT),
        (requests.ConnectTimeout(), Category.TIMEOUT),
        (requests.ReadTimeout(), Category.TIMEOUT),
        (requests.exceptions.JSONDecodeError("x", "doc", 0), Category.TRANSIENT),
        (requests.exceptions.InvalidURL(), Category.UNKNOWN),
        (requests.TooManyRedirects(), Category.UNKNOWN),
        (urllib3.ReadTimeoutError(None, "u", "m"), Category.TIMEOUT),
        (urllib3.ConnectTimeoutError(), Category.TIMEOUT),
        (urllib3.NewConnectionError(None, "m"), Category.TRANSIENT),
        (urllib3.MaxRetryError(None, "u"), Category.TRANSIENT),
        (urllib3.MaxRetryError(None, "u", urllib3.ReadTimeoutError(None, "u", "m")), Category.TIMEOUT),
        (urllib3.MaxRetryError(None, "u", urllib3.NewConnectionError(None, "m")), Category.TRANSIENT),
        (urllib3.MaxRetryError(None, "u", ValueError()), Category.TRANSIENT),
        (urllib3.ProtocolError(), Category.TRANSIENT),
        (urllib3.IncompleteRead(1, 2), Category.TRANSIENT),
        (urllib3.EmptyPoolError(None, "m"), Category.TRANSIENT),
        (urllib3.LocationParseError("u"), Category.UNKNOWN),
        (urllib.error.URLError("no route"), Category.TRANSIENT),
        (urllib.error.URLError(socket.timeout()), Category.TIMEOUT),  # noqa: UP041
        (http.client.RemoteDisconnected(), Category.TRANSIENT),
        (http.client.IncompleteRead(b""), Category.TRANSIENT),
        (http.client.BadStatusLine(""), Category.TRANSIENT),
        (client_error("httpx", "ConnectTimeout"), Category.TIMEOUT),
        (client_error("httpx", "PoolTimeout"), Category.TIMEOUT),
        (client_error("httpx", "LocalProtocolError"), Category.UNKNOWN),
        (client_error("httpx", "UnsupportedProtocol"), Category.UNKNOWN),
        (client_error("httpx", "ConnectError"), Category.TRANSIENT),
        (client_error("httpx", "RemoteProtocolError"), Category.TRANSIENT),
        (client_error("httpx", "DecodingError"), Category.TRANSIENT),
        (client_error("httpx", "InvalidURL"), Category.UNKNOWN),
        (client_error(AIOHTTP, "ConnectionTimeoutError"), Category.TIMEOUT),
        (client_error(AIOHTTP, "ServerDisconnectedError"), Category.TRANSIENT),
        (client_error(AIOHTTP, "ClientConnectorError"), Category.TRANSIENT),
        (client_error(AIOHTTP, "ClientPayloadError"), Category.TRANSIENT),
        (client_error(AIOHTTP, "ContentTypeError", status=200), Category.TRANSIENT),
        (client_error(AIOHTTP, "InvalidURL"), Category.UNKNOWN),
        (foreign("httpcore", "ReadTimeout", type("TimeoutException", (Exception,), {"__module__": "httpcore"})),
         Category.TIMEOUT),
        (foreign("shop", "ConnectTimeout"), Category.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_connections_and_timeouts_of_clients_are_known_by_name(error, category):
    """All of them are retryable; an answer that is no JSON is the dependency's, and a wrong address is unknown."""
    assert judged(error) == (YES, category)


@pytest.mark.parametrize("package", sorted({name.partition(".")[0] for name in CLIENT_CLASSES}))
def test_the_names_of_classes_that_are_not_installed_are_those_that_were_looked_up(package):
    """What the table knows of httpx and aiohttp stands in the list that was made of them."""
    (recorded,) = [names for module, names in CLIENT_CLASSES.items() if module.partition(".")[0] == package]

    assert set(http_errors.CLASSES[package]) <= set(recorded)


@pytest.mark.parametrize(
    ("package", "module"),
    [("requests", requests.exceptions), ("urllib3", urllib3), ("http", http.client), ("urllib", urllib.error)],
)
def test_the_names_of_installed_classes_exist(package, module):
    """A misspelt name would never match."""
    assert [name for name in http_errors.CLASSES[package] if not hasattr(module, name)] == []
