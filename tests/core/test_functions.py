"""Functions of users, looked at without calling them."""

from __future__ import annotations

from functools import partial, partialmethod
from unittest.mock import MagicMock

import pytest

from resilient_lambda._core.functions import is_coroutine_function, unwrap


def plain(record, context=None):
    """A function."""


async def coloured(record, context=None):
    """A coroutine function."""


def generator(record):
    """A generator."""
    yield


class Methods:
    """Methods of every kind, in both colours."""

    def method(self, record):
        """One."""

    async def coloured(self, record):
        """The other."""

    @classmethod
    def of_class(cls, record):
        """One."""

    @staticmethod
    async def static(record):
        """The other."""

    bound = partialmethod(method, record=1)


class Callable:
    """An object with a call."""

    def __call__(self, record):
        """One."""


class Coloured:
    """An object with an asynchronous call."""

    async def __call__(self, record):
        """The other."""


class Chained:
    """An object whose call is built in."""

    __call__ = len


METHODS = Methods()
FOUND = {
    "function": (plain, plain, 0, set(), False),
    "coroutine function": (coloured, coloured, 0, set(), True),
    "generator": (generator, generator, 0, set(), False),
    "partial": (partial(plain, 1), plain, 1, set(), False),
    "partial by name": (partial(coloured, context=1), coloured, 0, {"context"}, True),
    "partial of partial": (partial(partial(plain, 1), context=2), plain, 1, {"context"}, False),
    "partial of method": (partial(METHODS.coloured, 1), Methods.coloured, 2, set(), True),
    "method": (METHODS.method, Methods.method, 1, set(), False),
    "coroutine method": (METHODS.coloured, Methods.coloured, 1, set(), True),
    "class method": (Methods.of_class, Methods.of_class.__func__, 1, set(), False),
    "static method": (Methods.static, Methods.static, 0, set(), True),
    "static method object": (Methods.__dict__["static"], Methods.static, 0, set(), True),
    "callable": (Callable(), Callable.__call__, 1, set(), False),
    "coroutine callable": (Coloured(), Coloured.__call__, 1, set(), True),
    "partial of callable": (partial(Coloured()), Coloured.__call__, 1, set(), True),
}


@pytest.mark.parametrize(("given", "inner", "skipped", "named", "is_coroutine"), FOUND.values(), ids=FOUND)
def test_the_function_inside_is_found(given, inner, skipped, named, is_coroutine):
    """With how many of its parameters are bound, and its colour."""
    assert unwrap(given) == (inner, skipped, named)
    assert is_coroutine_function(given) is is_coroutine


@pytest.mark.parametrize("given", [len, print, dict.get, Chained()], ids=["len", "print", "method", "chained"])
def test_what_is_built_in_is_left_as_it_is(given):
    """It has no code to look at, so its colour is not known to be another."""
    assert unwrap(given) == (given, 0, set())
    assert not is_coroutine_function(given)


def test_a_mock_is_looked_at_and_left():
    """An object that has every attribute leads nowhere, and to an end."""
    found, _, named = unwrap(MagicMock())

    assert callable(found)
    assert named == set()
