"""What every list looks like on a terminal: no line is wider, times are also the reader's own."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from typer.main import get_command

from api.cli import output
from api.cli.main import app
from tests.cli.conftest import Desk
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes

WIDTH = 80
READERS = ("us-analyst", "us-reviewer", "us-auditor", "us-admin")


def list_commands() -> list[tuple[str, ...]]:
    """Every command of the program that lists, by its words, read from the program itself."""
    found = []
    for name, group in get_command(app).commands.items():
        for inner, one in getattr(group, "commands", {}).items():
            needed = [each for each in one.params if each.required]
            if inner in {"list", "holders", "watches", "verdicts", "editions"} and not needed:
                found.append((name, inner))
    return sorted(found)


def allowed(comity: CommandLine, words: tuple[str, ...]) -> list[str]:
    """The lines that the first officer sees who may list this and has something to see."""
    lines: list[str] = []
    for reader in READERS:
        ended = comity(*words, profile=reader)
        lines = ended.out.splitlines() if ended.code == 0 else lines
        if len(lines) > 1:
            break
    return lines


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are printed as for a terminal of 80 columns."""
    monkeypatch.setattr(output, "_room", lambda: WIDTH)


@pytest.fixture
def toronto() -> Iterator[None]:
    """The machine's zone is that of Ottawa."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/Toronto"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("terminal")
def test_no_list_is_wider_than_the_terminal(
    comity: CommandLine,
    desk: Desk,
    nodes: RunningNodes,
    submit: Callable[[str], str],
    release: Callable[..., str],
) -> None:
    """Names and titles as long as they may be, in a script whose letters take two cells."""
    package = submit("a-title-that-goes-on-" * 10)
    release(package)
    desk.designated("us", "\u6731" * 150, "2020-07-09", "uk-fcdo")
    nodes.settle()
    commands = list_commands()
    assert len(commands) >= 12
    filled = 0
    for words in commands:
        shown = allowed(comity, words)
        assert shown, words
        wide = [line for line in shown if output.width(line) > WIDTH]
        assert wide == [], words
        filled += len(shown) > 1
    assert filled >= 6, "too few lists had anything to show"


@pytest.mark.usefixtures("toronto")
def test_times_are_shown_in_utc_and_in_the_readers_zone(
    comity: CommandLine, submit: Callable[[str], str], release: Callable[..., str]
) -> None:
    draft = release(submit("a-local-time"))
    shown = comity("draft", "show", draft, profile="us-analyst").out
    (changed,) = [line for line in shown.splitlines() if line.startswith("changed")]
    found = comity("draft", "show", draft, profile="us-analyst", as_json=True).document
    at = found["updated_at"]
    assert f"{at[:10]} {at[11:16]} UTC (" in changed
    assert changed.rstrip(")").endswith(("EST", "EDT"))


@pytest.mark.usefixtures("toronto")
def test_a_local_time_on_another_day_says_which() -> None:
    assert output.moment("2026-11-23T17:25:00.000Z") == "2026-11-23 17:25 UTC (12:25 EST)"
    assert output.moment("2026-07-01T02:05:00.000Z") == "2026-07-01 02:05 UTC (30 Jun 22:05 EDT)"
    assert output.moment("not a time") == "not a time"


@pytest.mark.usefixtures("toronto")
def test_an_instant_before_the_readers_calendar_begins_is_shown_in_utc() -> None:
    assert output.moment("0001-01-01T00:00:00.000Z").endswith("1-01-01 00:00 UTC")
