"""JMESPath keys: loaded when needed, clear when what they need is missing, and paths through odd objects."""

from __future__ import annotations

import sys
from types import MappingProxyType

import pytest

from resilient_lambda import ConfigurationError, JMESPath
from resilient_lambda._core.keys import compile_data_key, compile_path


@pytest.mark.parametrize("missing", ["jmespath", "aws_lambda_powertools.utilities.jmespath_utils"])
def test_what_a_jmespath_needs_is_named(missing, monkeypatch):
    """Where jmespath or Powertools is not installed, the text says what to do."""
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(ConfigurationError, match=r"needs jmespath and aws-lambda-powertools"):
        JMESPath("a").warm()


def test_a_jmespath_is_compiled_once(monkeypatch):
    """Warmed, it needs no import any more."""
    expression = JMESPath("a")
    expression.warm()
    monkeypatch.setitem(sys.modules, "jmespath", None)
    expression.warm()

    assert expression.find({"a": 5}) == 5


def test_a_wrong_jmespath_is_refused():
    """With what jmespath says of it."""
    with pytest.raises(ConfigurationError, match="is no JMESPath expression"):
        JMESPath("a[").warm()


@pytest.mark.parametrize("path", ["a", "a.b"])
def test_a_path_leads_through_any_mapping(path):
    """An event may be one, and so may its parts."""
    data = MappingProxyType({"a": MappingProxyType({"b": 5})})

    assert compile_path(path)(data) == (5 if path == "a.b" else {"b": 5})


def test_a_path_of_one_number_leads_into_a_list():
    """An event may be a list."""
    assert compile_path("1")([5, 6]) == 6
    assert compile_path("2")([5, 6]) is None


@pytest.mark.parametrize("paths", [[], (), ["a", 5], [None]], ids=repr)
def test_a_list_of_something_else_than_paths_is_refused(paths):
    """With what is allowed."""
    with pytest.raises(ConfigurationError, match="must be a dotted path, a list of dotted paths, JMESPath or"):
        compile_data_key(paths)


def test_a_refusal_names_the_option():
    """As the user wrote it."""
    with pytest.raises(ConfigurationError, match=r"fingerprint=\[\]"):
        compile_data_key([], "fingerprint")
