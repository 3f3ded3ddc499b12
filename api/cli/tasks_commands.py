"""``comity tasks`` and ``comity holdings``: what waits, for whom; what a partner holds from us."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import Limit, TaskId
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("tasks", "What waits for you, what is overdue, what partners owe.")


class Scope(StrEnum):
    """Which tasks are wanted."""

    MINE = "mine"
    OVERDUE = "overdue"
    PARTNERS = "partners"
    CLOCKS = "clocks"


class Outcome(StrEnum):
    """How a review or a notice ends."""

    KEPT = "kept"
    DECIDED_AGAIN = "decided-again"
    NOTED = "noted"


def register(root: typer.Typer) -> None:
    """Add the group and the command to the root of the command tree."""
    root.add_typer(app)
    command(root, "holdings")(holdings)


@command(app, "list")
def list_tasks(
    context: CliContext,
    *,
    scope: Annotated[Scope, typer.Option(help="Whose, or which.")] = Scope.MINE,
    limit: Limit = 50,
) -> None:
    """List tasks, what is due first at the top.

    Example: comity --profile uk-reviewer tasks list --scope overdue
    """
    with connected(context) as api:
        found = api.items("/tasks", limit, scope=scope.value)
    columns: list[output.Column] = [
        ("DUE", _due),
        ("WHAT", "kind"),
        ("TITLE", "title"),
        ("FROM", "asked_by"),
        ("OWED BY", "owed_by"),
        ("ABOUT", lambda item: item["about"]["kind"]),
        ("KEY", "key"),
        ("ID", lambda item: item["about"]["id"]),
        ("WHY", "why"),
        ("WITH", lambda item: item.get("claim", {}).get("name")),
        ("TASK", "id"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "close")
def close_review(
    context: CliContext,
    task: TaskId,
    *,
    outcome: Annotated[
        Outcome, typer.Option(help="The decision stands, or was taken anew; a notice is noted.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for a review; stays in this ministry.")] = "",
) -> None:
    """Close a review with a reason, or a notice that you took note of.

    Example: comity --profile uk-reviewer tasks close 01a2… --outcome kept --reason "Unaffected."
    """
    content = {"outcome": outcome.value, "reason": reason}
    with connected(context) as api:
        done = api.post(f"/tasks/{task}/close", content)
    output.result(context, done, output.details(done))


@command(app, "claim")
def claim(context: CliContext, task: TaskId) -> None:
    """Say that you work on a task; colleagues see it.

    Example: comity --profile uk-analyst tasks claim 01a2…
    """
    _acted(context, task, "claim")


@command(app, "hand-back")
def hand_back(context: CliContext, task: TaskId) -> None:
    """Say that you work on a task no longer.

    Example: comity --profile uk-analyst tasks hand-back 01a2…
    """
    _acted(context, task, "hand-back")


@command(app, "colleagues")
def colleagues(context: CliContext, task: TaskId) -> None:
    """List the colleagues to whom a task can be given.

    Example: comity --profile uk-analyst tasks colleagues 01a2…
    """
    with connected(context) as api:
        found = api.get(f"/tasks/{task}/colleagues")
    columns: list[output.Column] = [("NAME", "name"), ("OFFICER", "officer")]
    output.result(context, found, output.table(found["items"], columns))


@command(app, "assign")
def assign(
    context: CliContext,
    task: TaskId,
    *,
    to: Annotated[str, typer.Option(help="Record id of the colleague; see tasks colleagues.")],
) -> None:
    """Give a task to a colleague for whom it waits as well.

    Example: comity --profile uk-reviewer tasks assign 01a2… --to 7f3c…
    """
    _acted(context, task, "assign", {"officer": to})


def _acted(context: CliContext, task: str, act: str, content: dict[str, str] | None = None) -> None:
    with connected(context) as api:
        done = api.post(f"/tasks/{task}/{act}", content)
    output.result(context, done, output.details(done))


def holdings(
    context: CliContext,
    ministry: Annotated[str, typer.Argument(help="The partner.")],
    *,
    at: Annotated[str | None, typer.Option(help="Instant; now if not given.")] = None,
) -> None:
    """Show what a partner holds from us, now or at an instant, and what proves it.

    Example: comity --profile us-auditor holdings uk-fcdo --at 2026-11-23T17:00:00.000Z
    """
    with connected(context) as api:
        path = f"/peers/{ministry}/holdings"
        found = api.get(path, at=at)
        # Later pages are of the same instant.
        rest = found
        while (cursor := rest.pop("next", None)) is not None:
            rest = api.get(path, at=at, cursor=cursor)
            found["items"] += rest["items"]
    columns: list[output.Column] = [
        ("PACKAGE", "package"),
        ("STATE", "state"),
        ("PROVEN", "proven"),
        ("RECEIPTED", output.at("receipted_at")),
        ("TITLE", "title"),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _due(item: Mapping[str, Any]) -> str:
    due = item.get("due")
    if not isinstance(due, str):
        return "-"
    text = output.moment(due) if "T" in due else due
    return f"{text} (overdue)" if item["overdue"] else text
