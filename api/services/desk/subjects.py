"""Subjects across objects: search by name, and officers' verdicts on who is who.

Owns the search and the table ``verdicts``. A search *suggests* (DESIGN §3.6): what it finds is a
candidate with the words it shares, and nothing follows from it until an officer records a verdict
with a reason. Verdicts stay at this node.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.ports.policy import Action, Resource
from api.records import subjects
from api.records.subjects import Description, Verdict
from api.records.unit_of_work import Unit
from api.services import recording, visibility
from api.services.authorising import Caller, authorise, collection, entry_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.paging import visible_page
from api.services.statements.effects.descriptions import tokens_of

OUTCOMES = ("same", "not-same")
_LOOKED_AT = 2000
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A description that shares words with what was looked for.

    Attributes:
        row: the description.
        shared: the words it shares, in order.
        score: shared words over all words of the longer name, 0 to 1; an order, not a decision.
    """

    row: Description
    shared: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates, best first, with the verdicts that stand among them."""

    candidates: list[Candidate]
    verdicts: list[Verdict]


def search(node: Node, caller: Caller, text: str, *, limit: int) -> Found:
    """Return descriptions in objects that the caller may read, with names like the one given.

    Raises:
        Invalid: ``subject.query``: no letters or digits in it.
    """
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))
    words = list(dict.fromkeys(tokens_of(text)))
    if not words or len(text) > _LONGEST:
        raise Invalid("subject.query", "Give a name with letters, of at most 300 characters.")
    rows = node.db.read(lambda connection: subjects.sharing(connection, words, _LOOKED_AT))
    found = sorted((_candidate(words, row) for row in rows), key=_best_first)
    allowed = visibility.readable(
        node, caller, ((one.row.kind, one.row.object) for one in found[: limit * 4])
    )
    shown = [one for one in found if (one.row.kind, one.row.object) in allowed][:limit]
    refs = [one.row.ref for one in shown]
    verdicts = node.db.read(lambda connection: subjects.verdicts_on(connection, refs))
    return Found(shown, verdicts)


def _candidate(words: Sequence[str], row: Description) -> Candidate:
    own = row.tokens.split()
    shared = tuple(word for word in words if any(one.startswith(word) for one in own))
    # Descriptions list every word of every alias once; the shorter side says how much is left open.
    longest = max(len(words), min(len(own), len(tokens_of(row.name)) or 1))
    return Candidate(row, shared, round(len(shared) / longest, 3))


def _best_first(one: Candidate) -> tuple[float, str]:
    return (-one.score, one.row.ref)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an officer found about two descriptions.

    Attributes:
        one: reference of a description.
        other: reference of another.
        outcome: ``same`` or ``not-same``.
        reason: why, in words.
    """

    one: str
    other: str
    outcome: str
    reason: str


def record_verdict(node: Node, caller: Caller, judgement: Judgement) -> Verdict:
    """Record that two descriptions are of one subject, or are not; it replaces an earlier verdict.

    Raises:
        Invalid: ``verdict.outcome``, ``verdict.reason-missing``, ``verdict.itself``.
        NotFound: ``subject.unknown``: absent, or in an object that the caller may not read.
    """
    one, other = sorted((judgement.one, judgement.other))
    if judgement.outcome not in OUTCOMES:
        raise Invalid("verdict.outcome", "Say same or not-same.")
    if not judgement.reason.strip():
        raise Invalid("verdict.reason-missing", "Say how you know.")
    if one == other:
        raise Invalid("verdict.itself", "Name two descriptions.")
    permit = authorise(node, caller, Action.VERDICT_RECORD, Resource("subject", one))
    rows = node.db.read(lambda connection: subjects.by_refs(connection, [one, other]))
    places = {(row.kind, row.object) for row in rows.values()}
    if len(rows) != 2 or visibility.readable(node, caller, places) != places:  # noqa: PLR2004
        raise NotFound("subject.unknown", "There is no such subject here.")
    once = keyed_call(caller, Act.VERDICT_RECORDED, asdict(judgement))
    if (known := made_before(node, once)) is not None:
        return node.db.read(lambda connection: _verdict(connection, known["id"]))
    verdict_id = node.entropy.identifier()

    def write(unit: Unit) -> None:
        # Two verdicts at one moment: the later one replaces the earlier, and one of them stands.
        unit.lock(f"verdict {one} {other}")
        earlier = subjects.verdict_between(unit.connection, one, other)
        if earlier is not None:
            values = {"replaced_by": verdict_id}
            unit.update(subjects.VERDICTS, {"id": earlier.id}, values)
        unit.insert(
            subjects.VERDICTS,
            {
                "id": verdict_id,
                "one": one,
                "other": other,
                "outcome": judgement.outcome,
                "reason": judgement.reason,
                "by": caller.person,
                "at": node.now(),
            },
        )
        entry = entry_of(caller, permit, Act.VERDICT_RECORDED, Subject("verdict", verdict_id))
        recording.record(node, unit, entry)

    made = write_once(node, once, {"id": verdict_id}, write)
    return node.db.read(lambda connection: _verdict(connection, made["id"]))


def _verdict(connection: Connection, verdict_id: str) -> Verdict:
    row = subjects.verdict_by_id(connection, verdict_id)
    if row is None:
        raise NotFound("verdict.unknown", "There is no such verdict here.")
    return row


def verdicts(
    node: Node, caller: Caller, *, limit: int, before: tuple[str, str] | None = None
) -> list[Verdict]:
    """Return verdicts on what the caller may read, newest first, replaced ones included."""
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))

    def allowed(rows: Sequence[Verdict]) -> list[bool]:
        places = [{_place(row.one), _place(row.other)} for row in rows]
        seen = visibility.readable(node, caller, (one for pair in places for one in pair))
        return [pair <= seen for pair in places]

    return visible_page(
        lambda at, size: node.db.read(
            lambda connection: subjects.verdict_page(connection, limit=size, before=at)
        ),
        allowed,
        lambda row: (row.at, row.id),
        limit=limit,
        start=before,
    )


def _place(ref: str) -> tuple[str, str]:
    """Return kind and id of the object that holds a description."""
    kind, _, rest = ref.partition(":")
    return kind, rest.partition("#")[0]
