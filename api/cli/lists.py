"""``comity lists``: published sanctions lists, read, kept and compared on this machine.

Owns the snapshots under ``COMITY_HOME/lists``. Nothing goes to the node: a list is a public fact
that officers look at, and what follows from it they write themselves.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from api.adapters.system import SystemClock
from api.cli import output
from api.cli.commands import command, group
from api.cli.files import appearing
from api.cli.profiles import CliContext
from api.domain.errors import NotFound

if TYPE_CHECKING:
    from api.adapters.lists.entries import Published

app = group("lists", "Read, keep and compare the sanctions lists that governments publish.")


class Source(StrEnum):
    """Whose list it is."""

    OFAC = "ofac"
    EU = "eu"
    CANADA = "canada"
    UK = "uk"


SourceArgument = Annotated[Source, typer.Argument(help="Whose list.")]


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "import")
def read(
    context: CliContext,
    source: SourceArgument,
    path: Annotated[Path, typer.Argument(help="The file, perhaps gzipped.", exists=True)],
    *,
    aliases: Annotated[
        Path | None, typer.Option(help="OFAC's alt.csv beside sdn.csv.", exists=True)
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The list's day, if the file lacks it.")] = None,
    floor: Annotated[
        int | None, typer.Option(min=0, help="Fewest entries of a whole list.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="The file is an extract; its count does not matter.")
    ] = False,
) -> None:
    """Read a published list and keep what it says; a file that is too short is refused.

    Example: comity lists import ofac sdn.xml
    """
    from dataclasses import replace

    from api.adapters.lists.entries import require_enough

    published = _read(source, path, aliases)
    day = as_of or published.as_of or SystemClock().now().date().isoformat()
    before = [path for path in _snapshots(context, source) if path.name[: len(day)] <= day]
    if partial:
        published = replace(published, stated=None)
    else:
        least = floor if floor is not None else _floor(source)
        require_enough(published, least, _count(before[-1]) if before else None)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    document = {
        "source": source.value,
        "as_of": day,
        "sha256": digest,
        "partial": partial,
        "entries": [entry.to_json() for entry in published.entries],
    }
    folder = _folder(context, source)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{day}-{digest[:12]}.json"
    if not target.exists():
        with appearing(target) as temporary:
            temporary.write_text(json.dumps(document, ensure_ascii=False, indent=0), "utf-8")
    known = {name: value for name, value in document.items() if name != "entries"}
    shown = {**known, "count": len(published.entries)}
    output.result(context, shown, output.details(shown))


@command(app, "list")
def listed(context: CliContext) -> None:
    """List the snapshots that are kept here.

    Example: comity lists list
    """
    rows = [_head(path) for source in Source for path in _snapshots(context, source)]
    columns: list[output.Column] = [
        ("LIST", "source"),
        ("AS OF", "as_of"),
        ("ENTRIES", "count"),
        ("EXTRACT", "partial"),
        ("SHA-256", "sha256"),
    ]
    output.result(context, {"items": rows}, output.table(rows, columns))


@command(app, "diff")
def diff(
    context: CliContext,
    source: SourceArgument,
    *,
    old: Annotated[str | None, typer.Option("--from", help="Day of the older snapshot.")] = None,
    new: Annotated[str | None, typer.Option("--to", help="Day of the newer one.")] = None,
) -> None:
    """Show what was added, removed and amended between two snapshots; by default the last two.

    Example: comity lists diff ofac --from 2021-03-10 --to 2024-05-07
    """
    paths = _snapshots(context, source)
    first, second = _chosen(paths, old, -2), _chosen(paths, new, -1)
    before, after = _entries(first), _entries(second)
    amended = [
        {"id": id_, "names": after[id_]["names"], "members": _changed(before[id_], after[id_])}
        for id_ in sorted(before.keys() & after.keys())
        if before[id_] != after[id_]
    ]
    changes: dict[str, Any] = {
        "source": source.value,
        "from": _head(first)["as_of"],
        "to": _head(second)["as_of"],
        "added": [after[id_] for id_ in sorted(after.keys() - before.keys())],
        "removed": [before[id_] for id_ in sorted(before.keys() - after.keys())],
        "amended": amended,
    }
    output.result(context, changes, _lines(changes))


def _read(source: Source, path: Path, aliases: Path | None) -> "Published":
    from api.adapters.lists import eu, ofac, tables

    with ExitStack() as open_files:
        file = open_files.enter_context(_opened(path))
        if source is Source.CANADA:
            return tables.read_canada(file)
        if source is Source.UK:
            return tables.read_uk(file)
        if source is Source.EU:
            return eu.read_xml(file)
        if ".csv" in path.suffixes:
            more = open_files.enter_context(_opened(aliases)) if aliases is not None else None
            return ofac.read_csv(file, more)
        return ofac.read_xml(file)


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _floor(source: Source) -> int:
    from api.adapters.lists import eu, ofac, tables

    return {"ofac": ofac.FLOOR, "eu": eu.FLOOR, **tables.FLOORS}[source.value]


def _folder(context: CliContext, source: Source) -> Path:
    return context.home / "lists" / source.value


def _snapshots(context: CliContext, source: Source) -> list[Path]:
    return sorted(_folder(context, source).glob("*.json"))


def _document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _head(path: Path) -> dict[str, Any]:
    document = _document(path)
    entries = document.pop("entries")
    return {**document, "count": len(entries)}


def _count(path: Path) -> int:
    head = _head(path)
    return 0 if head["partial"] else int(head["count"])


def _entries(path: Path) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in _document(path)["entries"]}


def _chosen(paths: list[Path], day: str | None, place: int) -> Path:
    fitting = [path for path in paths if day is None or path.name.startswith(day)]
    if day is None and len(fitting) < -place:
        raise NotFound("list.no-snapshot", "Import two lists before they can be compared.")
    if not fitting:
        raise NotFound("list.no-snapshot", "There is no snapshot of that day; see lists list.")
    return fitting[place] if day is None else fitting[-1]


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _lines(changes: dict[str, Any]) -> Iterable[str]:
    yield f"{changes['source']} from {changes['from']} to {changes['to']}:"
    for name, sign in (("added", "+"), ("removed", "-"), ("amended", "~")):
        for one in changes[name]:
            more = f" ({', '.join(one['members'])})" if name == "amended" else ""
            yield output.safe(f"{sign} {one['id']} {one['names'][0]}{more}")
    yield ", ".join(f"{len(changes[name])} {name}" for name in ("added", "removed", "amended"))
