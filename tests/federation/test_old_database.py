"""An old database is put back: nothing is signed over it, whoever is away (must-show 6).

On SQLite, and on PostgreSQL with two workers that share the database and the memory.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from api.adapters.memory.file import FileMemory
from api.domain.errors import ComityError, Conflict, Unavailable
from api.domain.misbehaviour import verify_misbehaviour
from api.jobs.sequence import Sequencer
from api.ports.head_memory import Remembered
from api.records import copying, log, node_state
from api.records.database import Database
from api.services.log import (
    checkpoints,
    giving_up,
    guard,
    misbehaviour,
    remembering,
    tail_answers,
)
from api.services.log.remembering import MemoryFinding
from api.services.node import Node
from api.services.operations import status
from api.services.recovery import recovering
from api.services.road import delivering
from api.wire.misbehaviour import MisbehaviourKind
from tests.support import campaigns, counted_streams, exchange, foreign
from tests.support.campaigns import campaign
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.looking import seen
from tests.support.tall_logs import lengthen


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql", marks=[foreign.needs("postgresql", "pg_dump"), campaigns.campaign()]
        ),
    ]
)
def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    urls = {}
    if request.param == "postgresql":
        urls[US] = request.getfixturevalue("postgres_url")
    made = Federation(tmp_path / "nodes", urls=urls)
    yield made
    made.close()


def keep(node: Node, folder: Path) -> Path:
    """A copy of the database as it is now."""
    folder.mkdir(parents=True, exist_ok=True)
    form = copying.form_of(node.db.url)
    copying.copy_out(node.db.url, folder / copying.NAMES[form])
    return folder / copying.NAMES[form]


def put_back(federation: Federation, copy: Path) -> Node:
    """Put an old copy in the place of the database by hand, and start again."""
    node = federation[US]
    url, form = node.db.url, copying.form_of(node.db.url)
    node.db.close()
    if form == copying.SQLITE:
        file = Path(str(url).removeprefix("sqlite:///"))
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()
        shutil.copyfile(copy, file)
    else:
        emptied = Database(url)
        with emptied.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        emptied.close()
        copying.copy_in(copy, form, url)
    federation.watches.pop(US, None)
    federation.nodes[US] = replace(node, db=Database(url))
    return federation[US]


def witnessed_by(federation: Federation, name: str, *, away: str) -> None:
    """Washington issues something while one partner is away; the other one sees it."""
    federation.down = {away}
    exchange.designate(federation, US, name, to=(UK,) if away == CA else (CA,))
    for _ in range(30):
        for ministry in (US, UK, CA):
            federation.step(ministry)
        federation.watch()
        federation.clock.sleep(1)
    federation.down = set()


def heads_signed(node: Node) -> int:
    newest = node.db.read(log.newest_signed)
    return 0 if newest is None else newest.size


def act(node: Node) -> None:
    """What a node that runs would do by itself, in both of its workers, each with the lease."""
    for holder in ("first", "second", "test"):
        node.clock.sleep(60)  # type: ignore[attr-defined]
        other = replace(node, db=Database(node.db.url))
        Sequencer(other, holder)()
        other.db.close()


class Unreachable:
    """A place for the last head that takes no more."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def read(self) -> Remembered | None:
        return self._node.memory.read()

    def replace(self, *_: object) -> bool:
        raise Unavailable("memory.unreachable", "gone")

    def prove(self) -> None:
        raise AssertionError


def test_an_old_database_signs_nothing_while_the_partner_that_saw_more_is_away(
    federation: Federation, tmp_path: Path
) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Before")
    federation.settle()
    federation.watch(2)
    copy = keep(us, tmp_path / "copy")
    old = heads_signed(us)
    witnessed_by(federation, "Seen in London", away=CA)
    newest = heads_signed(us)
    assert newest > old
    # Ottawa holds an older head, and fits; London, which saw the tail, is away.
    us = put_back(federation, copy)
    federation.down = {UK}
    assert remembering.compare(us) is MemoryFinding.BELOW
    act(us)
    with pytest.raises(ComityError):
        exchange.designate(federation, US, "Too early")
    act(us)
    assert us.db.read(node_state.restoring)
    assert heads_signed(us) == old
    federation.watch(2)
    with pytest.raises(Unavailable) as refused:
        recovering.recover(us)
    assert refused.value.code == "recover.silent"
    # A waiver does not help: what was signed is remembered.
    guard.propose_waiver(us, federation.officer(US, "admin"), UK)
    seen(guard.approve_waiver, us, federation.officer(US, "admin2"), UK)
    with pytest.raises(Unavailable) as refused:
        recovering.recover(us)
    assert refused.value.code == "recover.tail-remembered"
    assert heads_signed(us) == old
    # London is back, and the same history goes on.
    federation.down = set()
    with us.db.engine.begin() as connection:
        connection.execute(text("DELETE FROM node_state WHERE name LIKE 'restore-waiver:%'"))
    recovering.recover(us)
    act(us)
    assert heads_signed(us) >= newest
    assert remembering.compare(us) is MemoryFinding.FITS
    exchange.designate(federation, US, "Afterwards")
    federation.settle()
    federation.watch(3)
    assert all(node.db.read(node_state.misbehaviour) == [] for node in federation)


def test_a_database_without_memory_waits_for_the_answers_which_set_it(
    federation: Federation, tmp_path: Path
) -> None:
    us = federation[US]
    lengthen(us, 20)
    federation.settle()
    federation.watch(2)
    size = heads_signed(us)
    fresh = replace(us, memory=FileMemory(tmp_path / "elsewhere" / "head.json"))
    federation.nodes[US] = fresh
    act(fresh)
    assert fresh.db.read(node_state.restoring)
    recovering.recover(fresh)
    remembered = fresh.memory.read()
    assert remembered is not None
    assert remembered.size == size
    act(fresh)
    assert heads_signed(fresh) > size


def test_another_history_at_the_remembered_size_signs_nothing(federation: Federation) -> None:
    us = federation[US]
    lengthen(us, 20)
    known = us.memory.read()
    assert known is not None
    assert us.memory.replace(known, Remembered(known.size, f"{7:064x}"))
    assert remembering.compare(us) is MemoryFinding.OTHER
    lengthen_refused(us)
    assert heads_signed(us) == known.size
    with pytest.raises(Conflict) as refused:
        recovering.recover(us)
    assert refused.value.code == "recover.other-history"


def lengthen_refused(node: Node) -> None:
    with pytest.raises((ComityError, AssertionError)):
        lengthen(node, 40)


def test_a_head_is_not_shown_before_it_is_remembered(federation: Federation) -> None:
    """The process dies between commit and memory: the next one goes on there."""
    us = federation[US]
    lengthen(us, 20)

    dying = replace(us, memory=Unreachable(us))
    with pytest.raises(Unavailable, match="gone"):
        lengthen(dying, 40)
    assert heads_signed(us) == 40
    assert checkpoints.newest(us).size == 20
    shown = status.figures(us)
    assert (shown.log_size, shown.unsequenced) == (20, 20), "it waits as much as before"
    assert shown.unwitnessed.unsequenced == 20
    federation.watch()
    cosigned = federation[UK].db.read(lambda c: log.last_cosigned(c, US))
    assert cosigned == 0
    assert checkpoints.integrate(us, "test") == 0
    assert checkpoints.newest(us).size == 40
    remembered = us.memory.read()
    assert remembered is not None
    assert remembered.size == 40


def test_a_statement_leaves_only_under_a_head_that_may_be_shown(federation: Federation) -> None:
    """Its place is taken before the head is remembered: a message made then could prove nothing."""
    us = federation[US]
    exchange.designate(federation, US, "Covered Person", to=(UK,))
    with pytest.raises(Unavailable, match="gone"):
        checkpoints.integrate(replace(us, memory=Unreachable(us)), "test")
    assert heads_signed(us) > 0
    assert delivering.compose(us, UK) is None
    remembering.serve_newest(us)
    assert delivering.compose(us, UK) is not None
    federation.settle()
    assert us.db.read(counted_streams.delivered)[UK]["receipted"] == 1


def test_a_tail_that_nobody_holds_is_given_up_on_signed_answers_of_all(
    federation: Federation, tmp_path: Path
) -> None:
    us = federation[US]
    first, second = (federation.officer(US, name) for name in ("admin", "admin2"))
    lengthen(us, 20)
    federation.settle()
    federation.watch(2)
    copy = keep(us, tmp_path / "copy")
    federation.down = {UK, CA}
    lengthen(us, heads_signed(us) + 5)
    federation.down = set()
    us = put_back(federation, copy)
    old = heads_signed(us)
    act(us)
    with pytest.raises(Conflict):
        giving_up.propose(us, federation.officer(US, "admin"))  # nobody has answered yet
    guard.ask(us)
    with pytest.raises(Unavailable) as refused:
        recovering.recover(us)
    assert refused.value.code == "recover.tail-remembered"
    with pytest.raises(Conflict):
        giving_up.approve(us, first)
    giving_up.propose(us, first)
    with pytest.raises(ComityError):
        giving_up.approve(us, first)  # the same person
    federation.down = {CA}
    with pytest.raises(Unavailable) as refused:
        seen(giving_up.approve, us, second)
    assert refused.value.details["members"] == [CA]
    federation.down = set()
    seen(giving_up.approve, us, second)
    assert answerers(us) == {UK, CA}
    recovering.recover(us)
    act(us)
    assert heads_signed(us) > old
    exchange.designate(federation, US, "Afterwards")
    federation.settle()
    federation.watch(2)
    assert all(node.db.read(node_state.misbehaviour) == [] for node in federation)
    # The answers went along with the next head, to each partner, and no longer than that.
    assert [answerers(federation[each]) for each in (UK, CA)] == [{UK, CA}, {UK, CA}]
    assert us.db.read(lambda c: tail_answers.due(us, c, UK)) == ()
    # A later restore does not forget them.
    guard.begin(us, "backup")
    assert answerers(us) == {UK, CA}


def answerers(node: Node) -> set[str]:
    """Whose answers about Washington's log a node keeps."""
    return {one.member for one in node.db.read(lambda c: tail_answers.kept(node, c, US))}


def give_up(federation: Federation, copy: Path) -> Node:
    """Put an old database back, give up what nobody says it holds, and recover."""
    us = put_back(federation, copy)
    act(us)
    guard.ask(us)
    giving_up.propose(us, federation.officer(US, "admin"))
    seen(giving_up.approve, us, federation.officer(US, "admin2"))
    recovering.recover(us)
    return us


def replaced(federation: Federation, ministry: str, copy: Path) -> None:
    """Put another SQLite file in the place of a partner's, with a memory that does not mind."""
    node = federation[ministry]
    node.db.close()
    file = Path(str(node.db.url).removeprefix("sqlite:///"))
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    shutil.copyfile(copy, file)
    federation.nodes[ministry] = replace(
        node, db=Database(node.db.url), memory=FileMemory(copy.parent / "head.json")
    )


@campaign("test_a_head_of_a_tail_that_nobody_cosigned_convicts_nobody")
def test_a_head_of_a_tail_shown_later_convicts_who_answered_that_it_held_none(
    federation: Federation, tmp_path: Path
) -> None:
    """London cosigned the tail, says it holds none of it, and shows it once the log went on."""
    us = federation[US]
    lengthen(us, 20)
    federation.settle()
    federation.watch(2)
    copy, london = keep(us, tmp_path / "copy"), keep(federation[UK], tmp_path / "london")
    witnessed_by(federation, "Seen in London", away=CA)
    hidden = keep(federation[UK], tmp_path / "hidden")
    federation.clock.sleep(5)
    replaced(federation, UK, london)
    us = give_up(federation, copy)
    federation.down = {UK}
    exchange.designate(federation, US, "Another history", to=(CA,))
    for _ in range(20):
        for ministry in (US, CA):
            federation.step(ministry)
        federation.clock.sleep(1)
    assert answerers(federation[CA]) == {UK, CA}
    federation.down = set()
    replaced(federation, UK, hidden)
    federation.watches.clear()
    federation.watch(3)
    for judge in (US, CA):
        kept = federation[judge].db.read(node_state.misbehaviour)
        assert [(row.peer, row.kind) for row in kept] == [(UK, MisbehaviourKind.HELD_DENIED)]
        verify_misbehaviour(kept[0].proof, us.membership)
    # Who gave the tail up on these words goes on.
    assert not us.db.read(node_state.restoring)
    size = heads_signed(us)
    exchange.designate(federation, US, "Goes on", to=(CA,))
    federation.step(US)
    assert heads_signed(us) > size


def test_a_head_of_a_tail_that_nobody_cosigned_convicts_nobody(
    federation: Federation, tmp_path: Path
) -> None:
    """Its ministry signed two histories, and every member knows why."""
    us = federation[US]
    lengthen(us, 20)
    federation.settle()
    federation.watch(2)
    copy = keep(us, tmp_path / "copy")
    federation.down = {UK, CA}
    lengthen(us, heads_signed(us) + 5)
    lost = checkpoints.newest(us)
    federation.clock.sleep(5)
    federation.down = set()
    us = give_up(federation, copy)
    for number in range(8):
        exchange.designate(federation, US, f"Afterwards {number}")
    federation.settle()
    federation.watch(2)
    ottawa = federation[CA]
    misbehaviour.refused(ottawa, US, lost.note)
    assert ottawa.db.read(node_state.misbehaviour) == []
    # Without the answers it is what it looks like.
    with ottawa.db.engine.begin() as connection:
        connection.execute(text("DELETE FROM node_state WHERE name LIKE 'tail-answer:%'"))
    misbehaviour.refused(ottawa, US, lost.note)
    kept = ottawa.db.read(node_state.misbehaviour)
    assert [(row.peer, row.kind) for row in kept] == [(US, MisbehaviourKind.INCONSISTENT_HEADS)]


@pytest.mark.parametrize("by", ["delivery", "checkpoint"])
def test_a_node_that_is_shown_another_head_of_its_own_stops_signing(
    federation: Federation, tmp_path: Path, by: str
) -> None:
    """A partner answers that it knows another history: it holds a head of ours that is not here."""
    us = federation[US]
    exchange.designate(federation, US, "Before")
    federation.settle()
    copy = keep(us, tmp_path / "copy")
    exchange.designate(federation, US, "One history", to=(UK,))
    federation.settle()
    us = put_back(federation, copy)
    # Even the memory was put back: only partners know now.
    known, newest = us.memory.read(), us.db.read(log.newest_signed)
    assert known is not None
    assert newest is not None
    assert us.memory.replace(known, Remembered(newest.size, newest.root))
    size = heads_signed(us)
    if by == "delivery":
        exchange.designate(federation, US, "Another history", to=(UK,))
        for _ in range(3):
            federation.step(US)
            federation.clock.sleep(5)
    else:
        lengthen(us, size + 1)
        federation.watch()
    assert us.db.read(node_state.restoring)
    stopped = heads_signed(us)
    act(us)
    assert heads_signed(us) == stopped >= size


class _ReadBefore:
    """A memory that is read just before another process of the node signs its first head."""

    def __init__(self, node: Node) -> None:
        self._node, self._memory = node, node.memory

    def read(self) -> Remembered | None:
        found = self._memory.read()
        if found is None:
            Sequencer(self._node, "another process")()
        return found

    def replace(self, expected: Remembered | None, new: Remembered) -> bool:
        return self._memory.replace(expected, new)


def test_the_first_head_of_all_is_no_lost_memory(federation: Federation) -> None:
    node = federation[US]
    federation.officer(US, "analyst")
    exchange.package(federation, US)
    assert remembering.compare(replace(node, memory=_ReadBefore(node))) is MemoryFinding.FITS
    assert node.memory.read() is not None
