"""``comity relying-party``: at which addresses officers' passkeys count.

Owns the group over REST; a change takes two administrators.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import PartyId, Seen
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext

app = group("relying-party", "Where officers use passkeys.")


@command(app, "propose")
def propose_relying_party(
    context: CliContext,
    rp_id: Annotated[str, typer.Argument(help="The domain, such as comity.example.")],
    *,
    origin: Annotated[
        list[str], typer.Option(help="An address on it, such as https://comity.example.")
    ],
) -> None:
    """Propose where passkeys are used; another administrator approves.

    Example: comity --profile us-admin relying-party propose comity.example
    --origin https://comity.example
    """
    with connected(context) as api:
        made = api.post("/relying-parties", {"rp_id": rp_id, "origins": origin})
    output.proposed(context, made, _lines(made))


@command(app, "preview")
def preview_relying_party(context: CliContext, party: PartyId) -> None:
    """Show where passkeys would be used, and what that replaces.

    Example: comity --profile us-admin2 relying-party preview 01a2…
    """
    shown(context, f"/relying-parties/{party}/preview")


@command(app, "approve")
def approve_relying_party(
    context: CliContext, party: PartyId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Approve it, as the second administrator: shows it and asks; the old one is replaced.

    Example: comity --profile us-admin2 relying-party approve 01a2…
    """
    path = f"/relying-parties/{party}"
    change = Change(f"{path}/preview", f"{path}/approve", _lines)
    approved(context, change, digest=digest, yes=yes)


@command(app, "list")
def parties(context: CliContext) -> None:
    """List where passkeys are, were and may be used.

    Example: comity --profile us-auditor relying-party list
    """
    with connected(context) as api:
        found = api.get("/relying-parties")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("DOMAIN", "rp_id"),
        ("ADDRESSES", "origins"),
        ("PROPOSED", output.at("proposed_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _lines(item: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "relying party": item["id"],
            "state": item["state"],
            "domain": item["rp_id"],
            "addresses": ", ".join(item["origins"]),
        }
    )
