"""The demo's output: plain text of at most 88 columns, with colours and line drawing only where they can be shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, TextIO

from .orders import FATES, Kind, Step

if TYPE_CHECKING:
    from .orders import Schedule
    from .verdict import Ledger
    from .world import World

WIDTH = 88
LONGEST_BAR = 20
SHOWN_WRONG = 5


class Style(NamedTuple):
    """
    How the terminal can be written to.

    Attributes:
        has_colours: It takes escape sequences, and NO_COLOR is not set (https://no-color.org).
        has_symbols: It takes more than ASCII.
    """

    has_colours: bool
    has_symbols: bool

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Return what *stream* can show."""
        is_terminal = stream.isatty()
        encoding = (stream.encoding or "").lower().replace("-", "")
        has_colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return cls(has_colours, is_terminal and encoding == "utf8")

    def bold(self, text: str) -> str:
        """Return *text* in bold."""
        return self._in("1", text)

    def good(self, text: str) -> str:
        """Return *text* in green."""
        return self._in("32", text)

    def bad(self, text: str) -> str:
        """Return *text* in red."""
        return self._in("31", text)

    def dim(self, text: str) -> str:
        """Return *text* in grey."""
        return self._in("2", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colours and text else text

    def bar(self, count: int, most: int) -> str:
        """Return a bar for *count*, as long as it gets for *most*."""
        length = 0 if not count else max(1, round(count * min(1.0, LONGEST_BAR / most)))
        return self.dim(("█" if self.has_symbols else "#") * length)

    def title(self, text: str, remark: str = "") -> str:
        """Return a heading with a rule up to the right margin."""
        rule = ("─" if self.has_symbols else "-") * (WIDTH - len(text) - 1)
        return f"\n{self.bold(text)} {self.dim(rule)}" + (f"\n{self.dim(remark)}" if remark else "")

    def bad_unless_zero(self, count: int, width: int) -> str:
        """Return a number that ought to be 0."""
        text = f"{count:>{width}}"
        return self.bad(text) if count else self.dim(text)


def sent(schedule: Schedule, style: Style) -> list[str]:
    """Say what goes onto the queue."""
    poison = sum(schedule.count(kind) for kind, fate in FATES.items() if fate.reason)
    twice = sum(len(order.message_ids) > 1 for order in schedule.orders)
    lines = [style.title("SENT"), _row(len(schedule.orders), "orders", f"in {len(schedule.messages)} SQS messages")]
    lines += [_row(twice, "sent twice", "the shop sent a second message for the order")]
    lines += [_row(len(schedule.twins), "twins", "SQS delivers the message to two environments at the same time")]
    for kind, fate in FATES.items():
        if not fate.reason and fate.meaning:
            lines.append(_row(schedule.count(kind), kind.value, fate.meaning))
    lines.append(_row(poison, "poison", "can never be charged:"))
    for kind, fate in FATES.items():
        if fate.reason:
            lines.append(_row(schedule.count(kind), f"  {kind.value}", fate.meaning))
    return lines


def went_wrong(world: World, style: Style) -> list[str]:
    """Say what went wrong on the way."""
    deaths = sum(world.deaths.values())
    most = max(world.deaths.values(), default=1)
    return [
        style.title("WHAT WENT WRONG"),
        _row(world.deliveries, "deliveries", f"of up to ten messages; {world.redelivered} messages came again"),
        _row(world.throttled, "throttled", "answers of the payment provider"),
        _row(deaths, "crashes", f"of {world.environments} environments, each with its batch in hand:"),
        *(
            f"    {world.deaths[step]:>5}  {step.value:<46} {style.bar(world.deaths[step], most)}".rstrip()
            for step in Step
        ),
    ]


def was_done(world: World, style: Style) -> list[str]:
    """Say what the library did about it, as its events tell."""
    events = world.events
    by_name: dict[str, int] = {}
    for (name, _), count in events.items():
        by_name[name] = by_name.get(name, 0) + count
    return [
        style.title("WHAT THE LIBRARY DID", "counted by an observer on the handler"),
        _row(by_name.get("ClaimTaken", 0), "claims", "taken before the function ran"),
        _row(events["ClaimTaken", "takeover"], "takeovers", "of a claim whose environment had died, after its lease"),
        _row(by_name.get("DuplicateSuppressed", 0), "suppressed", "duplicates that were answered without a run:"),
        _row(events["DuplicateSuppressed", "completed"], "  done", "the order was charged before"),
        _row(
            events["DuplicateSuppressed", "in_progress"], "  in progress", "another environment had it, alive or dead"
        ),
        _row(events["DuplicateSuppressed", "same_batch"], "  same batch", "it was in the batch twice"),
        _row(by_name.get("DeadLettered", 0), "dead letters", "confirmed by the sink before the acknowledgement"),
    ]


def ledger(found: Ledger, style: Style) -> list[str]:
    """Show what became of each kind of order."""
    heads = ("orders", "once", "twice", "again", "parked", "lost")
    lines = [
        style.title("THE LEDGER", "charged once, twice; worked on again after that; parked with a reason; lost"),
        style.bold(f"  {'':<14}" + "".join(f"{head:>{len(head) + 2}}" for head in heads) + "  parked as"),
    ]
    for kind in (Kind.GOOD, *(kind for kind in FATES if kind is not Kind.GOOD)):
        part = found.of(kind)
        reasons = sorted({reason for account in part.accounts for reason in account.reasons})
        lines.append(_ledger_row(kind.value, part, heads, ", ".join(reasons), style))
    lines.append(_ledger_row("all", found, heads, "", style))
    return lines


def _ledger_row(name: str, part: Ledger, heads: tuple[str, ...], reasons: str, style: Style) -> str:
    widths = [len(head) + 2 for head in heads]
    return (
        f"  {name:<14}{len(part.accounts):>{widths[0]}}{part.charged_once:>{widths[1]}}"
        + style.bad_unless_zero(part.charged_twice, widths[2])
        + style.bad_unless_zero(part.run_twice, widths[3])
        + f"{part.parked:>{widths[4]}}"
        + style.bad_unless_zero(part.lost, widths[5])
        + (f"  {reasons}" if reasons else "")
    )


def contrast(ledgers: dict[str, Ledger], style: Style) -> list[str]:
    """Compare the ledgers of several handlers that had the same schedule."""
    rows = (
        ("charged exactly once", [found.charged_once for found in ledgers.values()], False),
        ("charged twice or more", [found.charged_twice for found in ledgers.values()], True),
        ("good, thrown out by the queue uncharged", [_thrown(found, False) for found in ledgers.values()], True),
        ("poison, parked with its reason", [found.parked for found in ledgers.values()], False),
        ("poison, thrown out without a reason", [_thrown(found, True) for found in ledgers.values()], True),
        ("gone without a trace", [found.lost for found in ledgers.values()], True),
    )
    widths = [max(len(name), 6) + 3 for name in ledgers]
    lines = [
        style.title(
            "THE SAME WITHOUT IT",
            "same messages, same crashes, a plain loop that raises what fails, or logs it and goes on",
        ),
        style.bold(f"  {'':<40}" + "".join(f"{name:>{width}}" for name, width in zip(ledgers, widths, strict=True))),
    ]
    for name, counts, is_bad in rows:
        cells = [
            style.bad_unless_zero(count, width) if is_bad else f"{count:>{width}}"
            for count, width in zip(counts, widths, strict=True)
        ]
        lines.append(f"  {name:<40}" + "".join(cells))
    return lines


def verdict(found: Ledger, style: Style) -> list[str]:
    """Say whether the promise held, and where it did not."""
    counts = (
        f"{found.charged_once} orders charged exactly once, {found.parked} parked with their reason, "
        f"{found.lost} lost, {found.charged_twice} charged twice"
    )
    if found.holds:
        mark = "✔ " if style.has_symbols else ""
        return ["", style.good(style.bold(f"{mark}the promise held: {counts}"))]
    lines = ["", style.bad(style.bold(f"THE PROMISE DID NOT HOLD for {len(found.wrong)} orders"))]
    lines.append(f"  {counts}, {found.run_twice} worked on again after all was done")
    for account in found.wrong[:SHOWN_WRONG]:
        parked = f"parked as {', '.join(sorted(account.reasons))}" if account.reasons else "not parked"
        thrown_out = ", thrown out by the queue" if account.is_thrown_out else ""
        lines.append(
            f"  {account.order.name} ({account.order.kind.value}): charged {account.charges} x, "
            f"run to the end {account.finishes} x, {parked}{thrown_out}"
        )
    if len(found.wrong) > SHOWN_WRONG:
        lines.append(f"  and {len(found.wrong) - SHOWN_WRONG} more")
    return lines


def _thrown(found: Ledger, is_poison: bool) -> int:
    return found.thrown_out(is_poison=is_poison)


def _row(count: int, name: str, remark: str) -> str:
    return f"  {count:>5}  {name:<16}{remark}"
