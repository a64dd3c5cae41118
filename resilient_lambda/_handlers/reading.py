"""How a handler reads batch events: which source, what is inside an envelope, which lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.options import one_of
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from .._core.sources import Delivery


class Reading:
    """
    The options of `batch_handler` that say how an event is read; see there.

    Raises:
        ConfigurationError: An option is wrong.
    """

    def __init__(
        self,
        source: str | None,
        *,
        unwrap: str | Sequence[str] | None,
        decode: Callable[[bytes], Any] | None,
        order: str | None,
        share_group: bool,
    ) -> None:
        if source is not None:
            from .._core.sources import SOURCE_NAMES

            one_of("source", source, SOURCE_NAMES)
        if order is not None:
            one_of("order", order, ("key",))
        if not isinstance(share_group, bool):
            raise ConfigurationError(f"share_group={share_group!r} must be True or False")
        if share_group and order is not None:
            raise ConfigurationError(f"share_group=True and order={order!r} exclude each other: a group has no order")
        self._source = source
        self._share_group = share_group
        self._order = order
        self._envelopes: Any = None
        if unwrap is not None or decode is not None:
            from .._core.envelopes import Envelopes

            self._envelopes = Envelopes(unwrap, decode)

    def warm(self) -> None:
        """Load what the first event would load, where its source is known."""
        from .._core.sources import warm

        warm(self._source)

    def open(self, event: Any) -> Delivery:
        """
        Return the batch that *event* is.

        Raises:
            UnknownEventError: It is of no source that is taken.
            ConfigurationError: An option does not fit its source.
        """
        from .._core.sources import open_batch  # only events need the table of sources

        delivery = open_batch(event, only=self._source, share_group=self._share_group)
        if self._envelopes is not None:
            delivery = self._envelopes.open(delivery)
        if self._order is not None and delivery.source.order_key_of is None and delivery.raws:
            raise ConfigurationError(
                f"order={self._order!r} does not fit {delivery.source.name}, whose records have no key; leave it out"
            )
        return delivery

    def lanes(self, delivery: Delivery, *, by_key: bool) -> list[Hashable] | None:
        """
        Return the lane of each record, None if each stands alone.

        Args:
            by_key: False where what ``order="key"`` needs is switched off.
        """
        source = delivery.source
        lane_of, key_of = source.lane_of, source.order_key_of
        if lane_of is None:
            return None
        if self._order is None or key_of is None or not by_key:
            return [lane_of(raw) for raw in delivery.raws]
        return [(lane_of(raw), key_of(raw)) for raw in delivery.raws]
