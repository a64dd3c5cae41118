"""The demo keeps the promise, says so truthfully, and repeats itself."""

from __future__ import annotations

import io
import re

import pytest

from resilient_lambda import MemoryStore
from resilient_lambda.__main__ import main
from resilient_lambda._commands import demo
from resilient_lambda._core.cas import ABSENT, STORED, AsRead

from .playing import parse, without_the_time

SMALL = ("--orders", "60", "--no-contrast")


def row(output: str, name: str) -> list[str]:
    """Return the words of the line that is about *name*."""
    found = re.search(rf"^\s*(?:\d+\s+)?{re.escape(name)}\s.*$", output, re.MULTILINE)
    assert found, f"no line about {name!r} in:\n{output}"
    return found[0].split()


@pytest.mark.parametrize("seed", range(10))
def test_the_promise_holds(seed, capsys):
    """Whatever the seed, every order is charged once or parked with its reason, and the exit code is 0."""
    code = main(["demo", *SMALL, "--seed", str(seed)])

    output = capsys.readouterr().out
    assert "the promise held: 54 orders charged exactly once, 6 parked with their reason, 0 lost, 0 charged" in output
    assert code == 0


def test_all_that_can_go_wrong_goes_wrong(capsys):
    """A run of the default size has every kind of crash, throttling, takeovers and every kind of duplicate."""
    main(["demo", "--no-contrast"])

    output = capsys.readouterr().out
    counts = {
        name: int(row(output, name)[0])
        for name in (
            "before the claim",
            "after the claim",
            "in the middle of the work",
            "after the charge, before the completion",
            "during the completion: written, never heard of",
            "after parking, before the answer",
            "at Lambda's timeout",
            "out of memory",
            "throttled",
            "takeovers",
            "done",
            "in progress",
            "same batch",
            "dead letters",
        )
    }
    assert [name for name, count in counts.items() if count == 0] == []


def test_the_ledger_names_the_reason_of_each_kind_of_poison(capsys):
    """Poison is parked under the error that it met, never charged."""
    main(["demo", *SMALL])

    ledger = capsys.readouterr().out.partition("THE LEDGER")[2]
    reasons = {
        "not JSON": "InvalidRecordError",
        "wrong type": "InvalidRecordError",
        "no order id": "MissingKeyError",
        "total <= 0": "NonRetryableError",
        "always fails": "OddAnswerError",
        "out of memory": "CrashLoopError",
    }
    assert {name: row(ledger, name)[-7:] for name in reasons} == {
        name: ["1", "0", "0", "0", "1", "0", reason] for name, reason in reasons.items()
    }


def test_without_the_library_the_same_schedule_does_harm(capsys):
    """A loop that raises charges twice; a loop that only logs loses orders."""
    main(["demo", "--orders", "60"])

    output = capsys.readouterr().out
    ours, raising, _ = map(int, row(output, "charged twice or more")[-3:])
    assert (ours, raising > 0) == (0, True)
    ours, _, logging = map(int, row(output, "gone without a trace")[-3:])
    assert (ours, logging > 0) == (0, True)


def test_a_seed_repeats_itself(capsys):
    """The same options print the same numbers, whatever the clock and the random numbers of the machine."""
    main(["demo", *SMALL, "--seed", "3"])
    first = capsys.readouterr().out
    main(["demo", *SMALL, "--seed", "3"])
    second = capsys.readouterr().out

    assert without_the_time(first) == without_the_time(second)


def test_another_seed_is_another_story(capsys):
    """The seed decides what goes wrong."""
    main(["demo", *SMALL, "--seed", "3"])
    first = capsys.readouterr().out
    main(["demo", *SMALL, "--seed", "4"])
    second = capsys.readouterr().out

    assert without_the_time(first).splitlines()[1:] != without_the_time(second).splitlines()[1:]


class Unconditional(MemoryStore):
    """A store that writes without asking whether the key is still as expected."""

    def put_if(self, key, item, expected):
        """Write, whatever is there."""
        found = self.get([key]).get(key, {})
        return super().put_if(key, item, AsRead(tuple(found.items())) if found else ABSENT)


class Forgetful(MemoryStore):
    """A store that confirms what it does not keep."""

    def put_if(self, key, item, expected):
        """Confirm."""
        return STORED


class NeverForgiving(MemoryStore):
    """A store whose claims never lapse, as their end is moved out of sight."""

    def put_if(self, key, item, expected):
        """Write the claim with a lease of years."""
        lease = {"lease_until_s": 9e9} if "lease_until_s" in item else {}
        return super().put_if(key, {**item, **lease}, expected)


@pytest.mark.parametrize(
    ("store", "harm"), [(Unconditional(), "again"), (Forgetful(), "again"), (NeverForgiving(), "thrown out")]
)
def test_a_broken_store_breaks_the_promise(store, harm, capsys):
    """The demo can fail: it finds what a store without conditions, memory or lapses does, and exits with 1."""
    code = demo.show(parse("--no-contrast"), store)

    output = capsys.readouterr().out
    assert code == 1
    assert "THE PROMISE DID NOT HOLD" in output
    assert "the promise held" not in output
    assert harm in output.partition("DID NOT HOLD")[2]


def test_a_broken_promise_says_how_to_see_it_again(capsys):
    """The last lines carry the command with the seed."""
    demo.show(parse(*SMALL, "--seed", "5"), Forgetful())

    assert "python -m resilient_lambda demo --orders 60 --seed 5 --store memory" in capsys.readouterr().out


def test_output_that_is_no_terminal_is_plain(capsys):
    """A pipe gets ASCII without escape sequences, in lines of a width that can be read."""
    main(["demo", "--orders", "60"])

    output = capsys.readouterr().out
    assert output.isascii()
    assert "\x1b" not in output
    assert max(map(len, output.splitlines())) <= 104


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is written to it."""

    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self):
        """Say yes."""
        return True

    def text(self):
        """Return what was written."""
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.mark.parametrize(
    ("encoding", "no_color", "has_colours", "is_ascii"),
    [("utf-8", "", True, False), ("utf-8", "1", False, False), ("ascii", "", True, True)],
)
def test_a_terminal_gets_what_it_can_show(encoding, no_color, has_colours, is_ascii, monkeypatch):
    """Colours unless NO_COLOR is set, line drawing only where it can be encoded."""
    terminal = Terminal(encoding)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    main(["demo", *SMALL])

    text = terminal.text()
    assert ("\x1b[" in text, text.isascii()) == (has_colours, is_ascii)


def test_warning_lines_are_shown_only_if_asked_for(capsys):
    """``--verbose`` shows the line of each failed record, on standard error; by default there is none."""
    main(["demo", *SMALL])
    quiet = capsys.readouterr().err
    main(["demo", *SMALL, "--verbose"])
    verbose = capsys.readouterr().err

    assert quiet == ""
    assert "failed with NonRetryableError" in verbose


def test_it_runs_without_pydantic(monkeypatch, capsys):
    """Where pydantic is missing, a check by hand takes its place, and the promise is the same."""
    monkeypatch.setitem(__import__("sys").modules, "pydantic", None)
    monkeypatch.setattr("resilient_lambda._commands._demo_handlers._model", None)

    assert main(["demo", *SMALL]) == 0


def test_it_runs_on_a_real_engine(dynamodb_local, monkeypatch, capsys):
    """On DynamoDB Local the table is made, and the numbers are those of the store in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.setenv(name, "kept to be restored")
        monkeypatch.delenv(name)
    options = ("--store", "dynamodb", "--endpoint", dynamodb_local, "--table", "demo")
    code = main(["demo", *SMALL, *options])
    on_dynamodb = capsys.readouterr().out
    main(["demo", *SMALL])
    in_memory = capsys.readouterr().out

    assert code == 0
    assert "created table 'demo'" in on_dynamodb
    assert without_the_time(on_dynamodb).partition("SENT")[2] == without_the_time(in_memory).partition("SENT")[2]
