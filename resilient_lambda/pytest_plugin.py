"""
Fixtures of pytest: a simulated delivery, events of every source, a context, a store.

pytest loads this module in every session of whoever has the library installed. So it imports nothing of the library
before a fixture is used; and fixtures of the same names in a test module or a ``conftest.py`` take the place of these.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from .stores import MemoryStore
    from .testing import Delivery, LambdaContext
    from .testing.simulator.explore import Failure

    EventBuilder = Callable[..., dict[str, Any]]

_DELIVERY: pytest.StashKey[Delivery] = pytest.StashKey()
_HAS_CONNECTED_STORE: pytest.StashKey[bool] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("resilient_lambda", "simulated delivery of Lambda events")
    group.addoption(
        "--delivery-seed",
        type=int,
        metavar="N",
        help="the seed of the fixture `delivery`, in the place of those that a test asks for",
    )
    group.addoption(
        "--delivery-without",
        default="",
        metavar="NAMES",
        help="faults that do not happen, separated by commas: crash, or crash:4",
    )
    group.addoption(
        "--delivery-shrink",
        action="store_true",
        help="when a test with `delivery` fails, run its function again and again with fewer faults",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "delivery(seeds): run the test once for each seed of the fixture `delivery`: "
        "for 0 to 49 with seeds=50, or for those of an iterable",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once for each seed."""
    marker = metafunc.definition.get_closest_marker("delivery")
    if marker is None or "delivery_seed" not in metafunc.fixturenames:
        return
    seeds = _seeds_of(marker)
    only = metafunc.config.getoption("--delivery-seed")
    chosen = seeds if only is None else [only]
    metafunc.parametrize("delivery_seed", chosen, indirect=True, ids=[f"seed={seed}" for seed in chosen])


def _seeds_of(marker: pytest.Mark) -> Sequence[int]:
    values = [*marker.args, *marker.kwargs.values()]
    if len(values) != 1 or not marker.kwargs.keys() <= {"seeds"}:
        raise pytest.UsageError(f"@pytest.mark.delivery takes seeds= and nothing else, not {marker}")
    seeds: int | Iterable[int] = values[0]
    return range(seeds) if isinstance(seeds, int) else list(seeds)


@pytest.fixture
def delivery_seed(request: pytest.FixtureRequest) -> int:
    """The seed of `delivery`: that of the marker or of --delivery-seed, or 0."""
    seed = getattr(request, "param", None)
    if seed is None:
        seed = request.config.getoption("--delivery-seed")
    return seed or 0


@pytest.fixture
def delivery(request: pytest.FixtureRequest, delivery_seed: int) -> Generator[Delivery]:
    """A simulation of Lambda's delivery, in virtual time: a `resilient_lambda.testing.Delivery`."""
    from .testing import Delivery

    with Delivery(delivery_seed, without=_without(request.config)) as simulation:
        request.node.stash[_DELIVERY] = simulation
        yield simulation
        if not simulation.has_run and any(source.items for source in simulation.sources):
            warnings.warn(
                "events were sent and nothing was delivered: the test never called delivery.run()", stacklevel=1
            )


@pytest.fixture
def memory_store(request: pytest.FixtureRequest) -> MemoryStore:
    """A store in memory; in a test with `delivery`, one whose calls take time and fail as its faults say."""
    from .stores import MemoryStore

    store = MemoryStore()
    if "delivery" not in request.fixturenames:
        return store
    request.getfixturevalue("delivery")
    simulation = request.node.stash.get(_DELIVERY, None)
    if simulation is None:  # a fixture `delivery` of somebody else's
        return store
    request.node.stash[_HAS_CONNECTED_STORE] = True
    connected: MemoryStore = simulation.store(store)
    return connected


@pytest.fixture
def lambda_context() -> LambdaContext:
    """A Lambda context with 30 s left, as handlers get it; `resilient_lambda.testing.lambda_context` makes others."""
    from .testing import lambda_context

    return lambda_context()


def _builder(name: str, source: str) -> Any:
    def builder() -> EventBuilder:
        from . import testing

        build: EventBuilder = getattr(testing, name)
        return build

    builder.__doc__ = f"`resilient_lambda.testing.{name}`: makes an event of {source} of what was sent."
    builder.__name__ = name
    return pytest.fixture(builder)


sqs_event = _builder("sqs_event", "SQS")
kinesis_event = _builder("kinesis_event", "Kinesis")
dynamodb_event = _builder("dynamodb_event", "a DynamoDB stream")
kafka_event = _builder("kafka_event", "Kafka")
s3_event = _builder("s3_event", "S3")
sns_event = _builder("sns_event", "SNS")
activemq_event = _builder("activemq_event", "Amazon MQ for ActiveMQ")
rabbitmq_event = _builder("rabbitmq_event", "Amazon MQ for RabbitMQ")
documentdb_event = _builder("documentdb_event", "DocumentDB")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add to the report of a failed test how to replay it, and what happened."""
    outcome = yield
    simulation = item.stash.get(_DELIVERY, None)
    if simulation is None or call.when != "call" or call.excinfo is None:
        return
    report: pytest.TestReport = outcome.get_result()
    if not report.failed:
        return
    from .testing.simulator import explore

    first = explore.failure_of(simulation, _without(item.config), call.excinfo.value)
    smallest = first
    if item.config.getoption("--delivery-shrink") and isinstance(item, pytest.Function):
        smallest = _shrink(item, first)
    replay = explore.how_to_replay(smallest, first=first, test=f"'{item.nodeid}' ")
    lines = [*replay, "", smallest.timeline]
    report.sections.append((f"delivery of seed {first.seed}", "\n".join(lines)))


class _NotReplayedError(Exception):
    pass


def _shrink(item: pytest.Function, first: Failure) -> Failure:
    """Run the function of *item* again, with the values of its other fixtures as they are by now."""
    import contextlib
    import io

    from .stores import MemoryStore
    from .testing.simulator import explore

    before = dict(item.funcargs)

    def play(simulation: Delivery) -> None:
        item.funcargs["delivery"] = simulation
        if item.stash.get(_HAS_CONNECTED_STORE, False):
            item.funcargs["memory_store"] = simulation.store(MemoryStore())
        try:
            item.ihook.pytest_pyfunc_call(pyfuncitem=item)
        except Exception:
            if not simulation.invocations:  # a source of another fixture's, which belongs to the first simulation
                raise _NotReplayedError from None
            raise

    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        try:
            return explore.shrink(play, first)
        finally:
            item.funcargs.clear()
            item.funcargs.update(before)


def _without(config: pytest.Config) -> list[str]:
    names: str = config.getoption("--delivery-without") or ""
    return [name.strip() for name in names.split(",") if name.strip()]
