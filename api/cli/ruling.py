"""``comity node rule``: what administrators decide on a proof of a partner's misbehaviour.

Owns this command over REST.
"""

from enum import StrEnum
from typing import Annotated

import typer

from api.cli import output
from api.cli.arguments import ProofId
from api.cli.client import connected
from api.cli.commands import command
from api.cli.profiles import CliContext


class Ruling(StrEnum):
    """What an administrator decides on a proof."""

    RESUME = "resume"
    UPHOLD = "uphold"


def register(app: typer.Typer) -> None:
    """Add the command to ``comity node``."""
    command(app, "rule")(rule_on_proof)


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
