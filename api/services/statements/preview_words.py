"""A draft in words: what an approver must recognise without looking up a single id.

Owns the read model of a preview and the sentences about what is unusual; ``previewing`` records the
look. Must not decide anything: a sentence warns, an officer decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.domain.evidence import PackageState
from api.domain.markings import Marking, level
from api.domain.regimes.assessment import assess
from api.domain.regimes.decisions import subject_case
from api.records import designations, identity, packages, subjects, threads
from api.records.drafts import Draft
from api.services.node import Node
from api.services.statements.effects.recall_answers import DESTROYED, destroyed_by, recall_of
from api.wire.payloads.identity_verdict_v1 import reference
from api.wire.types import IDENTITY_VERDICT, MIRROR_FINDING, RECALL_ANSWER

_TEXTS = ("reason", "text", "note", "purpose", "summary", "explanation", "authority", "terms")
_WIDE = ("CLEAR", "GREEN")


@dataclass(frozen=True, slots=True)
class SubjectWords:
    """A subject that the statement is about: its key, if it has one, and all its names."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectWords:
    """An object that the statement names: what it is, and what it is called."""

    kind: str
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class MarkingWords:
    """Under which handling rules something leaves.

    Attributes:
        tlp: label of the Traffic Light Protocol.
        releasable_to: ministries and jurisdictions that may have it.
        originator_control: whether passing it on needs this ministry's consent each time.
        permitted_use: what it may be used for.
    """

    tlp: str
    releasable_to: tuple[str, ...]
    originator_control: bool
    permitted_use: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LawWords:
    """What of the law the statement invokes.

    Attributes:
        regime: its id.
        title: what the regime is called; empty if this node does not know it.
        grounds: grounds in words, or as they were written.
        threshold: what has to be met, in the law's words.
        edition: of the regime's data that the statement names; empty if it names none.
    """

    regime: str
    title: str
    grounds: tuple[str, ...]
    threshold: str
    edition: str


@dataclass(frozen=True, slots=True)
class DraftWords:
    """What a draft says, in words.

    Attributes:
        about: the objects that it names, by title.
        subjects: whom it is about, by name.
        marking: under which it leaves, where it has one.
        law: what of the law it invokes, where it does.
        texts: every text that an officer wrote, by the member that holds it.
        unusual: one sentence for each thing that an approver would want pointed out.
    """

    about: tuple[ObjectWords, ...]
    subjects: tuple[SubjectWords, ...]
    marking: MarkingWords | None
    law: LawWords | None
    texts: Mapping[str, str]
    unusual: tuple[str, ...]


def in_words(node: Node, connection: Connection, draft: Draft) -> DraftWords:
    """Return what a draft says, in words."""
    body = draft.body
    return DraftWords(
        about=tuple(_about(connection, draft)),
        subjects=tuple(_subject_words(connection, draft)),
        marking=_marking(body),
        law=_law(node, body),
        texts=dict(_texts(body)) | _verdict(draft),
        unusual=tuple(_unusual(node, connection, draft)),
    )


def _about(connection: Connection, draft: Draft) -> Iterator[ObjectWords]:
    if draft.thread is not None and (thread := threads.by_id(connection, draft.thread)):
        yield ObjectWords("thread", thread.id, thread.title)
    package = packages.by_id(connection, _package_of(connection, draft))
    if package is not None:
        yield ObjectWords("package", package.id, package.title)
    designation = designations.by_id(connection, _text(draft.body, "designation"))
    if designation is not None:
        yield ObjectWords("designation", designation.id, designation.name)
    proposal = designations.proposal(connection, _text(draft.body, "proposal"))
    if proposal is not None:
        yield ObjectWords("proposal", proposal.id, proposal.title)


def _package_of(connection: Connection, draft: Draft) -> str:
    """Return the package that a draft names, or whose recall it answers; else an empty text."""
    if draft.type != RECALL_ANSWER:
        return _text(draft.body, "package")
    recall = recall_of(connection, _text(draft.body, "recall"))
    return "" if recall is None else _text(recall.body, "package")


def _subject_words(connection: Connection, draft: Draft) -> Iterator[SubjectWords]:
    body = draft.body
    written = [one for one in _list(body, "subjects") if isinstance(one, Mapping)]
    written += [one for one in _list(body, "add") if isinstance(one, Mapping)]
    if isinstance(body.get("subject"), Mapping):
        written.append(body["subject"])
    for one in written:
        names = [str(name.get("text", "")) for name in _list(one, "names")]
        yield SubjectWords(str(one.get("key", "")), tuple(names))
    if draft.type == IDENTITY_VERDICT:
        yield from _described(connection, body)
    if draft.thread is not None:
        keys = {one for one in _list(body, "subjects") if isinstance(one, str)}
        keys |= {body["subject"]} if isinstance(body.get("subject"), str) else set()
        for line in threads.subjects_of(connection, [draft.thread]).get(draft.thread, []):
            if line.key in keys:
                yield SubjectWords(line.key, (line.name,))
    named = [_text(body, name) for name in ("package", "designation")]
    for known in subjects.names_by_object(connection, [one for one in named if one]).values():
        yield from (SubjectWords("", (name,)) for name in known)


def _described(connection: Connection, body: Mapping[str, Any]) -> Iterator[SubjectWords]:
    """Return the two descriptions that a verdict is about, by all their names here."""
    refs = [reference(body[name]) for name in ("one", "other")]
    known = identity.by_refs(connection, refs)
    for ref in refs:
        names = [one.text for one in known[ref].spellings] if ref in known else [ref]
        yield SubjectWords("", tuple(names))


def _marking(body: Mapping[str, Any]) -> MarkingWords | None:
    members = body.get("marking")
    if not isinstance(members, Mapping):
        return None
    rules = Marking.of(members)
    return MarkingWords(
        rules.tlp,
        tuple(sorted(rules.releasable_to)),
        rules.originator_control,
        rules.permitted_use,
    )


def _law(node: Node, body: Mapping[str, Any]) -> LawWords | None:
    named = body.get("regime")
    if not isinstance(named, str):
        return None
    regime, edition = node.regimes.get(named), _text(body, "regime_edition")
    grounds = [one for one in _list(body, "grounds") if isinstance(one, str)]
    grounds += [_text(one, "ground") for one in _list(body, "grounds") if isinstance(one, Mapping)]
    if isinstance(body.get("ground"), str):
        grounds.append(body["ground"])
    if regime is None:
        return LawWords(named, "", tuple(grounds), "", edition)
    return LawWords(named, str(regime.id), tuple(grounds), str(regime.threshold.text), edition)


def _verdict(draft: Draft) -> dict[str, str]:
    """Return what a verdict says, and what spoke for and against."""
    if draft.type != IDENTITY_VERDICT:
        return {}
    said = {"outcome": _text(draft.body, "outcome")}
    signals = [one for one in _list(draft.body, "signals") if isinstance(one, str)]
    return said | ({"signals": "\n".join(signals)} if signals else {})


def _texts(body: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    for name in (*_TEXTS, "legal_basis"):
        if isinstance(body.get(name), str):
            yield f"{within}{name}", body[name]
    for name in ("reasons", "against_bar"):
        part = body.get(name)
        if isinstance(part, Mapping):
            for inner, value in part.items():
                if isinstance(value, str):
                    yield f"{within}{name}.{inner}", value


def _unusual(node: Node, connection: Connection, draft: Draft) -> Iterator[str]:
    body = draft.body
    marking = _marking(body)
    if marking is not None:
        yield from _of_marking(marking)
    package = packages.by_id(connection, _text(body, "package"))
    if package is not None:
        yield from _of_package(node, package.state, package.originator)
    if draft.type.startswith("recall/"):
        yield "It leaves at once, before a second officer has looked at it."
    if draft.type == RECALL_ANSWER and body.get("answer") == DESTROYED:
        yield from _of_destroying(connection, draft)
    if draft.type == IDENTITY_VERDICT:
        yield from _of_verdict(body)
    if body.get("instruction") == "destroy":
        yield "Every holder is asked to destroy its copy."
    if draft.type == MIRROR_FINDING:
        yield from _of_finding(body)
    yield from _of_law(node, body)
    if len(draft.to) > 1:
        yield f"It goes to {len(draft.to)} ministries."
    if draft.endorsement is None:
        yield "The preparer did not sign it; the ministry's record stands for their word."


def _of_destroying(connection: Connection, draft: Draft) -> Iterator[str]:
    gone, kept = destroyed_by(connection, _package_of(connection, draft), draft.body)
    yield f"Once it is sealed, this node deletes exhibits of the package for good: {len(gone)}."
    if kept:
        yield f"Exhibits stay here because another package lists them: {len(kept)}."


def _of_verdict(body: Mapping[str, Any]) -> Iterator[str]:
    kinds = {str(body[name]["kind"]) for name in ("one", "other")}
    if kinds & {"package", "proposal", "thread"}:
        yield "It names a statement that not every recipient may hold; it says nothing of its text."
    if "withdraws" in body:
        yield "It takes back what this ministry said before; afterwards it says nothing."


def _of_finding(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("finding") not in {"mirror", "mirror-differently"}:
        return
    if not _text(body, "ground"):
        yield "It names no ground under which the subject would be listed."
    if not _list(body, "relies_on"):
        yield "It rests on no package of evidence."


def _of_marking(marking: MarkingWords) -> Iterator[str]:
    if marking.tlp in _WIDE:
        yield f"TLP:{marking.tlp} lets the recipient pass it on without asking."
    if not marking.originator_control:
        yield "The recipient may pass it on without this ministry's consent."
    if not marking.permitted_use:
        yield "It says nothing of what it may be used for."
    if level(marking.tlp) == level("RED"):
        yield "TLP:RED is for the eyes of named persons; a ministry shares it with many."


def _of_law(node: Node, body: Mapping[str, Any]) -> Iterator[str]:
    if "against_bar" in body:
        yield "The law as this node knows it stands against it; a reason was recorded."
    regime = body.get("regime")
    if isinstance(regime, str) and regime not in node.regimes:
        yield "This node knows no regime of that name."
    if isinstance(body.get("regimes"), Mapping):
        yield from _of_regimes_asked(node, body)


def _of_regimes_asked(node: Node, body: Mapping[str, Any]) -> Iterator[str]:
    """Say whom the regime that a request names cannot list, and what to ask for instead."""
    facts = [one for one in _list(body, "case_facts") if isinstance(one, Mapping)]
    for one in [*_list(body, "subjects"), *_list(body, "add")]:
        if not isinstance(one, Mapping):
            continue
        regime = node.regimes.get(str(body["regimes"].get(one.get("key"))))
        found = assess(regime, subject_case(one, facts)) if regime is not None else None
        if found is not None and found.barred:
            name = str(one["names"][0]["text"])
            instead = f" Instead: {', '.join(found.instead)}." if found.instead else ""
            yield f"{name}: {found.reason}{instead}"


def _of_package(node: Node, state: PackageState, originator: str) -> Iterator[str]:
    if originator != node.ministry:
        yield f"The package is {originator}'s; it is passed on under that ministry's consent."
    if state in {PackageState.RECALLED, PackageState.SUPERSEDED, PackageState.RETURNED}:
        yield f"The package is {state.value}."


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _list(body: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = body.get(name)
    return value if isinstance(value, list | tuple) else ()
