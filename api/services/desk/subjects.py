"""Subjects across objects: search by name, and officers' verdicts on who is who.

Owns the search and the table ``verdicts``. A search *suggests* (DESIGN §3.6): what it finds is a
candidate with the words it shares, and nothing follows from it until an officer records a verdict
with a reason. A verdict recorded here stays at this node; what partners are told is an
``identity-verdict/1``.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import Connection

from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.identity.profiles import Profile, spellings
from api.domain.identity.scoring import Signal, Suggestion
from api.domain.lists.entries import EntryKind
from api.domain.notation import Nullable
from api.ports.policy import Action, Resource
from api.records import lists, shared_verdicts, subjects
from api.records.shared_verdicts import SharedVerdict
from api.records.subjects import Description, Verdict
from api.records.unit_of_work import Unit
from api.records.watches import FOLLOWED
from api.services import recording, visibility
from api.services.authorising import Caller, authorise, collection, entry_of
from api.services.desk import recalls
from api.services.desk.identity import LIST, Likeness, Matcher, entry_place, holder
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.paging import visible_page

OUTCOMES = ("same", "not-same", "unsure")
_LOOKED_AT = 60
_LEAST = 0.3
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """A description that may be of the subject that was looked for.

    Attributes:
        ref: its reference.
        kind: kind of the object that holds it; `list` for an entry of a published list.
        object: id of that object; the series of a list's entry.
        key: its key in there, the publisher's id of a list's entry; null where it has none.
        issuer: the ministry whose description it is; the series of a list's entry.
        schema: FollowTheMoney schema; the kind of a list's entry.
        name: its name.
        names: all its names.
        births: birth dates as written.
        shared: the words that it shares with what was looked for, in that order.
        score: 0 to 1; an order, not a decision.
        equal: it has a name of the very same words.
        suggested: the verdict that the signals suggest.
        signals: what speaks for and against, in words.
    """

    ref: str
    kind: str
    object: str
    key: Nullable[str]
    issuer: str
    schema: str
    name: str
    names: tuple[str, ...]
    births: tuple[str, ...]
    shared: tuple[str, ...]
    score: float
    equal: bool
    suggested: Suggestion
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates, best first, with the verdicts that stand among them.

    Attributes:
        candidates: at most as many as were asked for.
        verdicts: of officers here, for this node alone, that concern any of them.
        shared: ministries' verdicts that concern any of them.
        left_out: how many more were found and may be read.
        common: some words stand in so many descriptions that they alone find none.
    """

    candidates: list[Candidate]
    verdicts: list[Verdict]
    shared: list[SharedVerdict] = field(default_factory=list)
    left_out: int = 0
    common: bool = False


def search(node: Node, caller: Caller, text: str, *, limit: int) -> Found:
    """Return descriptions with names like the one given, equal names first at any size.

    Entries of published lists are public facts; of descriptions in objects, those are returned
    that the caller may read.

    Raises:
        Invalid: ``subject.query``: no letters or digits in it.
    """
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))
    wanted = Profile("", EntryKind.OTHER, spellings([(text, False)]))
    if not wanted.spellings or len(text) > _LONGEST:
        raise Invalid("subject.query", "Give a name with letters, of at most 300 characters.")
    compared = max(_LOOKED_AT, limit * 4)
    found = node.db.read(
        lambda connection: Matcher(connection).look(wanted, compared=compared, least=0)
    )
    likely = [one for one in found.found if one.resemblance.score >= _LEAST]
    places = [holder(one.indexed.profile.ref) for one in likely]
    allowed = recalls.described_to(node, caller, (place for place in places if place[0] != LIST))
    kept = [
        one
        for one, place in zip(likely, places, strict=True)
        if place[0] == LIST or place in allowed
    ]
    refs = [one.indexed.profile.ref for one in kept[:limit]]
    rows, verdicts, shared = node.db.read(
        lambda connection: (
            subjects.by_refs(connection, refs),
            subjects.verdicts_on(connection, refs),
            shared_verdicts.standing(connection, refs),
        )
    )
    shown = [_candidate(wanted, one, rows.get(one.indexed.profile.ref)) for one in kept[:limit]]
    return Found(shown, verdicts, shared, max(0, len(kept) - limit), found.common)


def _candidate(wanted: Profile, likeness: Likeness, row: Description | None) -> Candidate:
    profile = likeness.indexed.profile
    words = {word for one in profile.spellings for word in one.words}
    kind, place = holder(profile.ref)
    listed = entry_place(profile.ref)
    return Candidate(
        ref=profile.ref,
        kind=kind,
        object=listed[0] if listed else place,
        key=listed[1] if listed else profile.ref.partition("#")[2] or None,
        issuer=row.issuer if row is not None else likeness.indexed.series,
        schema=row.schema if row is not None else profile.kind.value,
        name=row.name if row is not None else profile.name,
        names=tuple(one.text for one in profile.spellings),
        births=tuple(one.text for one in profile.births),
        shared=tuple(word for word in wanted.spellings[0].words if word in words),
        score=likeness.resemblance.score,
        equal=likeness.resemblance.equal,
        suggested=likeness.resemblance.suggested,
        signals=likeness.resemblance.signals,
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an officer found about two descriptions.

    Attributes:
        one: reference of a description.
        other: reference of another.
        outcome: ``same``, ``not-same`` or ``unsure``.
        reason: why, in words.
    """

    one: str
    other: str
    outcome: str
    reason: str


def record_verdict(node: Node, caller: Caller, judgement: Judgement) -> Verdict:
    """Record whether two descriptions are of one subject; it replaces an earlier verdict.

    Raises:
        Invalid: ``verdict.outcome``, ``verdict.reason-missing``, ``verdict.itself``.
        NotFound: ``subject.unknown``: absent, or in an object that the caller may not read.
    """
    one, other = sorted((judgement.one, judgement.other))
    if judgement.outcome not in OUTCOMES:
        raise Invalid("verdict.outcome", "Say same, not-same or unsure.")
    if not judgement.reason.strip():
        raise Invalid("verdict.reason-missing", "Say how you know.")
    if one == other:
        raise Invalid("verdict.itself", "Name two descriptions.")
    permit = authorise(node, caller, Action.VERDICT_RECORD, Resource("subject", one))
    if not all(known(node, caller, ref) for ref in (one, other)):
        raise NotFound("subject.unknown", "There is no such subject here.")
    once = keyed_call(caller, Act.VERDICT_RECORDED, asdict(judgement))
    if (before := made_before(node, once)) is not None:
        return node.db.read(lambda connection: _verdict(connection, before["id"]))
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
        unit.ring(FOLLOWED)

    made = write_once(node, once, {"id": verdict_id}, write)
    return node.db.read(lambda connection: _verdict(connection, made["id"]))


def known(node: Node, caller: Caller, ref: str) -> bool:
    """Tell whether a description is here and may be read; entries of lists are public."""
    listed = entry_place(ref)
    if listed is not None:
        return node.db.read(lambda connection: lists.holds_entry(connection, *listed))
    rows = node.db.read(lambda connection: subjects.by_refs(connection, [ref]))
    places = {(row.kind, row.object) for row in rows.values()}
    return bool(rows) and recalls.described_to(node, caller, places) == places


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
        places = [_places(row.one, row.other) for row in rows]
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


def told(node: Node, caller: Caller) -> list[SharedVerdict]:
    """Return the verdicts that ministries told each other and that stand, oldest first.

    They name descriptions by reference, also of objects that are not held here. One that names
    what is held here and not for the caller is left out.
    """
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))
    return verdicts_seen(node, caller, node.db.read(shared_verdicts.standing))


def verdicts_seen(
    node: Node, caller: Caller, found: Sequence[SharedVerdict]
) -> list[SharedVerdict]:
    """Leave out the verdicts that name what is held here and not for the caller."""
    shut = visibility.hidden(
        node, caller, (place for row in found for place in _places(row.one, row.other))
    )
    return [row for row in found if not shut & _places(row.one, row.other)]


def _places(one: str, other: str) -> set[tuple[str, str]]:
    """Return the objects of this node that hold two descriptions; entries of lists are public."""
    return {place for place in (holder(one), holder(other)) if place[0] != LIST}
