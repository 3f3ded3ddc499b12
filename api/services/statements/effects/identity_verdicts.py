"""The effect of ``identity-verdict/1``: a ministry's word on whether two descriptions are of one.

The rules, in the order in which they are judged:

* Drafting: both descriptions are held here, and a withdrawal names this ministry's verdict on the
  same two that stands. It goes to any members.
* Arriving: a partner's verdict is kept as that partner's word, also about what is not held here (it
  says nothing then). A withdrawal of another ministry's verdict, or of none, is refused.
* A later one of the same ministry on the same two replaces the earlier, by the statements' own
  times, so that the order of arrival does not matter.

Nothing is merged: what follows from verdicts is ``domain.identity.verdicts``'.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.records import lists, shared_verdicts, subjects
from api.records.shared_verdicts import SHARED_VERDICTS, SharedVerdict, row_of
from api.records.unit_of_work import Unit
from api.records.watches import FOLLOWED
from api.services.node import Node
from api.services.statements.effects.base import (
    Consequence,
    Effect,
    Issued,
    Plain,
    Received,
    require_members,
)
from api.wire.payloads.identity_verdict_v1 import reference
from api.wire.statements import Content, Statement
from api.wire.types import IDENTITY_VERDICT

_UNKNOWN = "There is no verdict of this ministry on the same two that stands."


class IdentityVerdictEffect(Plain):
    """A verdict that partners are told."""

    def check(self, node: Node, connection: Connection, content: Content) -> None:
        """Judge whether both descriptions are here, and whether what is withdrawn stands."""
        require_members(node, content.to)
        body: dict[str, Any] = dict(content.body)
        for described in (body["one"], body["other"]):
            if not _held(connection, described):
                raise NotFound("subject.unknown", "There is no such subject here.")
        earlier = shared_verdicts.newest_of(connection, node.ministry, *_pair(body))
        if "withdraws" in body and not _withdrawable(earlier, body["withdraws"]):
            raise Invalid("verdict.withdraws", _UNKNOWN)

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Keep the verdict, in the place of this ministry's earlier one."""
        statement = issued.statement
        _keep(unit, statement)
        return Consequence(
            Act.STATEMENT_ISSUED, Subject("verdict", statement.id), recipients=statement.to
        )

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Keep a partner's verdict as its word."""
        statement = received.statement
        if node.ministry not in statement.to:
            return refuse("verdict.recipient", "The verdict is not addressed to this ministry.")
        withdrawn = statement.body.get("withdraws")
        if withdrawn is not None and not _own(unit.connection, statement, str(withdrawn)):
            return refuse("verdict.withdraws", _UNKNOWN)
        _keep(unit, statement)
        return ALLOWED


def _held(connection: Connection, described: dict[str, Any]) -> bool:
    if described["kind"] == "list":
        return lists.holds_entry(connection, described["list"], described["id"])
    ref = reference(described)
    return ref in subjects.by_refs(connection, [ref])


def _pair(body: dict[str, Any]) -> tuple[str, str]:
    one, other = sorted((reference(body["one"]), reference(body["other"])))
    return one, other


def _withdrawable(earlier: SharedVerdict | None, withdrawn: str) -> bool:
    return earlier is not None and earlier.stands and earlier.statement == withdrawn


def _own(connection: Connection, statement: Statement, withdrawn: str) -> bool:
    earlier = shared_verdicts.by_id(connection, withdrawn)
    same = earlier is not None and (earlier.one, earlier.other) == _pair(statement.body)
    return same and earlier is not None and earlier.ministry == statement.issuer


def _keep(unit: Unit, statement: Statement) -> None:
    one, other = _pair(statement.body)
    unit.lock(f"verdict {one} {other}")
    earlier = shared_verdicts.newest_of(unit.connection, statement.issuer, one, other)
    later = earlier is not None and _order(earlier) > (statement.issued_at, statement.id)
    if earlier is not None and not later:
        values = {"replaced_by": statement.id}
        unit.update(SHARED_VERDICTS, {"statement": earlier.statement}, values)
    body, by = statement.body, statement.by
    signals: Any = body.get("signals", ())
    made = SharedVerdict(
        statement=statement.id,
        ministry=statement.issuer,
        one=one,
        other=other,
        outcome=str(body["outcome"]),
        reason=str(body["reason"]),
        signals=tuple(map(str, signals)),
        prepared_by=by.prepared.sub if by else "",
        approved_by=by.approved.sub if by and by.approved else "",
        issued_at=statement.issued_at,
        withdraws=str(body["withdraws"]) if "withdraws" in body else None,
        replaced_by=earlier.statement if earlier is not None and later else None,
    )
    unit.insert(SHARED_VERDICTS, row_of(made))
    unit.ring(FOLLOWED)


def _order(verdict: SharedVerdict) -> tuple[str, str]:
    return (verdict.issued_at, verdict.statement)


EFFECTS: Mapping[str, Effect] = {IDENTITY_VERDICT: IdentityVerdictEffect()}
