"""Tasks: what waits for whom, by when, and why.

Owns how the state of threads, drafts, packages and reliances turns into work, for this ministry
and for its partners. A task is derived, never stored as a fact of its own: it is gone when what
made it is gone. Must not know officers by name, decide who may do it (policies do), or read a
clock; instants are the protocol's text form, which sorts by time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from api.domain.designations import ProposalState
from api.domain.drafts import DraftState
from api.domain.evidence import HolderState, Holding, holder_state
from api.domain.reliance import Affected, Change, RelianceKind
from api.domain.threads.facts import Phase, SubjectState
from api.domain.threads.state import ThreadState


class ReviewState(StrEnum):
    """Whether a review or notice still waits."""

    OPEN = "open"
    CLOSED = "closed"


class TaskKind(StrEnum):
    """What is to be done, in alphabetical order."""

    ACKNOWLEDGE = "acknowledge"
    ACKNOWLEDGE_RECALL = "acknowledge-recall"
    ANSWER = "answer"
    ANSWER_RECALL = "answer-recall"
    APPROVE = "approve"
    CLOSE = "close"
    CONFIRM = "confirm"
    DECIDE_CHANGE = "decide-change"
    EFFECT = "effect"
    ENDORSE = "endorse"
    FIND = "find"
    FIND_AGAIN = "find-again"
    NOTICE = "notice"
    REOPEN = "reopen"
    REVIEW = "review"
    REVISE = "revise"
    SETTLE_PARKED = "settle-parked"
    TAKE_UP_PACKAGE = "take-up-package"


_WHY: Final = {
    TaskKind.ACKNOWLEDGE: "The request has not been taken up.",
    TaskKind.ACKNOWLEDGE_RECALL: "The package was recalled; the holder has not confirmed it.",
    TaskKind.ANSWER: "The addressee asked and waits for the answer.",
    TaskKind.ANSWER_RECALL: "The package was recalled: read why, do what is asked, and answer.",
    TaskKind.APPROVE: "The draft waits for a second officer.",
    TaskKind.CLOSE: "Every subject is decided or withdrawn.",
    TaskKind.CONFIRM: "The statement left at once and waits for a second officer.",
    TaskKind.DECIDE_CHANGE: "Another administrator proposed it and waits for a second one.",
    TaskKind.EFFECT: "The finding was to mirror and no designation followed.",
    TaskKind.ENDORSE: "The proposal was submitted and waits for a reviewer.",
    TaskKind.FIND: "The subject has no finding.",
    TaskKind.FIND_AGAIN: "The finding was deferred.",
    TaskKind.NOTICE: "Something came in or came back that nobody here has taken note of.",
    TaskKind.REOPEN: "What was added crossed the closure and stays undecided in this thread.",
    TaskKind.REVIEW: "Something that the decision rests on changed.",
    TaskKind.REVISE: "The draft was returned.",
    TaskKind.SETTLE_PARKED: "A partner's statement met a defect here: try it again, or refuse it.",
    TaskKind.TAKE_UP_PACKAGE: "The package was delivered and nothing was said about it.",
}


PARKED_TIME: Final = timedelta(hours=24)
"""How long a statement that cannot be decided may wait for an administrator."""


class Notice(StrEnum):
    """What a partner, a reviewer or a published list did that somebody here takes note of."""

    RECEIVED = "received"
    AMENDED_THERE = "amended-there"
    DELISTED_THERE = "delisted-there"
    ONWARD_ASKED = "onward-asked"
    CONSENTED = "consented"
    SHARED = "shared"
    REFUSED_THERE = "refused-there"
    RETURNED = "returned"
    LISTED = "listed"
    UNLISTED = "unlisted"
    ENTRY_AMENDED = "entry-amended"
    PROGRAMME_CHANGED = "programme-changed"
    UNCOVERED = "uncovered"
    GONE_THERE = "gone-there"
    CHANGED_THERE = "changed-there"


NOTICES: Final = frozenset(one.value for one in Notice)
"""Values of a review's ``change`` that make it a notice: closed as noted, without a reason."""

ABOUT_MANY: Final = frozenset({Notice.UNCOVERED, Notice.GONE_THERE, Notice.CHANGED_THERE})
"""Notices about several entries of a watched programme, named by their references."""

_WHICH: Final = {
    "recalled": "A package that the decision rests on was recalled.",
    "superseded": "A package that the decision rests on was superseded.",
    "amended": "A designation that the decision rests on was amended.",
    "delisted": "A designation that the decision rests on was delisted.",
    Notice.RECEIVED: "A partner released this package to this ministry.",
    Notice.AMENDED_THERE: "A partner amended this designation.",
    Notice.DELISTED_THERE: "A partner delisted this designation.",
    Notice.ONWARD_ASKED: "A holder asks whether it may pass this package on.",
    Notice.CONSENTED: "The originator consented that this package is passed on.",
    Notice.SHARED: "A partner shared this proposal.",
    Notice.REFUSED_THERE: "A partner refused what this ministry sent; it counts as not told.",
    Notice.RETURNED: "A reviewer returned this package; it is not released as it stands.",
    Notice.LISTED: "A published list has a new entry that is likely of this subject.",
    Notice.UNLISTED: "An entry that is likely of this subject is gone from a published list.",
    Notice.ENTRY_AMENDED: "A published list changed an entry that is likely of this subject.",
    Notice.PROGRAMME_CHANGED: "A published list changed under a programme that is watched.",
    Notice.UNCOVERED: "Subjects of a watched programme are not listed by this jurisdiction.",
    Notice.GONE_THERE: "Subjects that are listed here are gone from a programme that is watched.",
    Notice.CHANGED_THERE: "A programme that is watched changed entries of subjects listed here.",
}


def why(kind: TaskKind, change: str = "") -> str:
    """Return why a task is there, in one sentence without names.

    Args:
        kind: of the task.
        change: for reviews and notices, what happened.
    """
    return _WHICH.get(change, _WHY[kind])


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for somebody.

    Args:
        kind: what is to be done.
        owed_by: the ministry that has to do it.
        roles: roles whose officers can do it there.
        about: kind and id of the object.
        key: subject or question inside the object.
        due: instant by which it is due, or None.
        cause: id of the statement or change that made it.
        barred: officer records whose own work it is; they cannot do it.
        path: for reviews, the ids from what changed to the decision.
    """

    kind: TaskKind
    owed_by: str
    roles: tuple[str, ...]
    about: tuple[str, str]
    key: str = ""
    due: str | None = None
    cause: str = ""
    barred: frozenset[str] = frozenset()
    path: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """One sentence, without names."""
        return why(self.kind, self.key if self.kind is TaskKind.REVIEW else "")


DESK: Final = ("analyst", "reviewer")
"""Roles of the officers who work on evidence and decisions."""
_REVIEWER: Final = ("reviewer",)
_ANALYST: Final = ("analyst",)


def of_thread(thread: ThreadState) -> list[Task]:
    """What a mirror thread asks of either party."""
    if thread.phase is Phase.VOID:
        return []
    if thread.phase is Phase.CLOSED:
        return list(_left_by_closure(thread))
    found = [*_decisions(thread), *_answers(thread)]
    started = thread.acknowledgements or any(one.findings for one in thread.subjects.values())
    if thread.phase is Phase.OPEN and not started and not thread.questions:
        found.append(_asked(thread, TaskKind.ACKNOWLEDGE, _ANALYST))
    if not any(task.owed_by == thread.addressee for task in found):
        found.append(_asked(thread, TaskKind.CLOSE, DESK))
    return found


def _decisions(thread: ThreadState) -> Iterator[Task]:
    """Findings and effects that the addressee owes."""
    for key, subject in thread.subjects.items():
        kind = _next_step(subject)
        if kind is None:
            continue
        finding = subject.finding
        due = thread.terms.release_at if kind is TaskKind.EFFECT else thread.terms.respond_by
        if kind is TaskKind.FIND_AGAIN and finding is not None:
            due = finding.until
        cause = finding.stamp.id if finding is not None else subject.added.id
        yield _asked(thread, kind, DESK, key=key, due=due, cause=cause)


def _next_step(subject: SubjectState) -> TaskKind | None:
    if subject.phase is Phase.AWAITING:
        return TaskKind.FIND
    if subject.phase is not Phase.FOUND or subject.finding is None:
        return None
    if subject.finding.mirrors:
        return TaskKind.EFFECT
    return TaskKind.FIND_AGAIN if subject.finding.kind == "defer" else None


def _answers(thread: ThreadState) -> Iterator[Task]:
    if thread.phase is not Phase.OPEN:
        return
    for question in thread.open_questions:
        yield Task(
            TaskKind.ANSWER,
            thread.requester,
            _ANALYST,
            ("thread", thread.id),
            key=question.key,
            due=thread.terms.respond_by,
            cause=question.stamp.id,
        )


def _left_by_closure(thread: ThreadState) -> Iterator[Task]:
    closure = thread.closure
    for subject in thread.undecided():
        if closure is not None and subject.added.crosses(closure):
            yield Task(
                TaskKind.REOPEN,
                thread.requester,
                _ANALYST,
                ("thread", thread.id),
                key=subject.key,
                cause=closure.id,
            )


def _asked(
    thread: ThreadState,
    kind: TaskKind,
    roles: tuple[str, ...],
    *,
    key: str = "",
    due: str | None = None,
    cause: str = "",
) -> Task:
    return Task(
        kind,
        thread.addressee,
        roles,
        ("thread", thread.id),
        key=key,
        due=due or (thread.terms.respond_by if kind is TaskKind.ACKNOWLEDGE else None),
        cause=cause or thread.id,
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """What of a draft makes work.

    Args:
        id: the draft.
        state: where it stands.
        authors: officer records of everyone who wrote a version.
        approvers: roles that approve or confirm it, from the four-eyes table.
        confirm_by: when a second officer's look is due, where one is.
        confirmed_by: who took it.
    """

    id: str
    state: DraftState
    authors: frozenset[str]
    approvers: frozenset[str]
    confirm_by: str | None = None
    confirmed_by: str | None = None


def of_draft(draft: Pending, ministry: str) -> list[Task]:
    """What a draft asks of this ministry."""
    about, roles = ("draft", draft.id), tuple(sorted(draft.approvers))
    if draft.state is DraftState.DRAFTED and roles:
        return [Task(TaskKind.APPROVE, ministry, roles, about, barred=draft.authors)]
    if draft.state is DraftState.RETURNED:
        return [Task(TaskKind.REVISE, ministry, DESK, about)]
    if draft.state is DraftState.SEALED and draft.confirm_by and not draft.confirmed_by:
        due = draft.confirm_by
        return [Task(TaskKind.CONFIRM, ministry, roles, about, due=due, barred=draft.authors)]
    return []


def of_proposal(
    proposal_id: str, state: ProposalState, authors: frozenset[str], ministry: str
) -> Task:
    """What a submitted or returned proposal asks of this ministry."""
    about = ("proposal", proposal_id)
    if state is ProposalState.SUBMITTED:
        return Task(TaskKind.ENDORSE, ministry, _REVIEWER, about, barred=authors)
    return Task(TaskKind.REVISE, ministry, _ANALYST, about)


def of_recall(package: str, recall: str, ministry: str) -> Task:
    """What a partner's recall asks of this ministry, as a holder, until it has answered."""
    return Task(TaskKind.ANSWER_RECALL, ministry, DESK, ("package", package), cause=recall)


def of_holding(package: str, holding: Holding, now: str) -> list[Task]:
    """What a partner owes about a package that it was given."""
    state = holder_state(holding, now)
    about = ("package", package)
    if state in (HolderState.RECALL_SENT, HolderState.RECALL_RECEIPTED, HolderState.RECALL_REFUSED):
        return [Task(TaskKind.ACKNOWLEDGE_RECALL, holding.ministry, _REVIEWER, about)]
    if state in (HolderState.SENT, HolderState.RECEIPTED):
        return [Task(TaskKind.TAKE_UP_PACKAGE, holding.ministry, DESK, about)]
    return []


def of_reliance(
    change: Change, cause: str, affected: Iterable[Affected], ministry: str
) -> list[Task]:
    """Reviews that a change opens at this ministry: one per own decision that rests on it.

    The other decisions on the path are their own ministries' to review: each node opens its own.

    Args:
        change: what happened.
        cause: id of the recall, new package, amendment or delisting.
        affected: from `reliance.ripple`.
        ministry: this ministry.
    """
    kinds = {RelianceKind.FINDING, RelianceKind.DESIGNATION, RelianceKind.PROPOSAL}
    return [
        Task(
            TaskKind.REVIEW,
            ministry,
            _REVIEWER,
            (one.decision.kind.value, one.decision.id),
            key=change.value,
            cause=cause,
            path=one.path,
        )
        for one in affected
        if one.decision.ministry == ministry and one.decision.kind in kinds
    ]
