"""``comity audit fsck``: check a node's database and store, offline and without its keys.

Owns the command's options and output; the check itself is ``api.services.audit.fsck``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import output
from api.cli.commands import command
from api.cli.exits import ExitCode
from api.cli.profiles import CliContext

if TYPE_CHECKING:
    from api.ports.store import ExhibitStore
    from api.services.audit.fsck import Report

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add ``fsck`` to the group."""
    command(app, "fsck")(fsck)


def fsck(
    context: CliContext,
    *,
    database_url: Annotated[str, typer.Option(help="The node's database, as in its settings.")],
    membership: Annotated[
        Path,
        typer.Option(help="The membership file you have pinned.", exists=True, dir_okay=False),
    ],
    store: Annotated[
        str | None, typer.Option(help="Folder of exhibits or s3://bucket/prefix.")
    ] = None,
    ministry: Annotated[
        str | None, typer.Option(help="Whose database it is, if that cannot be told from it.")
    ] = None,
    s3_endpoint: Annotated[
        str, typer.Option(envvar="COMITY_S3_ENDPOINT", help="Endpoint of the S3 service.")
    ] = "",
    s3_region: Annotated[
        str, typer.Option(envvar="COMITY_S3_REGION", help="Region of the S3 service.")
    ] = "",
) -> None:
    """Derive the whole log again and compare every table with it; changes nothing.

    Ends with 3 if anything does not fit, naming the first leaf, table and row.

    Example: comity audit fsck --database-url sqlite:///node.db --store store --membership m.json
    """
    from sqlalchemy.exc import DBAPIError

    from api.records.read_only import read_only
    from api.services.audit import fsck as checking
    from api.wire.errors import WireError
    from api.wire.membership import parse_membership

    trust = checking.Trust(parse_membership(membership.read_bytes()))
    opened = None if store is None else _open_store(store, s3_endpoint, s3_region)
    bar: output.Progress | None = None
    done = 0

    def advance(now: int, total: int) -> None:
        nonlocal bar, done
        bar = bar or output.Progress("checking the log", total)
        bar.advance(now - done)
        done = now

    try:
        with read_only(database_url) as connection:
            report = checking.check(
                connection, trust, ministry=ministry, store=opened, progress=advance
            )
    except DBAPIError as error:
        raise WireError("fsck.unreadable", "The database cannot be read to its end.") from error
    output.result(context, _document(report), _report_lines(report, with_store=opened is not None))
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def _open_store(place: str, endpoint: str, region: str) -> "ExhibitStore":
    """Open a store that is there already.

    Raises:
        NotFound: ``store.unknown``.
    """
    from api.adapters.store.folder import FolderStore
    from api.domain.errors import NotFound

    if place.startswith("s3://"):
        from api.adapters.store.s3 import S3Store
        from api.adapters.store.s3_requests import connect

        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return S3Store(connect(endpoint, region), bucket, prefix)
    if not Path(place).is_dir():
        raise NotFound("store.unknown", f"There is no folder {place}.")
    return FolderStore(Path(place), untouched=True)


def _document(report: "Report") -> dict[str, Any]:
    """Return the report; ``index``, ``table`` and ``row`` are those of the first finding."""
    document: dict[str, Any] = {
        "ok": report.ok,
        "ministry": report.ministry,
        "log_size": report.size,
        "rows": report.rows,
        "waiting": report.waiting,
        "erased": report.erased,
        "lost": report.lost,
        "unclaimed": report.unclaimed,
        "found": report.findings.count,
    }
    if report.first is not None:
        document |= report.first.to_json()
        document["findings"] = [finding.to_json() for finding in report.findings]
    return document


def _report_lines(report: "Report", *, with_store: bool) -> Iterator[str]:
    yield f"{report.ministry}: {report.size} leaves, {report.rows} rows"
    if report.waiting:
        yield f"{report.waiting} events wait for a place in the log; nothing vouches for them yet"
    if report.erased or report.lost:
        yield f"gaps: {report.erased} events erased by order, {report.lost} lost and recovered"
    if report.unclaimed:
        yield f"{report.unclaimed} files of the store belong to no exhibit"
    if not with_store:
        yield "exhibits were not looked at: give --store"
    for finding in list(report.findings)[:_SHOWN]:
        row = "" if finding.row is None else f" {output.safe(list(finding.row))}"
        leaf = "" if finding.index is None else f"leaf {finding.index}, "
        yield f"{leaf}{finding.table}{row}: {finding.detail} [{finding.code}]"
    if report.findings.count > _SHOWN:
        yield f"… and {report.findings.count - _SHOWN} more"
    yield "everything fits" if report.ok else f"{report.findings.count} things do not fit"
