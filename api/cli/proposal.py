"""``comity proposal``: the reasoned case for a listing, from its first version to its end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import making, output
from api.cli.arguments import Limit, ProposalId, Reason, Seen, read_body
from api.cli.body_lines import body_lines
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Look, Yes
from api.cli.profiles import CliContext

app = group("proposal", "Write, endorse, return and share proposals for a listing.")
Body = Annotated[Path, typer.Option(help="The proposal, TOML or JSON; - reads JSON from stdin.")]


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "new")
def new(context: CliContext, *, body: Body) -> None:
    """Write a proposal; it stays a draft until it is submitted.

    Example: comity --profile uk-analyst proposal new --body proposal.json
    """
    content = read_body(body, "designation-proposal/1")
    with connected(context) as api:
        made = api.post("/proposals", {"body": content})
    _show_found_proposal(context, made)


@command(app, "list")
def list_proposals(
    context: CliContext,
    *,
    state: Annotated[str | None, typer.Option(help="Such as submitted.")] = None,
    limit: Limit = 50,
) -> None:
    """List proposals, newest first: own ones, and what partners shared.

    Example: comity --profile uk-reviewer proposal list --state submitted
    """
    with connected(context) as api:
        found = api.items("/proposals", limit, state=state)
    columns: list[output.Column] = [
        ("ID", "id"),
        ("STATE", "state"),
        ("MINISTRY", "ministry"),
        ("REGIME", "regime"),
        ("CHANGED", output.at("updated_at")),
        ("TITLE", "title"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_proposal(context: CliContext, proposal: ProposalId) -> None:
    """Show a proposal with its history.

    Example: comity --profile uk-reviewer proposal show sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/proposals/{proposal}")
    _show_found_proposal(context, found)


@command(app, "replace")
def replace_proposal(context: CliContext, proposal: ProposalId, *, body: Body) -> None:
    """Write the next version; whoever writes one never endorses the proposal.

    Example: comity --profile uk-analyst proposal replace sha256:… --body proposal.json
    """
    content = read_body(body, "designation-proposal/1")
    with connected(context) as api:
        _, tag = api.get_tagged(f"/proposals/{proposal}")
        made = api.put(f"/proposals/{proposal}", {"body": content}, tag)
    _show_found_proposal(context, made)


@command(app, "submit")
def submit_proposal(context: CliContext, proposal: ProposalId) -> None:
    """Put a proposal before the reviewers.

    Example: comity --profile uk-analyst proposal submit sha256:…
    """
    with connected(context) as api:
        _, tag = api.get_tagged(f"/proposals/{proposal}")
        made = api.post(f"/proposals/{proposal}/submit", tag=tag)
    _show_found_proposal(context, made)


@command(app, "endorse")
def endorse(
    context: CliContext, proposal: ProposalId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Endorse a proposal: shows it and asks; with --digest, only the version that was read.

    Example: comity --profile uk-reviewer proposal endorse sha256:… --digest sha256:…
    """
    with connected(context) as api:
        look = Look(digest, yes=yes)
        seen = look.read(lambda: api.get(f"/proposals/{proposal}"), _lines, "proposal")
        made = api.post(f"/proposals/{proposal}/endorse", {"digest": seen})
    _show_found_proposal(context, made)


@command(app, "return")
def return_proposal(context: CliContext, proposal: ProposalId, *, reason: Reason) -> None:
    """Return a proposal to its authors.

    Example: comity --profile uk-reviewer proposal return sha256:… --reason "Name the post."
    """
    _decided(context, proposal, "return", reason)


@command(app, "lapse")
def lapse(context: CliContext, proposal: ProposalId, *, reason: Reason) -> None:
    """Let a proposal lapse: nothing will follow from it.

    Example: comity --profile uk-reviewer proposal lapse sha256:… --reason "Overtaken."
    """
    _decided(context, proposal, "lapse", reason)


@command(app, "share")
def share(
    context: CliContext,
    proposal: ProposalId,
    *,
    to: Annotated[list[str], typer.Option(help="Ministry that gets it; may be repeated.")],
) -> None:
    """Draft the statement that shares the releasable part; a reviewer approves it.

    Example: comity --profile uk-analyst proposal share sha256:… --to us-treasury
    """
    with connected(context) as api:
        draft = api.post(f"/proposals/{proposal}/share", {"to": to})
    making.shown(context, draft)


def _decided(context: CliContext, proposal: str, act: str, reason: str) -> None:
    with connected(context) as api:
        made = api.post(f"/proposals/{proposal}/{act}", {"reason": reason})
    _show_found_proposal(context, made)


def _show_found_proposal(context: CliContext, found: dict[str, Any]) -> None:
    output.result(context, found, _lines(found))


def _lines(found: dict[str, Any]) -> Iterable[str]:
    yield from output.details(
        {
            "proposal": found["id"],
            "state": found["state"],
            "title": found["title"],
            "ministry": found["ministry"],
            "regime": found["regime"],
            "version": found["version"],
            "digest": found["digest"],
            "changed": output.moment(found["updated_at"]),
            "reason": found.get("reason"),
            "shared as": found.get("statement"),
        }
    )
    yield ""
    yield from body_lines(found["body"])
