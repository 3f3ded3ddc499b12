"""``comity subjects``: search suggests who is who, a verdict decides."""

from enum import StrEnum
from typing import Annotated

import typer

from api.cli import output
from api.cli.arguments import Limit, Reason
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("subjects", "Search names across all that is held here; record who is who.")


class Verdict(StrEnum):
    """What an officer found about two descriptions."""

    SAME = "same"
    NOT_SAME = "not-same"
    UNSURE = "unsure"


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "search")
def search(
    context: CliContext,
    name: Annotated[str, typer.Argument(help="A name, in any script.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most entries to show.")] = 20,
) -> None:
    """Suggest descriptions with names like this one.

    Example: comity --profile us-analyst subjects search "Production and Construction Corps"
    """
    with connected(context) as api:
        found = api.get("/subjects", q=name, limit=limit)
    columns: list[output.Column] = [
        ("SCORE", "score"),
        ("NAME", "name"),
        ("SCHEMA", "schema"),
        ("BY", "issuer"),
        ("REF", "ref"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    output.talk("These are suggestions: comity subjects verdict records what an officer finds.")


@command(app, "verdict")
def verdict(
    context: CliContext,
    one: Annotated[str, typer.Argument(help="Reference of a description, see search.")],
    other: Annotated[str, typer.Argument(help="Reference of another.")],
    *,
    outcome: Annotated[Verdict, typer.Option(help="Of one subject, or not.")],
    reason: Reason,
) -> None:
    """Record that two descriptions are of one subject, or are not; it replaces an earlier one.

    Example: comity --profile us-analyst subjects verdict designation:sha256:… designation:sha256:…
    --outcome not-same --reason "The bureau is a body of its own."
    """
    content = {"one": one, "other": other, "outcome": outcome.value, "reason": reason}
    with connected(context) as api:
        made = api.post("/verdicts", content)
    output.result(context, made, output.details(made))


@command(app, "verdicts")
def verdicts(context: CliContext, *, limit: Limit = 50) -> None:
    """List verdicts, newest first, replaced ones included.

    Example: comity --profile us-analyst subjects verdicts
    """
    with connected(context) as api:
        found = api.items("/verdicts", limit)
    columns: list[output.Column] = [
        ("AT", output.at("at")),
        ("OUTCOME", "outcome"),
        ("ONE", "one"),
        ("OTHER", "other"),
        ("REPLACED", lambda row: "replaced_by" in row),
        ("REASON", "reason"),
    ]
    output.result(context, found, output.table(found["items"], columns))
