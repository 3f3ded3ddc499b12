"""``comity audit``: the log as an auditor reads, exports and checks it.

Owns the group, the list of events and the saving of exports; ``fsck`` is ``api.cli.audit_fsck``'s,
samples, notes and erasure are ``api.cli.audit_work``'s.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from api.cli import audit_fsck, audit_work, output
from api.cli.arguments import Limit
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.files import appearing
from api.cli.profiles import CliContext
from api.wire.errors import WireError

app = group("audit", "Read, export and check the log.")


@command(app, "list")
def listed(
    context: CliContext,
    *,
    act: Annotated[
        str | None, typer.Option(help="Only this act, such as package.released.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Only about the object with this id.")] = None,
    limit: Limit = 50,
) -> None:
    """List events, newest first, with their place in the log.

    Example: comity --profile us-auditor audit list --act access.refused
    """
    with connected(context) as api:
        found = api.items("/audit/events", limit, act=act, object=about)
    columns: list[output.Column] = [
        ("LEAF", "index"),
        ("TIME", lambda row: output.moment(_event(row).get("time"))),
        ("ACT", lambda row: _event(row).get("act", row.get("gap"))),
        ("OUTCOME", lambda row: _event(row).get("code") or _event(row).get("outcome")),
        ("ACTOR", _actor),
        ("OBJECT", _object),
        ("POLICIES", lambda row: _event(row).get("policies", [])),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "export")
def export(
    context: CliContext,
    *,
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    purpose: Annotated[str, typer.Option(help="Why, in one line; stands in the sealed manifest.")],
    since: Annotated[
        str | None, typer.Option("--from", help="First entry: an index, a day or an instant.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--to", help="End: an index or an instant (not included), or a last day."),
    ] = None,
    act: Annotated[
        list[str] | None, typer.Option(help="Disclose only this act; may be repeated.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Disclose only entries on this object.")] = None,
    membership: Annotated[
        Path | None,
        typer.Option(help="The membership file you have pinned.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Save a sealed export of the witnessed log; whoever holds it can check it offline.

    What arrives is checked before it appears under its name: that nothing of its range is missing
    or altered, and with --membership also whose it is.

    Example: comity --profile us-auditor audit export --out audit.zip --purpose "Yearly audit"
    """
    query = [("purpose", purpose), ("from", since), ("to", until), ("object", about)]
    query += [("act", each) for each in act or ()]
    stated = urlencode([(name, value) for name, value in query if value is not None])
    with appearing(out) as temporary:
        with connected(context) as api:
            output.talk("The node gathers, checks and seals the entries…")
            api.download(f"/audit/export?{stated}", temporary, _bar("fetching"))
        document = _checked(temporary, membership)
        document["out"] = str(out)
    output.result(context, document, output.details(document))


audit_fsck.register(app)
audit_work.register(app)


def _checked(path: Path, membership: Path | None) -> dict[str, Any]:
    """Verify a fetched export; returns what it holds.

    Raises:
        WireError: the export does not verify.
    """
    from api.domain.audit_export import ExportRefused
    from api.domain.verification.export import verify_export
    from api.wire.membership import parse_membership

    pinned = None if membership is None else parse_membership(membership.read_bytes())
    bar = _bar("checking")
    done = 0

    def far(now: int, total: int) -> None:
        nonlocal done
        bar(now - done, total)
        done = now

    try:
        with path.open("rb") as source:
            report = verify_export(source, pinned, progress=far)
    except ExportRefused as refusal:
        raise WireError(refusal.code, refusal.message) from refusal
    return {
        "ministry": report.manifest.ministry,
        "from": report.manifest.start,
        "to": report.manifest.end,
        "tree_size": report.manifest.tree_size,
        "unwitnessed": report.manifest.unwitnessed,
        "disclosed": report.disclosed,
        "withheld": report.withheld,
        "gaps": report.gaps,
        "cosigners": list(report.cosigners),
        "origin_proven": report.origin_proven,
    }


def _bar(what: str) -> Callable[[int, int], None]:
    """Return what shows progress once the total is known."""
    bar: output.Progress | None = None

    def advance(count: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = output.Progress(what, total)
        bar.advance(count)

    return advance


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    return row.get("event") or {}


def _actor(row: Mapping[str, Any]) -> str | None:
    actor: dict[str, str] = _event(row).get("actor", {})
    return actor.get("sub") or actor.get("iss") or actor.get("kind")


def _object(row: Mapping[str, Any]) -> str | None:
    about = _event(row).get("object")
    return f"{about['kind']} {about['id']}" if about else None
