"""``comity node waiver`` and ``comity node rule``: decisions of administrators about partners.

Owns these commands over REST: going on without a member's answer after a restore, and ruling on a
proof that a partner signed what it may not.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import ProofId, Seen
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext

waiver = group("waiver", "After a restore: go on without a member's answer; two decide.")

Member = Annotated[
    str, typer.Argument(help="The member; your own ministry for the end of your log that is lost.")
]


class Ruling(StrEnum):
    """What an administrator decides on a proof."""

    RESUME = "resume"
    UPHOLD = "uphold"


def register(app: typer.Typer) -> None:
    """Add the commands to ``comity node``."""
    app.add_typer(waiver)
    command(app, "rule")(rule_on_proof)


@command(waiver, "propose")
def propose_waiver(context: CliContext, member: Member) -> None:
    """Propose to go on without one member's answer after a restore.

    Example: comity --profile us-admin node waiver propose ca-gac
    """
    with connected(context) as api:
        found = api.post("/node/restore/waivers", {"member": member})
    output.result(context, found, _lines(found))
    output.talk(f"Another administrator approves it: comity node waiver approve {member}")


@command(waiver, "preview")
def preview_waiver(context: CliContext, member: Member) -> None:
    """Show whose answer would be waived, and what others hold of your log.

    Example: comity --profile us-admin2 node waiver preview ca-gac
    """
    shown(context, f"/node/restore/waivers/{member}/preview")


@command(waiver, "approve")
def approve_waiver(
    context: CliContext, member: Member, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Waive a member's answer, as the second administrator: shows it and asks.

    Example: comity --profile us-admin2 node waiver approve ca-gac
    """
    path = f"/node/restore/waivers/{member}"
    change = Change(f"{path}/preview", f"{path}/approve", _lines)
    approved(context, change, digest=digest, yes=yes)


def rule_on_proof(
    context: CliContext,
    proof: ProofId,
    ruling: Annotated[Ruling, typer.Argument(help="resume lets the stream go on.")],
) -> None:
    """Rule on a proof of a partner's misbehaviour: its stream goes on, or stays frozen.

    Example: comity --profile us-admin node rule sha256:… resume
    """
    with connected(context) as api:
        found = api.post(f"/misbehaviour/{proof}/ruling", {"ruling": ruling.value})
    output.result(context, found, output.details(found))


def _lines(found: Mapping[str, Any]) -> Iterable[str]:
    return output.details(
        {
            "own log": f"{found['size']} leaves",
            "waived": ", ".join(found["waived"]),
            "silent": ", ".join(found["silent"]),
            "waiting for approval": ", ".join(found["proposed"]),
        }
    )
