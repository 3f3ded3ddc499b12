"""Keyed calls that meet: one of them does the work, on both databases; and pairs that must agree."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from api.domain.errors import Conflict
from api.records import packages
from api.records.metadata import METADATA
from api.records.subjects import VERDICTS
from api.services.audit import audit_notes, audit_samples, erasure
from api.services.audit.audit_notes import NewNote
from api.services.audit.audit_samples import NewSample, Rule
from api.services.audit.erasure import NewOrder
from api.services.authorising import Caller
from api.services.desk import officers, recusing, subjects
from api.services.desk.officers import NewOfficer
from api.services.desk.recusing import Aside
from api.services.desk.subjects import Judgement
from api.services.node import Node
from tests.support import journeys
from tests.support.exchange import UK, US, designate
from tests.support.federation import Federation

PARALLEL = 12
Use = Callable[[Node, Caller], Any]


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def at_once(use: Use, node: Node, caller: Caller) -> list[Any]:
    """What many calls at one moment return or raise."""

    def one(_number: int) -> Any:
        try:
            return use(node, caller)
        except Conflict as refusal:
            return refusal

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, range(PARALLEL)))


def rows(node: Node, table: str) -> int:
    query = select(func.count()).select_from(METADATA.tables[table])
    return node.db.read(lambda connection: connection.execute(query).scalar_one())


def note(node: Node, caller: Caller) -> Any:
    return audit_notes.write(node, caller, NewNote("question", "Why so quick?", leaf=3)).id


def sample(node: Node, caller: Caller) -> Any:
    new = NewSample("spring", Rule(count=2, seed="s", acts=("draft.created",)))
    return audit_samples.save(node, caller, new).id


def order(node: Node, caller: Caller) -> Any:
    return erasure.propose(node, caller, NewOrder("event", "5", "High Court", "QB-1")).id


def hired(node: Node, caller: Caller) -> Any:
    new = NewOfficer("A New Person", [("https://id.example", "new")])
    return officers.propose_officer(node, caller, new).id


def stood_aside(node: Node, caller: Caller) -> Any:
    (package,) = node.db.read(lambda connection: packages.page(connection, limit=1))
    return recusing.recuse(node, caller, Aside("", package.id, "A relative.")).object


MADE: dict[str, tuple[str, str, Use]] = {
    "note": ("auditor", "review_notes", note),
    "sample": ("auditor", "audit_samples", sample),
    "erasure": ("admin", "erasure_orders", order),
    "officer": ("admin", "officers", hired),
    "recusal": ("analyst", "recusals", stood_aside),
}


def test_calls_with_one_key_that_meet_do_the_work_once(federation: Federation) -> None:
    journeys.exchange(federation, 1)
    journeys.witness_all(federation)
    us = federation[US]
    for name, (who, table, use) in MADE.items():
        caller = replace(federation.officer(US, who), idempotency_key=f"key-{name}")
        before = rows(us, table)
        found = at_once(use, us, caller)
        assert len({str(one) for one in found}) == 1, name
        assert rows(us, table) == before + 1, name


def test_recusals_that_meet_without_a_key(federation: Federation) -> None:
    us = federation[US]
    journeys.exchange(federation, 1)
    found = at_once(stood_aside, us, federation.officer(US, "analyst"))
    refusals = [one.code for one in found if isinstance(one, Conflict)]
    assert refusals == ["recusal.stands"] * (PARALLEL - 1)


def test_of_verdicts_that_meet_one_stands(federation: Federation) -> None:
    us, caller = federation[US], federation.officer(US, "analyst")
    one, other = (
        f"designation:{designate(federation, US, name, to=(UK,))}" for name in ("One", "Two")
    )

    def judge(node: Node, officer: Caller) -> Any:
        return subjects.record_verdict(node, officer, Judgement(one, other, "same", "By post."))

    found = at_once(judge, us, caller)
    assert len({row.id for row in found}) == PARALLEL
    standing = select(func.count()).select_from(VERDICTS).where(VERDICTS.c.replaced_by.is_(None))
    assert us.db.read(lambda connection: connection.execute(standing).scalar_one()) == 1
    assert subjects.search(us, caller, "one", limit=5).verdicts
