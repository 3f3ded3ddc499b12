"""``comity epoch``: a new epoch of the stream to a partner, by two administrators.

Owns one group over REST. When an epoch is needed is in the runbooks.
"""

from typing import Annotated

import typer

from api.cli import output
from api.cli.client import connected
from api.cli.commands import command, group
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


@command(app, "approve")
def approve_epoch(context: CliContext, member: Member) -> None:
    """Open the proposed epoch as the second administrator.

    Example: comity --profile us-admin2 epoch approve uk-fcdo
    """
    with connected(context) as api:
        found = api.post(f"/peers/{member}/epoch/approve")
    said = f"Epoch {found['ended'] + 1} is open; what {member} never stored is sent again in it."
    output.result(context, found, [said])


@command(app, "withdraw")
def withdraw_epoch(context: CliContext, member: Member) -> None:
    """Give a proposed epoch up.

    Example: comity --profile us-admin epoch withdraw uk-fcdo
    """
    with connected(context) as api:
        found = api.post(f"/peers/{member}/epoch/withdraw")
    output.result(context, found, ["Withdrawn."])
