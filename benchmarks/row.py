"""A measured row: what both did, and whether this library's aim is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Aim(NamedTuple):
    """
    What this library wants to reach; both, where both are given.

    Attributes:
        ratio: At most this share of what the peer needs.
        absolute: At most this much, in the row's unit.
    """

    ratio: float | None = None
    absolute: float | None = None


class Measured(NamedTuple):
    """
    The same work done by both.

    Attributes:
        peer: None where there is nobody to compare with.
        note: What a reader must know to judge the figures.
        floor: What the same requests took without any library, None where that was not measured.
        others: What further peers, or ours by other means, needed, by name.
        spread: The least and the most of ours and of the peer's, where the figures are medians of repetitions.
    """

    ours: float
    peer: float | None
    peer_name: str
    note: str = ""
    floor: float | None = None
    others: dict[str, float] = {}  # noqa: RUF012  # never changed: the default of a tuple's field
    spread: dict[str, tuple[float, float]] = {}  # noqa: RUF012


class Benchmark(NamedTuple):
    """
    One row of the table.

    Attributes:
        unit: Of ``ours``, ``peer`` and the absolute aim.
        measure: Does the work.
    """

    name: str
    unit: str
    aim: Aim
    measure: Callable[[], Measured]


def row_of(benchmark: Benchmark, measured: Measured, machine: str) -> dict[str, Any]:
    """Return the row as it stands in ``latest.json``; ``met`` is None where there is no aim."""
    ratio = None if measured.peer is None else measured.ours / measured.peer
    met = [
        value <= limit
        for value, limit in ((ratio, benchmark.aim.ratio), (measured.ours, benchmark.aim.absolute))
        if limit is not None and value is not None
    ]
    return {
        "name": benchmark.name,
        "unit": benchmark.unit,
        "ours": _shortened(measured.ours),
        "peer": None if measured.peer is None else _shortened(measured.peer),
        "peer_name": measured.peer_name,
        "ratio": None if ratio is None else _shortened(ratio),
        "aim": benchmark.aim.ratio,
        "aim_absolute": benchmark.aim.absolute,
        "met": all(met) if met else None,
        "floor": None if measured.floor is None else _shortened(measured.floor),
        "others": {name: _shortened(value) for name, value in measured.others.items()},
        "spread": {side: [_shortened(value) for value in values] for side, values in measured.spread.items()},
        "note": measured.note,
        "machine": machine,
    }


def _shortened(value: float) -> float:
    """Return *value* with as many digits as a measurement deserves; counts stay whole."""
    return value if isinstance(value, int) else float(f"{value:.4g}")
