"""What measures the rows that need DynamoDB: the delaying proxy, and a small run of each side. No figure is judged."""

from __future__ import annotations

import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.delaying_proxy import request_length
from benchmarks.local_table import Network, proxy
from benchmarks.proxy_statistics import statistics
from benchmarks.store_rows import Plan, run

RECORDS = 3
DELAY_MS = 20.0
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture(scope="module")
def network(dynamodb_local):
    """The session's engine, directly and by a proxy of the module's own."""
    with proxy(dynamodb_local, DELAY_MS) as url:
        yield Network(dynamodb_local, url)


@pytest.mark.parametrize(
    ("received", "length"),
    [
        (b"", None),
        (HEAD[:-2], None),
        (HEAD, None),
        (HEAD + b"{", None),
        (HEAD + b"{}", len(HEAD) + 2),
        (HEAD + b"{}" + HEAD, len(HEAD) + 2),
        (b"GET / HTTP/1.1\r\n\r\n", 18),
    ],
)
def test_a_request_is_passed_on_when_it_is_complete(received, length):
    """Head and as much body as the head announces; what follows is the next request."""
    assert request_length(bytearray(received)) == length


def test_the_proxy_delays_and_counts(network):
    """A request takes at least the delay, answers as the engine does, and is counted; asking for the count is not."""
    before = statistics(network.delayed_url)["requests"]
    start = time.perf_counter()
    with pytest.raises(HTTPError) as refused:  # it is not signed
        urlopen(Request(network.delayed_url, data=b"{}"), timeout=10)
    refused.value.close()
    taken_ms = (time.perf_counter() - start) * 1000

    assert refused.value.code == 400
    assert taken_ms >= DELAY_MS
    assert statistics(network.delayed_url)["requests"] == before + 1


@pytest.mark.parametrize(
    ("work", "has_effects", "requests"),
    [
        ("ours", False, (2, 2 * RECORDS)),
        ("ours_concurrent", False, (2, 2 * RECORDS)),
        ("ours_committing", True, (RECORDS + 1, 2 * RECORDS)),
        ("powertools", True, (3 * RECORDS, 3 * RECORDS)),
        ("powertools_pool", False, (2 * RECORDS, 2 * RECORDS)),
        ("floor", False, (2, 2)),
    ],
)
def test_each_side_does_the_work_that_it_is_measured_by(network, work, has_effects, requests):
    """`run` refuses a side that leaves an order uncompleted; the requests must be those of that side, too."""
    figures = run(work, Plan(RECORDS, rounds=1, repeats=1, has_effects=has_effects), network)

    assert requests[0] <= figures.requests[0] <= requests[1]
    assert figures.wall_ms[0] >= 2 * DELAY_MS
    assert figures.cpu_ms[0] > 0
