"""A recall reaches people: told why, asked to acknowledge, answered in the ministry's own words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from api.domain.errors import Conflict, NotFound, Refused
from api.records import packages, subjects
from api.records.log import EVENTS
from api.services.authorising import Caller
from api.services.desk import (
    described_entities,
    evidence,
    exhibits,
    package_files,
    proposals,
    recalls,
    subject_lines,
    tasks,
)
from api.services.desk import subjects as search
from api.services.desk.tasks import Closing, Scope, TaskView
from api.services.node import Node
from api.services.statements import approving, drafting, previewing
from api.wire.statements import Content
from tests.support import exchange
from tests.support.bodies import body
from tests.support.federation import Federation


def events(node: Node) -> list[RowMapping]:
    return node.db.read(lambda c: list(c.execute(select(EVENTS)).mappings()))


US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    yield made
    made.close()


def mine(federation: Federation, ministry: str, who: str) -> list[TaskView]:
    node, officer = federation[ministry], federation.officer(ministry, who)
    return tasks.tasks_page(node, officer, Scope.MINE, limit=50)


def us_exhibit(federation: Federation, package: str) -> str:
    rows = federation[US].db.read(lambda c: packages.exhibits_of(c, package))
    return rows[0].digest


def recalled(federation: Federation, instruction: str = "destroy") -> tuple[str, str]:
    package = exchange.package(federation, US, "The wrong image")
    for to in (UK, CA):
        exchange.release(federation, US, package, to)
    federation.settle()
    content = {"reason": "A wrong exhibit.", "instruction": instruction}
    reviewer = federation.officer(US, "reviewer")
    made = evidence.recall(federation[US], reviewer, package, content)
    federation.settle()
    return package, str(made.statement)


def test_a_received_package_is_work_until_somebody_takes_note(federation: Federation) -> None:
    package = exchange.package(federation, US, "News")
    exchange.release(federation, US, package, UK)
    federation.settle()
    (task,) = [one for one in mine(federation, UK, "analyst") if one.kind == "notice"]
    assert (task.about.id, task.title, task.asked_by) == (package, "News", US)
    assert task.names
    assert task.closable
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    tasks.close(uk, analyst, task.id, Closing("noted", ""))
    for who in ("analyst", "reviewer"):
        assert not [one for one in mine(federation, UK, who) if one.kind == "notice"]


def test_the_holders_people_are_told_why_and_what_to_do(federation: Federation) -> None:
    package, recall = recalled(federation)
    for who in ("analyst", "reviewer"):
        (task,) = [one for one in mine(federation, UK, who) if one.kind == "answer-recall"]
        assert (task.about.id, task.title, task.cause) == (package, "The wrong image", recall)
        assert (task.reason, task.asked_by) == ("A wrong exhibit.", US)
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    view = evidence.read(uk, analyst, package)
    assert view.recall is not None
    assert (view.recall.reason, view.recall.instruction) == ("A wrong exhibit.", "destroy")
    assert view.withheld
    assert (view.body, view.exhibits) == ({}, ())


def test_nothing_of_it_is_read_or_fetched_before_the_acknowledgement(
    federation: Federation,
) -> None:
    package, _ = recalled(federation)
    uk = federation[UK]
    analyst, reviewer = federation.officer(UK, "analyst"), federation.officer(UK, "reviewer")
    digest = us_exhibit(federation, package)
    for read in (
        lambda: package_files.open_file(uk, analyst, package),
        lambda: exhibits.open_exhibit(uk, analyst, digest),
    ):
        with pytest.raises(Conflict) as locked:
            read()
        assert locked.value.code == "recall.unacknowledged"
    assert recalls.acknowledge(uk, analyst, package).acknowledged
    assert evidence.read(uk, analyst, package).body["title"] == "The wrong image"
    assert b"".join(package_files.open_file(uk, analyst, package))
    # Each officer acknowledges for themselves; the originator's own are not locked out.
    assert evidence.read(uk, reviewer, package).withheld
    us, at_home = federation[US], federation.officer(US, "analyst")
    assert not evidence.read(us, at_home, package).withheld
    acts = [one["act"] for one in events(uk)]
    assert acts.count("recall.acknowledged") == 1


def test_whom_it_describes_is_shown_after_the_acknowledgement_alone(
    federation: Federation,
) -> None:
    package, _ = recalled(federation)
    uk = federation[UK]
    analyst, reviewer = federation.officer(UK, "analyst"), federation.officer(UK, "reviewer")
    (described,) = uk.db.read(lambda c: subjects.descriptions(c, limit=9))

    def shown(officer: Caller) -> list[bool]:
        return [
            package in str(described_entities.described_page(uk, officer, limit=50).entities),
            bool(search.search(uk, officer, "ZHU Hailun", limit=9).candidates),
            search.known(uk, officer, described.ref),
            bool(subject_lines.first_names(uk, officer, {described.ref})),
        ]

    assert shown(analyst) == [False] * 4
    recalls.acknowledge(uk, analyst, package)
    assert shown(analyst) == [True] * 4
    assert shown(reviewer) == [False] * 4


def test_no_own_package_lists_what_a_recall_keeps_shut(federation: Federation) -> None:
    """It would open the bytes unread, and keep them when the answer says that they are gone."""
    package, recall = recalled(federation)
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    with pytest.raises(Conflict) as shut:
        exchange.package(federation, UK, "The wrong image")
    assert shut.value.code == "recall.unanswered"
    with pytest.raises(Conflict):
        exhibits.open_exhibit(uk, analyst, us_exhibit(federation, package))
    exchange.issue(
        federation, UK, "recall-answer/1", (US,), {"recall": recall, "answer": "stopped"}
    )
    assert exchange.package(federation, UK, "The wrong image")


def test_what_a_ministry_held_before_the_recall_stays_its_own(federation: Federation) -> None:
    exchange.package(federation, UK, "The wrong image")
    recalled(federation)
    assert exchange.package(federation, UK, "The wrong image", summary="Found again.")


def test_each_holders_own_answer_is_shown_to_the_originator(federation: Federation) -> None:
    package, recall = recalled(federation)
    exchange.issue(
        federation, UK, "recall-answer/1", (US,), {"recall": recall, "answer": "destroyed"}
    )
    kept = {"recall": recall, "answer": "kept", "reason": "A court asks for it."}
    exchange.issue(federation, CA, "recall-answer/1", (US,), kept)
    federation.settle()
    us, analyst = federation[US], federation.officer(US, "analyst")
    said = {one.ministry: one for one in evidence.holders(us, analyst, package)}
    assert said[UK].answer == "destroyed"
    assert (said[CA].answer, said[CA].answer_reason) == ("kept", "A court asks for it.")
    assert all(one.recall_outcome == "applied" for one in said.values())
    for ministry in (UK, CA):
        left = [one.kind for one in mine(federation, ministry, "analyst")]
        assert "answer-recall" not in left


def test_an_answer_takes_a_second_officer(federation: Federation) -> None:
    _, recall = recalled(federation)
    uk = federation[UK]
    content = Content("recall-answer/1", (US,), {"recall": recall, "answer": "stopped"})
    made = drafting.create(uk, federation.officer(UK, "analyst"), content)
    assert made.state == "drafted"
    for who in ("analyst", "analyst2"):
        officer = federation.officer(UK, who)
        previewing.preview(uk, officer, made.id)
        with pytest.raises(Refused):
            approving.approve_recorded(uk, officer, made.id, made.digest)


def test_nothing_new_rests_on_what_was_recalled(federation: Federation) -> None:
    package, _ = recalled(federation)
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    ground = body("designation-proposal/1")["grounds"][0]
    resting = body(
        "designation-proposal/1", grounds=[{**ground, "evidence": [{"package": package}]}]
    )
    onward = Content(
        "onward-request/1", (US,), {"package": package, "recipient": CA, "purpose": "No."}
    )
    for act in (
        lambda: proposals.create(uk, analyst, resting),
        lambda: drafting.create(uk, analyst, onward),
    ):
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.code == "package.recalled"


def test_what_was_endorsed_before_the_recall_is_not_shared_after_it(
    federation: Federation,
) -> None:
    package = exchange.package(federation, US, "Soon recalled")
    exchange.release(federation, US, package, UK)
    federation.settle()
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    ground = body("designation-proposal/1")["grounds"][0]
    resting = body(
        "designation-proposal/1", grounds=[{**ground, "evidence": [{"package": package}]}]
    )
    made = proposals.create(uk, analyst, resting)
    made = proposals.submit(uk, analyst, made.id, made.tag)
    content = {"reason": "A wrong exhibit.", "instruction": "stop-use"}
    evidence.recall(federation[US], federation.officer(US, "reviewer"), package, content)
    federation.settle()
    with pytest.raises(Conflict):
        proposals.endorse(uk, federation.officer(UK, "reviewer"), made.id, made.digest)


def test_only_a_recalled_package_is_acknowledged(federation: Federation) -> None:
    package = exchange.package(federation, US, "Good")
    exchange.release(federation, US, package, UK)
    federation.settle()
    uk, analyst = federation[UK], federation.officer(UK, "analyst")
    with pytest.raises(Conflict):
        recalls.acknowledge(uk, analyst, package)
    with pytest.raises(NotFound):
        recalls.acknowledge(uk, analyst, "sha256:" + "0" * 64)
