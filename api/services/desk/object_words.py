"""What objects are called: titles, subjects' names and who made something wait, in words.

Owns the look-ups that turn ids into what an officer recognises, many objects at a time; decides
nothing, and is asked only about what the caller was found to see.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.tasks import ABOUT_MANY, Notice
from api.records import (
    designations,
    drafts,
    identity,
    lists,
    officers,
    packages,
    proposed,
    statements,
    streams,
    subjects,
    threads,
    watches,
)
from api.records.drafts import Draft
from api.services.desk.identity import LIST, entry_place
from api.services.desk.task_sources import ADMINISTRATION, PARKED, Entry
from api.services.node import Node
from api.services.statements.effects.base import opened

_TYPES = {
    "release": "Release",
    "recall": "Recall",
    "onward-request": "Request to pass on",
    "onward-consent": "Consent to pass on",
    "designation-proposal": "Proposal to be shared",
    "designation": "Designation",
    "designation-amendment": "Amendment",
    "delisting": "Delisting",
    "mirror-request": "Mirror request",
    "mirror-amendment": "Amendment of a request",
    "mirror-acknowledgement": "Acknowledgement",
    "mirror-question": "Question",
    "mirror-answer": "Answer",
    "mirror-finding": "Finding",
    "mirror-effect": "Effect",
    "mirror-withdrawal": "Withdrawal",
    "mirror-closure": "Closure",
    "recall-answer": "Answer to a recall",
    "identity-verdict": "Verdict on who is who",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What an object is called.

    Attributes:
        title: in a few words.
        names: first names of the subjects that it is about.
        asked_by: who made it wait: a ministry's id, or an officer's name; may be empty.
        reason: the words of whoever made it wait, where there are some.
    """

    title: str = ""
    names: tuple[str, ...] = ()
    asked_by: str = ""
    reason: str | None = None


def of_type(type_: str) -> str:
    """Return what a statement type is called."""
    return _TYPES.get(type_.split("/", maxsplit=1)[0], type_)


def of_objects(connection: Connection, ids: Iterable[str]) -> dict[str, Words]:
    """Return what packages, threads, designations and proposals are called; others are absent."""
    wanted = sorted({one for one in ids if one})
    described = subjects.names_by_object(connection, wanted)
    found: dict[str, Words] = {}

    def others() -> list[str]:
        """Return the ids that are still looked for: of each kind a read, while there are some."""
        return [one for one in wanted if one not in found]

    for id_, package in packages.by_ids(connection, wanted).items():
        found[id_] = Words(package.title, described.get(id_, ()), package.originator)
    for id_, thread in threads.by_ids(connection, others()).items():
        found[id_] = Words(thread.title, described.get(id_, ()), thread.requester)
    for id_, one in designations.by_ids(connection, others()).items():
        found[id_] = Words(one.name, described.get(id_, (one.name,)), one.issuer)
    for id_, proposal in designations.proposals_by_ids(connection, others()).items():
        names = described.get(id_, (proposal.title,))
        found[id_] = Words(proposal.title, names, proposal.ministry, proposal.reason)
    return found


def titles(node: Node, ids: Iterable[str]) -> dict[str, str]:
    """Return the titles of objects that drafts are about, for who was found to see the drafts.

    A recall is called by its package.
    """

    def read(connection: Connection) -> dict[str, str]:
        wanted = set(ids)
        found = {id_: words.title for id_, words in of_objects(connection, wanted).items()}
        others = statements.by_ids(connection, sorted(wanted - found.keys()))
        behind = {id_: str(opened(row).body.get("package", "")) for id_, row in others.items()}
        called = of_objects(connection, behind.values())
        return found | {id_: called[of].title for id_, of in behind.items() if of in called}

    return node.db.read(read)


def colleagues(node: Node) -> dict[str, str]:
    """Return the names of this ministry's officers by account (``iss sub``), for its officers."""
    return node.db.read(officers.names_by_account)


def people(connection: Connection, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the names of officers by record id; unknown ids are absent."""
    return officers.names(connection, sorted({one for one in ids if one}))


def of_tasks(node: Node, connection: Connection, entries: Sequence[Entry]) -> list[Words]:
    """Return what the objects of tasks are called, one for each task, in order."""
    made = drafts.drafts_by_ids(
        connection, [one.about[1] for one in entries if one.about[0] == "draft"]
    )
    ids = {one.about[1] for one in entries} | {one.read_by[1] for one in entries}
    ids |= {place for draft in made.values() for place in (draft.thread, draft.about) if place}
    known = of_objects(connection, ids)
    waiting = (
        {one.task: one for one in proposed.proposed_changes(connection, node.now())}
        if any(one.about[0] in ADMINISTRATION for one in entries)
        else {}
    )
    names = people(
        connection,
        [
            *(draft.preparer for draft in made.values()),
            *(one.proposed_by for one in waiting.values()),
            *(person for one in waiting.values() for person in one.officers),
        ],
    )
    said = _Said(
        statements.by_ids(connection, sorted({one.cause for one in entries if one.cause})),
        threads.subjects_of(
            connection, sorted({one.read_by[1] for one in entries if one.read_by[0] == "thread"})
        ),
    )
    found = []
    for one in entries:
        if one.about[1] in made:
            found.append(_of_draft(made[one.about[1]], known, names))
        elif one.id in waiting:
            change = waiting[one.id]
            concerned = tuple(names.get(person, person) for person in change.officers)
            title = ": ".join(part for part in (", ".join(concerned), change.detail) if part)
            asked = names.get(change.proposed_by, "")
            found.append(Words(title or change.kind, concerned, asked))
        elif one.about[0] == PARKED:
            found.append(Words(one.about[1], (), one.key))
        else:
            found.append(_of_indexed(connection, one, known, said))
    return found


def _of_draft(draft: Draft, known: Mapping[str, Words], names: Mapping[str, str]) -> Words:
    about = known.get(draft.thread or "") or known.get(draft.about or "") or Words()
    title = f"{of_type(draft.type)}: {about.title}" if about.title else of_type(draft.type)
    asked = names.get(draft.preparer, draft.prepared.sub)
    return Words(title, about.names, asked, draft.return_reason)


def _refused(connection: Connection, one: Entry, words: Words) -> Words:
    """Return the words of a refusal: who refused, with which code and sentence."""
    refusals = [each for each in streams.dispositions_on(connection, one.cause) if each.code]
    said = (f"{each.code}: {each.detail or ''}".removesuffix(": ") for each in refusals)
    peers = ", ".join(dict.fromkeys(each.peer for each in refusals))
    return Words(words.title, words.names, peers, "; ".join(said) or None)


def _of_list(connection: Connection, one: Entry) -> Words:
    """Return the words of a notice about a list: whom it names, and why it is watched."""
    if one.key not in ABOUT_MANY:
        return Words(one.about[1])
    known = identity.by_refs(connection, one.path)
    names = tuple(
        known[ref].name if ref in known else _last_name(connection, ref) for ref in one.path
    )
    reasons = (watch.reason for watch in watches.on(connection, f"programme:{one.about[1]}"))
    return Words(one.about[1], names, "", "; ".join(reasons) or None)


def _last_name(connection: Connection, ref: str) -> str:
    """Return the name of an entry that is gone, as it last stood on its list."""
    place = entry_place(ref)
    entry = lists.last_entry(connection, *place) if place is not None else None
    return entry.name if entry is not None else ref


@dataclass(frozen=True, slots=True)
class _Said:
    """What made tasks and what requests are about, read at once for all of them.

    Attributes:
        causes: the statements that made them, by id.
        lines: subjects, by request.
    """

    causes: Mapping[str, statements.StoredStatement]
    lines: Mapping[str, Sequence[threads.ThreadSubject]]


def _of_indexed(
    connection: Connection, one: Entry, known: Mapping[str, Words], told: _Said
) -> Words:
    listed = _of_list(connection, one) if one.about[0] == LIST else Words()
    words = known.get(one.about[1]) or known.get(one.read_by[1]) or listed
    names = words.names
    if one.read_by[0] == "thread" and one.key.startswith("s"):
        lines = told.lines.get(one.read_by[1], ())
        names = tuple(line.name for line in lines if line.key == one.key) or names
    if one.key == Notice.RETURNED:
        package = packages.by_id(connection, one.about[1])
        why = package.return_reason if package is not None else None
        return Words(words.title, names, words.asked_by, why)
    if one.key == Notice.REFUSED_THERE:
        return _refused(connection, one, Words(words.title, names))
    cause = told.causes.get(one.cause)
    if cause is None:
        return Words(words.title, names, words.asked_by, words.reason)
    said = opened(cause)
    reason = said.body.get("reason", said.body.get("text"))
    return Words(words.title, names, said.issuer, reason if isinstance(reason, str) else None)
