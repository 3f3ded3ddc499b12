"""A partner that breaks the protocol: each attempt gets its stable code and leaves nothing behind."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Unavailable
from api.services.node import Limits
from api.tlog.merkle import HASH_SIZE
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from api.wire.envelope import MESSAGE as MESSAGE_TYP
from api.wire.envelope import seal
from api.wire.keys import ES384, Purpose
from api.wire.limits import MESSAGE
from api.wire.message_bodies import Item
from api.wire.messages import InclusionPath, MessageKind, compose_message, compose_request
from tests.support import exchange
from tests.support.bad_peer import BadPeer, acts, altered, contents, flip_signature
from tests.support.bodies import body
from tests.support.federation import Federation
from tests.support.signing import (
    CA,
    UK,
    SealingMinistry,
    private_key,
    raw_signature,
    with_bounds,
)

NODE = "us-treasury"
HELD = 4


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    limits = Limits(cursor_secret=b"t", held_messages=HELD)
    made = Federation(tmp_path, limits=limits)
    yield made
    made.close()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """One federation for all attempts that must leave nothing behind."""
    limits = Limits(cursor_secret=b"t", held_messages=HELD)
    made = Federation(tmp_path_factory.mktemp("untouched"), limits=limits)
    yield made
    made.close()


def designation(**changes: Any) -> dict[str, Any]:
    content = body("designation/1", jurisdiction="UK", regime="UK-GHR", mirrors=[])
    return {**content, **changes}


def item(bad: BadPeer, **changes: Any) -> Item:
    return bad.commit(bad.statement("designation/1", designation(**changes)))


def send(federation: Federation, request: bytes) -> tuple[int, str]:
    reply = federation.receive(NODE, request)
    content = json.loads(reply.body) if reply.status != 200 else {}
    return reply.status, content.get("code", "")


Attack = Callable[[BadPeer], bytes]


def spoiled_envelope(change: Callable[[dict[str, Any]], None]) -> Attack:
    def attack(bad: BadPeer) -> bytes:
        one = item(bad)
        raw = altered(bad.message([one]), change)
        return compose_request(raw, bad.evidence([one]))

    return attack


def raw_request(change: Callable[[bytes], bytes]) -> Attack:
    return lambda bad: change(bad.deliver(item(bad)))


def changed_request(change: Callable[[dict[str, Any]], None]) -> Attack:
    return lambda bad: altered(bad.deliver(item(bad)), change)


def only_classical(value: dict[str, Any]) -> None:
    del value["signatures"][1]


def other_order(value: dict[str, Any]) -> None:
    value["signatures"].reverse()


def header_says_none(value: dict[str, Any]) -> None:
    protected = canonical({"alg": "none", "kid": "x" * 43, "typ": "comity-message"})
    value["signatures"][0]["protected"] = b64u_encode(protected)


def header_brings_key(value: dict[str, Any]) -> None:
    header = {"alg": ES384, "jwk": {}, "kid": "x" * 43, "typ": "comity-message"}
    value["signatures"][0]["protected"] = b64u_encode(canonical(header))


def path_as_kid(value: dict[str, Any]) -> None:
    header = {"alg": ES384, "kid": "../../etc/passwd", "typ": "comity-message"}
    value["signatures"][0]["protected"] = b64u_encode(canonical(header))


def signed_by(ministry: SealingMinistry, purpose: Purpose = Purpose.MESSAGE) -> Attack:
    """The right sender's name under another's keys, or under keys of another purpose."""

    def attack(bad: BadPeer) -> bytes:
        one = item(bad)
        payload = compose_message(bad.body([one]))
        found = {r.alg: r for r in ministry.records_for(purpose)}
        entries = []
        for alg, record in found.items():
            header = canonical({"alg": alg, "kid": record.kid, "typ": "comity-message"})
            protected = b64u_encode(header)
            data = f"{protected}.{b64u_encode(payload)}".encode()
            name = f"{ministry.id} {purpose} {ministry.epoch}"
            signature = raw_signature(private_key(alg, name), data)
            entries.append({"protected": protected, "signature": b64u_encode(signature)})
        raw = canonical({"payload": b64u_encode(payload), "signatures": entries})
        return compose_request(raw, bad.evidence([one]))

    return attack


def message_with(**changes: Any) -> Attack:
    def attack(bad: BadPeer) -> bytes:
        one = item(bad)
        return compose_request(bad.message([one], **changes), bad.evidence([one]))

    return attack


def payload_with(**members: Any) -> Attack:
    """A message whose signed payload has other members than the protocol's."""

    def attack(bad: BadPeer) -> bytes:
        one = item(bad)
        value = json.loads(compose_message(bad.body([one]))) | members
        raw = seal(canonical(value), MESSAGE_TYP, UK.records_for(Purpose.MESSAGE), UK.sign)
        return compose_request(raw, bad.evidence([one]))

    return attack


def items_with(**members: Any) -> Attack:
    def attack(bad: BadPeer) -> bytes:
        one = item(bad)
        content = json.loads(compose_message(bad.body([one])))
        content["body"]["items"][0] |= members
        return payload_with(body=content["body"])(bad)

    return attack


def evidence_with(change: Callable[[BadPeer, Item], dict[str, Any]]) -> Attack:
    def attack(bad: BadPeer) -> bytes:
        item(bad)
        one = item(bad)
        return compose_request(bad.message([one]), bad.evidence([one], **change(bad, one)))

    return attack


def another_leafs_path(bad: BadPeer, one: Item) -> dict[str, Any]:
    other = item(bad)
    proofs = bad.evidence([other]).inclusion
    return {"inclusion": (InclusionPath(one.index, proofs[0].path),)}


def another_leafs_proof(bad: BadPeer, _one: Item) -> dict[str, Any]:
    return {"inclusion": bad.evidence([item(bad)]).inclusion}


def no_proof(_bad: BadPeer, _one: Item) -> dict[str, Any]:
    return {"inclusion": ()}


def two_proofs(bad: BadPeer, one: Item) -> dict[str, Any]:
    return {"inclusion": bad.evidence([one, one]).inclusion}


def half_signed_head(bad: BadPeer, _one: Item) -> dict[str, Any]:
    lines = bad.head().splitlines(keepends=True)
    return {"checkpoint": "".join(lines[:-1])}


def unsigned_head(bad: BadPeer, _one: Item) -> dict[str, Any]:
    text, _, _ = bad.head().partition("\n\n")
    return {"checkpoint": f"{text}\n\n"}


def others_head(bad: BadPeer, _one: Item) -> dict[str, Any]:
    other = BadPeer(CA, NODE)
    other.tree, other.hashes = bad.tree, bad.hashes
    return {"checkpoint": other.head()}


def missing_leaves(bad: BadPeer, _one: Item) -> dict[str, Any]:
    return {"leaves": b"".join(bad.hashes[:-1])}


def ragged_leaves(bad: BadPeer, _one: Item) -> dict[str, Any]:
    return {"leaves": b"".join(bad.hashes)[:-1]}


def deep(request: bytes) -> bytes:
    return b'{"message":' + b"[" * 40 + b"]" * 40 + b"}"


def duplicate_member(request: bytes) -> bytes:
    return b'{"evidence":{},' + request[1:]


def add(name: str, where: Callable[[dict[str, Any]], Any] = lambda value: value) -> Attack:
    def change(value: dict[str, Any]) -> None:
        where(value)[name] = 1

    return changed_request(change)


ATTACKS: dict[str, tuple[Attack, int, str]] = {
    # signatures and keys
    "forged ES384": (spoiled_envelope(flip_signature(0)), 400, "signature.false"),
    "forged ML-DSA-87": (spoiled_envelope(flip_signature(1)), 400, "signature.false"),
    "ML-DSA-87 left out": (spoiled_envelope(only_classical), 400, "envelope.signatures"),
    "signatures in another order": (spoiled_envelope(other_order), 400, "envelope.signatures"),
    "alg none": (spoiled_envelope(header_says_none), 400, "envelope.signatures"),
    "key in the header": (spoiled_envelope(header_brings_key), 400, "envelope.protected"),
    "a path as kid": (spoiled_envelope(path_as_kid), 400, "envelope.protected"),
    "another ministry's keys": (signed_by(CA), 400, "key.unknown"),
    "keys nobody listed": (
        signed_by(SealingMinistry("uk-fcdo", "UK", "second")),
        400,
        "key.unknown",
    ),
    "keys of another purpose": (signed_by(UK, Purpose.SEAL), 400, "key.unknown"),
    # sender and audience
    "for another ministry": (message_with(to="ca-gac"), 403, "message.audience"),
    "from nobody known": (message_with(from_="xx-nobody"), 403, "message.sender"),
    "from a path": (payload_with(**{"from": "../uk-fcdo"}), 400, "message.malformed"),
    # JSON
    "deep": (raw_request(deep), 400, "json.too-deep"),
    "duplicate member": (raw_request(duplicate_member), 400, "json.duplicate-member"),
    "not canonical": (
        raw_request(lambda r: r.replace(b'":', b'": ', 1)),
        400,
        "json.not-canonical",
    ),
    "trailing data": (raw_request(lambda r: r + b" "), 400, "json.not-canonical"),
    "byte order mark": (raw_request(lambda r: b"\xef\xbb\xbf" + r), 400, "json.bom"),
    "not UTF-8": (raw_request(lambda r: r[:-1] + b'"\xff"}'), 400, "json.not-utf8"),
    "NaN": (raw_request(lambda r: b'{"evidence":NaN}'), 400, "json.non-finite"),
    "a huge number": (raw_request(lambda r: b'{"a":9007199254740993}'), 400, "json.integer-range"),
    "lone surrogate": (raw_request(lambda r: b'{"a":"\\ud800"}'), 400, "json.lone-surrogate"),
    "cut off": (raw_request(lambda r: r[: len(r) // 2]), 400, "json.malformed"),
    "empty": (raw_request(lambda r: b""), 400, "json.malformed"),
    "oversize": (raw_request(lambda r: b" " * (MESSAGE + 1)), 413, "json.too-large"),
    # members
    "unlisted in the request": (add("extra"), 400, "message.request"),
    "unlisted in the evidence": (add("extra", lambda v: v["evidence"]), 400, "message.request"),
    "unlisted in the envelope": (add("extra", lambda v: v["message"]), 400, "envelope.malformed"),
    "unlisted in a signature": (
        add("header", lambda v: v["message"]["signatures"][0]),
        400,
        "envelope.signatures",
    ),
    "unlisted in the payload": (payload_with(extra=1), 400, "message.malformed"),
    "unlisted in an item": (items_with(extra=1), 400, "message.items"),
    "another protocol version": (payload_with(comity="2"), 400, "message.malformed"),
    "an unknown kind": (payload_with(kind="command"), 400, "message.kind"),
    "a receipt sent by itself": (
        message_with(kind=MessageKind.RECEIPT, seq=None, prev=None, body={}),
        400,
        "message.kind",
    ),
    "no items": (payload_with(body={"items": []}), 400, "message.items"),
    "number 0": (payload_with(seq=0), 400, "message.malformed"),
    # order
    "a first message that names one before": (
        payload_with(prev=f"sha256:{'0' * 64}"),
        400,
        "message.sequence",
    ),
    "another epoch": (message_with(epoch=2), 409, "stream.epoch"),
    "far ahead": (
        message_with(seq=HELD + 2, prev=f"sha256:{'0' * 64}"),
        503,
        "stream.buffer-full",
    ),
    "an epoch that nobody opened": (
        message_with(kind=MessageKind.EPOCH, epoch=3, body={"ended": 2, "seq": 0, "digest": None}),
        409,
        "stream.epoch",
    ),
    # evidence
    "another leaf's path": (evidence_with(another_leafs_path), 422, "log.inclusion"),
    "another leaf's proof": (evidence_with(another_leafs_proof), 422, "log.inclusion"),
    "no inclusion proof": (evidence_with(no_proof), 422, "log.inclusion"),
    "a proof too many": (evidence_with(two_proofs), 422, "log.inclusion"),
    "another statement than the leaf's": (items_with(salt_s="00" * 32), 422, "log.inclusion"),
    "a head with one signature": (evidence_with(half_signed_head), 422, "log.head"),
    "a head without signature": (evidence_with(unsigned_head), 422, "log.head"),
    "another log's head": (evidence_with(others_head), 422, "log.head"),
    "leaves left out": (evidence_with(missing_leaves), 409, "log.size"),
    "ragged leaves": (evidence_with(ragged_leaves), 409, "log.size"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_refused_with_a_code_and_nothing_stored(
    untouched: Federation, bad: BadPeer, name: str
) -> None:
    attack, status, code = ATTACKS[name]
    node = untouched[NODE]
    before, told = contents(node), acts(node)
    assert send(untouched, attack(bad)) == (status, code)
    assert contents(node) == before
    assert acts(node) == told


@pytest.mark.parametrize(
    ("bounds", "code"),
    [({"until": 1}, "time-unproven"), ({"revoked_from": 0}, "time-unproven")],
    ids=["retired", "revoked"],
)
def test_a_key_that_is_no_longer_in_use_signs_no_message(
    federation: Federation, bad: BadPeer, bounds: dict[str, int], code: str
) -> None:
    kid = UK.records_for(Purpose.MESSAGE)[0].kid
    changed = with_bounds(federation.membership, {kid: bounds})
    node = federation.nodes[NODE] = replace(federation[NODE], membership=changed)
    before = contents(node)
    assert send(federation, bad.deliver(item(bad))) == (400, code)
    assert contents(node) == before


def test_a_suspended_peer_is_refused_with_the_deciding_policy(
    federation: Federation, bad: BadPeer
) -> None:
    """The policy decides on authenticated senders; its refusal is an event."""
    node = federation[NODE]
    closed = replace(node, decider=Denying(node.decider))
    federation.nodes[NODE] = closed
    before = contents(node)
    status, code = send(federation, bad.deliver(item(bad)))
    assert (status, code) == (403, "policy.test")
    assert contents(node) == before
    assert acts(node)[-1] == ("access.refused", "policy.test")


class Denying:
    """A decider that refuses deliveries."""

    def __init__(self, decider: Any) -> None:
        self._decider = decider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decider, name)

    def decide(self, *question: Any) -> Any:
        decision = self._decider.decide(*question)
        return replace(decision, allowed=False, code="policy.test", policies=("test.denies",))


def test_a_replay_gets_the_stored_receipt_and_changes_nothing(
    federation: Federation, bad: BadPeer
) -> None:
    request = bad.deliver(item(bad))
    first = federation.receive(NODE, request)
    assert first.status == 200
    before, told = contents(federation[NODE]), acts(federation[NODE])
    again = federation.receive(NODE, request)
    assert (again.status, again.body) == (200, first.body)
    assert contents(federation[NODE]) == before
    assert acts(federation[NODE]) == told


def test_a_replay_at_another_node_is_refused(federation: Federation, bad: BadPeer) -> None:
    request = bad.deliver(item(bad))
    before = contents(federation["ca-gac"])
    reply = federation.receive("ca-gac", request)
    assert (reply.status, json.loads(reply.body)["code"]) == (403, "message.audience")
    assert contents(federation["ca-gac"]) == before


def test_a_used_number_with_other_bytes_is_kept_as_proof(
    federation: Federation, bad: BadPeer
) -> None:
    one, other = item(bad), item(bad)
    first, second = bad.message([one]), bad.message([other])
    assert send(federation, compose_request(first, bad.evidence([one]))) == (200, "")
    bad.cosigned = len(bad.hashes)
    before = contents(federation[NODE])
    reuse = compose_request(second, bad.evidence([other]))
    assert send(federation, reuse) == (409, "equivocation")
    after = contents(federation[NODE])
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"misbehaviour", "streams_in"}
    (kept,) = after["misbehaviour"]
    assert (kept["peer"], kept["kind"]) == ("uk-fcdo", "message-number-reuse")
    assert acts(federation[NODE])[-1] == ("equivocation.kept", "message-number-reuse")
    # The first stands; the same again is no second proof; nothing more is taken.
    assert send(federation, reuse) == (409, "equivocation")
    assert len(contents(federation[NODE])["misbehaviour"]) == 1
    assert send(federation, compose_request(first, bad.evidence([one]))) == (200, "")
    bad.sent(first)
    assert send(federation, bad.deliver(item(bad))) == (409, "stream.frozen")


def test_the_same_content_sealed_twice_gets_the_first_receipt(
    federation: Federation, bad: BadPeer
) -> None:
    """ECDSA signatures differ each time: a second valid envelope of one payload is a duplicate."""
    one = item(bad)
    content = bad.body([one])
    first, second = UK.seal_message(content), UK.seal_message(content)
    assert first != second
    answer = federation.receive(NODE, compose_request(first, bad.evidence([one])))
    before = contents(federation[NODE])
    again = federation.receive(NODE, compose_request(second, bad.evidence([one])))
    assert (again.status, again.body) == (200, answer.body)
    assert contents(federation[NODE]) == before


def test_an_id_of_another_number_is_refused(federation: Federation, bad: BadPeer) -> None:
    one = item(bad)
    first = bad.message([one], id="a" * 32)
    assert send(federation, compose_request(first, bad.evidence([one]))) == (200, "")
    bad.sent(first)
    other = item(bad)
    before = contents(federation[NODE])
    second = bad.message([other], id="a" * 32)
    request = compose_request(second, bad.evidence([other]))
    assert send(federation, request) == (409, "message.id")
    assert contents(federation[NODE]) == before


def test_a_false_predecessor_is_refused(federation: Federation, bad: BadPeer) -> None:
    assert send(federation, bad.deliver(item(bad))) == (200, "")
    one = item(bad)
    before = contents(federation[NODE])
    raw = bad.message([one], prev=f"sha256:{'0' * 64}")
    assert send(federation, compose_request(raw, bad.evidence([one]))) == (409, "stream.prev")
    assert contents(federation[NODE]) == before


def test_a_flood_of_early_messages_is_held_within_bounds(
    federation: Federation, bad: BadPeer
) -> None:
    """Gaps may come from the network, so early ones are kept; but never without bound."""
    answers = []
    for seq in range(2, 2 * HELD + 6):
        one = item(bad)
        raw = bad.message([one], seq=seq, prev=f"sha256:{seq:064x}")
        answers.append(send(federation, compose_request(raw, bad.evidence([one]))))
        if answers[-1][0] == 200:
            bad.cosigned = len(bad.hashes)
    assert answers[:HELD] == [(200, "")] * HELD
    assert set(answers[HELD:]) == {(503, "stream.buffer-full")}
    rows = contents(federation[NODE])["messages_in"]
    assert [row["state"] for row in rows] == ["held"] * HELD
    federation.step(NODE)
    assert contents(federation[NODE])["inbox"] == []


def test_a_held_message_that_does_not_fit_never_takes_effect(
    federation: Federation, bad: BadPeer
) -> None:
    early = item(bad)
    raw = bad.message([early], seq=2, prev=f"sha256:{'0' * 64}")
    assert send(federation, compose_request(raw, bad.evidence([early]))) == (200, "")
    bad.cosigned = len(bad.hashes)
    assert send(federation, bad.deliver(item(bad))) == (200, "")
    states = {row["seq"]: row["state"] for row in contents(federation[NODE])["messages_in"]}
    assert states == {1: "stored", 2: "misfit"}
    federation.step(NODE)
    assert len(contents(federation[NODE])["inbox"]) == 1


def test_a_head_that_is_merely_old_is_told_the_right_size(
    federation: Federation, bad: BadPeer
) -> None:
    one = item(bad)
    old = bad.evidence([one])
    raw = bad.message([one])
    item(bad)
    item(bad)
    assert send(federation, compose_request(raw, bad.evidence([one]))) == (200, "")
    bad.sent(raw)
    before = contents(federation[NODE])
    late = bad.message([one])
    reply = federation.receive(NODE, compose_request(late, old))
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"], problem["size"]) == (409, "log.size", 3)
    assert contents(federation[NODE]) == before


@pytest.mark.parametrize("longer", [False, True], ids=["same-size", "larger"])
def test_a_head_that_does_not_continue_is_kept_and_cosigned_by_nobody(
    federation: Federation, bad: BadPeer, longer: bool
) -> None:
    assert send(federation, bad.deliver(item(bad))) == (200, "")
    seen = contents(federation[NODE])["peer_logs"]
    fork = BadPeer(UK, NODE)
    fork.seq, fork.prev, fork.made = bad.seq, bad.prev, bad.made + 100
    one = item(fork, list_reference="another past")
    if longer:
        item(fork)
        fork.cosigned = 1
    leaves = b"".join(fork.hashes[1:])
    raw = fork.message([one])
    request = compose_request(raw, fork.evidence([one], leaves=leaves))
    assert send(federation, request) == (422, "log.inconsistent")
    after = contents(federation[NODE])
    assert after["peer_logs"] == seen
    (kept,) = after["misbehaviour"]
    assert kept["kind"] == ("refused-head" if longer else "inconsistent-heads")
    assert len(after["messages_in"]) == 1
    assert len(leaves) == HASH_SIZE * longer


def test_leaf_hashes_that_do_not_make_the_head_are_stored_nowhere(
    federation: Federation, bad: BadPeer
) -> None:
    """The head is signed and its proof is right; only what came beside them is not."""
    assert send(federation, bad.deliver(item(bad))) == (200, "")
    before = contents(federation[NODE])
    one = item(bad)
    raw = bad.message([one])
    honest = bad.evidence([one])
    wrong = replace(honest, leaves=bytes(len(honest.leaves)))
    assert len(honest.leaves) >= HASH_SIZE
    assert send(federation, compose_request(raw, wrong)) == (422, "log.inconsistent")
    after = contents(federation[NODE])
    assert after["peer_logs"] == before["peer_logs"]
    assert after["messages_in"] == before["messages_in"]
    assert send(federation, compose_request(raw, honest)) == (200, "")


def test_what_was_not_released_answers_as_what_is_absent(
    federation: Federation, bad: BadPeer
) -> None:
    package = exchange.package(federation, NODE)
    exhibits = contents(federation[NODE])["package_exhibits"]
    wanted = {"package": package, "digest": exhibits[0]["digest"], "offset": 0, "length": 10}
    before = contents(federation[NODE])
    answers = []
    for asked in (wanted, {**wanted, "digest": f"sha256:{'0' * 64}"}):
        reply = federation.receive(NODE, bad.ask(MessageKind.EXHIBIT_RANGE, asked))
        problem = json.loads(reply.body)
        answers.append((reply.status, problem["code"], problem["detail"]))
    assert answers[0] == answers[1]
    assert answers[0][:2] == (404, "exhibit.unknown")
    assert contents(federation[NODE]) == before
    assert acts(federation[NODE])[-1][0] == "access.refused"


def test_messages_that_were_never_sent_cannot_be_fetched(
    federation: Federation, bad: BadPeer
) -> None:
    before = contents(federation[NODE])
    asked = bad.ask(MessageKind.FETCH, {"epoch": 1, "first": 1, "last": 9})
    assert send(federation, asked) == (404, "message.unknown")
    assert contents(federation[NODE]) == before


def test_a_node_that_is_off_answers_nobody(federation: Federation, bad: BadPeer) -> None:
    federation.down.add(NODE)
    with pytest.raises(Unavailable):
        federation.receive(NODE, bad.deliver(item(bad)))
