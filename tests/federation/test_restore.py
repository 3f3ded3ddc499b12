"""A node that lost its disk comes back from an old backup and goes on with the same history."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from api.domain.errors import Conflict, Unavailable
from api.domain.log_trust import log_verifiers
from api.jobs.watch_peers import Watch
from api.records import drafts, node_state, packages, peer_logs, streams
from api.services.audit import fsck
from api.services.desk import evidence
from api.services.log import checkpoints, guard
from api.services.node import Node
from api.services.recovery import backups, lost_messages, recovering, regrown_log, replay
from api.services.road.views import view_of
from api.services.statements import approving, previewing
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import leaf_hash
from api.tlog.proofs import verify_consistency, verify_inclusion
from api.wire.digests import digest, digest_bytes
from api.wire.message_bodies import parse_items
from api.wire.messages import parse_message
from tests.support.disasters import lose, restore
from tests.support.federation import Federation
from tests.support.journeys import recall, release, submit

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


def rest(federation: Federation) -> None:
    """Everything delivered, applied, cosigned."""
    federation.settle()
    federation.watch()
    federation.settle()


def peer_size(node: Node, peer: str = US) -> int:
    row = node.db.read(lambda connection: peer_logs.peer_log(connection, peer))
    return 0 if row is None else row.size


def no_misbehaviour(federation: Federation) -> None:
    for node in federation:
        assert node.db.read(node_state.misbehaviour) == []


def check_soundness(node: Node) -> fsck.Report:
    trust = fsck.Trust(node.membership)
    report = node.db.read(lambda c: fsck.check(c, trust, ministry=node.ministry))
    assert report.ok, report.first
    return report


@dataclass
class Kept:
    """What the UK holds of the US log before the disaster: a head, and a leaf under it."""

    size: int
    root: bytes
    note: bytes
    leaf: bytes
    index: int
    path: list[bytes]


def keep_proof(federation: Federation) -> Kept:
    """The proof that the UK has for the newest statement that the US sent it."""
    uk, us = federation[UK], federation[US]
    row = uk.db.read(lambda c: peer_logs.peer_log(c, US))
    assert row is not None
    newest = us.db.read(lambda c: streams.stream_out(c, UK))
    assert newest is not None
    message = uk.db.read(
        lambda c: streams.message_in_by_number(c, US, newest.epoch, newest.next_seq - 1)
    )
    assert message is not None
    item = parse_items(parse_message(bytes(message.envelope))[1].body)[-1]
    leaf = leaf_hash(item.opening.entry(digest_bytes(digest(item.envelope))))
    path = us.db.read(lambda c: checkpoints.prove_inclusion(c, item.index, row.size))
    return Kept(row.size, row.root_hash, row.note, leaf, item.index, path)


def holds_still(federation: Federation, kept: Kept) -> None:
    """The old proof verifies by itself, and the log of today continues the old head."""
    us = federation[US]
    opened = open_checkpoint(kept.note, log_verifiers(us.me), strict=True)
    assert (opened.checkpoint.size, opened.checkpoint.root) == (kept.size, kept.root)
    verify_inclusion(kept.index, kept.size, kept.leaf, kept.path, kept.root)
    head = checkpoints.newest(us)
    assert head.size > kept.size
    path = us.db.read(lambda c: checkpoints.prove_consistency(c, kept.size, head.size))
    verify_consistency(kept.size, head.size, kept.root, head.root, path)
    again = us.db.read(lambda c: checkpoints.prove_inclusion(c, kept.index, head.size))
    verify_inclusion(kept.index, head.size, kept.leaf, again, head.root)


def test_the_watch_leaves_an_operator_to_it(
    federation: Federation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node's own processes look at the restore meanwhile; two at once met each other's rows."""
    us = federation[US]
    backup = backups.make(us, tmp_path / "backups")
    release(federation, submit(federation), UK)
    rest(federation)
    lose(federation, US)
    us = restore(federation, US, backup, tmp_path / "new")
    watch = Watch(us)
    watch()
    assert guard.standing_now(us).lost
    assert guard.standing_now(us).pending
    recover, twice = recovering.recover, list[Node]()
    monkeypatch.setattr(recovering, "recover", twice.append)
    found = recover(us, lambda _said: bool(watch()))
    assert (found.messages, twice) == (1, [])
    assert not guard.standing_now(us).pending
    rest(federation)
    no_misbehaviour(federation)
    check_soundness(us)


def test_the_drill(federation: Federation, tmp_path: Path) -> None:
    us = federation[US]
    first = submit(federation)
    release(federation, first, UK)
    rest(federation)
    # A draft that is written before the backup and approved after it.
    draft = evidence.release(us, federation.officer(US, "analyst"), first, _release_body(CA))
    backup = backups.make(us, tmp_path / "backups")
    # Work that the backup does not know: both ways, and a recall.
    reviewer = federation.officer(US, "reviewer")
    previewing.preview(us, reviewer, draft.id)
    approving.approve_recorded(us, reviewer, draft.id, draft.digest)
    second = submit(federation, title="Made after the backup", exhibit=b"another exhibit\n" * 50)
    release(federation, second, UK)
    theirs = submit(federation, UK, title="From London", exhibit=b"London's exhibit\n" * 50)
    release(federation, theirs, US, UK)
    rest(federation)
    recall(federation, first)
    rest(federation)
    kept = keep_proof(federation)
    before = checkpoints.newest(us)
    holders = _facts(us, second)
    lose(federation, US)
    us = restore(federation, US, backup, tmp_path / "new")
    assert checkpoints.newest(us).size < kept.size

    # Read-only: it knows what it does not know.
    analyst = federation.officer(US, "analyst")
    assert evidence.read(us, analyst, first).body["title"] == "A package"
    with pytest.raises(Unavailable, match="read-only"):
        submit(federation, title="Too early", exhibit=b"x")
    federation.step(US)
    assert checkpoints.newest(us).size < kept.size

    found = recovering.recover(us)
    assert found.log.size == before.size
    assert checkpoints.newest(us).root == before.root
    assert (found.log.bare > 0, found.log.stated > 0, found.blocked) == (True, True, [])
    assert found.without_effect == []
    assert set(found.refetched) == {UK, CA}
    assert not guard.standing_now(us).pending

    rest(federation)
    no_misbehaviour(federation)
    holds_still(federation, kept)
    report = check_soundness(us)
    assert report.lost == found.log.bare + found.log.stated
    # What partners hold is known again; what they sent is here again.
    assert _facts(us, second) == holders
    assert us.db.read(lambda c: packages.by_id(c, theirs)).state == "received"  # type: ignore[union-attr]
    assert us.db.read(lambda c: packages.by_id(c, first)).state == "recalled"  # type: ignore[union-attr]
    row = us.db.read(lambda c: drafts.by_id(c, draft.id))
    assert row is not None
    assert row.state == "sealed"
    with pytest.raises(Conflict):
        approving.approve_recorded(us, federation.officer(US, "reviewer"), row.id, row.digest)
    # Work goes on in the same streams, also about what was lost.
    recall(federation, second)
    third = submit(federation, title="After the recovery")
    for to in (UK, CA):
        release(federation, third, to)
    rest(federation)
    no_misbehaviour(federation)
    states = us.db.read(lambda c: packages.holders_of(c, third))
    assert {each.ministry: each.state for each in states} == {UK: "applied", CA: "applied"}
    for name in (UK,):
        gone = federation[name].db.read(lambda c: packages.by_id(c, second))
        assert gone is not None
        assert gone.state == "recalled"
    holds_still(federation, kept)
    check_soundness(us)
    assert peer_size(federation[UK]) == checkpoints.newest(us).size


def _facts(node: Node, package: str) -> list[dict[str, object]]:
    """Who holds a package; without the instant of the receipt, which is the partner's now."""
    rows = node.db.read(lambda c: packages.holders_of(c, package))
    return [{**asdict(row), "receipted_at": None} for row in rows]


def _release_body(to: str) -> dict[str, object]:
    return {
        "recipient": to,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [to],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }


def test_a_recovery_that_stopped_half_way_is_sound_and_goes_on(
    federation: Federation, tmp_path: Path
) -> None:
    backup = backups.make(federation[US], tmp_path / "backups")
    package = submit(federation)
    release(federation, package, UK)
    rest(federation)
    lose(federation, US)
    us = restore(federation, US, backup, tmp_path / "new")
    # As `recover` begins, up to the leaves: the statements that they name are not back yet.
    assert guard.ask(us).complete
    able = replace(us, db=us.db.for_recovery())
    views = {peer: view_of(able, peer) for peer in (UK, CA)}
    lost = [each for peer in views for each in lost_messages.lost_messages(able, peer, views[peer])]
    held = regrown_log.heads_held(able, list(views))
    assert regrown_log.regrow(able, held, replay.known_leaves(lost)).stated
    check_soundness(us)
    recovering.recover(us)
    assert evidence.read(us, federation.officer(US, "analyst"), package).body["title"]
    check_soundness(us)
