"""What a check of the stored log found, and which finding comes first.

Owns the form of findings. A finding names a row by its table and primary key and, where there is
one, the leaf index from which on the log no longer holds; it never shows what a row contains.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

MOST_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class FsckFinding:
    """Something that does not fit.

    Attributes:
        code: stable dotted code, such as ``fsck.row-changed``.
        index: first leaf index that is affected; ``None`` where a finding has no place in the log.
        table: the table.
        row: values of its primary key, bytes as hex; ``None`` where a whole table is meant.
        detail: a sentence.
        consequent: may follow from another finding, such as a lost change set; never reported
            as the first one while there is another.
    """

    code: str
    index: int | None
    table: str
    row: tuple[Any, ...] | None
    detail: str
    consequent: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the members in plain JSON types."""
        return {
            "code": self.code,
            "index": self.index,
            "table": self.table,
            "row": None if self.row is None else list(self.row),
            "detail": self.detail,
        }


class Findings:
    """Findings in the order of their discovery; only the first thousand are kept, all are counted.

    Attributes:
        count: how many there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[FsckFinding] = []
        self._places: set[tuple[str, tuple[Any, ...]]] = set()

    def __iter__(self) -> Iterator[FsckFinding]:
        return iter(sorted(self._kept, key=_rank))

    def add(
        self,
        code: str,
        table: str,
        row: Sequence[Any] | None,
        detail: str,
        *,
        index: int | None = None,
        consequent: bool = False,
    ) -> None:
        """Take a finding; a second one about the same row is left out."""
        key = None if row is None else tuple(_plain_cell(value) for value in row)
        place = (table, (code, detail) if key is None else key)
        if place in self._places:
            return
        self.count += 1
        if len(self._kept) < MOST_KEPT:
            self._places.add(place)
            self._kept.append(FsckFinding(code, index, table, key, detail, consequent))

    def names(self, table: str, row: Sequence[Any]) -> bool:
        """Tell whether a row is among the findings already."""
        return (table, tuple(_plain_cell(value) for value in row)) in self._places

    @property
    def first(self) -> FsckFinding | None:
        """The finding with the smallest leaf index that stands by itself."""
        return min(self._kept, key=_rank, default=None)


def _plain_cell(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else value


def _rank(finding: FsckFinding) -> tuple[bool, bool, int]:
    return finding.consequent, finding.index is None, finding.index or 0
