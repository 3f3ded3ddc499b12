"""Erasure under a legal order: the body goes, every proof stays, the gap is visible everywhere."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Conflict, Invalid, NotFound, Refused
from api.domain.verification.export import verify_export
from api.records import audit, log, packages
from api.services.audit import auditing, erasure, fsck
from api.services.audit.erasure import NewOrder
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.desk import exhibits, package_files
from api.services.log import checkpoints
from api.services.node import Node
from api.services.recovery import backups, recovering
from api.tlog.merkle import leaf_hash
from api.tlog.proofs import verify_inclusion
from api.wire.digests import digest as digest_of
from api.wire.export import layout
from tests.support import events, journeys
from tests.support.disasters import lose, restore
from tests.support.exports import second_verdict, second_verifier, take_apart
from tests.support.federation import Federation
from tests.support.looking import seen

US, UK = "us-treasury", "uk-fcdo"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    journeys.exchange(made)
    journeys.witness_all(made)
    yield made
    made.close()


def order(kind: str, target: str) -> NewOrder:
    return NewOrder(kind, target, "High Court, Queen's Bench Division", "QB-2026-001234")


def carried_out(federation: Federation, kind: str, target: str) -> str:
    node = federation[US]
    row = erasure.propose(node, federation.officer(US, "admin"), order(kind, target))
    done = seen(erasure.approve, node, federation.officer(US, "admin2"), row.id)
    assert done.state == "carried-out"
    return str(row.id)


def leaf_of(node: Node, act: str) -> int:
    (row, *_) = node.db.read(lambda c: log.events_page(c, limit=1, act=act))
    return int(row.leaf_index)


def checked(federation: Federation, name: str = US) -> fsck.Report:
    node = federation[name]
    trust = fsck.Trust(federation.membership)
    report = node.db.read(lambda c: fsck.check(c, trust, store=node.store))
    assert [finding.to_json() for finding in report.findings] == []
    return report


def lines_of(federation: Federation, name: str = US, **wanted: Any) -> list[dict[str, Any]]:
    auditor = federation.officer(name, "auditor")
    made = exporting.export(federation[name], auditor, Wanted(**{"purpose": "gaps", **wanted}))
    with made.file as file:
        data = file.read()
    verify_export(io.BytesIO(data), federation.membership)
    assert second_verdict(second_verifier(), data, federation.membership).code == ""
    return [json.loads(line) for line in take_apart(data)[layout.ENTRIES].splitlines()]


def test_an_erased_event_leaves_a_gap_and_every_proof(federation: Federation) -> None:
    node = federation[US]
    index = leaf_of(node, "draft.created")
    head = node.db.read(log.newest_head)
    assert head is not None
    size, root = head.size, head.root_hash
    before = node.db.read(lambda c: audit.event_at(c, index))
    assert before is not None
    entry = checkpoints.entry_of(before)
    path = node.db.read(lambda c: checkpoints.prove_inclusion(c, index, size))
    line = lines_of(federation)[index]

    identifier = carried_out(federation, "event", str(index))
    federation.settle()
    journeys.witness_all(federation)

    row = node.db.read(lambda c: audit.event_at(c, index))
    assert row is not None
    assert (row.body, row.salt_e, row.actor, row.time) == (None, None, "", "")
    assert before.actor not in json.dumps({k: str(v) for k, v in asdict(row).items()})
    # The old proof, and the old line's commitments.
    verify_inclusion(index, size, leaf_hash(entry), path, root)
    gap = lines_of(federation)[index]
    assert (gap["e"], gap["s"]) == (line["e"], line["s"])
    assert (gap["event"], gap["salt_e"], gap["gap"]) == (None, None, "erased")
    known = erasure.gaps(node, federation.officer(US, "auditor"))
    assert identifier in [each.id for each in known.erased]
    events = [each for each in known.erased if each.kind == "event"]
    assert checked(federation).erased == len(events)
    told = auditing.events(node, federation.officer(US, "auditor"), auditing.Wanted(), limit=500)
    (shown,) = [each for each in told if each.index == index]
    assert (shown.gap, shown.erased, shown.event) == ("erased", True, None)
    acts = [each.event["act"] for each in told if each.event]
    assert {"erasure.proposed", "erasure.approved", "body.erased"} <= set(acts)


def test_the_statement_of_an_erased_event_can_still_be_proven(federation: Federation) -> None:
    """Its half of the leaf stays: what a partner holds is not touched by what is erased here."""
    node = federation[US]
    row = next(
        each
        for each in node.db.read(events.sequenced)
        if each.envelope_digest is not None and each.body is not None
    )
    opening = checkpoints.opening_of
    before = node.db.read(lambda c: opening(c, row))
    carried_out(federation, "event", str(row.leaf_index))
    after = node.db.read(lambda c: audit.event_at(c, row.leaf_index))
    assert after is not None
    assert node.db.read(lambda c: opening(c, after)) == before
    federation.settle()
    journeys.witness_all(federation)
    line = lines_of(federation)[row.leaf_index]
    assert line["statement"] == row.statement
    checked(federation)


def test_an_erased_exhibit_is_gone_and_its_digest_stays(federation: Federation) -> None:
    node = federation[US]
    journeys.submit(federation, title="With a picture", exhibit=b"a picture\n" * 20)
    digest = next(
        row["digest"]
        for row in node.db.read(lambda c: c.execute(packages.EXHIBITS.select()).mappings().all())
        if row["size"] == 200
    )
    assert node.store.head(digest) is not None
    carried_out(federation, "exhibit", digest)
    federation.settle()
    assert node.store.head(digest) is None
    assert node.db.read(lambda c: packages.exhibits_by_digest(c, [digest]))[digest].state == (
        "erased"
    )
    checked(federation)


def test_no_file_of_the_database_holds_an_erased_event(tmp_path: Path) -> None:
    made = Federation(tmp_path / "federation")
    journeys.exchange(made)
    node = made[US]
    index = leaf_of(node, "draft.created")
    row = node.db.read(lambda c: audit.event_at(c, index))
    assert row is not None

    def held() -> int:
        files = [path.read_bytes() for path in (tmp_path / "federation" / US).glob("node.db*")]
        assert len(files) > 1
        return sum(data.count(row.id.encode()) + data.count(row.body) for data in files)

    assert held() > 0
    carried_out(made, "event", str(index))
    assert held() == 0
    made.close()


def test_what_is_erased_does_not_come_back(federation: Federation) -> None:
    node, analyst = federation[US], federation.officer(US, "analyst")
    exhibit = b"a letter\n" * 21
    package = journeys.submit(federation, title="With a letter", exhibit=exhibit)
    digest = digest_of(exhibit)
    carried_out(federation, "exhibit", digest)
    with pytest.raises(Conflict) as refusal:
        exhibits.store_exhibit(node, analyst, digest, len(exhibit), iter([exhibit]))
    assert refusal.value.code == "exhibit.erased"
    assert node.store.head(digest) is None
    with pytest.raises(Conflict) as refusal:
        package_files.open_file(node, analyst, package)
    assert refusal.value.code == "package.exhibits-erased"
    federation.settle()
    checked(federation)


def test_a_crash_before_the_bytes_are_gone_is_seen_and_mended(federation: Federation) -> None:
    node = federation[US]
    exhibit = b"an old map\n" * 9
    journeys.submit(federation, title="With a map", exhibit=exhibit)
    rows = node.db.read(lambda c: c.execute(packages.EXHIBITS.select()).mappings().all())
    digest = next(row["digest"] for row in rows if row["size"] == len(exhibit))
    identifier = carried_out(federation, "exhibit", digest)
    node.store.put(digest, len(exhibit), iter([exhibit]))
    trust = fsck.Trust(federation.membership)
    report = node.db.read(lambda c: fsck.check(c, trust, store=node.store))
    assert report.first is not None
    assert (report.first.table, report.first.row) == ("exhibits", (digest,))
    erasure.approve(node, federation.officer(US, "admin2"), identifier)
    checked(federation)


def test_it_takes_two_administrators(federation: Federation) -> None:
    node = federation[US]
    federation.settle()
    index = str(leaf_of(node, "package.submitted"))
    admin = federation.officer(US, "admin")
    for name in ("analyst", "reviewer", "auditor"):
        with pytest.raises(Refused):
            erasure.propose(node, federation.officer(US, name), order("event", index))
    row = erasure.propose(node, admin, order("event", index))
    with pytest.raises(Conflict, match="waits"):
        erasure.propose(node, admin, order("event", index))
    with pytest.raises(Refused) as refusal:
        erasure.approve(node, admin, row.id)
    assert refusal.value.code == "policy.own-proposal"
    event = node.db.read(lambda c: audit.event_at(c, int(index)))
    assert event is not None
    assert event.body is not None
    second = federation.officer(US, "admin2")
    assert erasure.reject(node, second, row.id).state == "rejected"
    for decide in (erasure.approve, erasure.reject):
        with pytest.raises(Conflict, match="decided"):
            decide(node, second, row.id)
        for id_ in (row.id, "0" * 32):
            with pytest.raises(Refused):
                decide(node, federation.officer(US, "analyst"), id_)
        with pytest.raises(NotFound):
            decide(node, second, "0" * 32)
    assert {each.state for each in erasure.listed(node, admin)} >= {"rejected"}
    with pytest.raises(Refused):
        erasure.listed(node, federation.officer(US, "analyst"))


@pytest.mark.parametrize(
    ("kind", "target"),
    [("event", "999999"), ("event", "-1"), ("event", "x"), ("exhibit", "sha256:" + "0" * 64)],
)
def test_what_cannot_be_erased(federation: Federation, kind: str, target: str) -> None:
    with pytest.raises(NotFound):
        erasure.propose(federation[US], federation.officer(US, "admin"), order(kind, target))


def test_a_sealed_statement_is_no_target_and_stays(federation: Federation) -> None:
    node, admin = federation[US], federation.officer(US, "admin")
    (package, *_) = node.db.read(lambda connection: packages.page(connection, limit=1))
    for kind in (audit.EXHIBIT, audit.EVENT):
        with pytest.raises(NotFound) as refused:
            erasure.propose(node, admin, order(kind, package.id))
        assert "Sealed statements are not erased" in refused.value.message
    assert node.db.read(lambda connection: packages.by_id(connection, package.id)) == package


def test_what_accounts_for_gaps_stays(federation: Federation) -> None:
    node = federation[US]
    index = leaf_of(node, "node.initialised")
    with pytest.raises(Invalid, match="accounts"):
        erasure.propose(node, federation.officer(US, "admin"), order("event", str(index)))
    incomplete = NewOrder("event", "1", " ", "x")
    with pytest.raises(Invalid, match="who ordered"):
        erasure.propose(node, federation.officer(US, "admin"), incomplete)


def test_nothing_vanishes_without_an_order(federation: Federation) -> None:
    """The same emptying by a foreign hand is a finding."""
    node = federation[UK]
    index = leaf_of(node, "message.received")
    trust = fsck.Trust(federation.membership)
    with node.db.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        audit.empty_event(connection, index)
        report = fsck.check(connection, trust)
        connection.rollback()
    assert report.first is not None
    assert (report.first.index, report.first.table) == (index, "events")


def test_a_recovered_log_is_exported_with_its_losses(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("recovered")
    made = Federation(folder / "nodes")
    package = journeys.submit(made)
    journeys.release(made, package, UK)
    made.settle()
    backup = backups.make(made[US], folder / "backups")
    second = journeys.submit(made, title="Lost later", exhibit=b"lost\n" * 9)
    journeys.release(made, second, UK)
    made.settle()
    journeys.witness_all(made)
    lose(made, US)
    us = restore(made, US, backup, folder / "new")
    found = recovering.recover(us)
    assert found.log.bare > 0
    assert found.log.stated > 0
    made.settle()
    journeys.witness_all(made)
    lines = lines_of(made)
    assert sum("leaf" in line for line in lines) == found.log.bare
    assert sum(line.get("gap") == "lost" for line in lines) == found.log.stated
    report = checked(made)
    assert report.lost == found.log.bare + found.log.stated
    known = erasure.gaps(us, made.officer(US, "auditor"))
    assert known.lost == ((found.log.before, found.log.size),)
    made.close()
