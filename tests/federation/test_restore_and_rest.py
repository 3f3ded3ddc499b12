"""Who must answer before a restored node writes again; and an idle federation's logs stand still."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.errors import Conflict, NotFound, Refused, Unavailable
from api.records import log, node_state, streams
from api.services.log import checkpoints, guard
from api.services.log.heads import Tail
from api.services.node import Limits
from api.services.operations import status
from api.services.recovery import backups, recovering
from tests.support.campaigns import campaign
from tests.support.disasters import lose, restore
from tests.support.federation import Federation
from tests.support.journeys import release, submit
from tests.support.looking import seen
from tests.support.tall_logs import lengthen

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    limits = Limits(cursor_secret=b"test", retry_base=0.01, retry_cap=0.1, anchor_every=60.0)
    made = Federation(tmp_path, limits=limits)
    yield made
    made.close()


@campaign("tests/federation/test_restore.py::test_the_drill")
def test_idle_logs_come_to_rest(federation: Federation) -> None:
    release(federation, submit(federation), UK)
    federation.settle()
    sizes: list[list[int]] = []
    for _ in range(8):
        federation.clock.sleep(61)
        federation.watch()
        federation.settle()
        sizes.append([checkpoints.newest(node).size for node in federation])
    assert sizes[-1] == sizes[-2] == sizes[-3]
    for node in federation:
        anchored = [
            row.object_id.split(":")[0]
            for row in node.db.read(lambda c: log.events_page(c, limit=200, act="anchor.recorded"))
        ]
        assert sorted(set(anchored)) == sorted({US, UK, CA} - {node.ministry})
        figures = status.figures(node)
        assert figures.unwitnessed == Tail(leaves=0, unsequenced=0, since="", seconds=0)
        assert figures.public is not None
        assert len(figures.public.cosigners) == 2


def test_every_member_answers_or_is_waived_by_two(federation: Federation, tmp_path: Path) -> None:
    lengthen(federation[US], 10)
    federation.watch()
    backup = backups.make(federation[US], tmp_path / "backups")
    lengthen(federation[US], 30)
    federation.watch()
    lose(federation, US)
    federation.down.add(CA)
    us = restore(federation, US, backup, tmp_path / "new")
    with pytest.raises(Unavailable, match="said what they hold"):
        recovering.recover(us)
    found = guard.standing_now(us)
    assert (found.answers, found.silent, found.behind) == ({UK: 30}, [CA], True)
    # Watching neither recovers what is lost behind people's backs, nor cosigns for partners.
    federation.watch()
    assert guard.standing_now(us).pending
    assert checkpoints.newest(us).size == 10
    one, two = federation.officer(US, "admin"), federation.officer(US, "admin2")
    with pytest.raises(Refused):
        guard.propose_waiver(us, federation.officer(US, "analyst"), CA)
    with pytest.raises(NotFound):
        guard.propose_waiver(us, one, "nobody")
    with pytest.raises(Conflict, match="answered"):
        guard.propose_waiver(us, one, UK)
    with pytest.raises(Conflict, match="proposes"):
        guard.approve_waiver(us, two, CA)
    guard.propose_waiver(us, one, CA)
    with pytest.raises(Refused):
        guard.approve_waiver(us, one, CA)
    assert seen(guard.approve_waiver, us, two, CA).waived == [CA]
    done = recovering.recover(us)
    assert (done.log.before, done.log.size, done.blocked) == (10, 30, [CA])
    blocked = us.db.read(lambda c: streams.stream_out(c, CA))
    assert blocked is not None
    assert blocked.state == "blocked"
    with pytest.raises(Conflict, match="nothing is missing"):
        recovering.recover(us)


def test_a_backup_that_lost_nothing_opens_by_itself(federation: Federation, tmp_path: Path) -> None:
    lengthen(federation[US], 10)
    federation.watch()
    backup = backups.make(federation[US], tmp_path / "backups")
    lose(federation, US)
    us = restore(federation, US, backup, tmp_path / "new")
    assert us.db.read(node_state.restoring)
    federation.watch()
    assert not us.db.read(node_state.restoring)
    federation.settle()
    federation.watch()
    assert all(node.db.read(node_state.misbehaviour) == [] for node in federation)


def test_a_changed_backup_is_refused(federation: Federation, tmp_path: Path) -> None:
    backup = backups.make(federation[US], tmp_path / "backups")
    assert backups.newest(tmp_path / "backups") == backup
    assert backups.check_backup(backup, federation.membership, US).ministry == US
    with (backup / "database.sqlite").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    with pytest.raises(Exception, match="not as it was written"):
        backups.check_backup(backup, federation.membership, US)
