"""Events that are wrong somewhere: fields dropped, replaced, retyped, repeated, at any depth."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEAR = [
    None, True, False, 0, -1, 5, 2**70, 1.5, float("inf"),
    "", "0", "-1", "x", "9" * 400, " 7", "١", "é", "\ud800", "null", "{", "[]", "%", "a%2", "=", "eyJ", "IiI=",
    "aws:sqs", "aws:kinesis", [], {}, [[]], [None], {"": None}, {"itemIdentifier": "x"},
    {"S": "x"}, {"N": "x"}, {"N": "NaN"}, {"B": "!"}, {"L": 5}, {"M": []}, {"NULL": False},
]  # fmt: skip
"""Values that come near what stands in an event, and are no such thing."""


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Find every place below *node*: the list or dict, and the index or key in it."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(inside):
        yield node, key
        yield from _places(value)


def _retyped(value: Any) -> Any:
    if isinstance(value, str):
        return int(value[:300]) if value.isascii() and value.isdigit() else value.encode("utf-8", "replace").hex()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return list(value.items()) and [list(pair) for pair in value.items()]
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return "None"


@st.composite
def mutated(draw: Callable[..., Any], event: Any) -> Any:
    """Return *event* with one to four things wrong."""
    event = copy.deepcopy(event)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(event))
        if not places:
            break
        node, key = places[draw(st.integers(0, len(places) - 1))]
        what = draw(st.sampled_from(["drop", "replace", "retype", "repeat"]))
        if what == "replace":
            node[key] = copy.deepcopy(draw(st.sampled_from(NEAR)))
        elif what == "retype":
            node[key] = _retyped(node[key])
        elif what == "drop":
            del node[key]
        elif isinstance(node, list):
            node.insert(draw(st.integers(0, len(node))), copy.deepcopy(node[key]))
        else:
            node[f"{key}2"] = copy.deepcopy(node[key])
    return event
