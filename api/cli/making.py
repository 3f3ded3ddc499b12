"""Drafts that several groups of commands make: signed where the profile has a key, then shown.

Owns the form of the call and what is said afterwards; which statement it is, is the command's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.cli import output
from api.cli.client import Api
from api.cli.draft import summary
from api.cli.profiles import CliContext
from api.cli.signing import endorsed

if TYPE_CHECKING:
    from api.adapters.crypto.officer_key import OfficerKey


@dataclass(frozen=True, slots=True)
class Made:
    """A statement in the making.

    Attributes:
        type: with version.
        to: recipients.
        body: its body.
        thread: the thread it belongs to, if any.
    """

    type: str
    to: tuple[str, ...]
    body: dict[str, Any]
    thread: str | None = None


def post(
    api: Api, path: str, made: Made, key: "OfficerKey | None", **members: Any
) -> dict[str, Any]:
    """Make a draft at ``path``; returns it as the node answers."""
    from api.wire.statements import Content

    content = Content(made.type, made.to, made.body, made.thread)
    signed = endorsed(api, key, content)
    draft: dict[str, Any] = api.post(path, {"body": made.body, **members, **signed})
    return draft


def shown(context: CliContext, draft: dict[str, Any]) -> None:
    """Show a draft that was just made, and what it waits for."""
    output.result(context, draft, summary(draft))
    if draft["state"] == "sealed":
        output.talk("Sealed and on its way.")
    else:
        output.talk(f"Another officer approves it: comity draft approve {draft['id']}")
