"""The case diary: what happened in law to an own designation, and so which clocks run.

Owns recording and withdrawing entries. An entry is the officer's word on a fact (a petition came
in, the order was tabled); it starts and ends periods of law, and decides nothing else.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date

from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.regimes.values import CLOCK_EVENTS
from api.ports.policy import Action, Resource
from api.records import diary
from api.records.diary import DIARY, DiaryEntry
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, entry_of
from api.services.desk import designations
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node

_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What an officer records.

    Attributes:
        event: a word of `CLOCK_EVENTS` that a rule of the designation's regime knows.
        day: on which it happened, in the regime's zone.
        note: what happened, in words; may be empty.
    """

    event: str
    day: date
    note: str = ""


def record_event(node: Node, caller: Caller, designation_id: str, new: NewEntry) -> DiaryEntry:
    """Record that something happened to an own designation.

    Raises:
        NotFound: ``designation.unknown``.
        Invalid: ``diary.not-ours``, ``diary.event``, ``diary.day``, ``diary.note``.
        Refused: by policy.
    """
    row, permit = designations.permit_on(node, caller, Action.DIARY_RECORD, designation_id)
    _check(node, row.issuer, row.regime, new)
    content = {"designation": designation_id, **asdict(new), "day": new.day.isoformat()}
    once = keyed_call(caller, Act.DIARY_RECORDED, content)
    if (known := made_before(node, once)) is not None:
        return _diary_entry(node, known["id"])
    entry = DiaryEntry(
        id=node.entropy.identifier(),
        designation=designation_id,
        event=new.event,
        day=new.day.isoformat(),
        note=new.note,
        recorded_by=caller.person,
        recorded_at=node.now(),
        withdrawn_by=None,
        withdrawn_at=None,
        withdrawn_because=None,
    )

    def store(unit: Unit) -> None:
        unit.insert(DIARY, asdict(entry))
        event = entry_of(caller, permit, Act.DIARY_RECORDED, Subject("designation", designation_id))
        recording.record(node, unit, event)

    return _diary_entry(node, write_once(node, once, {"id": entry.id}, store)["id"])


def withdraw_entry(node: Node, caller: Caller, entry_id: str, reason: str) -> DiaryEntry:
    """Withdraw an entry that was wrong; it stays readable and counts no more.

    Raises:
        NotFound: ``diary.unknown``.
        Invalid: ``diary.reason-missing``.
        Conflict: ``diary.withdrawn``.
    """
    entry, permit = _withdrawing(node, caller, entry_id)
    if not reason.strip():
        raise Invalid("diary.reason-missing", "Say why the entry was wrong.")
    gone = replace(
        entry,
        withdrawn_by=caller.person,
        withdrawn_at=node.now(),
        withdrawn_because=reason,
    )

    def store(unit: Unit) -> None:
        if unit.update(DIARY, {"id": entry_id}, asdict(gone), {"withdrawn_at": None}) is None:
            raise Conflict("diary.withdrawn", "This entry was withdrawn already.")
        subject = Subject("designation", entry.designation)
        recording.record(node, unit, entry_of(caller, permit, Act.DIARY_WITHDRAWN, subject))

    node.db.write(store)
    return _diary_entry(node, entry_id)


def _withdrawing(node: Node, caller: Caller, entry_id: str) -> tuple[DiaryEntry, Permit]:
    """Return an entry with the permit; of a designation that is hidden, as an absent one."""
    entry = node.db.read(lambda connection: diary.entry_by_id(connection, entry_id))
    absent = Resource("designation", "new", {"ministry": node.ministry, "recused": frozenset()})
    seen_by = Action.DESIGNATION_READ
    try:
        if entry is not None:
            place = entry.designation
            return entry, designations.permit_on(node, caller, Action.DIARY_RECORD, place)[1]
        authorise(node, caller, Action.DIARY_RECORD, absent, visible_by=seen_by)
    except NotFound:
        raise _no_entry() from None
    raise _no_entry()


def _no_entry() -> NotFound:
    return NotFound("diary.unknown", "There is no such entry here.")


def _diary_entry(node: Node, entry_id: str) -> DiaryEntry:
    found = node.db.read(lambda connection: diary.entry_by_id(connection, entry_id))
    if found is None:
        raise _no_entry()
    return found


def _check(node: Node, issuer: str, regime_id: str, new: NewEntry) -> None:
    if issuer != node.ministry:
        raise Invalid("diary.not-ours", "Keep the diary of your own designations.")
    regime = node.regimes.get(regime_id)
    rules = () if regime is None else regime.clocks
    known = sorted({event for rule in rules for event in (rule.starts, *rule.stops)})
    if new.event not in CLOCK_EVENTS or new.event not in known:
        raise Invalid(
            "diary.event",
            f"Record an event that a period of {regime_id} knows: {', '.join(known) or 'none'}.",
        )
    if new.day.isoformat() > node.now()[:10]:
        raise Invalid("diary.day", "Record what has happened, not what is to come.")
    if len(new.note) > _LONGEST:
        raise Invalid("diary.note", f"Keep the note within {_LONGEST} characters.")
