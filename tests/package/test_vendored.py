"""A copy of the package inside another project works under its new name, without its dependencies."""

from __future__ import annotations

import json
import shutil

import pytest

from .imports import PACKAGE
from .interpreter import run
from .test_cold_start import EVENT

BATCH = """
from app.vendor.rl import Idempotency, MemoryStore, NonRetryableError, Record, batch_handler

done = []

@batch_handler(policies=[Idempotency(MemoryStore(), key="order_id")])
def handler(record: Record) -> None:
    if record.json()["order_id"] == "poison":
        raise NonRetryableError("no")
    done.append(record.json()["order_id"])

answer = handler(sqs({"order_id": "a"}, {"order_id": "poison"}, {"order_id": "a"}, {"order_id": "b"}), Context())
print(json.dumps([done, answer]))
"""


@pytest.fixture
def project(tmp_path):
    """Return a project that holds a copy of the package as ``app.vendor.rl``."""
    vendor = tmp_path / "app" / "vendor"
    shutil.copytree(PACKAGE, vendor / "rl", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "app" / "__init__.py").touch()
    (vendor / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize("env", [{}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}], ids=["desk", "lambda"])
def test_vendored_copy_runs_a_batch_without_its_dependencies(project, env):
    """Records, idempotency and the store in memory need neither pydantic nor Powertools nor boto3."""
    done, answer = json.loads(run(f"{EVENT}\n{BATCH}", path=project, env=env, is_bare=True).splitlines()[-1])

    assert done == ["a", "b"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_vendored_copy_never_loads_an_installed_one(project):
    """Its modules are all of the copy, also if the package is installed beside it."""
    code = (
        f"{EVENT}\n{BATCH}\nimport sys\nprint(json.dumps([n for n in sys.modules if n.startswith('resilient_lambda')]))"
    )

    assert json.loads(run(code, path=project).splitlines()[-1]) == []


def test_missing_pydantic_is_named_at_import(project):
    """Where there is no pydantic, a handler that needs it fails when it is decorated, and says so."""
    code = """
    from typing import TypedDict
    from app.vendor.rl import ConfigurationError, batch_handler

    class Order(TypedDict):
        order_id: str

    try:
        @batch_handler
        def handler(order: Order) -> None:
            pass
    except ConfigurationError as error:
        print(error)
    """

    assert "needs pydantic" in run(code, path=project, is_bare=True)
