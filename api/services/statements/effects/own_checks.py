"""What a party to a mirror thread asks of itself before it writes.

Owns the checks that only the issuer answers for; none of them decides whether a statement that came
from the other party is legal, because two nodes may know different things.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.threads import related
from api.domain.threads.sequences import fold
from api.records import designations, packages
from api.records import threads as rows
from api.services.node import Node
from api.services.statements.effects import thread_record


def check_asked(
    node: Node, connection: Connection, body: dict[str, Any], addressee: str, *, within: str = ""
) -> None:
    """What a request or amendment asks for: designations, evidence, no open thread alike."""
    asked = list(body.get("designations", {}).values())
    known = designations.by_ids(connection, asked)
    for id_ in asked:
        if id_ not in known:
            raise NotFound("designation.unknown", "There is no such designation here.")
        if known[id_].jurisdiction != node.me.jurisdiction:
            raise Invalid("request.designation", "Ask to mirror your own designations.")
        if known[id_].ended_on is not None:
            raise Conflict("designation.delisted", "That designation was delisted.")
    check_evidence(node, connection, body, addressee)
    found = [one for one in clashes(node, connection, body, addressee) if one.thread != within]
    if found:
        raise Conflict(
            "thread.open-elsewhere",
            "An open request to this ministry asks for the same subject already.",
            clashes=[
                {"key": one.key, "thread": one.thread, "thread_key": one.thread_key, "by": one.by}
                for one in found
            ],
        )


def clashes(
    node: Node, connection: Connection, body: dict[str, Any], addressee: str
) -> tuple[related.OpenConflict, ...]:
    """Return the subjects that an open request to the same ministry asks for already."""
    parties = (node.ministry, addressee)
    described: list[dict[str, Any]] = body.get("subjects", body.get("add", []))
    names = [name["text"].casefold() for subject in described for name in subject["names"]]
    asked = list(body.get("designations", {}).values())
    alike = rows.open_alike(connection, parties, asked, names)
    records = [thread_record.load(connection, id_) for id_ in alike]
    states = [fold(record) for record in records if record is not None]
    return related.open_conflicts(parties, body, states)


def check_evidence(
    node: Node, connection: Connection, body: dict[str, Any], addressee: str
) -> None:
    """Evidence is named by a release that this ministry made to the addressee and that stands."""
    for item in body.get("evidence", ()):
        release = packages.release_by_id(connection, item["release"])
        fits = (
            release is not None
            and release.issuer == node.ministry
            and release.recipient == addressee
            and release.package == item["package"]
            and release.state == "active"
        )
        if not fits:
            if packages.release_by_id(connection, item["package"]) is not None:
                raise Conflict(
                    "evidence.swapped",
                    "The release is named where its package belongs; exchange the two ids.",
                )
            raise Conflict(
                "evidence.not-released", "Release the package to this ministry before naming it."
            )


def check_relied_on(connection: Connection, relied_on: Sequence[str]) -> None:
    """Refuse a finding that rests on something this node does not hold, or holds no more.

    Raises:
        NotFound: ``package.unknown``.
        Conflict: ``package.recalled``.
    """
    for package in relied_on:
        row = packages.by_id(connection, package)
        if row is None:
            raise NotFound("package.unknown", "There is no such package here.")
        if row.state == "recalled":
            raise Conflict("package.recalled", "A finding cannot rest on a recalled package.")
