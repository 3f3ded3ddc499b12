"""``comity epoch``: a new epoch of the stream to a partner, by two administrators.

Owns one group over REST. When an epoch is needed is in the runbooks.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import Seen
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext

app = group("epoch", "New epochs of the streams to partners; two administrators decide.")

Member = Annotated[str, typer.Argument(help="The partner, as in the membership.")]


@command(app, "propose")
def propose_epoch(context: CliContext, member: Member) -> None:
    """Propose that the stream to a partner goes on in a new epoch.

    The partner is asked which number it knows last; a second administrator approves just that.

    Example: comity --profile us-admin epoch propose uk-fcdo
    """
    with connected(context) as api:
        found = api.post(f"/peers/{member}/epoch")
    said = f"Epoch {found['ended']} ends at number {found['seq']}; another administrator approves."
    output.result(context, found, [said])


@command(app, "preview")
def preview_epoch(context: CliContext, member: Member) -> None:
    """Show where the old epoch would end.

    Example: comity --profile us-admin2 epoch preview uk-fcdo
    """
    shown(context, f"/peers/{member}/epoch/preview")


@command(app, "approve")
def approve_epoch(
    context: CliContext, member: Member, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Open the proposed epoch, as the second administrator: shows it and asks.

    Example: comity --profile us-admin2 epoch approve uk-fcdo
    """
    path = f"/peers/{member}/epoch"
    change = Change(f"{path}/preview", f"{path}/approve", _opened)
    approved(context, change, digest=digest, yes=yes)


def _opened(found: Mapping[str, Any]) -> Iterable[str]:
    epoch, member = found["ended"] + 1, found["ministry"]
    return [f"Epoch {epoch} is open; what {member} never stored is sent again in it."]


@command(app, "withdraw")
def withdraw_epoch(context: CliContext, member: Member) -> None:
    """Give a proposed epoch up.

    Example: comity --profile us-admin epoch withdraw uk-fcdo
    """
    with connected(context) as api:
        found = api.post(f"/peers/{member}/epoch/withdraw")
    output.result(context, found, ["Withdrawn."])
