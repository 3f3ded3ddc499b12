"""Who opened the exhibits behind a draft, and a ministry that requires it before approving."""

from dataclasses import replace

import pytest

from api.domain.errors import Refused
from api.domain.four_eyes import FourEyes, FourEyesError
from api.services.authorising import Caller
from api.services.desk import evidence, exhibits, package_files
from api.services.node import Node
from api.services.statements import approving, previewing, reading_record
from tests.support import exchange
from tests.support.console import UK, US
from tests.support.federation import Federation

CONTENT = {
    "recipient": UK,
    "marking": exchange.body("release/1")["marking"],
    "legal_basis": "For the test.",
}


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


def strict(node: Node, *parts: str) -> Node:
    """The node of a ministry that asks these parts to have opened everything."""
    row = replace(node.four_eyes.rows["release"], reads_exhibits=frozenset(parts))
    return replace(node, four_eyes=FourEyes({**node.four_eyes.rows, "release": row}))


def draft(federation: Federation, by: str = "analyst") -> tuple[str, str, str]:
    """A release that waits: draft, package and its exhibit."""
    package = exchange.package(federation, US)
    officer = federation.officer(US, by)
    made = evidence.release(federation[US], officer, package, CONTENT)
    digest = evidence.read(federation[US], officer, package).exhibits[0].digest
    return made.id, package, digest


def approve(node: Node, officer: Caller, draft_id: str) -> None:
    seen = previewing.preview(node, officer, draft_id)
    approving.approve_recorded(node, officer, draft_id, seen.digest)


def line(node: Node, officer: Caller, draft_id: str) -> tuple[bool, bool]:
    (found,) = reading_record.of_draft(node, officer, draft_id)
    return found.prepared, found.mine


def test_storing_opening_and_fetching_are_seen_each_for_its_officer(federation):
    node = federation[US]
    made, package, digest = draft(federation, "analyst2")
    reviewer, analyst2 = federation.officer(US, "reviewer"), federation.officer(US, "analyst2")
    assert line(node, reviewer, made) == (False, False), "analyst stored it, analyst2 prepared"
    exhibits.open_exhibit(node, reviewer, digest)
    assert line(node, reviewer, made) == (False, True)
    for _ in package_files.open_file(node, analyst2, package):
        pass
    assert line(node, reviewer, made) == (True, True)


@pytest.mark.parametrize("part", ["approved", "prepared"])
def test_a_ministry_can_require_it_before_approving(federation, part):
    node = strict(federation[US], part)
    made, _, digest = draft(federation, "analyst2")
    reviewer = federation.officer(US, "reviewer")
    with pytest.raises(Refused) as refused:
        approve(node, reviewer, made)
    assert refused.value.code == "draft.exhibits-unread"
    exhibits.open_exhibit(node, federation.officer(US, "analyst"), digest)
    with pytest.raises(Refused):
        approve(node, reviewer, made)
    who = "reviewer" if part == "approved" else "analyst2"
    exhibits.open_exhibit(node, federation.officer(US, who), digest)
    approve(node, reviewer, made)


def test_where_nothing_is_required_nothing_is_refused(federation):
    made, _, _ = draft(federation)
    approve(federation[US], federation.officer(US, "reviewer"), made)


def test_what_a_finding_relies_on_is_behind_it():
    assert reading_record.packages_behind({"relies_on": ["a", "b", "a"]}) == ["a", "b"]
    assert reading_record.packages_behind({"package": "c", "evidence": [{"package": "d"}]}) == [
        "c",
        "d",
    ]
    assert reading_record.packages_behind({}) == []


def test_the_rule_needs_somebody_who_approves(federation):
    rows = {
        name: {
            "prepared_by": sorted(row.prepared_by),
            "approved_by": sorted(row.approved_by),
            "confirmed_by": sorted(row.confirmed_by),
            "own_key": sorted(row.own_key),
            "sealed_by_node": row.sealed_by_node,
            **({"confirm_within_hours": row.confirm_within_hours} if row.confirmed_by else {}),
        }
        for name, row in federation[US].four_eyes.rows.items()
    }
    rows["release"]["reads_exhibits"] = ["approved"]
    assert FourEyes.parse(rows).row("release/1").reads_exhibits == {"approved"}
    rows["recall"]["reads_exhibits"] = ["approved"]
    with pytest.raises(FourEyesError):
        FourEyes.parse(rows)
