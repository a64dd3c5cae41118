"""What bulk writes promise on every store and by either engine: the same as single ones, entry by entry."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict, Write

from .test_contract import FIELDS, VALUES, as_comparable, item, version

if TYPE_CHECKING:
    from resilient_lambda.stores import Store


@pytest.mark.parametrize("may_hold", [None, ("version", "status", "count", "error", "lease")], ids=["unknown", "known"])
@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ((("status", "open"), ("error", None)), True),
        ((("status", "open"), ("count", 3), ("ratio", 0.5), ("data", b"\x00")), True),
        ((("error", None), ("lease", None)), True),
        ((), True),
        ((("status", "open"), ("count", 4)), False),
        ((("status", None), ("count", 3)), False),
        ((("error", "any"), ("count", 3)), False),
        ((("count", "3"),), False),
    ],
)
def test_bulk_write_compares_as_a_single_one_does(
    store: Store,
    key: str,
    fields: tuple[tuple[str, str | int | float | bytes | None], ...],
    holds: bool,
    may_hold: tuple[str, ...] | None,
) -> None:
    """Whatever the engine makes of a condition, it means the same; an item that is gone does not come back."""
    before = item(1, status="open", count=3, ratio=0.5, data=b"\x00")
    present, gone = f"{key}-present", f"{key}-gone"
    store.put_if(present, before, ABSENT)
    results = store.put_many_if([Write(name, item(2), AsRead(fields), may_hold) for name in (present, gone)])

    assert results == [STORED if holds else Conflict(before), Conflict(None)]
    assert store.get([gone]) == {}


def test_bulk_write_repeated_after_its_own_success_is_stored(store: Store, key: str) -> None:
    """Every entry is recognised by its version, inserted and replaced ones (protocols.md B1)."""
    store.put_many_if([Write(f"{key}-{number}", item(1), ABSENT) for number in range(30)])
    writes = [Write(f"{key}-{number}", item(2), version(1), ("version",)) for number in range(30)]
    writes += [Write(f"{key}-{number}", item(2), ABSENT) for number in range(30, 60)]
    first, second = store.put_many_if(writes), store.put_many_if(writes)

    assert first == second == [STORED] * 60


def test_field_that_the_new_item_lacks_does_not_survive_a_bulk_write(store: Store, key: str) -> None:
    """An error of an earlier run is gone from the completed item (protocols.md D1)."""
    names = [f"{key}-{number}" for number in range(3)]
    store.put_many_if([Write(name, item(1, error="stale", data=b"stale"), ABSENT) for name in names])
    may_hold = ("version", "status", "error", "data", "never_there")
    results = store.put_many_if([Write(name, item(2, status="new"), version(1), may_hold) for name in names])

    assert results == [STORED] * 3
    assert store.get(names) == {name: item(2, status="new") for name in names}


@pytest.mark.parametrize("may_hold", [None, ("version", "a b")], ids=["unknown", "known"])
def test_name_that_looks_like_a_statement_is_a_name(store: Store, key: str, may_hold: tuple[str, ...] | None) -> None:
    """Quotes, blanks and words of a query language in a field's name do nothing."""
    odd = "x' : ?} \"--"
    names = [f"{key}-{number}' OR ''='" for number in range(3)]
    inserted = store.put_many_if(
        [Write(name, item(1, **{odd: "1", "SELECT": 2, "a-b": "3"}), ABSENT) for name in names]
    )
    replaced = store.put_many_if(
        [Write(n, item(2, **{odd: "2"}), AsRead(((odd, "1"), ("SELECT", 2))), may_hold) for n in names]
    )

    assert inserted == replaced == [STORED] * 3
    assert [found[odd] for found in store.get(names).values()] == ["2"] * 3


def test_bulk_write_with_a_value_of_another_type_writes_nothing(store: Store, key: str) -> None:
    """The caller hears of it before anything is sent."""
    writes = [Write(f"{key}-{number}", item(1), ABSENT) for number in range(40)]
    with pytest.raises(TypeError, match="'odd'"):
        store.put_many_if([*writes, Write(key, {"version": "v.1", "odd": None}, ABSENT)])  # type: ignore[dict-item]

    assert store.get([write.key for write in writes]) == {}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(FIELDS, VALUES, max_size=8))
def test_any_flat_item_comes_back_as_it_was_from_a_bulk_write(
    store: Store, fields: dict[str, str | int | float | bytes]
) -> None:
    """Inserted and then replaced as read, beside an entry that is refused."""
    names = [f"any#{os.urandom(8).hex()}" for _ in range(3)]
    written = {**fields, "version": "v.1"}
    inserted = store.put_many_if([Write(name, written, ABSENT) for name in names])
    found = store.get(names)
    as_read = AsRead(tuple(found[names[0]].items()))
    second = {**written, "version": "v.2"}
    replaced = store.put_many_if([Write(name, second, as_read, tuple(second)) for name in names[:2]])
    refused = store.put_many_if(
        [Write(name, {**second, "version": "v.3"}, as_read, tuple(second)) for name in names[:2]]
    )

    assert inserted == [STORED] * 3
    assert [as_comparable(found[name]) for name in names] == [as_comparable(written)] * 3
    assert replaced == [STORED] * 2
    assert [as_comparable(conflict.current) for conflict in refused] == [as_comparable(second)] * 2
