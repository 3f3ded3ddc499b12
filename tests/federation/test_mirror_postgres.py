"""The exchange on PostgreSQL: the same statements, rows and states as on SQLite."""

from pathlib import Path

from api.records import tasks, threads
from api.services.desk import coverage, holdings, mirroring, proposals, subjects
from api.services.desk import tasks as lists
from api.services.desk.tasks import Scope
from tests.support.bodies import body
from tests.support.databases import Postgres
from tests.support.exchange import (
    UK,
    US,
    agreed,
    approve,
    designate,
    find,
    package,
    release,
    request,
    require_rows_as_derived,
    say,
)
from tests.support.federation import Federation
from tests.support.looking import seen
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS


def test_a_thread_between_two_nodes(tmp_path: Path, postgres_server: Postgres) -> None:
    urls = {US: postgres_server.fresh(), UK: postgres_server.fresh()}
    federation = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS), urls=urls)
    try:
        _story(federation)
        require_rows_as_derived(federation)
    finally:
        federation.close()


def _story(federation: Federation) -> None:
    us, uk = federation[US], federation[UK]
    analyst, reviewer = federation.officer(US, "analyst"), federation.officer(UK, "reviewer")
    listed = designate(federation, US, "Postgres Person", to=(UK,))
    held = package(federation, US, "Postgres")
    given = release(federation, US, held, UK)
    evidence = [{"release": given, "package": held}]
    thread = request(
        federation, US, UK, {"s1": listed}, {"s1": "Postgres Person"}, evidence=evidence
    )
    federation.settle()
    waiting = lists.tasks_page(uk, reviewer, Scope.MINE, limit=10)
    assert {one.kind for one in waiting} >= {"find"}
    find(federation, UK, thread, "s1", relies_on=[held])
    followed = designate(federation, UK, "Postgres Person", day="2021-03-22", to=(US,))
    say(federation, UK, thread, "effect", subject="s1", designation=followed)
    end = agreed(federation, thread)
    assert end.subjects["s1"].effects[0].designation == followed
    table = coverage.compare(us, analyst, "US:2020-07", "UK", "2021-03-22")
    assert table.listed == 1
    found = subjects.search(us, analyst, "postgres person", limit=10)
    assert {one.kind for one in found.candidates} == {"designation", "thread"}
    shown = holdings.of_peer(us, analyst, UK, None, limit=100, start=None)
    assert [(one.state, one.proven) for one in shown.items] == [("applied", True)]
    assert lists.tasks_page(us, analyst, Scope.PARTNERS, limit=10) != []
    ground = body("designation-proposal/1")["grounds"][0]
    content = body(
        "designation-proposal/1",
        regime="US-GLOMAG",
        grounds=[{**ground, "evidence": [{"package": held}]}],
    )
    row = proposals.create(us, analyst, content)
    row = proposals.submit(us, analyst, row.id, row.tag)
    us_reviewer = federation.officer(US, "reviewer")
    row = seen(proposals.endorse, us, us_reviewer, row.id, row.digest)
    approve(federation, US, proposals.share(us, analyst, row.id, [UK]))
    federation.settle()
    assert len(proposals.proposals_page(uk, reviewer, limit=10)) == 1
    assert len(mirroring.threads_page(uk, reviewer, threads.Wanted("open"), limit=10)) == 1
    assert uk.db.read(lambda c: tasks.unnoted(c, "2030-01-01T00:00:00.000Z", 10)) == []
    assert uk.db.read(lambda c: tasks.count(c, UK)) >= 1
