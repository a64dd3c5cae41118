"""What holds for every sink of AWS: one answer for each letter, and "confirmed" only where the service said so."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilient_lambda import ConfigurationError, DeadLetter
from resilient_lambda.errors import SinkError
from resilient_lambda.sinks._letter import region_of_arn
from resilient_lambda.sinks._sqs import region_of_url
from resilient_lambda.testing import FakeIo, in_memory
from tests.naming import id_of
from tests.sinks.services import SERVICES, Client, api_error, event_record, park, sqs_records


@pytest.fixture(params=SERVICES.values(), ids=SERVICES.keys())
def service(request):
    """Each of the services."""
    return request.param


@pytest.fixture
def client(service):
    """A client of the service under the test's control."""
    return Client(service)


def confirmed(answers):
    """Return the places of the letters that were confirmed."""
    return [n for n, answer in enumerate(answers) if isinstance(answer, str)]


def permanent(answers):
    """Return the places of the letters that the sink will never take."""
    return [n for n, answer in enumerate(answers) if isinstance(answer, SinkError) and answer.is_permanent]


def test_what_is_confirmed_is_confirmed(service, client, time):
    """Twenty-five letters: each sent once, to the address, each with an answer of its own."""
    answers = park(service.sink(client), time, sqs_records(25))

    assert confirmed(answers) == list(range(25))
    assert sum(client.sizes) == 25
    assert max(client.sizes) == min(service.per_request, 25)
    assert all(service.address in str(call) for call in client.calls)


def test_the_confirmation_says_where_the_letter_is(service, client, time):
    """The id of the message or event, or the object's address."""
    (answer,) = park(service.sink(client), time, sqs_records(1))

    assert answer.startswith({"s3": "s3://parking/sqs/", "eventbridge": "event-"}.get(service.name, "message-"))


def test_no_letters_are_no_requests(service, client, time):
    """Nothing is asked for nothing."""
    assert park(service.sink(client), time, []) == []
    assert client.calls == []


def test_a_letter_that_was_refused_is_sent_again_without_its_neighbours(service, client, time):
    """The service's own fault: the second try has the one letter only."""
    client.script = [lambda entries: service.answer(entries, {0: False})]

    assert confirmed(park(service.sink(client), time, sqs_records(3))) == [0, 1, 2]
    assert len(client.entries) == 4
    assert client.texts.count(client.texts[-1]) == 2


def test_a_letter_that_was_refused_for_good_is_not_sent_again(service, client, time):
    """The letter's fault: its neighbours are confirmed, and it is told as permanent."""
    client.script = [lambda entries: service.answer(entries, {0: True})]
    answers = park(service.sink(client), time, sqs_records(3))

    assert permanent(answers) == [n for n in range(3) if n not in confirmed(answers)]
    assert len(confirmed(answers)) == 2
    assert len(client.entries) == 3


@pytest.mark.parametrize("name", ["sqs", "sns"])
def test_a_key_service_that_throttles_is_asked_again(name, time):
    """AWS calls it the sender's fault, but to wait helps."""
    client = Client(SERVICES[name])
    client.script = [{"Failed": [{"Id": "0", "SenderFault": True, "Code": "KmsThrottled"}]}]

    assert confirmed(park(SERVICES[name].sink(client), time, sqs_records(1))) == [0]
    assert len(client.calls) == 2


@pytest.mark.parametrize("error", [api_error("ThrottlingException"), api_error("InternalError", 500), TimeoutError()])
def test_a_request_that_failed_is_tried_three_times(service, client, time, error):
    """Throttled, broken, or its answer lost: sent again with waits between, and then given up for this time."""
    client.script = [error] * 3
    answers = park(service.sink(client), time, sqs_records(1))

    assert (confirmed(answers), permanent(answers)) == ([], [])
    assert len(client.calls) == 3
    assert len(time.slept_s) == 2
    assert sum(time.slept_s) < 2


@pytest.mark.parametrize("error", [api_error("ThrottlingException"), TimeoutError()])
def test_a_lost_answer_is_made_up_for(service, client, time, error):
    """The third try is confirmed; it says the same as the first."""
    client.script = [error, error]

    assert confirmed(park(service.sink(client), time, sqs_records(1))) == [0]
    assert len(set(client.texts)) == 1


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", None])
def test_a_sink_that_refuses_everybody_is_not_hammered(service, client, time, code):
    """No permission, or nothing there: the letters after the first requests are not even tried."""
    client.script = [api_error(code or service.missing, 403)] * 100
    answers = park(service.sink(client), time, sqs_records(100))

    assert permanent(answers) == list(range(100))
    assert len(client.calls) <= 8
    assert time.slept_s == []


def test_a_letter_that_spoils_its_request_does_not_keep_its_neighbours(service, client, time):
    """A request that is refused as a whole for one letter's sake is split."""

    def act(entries):
        if any("m1" in service.text_of(entry) or "body 1" in service.text_of(entry) for entry in entries):
            raise api_error("InvalidParameterValue")
        return service.confirm(entries)

    client.script = [act] * 50

    assert confirmed(park(service.sink(client), time, sqs_records(10))) == [n for n in range(10) if n != 1]


def test_a_client_that_hangs_is_not_asked_beyond_the_deadline(service, client, time):
    """Each request takes 2 s: what could end after the deadline is not begun, and comes again."""

    def slow(entries):
        time.advance(2)
        return service.confirm(entries)

    client.script = [slow] * 1_000
    began_s = time.now()
    answers = park(service.sink(client), time, sqs_records(200), until_s=began_s + 5)

    assert len(answers) == 200
    assert len(confirmed(answers)) == len(client.entries) < 200
    # Requests that are under way together share the clock of this test, which counts them one by one.
    assert time.now() - began_s <= 5 + 2 * 8


def test_after_the_deadline_nothing_is_sent(service, client, time):
    """Not even once; the letters are not refused for good."""
    answers = park(service.sink(client), time, sqs_records(3), until_s=time.now())

    assert (confirmed(answers), permanent(answers), client.calls) == ([], [], [])


ODD_ANSWERS = [
    None,
    {},
    [],
    "ok",
    5,
    {"Successful": None, "Failed": None, "Entries": None},
    {"Successful": [None], "Entries": [None]},
    {"Successful": [{}], "Entries": [{}]},
    {"Successful": [{"Id": "0"}], "Entries": [{"EventId": None}], "ETag": ""},
    {"Successful": [{"Id": "0", "MessageId": ""}], "Entries": [{"EventId": ""}]},
    {"Successful": [{"Id": "99", "MessageId": "m"}, {"Id": None, "MessageId": "m"}], "Entries": [{"EventId": "e"}] * 3},
    {"Successful": [{"Id": [], "MessageId": "m"}], "Entries": {"EventId": "e"}},
    {
        "Successful": [{"Id": "0", "MessageId": "m"}],
        "Failed": [{"Id": "0", "Code": None, "SenderFault": False}],
        "Entries": [{"EventId": "e", "ErrorCode": "InternalFailure"}],
    },
    {"Failed": [{"Id": "99", "Code": "x"}], "Entries": []},
    {"Successful": [{"Id": "0", "MessageId": 5}], "Entries": [{"EventId": 5}]},
    {"Failed": [{"Id": "0", "Code": {}, "SenderFault": True}], "Entries": [{"ErrorCode": []}]},
]


@pytest.mark.parametrize("odd", ODD_ANSWERS, ids=range(len(ODD_ANSWERS)))
def test_an_answer_that_does_not_confirm_the_letter_confirms_nothing(service, client, time, odd):
    """Whatever a client returns: nothing is taken for a confirmation that is none, and nothing is raised."""
    client.script = [odd] * 3
    answers = park(service.sink(client), time, sqs_records(1))

    assert confirmed(answers) == []
    assert isinstance(answers[0], SinkError)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 25))
@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_whatever_the_client_does_each_letter_gets_the_answer_that_the_service_gave_it(service, seed, count):
    """An answer per letter; confirmed exactly if the service named that letter in some answer that arrived."""
    said, tries = set(), Counter()

    def act(entries):
        texts = [service.text_of(entry) for entry in entries]
        tries[texts[0]] += 1
        # Some requests are made in threads, in any order: what happens depends on what they hold, not on when.
        random = Random(f"{seed}|{texts}|{tries[texts[0]]}")
        fate = random.choice(["answer", "answer", "throttle", "refuse", "time out", "nothing"])
        if fate == "throttle":
            raise api_error("ThrottlingException")
        if fate == "refuse":
            raise api_error("InvalidParameterValue")
        if fate == "time out":
            raise TimeoutError
        if fate == "nothing":
            return {}
        fates = [random.choice(["confirm", "refuse", "refuse for good", "silent"]) for _ in entries]
        refused = {n: fate == "refuse for good" for n, fate in enumerate(fates) if fate.startswith("refuse")}
        answer = service.answer(entries, refused)
        for n, (entry, fate) in enumerate(zip(entries, fates, strict=True)):
            if fate == "silent":
                answer = silenced(answer, entry, n)
            elif fate == "confirm":
                said.add(service.text_of(entry))
        return answer

    client = Client(service)
    client.script = [act] * 1_000
    records = sqs_records(count)
    answers = park(service.sink(client), FakeIo(), records)
    texts = {record.id: text for record in records for text in client.texts if stands_for(text, record)}

    assert len(answers) == count
    assert [records[n].id for n in confirmed(answers)] == [r.id for r in records if texts.get(r.id) in said]


def stands_for(text, record):
    """Tell whether *text* is the letter of *record*."""
    return text == record.body or f'"id": "{record.id}"' in text


def silenced(answer, entry, place):
    """Return *answer* without what it says of the entry at *place*."""
    if "ETag" in answer:
        return {}
    if "Entries" in answer:
        results = [{} if n == place else result for n, result in enumerate(answer["Entries"])]
        return {**answer, "Entries": results}
    return {name: [each for each in answer[name] if each["Id"] != entry["Id"]] for name in answer}


def test_a_missing_variable_is_told_by_name(service, client, time, monkeypatch):
    """Nothing is sent, nothing is waited for; warming fails with the same words."""
    monkeypatch.delenv("PARKING", raising=False)
    sink = service.sink(client, env="PARKING")
    (answer,) = park(sink, time, sqs_records(1))

    assert answer.is_permanent
    assert "PARKING" in str(answer)
    assert client.calls == []
    with pytest.raises(ConfigurationError, match="PARKING"):
        sink.warm()


def test_a_client_that_cannot_be_built_confirms_nothing(service, time, monkeypatch):
    """Without a region there is no client: the answer says so, for good, and nothing is waited for."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    address = {"sqs": "http://localhost:1/1/parking", "sns": "arn:aws:sns::1:parking"}.get(service.name, "parking")
    answers = park(service.sink(_address=address), time, sqs_records(2))

    assert permanent(answers) == [0, 1]
    assert "region" in str(answers[0])
    assert time.slept_s == []


def test_the_variable_is_read_when_it_is_needed(service, client, time, monkeypatch):
    """Importing the module before the environment is set is fine."""
    sink = service.sink(client, env="PARKING")
    monkeypatch.setenv("PARKING", service.address)

    assert confirmed(park(sink, time, sqs_records(1))) == [0]
    assert service.address in str(client.calls[0])


@pytest.mark.parametrize(
    "options",
    [
        {"_address": "arn:x", "env": "X"},
        {"_address": None},
        {"_address": ""},
        {"_address": 5},
        {"env": ""},
        {"region": ""},
        {"region": "us-east-1", "client": object()},
        {"otherwise": lambda record, error: None},
        {"otherwise": "s3"},
    ],
    ids=id_of,
)
def test_wrong_options_are_refused(service, options):
    """At import, as a ConfigurationError."""
    with pytest.raises(ConfigurationError):
        service.sink(**options)


@pytest.mark.parametrize("name", ["sqs", "sns", "eventbridge"])
def test_the_sink_for_large_letters_must_be_a_sink(name):
    """A function has to be wrapped."""
    with pytest.raises(ConfigurationError, match="too_large"):
        SERVICES[name].sink(too_large=lambda record, error: None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DeadLetter.sns("parking"),
        lambda: DeadLetter.sqs("arn:aws:sqs:us-east-1:123456789012:parking"),
        lambda: DeadLetter.s3("s3://parking/letters"),
        lambda: DeadLetter.s3("parking/letters"),
        lambda: DeadLetter.s3("arn:aws:s3:::parking"),
        lambda: DeadLetter.s3("parking", prefix="x" * 801),
        lambda: DeadLetter.s3("parking", prefix=None),
        lambda: DeadLetter.s3("parking", prefix="\ud83d"),
        lambda: DeadLetter.eventbridge("parking", source="aws.orders"),
        lambda: DeadLetter.eventbridge("parking", source=""),
    ],
)
def test_what_the_service_would_never_take_is_refused(make):
    """A name instead of an ARN, a URL instead of a name, a source that is EventBridge's own."""
    with pytest.raises(ConfigurationError):
        make()


def test_an_access_point_is_a_bucket():
    """S3 takes its ARN for a bucket's name."""
    sink = DeadLetter.s3("arn:aws:s3:us-east-1:123456789012:accesspoint/parking")

    assert repr(sink) == "DeadLetter(s3 arn:aws:s3:us-east-1:123456789012:accesspoint/parking)"


def test_in_memory_takes_the_letters_of_every_sink(service, time):
    """Without AWS, region or variable; under the name that the sink was given."""
    with in_memory() as fakes:
        answers = park(service.sink(), time, sqs_records(1)) + park(service.sink(env="PARKING"), time, sqs_records(1))

    assert len(confirmed(answers)) == 2
    assert [letter.sink for letter in fakes.dead_letters] == [service.address, "PARKING"]
    assert [letter.record.id for letter in fakes.dead_letters] == ["m0", "m0"]


def test_a_record_that_is_no_json_at_all_is_refused_for_good(service, client, time):
    """Nothing can be written of it; its neighbour is sent."""
    loop = []
    loop.append(loop)
    answers = park(service.sink(client), time, [event_record(loop), event_record({"fine": 1})])

    assert (permanent(answers), confirmed(answers)) == ([0], [1])


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("https://sqs.us-west-2.amazonaws.com/1/parking", "us-west-2"),
        ("https://queue.amazonaws.com/1/parking", "us-east-1"),
        ("http://localhost:4566/1/parking", None),
        ("arn:aws:sns:us-west-2:1:parking", "us-west-2"),
        ("arn:aws:s3:::parking", None),
        ("parking", None),
    ],
)
def test_an_address_may_name_its_region(address, region):
    """That of a queue in its URL, of a topic or bus in its ARN."""
    assert (region_of_arn(address) or region_of_url(address)) == region
