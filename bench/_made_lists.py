"""Invented lists of the size that publishers' own have, where no real file may be kept.

Owns two files in the published layouts of 2026, each in two neighbouring editions: the United
States' SDN_ENHANCED (about 110 MB, 19,365 entities) and the United Kingdom's CSV (about 47 MB,
57,000 rows of 58 columns).
"""

from collections.abc import Iterator
from pathlib import Path

from tests.support.list_files import ENHANCED, UK_HEADINGS, uk_csv

_ENTITIES = 19_365
_PARTS = 5
_ROWS = 57_000
_ROWS_OF_ONE = 11
_AMENDED = 200
_DAYS = ("2026-10-08", "2026-10-15")


def made(folder: Path) -> list[Path]:
    """Write all of them; returns their paths, the older edition of each first."""
    paths = []
    for number, day in enumerate(_DAYS):
        enhanced = folder / f"SDN_ENHANCED-{day}.xml"
        with enhanced.open("w", encoding="utf-8") as out:
            out.writelines(_enhanced(day, amended=bool(number)))
        british = folder / f"UK-Sanctions-List-{day}.csv"
        told = uk_csv(_british(amended=bool(number)), f"{day[-2:]}-Oct-2026")
        british.write_text(told, encoding="utf-8")
        paths += [enhanced, british]
    return paths


def _enhanced(day: str, *, amended: bool) -> Iterator[str]:
    head, start, rest = ENHANCED.partition("  <entity ")
    entity, end, tail = (start + rest).partition("  </entity>\n")
    names, features = (_within(entity, name) for name in ("names", "features"))
    for each in (names, features, _within(entity, "addresses")):
        entity = entity.replace(each, each * _PARTS)
    yield head.replace("2026-10-08", day)
    for number in range(_ENTITIES):
        word = "SPECIMENS" if amended and number % _AMENDED == 0 else "SPECIMEN"
        changed = entity.replace("29220", str(100_000 + number), 1).replace("SPECIMEN", word)
        yield changed.replace("EXAMPLE", f"EXAMPLE{number}") + end
    yield tail


def _within(text: str, tag: str) -> str:
    """Return what stands between an element's first two tags."""
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]


def _british(*, amended: bool) -> Iterator[dict[str, str]]:
    reasons = "An invented statement of reasons, as long as they are as a rule. " * 7
    for row in range(_ROWS):
        number, place = divmod(row, _ROWS_OF_ONE)
        changed = amended and number % _AMENDED == 0
        told = dict.fromkeys(UK_HEADINGS, "")
        yield told | {
            "Last Updated": "08/10/2026",
            "Unique ID": f"RUS{number:05}",
            "Name 6": f"EXAMPLE{number}",
            "Name 1": ("Ada", "Adah", "Ada Maria")[place % 3],
            "Name type": "Alias" if place else "Primary Name",
            "Regime Name": "The Example (Sanctions) (EU Exit) Regulations 2019",
            "Designation Type": "Individual",
            "Designation source": "UK",
            "Sanctions Imposed": "Asset freeze|Travel Ban",
            "Other Information": "Invented." + " Amended." * changed,
            "UK Statement of Reasons": reasons,
            "Address Line 1": f"{place} Invented Street",
            "Address Country": "Testland",
            "Date Designated": "22/03/2021",
            "D.O.B": "01/02/1975",
            "Nationality(/ies)": "Testland",
            "Passport number": f"X{number:07}",
        }
