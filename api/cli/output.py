"""What commands print: one JSON document, or plain aligned text for people.

Owns the form of results (stdout) and of talk (stderr). Whatever came from a node, and so perhaps
from another ministry, is made harmless for a terminal first. No colour: nothing needs it.
"""

import json
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import typer

from api.cli import tongue
from api.cli.profiles import CliContext

Column = tuple[str, str | Callable[[Mapping[str, Any]], object]]
"""Heading, and the member to show or a function of the item."""

_GAP: Final = "  "
_PERCENT: Final = 100
_WIDE: Final = frozenset("WF")
_DIGEST: Final = "sha256:"
_ID: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_SHORT_ID: Final = 12
_NARROWEST: Final = 20
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def result(context: CliContext, document: Any, lines: Iterable[str]) -> None:
    """Print a command's result.

    Args:
        context: of the command.
        document: the machine-readable result.
        lines: the same for people; read only when they are printed.
    """
    if context.json:
        typer.echo(json_text(document))
        return
    for line in lines:
        typer.echo(line)


def proposed(context: CliContext, made: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Print the id of what was made, which ``X=$(comity …)`` keeps, and say the rest."""
    result(context, made, [str(made["id"])])
    if not context.json:
        for line in lines:
            talk(line)


def talk(message: str) -> None:
    """Say something that is not the result, on stderr; each line of it is made safe."""
    for line in tongue.say(message).split("\n"):
        typer.echo(safe(line), err=True)


def json_text(document: Any) -> str:
    """Return one line of JSON in which nothing can steer a terminal."""
    text = json.dumps(document, ensure_ascii=False)
    return "".join(
        character if _harmless(character) else json.dumps(character)[1:-1] for character in text
    )


def safe(value: object) -> str:
    r"""Return one line of text that cannot steer a terminal; unsafe characters show as ``\u…``."""
    text = value if isinstance(value, str) else _plain(value)
    return "".join(
        character if _harmless(character) else json.dumps(character)[1:-1] for character in text
    )


def _harmless(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in _UNSAFE


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "-"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Iterable[str]:
    """Yield an aligned table with a heading, or one line that says that there is nothing."""
    if not rows:
        yield tongue.say("Nothing to show.")
        return
    cells = [[tongue.say(heading) for heading, _ in columns]]
    cells += [[safe(_cell(row, source)) for _, source in columns] for row in rows]
    room = _room()
    if room:
        cells = [[_short(cell) for cell in line] for line in cells]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    if room and sum(widths) + len(_GAP) * (len(widths) - 1) > room:
        yield from _records(cells, room)
        return
    for line in cells:
        padded = (
            cell + " " * (room - width(cell)) for cell, room in zip(line, widths, strict=True)
        )
        yield _GAP.join(padded).rstrip()


def _room() -> int:
    """Return the width of the terminal that reads the result, or 0 where none does."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _short(cell: str) -> str:
    """Return an id as people type it: a digest by its first ``_SHORT_ID`` digits."""
    return cell[: len(_DIGEST) + _SHORT_ID] if _ID.fullmatch(cell) else cell


def _records(cells: Sequence[Sequence[str]], room: int) -> Iterable[str]:
    """Yield rows that are too wide as records: a line per member that has a value, wrapped."""
    heading, *rows = cells
    label = max(map(width, heading))
    for number, row in enumerate(rows):
        if number:
            yield ""
        for name, cell in zip(heading, row, strict=True):
            if cell in {"", "-"}:
                continue
            lines = _wrapped(cell, max(room - label - len(_GAP), _NARROWEST)) or [""]
            for before, line in zip((name, *[""] * len(lines)), lines, strict=False):
                yield f"{before:<{label}}{_GAP}{line}"


def _wrapped(text: str, room: int) -> list[str]:
    """Return text in lines of at most ``room`` cells; a word that is longer is cut."""
    lines: list[str] = []
    for line in textwrap.wrap(text, room):
        lines.append("")
        for character in line:
            if width(lines[-1] + character) > room:
                lines.append("")
            lines[-1] += character
    return lines


def details(members: Mapping[str, object]) -> Iterable[str]:
    """Yield one line per member that has a value: name, then value; further lines are set in."""
    present = {name: value for name, value in members.items() if value not in (None, "", [], ())}
    room = max(map(len, present), default=0)
    for name, value in present.items():
        lines = value.splitlines() if isinstance(value, str) else [value]
        for before, line in zip((name, *[""] * len(lines)), lines, strict=False):
            yield f"{before:<{room}}{_GAP}{safe(line)}"


def _cell(item: Mapping[str, Any], source: str | Callable[[Mapping[str, Any]], object]) -> object:
    return item.get(source) if isinstance(source, str) else source(item)


def width(text: str) -> int:
    """Return how many terminal cells a line takes (Unicode Standard Annex 11)."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in _WIDE)
        for character in text
    )


def moment(value: object) -> str:
    """Return a protocol instant as ``2026-11-23 17:25 UTC``, with the local time where it differs.

    The local zone is the machine's (``TZ``), as other programs on it show time.
    """
    if not isinstance(value, str):
        return "-"
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return value
    text = instant.strftime("%Y-%m-%d %H:%M UTC")
    try:
        local = instant.astimezone()
    except (OverflowError, ValueError):  # at the ends of the calendar: no such day over there
        return text
    if instant.tzinfo is None or local.utcoffset() == instant.utcoffset():
        return text
    same_day = local.date() == instant.date()
    return f"{text} ({local.strftime('%H:%M %Z' if same_day else '%d %b %H:%M %Z')})"


def at(member: str) -> Callable[[Mapping[str, Any]], str]:
    """Return a column source that shows a member as a moment."""
    return lambda item: moment(item.get(member))


class Progress:
    """How far a long job is, on stderr and only on a terminal.

    Args:
        what: said before the figure.
        total: bytes in all.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._shown = -1
        self._terminal = sys.stderr.isatty()

    def advance(self, count: int) -> None:
        """Count bytes done."""
        self._done += count
        percent = _PERCENT * self._done // max(self._total, 1)
        if self._terminal and percent != self._shown:
            self._shown = percent
            ends = "\n" if self._done >= self._total else ""
            typer.echo(f"\r{self._what} {percent:3d} %{ends}", err=True, nl=False)
