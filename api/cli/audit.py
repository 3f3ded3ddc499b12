"""``comity audit``: the log as an auditor reads, exports and checks it.

Owns the group, the list of events and the saving of exports; ``fsck`` is ``api.cli.audit_fsck``'s,
samples, notes and erasure are ``api.cli.audit_work``'s.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from api.cli import audit_fsck, audit_work, output
from api.cli.arguments import Limit
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.exits import ExitCode
from api.cli.files import appearing
from api.cli.profiles import CliContext
from api.wire.errors import WireError

app = group("audit", "Read, export and check the log.")


class EventOutcome(StrEnum):
    """What became of an act."""

    DONE = "done"
    REFUSED = "refused"


@command(app, "list")
def list_events(
    context: CliContext,
    *,
    act: Annotated[
        str | None, typer.Option(help="Only this act, such as package.released.")
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="Only by this officer (record or account), member's node, or node."),
    ] = None,
    outcome: Annotated[EventOutcome | None, typer.Option(help="Only with this outcome.")] = None,
    about: Annotated[str | None, typer.Option(help="Only about the object with this id.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day or instant, in UTC.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Last day, or first instant no longer, in UTC.")
    ] = None,
    limit: Limit = 50,
) -> None:
    """List events, newest first, with their place in the log.

    Example: comity --profile us-auditor audit list --outcome refused --from 2026-11-23
    """
    asked = {
        "act": act,
        "actor": actor,
        "outcome": None if outcome is None else outcome.value,
        "object": about,
        "from": _instant(since, last=False),
        "to": _instant(until, last=True),
    }
    with connected(context) as api:
        found = api.items("/audit/events", limit, **asked)
    columns: list[output.Column] = [
        ("LEAF", "index"),
        ("TIME", lambda item: _event(item).get("time")),
        ("ACT", lambda item: _event(item).get("act", item.get("gap"))),
        ("OUTCOME", lambda item: _event(item).get("code") or _event(item).get("outcome")),
        ("ACTOR", _actor),
        ("OBJECT", _object),
        ("POLICIES", lambda item: _event(item).get("policies", [])),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_event(
    context: CliContext, leaf: Annotated[int, typer.Argument(min=0, help="Its place in the log.")]
) -> None:
    """Show everything that the event at one place of the log says.

    Example: comity --profile us-auditor audit show 17
    """
    with connected(context) as api:
        found: dict[str, Any] = api.get(f"/audit/events/{leaf}")
    event = _event(found)
    lines = {
        "leaf": found["index"],
        "gap": found["gap"],
        "statement": found["statement"],
        "time": event.get("time"),
        "act": event.get("act"),
        "outcome": event.get("code") or event.get("outcome"),
        "actor": " ".join(event.get("actor", {}).values()),
        "object": _object(found),
        "version": event.get("object", {}).get("version"),
        "through": event.get("origin"),
        "policies": ", ".join(event.get("policies", [])),
        "policy set": event.get("policy_set"),
        "request": event.get("request"),
        "message": event.get("message"),
        "state": event.get("state"),
        "count": event.get("count"),
        "event": event.get("id"),
    }
    output.result(context, found, output.details({k: v for k, v in lines.items() if v}))


@command(app, "approvals")
def list_approvals(
    context: CliContext,
    *,
    export: Annotated[
        Path | None,
        typer.Option(help="Tell it from this export, offline.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Say who approved whose work after how long, having seen it; fail if one was not seen.

    Statements, proposals, officers, roles, keys, absences, memberships, erasures, epochs, waivers.
    Exit code 3 when an approval rests on no look at exactly what was approved.

    Example: comity audit approvals --export audit.zip
    """
    if export is None:
        with connected(context) as api:
            items: list[dict[str, Any]] = api.get("/audit/approvals")["items"]
    else:
        items = _exported_approvals(export)
    columns: list[output.Column] = [
        ("LEAF", "index"),
        ("ACT", "act"),
        ("OBJECT", "object"),
        ("APPROVER", lambda item: item["approver"].rpartition(" ")[2]),
        ("AUTHORS", lambda item: [each.rpartition(" ")[2] for each in item["authors"]]),
        ("APPROVED", "approved_at"),
        ("SEEN", _seen_before),
    ]
    output.result(context, {"items": items}, output.table(items, columns))
    unseen = sum(each["previewed_at"] is None for each in items)
    if unseen:
        output.talk(f"{unseen} of {len(items)} approvals came without a preview.")
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


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
        document = checked_export(temporary, membership)
        document["out"] = str(out)
    output.result(context, document, output.details(document))


audit_fsck.register(app)
audit_work.register(app)


def checked_export(path: Path, membership: Path | None) -> dict[str, Any]:
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


def _exported_approvals(path: Path) -> list[dict[str, Any]]:
    """Return the approvals that a verified export discloses.

    Raises:
        WireError: the export does not verify; ``export.filtered``: it withholds what would tell.
    """
    from dataclasses import asdict

    from api.domain.approvals import approvals as told
    from api.wire.export.container import ExportFile
    from api.wire.export.lines import Disclosed, parse_line

    held = checked_export(path, None)
    # What an officer looked at, or who wrote it, may lie before the first entry.
    if held["withheld"] or held["from"]:
        raise WireError(
            "export.filtered", "Take an export of the whole log: no --act, no --about, no --from."
        )
    with path.open("rb") as source:
        data = b"".join(ExportFile(source).chunks("entries.jsonl"))
    lines = (parse_line(line) for line in data.splitlines())
    events = (
        (line.index, json.loads(line.event))
        for line in lines
        if isinstance(line, Disclosed) and line.event is not None
    )
    return [{**asdict(each), "seconds": each.seconds} for each in told(events)]


def _instant(text: str | None, *, last: bool) -> str | None:
    """Return a day or instant as the protocol writes instants; a last day counts whole."""
    if text is None or "T" in text:
        return text
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter("write 2026-11-23 or 2026-11-23T17:25:39.123Z") from None
    if last and day.date() == date.max:
        return "9999-12-31T23:59:59.999Z"
    return (day + timedelta(days=int(last))).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _bar(what: str) -> Callable[[int, int], None]:
    """Return what shows progress once the total is known."""
    bar: output.Progress | None = None

    def advance(count: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = output.Progress(what, total)
        bar.advance(count)

    return advance


def _seen_before(item: Mapping[str, Any]) -> str:
    return f"{item['seconds']} s before" if item["previewed_at"] else "NOT SEEN"


def _event(item: Mapping[str, Any]) -> dict[str, Any]:
    return item.get("event") or {}


def _actor(item: Mapping[str, Any]) -> str | None:
    actor: dict[str, str] = _event(item).get("actor", {})
    return actor.get("sub") or actor.get("iss") or actor.get("kind")


def _object(item: Mapping[str, Any]) -> str | None:
    about = _event(item).get("object")
    return f"{about['kind']} {about['id']}" if about else None
