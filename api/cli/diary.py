"""``comity diary``: what happened in law to an own designation, and so which clocks run.

Owns the commands' options and output.
"""

from typing import Annotated

import typer

from api.cli import output
from api.cli.arguments import DesignationId, EntryId
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("diary", "Record what happened in law to a designation; clocks run from it.")


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "record")
def record_event(
    context: CliContext,
    designation: DesignationId,
    event: Annotated[str, typer.Argument(help="Such as review-requested, tabled, ceased.")],
    *,
    on: Annotated[str, typer.Option(help="Day in the regime's zone, such as 2026-11-28.")],
    note: Annotated[str, typer.Option(help="What happened, in words.")] = "",
) -> None:
    """Record an event that starts or ends a period of law.

    Example: comity diary record sha256:… review-requested --on 2026-11-28
    """
    with connected(context) as api:
        entry = api.post(
            f"/designations/{designation}/diary",
            {"event": event, "day": on, "note": note},
        )
    output.result(context, entry, [output.safe(f"Recorded: {event} on {on} ({entry['id']}).")])


@command(app, "list")
def list_entries(context: CliContext, designation: DesignationId) -> None:
    """List the diary of a designation, and the periods that run from it.

    Example: comity diary list sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/designations/{designation}")
    columns: list[output.Column] = [
        ("DAY", "day"),
        ("EVENT", "event"),
        ("NOTE", "note"),
        ("WITHDRAWN", "withdrawn_because"),
        ("ID", "id"),
    ]
    lines = [*output.table(found["diary"], columns)]
    for one in found["clocks"]:
        due = one.get("due") or one["text"]
        lines.append(output.safe(f"{one['name']}: due {due}, ended {one.get('ended') or '-'}"))
    output.result(context, {"diary": found["diary"], "clocks": found["clocks"]}, lines)


@command(app, "withdraw")
def withdraw_entry(
    context: CliContext,
    entry: EntryId,
    *,
    reason: Annotated[str, typer.Option(help="Why the entry was wrong.")],
) -> None:
    """Withdraw an entry that was wrong; it stays readable and counts no more.

    Example: comity diary withdraw 0123… --reason "It was another petition."
    """
    with connected(context) as api:
        gone = api.post(f"/designations/diary/{entry}/withdraw", {"reason": reason})
    output.result(context, gone, ["Withdrawn."])
