from typing import Any

from api.domain.designations import ProposalState
from api.domain.drafts import DraftState
from api.domain.evidence import Holding
from api.domain.reliance import Change, RelianceKind, in_thread, ripple
from api.domain.tasks import (
    Pending,
    Task,
    TaskKind,
    of_draft,
    of_holding,
    of_proposal,
    of_reliance,
    of_thread,
)
from api.domain.threads.sequences import Record, fold
from tests.support.bodies import UNTIL, digest
from tests.support.statements import CA, UK, US, finding, opener, person, said

NOW = "2026-11-23T12:00:00.000Z"
LATER = "2027-12-31T00:00:00.000Z"


def opened(**changes: Any) -> Record:
    return Record((opener(("s1", "s2"), **changes),))


def kinds(record: Record) -> list[tuple[str, str, str]]:
    return sorted((task.kind.value, task.owed_by, task.key) for task in of_thread(fold(record)))


def test_a_new_request_is_to_be_taken_up_and_decided() -> None:
    assert kinds(opened()) == [
        ("acknowledge", UK, ""),
        ("find", UK, "s1"),
        ("find", UK, "s2"),
    ]
    assert all(task.due == UNTIL for task in of_thread(fold(opened())))
    assert ("acknowledge", UK, "") not in kinds(said(opened(), UK, "acknowledgement"))


def test_a_question_makes_a_task_for_the_requester() -> None:
    asked = said(opened(), UK, "question", question="q1", text="Which post?")
    assert ("answer", US, "q1") in kinds(asked)
    assert ("answer", US, "q1") not in kinds(said(asked, US, "answer", question="q1", text="This."))


def test_findings_lead_to_effects_second_looks_and_closure() -> None:
    record = said(opened(release_at=LATER), UK, "finding", **finding("s1"))
    record = said(record, UK, "finding", **finding("s2", "defer", until=UNTIL))
    tasks = {task.key: task for task in of_thread(fold(record))}
    assert (tasks["s1"].kind, tasks["s1"].due) == (TaskKind.EFFECT, LATER)
    assert (tasks["s2"].kind, tasks["s2"].due) == (TaskKind.FIND_AGAIN, UNTIL)
    record = said(record, UK, "effect", subject="s1", designation=digest("e1"))
    record = said(record, UK, "finding", **finding("s2", "decline"))
    assert kinds(record) == [("close", UK, "")]
    assert kinds(said(record, UK, "closure", reason="Done.")) == []


def test_a_withdrawn_request_is_only_to_be_closed() -> None:
    asked = said(opened(), UK, "question", question="q1", text="Which post?")
    assert kinds(said(asked, US, "withdrawal", reason="All.")) == [("close", UK, "")]


def test_what_crossed_the_closure_is_to_be_reopened() -> None:
    record = said(opened(), UK, "finding", **finding("s1", "decline"))
    record = said(record, UK, "finding", **finding("s2", "decline"))
    record = said(record, UK, "closure", reason="Done.")
    record = said(record, US, "amendment", 2, note="One more.", add=[person("s3")])
    assert kinds(record) == [("reopen", US, "s3")]


def test_a_void_thread_asks_nothing() -> None:
    record = opened()
    assert kinds(record.voiding(record.opener.id)) == []


def pending(state: DraftState, *approvers: str, **members: Any) -> Pending:
    return Pending("x1", state, frozenset({"ann"}), frozenset(approvers), **members)


def test_drafts_wait_for_others_than_their_authors() -> None:
    (task,) = of_draft(pending(DraftState.DRAFTED, "reviewer"), US)
    assert (task.kind, task.roles, task.barred) == (
        TaskKind.APPROVE,
        ("reviewer",),
        frozenset({"ann"}),
    )
    assert of_draft(pending(DraftState.DRAFTED), US) == []
    (returned,) = of_draft(pending(DraftState.RETURNED, "reviewer"), US)
    assert returned.kind is TaskKind.REVISE
    for state in (DraftState.SEALED, DraftState.DISCARDED):
        assert of_draft(pending(state, "reviewer"), US) == []


def test_a_recall_waits_for_its_second_officer() -> None:
    (task,) = of_draft(pending(DraftState.SEALED, "reviewer", confirm_by=UNTIL), US)
    assert (task.kind, task.due, task.barred) == (TaskKind.CONFIRM, UNTIL, frozenset({"ann"}))
    confirmed = pending(DraftState.SEALED, "reviewer", confirm_by=UNTIL, confirmed_by="rae")
    assert of_draft(confirmed, US) == []


def test_proposals_wait_for_a_reviewer_or_for_their_authors() -> None:
    submitted = of_proposal("p1", ProposalState.SUBMITTED, frozenset({"ann"}), US)
    assert (submitted.kind, submitted.roles) == (TaskKind.ENDORSE, ("reviewer",))
    assert submitted.barred == {"ann"}
    returned = of_proposal("p1", ProposalState.RETURNED, frozenset({"ann"}), US)
    assert (returned.kind, returned.barred) == (TaskKind.REVISE, frozenset())


def test_what_partners_owe_about_packages() -> None:
    sent = Holding(UK, released_at=NOW, receipted_at=NOW)
    (task,) = of_holding(digest("b1"), sent, NOW)
    assert (task.kind, task.owed_by) == (TaskKind.TAKE_UP_PACKAGE, UK)
    recalled = Holding(UK, released_at=NOW, recalled_at=NOW)
    (task,) = of_holding(digest("b1"), recalled, NOW)
    assert task.kind is TaskKind.ACKNOWLEDGE_RECALL
    done = Holding(UK, released_at=NOW, disposed_at=NOW, outcome="applied")
    assert of_holding(digest("b1"), done, NOW) == []


def test_a_change_opens_reviews_of_own_decisions_only() -> None:
    record = said(opened(), UK, "finding", **finding("s1", relies_on=[digest("b1")]))
    affected = ripple(in_thread(fold(record)), (RelianceKind.PACKAGE, digest("b1")))
    (task,) = of_reliance(Change.RECALLED, digest("c1"), affected, UK)
    assert (task.kind, task.about, task.cause) == (
        TaskKind.REVIEW,
        ("finding", record.addressee[0].id),
        digest("c1"),
    )
    assert task.path == (record.addressee[0].id,)
    assert of_reliance(Change.RECALLED, digest("c1"), affected, CA) == []


def test_every_kind_says_why() -> None:
    assert all(Task(kind, US, (), ("thread", "a")).why.endswith(".") for kind in TaskKind)


def test_a_review_says_what_changed() -> None:
    said_of = {
        change: Task(TaskKind.REVIEW, US, (), ("finding", "a"), key=change.value).why
        for change in Change
    }
    assert len(set(said_of.values())) == len(Change)
    assert "recalled" in said_of[Change.RECALLED]
