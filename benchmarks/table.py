"""The rows as a table: for the terminal, and as Markdown for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HEADINGS = ("work", "ours", "peer", "ours / peer", "aim", "met")
TITLES = {
    "import_core_cpu": "CPU to import and build batch + idempotency, no AWS client",
    "import_ready_cpu": "the same, ready to call DynamoDB",
    "batch_ok_1000": "batch of 1,000, all succeed",
    "batch_ok_raw_1000": "the same, `raw=True`",
    "batch_ok_kinesis_1000": "Kinesis: batch of 1,000, all succeed",
    "batch_ok_dynamodb_1000": "DynamoDB stream: batch of 1,000, all succeed",
    "batch_ok_kafka_1000": "Kafka: batch of 1,000 of ten partitions, all succeed",
    "batch_fail_100": "batch of 100, all fail",
    "batch_fail_1000": "batch of 1,000, all fail",
    "batch_fail_10000": "batch of 10,000, all fail",
    "batch_fail_kinesis_10000": "Kinesis: batch of 10,000, the first fails and the rest is returned",
    "batch_fail_dynamodb_10000": "DynamoDB stream: the same",
    "batch_fail_kafka_10000": "Kafka: the same for each of ten partitions",
    "batch_fail_1000_logged": "batch of 1,000, all fail, our warning lines written",
    "batch_model_1000": "batch of 1,000, a pydantic model each",
    "batch_ok_10000_memory": "batch of 10,000, all succeed: memory over the event",
    "batch_fail_10000_memory": "the same, all fail",
    "ordered_parallel_1000": "Kinesis: batch of 1,000 of 100 keys, 1 ms of waiting each, keys in parallel",
    "ordered_parallel_async_1000": "the same, `async def`",
    "idempotency_cache_hit": "duplicate that this environment knows",
    "idempotency_miss_requests": "DynamoDB requests for a new event",
    "idempotent_batch_100": "idempotent batch of 100, 5 ms a request",
    "idempotent_batch_100_cpu": "the same, CPU of our process",
    "idempotent_batch_100_requests": "the same, DynamoDB requests",
    "idempotent_batch_100_working": "the same, the function waits 5 ms a record, ten at a time",
    "idempotent_batch_1000": "idempotent batch of 1,000, 5 ms a request",
    "idempotent_batch_10000": "idempotent batch of 10,000, against ten times ours of 1,000",
    "idempotent_batch_10000_memory": "the same, memory over the event",
    "idempotent_single": "idempotent batch of one, 5 ms a request",
    "idempotent_single_requests": "the same, DynamoDB requests",
    "commit_with_100": "batch of 100, a row of the user's with each completion",
    "retry_ok": "retry around a function that succeeds, net of the call",
    "retry_one_failure": "the same, the first try fails, nobody sleeps",
    "classify_client_error": "is an error of AWS worth another try",
    "simulated_delivery": "simulator: a message delivered to a handler that does nothing",
    "wheel_bytes": "size of the wheel",
}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, and below it what they were measured on."""
    lines = [f"| {' | '.join(_HEADINGS)} |", f"|---|{'---:|' * (len(_HEADINGS) - 2)}---|"]
    lines += [f"| {' | '.join((TITLES.get(row['name'], row['name']), *_cells(row)))} |" for row in rows]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    return "\n".join([*lines, "", f"Measured on {machines}, both sides in one run; peer: Powertools."])


def text(rows: Iterable[dict[str, Any]]) -> str:
    """Return the rows in aligned columns, under their names in ``latest.json``, with their notes."""
    cells = [_HEADINGS, *((row["name"], *_cells(row)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, len(_HEADINGS) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def notes(rows: Iterable[dict[str, Any]]) -> str:
    """Return what must be known to judge the figures, one line a row."""
    return "\n".join(f"{row['name']}: {'; '.join(_remarks(row))}" for row in rows)


def _remarks(row: dict[str, Any]) -> Iterator[str]:
    unit = row["unit"]
    if row["peer"] is not None:
        yield f"against {row['peer_name']}"
    for name, value in row["others"].items():
        yield f"{name}: {_quantity(value, unit)}"
    if row["floor"] is not None:
        yield f"bare requests: {_quantity(row['floor'], unit)}"
    for side, (least, most) in row["spread"].items():
        yield f"{side} from {_quantity(least, unit)} to {_quantity(most, unit)}"
    if row["note"]:
        yield row["note"]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    unit = row["unit"]
    aims = [f"<= {row['aim']:g} x"] if row["aim"] is not None else []
    aims += [f"<= {_quantity(row['aim_absolute'], unit)}"] if row["aim_absolute"] is not None else []
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    return (
        _quantity(row["ours"], unit),
        _quantity(row["peer"], unit) if row["peer"] is not None else "",
        f"{row['ratio']:.2g}" if row["ratio"] is not None else "",
        " and ".join(aims),
        met,
    )


def _quantity(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1000:,.0f} kB"
    if unit == "requests":
        return f"{value:g}"
    digits = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{digits} {unit.partition('/')[0]}"
