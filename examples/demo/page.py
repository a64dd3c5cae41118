"""The demo's output: what was sent, what went wrong, what became of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from resilient_lambda.testing import Kind as Happened

from .orders import FATES, Kind
from .run import ENVIRONMENTS

if TYPE_CHECKING:
    from .orders import Schedule
    from .run import Run
    from .style import Style
    from .verdict import Ledger

SHOWN_WRONG = 5
# What the simulator says of the step at which an environment died, by its beginning.
PLACES = {
    "at before the effect": "right before the charge",
    "at after the effect": "after the charge, before the completion",
    "at the provider's answer": "after the charge, before the completion",
    "at before a dead letter": "around a dead letter, or hiding a message",
    "at after a dead letter": "around a dead letter, or hiding a message",
    "at before a message": "around a dead letter, or hiding a message",
    "at before": "before a call to the store",
    "at after": "after a call to the store, its answer unheard",
    "at work": "in the middle of the work",
}
UNHEARD = "after the work, the batch's answer unheard"


def sent(schedule: Schedule, style: Style) -> list[str]:
    """Say what goes onto the queue."""
    poison = sum(schedule.count(kind) for kind, fate in FATES.items() if fate.reason)
    twice = sum(order.messages > 1 for order in schedule.orders)
    lines = [style.title("SENT"), _row(len(schedule.orders), "orders", f"in {len(schedule.messages)} SQS messages")]
    lines += [_row(twice, "sent twice", "the shop sent a second message for the order")]
    for kind, fate in FATES.items():
        if not fate.reason and fate.meaning:
            lines.append(_row(schedule.count(kind), kind.value, fate.meaning))
    lines.append(_row(poison, "poison", "can never be charged:"))
    for kind, fate in FATES.items():
        if fate.reason:
            lines.append(_row(schedule.count(kind), f"  {kind.value}", fate.meaning))
    return lines


def went_wrong(run: Run, style: Style) -> list[str]:
    """Say what went wrong on the way."""
    happened = run.delivery.happenings
    kinds = Counter(each.kind for each in happened)
    strikes = Counter(strike.partition(":")[0] for strike in run.delivery.strikes)
    again = sum(receives - 1 for receives in run.queue.receives.values())
    deaths = Counter(_place_of(each.text) for each in happened if each.kind is Happened.CRASHED)
    most = max(deaths.values(), default=1)
    return [
        style.title("WHAT WENT WRONG"),
        _row(kinds[Happened.STARTED], "invocations", f"of up to ten messages, of up to {ENVIRONMENTS} at a time"),
        _row(again, "redelivered", "messages that had been delivered before"),
        _row(
            strikes["duplicate"],
            "  duplicates",
            "a copy comes although nothing failed, mostly while the first is in work",
        ),
        _row(strikes["late"], "late", "messages that come minutes after they were sent"),
        _row(run.payments.throttled, "slow down", "answers of the payment provider"),
        _row(
            kinds[Happened.THROTTLED], "throttled", "invocations that Lambda refused; a receive is spent all the same"
        ),
        _row(kinds[Happened.FAULT], "store faults", "calls that failed, half of them after they took effect; outages"),
        _row(strikes["slow_store"], "slow calls", "of the store, up to 2 s"),
        _row(strikes["sink_error"], "sink faults", "dead letters that were not confirmed"),
        _row(
            kinds[Happened.FROZE], "freezes", "environments that stood still, and woke after Lambda had given them up"
        ),
        _row(kinds[Happened.TIMED_OUT], "timeouts", "each of them ends an environment, with its batch in hand"),
        _row(kinds[Happened.CRASHED], "crashes", "the same at once:"),
        *(f"    {count:>5}  {place:<47} {style.bar(count, most)}".rstrip() for place, count in deaths.most_common()),
    ]


def _place_of(text: str) -> str:
    """Return where an environment crashed, for people."""
    return next((place for words, place in PLACES.items() if text.startswith(words)), text or UNHEARD)


def was_done(run: Run, style: Style) -> list[str]:
    """Say what the library did about it, as its events tell."""
    events = run.events
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
        _row(
            run.payments.recognised, "recognised", "charges that the provider had made, by the key that was handed on"
        ),
    ]


def ledger(found: Ledger, style: Style) -> list[str]:
    """Show what became of each kind of order."""
    heads = ("orders", "once", "twice", "again", "parked", "lost")
    lines = [
        style.title(
            "THE LEDGER", "charged once, twice; begun again although recorded as done; parked with a reason; lost"
        ),
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
        + style.bad_unless_zero(part.begun_again, widths[3])
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
            "same messages, same chances of the same faults; a plain loop that raises, or logs and goes on",
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
    lines.append(f"  {counts}, {found.begun_again} begun again although recorded as done")
    for account in found.wrong[:SHOWN_WRONG]:
        parked = f"parked as {', '.join(sorted(account.reasons))}" if account.reasons else "not parked"
        ends = ((account.is_thrown_out, ", thrown out by the queue"), (account.is_unfinished, ", never finished"))
        lines.append(
            f"  {account.order.name} ({account.order.kind.value}): charged {account.charges} x, "
            f"begun again {account.begun_again} x, {parked}" + "".join(text for is_so, text in ends if is_so)
        )
    if len(found.wrong) > SHOWN_WRONG:
        lines.append(f"  and {len(found.wrong) - SHOWN_WRONG} more")
    return lines


def _thrown(found: Ledger, is_poison: bool) -> int:
    return found.thrown_out(is_poison=is_poison)


def _row(count: int, name: str, remark: str) -> str:
    return f"  {count:>5}  {name:<16}{remark}"
