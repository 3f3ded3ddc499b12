"""Fifty approvals of one draft by two reviewers at once make exactly one statement."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from api.domain.errors import Conflict
from api.records.drafts import APPROVALS, DRAFTS
from api.records.statements import STATEMENTS
from api.records.streams import OUTBOX
from api.services.node import Node
from api.services.statements import approving, previewing
from api.web import problems
from tests.support.bodies import body
from tests.support.exchange import UK, US, designate, draft, request
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

PARALLEL = 50


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS), urls={UK: database_url})
    yield made
    made.close()


def approvals(node: Node, federation: Federation, draft_id: str, digest: str) -> Counter[str]:
    """What fifty approvals at once come to, by status and code."""
    officers = [federation.officer(node.ministry, name) for name in ("reviewer", "reviewer2")]
    for officer in officers:
        previewing.preview(node, officer, draft_id)

    def approve(number: int) -> str:
        try:
            approving.approve_recorded(node, officers[number % 2], draft_id, digest)
        except Conflict as refusal:
            return f"{problems.status_of(refusal)} {refusal.code}"
        return "approved"

    with ThreadPoolExecutor(PARALLEL) as pool:
        return Counter(pool.map(approve, range(PARALLEL)))


def count(node: Node, table: Table, column: str, value: str) -> int:
    query = select(func.count()).select_from(table).where(table.c[column] == value)
    return node.db.read(lambda connection: connection.execute(query).scalar_one())


def judge(node: Node, found: Counter[str], draft_id: str, kind: str) -> None:
    assert found["approved"] == 1
    assert sum(found.values()) == PARALLEL
    assert set(found) <= {
        "approved",
        "409 draft.stale",
        "409 draft.sealed",
        "409 thread.moved",
    }
    assert count(node, STATEMENTS, "type", kind) == 1
    assert count(node, APPROVALS, "draft", draft_id) == 1
    assert count(node, DRAFTS, "state", "sealed") == 1
    assert count(node, OUTBOX, "kind", "deliver") == 1


def test_of_a_designation(federation: Federation) -> None:
    uk = federation[UK]
    members = body("designation/1", jurisdiction="UK", regime="UK-GHR", mirrors=[])
    made = draft(federation, UK, "designation/1", (US,), members)
    found = approvals(uk, federation, made.id, made.digest)
    judge(uk, found, made.id, "designation/1")


def test_of_a_finding(tmp_path: Path) -> None:
    federation = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS))
    try:
        uk = federation[UK]
        listed = designate(federation, US, "Parallel", to=(UK,))
        thread = request(federation, US, UK, {"s1": listed})
        federation.settle()
        members = {
            "subject": "s1",
            "finding": "decline",
            "reasons": {"releasable": "No."},
            "relies_on": [],
        }
        made = draft(federation, UK, "mirror-finding/1", (US,), members, thread)
        found = approvals(uk, federation, made.id, made.digest)
        judge(uk, found, made.id, "mirror-finding/1")
        federation.settle()
        assert count(federation[US], STATEMENTS, "type", "mirror-finding/1") == 1
    finally:
        federation.close()
