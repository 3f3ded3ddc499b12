"""Reliance: which decision rests on which finding, package or designation.

Owns the graph of reliance and what a recall, supersession, amendment or delisting sets moving in
it. It opens no task by itself (`tasks` does) and undoes nothing: a decision stands until an
officer changes it.

    designation ─▶ finding ─▶ package
    designation ─▶ proposal ─▶ package
    finding ─▶ the partner's designation that it was asked to mirror
    designation ─▶ the partner's designation that it mirrors
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from api.domain.designations import Designation
from api.domain.threads.state import ThreadState


class RelianceKind(StrEnum):
    """What can rest on something, or be rested on."""

    PACKAGE = "package"
    PROPOSAL = "proposal"
    FINDING = "finding"
    DESIGNATION = "designation"


class Change(StrEnum):
    """What can happen to something that others rest on."""

    RECALLED = "recalled"
    SUPERSEDED = "superseded"
    AMENDED = "amended"
    DELISTED = "delisted"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One thing in the graph.

    Args:
        kind: what it is.
        id: id of its statement.
        ministry: whose decision it is; empty where that does not matter.
    """

    kind: RelianceKind
    id: str
    ministry: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Reliance:
    """One decision that rests on one thing.

    Args:
        decision: what rests.
        on: kind and id of what it rests on.
        thread: the mirror thread in which that was said; empty outside threads.
        key: the subject's key in that thread.
    """

    decision: Point
    on: tuple[RelianceKind, str]
    thread: str = ""
    key: str = ""


def in_thread(thread: ThreadState) -> list[Reliance]:
    """What the standing findings and the effects of a thread rest on.

    A superseded finding rests on nothing any more, unless a designation was made under it.
    """
    found = []
    for key, subject in thread.subjects.items():
        under = {effect.under for effect in subject.effects}
        for finding in subject.findings:
            if finding is not subject.finding and finding.stamp.id not in under:
                continue
            decision = Point(RelianceKind.FINDING, finding.stamp.id, thread.addressee)
            rests = [(RelianceKind.PACKAGE, package) for package in finding.relies_on]
            if finding.mirrors and subject.designation is not None:
                rests.append((RelianceKind.DESIGNATION, subject.designation))
            found += [Reliance(decision, on, thread.id, key) for on in rests]
        for effect in subject.effects:
            decision = Point(RelianceKind.DESIGNATION, effect.designation, thread.addressee)
            found.append(Reliance(decision, (RelianceKind.FINDING, effect.under), thread.id, key))
    return found


def of_designation(designation: Designation) -> list[Reliance]:
    """What a designation says that it rests on: its proposal, and what it mirrors."""
    decision = Point(RelianceKind.DESIGNATION, designation.id, designation.issuer)
    rests = [
        Reliance(decision, (RelianceKind.DESIGNATION, other)) for other in designation.mirrored
    ]
    proposal = designation.body.get("proposal")
    if isinstance(proposal, str):
        rests.append(Reliance(decision, (RelianceKind.PROPOSAL, proposal)))
    return rests


def of_proposal(id_: str, issuer: str, body: Mapping[str, Any]) -> list[Reliance]:
    """What a proposal rests on: the packages in its evidence map."""
    decision = Point(RelianceKind.PROPOSAL, id_, issuer)
    packages = {item["package"] for ground in body["grounds"] for item in ground["evidence"]}
    return [Reliance(decision, (RelianceKind.PACKAGE, package)) for package in sorted(packages)]


@dataclass(frozen=True, slots=True)
class Affected:
    """A decision that rests, directly or through others, on what changed.

    Args:
        decision: the decision.
        path: ids from what changed, exclusive, to the decision, inclusive: the shortest way.
        thread: the mirror thread of the first step that has one.
        key: the subject's key in that thread.
    """

    decision: Point
    path: tuple[str, ...]
    thread: str = ""
    key: str = ""


def ripple(graph: Iterable[Reliance], changed: tuple[RelianceKind, str]) -> tuple[Affected, ...]:
    """Every decision that rests on what changed, the nearest first.

    Args:
        graph: all reliances known here.
        changed: kind and id of what was recalled, superseded, amended or delisted.

    Returns:
        Each affected decision once; never what changed itself, even where decisions rest on each
        other in a circle.
    """
    resting: dict[tuple[RelianceKind, str], list[Reliance]] = {}
    for reliance in sorted(set(graph)):
        resting.setdefault(reliance.on, []).append(reliance)
    reached: dict[tuple[RelianceKind, str], Affected] = {}
    queue: deque[tuple[tuple[RelianceKind, str], tuple[str, ...], str, str]] = deque(
        [(changed, (), "", "")]
    )
    while queue:
        place, path, thread, key = queue.popleft()
        for reliance in resting.get(place, ()):
            decision = reliance.decision
            there = (decision.kind, decision.id)
            if there == changed or there in reached:
                continue
            way = (*path, decision.id)
            affected = Affected(decision, way, thread or reliance.thread, key or reliance.key)
            reached[there] = affected
            queue.append((there, way, affected.thread, affected.key))
    return tuple(reached.values())
