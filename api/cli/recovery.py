"""``comity node backup|restore|recover`` and ``comity audit misbehaviour``.

Owns the commands' options, output and order of steps; what they do is in
``api.services.recovery.backups``, ``restoring`` and ``recovering``. The first three work on this
machine with the node's settings; the last asks a node as an officer.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.commands import command
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext


def register(node: typer.Typer, audit: typer.Typer) -> None:
    """Add the commands to their groups."""
    command(node, "backup")(backup)
    command(node, "restore")(restore)
    command(node, "recover")(recover)
    command(audit, "misbehaviour")(misbehaviour)


def backup(
    context: CliContext,
    *,
    out: Annotated[Path, typer.Option(help="Where backups are kept; a folder in it is made.")],
    exhibits: Annotated[
        bool, typer.Option(help="Copy exhibits too; not needed where the store is replicated.")
    ] = True,
    settings: SettingsFile = None,
) -> None:
    """Write a consistent copy of database and exhibits; private keys are never in it.

    The node may be at work. PostgreSQL is copied with pg_dump.

    Example: comity node backup --out /var/lib/comity/backups
    """
    from api.bootstrap import build
    from api.services.recovery import backups

    installation = build(load_settings(settings))
    try:
        folder = backups.make(installation.node, out, exhibits=exhibits, tell=output.talk)
    finally:
        installation.close()
    output.result(context, {"backup": str(folder)}, [f"Backup: {folder}"])


def restore(
    context: CliContext,
    *,
    source: Annotated[
        Path, typer.Option("--from", help="A backup's folder, or the one that keeps them.")
    ],
    settings: SettingsFile = None,
) -> None:
    """Put a backup into an empty database and store, and leave the node read-only.

    It writes again when every member has said what it holds of its log; see node recover.

    Example: comity node restore --from /var/lib/comity/backups
    """
    from api.bootstrap import build, pinned_membership
    from api.records import copying, migrating
    from api.services.log import guard
    from api.services.recovery import backups

    loaded = load_settings(settings)
    folder = backups.newest(source)
    checked = backups.check_backup(folder, pinned_membership(loaded), loaded.ministry)
    url = loaded.database_url
    copying.require_form(checked.form, url)
    copying.require_empty(url)
    # An SQLite file gets its place only once it is marked as restored.
    work = copying.beside(url) if checked.form == copying.SQLITE else url
    if work != url:
        copying.discard(work)
    output.talk(f"restoring {folder.name}")
    copying.copy_in(folder / checked.database.name, checked.form, work)
    migrating.upgrade(work)
    installation = build(loaded.model_copy(update={"database_url": work}))
    try:
        guard.begin(installation.node, "backup")
        put = backups.load_exhibits(installation.node, folder)
    finally:
        installation.close()
    if work != url:
        copying.into_one_file(work)
        copying.move_into_place(work, url)
    found = {"backup": str(folder), "log_size": checked.log_size, "exhibits": put}
    said = f"Restored {folder.name}; read-only until every partner has answered."
    output.result(context, found, [said])


def recover(context: CliContext, *, settings: SettingsFile = None) -> None:
    """Fetch back from partners what a restored node lost, and let it write again.

    Ends with 7 while partners are silent; nothing is changed then.

    Example: comity node recover
    """
    from api.bootstrap import build
    from api.services.recovery import recovering

    installation = build(load_settings(settings))
    try:
        found = recovering.recover(installation.node, output.talk).to_json()
    finally:
        installation.close()
    grown: dict[str, Any] = found["log"]
    lines = output.details(
        {
            "log": f"{grown['before']} to {grown['size']} leaves",
            "events lost": grown["stated"] + grown["bare"],
            "own messages": found["messages"],
            "own statements": found["statements"],
            "without effect": found["without_effect"],
            "streams blocked": found["blocked"],
        }
    )
    output.result(context, found, lines)


def misbehaviour(
    context: CliContext,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder for the proofs, one file each.")] = None,
) -> None:
    """List proofs that partners signed what they may not, and save them for anyone to check.

    A proof needs only the membership: comity verify FILE --membership membership.json

    Example: comity --profile us-auditor audit misbehaviour --out proofs
    """
    from api.cli.client import connected
    from api.cli.files import write_new
    from api.wire.canonical import canonical

    with connected(context) as api:
        found: dict[str, Any] = api.get("/misbehaviour")
        for item in found["items"] if out is not None else []:
            if out is None or item["kind"] == "refused-head":
                continue
            out.mkdir(parents=True, exist_ok=True)
            target = out / f"{item['id'].removeprefix('sha256:')}.json"
            if not target.exists():
                write_new(target, canonical(api.get(f"/misbehaviour/{item['id']}")))
            item["file"] = str(target)
    columns: list[output.Column] = [
        ("MINISTRY", "ministry"),
        ("KIND", "kind"),
        ("FOUND", output.at("found_at")),
        ("RULING", "ruling"),
        ("PROOF", "id"),
    ]
    output.result(context, found, output.table(found["items"], columns))
