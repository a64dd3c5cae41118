"""Fixtures: one emulator for the session (with pytest-xdist: for the worker), and stacks that are taken down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engines.ministack import Ministack

from .stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def ministack() -> Iterator[Ministack]:
    """An emulator with an empty table for the claims."""
    with Ministack() as engine:
        engine.client("dynamodb").create_table(
            TableName="resilience",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield engine


@pytest.fixture
def stack_of(ministack: Ministack, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make a stack for a handler of ``functions/orders.py``."""
    made: list[Stack] = []

    def make(handler: str, **options: Any) -> Stack:
        made.append(Stack(ministack, handler, tmp_path / f"notes-{len(made)}", **options))
        return made[-1]

    yield make
    for stack in made:
        stack.end()
