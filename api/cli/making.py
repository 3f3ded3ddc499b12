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
        issuer: whose statement it is, where the command knows; else the node is asked.
    """

    type: str
    to: tuple[str, ...]
    body: dict[str, Any]
    thread: str | None = None
    issuer: str = ""


def post(
    api: Api, path: str, made: Made, key: "OfficerKey | None", **members: Any
) -> dict[str, Any]:
    """Make a draft at ``path``; returns it as the node answers."""
    from api.wire.statements import Content

    body = made.body if key is None else _naming_edition(api, made)
    content = Content(made.type, made.to, body, made.thread)
    signed = endorsed(api, key, content, issuer=made.issuer)
    draft: dict[str, Any] = api.post(path, {"body": body, **members, **signed})
    return draft


def said_in_thread(
    api: Api, thread: str, type_: str, body: dict[str, Any], key: "OfficerKey | None"
) -> dict[str, Any]:
    """Make the draft of a statement in a request.

    The node knows to whom it goes; only who signs it asks before, since the signature covers that.
    """
    made = Made(type_, (), body, thread)
    if key is not None:
        found = api.get(f"/mirror-requests/{thread}")
        other = found["counterpart"]
        ours = found["addressee"] if found["requester"] == other else found["requester"]
        made = Made(type_, (other,), body, thread, ours)
    return post(api, f"/mirror-requests/{thread}/statements", made, key, type=type_)


def _naming_edition(api: Api, made: Made) -> dict[str, Any]:
    """Return a body that names the edition in force, as the node would have it name it.

    The node adds it to a draft that nobody signed; what is signed has to have it before.
    """
    from api.wire.types import DESIGNATION, DESIGNATION_PROPOSAL, MIRROR_FINDING

    body = made.body
    names_one = made.type in {DESIGNATION, DESIGNATION_PROPOSAL, MIRROR_FINDING}
    if not names_one or "regime" not in body or "regime_edition" in body:
        return body
    held = {one["id"]: one["edition"] for one in api.get("/regimes")["items"]}
    edition = held.get(body["regime"])
    return body if edition is None else {**body, "regime_edition": edition}


def shown(context: CliContext, draft: dict[str, Any]) -> None:
    """Show a draft that was just made, and what it waits for."""
    output.result(context, draft, summary(draft))
    if draft["state"] == "sealed":
        output.talk("Sealed and on its way.")
    else:
        output.talk(
            f"Another officer decides: comity draft preview {draft['id']}, then draft approve."
        )
