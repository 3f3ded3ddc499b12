"""The log door over HTTP: tiles, checkpoint, witnessing, and who may read what."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.domain.errors import NotSignedIn, Unavailable
from api.domain.log_trust import log_verifiers, witness_verifiers
from api.ports.identity import Identity
from api.ports.peers import PeerReply
from api.records import log, node_state, peer_logs
from api.services.log import (
    add_checkpoint,
    checkpoints,
    heads,
    misbehaviour,
    peer_tokens,
    witnessing,
)
from api.services.log.add_checkpoint import (
    Answered,
    CosigningOutcome,
    Submission,
    format_submission,
)
from api.services.log.misbehaviour import Ruling
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint, parse_checkpoint
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import leaf_hash, root_of, split_hashes
from api.tlog.note import parse_note
from api.tlog.tiles import decode_bundle
from api.wire.keys import Purpose
from tests.support.contract import judged
from tests.support.federation import ISSUER, Federation
from tests.support.tall_logs import lengthen

SIZES = (3, 256, 300, 700)


@dataclass
class Tokens:
    """Accepts access tokens of the form ``officer:<sub>``."""

    def verify(self, token: str) -> Identity:
        kind, _, sub = token.partition(":")
        if kind != "officer":
            raise NotSignedIn("token.malformed", "not a token of this test")
        expires = datetime(2999, 1, 1, tzinfo=UTC)
        return Identity(ISSUER, sub, "client", frozenset(), expires)


@dataclass
class Door:
    """One node's HTTP application and how to call it."""

    federation: Federation
    node: Node
    client: TestClient

    def peer(self, path: str, ministry: str = "uk-fcdo") -> Any:
        return self.client.get(f"/log/{path}", headers=self.shown(f"/log/{path}", ministry))

    def shown(self, path: str, ministry: str, to: str = "") -> dict[str, str]:
        """What a ministry's node shows at this door, for a path."""
        token = peer_tokens.mint(self.federation[ministry], to or self.node.ministry, unquote(path))
        return {"authorization": peer_tokens.authorization(token)}

    def officer(self, path: str, name: str) -> Any:
        token = f"officer:{self.node.ministry}:{name}"
        return self.client.get(f"/log/{path}", headers={"authorization": f"Bearer {token}"})

    def submit(self, body: bytes) -> Any:
        return self.client.post("/log/add-checkpoint", content=body)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("door"))
    for size in SIZES:
        lengthen(made["us-treasury"], size)
    made.watch(2)
    yield made
    made.close()


def door(federation: Federation, ministry: str) -> Door:
    app = create_app(federation[ministry], Tokens(), public_url="https://node.example")
    return Door(federation, federation[ministry], judged(TestClient(app)))


@pytest.fixture(scope="module")
def us(federation: Federation) -> Door:
    return door(federation, "us-treasury")


@pytest.fixture
def uk(federation: Federation) -> Door:
    return door(federation, "uk-fcdo")


def test_the_checkpoint_carries_the_partners_cosignatures(us: Door) -> None:
    answer = us.peer("checkpoint")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "private, max-age=2"
    witnesses = [
        key
        for ministry in ("uk-fcdo", "ca-gac")
        for key in witness_verifiers(us.node.membership.member(ministry))
    ]
    opened = open_checkpoint(answer.content, log_verifiers(us.node.me), witnesses, strict=True)
    assert opened.checkpoint.size == 700
    assert len(opened.cosignatures) == 4


def test_tiles_give_the_root_and_bundles_the_leaves(us: Door) -> None:
    head = parse_checkpoint(parse_note(us.peer("checkpoint").content).text)
    paths = ["tile/0/000", "tile/0/001", "tile/0/002.p/188"]
    answers = [us.peer(path) for path in paths]
    assert {answer.headers["content-type"] for answer in answers} == {"application/octet-stream"}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    leaves = split_hashes(b"".join(answer.content for answer in answers))
    assert root_of(leaves) == head.root
    entries = []
    for path in ("tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"):
        entries += decode_bundle(us.peer(path).content)
    assert [leaf_hash(entry) for entry in entries] == leaves
    upper = split_hashes(us.peer("tile/1/000.p/2").content)
    assert upper == [root_of(leaves[:256]), root_of(leaves[256:512])]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/000.p/3", 200),  # a head of 3 was signed
        ("tile/0/000.p/4", 404),  # none of 4
        ("tile/0/001.p/44", 200),  # 300
        ("tile/0/001.p/45", 404),
        ("tile/entries/001.p/44", 200),
        ("tile/entries/001.p/45", 404),
        ("tile/1/000.p/1", 200),  # 256 and 300
        ("tile/1/000.p/2", 200),  # 700
        ("tile/1/000", 404),
        ("tile/1/000.p/3", 404),
        ("tile/0/002", 404),  # not full yet
        ("tile/0/003", 404),
        ("tile/2/000.p/1", 404),
        ("tile/0/000.p/0", 404),
        ("tile/0/000.p/256", 404),
        ("tile/0/0", 404),
        ("tile/0/x000/000", 404),
        ("tile/00/000", 404),
        ("tile/64/000", 404),
        ("tile/entries/%2e%2e/0/000", 404),
        ("tile/-1/000", 404),
        ("tile/", 404),
        ("nothing", 404),
        ("", 404),
    ],
)
def test_only_what_a_head_was_issued_for_is_served(us: Door, path: str, status: int) -> None:
    assert us.peer(path).status_code == status


def test_only_members_read(us: Door) -> None:
    for path in ("checkpoint", "tile/0/000", "tile/entries/000", f"{'0' * 64}/checkpoint"):
        assert us.client.get(f"/log/{path}").status_code == 401
        assert us.officer(path, "analyst").status_code == 403
    assert us.officer("checkpoint", "auditor").status_code == 200
    assert us.officer("tile/0/000", "admin").status_code == 200
    elsewhere = us.shown("/log/checkpoint", "uk-fcdo", to="ca-gac")
    answer = us.client.get("/log/checkpoint", headers=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (401, "peer-token.wrong-audience")
    captured = us.shown("/log/checkpoint", "uk-fcdo")
    answer = us.client.get("/log/tile/0/000", headers=captured)
    assert (answer.status_code, answer.json()["code"]) == (401, "peer-token.wrong-path")
    as_bearer = {"authorization": captured["authorization"].replace("Comity", "Bearer")}
    assert us.client.get("/log/checkpoint", headers=as_bearer).status_code == 401


def origin_of(ministry: str) -> str:
    return hashlib.sha256(f"{ministry}.example/log".encode()).hexdigest()


def test_a_witness_shows_what_it_cosigned(federation: Federation, uk: Door) -> None:
    path = f"{origin_of('us-treasury')}/checkpoint"
    answer = uk.peer(path, "ca-gac")
    assert answer.status_code == 200
    member = federation.membership.member("us-treasury")
    witness = witness_verifiers(federation.membership.member("uk-fcdo"))
    opened = open_checkpoint(answer.content, log_verifiers(member), witness, strict=True)
    assert opened.checkpoint.size == 700
    assert len(opened.cosignatures) == 2
    kept = uk.peer(f"{origin_of('us-treasury')}/tile/0/002.p/188", "ca-gac")
    own = federation["us-treasury"].db.read(lambda connection: log.tile(connection, 0, 2))
    assert kept.content == own
    for absent in (
        f"{origin_of('uk-fcdo')}/checkpoint",  # its own log has another address
        f"{'0' * 64}/checkpoint",
        f"{origin_of('us-treasury')}/tile/0/002.p/189",
        f"{origin_of('us-treasury')}/tile/entries/000",
    ):
        assert uk.peer(absent, "ca-gac").status_code == 404


def test_streams_and_messages_are_shown_to_their_sender_only(uk: Door) -> None:
    path = f"{origin_of('us-treasury')}/stream"
    own = uk.peer(path, "us-treasury")
    assert own.status_code == 200
    assert set(json.loads(own.content)) == {"received", "early", "sent", "cosigned"}
    assert uk.peer(path, "ca-gac").status_code == 403
    assert uk.officer(path, "auditor").status_code == 403
    message = f"{origin_of('us-treasury')}/messages/1/1"
    assert uk.peer(message, "us-treasury").status_code == 404  # none was sent
    assert uk.peer(message, "ca-gac").status_code == 403


# ---- add-checkpoint: the table of tlog-witness, current main ------------------------------------


def signed_head(node: Node, size: int) -> bytes:
    row = node.db.read(lambda connection: log.head_at(connection, size))
    assert row is not None
    return row.note


def proof(node: Node, old: int, new: int) -> tuple[bytes, ...]:
    return tuple(node.db.read(lambda c: checkpoints.prove_consistency(c, old, new)))


def forged(node: Node, size: int, root: bytes) -> bytes:
    """A head the log really signed, of another history."""
    head = Checkpoint(node.me.origin, size, root)
    return checkpoints.sign_head(node.signer, node.me, head, 1_795_000_000)


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A witness that has cosigned the log of us-treasury at size 300."""
    made = Federation(tmp_path_factory.mktemp("witness"))
    us = made["us-treasury"]
    for size in (300, 700):
        lengthen(us, size)
    witness = door(made, "uk-fcdo")
    assert taken(witness, Submission(0, (), signed_head(us, 300)), 300).is_success
    yield witness
    made.close()


def taken(witness: Door, submission: Submission, size: int) -> Any:
    """The answer once the watch job has read the leaves: as a log goes on after 503 and 409."""
    first = witness.submit(format_submission(submission))
    assert (first.status_code, first.json()["code"]) == (503, "log.leaves-missing")
    assert int(first.headers["retry-after"]) > 0
    assert add_checkpoint.cosign_submitted(witness.node, "us-treasury")
    moved = witness.submit(format_submission(submission))
    assert (moved.status_code, moved.text) == (409, f"{size}\n")
    return witness.submit(format_submission(Submission(size, (), submission.note)))


def kept(witness: Door) -> int:
    row = witness.node.db.read(lambda c: peer_logs.peer_log(c, "us-treasury"))
    assert row is not None
    return row.size


def test_a_submission_is_cosigned_once_its_leaves_are_stored(fresh: Door) -> None:
    us = fresh.federation["us-treasury"]
    submission = Submission(300, proof(us, 300, 700), signed_head(us, 700))
    body = format_submission(submission)
    answer = taken(fresh, submission, 700)
    assert answer.status_code == 200
    lines = tuple(line for line in answer.text.split("\n") if line)
    assert add_checkpoint.check_lines(us, "uk-fcdo", lines, signed_head(us, 700))
    assert not add_checkpoint.check_lines(us, "ca-gac", lines, signed_head(us, 700))
    assert not add_checkpoint.check_lines(us, "uk-fcdo", lines[:1], signed_head(us, 700))
    assert not add_checkpoint.check_lines(us, "uk-fcdo", lines, signed_head(us, 300))
    assert kept(fresh) == 700
    stored = fresh.node.db.read(lambda c: peer_logs.peer_tile(c, "us-treasury", 0, 2))
    assert stored == us.db.read(lambda c: log.tile(c, 0, 2))
    # The same again is cosigned again, from the size it has now.
    again = fresh.submit(format_submission(Submission(700, (), signed_head(us, 700))))
    assert again.status_code == 200
    assert fresh.submit(body).status_code == 409


def changed(note: bytes) -> bytes:
    """A note in which the last character of the first signature is another."""
    lines = note.decode().split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("—"))
    dash, name, encoded = lines[at].split(" ")
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    lines[at] = f"{dash} {name} {base64.b64encode(raw).decode()}"
    return "\n".join(lines).encode()


def test_every_other_submission_gets_its_code(fresh: Door) -> None:
    us, uk, ca = (fresh.federation[name] for name in ("us-treasury", "uk-fcdo", "ca-gac"))
    note, path = signed_head(us, 700), proof(us, 300, 700)
    lengthen(uk, 5)
    one_key = b"\n".join(note.split(b"\n")[:5]) + b"\n"
    stranger = note.replace(b"us-treasury.example/log", b"someone.example/log")
    cases = [
        (b"", 400),
        (b"old 300\n", 400),
        (b"old 0300\n\n" + note, 400),
        (b"new 300\n\n" + note, 400),
        (b"old 300\nAAAA\n\n" + note, 400),
        (format_submission(Submission(701, path, note)), 400),
        (format_submission(Submission(300, path * 13, note)), 400),
        (format_submission(Submission(0, (), stranger)), 404),
        # Its own log: a ministry's own witness never counts for it.
        (format_submission(Submission(0, (), signed_head(uk, 5))), 404),
        (format_submission(Submission(300, path, changed(note))), 403),
        (format_submission(Submission(300, path, one_key)), 403),
        (format_submission(Submission(0, (), note)), 409),
        (format_submission(Submission(299, path, note)), 409),
        (format_submission(Submission(300, path[:-1], note)), 422),
        (format_submission(Submission(300, (bytes(32), *path[1:]), note)), 422),
        (format_submission(Submission(300, path, signed_head(us, 300))), 422),
        (b"x" * (64 * 1024 + 1), 413),
    ]
    found = [fresh.submit(body) for body, _ in cases]
    assert [answer.status_code for answer in found] == [status for _, status in cases]
    for answer in found:
        if answer.status_code == 409:
            assert answer.headers["content-type"] == "text/x.tlog.size"
            assert answer.text == "300\n"
    assert kept(fresh) == 300
    # A log it has never seen starts from nothing, and proves nothing.
    lengthen(ca, 4)
    first = Submission(0, (bytes(32),), signed_head(ca, 4))
    assert fresh.submit(format_submission(first)).status_code == 422


def test_the_empty_tree_has_one_root(fresh: Door) -> None:
    ca = fresh.federation["ca-gac"]
    text = f"{ca.me.origin}\n0\n{base64.b64encode(bytes(32)).decode()}\n"
    key = ca.signer.keys(Purpose.LOG)[0]
    verifier = log_verifiers(ca.me)[0]
    signature = ca.signer.sign(key.kid, text.encode())
    note = f"{text}\n{verifier.line(signature, None).format()}".encode()
    assert fresh.submit(format_submission(Submission(0, (), note))).status_code == 422
    unsigned = f"{text}\n{verifier.line(bytes(64), None).format()}".encode()
    assert fresh.submit(format_submission(Submission(0, (), unsigned))).status_code == 403


def test_same_size_other_root_is_kept_as_proof(fresh: Door) -> None:
    us = fresh.federation["us-treasury"]
    other = forged(us, 300, bytes(32))
    answer = fresh.submit(format_submission(Submission(300, (), other)))
    assert answer.status_code == 422
    # From now on nothing of that log is cosigned here, until an administrator rules.
    true = format_submission(Submission(300, proof(us, 300, 700), signed_head(us, 700)))
    assert fresh.submit(true).status_code == 403
    assert kept(fresh) == 300


def test_without_leaves_nothing_is_cosigned(fresh: Door) -> None:
    us = fresh.federation["us-treasury"]
    submission = Submission(300, proof(us, 300, 700), signed_head(us, 700))
    body = format_submission(submission)
    wire = fresh.federation.wires["uk-fcdo"]
    wire.fault = lambda sender, peer: "lost"
    answer = fresh.submit(body)
    assert (answer.status_code, answer.json()["code"]) == (503, "log.leaves-missing")
    with pytest.raises(Unavailable):
        add_checkpoint.cosign_submitted(fresh.node, "us-treasury")
    assert kept(fresh) == 300
    wire.fault = lambda sender, peer: "none"
    assert taken(fresh, submission, 700).status_code == 200
    assert not add_checkpoint.cosign_submitted(fresh.node, "us-treasury")


def test_the_door_calls_nobody(fresh: Door) -> None:
    """However many submit: what must be read at the log's door is the watch job's to read."""
    us = fresh.federation["us-treasury"]
    wire = fresh.federation.wires["uk-fcdo"]
    wire.reads.clear()
    body = format_submission(Submission(300, proof(us, 300, 700), signed_head(us, 700)))
    assert {fresh.submit(body).status_code for _ in range(90)} == {503}
    assert (wire.reads, wire.log) == ([], [])
    fresh.federation.watch()
    assert kept(fresh) >= 700


def test_of_heads_submitted_one_is_kept_the_largest(fresh: Door) -> None:
    us = fresh.federation["us-treasury"]
    lengthen(us, 900)
    for size in (900, 700, 900):
        fresh.submit(
            format_submission(Submission(300, proof(us, 300, size), signed_head(us, size)))
        )
    waiting = fresh.node.db.read(lambda c: peer_logs.submitted(c, "us-treasury"))
    assert waiting is not None
    assert waiting.size == 900


def junk(note: bytes, number: int) -> bytes:
    """A head with a line under its log's name that the log's keys did not make."""
    blob = number.to_bytes(4, "big") + bytes(64)
    return note + f"— us-treasury.example/log {base64.b64encode(blob).decode()}\n".encode()


def events_about_heads(node: Node) -> list[Any]:
    rows = node.db.read(lambda c: log.events_page(c, limit=500))
    return [row for row in rows if row.act == "misbehaviour.kept"]


def test_junk_lines_are_written_nowhere(fresh: Door) -> None:
    us = fresh.federation["us-treasury"]
    submission = Submission(300, proof(us, 300, 700), junk(signed_head(us, 700), 1))
    assert taken(fresh, submission, 700).is_success
    row = fresh.node.db.read(lambda c: peer_logs.peer_log(c, "us-treasury"))
    assert row is not None
    assert row.note == signed_head(us, 700)


def test_one_bad_head_makes_one_record_whoever_hands_it_in_how_often(fresh: Door) -> None:
    """A head that cannot be judged yet, forty times with other junk: one event, by this node."""
    us = fresh.federation["us-treasury"]
    other = forged(us, 800, bytes(32))
    for number in range(40):
        body = format_submission(Submission(300, (bytes(32),), junk(other, number)))
        assert fresh.submit(body).status_code == 422
    # A bad proof beside a head says nothing about its log.
    assert events_about_heads(fresh.node) == []
    wrong = witnessing.bare(fresh.node, "us-treasury", other)
    for number in range(40):
        misbehaviour.refused(fresh.node, "us-treasury", junk(wrong, number))
    (event,) = events_about_heads(fresh.node)
    assert event.actor == "node::"


def test_a_ruling_is_not_undone_by_the_same_head_again(fresh: Door) -> None:
    federation = fresh.federation
    us, admin = federation["us-treasury"], federation.officer("uk-fcdo", "admin")
    other = forged(us, 300, bytes(32))
    body = format_submission(Submission(300, (), other))
    assert fresh.submit(body).status_code == 422
    (kept_proof,) = fresh.node.db.read(node_state.misbehaviour)
    misbehaviour.rule(fresh.node, admin, kept_proof.id, Ruling.RESUME)
    true = Submission(300, proof(us, 300, 700), signed_head(us, 700))
    assert taken(fresh, true, 700).is_success
    # The head held here is another one now, so the same contradiction would make another proof.
    misbehaviour.refused(fresh.node, "us-treasury", junk(other, 7))
    assert len(fresh.node.db.read(node_state.misbehaviour)) == 1
    assert not fresh.node.db.read(lambda c: node_state.accused(c, "us-treasury"))


@pytest.mark.parametrize(
    ("status", "headers", "body", "answer"),
    [
        (200, {}, b"a\nb\n", Answered(CosigningOutcome.COSIGNED, ("a", "b"))),
        (
            409,
            {"content-type": "text/x.tlog.size"},
            b"7\n",
            Answered(CosigningOutcome.OTHER_SIZE, size=7),
        ),
        (409, {"content-type": "text/x.tlog.size"}, b"x\n", Answered(CosigningOutcome.REFUSED)),
        # The tag v1.0.0 says 409 where current text says 422: a contradiction, not a hint.
        (409, {"content-type": "text/plain"}, b"7\n", Answered(CosigningOutcome.CONTRADICTION)),
        (409, {}, b"", Answered(CosigningOutcome.CONTRADICTION)),
        (422, {}, b"", Answered(CosigningOutcome.CONTRADICTION)),
        (404, {}, b"", Answered(CosigningOutcome.REFUSED)),
        (403, {}, b"", Answered(CosigningOutcome.REFUSED)),
        (400, {}, b"", Answered(CosigningOutcome.REFUSED)),
        (429, {}, b"", Answered(CosigningOutcome.LATER)),
        (500, {}, b"", Answered(CosigningOutcome.LATER)),
        (503, {}, b"", Answered(CosigningOutcome.LATER)),
    ],
)
def test_the_client_understands_both_editions(
    status: int, headers: dict[str, str], body: bytes, answer: Answered
) -> None:
    assert add_checkpoint.read_answer(PeerReply(status, body, headers)) == answer


def test_the_client_follows_the_hint_at_the_size(federation: Federation) -> None:
    us = federation["us-treasury"]
    head = checkpoints.newest(us)
    answer = add_checkpoint.submit(us, "uk-fcdo", 3, head)
    assert answer.outcome is CosigningOutcome.COSIGNED
    assert add_checkpoint.check_lines(us, "uk-fcdo", answer.lines, head.note)


def test_nothing_is_public_before_a_quorum(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = Federation(tmp_path_factory.mktemp("alone"))
    try:
        us = made["us-treasury"]
        lengthen(us, 4)
        alone = door(made, "us-treasury")
        answer = alone.peer("checkpoint")
        assert (answer.status_code, answer.json()["code"]) == (404, "log.unwitnessed")
        assert alone.peer("tile/0/000.p/4").status_code == 200  # witnesses need the leaves
        tail = us.db.read(lambda c: heads.tail(us, c, heads.public_head(us, c)))
        assert tail.leaves == 4
        made.clock.sleep(60)
        made.watch()
        assert alone.peer("checkpoint").status_code == 200
        tail = us.db.read(lambda c: heads.tail(us, c, heads.public_head(us, c)))
        assert (tail.leaves, tail.unsequenced, tail.seconds) == (0, 0, 0)
    finally:
        made.close()
