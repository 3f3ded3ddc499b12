"""A partner that answers falsely: no false receipt is believed, no false byte is kept."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from api.domain.log_trust import log_verifiers, witness_verifiers
from api.jobs.process_inbox import fetch_exhibits, fill_gaps, process_inbox
from api.ports.peers import PeerReply
from api.records import log, stream_counts, streams
from api.services.log import checkpoints, heads, log_keys
from api.services.road import delivering
from api.services.road.fetching import fetch_gap
from api.tlog.heads import open_checkpoint
from api.tlog.note import parse_note
from api.wire.digests import digest
from api.wire.envelope import parse_envelope
from api.wire.message_bodies import Receipt
from api.wire.messages import MessageKind, compose_request, parse_message
from tests.support import exchange
from tests.support.bad_peer import BadPeer, altered, contents, flip_signature
from tests.support.bodies import body
from tests.support.campaigns import long
from tests.support.check_log import check_everything, read_copy
from tests.support.delivering import deliver
from tests.support.federation import Federation
from tests.support.signing import CA, UK, US, SealingMinistry

NODE, PEER = "us-treasury", "uk-fcdo"
Answer = Callable[[Federation, bytes, PeerReply], PeerReply]


class FalseTransport:
    """Delivers truly and answers as the test says."""

    def __init__(self, federation: Federation, answer: Answer, *, arrives: bool = True) -> None:
        self._federation = federation
        self._answer = answer
        self._arrives = arrives
        self.asked = 0

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        self.asked += 1
        true = self._federation.receive(peer, body) if self._arrives else PeerReply(200, b"")
        return self._answer(self._federation, body, true)

    def get(self, peer: str, path: str, **_: Any) -> PeerReply:
        return PeerReply(404, b"")


def through(federation: Federation, answer: Answer, *, arrives: bool = True) -> FalseTransport:
    """Let the node's requests be answered falsely from now on."""
    transport = FalseTransport(federation, answer, arrives=arrives)
    federation.nodes[NODE] = replace(federation[NODE], transport=transport)
    return transport


def honest(federation: Federation) -> None:
    federation.nodes[NODE] = replace(federation[NODE], transport=federation.wires[NODE])


def waiting_message(federation: Federation) -> None:
    """A release waits to be sent to the partner, after an earlier message got its receipt."""
    exchange.designate(federation, NODE, "The First", to=(PEER,))
    federation.settle()
    exchange.designate(federation, NODE, "The Second", to=(PEER,))
    checkpoints.integrate(federation[NODE], "test")


def receipt_with(ministry: SealingMinistry = UK, **changes: Any) -> Answer:
    """The true receipt with members replaced, signed anew."""

    def answer(_federation: Federation, _request: bytes, true: PeerReply) -> PeerReply:
        said = parse_message(true.body)[1]
        outer = {name: changes[name] for name in ("from_", "to", "kind") if name in changes}
        inner = {name: value for name, value in changes.items() if name not in outer}
        content = replace(Receipt.from_json(said.body), **inner).to_json()
        return PeerReply(200, ministry.seal_message(replace(said, body=content, **outer)))

    return answer


def cosigned_with(change: Callable[[Any], Any]) -> Answer:
    def answer(federation: Federation, request: bytes, true: PeerReply) -> PeerReply:
        found = Receipt.from_json(parse_message(true.body)[1].body).cosignature
        return receipt_with(cosignature=change(found))(federation, request, true)

    return answer


STRANGER = "\u2014 stranger.example/witness " + base64.b64encode(bytes(76)).decode()


def cosigned_again(federation: Federation, request: bytes, true: PeerReply) -> PeerReply:
    """The true receipt with a second true line by one of the partner's keys, of another time."""
    found = Receipt.from_json(parse_message(true.body)[1].body).cosignature
    assert found is not None
    head = federation[NODE].db.read(lambda connection: log.head_at(connection, found.size))
    assert head is not None
    key = log_keys.own_keys(UK, UK.member(), witness=True)[0]
    text = parse_note(head.note).text
    line = checkpoints.signature_line(UK, key, text, 4_000_000_000).format().strip()
    changed = replace(found, lines=(*found.lines, line))
    return receipt_with(cosignature=changed)(federation, request, true)


def raw(status: int, data: bytes) -> Answer:
    return lambda federation, request, true: PeerReply(status, data)


def problem(status: int, **members: Any) -> Answer:
    return raw(status, json.dumps({"code": "log.size", **members}).encode())


def earlier_receipt(federation: Federation, _request: bytes, _true: PeerReply) -> PeerReply:
    rows = contents(federation[NODE])["messages_out"]
    return PeerReply(200, next(bytes(row["receipt"]) for row in rows if row["receipt"]))


def as_delivery(_federation: Federation, _request: bytes, true: PeerReply) -> PeerReply:
    said = parse_message(true.body)[1]
    changed = replace(said, kind=MessageKind.DELIVER, seq=1, body={"items": []})
    return PeerReply(200, UK.seal_message(changed))


def spoiled(number: int) -> Answer:
    def answer(_federation: Federation, _request: bytes, true: PeerReply) -> PeerReply:
        return PeerReply(200, altered(true.body, flip_signature(number)))

    return answer


ANSWERS: dict[str, Answer] = {
    "of another message": earlier_receipt,
    "of another digest": receipt_with(digest=f"sha256:{'0' * 64}"),
    "of another number": receipt_with(seq=9),
    "of another epoch": receipt_with(epoch=2),
    "of another id": receipt_with(message="f" * 32),
    "signed by another ministry": receipt_with(CA),
    "another ministry's": receipt_with(CA, from_="ca-gac"),
    "for another ministry": receipt_with(to="ca-gac"),
    "with a forged ES384": spoiled(0),
    "with a forged ML-DSA-87": spoiled(1),
    "that is a delivery": as_delivery,
    "cosigning a head never signed": cosigned_with(lambda c: replace(c, size=c.size + 7)),
    "cosigning another head": cosigned_with(lambda c: replace(c, size=1)),
    "cosigned by half": cosigned_with(lambda c: replace(c, lines=c.lines[:1])),
    "cosigned falsely": cosigned_with(
        lambda c: replace(c, lines=(c.lines[0][:-8] + "AAAAAAA=", *c.lines[1:]))
    ),
    "cosigned twice": cosigned_again,
    "with a stranger's line": cosigned_with(lambda c: replace(c, lines=(*c.lines, STRANGER))),
    "that is a page": raw(200, b"<html>"),
    "that is empty": raw(200, b""),
    "that is an empty object": raw(200, b"{}"),
    "that is deep": raw(200, b"[" * 9000),
    "that redirects": raw(302, b""),
    "that refuses": raw(403, b'{"code":"policy.test"}'),
    "that fails": raw(500, b"oops"),
    "that refuses without words": raw(404, b"\xff\xfe"),
    "size -1": problem(409, size=-1),
    "size true": problem(409, size=True),
    "size of another universe": problem(409, size=2**62),
    "size beyond every integer": problem(409, size=2**80),
    "size as text": problem(409, size="1"),
    "size again and again": problem(409, size=0),
}


SOME = [
    *("of another digest", "signed by another ministry", "with a forged ML-DSA-87"),
    *("cosigning another head", "cosigned by half", "that is empty", "size of another universe"),
]
"""What a short run answers: one of each kind."""


@pytest.mark.parametrize("name", [*SOME, *long(*(each for each in ANSWERS if each not in SOME))])
def test_no_false_receipt_is_believed(federation: Federation, name: str) -> None:
    waiting_message(federation)
    transport = through(federation, ANSWERS[name])
    composed = None
    for turn in range(3):
        deliver(federation[NODE], PEER)
        after = contents(federation[NODE])
        volatile = after.pop("attempts")
        if turn == 0:
            composed = after
            (row,) = (row for row in after["messages_out"] if row["state"] != "receipted")
            assert row["state"] == "composed"
            assert [one["peer"] for one in volatile] == [PEER]
        assert after == composed
        federation.clock.sleep(60)
    assert transport.asked <= 9
    honest(federation)
    federation.settle()
    check_everything(federation)


def test_a_head_cosigned_twice_counts_once(federation: Federation) -> None:
    """Two messages under one head bring two cosignatures by one partner; notes carry one."""
    limits = replace(federation[NODE].limits, batch=1)
    federation.nodes[NODE] = replace(federation[NODE], limits=limits)
    for name in ("The First", "The Second"):
        exchange.designate(federation, NODE, name, to=(PEER,))
    checkpoints.integrate(federation[NODE], "test")
    for _ in range(2):
        assert delivering.compose(federation[NODE], PEER) is not None
    for _ in range(2):
        assert deliver(federation[NODE], PEER)
        federation.clock.sleep(60)
    lines = contents(federation[NODE])["cosignatures"]
    assert [row["cosigner"] for row in lines] == [PEER, PEER]
    public = federation[NODE].db.read(
        lambda connection: heads.public_head(federation[NODE], connection)
    )
    assert public is not None
    witnesses = witness_verifiers(UK.member())
    assert open_checkpoint(public.note, log_verifiers(US.member()), witnesses, strict=True).complete


def test_a_message_that_is_refused_for_good_is_shown_and_stops_its_stream(
    federation: Federation,
) -> None:
    waiting_message(federation)
    through(federation, raw(403, b'{"code":"policy.test"}'), arrives=False)
    federation.nodes[NODE] = replace(
        federation[NODE], limits=replace(federation[NODE].limits, retry_refusals=3)
    )
    for _ in range(5):
        deliver(federation[NODE], PEER)
        federation.clock.sleep(60)
    lengths = federation[NODE].db.read(stream_counts.queue_lengths)
    assert lengths == {PEER: {"dead": 1}}
    events = [row["act"] for row in contents_events(federation)]
    assert events.count("delivery.abandoned") == 1


def contents_events(federation: Federation) -> list[Any]:
    return read_copy(federation[NODE]).rows["events"]


# ---- exhibits ----------------------------------------------------------------------------------

BYTES = b"the very bytes " * 50
DIGEST = f"sha256:{hashlib.sha256(BYTES).hexdigest()}"


def awaiting(
    federation: Federation,
    *,
    by: SealingMinistry = UK,
    exhibits: Sequence[tuple[str, int]] = ((DIGEST, len(BYTES)),),
) -> None:
    """The node holds a partner's package whose exhibits are still to be fetched."""
    assert given(federation, by, exhibits) is None
    assert set(states(federation)) == {"awaited"}


def given(
    federation: Federation, by: SealingMinistry, exhibits: Sequence[tuple[str, int]]
) -> str | None:
    """Let a partner release a package with these exhibits; returns the code of a refusal."""
    bad = BadPeer(by, NODE)
    content = body("evidence-package/1")
    content["exhibits"] = [
        {
            "label": f"number {number}",
            "media_type": "text/plain",
            "size": size,
            "digest": digest,
            "kind": "official-record",
            "source": "made for the test",
        }
        for number, (digest, size) in enumerate(exhibits)
    ]
    content["claims"] = [{**content["claims"][0], "exhibits": ["number 0"]}]
    package = bad.statement("evidence-package/1", content)
    release = {
        "package": exchange_id(package),
        "recipient": NODE,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [NODE],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "Law.",
    }
    item = bad.commit(bad.statement("release/1", release), package)
    assert federation.receive(NODE, bad.deliver(item)).status == 200
    federation.down = {PEER, "ca-gac"}
    process_inbox(federation[NODE], federation.pool)
    code: str | None = max(
        contents(federation[NODE])["inbox"], key=lambda row: str(row["decided_at"])
    )["code"]
    return code


def exchange_id(envelope: bytes) -> str:
    return digest(parse_envelope(envelope).payload)


def states(federation: Federation) -> list[str]:
    return [row["state"] for row in contents(federation[NODE])["exhibits"]]


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * len(BYTES), BYTES[:-1] + b"x", BYTES + b"more", BYTES[::-1]],
    ids=["nothing", "others", "one byte", "more", "backwards"],
)
def test_false_bytes_are_never_held(federation: Federation, data: bytes) -> None:
    awaiting(federation)
    transport = through(federation, raw(200, data), arrives=False)
    before = contents(federation[NODE])
    for _ in range(3):
        fetch_exhibits(federation[NODE])
    assert contents(federation[NODE]) == before
    assert federation[NODE].store.head(DIGEST) is None
    assert transport.asked > 0
    through(federation, _from_offset, arrives=False)
    for _ in range(3):
        fetch_exhibits(federation[NODE])
    assert states(federation) == ["held"]
    stored = b"".join(federation[NODE].store.read(DIGEST, 0, len(BYTES)))
    assert stored == BYTES


def _wanted(request: bytes) -> Mapping[str, Any]:
    """What an exhibit-range request asks for."""
    message = json.dumps(json.loads(request)["message"], separators=(",", ":"), sort_keys=True)
    return parse_message(message.encode())[1].body


def _from_offset(_federation: Federation, request: bytes, _true: PeerReply) -> PeerReply:
    wanted = _wanted(request)
    start, length = int(str(wanted["offset"])), int(str(wanted["length"]))
    return PeerReply(200, BYTES[start : start + length])


def test_a_partner_that_sends_nothing_is_not_asked_without_end(federation: Federation) -> None:
    """The job goes on at once only when something came."""
    awaiting(federation)
    through(federation, raw(200, b""), arrives=False)
    assert not fetch_exhibits(federation[NODE])


def test_a_false_size_by_one_partner_does_not_keep_an_exhibit_from_coming(
    federation: Federation,
) -> None:
    """Both released a package with the same file; one of them states another size."""
    awaiting(federation, by=CA, exhibits=[(DIGEST, 5)])
    awaiting(federation)
    through(federation, _from_offset, arrives=False)
    for _ in range(3):
        fetch_exhibits(federation[NODE])
    assert states(federation) == ["held"]


def test_a_release_that_states_another_size_than_what_is_held_learns_nothing(
    federation: Federation,
) -> None:
    awaiting(federation)
    through(federation, _from_offset, arrives=False)
    fetch_exhibits(federation[NODE])
    assert states(federation) == ["held"]
    assert given(federation, CA, [(DIGEST, 5)]) is None
    before = contents(federation[NODE])["package_exhibits"]
    for _ in range(3):
        fetch_exhibits(federation[NODE])
    assert contents(federation[NODE])["package_exhibits"] == before


def test_exhibits_that_never_come_do_not_hide_others(federation: Federation) -> None:
    never = [(f"sha256:{number:064x}", 9) for number in range(300)]
    awaiting(federation, by=CA, exhibits=never)
    awaiting(federation)

    def answer(nodes: Federation, request: bytes, true: PeerReply) -> PeerReply:
        wanted = _wanted(request)
        if wanted["digest"] != DIGEST:
            return PeerReply(404, b'{"code":"exhibit.unknown"}')
        return _from_offset(nodes, request, true)

    through(federation, answer, arrives=False)
    for _ in range(200):
        if fetch_exhibits(federation[NODE]):
            break
    assert "held" in states(federation)


def test_a_partner_that_is_away_is_asked_once_in_a_round(federation: Federation) -> None:
    awaiting(federation, exhibits=[(f"sha256:{number:064x}", 9) for number in range(20)])
    federation.down = {PEER}
    federation.wires[NODE].log.clear()
    honest(federation)
    assert not fetch_exhibits(federation[NODE])
    assert len(federation.wires[NODE].log) == 1


# ---- gaps --------------------------------------------------------------------------------------


def early(federation: Federation, count: int) -> tuple[BadPeer, list[bytes]]:
    """A peer whose last of ``count`` messages arrived first; returns the requests before it."""
    bad = BadPeer(UK, NODE)
    raws, items = [], []
    for number in range(count):
        content = body("designation/1", jurisdiction="UK", regime="UK-GHR", mirrors=[])
        content["list_reference"] = f"Number {number}"
        items.append(bad.commit(bad.statement("designation/1", content)))
    for item in items:
        message = bad.message([item])
        raws.append(message)
        bad.sent(message)
    bad.cosigned = 0
    requests = [
        compose_request(message, bad.evidence([item]))
        for message, item in zip(raws, items, strict=True)
    ]
    assert federation.receive(NODE, requests[-1]).status == 200
    return bad, requests[:-1]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"requests":1}',
        b'{"requests":[]}',
        b'{"requests":[1,null,"x",{}]}',
        b'{"requests":[{"message":{},"evidence":{}}]}',
    ],
)
def test_false_answers_to_a_fetch_store_nothing(federation: Federation, answer: bytes) -> None:
    early(federation, 3)
    through(federation, raw(200, answer), arrives=False)
    before = contents(federation[NODE])
    assert not fill_gaps(federation[NODE])
    assert contents(federation[NODE]) == before


def test_one_bad_message_among_fetched_ones_does_not_hide_the_others(
    federation: Federation,
) -> None:
    _, requests = early(federation, 3)
    found = [{}, {"message": {}, "evidence": {}}, *map(json.loads, requests)]
    text = json.dumps({"requests": found}, ensure_ascii=False)
    through(federation, raw(200, text.encode()), arrives=False)
    assert fetch_gap(federation[NODE], PEER)
    (stream,) = contents(federation[NODE])["streams_in"]
    assert stream["next_seq"] > 1


def test_a_gap_is_filled_in_one_exchange(federation: Federation) -> None:
    """The partner's node serves a run of messages so that each continues from the one before."""
    for number in range(6):
        exchange.designate(federation, PEER, f"Person {number}", to=(NODE,))
        federation.down = {NODE}
        federation.step(PEER)
        federation.clock.sleep(1)
    rows = federation[PEER].db.read(
        lambda connection: streams.sent_by_number(connection, NODE, 1, 1, 99)
    )
    assert len(rows) == 6
    federation.down = set()
    last = delivering.build_request(federation[PEER], rows[-1], 0)
    assert federation.receive(NODE, last).status == 200
    checkpoints.integrate(federation[NODE], "test")
    assert fetch_gap(federation[NODE], PEER)
    (stream,) = contents(federation[NODE])["streams_in"]
    assert stream["next_seq"] == 7
