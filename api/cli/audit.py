"""``comity audit``: the log as an auditor reads it.

Owns the group and the list of events.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import Limit
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext

app = group("audit", "Read, export and check the log.")


@command(app, "list")
def listed(
    context: CliContext,
    *,
    act: Annotated[
        str | None, typer.Option(help="Only this act, such as package.released.")
    ] = None,
    about: Annotated[str | None, typer.Option(help="Only about the object with this id.")] = None,
    limit: Limit = 50,
) -> None:
    """List events, newest first, with their place in the log.

    Example: comity --profile us-auditor audit list --act access.refused
    """
    with connected(context) as api:
        found = api.items("/audit/events", limit, act=act, object=about)
    columns: list[output.Column] = [
        ("LEAF", "index"),
        ("TIME", lambda row: output.moment(_event(row).get("time"))),
        ("ACT", lambda row: _event(row).get("act", "erased")),
        ("OUTCOME", lambda row: _event(row).get("code") or _event(row).get("outcome")),
        ("ACTOR", _actor),
        ("OBJECT", _object),
        ("POLICIES", lambda row: _event(row).get("policies", [])),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    return row.get("event") or {}


def _actor(row: Mapping[str, Any]) -> str | None:
    actor: dict[str, str] = _event(row).get("actor", {})
    return actor.get("sub") or actor.get("iss") or actor.get("kind")


def _object(row: Mapping[str, Any]) -> str | None:
    about = _event(row).get("object")
    return f"{about['kind']} {about['id']}" if about else None
