"""``comity membership propose|approve|changes``: two administrators confirm a new membership.

Owns these commands over REST; composing and comparing files is ``membership``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import MembershipId, Seen
from api.cli.client import connected
from api.cli.commands import command
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext
from api.wire.encoding import b64u_encode


def register(app: typer.Typer) -> None:
    """Add the commands to ``comity membership``."""
    command(app, "propose")(propose_membership)
    command(app, "preview")(preview_membership)
    command(app, "approve")(approve_change)
    command(app, "changes")(list_changes)


def propose_membership(
    context: CliContext,
    path: Annotated[Path, typer.Argument(help="Membership file.", exists=True, dir_okay=False)],
) -> None:
    """Propose a membership to your node; another administrator approves.

    Example: comity --profile us-admin membership propose membership.json
    """
    with connected(context) as api:
        made = api.post("/memberships", {"file": b64u_encode(path.read_bytes())})
    output.result(context, made, _change_lines(made))


def preview_membership(context: CliContext, membership: MembershipId) -> None:
    """Show what a proposed membership changes.

    Example: comity --profile us-admin2 membership preview sha256:…
    """
    shown(context, f"/memberships/{membership}/preview")


def approve_change(
    context: CliContext, membership: MembershipId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve a membership, as the second administrator; then restart the node with it.

    Example: comity --profile us-admin2 membership approve sha256:…
    """
    path = f"/memberships/{membership}"
    change = Change(f"{path}/preview", f"{path}/approve", _change_lines)
    approved(context, change, digest=digest, yes=yes)
    output.talk("Put the file in its place, enter its digest, and restart the node.")


def list_changes(context: CliContext) -> None:
    """List the memberships that were proposed at your node.

    Example: comity --profile us-admin membership changes
    """
    with connected(context) as api:
        found = api.get("/memberships")
    columns: list[output.Column] = [
        ("SERIAL", "serial"),
        ("STATE", "state"),
        ("DIGEST", "digest"),
        ("PROPOSED", output.at("proposed_at")),
        ("DECIDED", output.at("decided_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _change_lines(item: Mapping[str, Any]) -> Iterable[str]:
    difference = item["difference"]
    changed = (f"{name} ({', '.join(parts)})" for name, parts in difference["changed"].items())
    return output.details(
        {
            "serial": item["serial"],
            "digest": item["digest"],
            "state": item["state"],
            "adds": ", ".join(difference["added"]) or None,
            "removes": ", ".join(difference["removed"]) or None,
            "changes": "; ".join(changed) or None,
        }
    )
