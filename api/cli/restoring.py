"""``comity node waive`` and ``comity node give-up-tail``: what two administrators may let go of.

Owns both commands over REST. They end the silence of a restore (PROTOCOL §8, §9 *Heads*): a member
that is gone for good, or the end of the own log that nobody holds. ``comity node recover`` goes on
from there, on the node's machine.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import Seen
from api.cli.client import connected
from api.cli.commands import command
from api.cli.deciding import Look, Yes, change_lines
from api.cli.profiles import CliContext

Approve = Annotated[
    bool, typer.Option("--approve", help="As the second administrator, after the first one.")
]


def register(node: typer.Typer) -> None:
    """Add the commands to their group."""
    command(node, "waive")(waive)
    command(node, "give-up-tail")(give_up_tail)


def waive(
    context: CliContext,
    member: Annotated[str, typer.Argument(help="The member that does not answer.")],
    *,
    approve: Approve = False,
    digest: Seen = None,
    yes: Yes = False,
) -> None:
    """Go on after a restore without the answer of one member; it takes two administrators.

    Example: comity --profile us-admin node waive ca-gac
    """
    with connected(context) as api:
        found = _let_go(api, member, Look(digest, yes=yes) if approve else None)
    output.result(context, found, _answer_lines(found, member, approve=approve))


def give_up_tail(
    context: CliContext, *, approve: Approve = False, digest: Seen = None, yes: Yes = False
) -> None:
    """Go on without the end of the own log that no member holds; it takes two administrators.

    Approving asks every member for its signed word that it holds none of it, and is refused until
    all have given it. Nobody can be waived here.

    Example: comity --profile us-admin node give-up-tail
    """
    with connected(context) as api:
        ministry: str = api.me()["ministry"]
        found = _let_go(api, ministry, Look(digest, yes=yes) if approve else None)
    output.result(context, found, _answer_lines(found, "the end of the own log", approve=approve))


def _let_go(api: Any, member: str, look: Look | None) -> dict[str, Any]:
    if look is not None:
        place = f"/node/restore/waivers/{member}"
        seen = look.read(lambda: api.get(f"{place}/preview"), change_lines, "change")
        answered: dict[str, Any] = api.post(f"{place}/approve", tag=f'"{seen}"')
        return answered
    proposed: dict[str, Any] = api.post("/node/restore/waivers", {"member": member})
    return proposed


def _answer_lines(found: dict[str, Any], what: str, *, approve: bool) -> Iterator[str]:
    if not approve:
        yield f"Proposed to go on without {what}: another administrator approves with --approve."
        return
    yield f"Approved: the node goes on without {what}."
    if found["silent"]:
        yield f"Not answered yet: {', '.join(found['silent'])}."
    else:
        yield "Run 'comity node recover' on the node's machine."
