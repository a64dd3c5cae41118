"""The layout's keys and digests are those that the installed Powertools makes."""

from __future__ import annotations

import datetime as dt
import enum
import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyPersistenceLayerError
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from resilient_lambda._core.powertools_format import POWERTOOLS
from resilient_lambda.errors import NonRetryableError

pytestmark = pytest.mark.filterwarnings("ignore:Couldn't determine the remaining time")

PREFIX = "orders.app.handler"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class Shade(enum.Enum):
    """A plain enumeration."""

    DARK = "dark"


class Size(str, enum.Enum):
    """An enumeration of texts."""

    BIG = "big"


class Item(BaseModel):
    """A model with fields that are no JSON by themselves."""

    price: Decimal
    day: dt.date


@dataclass
class Line:
    """Part of a data class."""

    item: Item
    amounts: tuple[int, ...] = (1, 2)


@dataclass
class Order:
    """A data class with others inside."""

    lines: list[Line] = field(default_factory=list)
    shade: Shade = Shade.DARK


ITEM = Item(price=Decimal("1.50"), day=dt.date(2026, 1, 2))
SPECIAL = [
    Decimal("1.50"),
    Decimal("NaN"),
    dt.date(2026, 1, 2),
    dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
    dt.time(1, 2),
    UUID(int=5),
    PurePosixPath("/a/b"),
    Shade.DARK,
    Size.BIG,
    ITEM,
    Order([Line(ITEM)]),
]


class Recording(BasePersistenceLayer):
    """Where Powertools would write: remembers key and payload digest of what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.put: list[Any] = []

    def _put_record(self, data_record: Any) -> None:
        self.put.append(data_record)

    def _get_record(self, idempotency_key: str) -> Any:
        raise NotImplementedError

    def _update_record(self, data_record: Any) -> None:
        pass

    def _delete_record(self, data_record: Any) -> None:
        pass


def made_by_powertools(value, **config):
    """Return the record that Powertools makes of *value*, None if it takes it for a missing key."""
    layer = Recording()

    @idempotent_function(
        data_keyword_argument="data", persistence_store=layer, config=IdempotencyConfig(**config), key_prefix=PREFIX
    )
    def function(*, data):
        pass

    function(data=value)
    return layer.put[0] if layer.put else None


def key_of(value):
    """Return the stored key of *value* in the layout."""
    return POWERTOOLS.stored_key(POWERTOOLS.prefix(PREFIX), value)


@given(JSON.filter(lambda value: not POWERTOOLS.is_missing(value)))
def test_any_json_has_powertools_key(value):
    """Whatever a JMESPath expression or a path can find in an event."""
    assert key_of(value) == made_by_powertools(value).idempotency_key


@pytest.mark.parametrize("value", SPECIAL, ids=repr)
def test_what_json_does_not_know_has_powertools_key(value):
    """A key function may return these, alone or inside of something."""
    assert key_of({"k": value}) == made_by_powertools({"k": value}).idempotency_key
    assert key_of([value, 1]) == made_by_powertools([value, 1]).idempotency_key


@pytest.mark.parametrize("value", [ITEM, Order([Line(ITEM)])], ids=repr)
def test_a_whole_model_has_powertools_key(value):
    """`data_keyword_argument` may name a parameter that is a model, without an expression."""
    assert key_of(value) == made_by_powertools(value).idempotency_key


@pytest.mark.parametrize("value", [None, "", {}, [], [None, None], {"a": None}], ids=repr)
@pytest.mark.filterwarnings("ignore:No idempotency key value found")
def test_powertools_finds_the_same_keys_missing(value):
    """It runs these without protection, and warns."""
    assert POWERTOOLS.is_missing(value)
    assert made_by_powertools(value) is None


@pytest.mark.parametrize("value", [0, False, 0.0, ["a", None], ["", "a"], {"a": ""}, [[]]], ids=repr)
def test_powertools_finds_the_same_keys_set(value):
    """False and 0 are keys, and so is a list with one part."""
    assert not POWERTOOLS.is_missing(value)
    assert made_by_powertools(value) is not None


@pytest.mark.parametrize("value", [{5}, b"bytes", dt.timedelta(1), 1j], ids=repr)
def test_what_powertools_cannot_write_is_no_key(value):
    """Both refuse it."""
    with pytest.raises(NonRetryableError):
        key_of([value])
    with pytest.raises(IdempotencyPersistenceLayerError):
        made_by_powertools([value])


@pytest.mark.parametrize(
    ("expression", "found"),
    [("total", 5), ("[total, currency]", [5, "EUR"]), ("{t: total}", {"t": 5}), ("missing", None)],
)
def test_a_payload_has_powertools_digest(expression, found):
    """`fingerprint` gives what `payload_validation_jmespath` gives."""
    order = {"order_id": "a", "total": 5, "currency": "EUR"}
    record = made_by_powertools(order, event_key_jmespath="order_id", payload_validation_jmespath=expression)

    assert record.payload_hash == POWERTOOLS.digest(found)


def test_a_message_has_the_key_of_its_body():
    """In a batch processor Powertools looks into the message, a path of ours into its parsed body."""
    message = {"messageId": "m", "body": json.dumps({"order_id": "a-1"})}

    by_body = made_by_powertools(message, event_key_jmespath="powertools_json(body).order_id")
    by_id = made_by_powertools(message, event_key_jmespath="messageId")
    assert by_body.idempotency_key == key_of("a-1")
    assert by_id.idempotency_key == key_of("m")
