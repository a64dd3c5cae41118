"""Requests of handlers to AWS: each takes time, is two steps at which environments die, and may fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..history import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..environment import Environment
    from ..world import World
    from .service_errors import Operation

T = TypeVar("T")

LATENCY_S = (0.005, 0.03)


def request(world: World, operation: Operation, of: str, take: Callable[[Environment | None], T]) -> T:
    """
    Have *take* answer a request, in the environment that is running; of the test itself nothing fails.

    Args:
        of: What the request is about, for the timeline.

    Raises:
        Exception: What botocore would.
    """
    environment = world.active
    if environment is None:
        return take(None)
    number, chance = environment.next_call(), world.chance
    environment.step(f"before {operation.name} of {of}")
    environment.pass_time(chance.between(*LATENCY_S, "latency", *number))
    fails = chance.strikes_at("invoke_error", *number)
    sample = chance.sample("invoke error", *number)
    if fails and sample < 0.5:
        note(world, environment, f"{operation.name} of {of} failed")
        operation.fail_before(sample * 2)
    answer = take(environment)
    environment.step(f"after {operation.name} of {of}")
    if fails:
        note(world, environment, f"{operation.name} of {of} took effect, its answer was lost")
        operation.fail_after(sample * 2 - 1)
    return answer


def note(world: World, environment: Environment, text: str) -> None:
    """Keep what went wrong with a request."""
    invocation = environment.check_alive()
    world.note(Kind.FAULT, invocation.source, invocation.ids, environment=environment, text=text)
