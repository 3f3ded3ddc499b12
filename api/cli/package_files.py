"""``comity package new|unpack``: a description to fill in, and exhibits under their labels.

Owns writing the template and the unpacked folder. Works without a node.
"""

from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from api.cli import output
from api.cli.commands import command
from api.cli.files import write_new
from api.cli.profiles import CliContext
from api.domain.errors import Conflict
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.wire.package_file import PackageFile


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``package``."""
    command(app, "new")(new)
    command(app, "unpack")(unpack)


def new(
    context: CliContext,
    folder: Annotated[
        Path, typer.Argument(help="Folder of the exhibits.", exists=True, file_okay=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="Description to write.")] = Path("package.toml"),
) -> None:
    """Write a description to fill in: every member explained, every file of the folder listed.

    Example: comity package new evidence --out package.toml
    """
    from api.cli import templates
    from api.cli.build import exhibit_files

    names = [str(path.relative_to(folder)) for path in exhibit_files(folder)]
    exhibits = [
        templates.EXHIBIT.format(file=_quoted(name), label=_quoted(Path(name).name))
        for name in names
    ]
    write_new(out, (templates.PACKAGE + "".join(exhibits)).encode(), replace=False)
    document = {"out": str(out), "exhibits": names}
    output.result(
        context,
        document,
        [f"{out}: fill it in, then comity package build {folder} --description {out} --out FILE"],
    )


def unpack(
    context: CliContext,
    path: Annotated[Path, typer.Argument(help="Package file.", exists=True, dir_okay=False)],
    *,
    into: Annotated[Path, typer.Option(help="New folder for the exhibits.")],
) -> None:
    """Write the exhibits of a package file into a folder, each under its label.

    The file is checked first; labels that two exhibits share on some disks get a number.

    Example: comity package unpack case.comity --into case
    """
    from api.wire.package_file import PackageFile, exhibit_name

    if into.exists():
        raise Conflict("package.exists", f"There is {into} already; name a new folder.")
    with path.open("rb") as source:
        file = PackageFile(source)
        _check_package(source, file)
        body = _body(file)
        into.mkdir(mode=0o700, parents=True)
        written: dict[str, str] = {}
        for entry in body["exhibits"]:
            name = _free(str(entry["label"]), written)
            with (into / name).open("xb") as target:
                for piece in file.chunks(exhibit_name(str(entry["digest"]))):
                    target.write(piece)
            written[name] = str(entry["digest"])
    items = [{"file": name, "digest": digest} for name, digest in written.items()]
    output.result(
        context, {"into": str(into), "items": items}, [str(into / one) for one in written]
    )


def _check_package(source: IO[bytes], file: "PackageFile") -> None:
    """Raise the first failed step of checking that the file is whole and what it says it is."""
    from api.domain.verification.package import verify_draft, verify_package

    verdict = (
        verify_draft(source) if file.is_draft else verify_package(source, None, integrity_only=True)
    )
    for step in verdict.failed:
        raise WireError(step.code or "package.failed", f"{step.check.label}: {step.detail}")


def _body(file: "PackageFile") -> dict[str, Any]:
    from api.wire.canonical import parse
    from api.wire.envelope import parse_envelope
    from api.wire.limits import ENVELOPE
    from api.wire.package_file import DRAFT, STATEMENT
    from api.wire.statements import parse_statement

    if file.is_draft:
        draft = parse(file.read(DRAFT, ENVELOPE), limit=ENVELOPE)
        body = draft.get("body") if isinstance(draft, dict) else None
        if not isinstance(body, dict):
            raise WireError("draft.malformed", "The draft has no body.")
        return body
    envelope = parse_envelope(file.read(STATEMENT, ENVELOPE))
    return dict(parse_statement(envelope.payload).body)


def _free(label: str, taken: dict[str, str]) -> str:
    """Return a name for a label that no exhibit has on a disk that folds case."""
    names = {one.casefold() for one in taken}
    stem, suffix = Path(label).stem, Path(label).suffix
    name, number = label, 1
    while name.casefold() in names:
        number += 1
        name = f"{stem} ({number}){suffix}"
    return name


def _quoted(text: str) -> str:
    """Return a text as it stands between the quotes of a TOML string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
