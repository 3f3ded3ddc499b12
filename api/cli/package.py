"""``comity package``: evidence packages at the node.

Owns submitting, reading and fetching. Building is ``package_build``'s, decisions about packages
(release, recall, return, onward passing) are ``package_decisions``'.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final

import typer

from api.cli import output, package_decisions, package_files
from api.cli.arguments import Limit, PackageId, given
from api.cli.client import Api, connected
from api.cli.commands import command, group
from api.cli.files import appearing
from api.cli.package_build import package_build_command
from api.cli.profiles import CliContext
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.domain.verification.verdicts import Verdict
    from api.wire.package_file import PackageFile

app = group("package", "Build, submit, release, recall and fetch evidence packages.")
app.command("build")(package_build_command)
package_files.register(app)


@command(app, "submit")
def submit_package(
    context: CliContext,
    path: Annotated[
        Path, typer.Argument(help="Package file, see build.", exists=True, dir_okay=False)
    ],
) -> None:
    """Upload a package's exhibits and submit it; it stays home until it is released.

    The file is checked first. Submitting it again gives the same package, so a command that was
    interrupted is simply repeated; exhibits that have arrived are not sent twice.

    Example: comity --profile us-analyst package submit case.comity
    """
    with path.open("rb") as source:
        draft, file = _checked_draft(source)
        with connected(context) as api:
            sent = _send_exhibits(api, file, context.home)
            # One draft is one package, however often it is submitted.
            key = f"submit-{hashlib.sha256(draft).hexdigest()}"
            from api.wire.canonical import parse

            made = api.post("/packages", _object(parse(draft, limit=len(draft))), key=key)
    document = {
        "id": made["id"],
        "repeated": made["repeated"],
        "exhibits": len(file.exhibits),
        "uploaded": sent,
    }
    output.result(context, document, [made["id"]])
    if made["repeated"]:
        output.talk("This package was submitted before; nothing was added.")
    else:
        output.talk(f"Submitted with {len(file.exhibits)} exhibits, {sent} of them uploaded now.")


@command(app, "list")
def list_packages(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="Such as submitted or released.")] = None,
    limit: Limit = 50,
) -> None:
    """List the packages that the node holds, newest first.

    Example: comity --profile uk-analyst package list --state received
    """
    with connected(context) as api:
        found = api.items("/packages", limit, state=state)
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("ORIGINATOR", "originator"),
        ("SINCE", output.at("submitted_at")),
        ("TITLE", "title"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_package(context: CliContext, package: PackageId) -> None:
    """Show a package: what it says, its exhibits, its releases.

    Example: comity --profile uk-analyst package show sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/packages/{package}")
    output.result(context, found, _package_lines(found))


@command(app, "holders")
def list_holders(context: CliContext, package: PackageId) -> None:
    """Show who holds a package, and what each did with it.

    Example: comity --profile us-analyst package holders sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/packages/{package}/holders")
    columns: list[output.Column] = [
        ("MINISTRY", "ministry"),
        ("STATE", "state"),
        ("RECEIPTED", output.at("receipted_at")),
        ("REFUSED BECAUSE", "code"),
        ("RECALL", "recall_outcome"),
        ("ANSWER", "answer"),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(app, "fetch")
def fetch(
    context: CliContext,
    package: PackageId,
    *,
    out: Annotated[Path, typer.Option(help="File to write.")],
    membership: Annotated[
        Path | None,
        typer.Option(help="Also verify with this membership.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Fetch a package file with its exhibits, receipts and proof.

    What arrives is checked before it appears under its name: that it is this package, whole, and
    with --membership also whose seal it bears.

    Example: comity --profile uk-analyst package fetch sha256:… --out case.comity
    """
    from api.domain.verification.package import verify_package

    pinned = None if membership is None else membership.read_bytes()
    with appearing(out) as temporary:
        with connected(context) as api:
            api.download(f"/packages/{package}/file", temporary, _bar("fetching"))
            recall = api.get(f"/packages/{package}").get("recall")
        with temporary.open("rb") as source:
            verdict = verify_package(source, pinned, integrity_only=pinned is None)
        if verdict.facts.get("id") != package:
            raise WireError("package.digest", "What arrived is not the package that was asked for.")
        _require(verdict)
        size = temporary.stat().st_size
    document = {"out": str(out), "id": package, "bytes": size, "verdict": verdict.verdict}
    document |= given(recall=recall)
    output.result(context, document, [str(out)])
    for line in package_decisions.recall_lines(recall) if recall is not None else ():
        output.talk(line)
    output.talk(f"{size} bytes: {verdict.verdict}.")


package_decisions.register(app)


def _checked_draft(source: IO[bytes]) -> tuple[bytes, "PackageFile"]:
    """Return the bytes of ``draft.json`` and the open file, after checking all of it."""
    from api.domain.verification.package import verify_draft
    from api.wire.limits import ENVELOPE
    from api.wire.package_file import DRAFT, PackageFile

    file = PackageFile(source)
    if not file.is_draft:
        raise WireError("package.sealed", "This package is sealed already; submit a built draft.")
    _require(verify_draft(source, _far("checking")))
    return file.read(DRAFT, ENVELOPE), file


def _require(verdict: "Verdict") -> None:
    """Raise the first failed step of a verdict."""
    for step in verdict.failed:
        raise WireError(step.code or "package.failed", f"{step.check.label}: {step.detail}")


def _send_exhibits(api: Api, file: "PackageFile", home: Path) -> int:
    """Upload what the node does not hold yet; returns how many exhibits that were.

    One that broke off, in this command or in an earlier one, goes on from where it was.
    """
    from api.cli.uploads import Uploads
    from api.wire.package_file import exhibit_name

    absent = {
        digest: size for digest, size in file.exhibits.items() if not api.holds_exhibit(digest)
    }
    progress = output.Progress("uploading", sum(absent.values()))
    uploads = Uploads(api, home / "uploads")
    for digest, size in absent.items():
        uploads.send(digest, size, partial(file.chunks, exhibit_name(digest)), progress.advance)
    return len(absent)


def _bar(what: str) -> Callable[[int, int], None]:
    """Return what turns pieces of a whole into a progress line, where the whole is known."""
    bars: list[output.Progress] = []

    def advance(count: int, total: int) -> None:
        if total:
            bars[:] = bars or [output.Progress(what, total)]
            bars[0].advance(count)

    return advance


def _far(what: str) -> Callable[[int, int], None]:
    """Return what turns (bytes done, bytes in all) into a progress line."""
    bar = _bar(what)
    before = 0

    def far(done: int, total: int) -> None:
        nonlocal before
        bar(done - before, total)
        before = done

    return far


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WireError("draft.malformed", "The draft is no JSON object.")
    return value


_STORED: Final[list[output.Column]] = [
    ("EXHIBIT", "label"),
    ("STATE", "state"),
    ("BYTES", "size"),
    ("MEDIA TYPE", "media_type"),
    ("DIGEST", "digest"),
]
_DESCRIBED: Final[list[output.Column]] = [
    ("EXHIBIT", "label"),
    ("KIND", "kind"),
    ("TRANSLATION OF", "translation_of"),
    ("SOURCE", "source"),
]
_RELEASED: Final[list[output.Column]] = [
    ("RELEASED TO", "recipient"),
    ("TLP", "tlp"),
    ("STATE", "state"),
    ("AT", output.at("released_at")),
    ("BY", "issuer"),
    ("RELEASE", "id"),
]


def _package_lines(found: dict[str, Any]) -> Iterable[str]:
    if (recall := found.get("recall")) is not None:
        yield from package_decisions.recall_lines(recall)
        yield ""
    if found["withheld"]:
        yield f"To read on, say that you know: comity package acknowledge-recall {found['id']}"
        return
    body = found["body"]
    yield from output.details(
        {
            "id": found["id"],
            "state": found["state"],
            "originator": found["originator"],
            "issued": output.moment(found["issued_at"]),
            "title": body["title"],
            "summary": body["summary"],
            "subjects": [subject["names"][0]["text"] for subject in body["subjects"]],
            "claims": len(body["claims"]),
            "exculpatory": body["exculpatory"],
            "legal basis": body["legal_basis"],
            "compelled": body["compelled"],
            "supersedes": found.get("supersedes"),
            "superseded by": found.get("superseded_by"),
        }
    )
    yield ""
    yield from output.table(found["exhibits"], _STORED)
    if body["exhibits"]:
        yield ""
        yield from output.table(body["exhibits"], _DESCRIBED)
    if found["releases"]:
        yield ""
        yield from output.table(found["releases"], _RELEASED)
