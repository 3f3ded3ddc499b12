"""Published lists of a folder: reading against a bare parse, what is kept, what a diff misses.

Each file is read in a process of its own: seconds of processor and peak memory, beside a bare parse
of the same bytes (expat without handlers, the CSV module's reader) in the same process. Of the
entries' values those are counted that another parser finds in the file and the entries do not have.
Editions of one list, each with the next, are compared; beside it a bare comparison of each entry's
values without order and blanks says what is falsely told amended, and what is missed.

    python -m bench lists FOLDER
    python -m bench lists --made     (invented files of the size of those that are not at hand)
"""

import argparse
import csv
import io
import itertools
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

from api.adapters.lists import published
from api.adapters.lists.files import encoding_of, unpacked
from api.domain.errors import ComityError
from api.domain.lists import changes, tree
from api.domain.lists.changes import EntryOutcome
from api.domain.lists.entries import ListEntry
from bench._made_lists import made

AIMS = {"ofac-xml": "6 s, 120 MB", "ofac-enhanced": "40 s, 150 MB", "uk-csv": "8 s, 120 MB"}
ELEMENTS = {
    "ofac-xml": "sdnEntry",
    "ofac-enhanced": "entity",
    "eu-fsf-1.1": "sanctionEntity",
    "ca-sema-xml": "record",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLACE = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Read:
    """One list that was read whole."""

    path: Path
    series: str
    layout: str
    day: str
    by_place: bool
    entries: Mapping[str, ListEntry]


def whole(path: Path) -> Read | None:
    """Read a list, or say why not."""
    try:
        found = published(path, path.name)
        entries = {one.id: one for one in found.entries}
    except ComityError as error:
        print(f"not read: {path.name}: {error.message[:70]}")
        return None
    named = _DAY.search(path.name)
    day = found.as_of or (named[0] if named else "")
    return Read(path, found.series.id, found.layout, day, found.series.by_place, entries)


def bare(path: Path) -> float:
    """Return the seconds of the least parse of a file's bytes."""
    (file, *_) = unpacked(path)
    started = time.process_time()
    if file.head().lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
        with file.open() as source:
            expat.ParserCreate().ParseFile(source)
    else:
        with file.open() as source:
            text = io.TextIOWrapper(source, encoding=encoding_of(file), newline="")
            for _ in csv.reader(text):
                pass
    return time.process_time() - started


def print_one(path: Path) -> None:
    """Read one file entry by entry and print what it took, as JSON."""
    floor = bare(path)
    started = time.process_time()
    found = published(path, path.name)
    count = sum(1 for _ in found.entries)
    took = time.process_time() - started
    told = {"layout": found.layout, "count": count, "seconds": took, "floor": floor}
    print(json.dumps({**told, "peak": _peak()}))


def _peak() -> float:
    """Return this process's own peak in MB; what its parent had does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def print_reading(reads: Sequence[Read]) -> None:
    """Print seconds, ratio to the bare parse and memory of each file."""
    for one in reads:
        command = [sys.executable, "-m", "bench.lists", "--one", str(one.path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout.splitlines()[-1])
        aim = f" (aim {AIMS[one.layout]})" if one.layout in AIMS else ""
        print(
            f"{one.path.name}: {told['count']} entries, {told['seconds']:.1f} s, "
            f"x{told['seconds'] / max(told['floor'], 0.001):.1f} of a bare parse, "
            f"peak {told['peak']:.0f} MB{aim}"
        )


def print_kept(one: Read) -> None:
    """Print how many of the entries' values are kept, where another parser can count them."""
    tag = ELEMENTS.get(one.layout)
    if tag is None:
        return
    (file,) = unpacked(one.path)
    there: Counter[str] = Counter()
    with file.open() as source:
        for _, element in ET.iterparse(source):  # noqa: S314 - the same bytes were read guarded
            if element.tag.rpartition("}")[2] == tag:
                for inner in element.iter():
                    there.update(v for v in (inner.text or "", *inner.attrib.values()) if v.strip())
                    if inner is not element and (inner.tail or "").strip():
                        there[inner.tail or ""] += 1
                element.clear()
    kept = Counter(
        leaf.value for entry in one.entries.values() for leaf in tree.leaves(entry.source)
    )
    lost = there - kept
    print(f"{one.path.name}: {there.total() - lost.total()} of {there.total()} values kept")
    for value, number in lost.most_common(5):
        print(f"  lost {number} times: {value[:80]}")


def bare_values(entry: ListEntry) -> Counter[tuple[str, str]]:
    """Return an entry's values with their places, without order and blanks."""
    return Counter(
        (_PLACE.sub("", leaf.path), " ".join(leaf.value.split()))
        for leaf in tree.leaves(entry.source)
        if leaf.value.strip()
    )


def print_difference(old: Read, new: Read) -> None:
    """Print what a comparison of two editions tells, tells falsely and misses."""
    same = old.layout == new.layout
    started = time.process_time()
    found = []
    for id_ in sorted(old.entries.keys() | new.entries.keys()):
        was, now = old.entries.get(id_), new.entries.get(id_)
        if not same or was is None or now is None or was.source != now.source:
            found += changes.compare(was, now, same_layout=same, by_place=new.by_place)
    took = time.process_time() - started
    told = {
        outcome: {one.entry for one in found if one.outcome is outcome} for outcome in EntryOutcome
    }
    counts = ", ".join(f"{len(told[outcome])} {outcome.value}" for outcome in EntryOutcome)
    line = f"{new.series} {old.day or old.path.name} to {new.day or new.path.name}: {counts}"
    print(f"{line}; {took:.1f} s of processor (aim 5)")
    if not same:
        print("  two layouts: only what both say is compared")
        return
    both = old.entries.keys() & new.entries.keys()
    other = {id_ for id_ in both if bare_values(old.entries[id_]) != bare_values(new.entries[id_])}
    amended = told[EntryOutcome.AMENDED]
    replaced = told[EntryOutcome.ADDED] & told[EntryOutcome.REMOVED]
    false, missed = amended - other, other - amended - replaced
    print(f"  false amendments {len(false)}, missed {len(missed)} (aim 0)")
    for id_ in sorted(false | missed)[:5]:
        print(f"  {'false' if id_ in false else 'missed'}: {id_} {new.entries[id_].name}")


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench lists")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--made", action="store_true", help="read invented files of real size")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print_one(options.one)
        return
    if options.made:
        with tempfile.TemporaryDirectory() as folder:
            print_all(made(Path(folder)))
    elif options.folder is None:
        print("give a folder of published lists; none is kept in the repository")
    else:
        print_all(sorted(one for one in options.folder.rglob("*") if one.is_file()))


def print_all(paths: Sequence[Path]) -> None:
    """Print what these files come to, and what neighbouring editions among them differ in."""
    packed = {".xml", ".csv", ".gz", ".zip", ".json"}
    reads = [found for one in paths if one.suffix in packed and (found := whole(one)) is not None]
    print_reading(reads)
    for one in reads:
        print_kept(one)
    # Of several files of one day the longest is the list, the others are extracts of it.
    editions: dict[str, dict[str, Read]] = defaultdict(dict)
    for one in sorted(reads, key=lambda read: (read.day, len(read.entries))):
        if one.day:
            editions[one.series][one.day] = one
    for some in editions.values():
        for old, new in itertools.pairwise(some.values()):
            print_difference(old, new)


if __name__ == "__main__":
    main(sys.argv[1:])
