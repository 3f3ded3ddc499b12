"""The effect of ``recall-answer/1``: what a holder's people did with a recalled package.

The rules, in the order in which they are judged:

* It answers a recall that stands here, goes to its originator alone, and names exhibits of that
  package only. A later answer of the same holder takes the place of the one before.
* ``destroyed`` ends the bytes at the holder: exhibits that no other package lists are marked, and a
  job deletes their files (``api/jobs/destroy.py``). They are not fetched again for that package.

The disposition of the recall says that it stands in the holder's record; only this statement says
what people did (PROTOCOL §9).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.records import packages, statements
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects.base import (
    Consequence,
    Effect,
    Issued,
    Plain,
    Received,
    member_text,
    opened,
    require_members,
)
from api.wire.statements import Content, Statement
from api.wire.types import RECALL

DESTROYED = "destroyed"


class RecallAnswerEffect(Plain):
    """A holder's answer to the originator of a recalled package."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Judge whether this ministry was asked, and answers whom it should."""
        body: dict[str, Any] = dict(content.body)
        require_members(node, content.to)
        recall = recall_of(connection, member_text(body, "recall"))
        if recall is None or node.ministry not in recall.to:
            raise NotFound("recall.unknown", "No such recall was addressed to this ministry.")
        if content.to != (recall.issuer,):
            raise Invalid("recall-answer.recipient", "Answer the ministry that recalled, alone.")
        if _foreign(connection, recall, body):
            raise Invalid("recall-answer.exhibits", "Name exhibits of the recalled package.")
        return recall.id

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Keep the answer, and end the bytes if that is what was done."""
        statement = issued.statement
        recall = recall_of(unit.connection, member_text(statement.body, "recall"))
        if recall is None:
            raise NotFound("recall.unknown", "No such recall was addressed to this ministry.")
        package = member_text(recall.body, "package")
        _keep(unit, statement, package, issued.at)
        if statement.body["answer"] == DESTROYED:
            gone, _ = destroyed_by(unit.connection, package, statement.body)
            _destroy(unit, gone)
        subject = Subject("package", package)
        return Consequence(Act.STATEMENT_ISSUED, subject, statement.to)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Keep what a holder says it did."""
        statement = received.statement
        recall = recall_of(unit.connection, member_text(statement.body, "recall"))
        if recall is None or recall.issuer != node.ministry or statement.issuer not in recall.to:
            return refuse("recall.unknown", "This ministry sent you no such recall.")
        if statement.to != (node.ministry,):
            return refuse("recall-answer.recipient", "Answer the ministry that recalled, alone.")
        if _foreign(unit.connection, recall, statement.body):
            return refuse("recall-answer.exhibits", "Name exhibits of the recalled package.")
        _keep(unit, statement, member_text(recall.body, "package"), received.at)
        return ALLOWED


def recall_of(connection: Connection, recall_id: str) -> Statement | None:
    """Return a recall that stands here, or ``None``."""
    row = statements.judged(connection, recall_id)
    return opened(row) if row is not None and row.type == RECALL else None


def _named(connection: Connection, package: str, body: Mapping[str, Any]) -> list[str]:
    """Return the digests an answer is about: those it names, else all of the package."""
    named = body.get("exhibits")
    if named is not None:
        return [str(digest) for digest in named]
    return sorted({row.digest for row in packages.exhibits_of(connection, package)})


def destroyed_by(
    connection: Connection, package: str, body: Mapping[str, Any]
) -> tuple[list[str], set[str]]:
    """Return the exhibits that an answer *destroyed* ends here, and those that others list too."""
    named = _named(connection, package, body)
    kept = packages.listed_elsewhere(connection, package, named)
    return [digest for digest in named if digest not in kept], kept


def _foreign(connection: Connection, recall: Statement, body: dict[str, Any]) -> bool:
    package = member_text(recall.body, "package")
    held = {row.digest for row in packages.exhibits_of(connection, package)}
    return not held.issuperset(_named(connection, package, body))


def _keep(unit: Unit, statement: Statement, package: str, at: str) -> None:
    unit.insert(
        packages.RECALL_ANSWERS,
        {
            "statement": statement.id,
            "recall": statement.body["recall"],
            "package": package,
            "ministry": statement.issuer,
            "answer": statement.body["answer"],
            "at": at,
        },
    )


def _destroy(unit: Unit, digests: Sequence[str]) -> None:
    """Mark exhibits; a job deletes their bytes."""
    unit.update_many(packages.EXHIBITS, [(digest,) for digest in digests], {"state": DESTROYED})
    unit.ring("exhibits")


EFFECTS: Mapping[str, Effect] = {"recall-answer/1": RecallAnswerEffect()}
