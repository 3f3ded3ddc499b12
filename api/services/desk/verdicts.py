"""Verdicts on who is who: this node's own, and those that ministries tell each other.

Owns their bringing together for search, coverage and subjects' pages. Recording one for this node
alone is ``subjects``'; telling partners is a draft of ``identity-verdict/1`` like any other.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from api.domain.identity.verdicts import Given, settled
from api.records import officers, shared_verdicts, subjects

Pair = frozenset[str]


def given(
    connection: Connection, ministry: str, refs: Sequence[str] | None = None
) -> dict[Pair, list[Given]]:
    """Return the verdicts that stand, by the two references that they are about.

    Args:
        connection: open connection.
        ministry: this ministry, whose officers' own verdicts count as its.
        refs: only those that name one of these; ``None`` for all.
    """
    found: dict[Pair, list[Given]] = {}
    here = (
        subjects.standing_verdicts(connection)
        if refs is None
        else subjects.verdicts_on(connection, refs)
    )
    people = officers.names(connection, sorted({row.by for row in here}))
    for row in here:
        by = people.get(row.by, row.by)
        told = Given(row.id, ministry, row.outcome, row.reason, by, row.at, shared=False)
        found.setdefault(frozenset({row.one, row.other}), []).append(told)
    for one in shared_verdicts.standing(connection, refs):
        told = Given(
            one.statement,
            one.ministry,
            one.outcome,
            one.reason,
            one.prepared_by,
            one.issued_at,
            shared=True,
        )
        found.setdefault(frozenset({one.one, one.other}), []).append(told)
    return found


def outcomes(known: Mapping[Pair, Iterable[Given]], ministry: str) -> dict[Pair, str]:
    """Return what each pair's verdicts come to at this ministry."""
    return {pair: settled(told, ministry) for pair, told in known.items()}
