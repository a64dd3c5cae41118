"""The pytest plugin, in sessions of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

PAYMENTS = """
    import json
    import pytest

    def charges(delivery, faults, attempts=6):
        def handler(event, context):
            delivery.effect(event["id"])
            delivery.work(1)

        calls = delivery.synchronous(handler, key="id", attempts=attempts, wait_s=60)
        for order in "abcdefgh":
            calls.send({"id": order})
        delivery.faults(**faults)
        delivery.run()
        return calls
"""

BREAKS_BY_A_CRASH = (
    PAYMENTS
    + """
    def test_charged_once(delivery):
        assert charges(delivery, {"crash": 0.5, "throttle": 0.2}).handled_more_than_once() == []
"""
)


@pytest.fixture
def session(pytester):
    """Return a function that runs pytest over a test module."""

    def run(module, *options):
        pytester.makepyfile(module)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *options)

    return run


def names_of(result):
    """Return the ids of the tests that a session has collected."""
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def section_of(result):
    """Return the lines of the section that the plugin adds to a failed test."""
    start = next(number for number, line in enumerate(result.outlines) if "- delivery of seed" in line)
    end = next(number for number, line in enumerate(result.outlines) if number > start and line.startswith("==="))
    return result.outlines[start:end]


# Fixtures


def test_fixtures_serve_a_handler_that_is_not_decorated(session):
    """A delivery, a context and events of every source are there for anybody's handler."""
    result = session(
        PAYMENTS
        + """
    EVENTS = ["sqs", "kinesis", "kafka", "sns", "s3", "activemq", "rabbitmq"]

    def test_delivery(delivery):
        assert charges(delivery, {}).lost == []
        assert delivery.effects == list("abcdefgh")

    def test_context(lambda_context):
        assert 29_000 < lambda_context.get_remaining_time_in_millis() <= 30_000
        assert lambda_context.aws_request_id

    @pytest.mark.parametrize("source", EVENTS)
    def test_event(source, request):
        assert json.dumps(request.getfixturevalue(f"{source}_event")(["a", "b"]))

    def test_events_of_tables(dynamodb_event, documentdb_event):
        assert dynamodb_event([{"id": 1}])["Records"][0]["eventSource"] == "aws:dynamodb"
        assert documentdb_event([{"id": 1}])["events"]
"""
    )

    result.assert_outcomes(passed=10)


def test_store_in_memory_is_part_of_the_delivery(session):
    """In a test with `delivery` its calls take virtual time and fail; in another one they do not."""
    result = session(
        """
    from resilient_lambda.stores import ABSENT, STORED
    from resilient_lambda.errors import StoreUnavailableError

    ITEM = {"version": "w.0"}

    def test_alone(memory_store):
        assert memory_store.put_if("k", ITEM, ABSENT) == STORED

    def test_in_a_delivery(memory_store, delivery):
        def handler(event, context):
            memory_store.put_if("k", ITEM, ABSENT)

        delivery.faults(store_outage=1.0)
        calls = delivery.synchronous(handler)
        calls.send({})
        delivery.run()
        assert calls.replies[0].payload["errorType"] == StoreUnavailableError.__name__
"""
    )

    result.assert_outcomes(passed=2)


def test_fixtures_of_the_user_win(session):
    """A fixture of the same name in a test module takes the place of the plugin's."""
    result = session(
        """
    import pytest

    @pytest.fixture
    def delivery():
        return "mine"

    @pytest.fixture
    def lambda_context():
        return "mine, too"

    @pytest.mark.delivery(seeds=3)
    def test_mine(delivery, lambda_context, memory_store):
        assert (delivery, lambda_context) == ("mine", "mine, too")
        assert memory_store.get(["k"]) == {}
"""
    )

    result.assert_outcomes(passed=1)


def test_nothing_is_imported_before_a_fixture_is_used(pytester):
    """Whoever has the library installed pays for its plugin with nothing but the plugin's own module."""
    pytester.makepyfile(
        """
    import sys

    def test_sees_nothing():
        loaded = {name for name in sys.modules if name.startswith("resilient_lambda")}
        assert loaded == {"resilient_lambda", "resilient_lambda.pytest_plugin"}
        assert not {"pydantic", "boto3", "botocore", "asyncio", "aws_lambda_powertools"} & set(sys.modules)
"""
    )
    # Without other plugins, which may import what they like.
    command = [sys.executable, "-m", "pytest", "-p", "resilient_lambda.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": ""}
    done = subprocess.run(
        command, cwd=pytester.path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_plugin_is_registered(pytester):
    """An entry point brings it into every session; nothing has to be named in a conftest.py."""
    result = pytester.runpytest_inprocess("--fixtures", "-p", "no:cacheprovider")

    result.stdout.fnmatch_lines_random(["delivery -- *pytest_plugin.py*", "sqs_event -- *pytest_plugin.py*"])


# Seeds


def test_a_marked_test_runs_once_for_each_seed(session):
    """The seeds are in the names of the tests, the same in every process."""
    result = session(
        PAYMENTS
        + """
    @pytest.mark.delivery(seeds=3)
    def test_seed(delivery, delivery_seed):
        assert delivery.seed == delivery_seed

    @pytest.mark.delivery(seeds=[7, 9])
    def test_chosen(delivery):
        assert delivery.seed in {7, 9}

    def test_unmarked(delivery):
        assert delivery.seed == 0
""",
        "-v",
    )

    result.assert_outcomes(passed=6)
    assert [name.split()[0] for name in names_of(result)] == [
        "test_seed[seed=0]",
        "test_seed[seed=1]",
        "test_seed[seed=2]",
        "test_chosen[seed=7]",
        "test_chosen[seed=9]",
        "test_unmarked",
    ]


def test_a_seed_of_the_command_line_is_the_only_one(session):
    """--delivery-seed takes the place of what tests ask for."""
    result = session(
        """
    import pytest

    @pytest.mark.delivery(seeds=3)
    def test_marked(delivery):
        assert delivery.seed == 17

    def test_unmarked(delivery):
        assert delivery.seed == 17
""",
        "--delivery-seed=17",
    )

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("arguments", ["", "seed=3", "3, seeds=3"])
def test_a_marker_with_other_arguments_is_an_error(session, arguments):
    """A misspelt option is not silently a test of one seed."""
    result = session(
        f"""
    import pytest

    @pytest.mark.delivery({arguments})
    def test_marked(delivery):
        pass
"""
    )

    assert result.ret != 0
    assert "takes seeds= and nothing else" in result.stdout.str() + result.stderr.str()


# Failures


def test_a_failure_says_how_to_replay_it_and_what_happened(session):
    """The report of a failed test has its seed, the faults that struck, and the timeline."""
    section = section_of(session(BREAKS_BY_A_CRASH, "--delivery-seed=3"))

    assert "delivery of seed 3" in section[0]
    assert section[1].startswith("faults that happened: ")
    assert "crash:" in section[1]
    assert "Delivery(seed=3)" in section[2]
    assert "test_charged_once' --delivery-seed=3" in section[3]
    assert any("crashed" in line for line in section)


def test_a_passing_test_says_nothing(session):
    """Sections are for failures."""
    result = session(BREAKS_BY_A_CRASH, "--delivery-without=crash", "-rA")

    result.assert_outcomes(passed=1)
    assert "delivery of seed" not in result.stdout.str()


def test_shrinking_leaves_the_faults_that_it_takes(session):
    """With --delivery-shrink one crash is left of many, and the line that is printed replays it."""
    section = section_of(session(BREAKS_BY_A_CRASH, "--delivery-seed=3", "--delivery-shrink"))
    replay = section[3].split()[-1]

    assert section[1].startswith("it takes crash:")
    assert section[1].count("crash:") == 1

    again = section_of(session(BREAKS_BY_A_CRASH, "--delivery-seed=3", replay))

    assert again[1].removeprefix("faults that happened: ") == section[1].removeprefix("it takes ").partition(" (")[0]


def test_shrinking_does_not_take_a_test_that_it_cannot_replay_for_a_failure(session):
    """A source of another fixture's belongs to the first simulation: then nothing is claimed of fewer faults."""
    result = session(
        PAYMENTS
        + """
    @pytest.fixture
    def calls(delivery):
        def handler(event, context):
            delivery.effect(event["id"])
            delivery.work(1)

        return delivery.synchronous(handler, key="id", attempts=6)

    def test_charged_once(delivery, calls):
        for order in "abcdefgh":
            calls.send({"id": order})
        delivery.faults(crash=0.5)
        delivery.run()
        assert len(delivery.effects) == 8
""",
        "--delivery-shrink",
    )

    assert "played again, it did not fail in this way" in section_of(result)[1]


def test_a_test_that_forgets_to_run_is_told(session):
    """Nothing is lost where nothing was delivered: such a test would always pass."""
    result = session(
        """
        def test_nothing_is_lost(delivery):
            queue = delivery.sqs(lambda event, context: None)
            queue.send("hello")

            assert queue.lost == []
        """,
        "-W",
        "error::UserWarning",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the test never called delivery.run()*"])
