"""A page of 100 packages with 1,000 and 50,000 held: processor time of each, and if it is flat.

Aim: ≤ 6 ms each. The rows are inserted directly; the page is read by the real use case, with the
policy's batch decision.

    python -m bench pages [--many N]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from api.domain.events import Act, Subject
from api.records import packages
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.desk import evidence
from tests.support.federation import Federation
from tests.support.signing import US

FEW = 1_000


def fill(federation: Federation, first: int, until: int, ministry: str = "us-treasury") -> None:
    """Insert package rows, in batches, each batch with its event."""
    node = federation[ministry]
    for start in range(first, until, 5000):
        rows = [
            {
                "id": f"sha256:{number:064x}",
                "originator": node.ministry,
                "title": f"Package {number}",
                "state": "submitted",
                "submitted_at": f"2026-11-{1 + number % 28:02d}T{number % 24:02d}:00:00.000Z",
            }
            for number in range(start, min(start + 5000, until))
        ]

        def write(unit: Unit, rows: list[dict[str, object]] = rows) -> None:
            unit.insert(packages.PACKAGES, rows)
            entry = recording.Entry(act=Act.PACKAGE_SUBMITTED, subject=Subject("package", "bench"))
            recording.record(node, unit, entry)

        node.db.write(write)


def page_time(federation: Federation, pages: int = 30) -> tuple[float, float]:
    """Median milliseconds of processor of the first page, and of a page deep in the list."""
    node, analyst = federation["us-treasury"], federation.officer("us-treasury", "analyst")
    firsts, deeps = [], []
    place: tuple[str, str] | None = None
    for _ in range(pages):
        started = time.thread_time()
        rows = evidence.packages_page(node, analyst, limit=100)
        firsts.append(time.thread_time() - started)
        started = time.thread_time()
        rows = evidence.packages_page(node, analyst, limit=100, before=place)
        if len(rows) == 100:
            deeps.append(time.thread_time() - started)
        place = (rows[-1].submitted_at, rows[-1].id) if len(rows) == 100 else None
    return statistics.median(firsts) * 1000, statistics.median(deeps) * 1000


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench pages")
    parser.add_argument("--many", type=int, default=50_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(US,))
        fill(federation, 0, FEW)
        few, few_deep = page_time(federation)
        fill(federation, FEW, options.many)
        many, many_deep = page_time(federation)
        federation.close()
    print(f"page of 100 with {FEW}: first {few:.1f} ms, deep {few_deep:.1f} ms (aim 6)")
    print(f"page of 100 with {options.many}: first {many:.1f} ms, deep {many_deep:.1f} ms (aim 6)")
    print(f"growth {many / few:.2f} first, {many_deep / few_deep:.2f} deep (1.00 is flat)")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
