"""``comity lists``: published sanctions lists in the node: import, list, compare, read an entry.

Owns the packing of several files of one list into one upload. What a file is, the node finds out.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli import entity_files, output
from api.cli.arguments import EditionId, edition_option
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

app = group("lists", "Import and compare the sanctions lists that governments publish.")

# Words that may stand before the files; the file itself says what it is, and must agree.
_PUBLISHERS: Final = {
    "ofac": "us-",
    "us": "us-",
    "eu": "eu-",
    "uk": "uk-",
    "canada": "ca-",
    "ca": "ca-",
    "un": "un-",
}
_CHUNK: Final = 1 << 20


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "import")
def read_list(
    context: CliContext,
    given: Annotated[
        list[str], typer.Argument(help="The file, packed or not; several of OFAC's CSV files.")
    ],
    *,
    aliases: Annotated[
        Path | None, typer.Option(help="OFAC's alt.csv beside sdn.csv.", exists=True)
    ] = None,
    as_of: Annotated[str, typer.Option(help="The list's day, if the file lacks it.")] = "",
    series: Annotated[str, typer.Option(help="The list it must be of, see lists list.")] = "",
    source: Annotated[str, typer.Option(help="Where it was fetched.")] = "",
    fetched_at: Annotated[str, typer.Option(help="When it was fetched.")] = "",
    floor: Annotated[
        int | None, typer.Option(min=0, help="Fewest entries of a whole list.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="The file is an extract; its count does not matter.")
    ] = False,
) -> None:
    """Import a published list as an edition; what is too short, cut off or no list is refused.

    Example: comity --profile us-analyst lists import sdn.xml
    """
    expected, paths = _paths(given, aliases)
    query = {
        "name": paths[0].name,
        "as_of": as_of or None,
        "series": series or None,
        "source": source or None,
        "fetched_at": fetched_at or None,
        "floor": floor,
        "partial": "true" if partial else None,
    }
    with tempfile.TemporaryDirectory(prefix="comity-") as folder, connected(context) as api:
        path = paths[0] if len(paths) == 1 else _together(paths, Path(folder) / "lists.zip")
        made = api.post_file("/lists", path.stat().st_size, lambda: _pieces(path), **query)
    held: str = made["edition"]["series"]
    if expected and not held.startswith(expected):
        output.talk(f"The file turned out to be an edition of {held}.")
    output.result(context, made, _edition_told(made))


@command(app, "export")
def export_edition(
    context: CliContext,
    edition: EditionId,
    *,
    out: Annotated[Path, typer.Option(help="Folder to make; it must not be there yet.")],
) -> None:
    """Write an edition as FollowTheMoney entities, one a line, with an index of the data set.

    Example: comity --profile us-analyst lists export 0f… --out sdn
    """
    with connected(context) as api:
        page, written = entity_files.write_entities(api, f"/lists/{edition}/entities", out)
    held = page["edition"]
    index = written.index(
        page["dataset"],
        f"{held['publisher']}: {held['series']}",
        version=held["as_of"].replace("-", ""),
        updated_at=held["imported_at"][:19],
        publisher={"name": held["publisher"]},
    )
    entity_files.tell(context, out, index)


def _paths(given: list[str], aliases: Path | None) -> tuple[str, list[Path]]:
    expected = ""
    if given[0] in _PUBLISHERS and len(given) > 1 and not Path(given[0]).exists():
        expected, given = _PUBLISHERS[given[0]], given[1:]
    paths = [Path(one) for one in given] + ([aliases] if aliases is not None else [])
    for path in paths:
        if not path.is_file():
            raise Invalid("file.missing", f"There is no file {path.name} there.")
    return expected, paths


def _together(paths: list[Path], target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, path in enumerate(paths):
            archive.write(path, f"{number}-{path.name}")
    return target


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(_CHUNK):
            yield piece


def _edition_told(made: dict[str, Any]) -> Iterable[str]:
    edition = made["edition"]
    if made["known"]:
        yield "These bytes are held already; nothing changed."
    yield (
        f"{edition['series']} of {edition['as_of']} ({edition['as_of_from']}), "
        f"{edition['count']} entries, read as {edition['layout']}: edition {edition['id']}."
    )
    if made["counts"] is not None:
        yield _counts(made["counts"])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in ("added", "removed", "amended"))


@command(app, "list")
def editions(
    context: CliContext,
    *,
    series: Annotated[str | None, typer.Option(help="Of one list only.")] = None,
) -> None:
    """List the editions that the node holds.

    Example: comity --profile us-analyst lists list
    """
    with connected(context) as api:
        found = api.get("/lists", series=series)
    columns: list[output.Column] = [
        ("LIST", "series"),
        ("AS OF", "as_of"),
        ("ENTRIES", "count"),
        ("EXTRACT", "partial"),
        ("LAYOUT", "layout"),
        ("IMPORTED", output.at("imported_at")),
        ("EDITION", "id"),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(app, "diff")
def diff(
    context: CliContext,
    series: Annotated[str, typer.Argument(help="Which list, such as us-ofac-sdn.")],
    *,
    old: Annotated[str | None, edition_option("--from", "Older edition: its day or id.")] = None,
    new: Annotated[str | None, edition_option("--to", "Newer edition: its day or id.")] = None,
) -> None:
    """Show what was added, removed and amended, with old and new values; by default the last two.

    Example: comity --profile us-analyst lists diff us-ofac-sdn --from 2021-12-09 --to 2021-12-10
    """
    with connected(context) as api:
        found = api.get("/lists/diff", series=_series(series), older=old, newer=new)
    output.result(context, found, _edition_lines(found))


def _series(name: str) -> str:
    """Return a list's name; a publisher with one main list may be named by its short word."""
    return {
        "ofac": "us-ofac-sdn",
        "eu": "eu-fsf",
        "uk": "uk-sanctions-list",
        "canada": "ca-sema-lmes",
        "un": "un-sc-consolidated",
    }.get(name, name)


def _edition_lines(found: dict[str, Any]) -> Iterable[str]:
    older, newer = found["older"], found["newer"]
    yield f"{found['series']} from {older['as_of']} to {newer['as_of']}:"
    if not found["same_layout"]:
        yield "The editions have different layouts: name, kind, programmes and births are compared."
    signs = {"added": "+", "removed": "-", "amended": "~"}
    for one in found["entries"]:
        yield output.safe(f"{signs[one['outcome']]} {one['id']} {one['name']}")
        for change in one["changes"]:
            was, now = change["old"] or "nothing", change["new"] or "nothing"
            yield output.safe(f"    {change['path']}: {was} -> {now}")
    yield _counts(found["counts"])


@command(app, "entry")
def entry(
    context: CliContext,
    edition: EditionId,
    reference: Annotated[str, typer.Argument(help="The publisher's reference of the entry.")],
) -> None:
    """Show one entry with every value of its source.

    Example: comity --profile us-analyst lists entry 0f… 29220
    """
    with connected(context) as api:
        found = api.get(f"/lists/{edition}/entry", id=reference)
    rows = found["leaves"]
    columns: list[output.Column] = [("PATH", "path"), ("VALUE", "value")]
    output.result(context, found, output.table(rows, columns))
