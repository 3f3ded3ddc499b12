"""``comity designation``: state what this jurisdiction lists, amend it, end it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import making, output
from api.cli.arguments import DesignationId, Limit, read_body
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.making import Made
from api.cli.profiles import CliContext
from api.cli.signing import PassphraseFile, Recorded, endorsed, own_key

app = group("designation", "State, amend and end designations; see what is listed where.")
Body = Annotated[Path, typer.Option(help="The body, TOML or JSON; - reads JSON from stdin.")]
_STAND_IN = "sha256:" + "0" * 64


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "list")
def list_designations(
    context: CliContext,
    *,
    jurisdiction: Annotated[str | None, typer.Option(help="Such as CA.")] = None,
    limit: Limit = 50,
) -> None:
    """List designations of all jurisdictions, last stored first.

    Example: comity --profile us-analyst designation list --jurisdiction CA
    """
    with connected(context) as api:
        found = api.items("/designations", limit, jurisdiction=jurisdiction)
    columns: list[output.Column] = [
        ("ID", "id"),
        ("WHERE", "jurisdiction"),
        ("REGIME", "regime"),
        ("SINCE", "since"),
        ("ENDED", "ended_on"),
        ("NAME", "name"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_designation(context: CliContext, designation: DesignationId) -> None:
    """Show a designation as it stands, its clocks, and what rests on it.

    Example: comity --profile us-analyst designation show sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/designations/{designation}")
    output.result(context, found, output.details(_summary(found)))


@command(app, "state")
def state(
    context: CliContext,
    *,
    to: Annotated[list[str], typer.Option(help="Ministry that is told; may be repeated.")],
    body: Body,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the statement that this jurisdiction listed a subject; a reviewer approves it.

    Example: comity --profile us-analyst designation state --to uk-fcdo --to ca-gac --body d.json
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    made = Made("designation/1", tuple(to), read_body(body, "designation/1"))
    with connected(context) as api:
        draft = making.post(api, "/designations", made, key, to=to)
    making.shown(context, draft)


@command(app, "amend")
def amend_designation(
    context: CliContext,
    designation: DesignationId,
    *,
    body: Body,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft an amendment for every ministry that was given the designation.

    Example: comity --profile us-analyst designation amend sha256:… --body amendment.json
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    content = read_body(body, "designation-amendment/1", designation=_STAND_IN)
    _draft_change(context, designation, ("designation-amendment/1", "amendments"), content, key)


@command(app, "delist")
def delist(
    context: CliContext,
    designation: DesignationId,
    *,
    body: Body,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the end of a designation for every ministry that was given it.

    Example: comity --profile us-analyst designation delist sha256:… --body delisting.json
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    content = read_body(body, "delisting/1", designation=_STAND_IN)
    _draft_change(context, designation, ("delisting/1", "delisting"), content, key)


def _draft_change(
    context: CliContext, designation: str, kind: tuple[str, str], body: dict[str, Any], key: Any
) -> None:
    from api.wire.statements import Content

    type_, member = kind
    with connected(context) as api:
        known = tuple(api.get(f"/designations/{designation}")["known_to"])
        made = Content(type_, known, {**body, "designation": designation})
        signed = endorsed(api, key, made)
        draft = api.post(f"/designations/{designation}/{member}", {"body": body, **signed})
    making.shown(context, draft)


def _summary(found: dict[str, Any]) -> dict[str, object]:
    clocks = [f"{one['name']}: {one.get('due') or one['text']}" for one in found["clocks"]]
    resting = [f"{one['kind']} {one['id']} ({one['ministry']})" for one in found["rests_on_it"]]
    return {
        "designation": found["id"],
        "name": found["name"],
        "jurisdiction": found["jurisdiction"],
        "regime": found["regime"],
        "reference": found["list_reference"],
        "since": found["since"],
        "ended": found.get("ended_on"),
        "amendments": found["amendments"],
        "grounds": found["standing"]["grounds"],
        "measures": found["standing"]["measures"],
        "told to": found["known_to"],
        "clocks": "\n".join(clocks),
        "rests on it": "\n".join(resting),
    }
