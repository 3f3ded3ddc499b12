"""Faults that downloads have: each kind is read rightly or refused by name, never half read."""

import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.adapters.lists import published
from api.domain.errors import Invalid
from api.domain.lists.entries import ListEntry
from tests.support.list_files import (
    ENHANCED,
    EU_2024,
    OFAC_2024,
    QUARTET,
    UK_ROWS,
    UN,
    canada_xml,
    uk_csv,
)

Check = Callable[[list[ListEntry]], bool]


@dataclass(frozen=True, slots=True)
class Fault:
    """One file: what is wrong with it, and what is to become of it.

    Attributes:
        name: in words.
        content: its bytes.
        refused: the code of the refusal, or empty where it is read.
        says: a part of the refusal's sentence.
        right: what must be so where it is read.
    """

    name: str
    content: bytes
    refused: str = ""
    says: str = ""
    right: Check = bool


PLAIN = OFAC_2024.read_text()
SDN = QUARTET[0].read_bytes().rstrip(b"\x1a\r\n") + b"\r\n"
UK = uk_csv(UK_ROWS)
EU = EU_2024.read_text()


def _entry(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}[ >].*?</{tag}>", text, re.DOTALL)
    assert found is not None
    return found[0]


def _twice(text: str, tag: str, old: str, new: str) -> bytes:
    """The file with its first entry printed twice, of another subject the second time."""
    one = _entry(text, tag)
    assert old in one
    return text.replace(one, one + one.replace(old, new), 1).encode()


def _zip(*inner: bytes, **beside: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in [*((f"{n}", one) for n, one in enumerate(inner)), *beside.items()]:
            archive.writestr(name, content)
    return target.getvalue()


def _damaged(record: bytes, place: int, value: bytes, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with other bytes after the first place where these stand: of its directory, of a name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        archive.writestr("a.csv", UK)
    found = bytearray(target.getvalue())
    start = found.find(record) + place
    found[start : start + len(value)] = value
    return bytes(found)


def _no_utf8_name() -> bytes:
    found = bytearray(_damaged(b"PK\x01\x02", 8, b"\x00\x08"))
    found[30] = found[found.find(b"PK\x01\x02") + 46] = 0xFF
    return bytes(found)


def _entity(**members: object) -> bytes:
    made = {"id": "a", "schema": "Person", "properties": {"name": ["Ada"]}, "datasets": ["x"]}
    return json.dumps({**made, **members}).encode() + b"\n"


def _cut(text: str, mark: str, after: int) -> bytes:
    return text[: text.index(mark) + after].encode()


def _undated(entries: list[ListEntry]) -> bool:
    return all(one.listed_on == "" for one in entries)


def _apart(entries: list[ListEntry]) -> bool:
    ids = [one.id for one in entries]
    return len(ids) == len(set(ids)) and len({one.name for one in entries}) == len(ids)


NAMELESS = {**UK_ROWS[-1], "Unique ID": "", "Name 6": "SOMEBODY ELSE"}
UNDATED = [{**row, "Date Designated": "31/02/2021"} for row in UK_ROWS]
NO_ITEM = [
    ("Testland", "Example", "Ada", "", "", "1960", "", "N/A", ""),
    ("Testland", "Specimen", "Bob", "", "", "1961", "", "N/A", ""),
]
ENHANCED_NO_DAY = ENHANCED.replace('datePublished="2020-07-09"', 'datePublished="soon"')

DIRECTORY = b"PK\x01\x02"
TWO = "one reference"
CUT = "middle of a line"
FAULTS = [
    # Two subjects under one reference: one of them would be lost (G1).
    Fault("OFAC, a uid twice", _twice(PLAIN, "sdnEntry", "AERO", "OTHER"), "list.malformed", TWO),
    Fault("OFAC CSV, twice", SDN + SDN.splitlines(keepends=True)[0], "list.malformed", TWO),
    Fault("UN, twice", _twice(UN, "INDIVIDUAL", "ADA", "EVA"), "list.malformed", TWO),
    Fault("enhanced, twice", _twice(ENHANCED, "entity", "Ada", "Eva"), "list.malformed", TWO),
    Fault("UK, a line of nobody", uk_csv([*UK_ROWS, NAMELESS]).encode(), "list.malformed", "names"),
    Fault("UK, a short line", (UK + '"","GHR0009"\r\n').encode(), "list.malformed", "no name"),
    Fault("UK, one after another", (UK + UK).encode(), "list.malformed"),
    Fault("Canada, no item", canada_xml("2025", NO_ITEM).encode(), right=_apart),
    # A table that breaks off (G7): XML shows its end, a table only by its last line.
    Fault("UK, cut in a cell", _cut(UK, "BEISPIEL", 4), "list.malformed", CUT),
    Fault("UK, cut after a cell", _cut(UK, '"BEISPIEL"', 11), "list.malformed", CUT),
    Fault("OFAC CSV, cut", SDN[: len(SDN) // 2], "list.malformed", CUT),
    Fault("OFAC CSV, no last newline", SDN.rstrip()),
    Fault("OFAC CSV, with its last byte", SDN + b"\x1a"),
    Fault("OFAC, twice in one file", (PLAIN + PLAIN).encode(), "list.malformed"),
    Fault("gzip in two members", gzip.compress(PLAIN[:900].encode()) + gzip.compress(
        PLAIN[900:].encode())),
    Fault("gzip, something after", gzip.compress(PLAIN.encode()) + b"rest", "list.packed"),
    # Packed as nobody here unpacks (G4, G7): said, not guessed as a strange encoding.
    Fault("xz", lzma.compress(PLAIN.encode()), "list.packed", "unpack"),
    Fault("bzip2", bz2.compress(PLAIN.encode()), "list.packed", "unpack"),
    Fault("7z", b"7z\xbc\xaf\x27\x1c" + bytes(99), "list.packed", "unpack"),
    Fault("gzip twice", gzip.compress(gzip.compress(PLAIN.encode())), "list.packed", "unpack"),
    Fault("zip of a Macintosh", _zip(PLAIN.encode(), **{
        "__MACOSX/._0": b"\0\5\x16\7", ".DS_Store": b"\0\0\0\1Bud1"})),
    Fault("zip with a note", _zip(PLAIN.encode(), **{"read.me": b"Fetched today."}),
          "list.unknown-layout"),
    Fault("zip in zip", _zip(_zip(PLAIN.encode())), "list.packed", "unpack"),
    Fault("zip of version 9.9", _damaged(DIRECTORY, 6, b"\x63\x00"), "list.packed"),
    Fault("zip, a name in no encoding", _no_utf8_name(), "list.packed"),
    Fault("zip, broken deflate", _damaged(b"a.csv", 5, b"\xff" * 4), "list.packed"),
    Fault("zip, false checksum", _damaged(DIRECTORY, 16, bytes(4)), "list.packed"),
    Fault("zip, broken lzma", _damaged(b"a.csv", 7, b"\xff\xff", zipfile.ZIP_LZMA), "list.packed"),
    Fault("zip, broken bzip2", _damaged(b"a.csv", 7, b"\0" + b"\xff" * 4, zipfile.ZIP_BZIP2),
          "list.packed"),
    # What is no text, and numbers that int() does not take.
    Fault("entity, half a pair as id", _entity(id="\ud800"), "list.malformed"),
    Fault("entity, half a pair in a name", _entity(properties={"name": ["\ud800"]}),
          "list.malformed"),
    Fault("entity, half a pair as data set", _entity(datasets=["\ud800"]), "list.malformed"),
    Fault("entity, NUL", _entity(id="a\0b"), "list.malformed"),
    Fault("OFAC, 5,000 digits", PLAIN.replace("<Record_Count>", "<Record_Count>" + "9" * 5000)
          .encode(), "list.malformed"),
    Fault("EU, 5,000 digits", EU.replace(' logicalId="', f' logicalId="{"9" * 5000}').encode()),
    # A day that is none dates nobody (G5).
    Fault("UK, 31 February", uk_csv(UNDATED).encode(), right=_undated),
    Fault("UK, 99 October", uk_csv(UK_ROWS, "99-Oct-2026").encode(), "list.day"),
    Fault("EU, soon", re.sub('designationDate="[^"]*"', 'designationDate="soon"', EU).encode(),
          right=_undated),
    Fault("UK, year 9999", uk_csv([{**row, "Date Designated": "31/12/9999"} for row in UK_ROWS]
          ).encode(), right=_undated),
    Fault("UK, year 0", uk_csv([{**row, "Date Designated": "01/01/0000"} for row in UK_ROWS]
          ).encode(), right=_undated),
    Fault("UN, year X017", UN.replace("<LISTED_ON>2", "<LISTED_ON>X").encode(), right=_undated),
    Fault("enhanced, soon", ENHANCED_NO_DAY.encode(), right=_undated),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_refused_by_name_or_read_rightly(fault: Fault, tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(fault.content)
    if not fault.refused:
        assert fault.right(list(published(path).entries))
        return
    with pytest.raises(Invalid) as caught:
        list(published(path).entries)
    assert caught.value.code == fault.refused
    assert fault.says in caught.value.message


def test_a_row_without_an_item_keeps_its_key_when_another_comes(tmp_path: Path) -> None:
    """The first row of ``N/A`` was alone, and is not "removed" because a second one came."""
    path = tmp_path / "sema-lmes.xml"
    keys = []
    for rows in (NO_ITEM[:1], NO_ITEM):
        path.write_text(canada_xml("2025", rows))
        keys.append([one.id for one in published(path).entries])
    assert keys[0] == keys[1][:1]
