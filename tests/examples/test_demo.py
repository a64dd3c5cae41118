"""The demo keeps the promise, says so truthfully, and repeats itself."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import boto3
import pytest

from examples.demo import handlers
from examples.demo.command import main, parse, show
from resilient_lambda import MemoryStore
from resilient_lambda.stores import ABSENT, STORED, AsRead

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "examples.demo"]
SMALL = ("--orders", "60", "--no-contrast")


def without_the_time(output: str) -> str:
    """Return *output* without the seconds that the run took."""
    return re.sub(r"in [0-9.]+ s of yours", "in ... s of yours", output)


def row(output: str, name: str) -> list[str]:
    """Return the words of the line that is about *name*."""
    found = re.search(rf"^\s*(?:\d+\s+)?{re.escape(name)}\s.*$", output, re.MULTILINE)
    assert found, f"no line about {name!r} in:\n{output}"
    return found[0].split()


@pytest.mark.parametrize("seed", range(10))
def test_the_promise_holds(seed, capsys):
    """Whatever the seed, every order is charged once or parked with its reason, and the exit code is 0."""
    code = main([*SMALL, "--seed", str(seed)])

    output = capsys.readouterr().out
    assert "the promise held: 54 orders charged exactly once, 6 parked with their reason, 0 lost, 0 charged" in output
    assert code == 0


def test_all_that_can_go_wrong_goes_wrong(capsys):
    """Three runs of the default size have every kind of crash, fault and duplicate between them."""
    names = (
        "redelivered",
        "duplicates",
        "late",
        "slow down",
        "throttled",
        "store faults",
        "slow calls",
        "sink faults",
        "freezes",
        "timeouts",
        "out of memory",
        "in the middle of the work",
        "after the charge, before the completion",
        "before a call to the store",
        "after a call to the store, its answer unheard",
        "after the work, the batch's answer unheard",
        "takeovers",
        "done",
        "in progress",
        "same batch",
        "dead letters",
        "recognised",
    )
    counts = dict.fromkeys(names, 0)
    for seed in "789":
        main(["--no-contrast", "--seed", seed])
        output = capsys.readouterr().out.partition("WHAT WENT WRONG")[2]
        for name in names:
            found = re.search(rf"^ +(\d+) +{re.escape(name)} ", output, re.MULTILINE)
            counts[name] += int(found[1]) if found else 0

    assert [name for name, count in counts.items() if count == 0] == []


def test_the_ledger_names_the_reason_of_each_kind_of_poison(capsys):
    """Poison is parked under the error that it met, never charged."""
    main([*SMALL])

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
    main(["--orders", "60"])

    output = capsys.readouterr().out
    ours, raising, _ = map(int, row(output, "charged twice or more")[-3:])
    assert (ours, raising > 0) == (0, True)
    ours, _, logging = map(int, row(output, "gone without a trace")[-3:])
    assert (ours, logging > 0) == (0, True)


def test_a_seed_repeats_itself(capsys):
    """The same options print the same numbers, whatever the clock and the random numbers of the machine."""
    main([*SMALL, "--seed", "3"])
    first = capsys.readouterr().out
    main([*SMALL, "--seed", "3"])
    second = capsys.readouterr().out

    assert without_the_time(first) == without_the_time(second)


def test_another_seed_is_another_story(capsys):
    """The seed decides what goes wrong."""
    main([*SMALL, "--seed", "3"])
    first = capsys.readouterr().out
    main([*SMALL, "--seed", "4"])
    second = capsys.readouterr().out

    assert without_the_time(first).splitlines()[1:] != without_the_time(second).splitlines()[1:]


class OneByOne(MemoryStore):
    """A store whose bulk writes go the way of its single ones."""

    def put_many_if(self, writes):
        """Write each."""
        return [self.put_if(write.key, write.item, write.expected) for write in writes]


class Unconditional(OneByOne):
    """A store that writes without asking whether the key is still as expected."""

    def put_if(self, key, item, expected):
        """Write, whatever is there."""
        found = self.get([key]).get(key, {})
        return super().put_if(key, item, AsRead(tuple(found.items())) if found else ABSENT)


class Forgetful(OneByOne):
    """A store that confirms what it does not keep."""

    def put_if(self, key, item, expected):
        """Confirm."""
        return STORED


class NeverForgiving(OneByOne):
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
    code = show(parse(["--no-contrast"]), store)

    output = capsys.readouterr().out
    assert code == 1
    assert "THE PROMISE DID NOT HOLD" in output
    assert "the promise held" not in output
    assert harm in output.partition("DID NOT HOLD")[2]


def test_a_broken_promise_says_how_to_see_it_again(capsys):
    """The last lines carry the command with the seed."""
    show(parse([*SMALL, "--seed", "5"]), Forgetful())

    assert "python -m examples.demo --orders 60 --seed 5 --store memory" in capsys.readouterr().out


def test_output_that_is_no_terminal_is_plain(capsys):
    """A pipe gets ASCII without escape sequences, in lines of a width that can be read."""
    main(["--orders", "60"])

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
    main([*SMALL])

    text = terminal.text()
    assert ("\x1b[" in text, text.isascii()) == (has_colours, is_ascii)


def test_warning_lines_are_shown_only_if_asked_for(capsys):
    """``--verbose`` shows the line of each failed record, on standard error; by default there is none."""
    main([*SMALL])
    quiet = capsys.readouterr().err
    main([*SMALL, "--verbose"])
    verbose = capsys.readouterr().err

    assert quiet == ""
    assert "failed with NonRetryableError" in verbose


def test_the_timeline_of_one_order_tells_its_story(capsys):
    """``--timeline ORDER`` prints what happened to its messages, from sending to the end."""
    main([*SMALL, "--timeline", "order-0007"])

    story = capsys.readouterr().out.partition("\nTIMELINE")[2].partition("\n\n")[0]
    assert "sent" in story
    assert "effect order-0007" in story
    assert "acknowledged" in story


def test_the_timeline_of_all_needs_no_name(capsys):
    """``--timeline`` alone is about every order."""
    main([*SMALL, "--timeline"])

    story = capsys.readouterr().out.partition("\nTIMELINE")[2]
    assert len(set(re.findall(r"effect (\S+)", story))) > 10


def test_a_terminal_that_cannot_draw_gets_a_timeline_all_the_same(monkeypatch):
    """What cannot be encoded is replaced; nothing fails."""
    terminal = Terminal("ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    code = main([*SMALL, "--timeline", "order-0007"])

    assert (code, "TIMELINE" in terminal.text()) == (0, True)


def test_a_plot_is_a_picture(tmp_path, capsys):
    """``--plot FILE`` writes an SVG and says so."""
    file = tmp_path / "demo.svg"
    code = main([*SMALL, "--plot", str(file)])

    assert (code, f"wrote {file}" in capsys.readouterr().out) == (0, True)
    assert ElementTree.parse(file).getroot().tag.endswith("svg")


def test_a_plot_that_cannot_be_written_is_told_in_words(tmp_path, capsys):
    """A folder that is not there gives one line and exit code 1."""
    code = main([*SMALL, "--plot", str(tmp_path / "nowhere" / "demo.svg")])

    assert (code, "cannot be written" in capsys.readouterr().err) == (1, True)


def test_it_runs_without_pydantic(monkeypatch, capsys):
    """Where pydantic is missing, a check by hand takes its place, and the promise is the same."""
    monkeypatch.setitem(__import__("sys").modules, "pydantic", None)
    monkeypatch.setattr(handlers, "_model", None)

    assert main([*SMALL]) == 0


def test_it_runs_on_a_real_engine(dynamodb_local, monkeypatch, capsys):
    """On DynamoDB Local the table is made and used, and the numbers are those of the store in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.setenv(name, "kept to be restored")
        monkeypatch.delenv(name)
    options = ("--store", "dynamodb", "--endpoint", dynamodb_local, "--table", "demo")
    code = main([*SMALL, *options])
    on_dynamodb = capsys.readouterr().out
    table = boto3.resource("dynamodb", endpoint_url=dynamodb_local, region_name="us-east-1").Table("demo")
    is_done = [item for item in table.scan()["Items"] if item["status"] == "COMPLETED"]
    main([*SMALL])
    in_memory = capsys.readouterr().out

    assert code == 0
    assert "created table 'demo'" in on_dynamodb
    assert len(is_done) == 54
    assert without_the_time(on_dynamodb).partition("SENT")[2] == without_the_time(in_memory).partition("SENT")[2]


def test_the_help_names_the_options(capsys):
    """``--help`` lists them with their defaults and the exit codes, and ends well."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    output = capsys.readouterr().out
    words = ["--orders", "--seed", "--store", "--endpoint", "--table", "--timeline", "--plot", "--verbose"]
    words += ["default: 300", "exit codes"]
    assert end.value.code == 0
    assert [word for word in words if word not in output] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--orders", "3"], ["--orders", "'3'", "20", "5000"]),
        (["--orders", "many"], ["--orders", "'many'"]),
        (["--seed", "x"], ["--seed", "'x'"]),
        (["--store", "redis"], ["redis", "memory", "dynamodb"]),
        (["--colour"], ["--colour"]),
        (["--timeline", "order-0300"], ["order-0300", "order-0000", "order-0299"]),
    ],
)
def test_what_is_not_understood_is_named(options, words, capsys):
    """A usage error says which word was wrong and what is allowed, and exits with 2."""
    with pytest.raises(SystemExit) as end:
        main(options)

    output = capsys.readouterr().err
    assert end.value.code == 2
    assert [word for word in words if word not in output] == []


def test_an_endpoint_of_the_memory_store_is_refused(capsys):
    """Options that contradict each other are named in one line."""
    code = main(["--endpoint", "http://127.0.0.1:8000"])

    assert (code, "--store dynamodb" in capsys.readouterr().err) == (1, True)


def test_an_engine_that_does_not_answer_is_told_in_words(capsys):
    """A closed port gives a message with the table and the cause, no traceback."""
    code = main(["--store", "dynamodb", "--endpoint", "http://127.0.0.1:1"])

    output = capsys.readouterr().err
    assert code == 1
    assert "http://127.0.0.1:1" in output
    assert "resilient-lambda-demo" in output


def test_make_demo_passes_its_options_on():
    """``make demo ARGS=...`` is the program, with its exit code."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(r"^demo:.*\n\t@\$\(BIN\)/python (.*)$", makefile, re.MULTILINE)

    assert recipe
    assert recipe[1] == " ".join([*PROGRAM[1:], "$(ARGS)"])


def test_it_runs_as_a_module():
    """``python -m examples.demo`` at the project's root is the program, and passes the exit code on."""
    done = subprocess.run(
        [*PROGRAM, "--orders", "20", "--no-contrast"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "the promise held" in done.stdout


def test_a_reader_that_leaves_is_no_error():
    """``... | head`` gets its lines without a complaint about the closed pipe."""
    program = [*PROGRAM, "--orders", "20"]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read() if process.stderr is not None else ""

    assert complaint == ""
