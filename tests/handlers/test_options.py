"""Wrong options fail where the handler is decorated, with the option, its value and what is allowed."""

from __future__ import annotations

import math

import pytest

from resilient_lambda import (
    ConfigurationError,
    DeadLetter,
    Idempotency,
    JMESPath,
    MemoryStore,
    batch_handler,
    resilient_handler,
)
from resilient_lambda.testing import lambda_context, sqs_event
from tests.handlers.answers import NOTHING_FAILED

SINK = DeadLetter(lambda record, error: None)
NAN, INFINITY = math.nan, math.inf


KEYED = [Idempotency(MemoryStore(), key="k")]


def nothing(record):
    """Succeed."""


async def end_async(window):
    """End a window."""


COMMON = {
    "policies none": ({"policies": None}, "policies=None"),
    "policies one": ({"policies": Idempotency(MemoryStore(), key="k")}, "list"),
    "policies store": ({"policies": [MemoryStore()]}, "MemoryStore.*no policy"),
    "policies class": ({"policies": [Idempotency]}, "Idempotency.*no policy"),
    "policies twice": ({"policies": [Idempotency(MemoryStore(), key="k")] * 2}, "each once"),
    "dead_letter function": ({"dead_letter": print}, r"print.*DeadLetter\("),
    "dead_letter url": ({"dead_letter": "https://queue"}, r"https://queue.*DeadLetter"),
    "dead_letter class": ({"dead_letter": DeadLetter}, "DeadLetter"),
    "observers one": ({"observers": print}, "observers=.*list"),
    "observers none": ({"observers": None}, "observers=None"),
    "observers text": ({"observers": ["metrics"]}, "'metrics'.*called"),
    "classifier function": ({"classifier": nothing}, r"nothing.*Classifier\("),
    "max_attempts zero": ({"max_attempts": 0, "dead_letter": SINK}, "max_attempts=0.*at least 1"),
    "max_attempts negative": ({"max_attempts": -1, "dead_letter": SINK}, "max_attempts=-1"),
    "max_attempts text": ({"max_attempts": "3", "dead_letter": SINK}, "max_attempts='3'"),
    "max_attempts float": ({"max_attempts": 2.5, "dead_letter": SINK}, r"max_attempts=2\.5"),
    "max_attempts bool": ({"max_attempts": True, "dead_letter": SINK}, "max_attempts=True"),
    "max_attempts alone": ({"max_attempts": 3}, "max_attempts=3.*dead_letter="),
    "margin_s negative": ({"margin_s": -0.1}, r"margin_s=-0\.1"),
    "margin_s text": ({"margin_s": "5"}, "margin_s='5'"),
    "margin_s nan": ({"margin_s": NAN}, "margin_s=nan"),
    "margin_s infinite": ({"margin_s": INFINITY}, "margin_s=inf"),
    "model text": ({"model": "Order"}, "model='Order'"),
    "model number": ({"model": 5}, "model=5"),
    "model instance": ({"model": {"order_id": "x"}}, "model={'order_id'"),
}
BATCH_ONLY = {
    "source unknown": ({"source": "kafkaesque"}, "source='kafkaesque'.*'kafka'.*'sqs'"),
    "source arn": ({"source": "aws:sqs"}, "source='aws:sqs'"),
    "source list": ({"source": ["sqs"]}, r"source=\['sqs'\]"),
    "raw text": ({"raw": "yes"}, "raw='yes'"),
    "raw and model": ({"raw": True, "model": dict}, "raw=True and model=.*dict"),
    "lane text": ({"lane": "yes"}, "lane='yes'"),
    "order unknown": ({"order": "group", "policies": KEYED}, "order='group'.*'key'"),
    "order without idempotency": ({"order": "key"}, "order='key' needs an Idempotency policy"),
    "share_group text": ({"share_group": "yes"}, "share_group='yes'"),
    "share_group and order": ({"share_group": True, "order": "key", "policies": KEYED}, "exclude each other"),
    "concurrency zero": ({"concurrency": 0}, "concurrency=0.*at least 1"),
    "concurrency float": ({"concurrency": 1.5}, r"concurrency=1\.5"),
    "concurrency bool": ({"concurrency": True}, "concurrency=True"),
    "stop_lane_on_dead_letter": ({"stop_lane_on_dead_letter": 1}, "stop_lane_on_dead_letter=1"),
    "raise_if_all_failed": ({"raise_if_all_failed": None}, "raise_if_all_failed=None"),
    "window_end": ({"window_end": "store"}, "window_end='store'.*function"),
    "window_end async": ({"window_end": end_async}, "both be async, or neither"),
    "interrupt number": ({"interrupt": 1}, "interrupt=1"),
    "after_interrupt": ({"after_interrupt": "exit"}, "after_interrupt='exit'.*'retire', 'keep'"),
}


@pytest.mark.parametrize("decorate", [batch_handler, resilient_handler])
@pytest.mark.parametrize(("options", "says"), COMMON.values(), ids=COMMON.keys())
def test_a_wrong_option_is_refused(decorate, options, says):
    """At decoration, so when the user's module is imported."""
    with pytest.raises(ConfigurationError, match=says):
        decorate(**options)(nothing)


@pytest.mark.parametrize(("options", "says"), BATCH_ONLY.values(), ids=BATCH_ONLY.keys())
def test_a_wrong_option_of_a_batch_is_refused(options, says):
    """The same for what only batches have."""
    with pytest.raises(ConfigurationError, match=says):
        batch_handler(**options)(nothing)


@pytest.mark.parametrize("decorate", [batch_handler, resilient_handler])
def test_an_unknown_option_is_a_type_error(decorate):
    """There is no catch-all that would swallow a typing mistake."""
    with pytest.raises(TypeError, match="max_attempt"):
        decorate(max_attempt=3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"policies": ()},
        {"policies": [], "observers": [print], "dead_letter": SINK, "max_attempts": 1},
        {"margin_s": 0},
        {"margin_s": 0.5},
        {"model": dict},
        {"model": list[int] | dict},
    ],
    ids=range(7),
)
def test_right_options_are_taken(options, paint, capsys):
    """Lists and tuples, whole and real numbers, types of every kind."""
    handler = batch_handler(**options)(paint(nothing))

    assert handler(sqs_event(["{}"]), lambda_context()) == NOTHING_FAILED


IDEMPOTENCY = {
    "key number": ({"key": 5}, "key=5"),
    "key class": ({"key": int}, "key=.*int.*class"),
    "key empty": ({"key": ""}, "key=''"),
    "key empty part": ({"key": "a..b"}, r"key='a\.\.b'"),
    "key empty list": ({"key": []}, r"key=\[\]"),
    "key list of numbers": ({"key": [1]}, r"key=\[1\]"),
    "namespace empty": ({"namespace": ""}, "namespace=''"),
    "namespace long": ({"namespace": "é" * 600}, "1200 bytes"),
    "namespace number": ({"namespace": 5}, "namespace"),
    "keep_s zero": ({"keep_s": 0}, "keep_s=0"),
    "keep_s text": ({"keep_s": "5"}, "keep_s='5'"),
    "keep_s nan": ({"keep_s": NAN}, "keep_s=nan"),
    "keep_s infinite": ({"keep_s": INFINITY}, "keep_s=inf"),
    "lease_s negative": ({"lease_s": -1}, "lease_s=-1"),
    "lease_s infinite": ({"lease_s": INFINITY}, "lease_s=inf"),
    "lease_s short": ({"lease_s": 5}, "lease_s=5.*at least 6"),
    "skew_s negative": ({"skew_s": -1}, "skew_s=-1"),
    "skew_s text": ({"skew_s": "1"}, "skew_s='1'"),
    "skew_s nan": ({"skew_s": NAN}, "skew_s=nan"),
    "remember_failures_s zero": ({"remember_failures_s": 0}, "remember_failures_s=0"),
    "on_missing_key": ({"on_missing_key": "ignore"}, "on_missing_key='ignore'.*'error', 'skip'"),
    "on_in_progress": ({"on_in_progress": True}, "on_in_progress=True.*'wait'"),
    "on_store_error": ({"on_store_error": "fail"}, "on_store_error='fail'.*'run'"),
    "mode": ({"mode": "off"}, "mode='off'.*'observe'"),
    "local_cache negative": ({"local_cache": -1}, "local_cache=-1"),
    "local_cache text": ({"local_cache": "10"}, "local_cache='10'"),
    "local_cache float": ({"local_cache": 1.5}, r"local_cache=1\.5"),
    "fingerprint number": ({"fingerprint": 5}, "fingerprint=5"),
    "fingerprint empty": ({"fingerprint": ""}, "fingerprint=''"),
}


@pytest.mark.parametrize(("options", "says"), IDEMPOTENCY.values(), ids=IDEMPOTENCY.keys())
def test_a_wrong_option_of_idempotency_is_refused(options, says):
    """A NaN or an endless lease would lock a key for ever, a wrong key would fail every record."""
    with pytest.raises(ConfigurationError, match=says):
        Idempotency(MemoryStore(), **options)


@pytest.mark.parametrize("store", [None, "table", MemoryStore, {}], ids=repr)
def test_what_is_no_store_is_refused(store):
    """A class, a name of a table and nothing are no stores."""
    with pytest.raises(ConfigurationError, match="DynamoDBStore"):
        Idempotency(store, key="k")


def test_a_jmespath_that_is_none_is_refused_when_warmed(monkeypatch):
    """In Lambda's INIT phase the expression is compiled, so a wrong one fails at import."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")

    with pytest.raises(ConfigurationError, match=r"JMESPath\('a\[\['\)"):
        batch_handler(policies=[Idempotency(MemoryStore(), key=JMESPath("a[["))])(nothing)


SQS = {
    "nothing": ({}, "url= or env="),
    "both": ({"url": "https://q", "env": "Q"}, "url= or env="),
    "empty url": ({"url": ""}, "url"),
    "empty env": ({"env": ""}, "env"),
    "url number": ({"url": 5}, "url"),
    "env number": ({"env": 5}, "env"),
}


@pytest.mark.parametrize(("options", "says"), SQS.values(), ids=SQS.keys())
def test_a_wrong_option_of_the_sqs_sink_is_refused(options, says):
    """Found at import, not when the first poison message comes."""
    with pytest.raises(ConfigurationError, match=says):
        DeadLetter.sqs(**options)


@pytest.mark.parametrize("sink", [None, "https://queue", 5])
def test_a_sink_that_cannot_be_called_is_refused(sink):
    """The message says what a sink is."""
    with pytest.raises(ConfigurationError, match=r"callable\(record, error\)"):
        DeadLetter(sink)


def test_a_missing_environment_variable_is_found_when_warmed(monkeypatch):
    """In INIT, so at deployment; importing the module in a test does not need it."""
    handler = batch_handler(dead_letter=DeadLetter.sqs(env="NO_SUCH_QUEUE_URL"))
    handler(nothing)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")

    with pytest.raises(ConfigurationError, match="NO_SUCH_QUEUE_URL"):
        handler(nothing)


@pytest.mark.parametrize("verb", ["get", "put_if", "put_many_if"])
def test_a_store_that_lacks_a_verb_is_refused_at_import(verb):
    """Single records might do without it, and the first batch would fail for ever."""
    store = MemoryStore()
    setattr(store, verb, None)
    with pytest.raises(ConfigurationError, match=f"needs a store with .*{verb}"):
        Idempotency(store)
