"""``comity peers``: the other members, and how the exchange with each stands.

Owns one command over REST.
"""

from collections.abc import Mapping
from typing import Any

import typer

from api.cli import output
from api.cli.client import connected
from api.cli.commands import command
from api.cli.profiles import CliContext


def register(app: typer.Typer) -> None:
    """Add ``peers`` to ``app``."""
    command(app, "peers")(peers)


def peers(context: CliContext) -> None:
    """List the partners: address, what was sent, receipted and applied, what they cosigned.

    Example: comity --profile us-admin peers
    """
    with connected(context) as api:
        found = api.get("/peers")
    columns: list[output.Column] = [
        ("MINISTRY", "ministry"),
        ("JURISDICTION", "jurisdiction"),
        ("SENT", _of("stream", "sent")),
        ("RECEIPTED", _of("stream", "receipted")),
        ("APPLIED", _of("stream", "applied")),
        ("REFUSED", _of("stream", "refused")),
        ("COSIGNED OURS", "cosigned_our_log"),
        ("THEIR LOG", _of("our_view_of_their_log", "size")),
        ("ADDRESS", "url"),
    ]
    output.result(context, found, output.table(found["items"], columns))


def _of(member: str, part: str) -> Any:
    def shown(item: Mapping[str, Any]) -> object:
        return (item.get(member) or {}).get(part)

    return shown
