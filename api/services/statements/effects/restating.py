"""A refusal can be mended: what a partner refused counts as not told, and may be told again once.

Owns the member ``restates`` (PROTOCOL §9). A new statement of the same issuer, type and thread, to
those who refused only, names the refused one and takes its place: where both are known, coverage
counts the later.
"""

from sqlalchemy import Connection

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, NotFound
from api.records import statements, streams
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects.base import opened
from api.wire.statements import OPENER, Content, Statement

CODE = "statement.restates"


def check(node: Node, connection: Connection, content: Content) -> None:
    """Judge whether an own draft may take the place of what partners refused.

    Raises:
        NotFound: ``statement.restates``: there is no such statement of this ministry.
        Conflict: ``statement.restates``: it is of another kind, was not refused, or was told again.
    """
    named = content.body.get("restates")
    if not isinstance(named, str):
        return
    row = statements.judged(connection, named)
    if row is None or row.issuer != node.ministry:
        raise NotFound(CODE, "This ministry has issued no such statement.")
    first = opened(row)
    if first.type != content.type or (content.type != OPENER and first.thread != content.thread):
        raise Conflict(CODE, "Tell again what is of the same type and in the same thread.")
    refused = {
        peer
        for peer in first.to
        if (told := streams.disposition_of(connection, peer, named)) is not None
        and told.outcome == "refused"
    }
    if not refused.issuperset(content.to):
        raise Conflict(CODE, "Address it to ministries that refused the statement, and no others.")
    again = {to for each in statements.restating(connection, named) for to in opened(each).to}
    if again.intersection(content.to):
        raise Conflict(CODE, "It was told to that ministry again already.")


def may_take(unit: Unit, statement: Statement) -> Decision:
    """Whether a partner's statement may take the place of the one it names, by what is known here.

    One that this node never got, or refused, may be told again; one that it applied may not. Most
    name none: then nothing is read.
    """
    named = statement.body.get("restates")
    if not isinstance(named, str):
        return ALLOWED
    connection = unit.connection
    if statements.restating(connection, named):
        return refuse(CODE, "That statement was told again already.")
    row = statements.judged(connection, named)
    if row is not None and row.issuer != statement.issuer:
        return refuse(CODE, "A ministry tells its own statements again.")
    if streams.was_applied(connection, statement.issuer, named):
        return refuse(CODE, "That statement was applied here and needs no other in its place.")
    return ALLOWED
