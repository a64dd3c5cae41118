"""
What every store promises, on every store: in memory, on moto, on DynamoDB Local with two layouts and engines.

More of bulk writes: test_bulk_contract.py.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilient_lambda.stores import ABSENT, STORED, AsRead, Conflict, Write

if TYPE_CHECKING:
    from resilient_lambda._core.cas import Item
    from resilient_lambda.stores import Store

EVERY_TYPE: Item = {
    "version": "v.1",
    "status": "completed",
    "expires_at_s": 1_900_000_000,
    "empty": "",
    "unicode": "naïve ☃ 𝒳",
    "zero": 0,
    "negative": -17,
    "large": 10**37 + 1,
    "fraction": 0.1,
    "tiny": 1.5e-9,
    "data": bytes(range(256)),
    "no_data": b"",
}


def version(number: int) -> AsRead:
    """Expect the version that `item` gives for *number*."""
    return AsRead((("version", f"v.{number}"),))


def item(number: int, **fields: str | int | float | bytes) -> Item:
    """Return a small item of one version."""
    return {"version": f"v.{number}", "expires_at_s": 1_900_000_000, **fields}


def test_absent_key_is_missing_from_what_get_returns(store: Store, key: str) -> None:
    """A key without an item is no entry, not an empty one."""
    store.put_if(key, item(1), ABSENT)

    assert list(store.get([key, f"{key}-absent"])) == [key]


@pytest.mark.parametrize("consistent", [True, False])
def test_item_of_every_type_comes_back_as_it_was(store: Store, key: str, consistent: bool) -> None:
    """str, int, float and bytes keep value and type."""
    stored = store.put_if(key, EVERY_TYPE, ABSENT)
    found = store.get([key], consistent=consistent)[key]

    assert stored is STORED
    assert found == EVERY_TYPE
    assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in EVERY_TYPE.items()}


def test_put_if_absent_is_refused_where_an_item_is(store: Store, key: str) -> None:
    """The conflict carries the item that is there, and that item stays."""
    store.put_if(key, item(1, status="first"), ABSENT)

    assert store.put_if(key, item(2), ABSENT) == Conflict(item(1, status="first"))
    assert store.get([key]) == {key: item(1, status="first")}


def test_put_if_as_read_replaces_the_whole_item(store: Store, key: str) -> None:
    """Fields of the old item that the new one lacks are gone."""
    store.put_if(key, item(1, status="old", error="stale"), ABSENT)

    assert store.put_if(key, item(2, status="new"), version(1)) is STORED
    assert store.get([key]) == {key: item(2, status="new")}


def test_put_if_with_an_old_version_is_refused(store: Store, key: str) -> None:
    """A writer that read an earlier version changes nothing and is told what is there."""
    store.put_if(key, item(1), ABSENT)
    store.put_if(key, item(2), version(1))

    assert store.put_if(key, item(3), version(1)) == Conflict(item(2))
    assert store.get([key]) == {key: item(2)}


@pytest.mark.parametrize(
    "expected", [version(1), AsRead((("version", None), ("status", None))), AsRead(())], ids=["equal", "missing", "any"]
)
def test_put_if_as_read_is_refused_where_no_item_is(store: Store, key: str, expected: AsRead) -> None:
    """An item that was read and is gone by now does not come back, even if only missing fields were expected."""
    assert store.put_if(key, item(2), expected) == Conflict(None)
    assert store.get([key]) == {}


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ((("status", "open"), ("error", None)), True),
        ((("status", "open"), ("count", 3), ("ratio", 0.5), ("data", b"\x00")), True),
        ((("error", None), ("lease", None)), True),
        ((), True),
        ((("status", "open"), ("count", 4)), False),
        ((("status", None),), False),
        ((("error", "any"),), False),
        ((("count", "3"),), False),
    ],
)
def test_every_field_that_was_read_must_be_as_it_was(
    store: Store, key: str, fields: tuple[tuple[str, str | int | float | bytes | None], ...], holds: bool
) -> None:
    """One field that changed, appeared or vanished is enough to refuse; an item without a version can be compared."""
    before = item(1, status="open", count=3, ratio=0.5, data=b"\x00")
    store.put_if(key, before, ABSENT)

    assert store.put_if(key, item(2), AsRead(fields)) == (STORED if holds else Conflict(before))


@pytest.mark.parametrize("expected", [ABSENT, version(1)], ids=["absent", "as read"])
def test_write_repeated_after_its_own_success_is_stored(store: Store, key: str, expected: AsRead) -> None:
    """A refused write whose version is already there was one's own (protocols.md B1)."""
    if expected is not ABSENT:
        store.put_if(key, item(1), ABSENT)
    store.put_if(key, item(2, status="mine"), expected)

    assert store.put_if(key, item(2, status="mine"), expected) is STORED


@pytest.mark.parametrize("expected", [version(1), AsRead((("version", "v.1"), ("status", None)))])
def test_delete_if_takes_the_item_that_was_read(store: Store, key: str, expected: AsRead) -> None:
    """The item is gone afterwards."""
    store.put_if(key, item(1), ABSENT)

    assert store.delete_if(key, expected) is STORED
    assert store.get([key]) == {}


@pytest.mark.parametrize("expected", [version(7), ABSENT], ids=["another version", "absent"])
def test_delete_if_leaves_an_item_that_is_not_as_expected(store: Store, key: str, expected: AsRead) -> None:
    """The conflict carries what is there."""
    store.put_if(key, item(1), ABSENT)

    assert store.delete_if(key, expected) == Conflict(item(1))
    assert store.get([key]) == {key: item(1)}


@pytest.mark.parametrize("expected", [version(1), ABSENT])
def test_delete_if_of_an_absent_item_is_stored(store: Store, key: str, expected: AsRead) -> None:
    """What was to be deleted is not there: nothing is left to do."""
    assert store.delete_if(key, expected) is STORED


def test_bulk_write_answers_entry_by_entry(store: Store, key: str) -> None:
    """One refused entry refuses no other, and the results are in the order of the entries."""
    store.put_if(f"{key}-b", item(1, status="theirs"), ABSENT)
    store.put_if(f"{key}-c", item(1), ABSENT)

    results = store.put_many_if(
        [
            Write(f"{key}-a", item(2), ABSENT),
            Write(f"{key}-b", item(2), ABSENT),
            Write(f"{key}-c", item(2), version(1)),
        ]
    )

    assert results == [STORED, Conflict(item(1, status="theirs")), STORED]
    assert store.get([f"{key}-a", f"{key}-c"]) == {f"{key}-a": item(2), f"{key}-c": item(2)}


def test_bulk_write_of_nothing_answers_nothing(store: Store) -> None:
    """No entries, no results."""
    assert store.put_many_if([]) == []


def test_bulk_write_that_names_a_key_twice_writes_nothing(store: Store, key: str) -> None:
    """DynamoDB would refuse all entries, so the caller hears of it before anything is sent (protocols.md B10)."""
    writes = [Write(f"{key}-a", item(1), ABSENT), Write(key, item(1), ABSENT), Write(key, item(2), version(1))]

    with pytest.raises(ValueError, match=key):
        store.put_many_if(writes)
    assert store.get([key, f"{key}-a"]) == {}


def test_get_finds_more_items_than_one_request_takes(store: Store, key: str) -> None:
    """205 keys, some named twice, some absent: each item once."""
    present = [f"{key}-{number}" for number in range(205)]
    store.put_many_if([Write(name, item(1, name=name), ABSENT) for name in present])

    found = store.get([*present, *present[:3], f"{key}-absent"])

    assert found == {name: item(1, name=name) for name in present}


def test_get_of_no_keys_finds_nothing(store: Store) -> None:
    """An empty question is no request."""
    assert store.get([]) == {}


def test_add_starts_at_nought_and_returns_all_counters(store: Store, key: str) -> None:
    """Counters that this call does not name are returned too; the expiry is stored and is no counter."""
    first = store.add(key, {"calls": 2, "failures": 1}, expires_at_s=1_900_000_000)
    second = store.add(key, {"calls": 3, "slow": 1}, expires_at_s=1_900_000_060)

    assert first == {"calls": 2, "failures": 1}
    assert second == {"calls": 5, "failures": 1, "slow": 1}
    assert store.get([key])[key]["expires_at_s"] == 1_900_000_060


def test_add_drops_the_counters_that_it_is_told_to(store: Store, key: str) -> None:
    """A counter that is dropped and added to starts anew; dropping one that is not there does nothing."""
    store.add(key, {"c1": 5, "c2": 6, "c3": 7}, expires_at_s=1)

    assert store.add(key, {"c3": 1, "c4": -2}, expires_at_s=1, remove=["c1", "c3", "c9"]) == {
        "c2": 6,
        "c3": 1,
        "c4": -2,
    }


def test_add_of_nothing_still_moves_the_expiry(store: Store, key: str) -> None:
    """Without deltas the counters stay and the item lives longer."""
    store.add(key, {"calls": 2}, expires_at_s=1)

    assert store.add(key, {}, expires_at_s=2) == {"calls": 2}
    assert store.get([key])[key]["expires_at_s"] == 2


def test_add_keeps_the_fields_that_are_no_counters(store: Store, key: str) -> None:
    """Text beside the counters survives and is not returned."""
    store.put_if(key, item(1, status="open"), ABSENT)

    assert store.add(key, {"calls": 1}, expires_at_s=5) == {"calls": 1}
    assert store.get([key]) == {key: {"version": "v.1", "status": "open", "calls": 1, "expires_at_s": 5}}


@pytest.mark.parametrize(
    "store", ["memory", "local", "local-single", "local-sort-key"], indirect=True
)  # moto loses some
def test_additions_of_many_threads_all_count(store: Store, key: str) -> None:
    """Eight threads that add at once lose nothing."""
    threads = [
        threading.Thread(target=store.add, args=(key, {"calls": 1}), kwargs={"expires_at_s": 1}) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.add(key, {"calls": 0}, expires_at_s=1) == {"calls": 8}


@pytest.mark.parametrize("length", [1, 2048])
def test_key_of_any_length_up_to_the_limit_is_taken(store: Store, length: int) -> None:
    """2,048 bytes is what DynamoDB takes as a key."""
    long_key = os.urandom(1024).hex()[:length]
    store.put_if(long_key, item(1), ABSENT)

    assert store.get([long_key]) == {long_key: item(1)}


@pytest.mark.parametrize("value", [True, None, ["list"], {"a": 1}, 1j], ids=repr)
def test_value_that_is_no_scalar_is_refused(store: Store, key: str, value: object) -> None:
    """A bool is none either: DynamoDB would give back a number or something that cannot be compared."""
    with pytest.raises(TypeError, match=r"'odd'"):
        store.put_if(key, {"version": "v.1", "odd": value}, ABSENT)  # type: ignore[dict-item]
    assert store.get([key]) == {}


def test_item_that_was_read_is_the_readers_own(store: Store, key: str) -> None:
    """Changing what get returned changes nothing in the store."""
    store.put_if(key, item(1), ABSENT)
    found = store.get([key])[key]
    found["status"] = "changed"  # type: ignore[index]

    assert store.get([key]) == {key: item(1)}


def test_warming_twice_is_harmless(store: Store, key: str) -> None:
    """A warmed store works, and knows nothing of the rehearsal."""
    store.warm()
    store.warm()

    assert store.get([key, "warm"]) == {}
    assert store.put_if(key, item(1), ABSENT) is STORED


FIELDS = st.text(min_size=1, max_size=20).filter(lambda name: name not in {"id", "pk", "sk", "st", "ttl", "expiration"})
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.floats(1e-120, 1e120) | st.floats(-1e120, -1e-120)
VALUES = st.text(max_size=40) | st.binary(max_size=40) | NUMBERS


def as_comparable(found: Item) -> dict[str, object]:
    """Return *found* with every number as a float: DynamoDB has one type of number, and 1e23 comes back as an int."""
    return {name: float(value) if isinstance(value, (int, float)) else value for name, value in found.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(FIELDS, VALUES, max_size=8))
def test_any_flat_item_comes_back_as_it_was(store: Store, fields: dict[str, str | int | float | bytes]) -> None:
    """Whatever names and values: equal text and bytes, equal numbers, whole numbers exactly; and it can be compared."""
    name = f"any#{os.urandom(8).hex()}"
    written = {**fields, "version": "v.1"}
    store.put_if(name, written, ABSENT)
    found = store.get([name])[name]

    assert as_comparable(found) == as_comparable(written)
    assert all(found[field] == value for field, value in written.items() if isinstance(value, int))
    assert store.put_if(name, item(2), AsRead(tuple(found.items()))) is STORED
