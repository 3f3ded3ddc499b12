"""Reads comma-separated tables line by line, headings found by their meaning.

Owns the table form that the United Kingdom's list and the retired Canadian one share. Headings are
compared without case, blanks and punctuation, because publishers change those.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from api.adapters.lists.files import ListFile
from api.domain.lists.entries import refuse
from api.domain.lists.tree import ROW, Node

_PLAIN: Final = re.compile(r"[^a-z0-9]")
_MOST_ABOVE: Final = 5
csv.field_size_limit(min(sys.maxsize, 1 << 24))


def plain(heading: str) -> str:
    """Return a heading without case, blanks and punctuation."""
    return _PLAIN.sub("", heading.lower())


def rows_of(file: ListFile) -> Iterator[list[str]]:
    """Yield the lines of a file.

    Raises:
        Invalid: ``list.malformed``: a line break or a NUL stands where none can, a cell is
            larger than any, or the last line is cut off; ``list.encoding``, ``list.packed``,
            ``list.too-large``.
    """
    with file.text() as source:
        seen = _Seen(source)
        before = 0
        last: list[str] | None = None
        try:
            for line in csv.reader(seen):
                if last is not None:
                    yield last
                    before = len(last)
                last = line
        except csv.Error:
            raise refuse("malformed", "The file is no comma-separated table.") from None
        if last is not None:
            if seen.open_at_the_end(whole=len(last) >= before):
                raise refuse("malformed", "The table ends in the middle of a line; fetch it again.")
            yield last


class _Seen:
    """Hands lines on and remembers how the file ends.

    A table has no end of its own: one that breaks off shows it, if at all, by its last line.
    """

    def __init__(self, source: Iterable[str]) -> None:
        self._source = source
        self._quotes = 0
        self._last = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._source:
            self._quotes += line.count('"')
            self._last = line
            yield line

    def open_at_the_end(self, *, whole: bool) -> bool:
        """Tell whether the last line was cut off: in a quoted cell, or before its last cells."""
        ended = self._last.endswith(("\n", "\r", "\x1a"))
        return not ended and (self._quotes % 2 == 1 or not whole)


class Table:
    """A table with headings: what stands above them, and the lines below.

    Args:
        file: the file.
        needed: plain headings that must all be there.

    Attributes:
        above: the lines above the headings, as text.
        headings: as published, in order.

    Raises:
        Invalid: ``list.headings``, and what :func:`rows_of` raises.
    """

    def __init__(self, file: ListFile, needed: frozenset[str]) -> None:
        self._rows = rows_of(file)
        self.above: list[str] = []
        self.headings: list[str] = []
        for line in self._rows:
            headings = [cell.strip() for cell in line]
            if needed <= {plain(one) for one in headings}:
                self.headings = headings
                return
            self.above.append(" ".join(line))
            if len(self.above) > _MOST_ABOVE:
                break
        raise refuse("headings", f"The file lacks one of the columns {', '.join(sorted(needed))}.")

    def rows(self) -> Iterator[Node]:
        """Yield each line that says something, its cells as attributes under their headings.

        Raises:
            Invalid: ``list.malformed``: a line has more cells than there are headings, or these
                stand there again.
        """
        for line in self._rows:
            if len(line) > len(self.headings) and any(line[len(self.headings) :]):
                raise refuse("malformed", "A line of the table has more cells than headings.")
            if [cell.strip() for cell in line] == self.headings:
                raise refuse("malformed", "The headings stand in the table twice; give one list.")
            cells = tuple(
                (heading, cell)
                for heading, cell in zip(self.headings, line, strict=False)
                if cell and not cell.isspace()
            )
            if cells:
                yield Node(ROW, "", cells)


def by_meaning(row: Node) -> dict[str, str]:
    """Return a line's cells by plain heading, blanks at their ends taken off."""
    return {plain(name): value.strip() for name, value in row.attributes}
