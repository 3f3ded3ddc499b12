"""What cannot be decided here waits alone: neighbours go on, and people settle it (PROTOCOL §9)."""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from api.cli.node import status_lines
from api.domain.errors import NotFound, Refused
from api.jobs.process_inbox import process_inbox
from api.jobs.reconcile import judge_parked
from api.records import packages, parked, streams
from api.services.desk import tasks
from api.services.desk.tasks import Scope
from api.services.operations import status
from api.services.road import undecidable
from api.services.road.undecidable import Settling
from api.services.statements.effects import EFFECTS
from api.web.metrics import NodeFigures, Subject
from tests.federation.test_bad_peer_statements import (
    designation,
    id_of,
    outcomes,
    package,
    release_of,
)
from tests.support import exchange
from tests.support.bad_peer import BadPeer, acts, contents
from tests.support.federation import Federation
from tests.support.signing import CA, UK

NODE = "us-treasury"


def waiting(federation: Federation) -> list[tuple[str, str]]:
    rows = federation[NODE].db.read(parked.every)
    return [(row.code, row.error or "") for row in rows]


def broken(monkeypatch: pytest.MonkeyPatch, type_: str, error: Exception, part: str) -> None:
    """Let one effect meet a defect."""

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(EFFECTS[type_], part, fail)


def test_only_the_statement_that_meets_a_defect_waits(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = exchange.body(
        "designation-proposal/1", regime="UK-GHR", reasons={"releasable": "Because."}
    )
    items = [
        bad.commit(bad.statement("designation/1", designation())),
        bad.commit(bad.statement("designation-proposal/1", proposal)),
        bad.commit(bad.statement("designation/1", designation(list_reference="Second"))),
    ]
    other = BadPeer(CA, NODE)
    ca = designation(jurisdiction="CA", regime="CA-SEMA")
    with monkeypatch.context() as patched:
        broken(patched, "designation-proposal/1", OverflowError("secret"), "receive")
        assert outcomes(federation, bad.deliver(*items)) == [("applied", None), ("applied", None)]
        assert waiting(federation) == [("statement.undecidable", "OverflowError")]
        later = bad.commit(bad.statement("designation/1", designation(list_reference="Third")))
        assert outcomes(federation, bad.deliver(later))[-1] == ("applied", None)
        item = other.commit(other.statement("designation/1", ca))
        assert federation.receive(NODE, other.deliver(item)).status == 200
        federation.step(NODE)
        assert len(contents(federation[NODE])["designations"]) == 4
        assert not judge_parked(federation[NODE])
    assert ("statement.parked", "statement.undecidable") in acts(federation[NODE])
    assert not judge_parked(federation[NODE]), "a defect waits for an administrator"
    admin, statement = federation.officer(NODE, "admin"), id_of(items[1].envelope)
    assert undecidable.settle(federation[NODE], admin, "uk-fcdo", statement, Settling.RETRY)
    assert waiting(federation) == []
    assert len(contents(federation[NODE])["proposals"]) == 1
    assert [row["state"] for row in contents(federation[NODE])["inbox"]].count("applied") == 5


def test_what_is_still_broken_waits_on_and_can_be_refused(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = bad.commit(bad.statement("designation/1", designation()))
    node, admin = federation[NODE], federation.officer(NODE, "admin")
    broken(monkeypatch, "designation/1", ZeroDivisionError(), "receive")
    assert outcomes(federation, bad.deliver(item)) == []
    statement = id_of(item.envelope)
    assert not undecidable.settle(node, admin, "uk-fcdo", statement, Settling.RETRY)
    assert waiting(federation) == [("statement.undecidable", "ZeroDivisionError")]
    (shown,) = undecidable.waiting(node, federation.officer(NODE, "auditor"))
    assert (shown.ministry, shown.statement, shown.part) == ("uk-fcdo", statement, "receive")
    with pytest.raises(Refused):
        undecidable.settle(
            node, federation.officer(NODE, "reviewer"), "uk-fcdo", statement, Settling.REFUSE
        )
    assert undecidable.settle(node, admin, "uk-fcdo", statement, Settling.REFUSE)
    (row,) = contents(node)["inbox"]
    assert (row["state"], row["code"]) == ("refused", "statement.undecidable")
    (disposition,) = [r for r in contents(node)["statements"] if r["type"] == "disposition/2"]
    assert row["disposition"] == disposition["id"]
    with pytest.raises(NotFound):
        undecidable.settle(node, admin, "uk-fcdo", statement, Settling.REFUSE)


def test_refusing_runs_nothing_that_failed(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = bad.commit(bad.statement("designation/1", designation(jurisdiction="US")))
    broken(monkeypatch, "designation/1", ZeroDivisionError(), "refused")
    assert outcomes(federation, bad.deliver(item)) == []
    assert waiting(federation) == [("statement.undecidable", "ZeroDivisionError")]
    admin = federation.officer(NODE, "admin")
    assert undecidable.settle(
        federation[NODE], admin, "uk-fcdo", id_of(item.envelope), Settling.REFUSE
    )


def test_an_outage_is_waited_out(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    item = bad.commit(bad.statement("designation/1", designation()))
    assert federation.receive(NODE, bad.deliver(item)).status == 200
    with monkeypatch.context() as patched:
        broken(patched, "designation/1", OperationalError("x", {}, busy), "receive")
        with pytest.raises(Exception, match=r"."):
            process_inbox(federation[NODE], federation.pool)
    assert waiting(federation) == []
    federation.step(NODE)
    assert [row["state"] for row in contents(federation[NODE])["inbox"]] == ["applied"]


def test_a_statement_that_the_database_refuses_for_ever_is_no_outage(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = sqlite3.OperationalError("too many SQL variables")
    wrong.sqlite_errorcode = sqlite3.SQLITE_ERROR
    item = bad.commit(bad.statement("designation/1", designation()))
    broken(monkeypatch, "designation/1", OperationalError("x", {}, wrong), "receive")
    assert outcomes(federation, bad.deliver(item)) == []
    assert waiting(federation) == [("statement.undecidable", "OperationalError")]


def released(bad: BadPeer) -> tuple[Any, str, str]:
    """An item that releases a package; with the ids of package and release."""
    raw = bad.statement("evidence-package/1", package())
    item = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw)
    return item, id_of(raw), id_of(item.envelope)


def test_what_names_it_waits_behind_and_a_recall_does_not(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, package_id, release_id = released(bad)
    told = designation()
    beside = bad.statement("designation/1", told)
    request = exchange.body(
        "mirror-request/1",
        designations={"s1": id_of(beside)},
        evidence=[{"release": release_id, "package": package_id}],
    )
    from api.wire.statements import Place

    opener = bad.commit(bad.statement("mirror-request/1", request, place=Place(1)), beside)
    recall = {"package": package_id, "reason": "Wrong.", "instruction": "stop-use"}
    with monkeypatch.context() as patched:
        broken(patched, "release/1", KeyError("x"), "receive")
        assert outcomes(federation, bad.deliver(item, opener)) == []
        assert [code for code, _ in waiting(federation)] == [
            "statement.undecidable",
            "statement.behind-parked",
        ]
        said = outcomes(federation, bad.deliver(bad.commit(bad.statement("recall/1", recall))))
        assert said == [("applied", None)]
    while judge_parked(federation[NODE]):
        pass
    assert waiting(federation) == []
    rows = {row["statement"]: row for row in contents(federation[NODE])["inbox"]}
    assert (rows[release_id]["state"], rows[release_id]["code"]) == ("refused", "package.recalled")
    assert rows[id_of(opener.envelope)]["state"] == "applied"
    assert federation[NODE].db.read(lambda c: packages.by_id(c, package_id)) is None


def test_a_third_ministry_recalls_no_parked_release(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, package_id, _ = released(bad)
    broken(monkeypatch, "release/1", KeyError("x"), "receive")
    outcomes(federation, bad.deliver(item))
    other = BadPeer(CA, NODE)
    recall = {"package": package_id, "reason": "Wrong.", "instruction": "destroy"}
    assert (
        federation.receive(
            NODE, other.deliver(other.commit(other.statement("recall/1", recall)))
        ).status
        == 200
    )
    federation.step(NODE)
    judge_parked(federation[NODE])
    assert [code for code, _ in waiting(federation)] == ["statement.undecidable"]


def test_beyond_its_number_the_next_is_refused(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked, "MOST", 2)
    broken(monkeypatch, "designation/1", KeyError("x"), "receive")
    items = [
        bad.commit(bad.statement("designation/1", designation(list_reference=str(n))))
        for n in range(3)
    ]
    assert outcomes(federation, bad.deliver(*items)) == [("refused", "statement.parked-full")]
    assert len(waiting(federation)) == 2


def test_a_defect_in_what_follows_from_a_disposition_leaves_the_others_noted(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_id = exchange.package(federation, NODE)
    exchange.release(federation, NODE, package_id, "uk-fcdo")
    told = exchange.designate(federation, NODE, "A Person", to=("uk-fcdo",))
    with monkeypatch.context() as patched:
        broken(patched, "release/1", KeyError("x"), "disposed")
        federation.settle()
        assert waiting(federation) == [("statement.undecidable", "KeyError")]
        noted = federation[NODE].db.read(lambda c: streams.disposition_of(c, "uk-fcdo", told))
        assert noted is not None
    (row,) = federation[NODE].db.read(parked.every)
    admin = federation.officer(NODE, "admin")
    assert undecidable.settle(federation[NODE], admin, "uk-fcdo", row.statement, Settling.RETRY)
    (holder,) = federation[NODE].db.read(lambda c: packages.holders_of(c, package_id))
    assert holder.state == "applied"


def test_whoever_runs_the_node_sees_what_waits_and_what_waits_too_long(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the status, the metrics, the command, the console's page and the administrators' tasks."""
    us, admin = federation[NODE], federation.officer(NODE, "admin")
    broken(monkeypatch, "designation/1", KeyError("x"), "receive")
    item = bad.commit(bad.statement("designation/1", designation()))
    outcomes(federation, bad.deliver(item))
    (row,) = us.db.read(parked.every)
    found = status.status(us, admin)
    assert found.parked == {UK.id: status.ParkedCounts(1, 0, 0, row.at)}
    (task,) = tasks.tasks_page(us, admin, Scope.MINE, limit=10)
    assert (task.kind, task.about.id, task.asked_by) == ("settle-parked", row.statement, UK.id)
    assert not task.overdue
    for name in ("analyst", "reviewer", "auditor"):
        seen = tasks.tasks_page(us, federation.officer(NODE, name), Scope.MINE, limit=10)
        assert "settle-parked" not in {one.kind for one in seen}
    said = "\n".join(status_lines(json.loads(json.dumps(asdict(found)))))
    assert "uk-fcdo: 1 since" in said
    assert "OVERDUE" not in said
    federation.clock.sleep(24 * 3600)
    found = status.status(us, admin)
    assert found.parked[UK.id].overdue == 1
    assert "1 OVERDUE" in "\n".join(status_lines(json.loads(json.dumps(asdict(found)))))
    (task,) = tasks.tasks_page(us, admin, Scope.OVERDUE, limit=10)
    assert task.overdue
    figures = {
        (sample.name, sample.labels["peer"]): sample.value
        for metric in NodeFigures(Subject(us)).collect()
        for sample in metric.samples
        if sample.name.startswith("comity_parked")
    }
    assert figures["comity_parked_statements", UK.id] == 1
    assert figures["comity_parked_overdue", UK.id] == 1
    assert figures["comity_parked_overdue", CA.id] == 0
    # Refused, it is gone from all of them.
    assert undecidable.settle(us, admin, UK.id, row.statement, Settling.REFUSE)
    assert status.status(us, admin).parked == {}
    assert tasks.tasks_page(us, admin, Scope.MINE, limit=10) == []
