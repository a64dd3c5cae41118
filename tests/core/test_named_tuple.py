"""Our NamedTuple is that of `typing` in all that the package uses."""

from __future__ import annotations

import copy
import pickle
import typing

import pytest

from resilient_lambda._named_tuple import NamedTuple


class Ours(NamedTuple):
    """One of ours."""

    name: str
    size: int = 0
    tags: tuple[str, ...] = ()


class Theirs(typing.NamedTuple):
    """One of the standard library's."""

    name: str
    size: int = 0
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("values", "named"),
    [(("a",), {}), (("a", 1), {}), (("a", 1, ("t",)), {}), ((), {"name": "a"}), (("a",), {"tags": ("t",)})],
)
def test_instances_are_made_alike(values, named):
    """Positions, names and defaults give the same fields."""
    assert tuple(Ours(*values, **named)) == tuple(Theirs(*values, **named))
    assert repr(Ours(*values, **named)) == repr(Theirs(*values, **named)).replace("Theirs", "Ours")


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), (("a", 1, (), 4), {}), (("a",), {"name": "b"}), (("a",), {"colour": 1})]
)
@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_wrong_arguments_are_refused_alike(kind, values, named):
    """A missing, surplus, repeated or unknown field is a TypeError."""
    with pytest.raises(TypeError):
        kind(*values, **named)


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_instances_are_immutable_values(kind):
    """Fields are read by name, compared by value, replaced in a copy and never assigned."""
    made = kind("a", 1)

    assert (made.name, made.size, made.tags) == ("a", 1, ())
    assert made == kind("a", 1)
    assert hash(made) == hash(kind("a", 1))
    assert made._replace(size=2) == kind("a", 2)
    assert type(made._replace(size=2)) is kind
    assert not hasattr(made, "__dict__")
    with pytest.raises(AttributeError):
        made.name = "b"


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_instances_are_matched_by_position(kind):
    """``match`` takes the fields in order."""
    match kind("a", 1):
        case kind(name, size):
            pass

    assert (name, size) == ("a", 1)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_instances_survive_copying(again):
    """Copies and pickles are equal, and of the same class."""
    made = again(Ours("a", 1))

    assert made == Ours("a", 1)
    assert type(made) is Ours
