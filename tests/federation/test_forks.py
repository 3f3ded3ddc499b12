"""A ministry that shows two histories is found out, proven, and stopped; an honest one is not."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest

from api.cli.node import _misbehaviour
from api.domain.errors import ComityError, Conflict, Refused
from api.domain.misbehaviour import verify_misbehaviour
from api.records import log, node_state, peer_logs, stream_counts, streams
from api.services.log import checkpoints, comparing, misbehaviour
from api.services.log.comparing import Compared
from api.services.log.misbehaviour import Ruling
from api.services.node import Node
from api.services.operations import readiness, status
from api.services.road import anchoring, offering, receiving
from api.services.road.delivering import build_request
from api.wire.canonical import canonical, parse
from api.wire.messages import compose_message, parse_message, parse_request
from api.wire.misbehaviour import MisbehaviourKind, parse_misbehaviour
from tests.support.exports import second_verifier
from tests.support.federation import Federation
from tests.support.journeys import release, submit
from tests.support.signing import US as US_KEYS
from tests.support.tall_logs import lengthen
from tests.support.twins import in_place_of, present, twin_of

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    lengthen(made[US], 20)
    made.settle()
    made.watch()
    yield made
    made.close()


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


def seen(node: Node, peer: str = US) -> int:
    row = node.db.read(lambda connection: peer_logs.peer_log(connection, peer))
    return 0 if row is None else row.size


def proofs(node: Node) -> list[bytes]:
    rows = node.db.read(node_state.misbehaviour)
    return [row.proof for row in rows if row.kind != node_state.REFUSED_HEAD]


def require_proof(node: Node, second: ModuleType, kind: MisbehaviourKind) -> bytes:
    """The one proof kept, judged by both verifiers from the membership alone."""
    (proof,) = proofs(node)
    assert verify_misbehaviour(proof, node.membership).ministry == US
    assert parse_misbehaviour(proof).kind is kind
    other = second.check_misbehaviour(proof, second.Membership(node.membership.raw))
    assert other["ministry"] == US
    return proof


def forked(federation: Federation, folder: Path, sizes: tuple[int, int]) -> Node:
    """US grows in two ways, one for the UK and one for Canada; returns the twin that Canada saw."""
    twin = twin_of(federation, US, folder)
    lengthen(federation[US], sizes[0])
    lengthen(twin, sizes[1])
    present(federation[US], UK)
    present(twin, CA)
    assert (seen(federation[UK]), seen(federation[CA])) == sizes
    return twin


@pytest.mark.parametrize("sizes", [(40, 40), (30, 40), (300, 40), (30, 700)])
def test_a_fork_towards_two_partners_is_exposed_within_one_exchange(
    federation: Federation, tmp_path: Path, second: ModuleType, sizes: tuple[int, int]
) -> None:
    forked(federation, tmp_path / "twin", sizes)
    uk = federation[UK]
    # US answers nobody any more: the two partners alone find out.
    federation.down.add(US)
    found = comparing.compare_all(uk, Compared())
    assert len(found) == 1
    require_proof(uk, second, MisbehaviourKind.INCONSISTENT_HEADS)
    # Canada does, too, in its own one round.
    assert len(comparing.compare_all(federation[CA], Compared())) == 1
    require_proof(federation[CA], second, MisbehaviourKind.INCONSISTENT_HEADS)
    figures = status.figures(uk)
    assert (figures.misbehaviour, figures.accused) == (1, [US])
    assert readiness.details(uk)["misbehaviour"] == 1
    assert f"ALARM: proofs that await a ruling: 1; frozen: {US}" in _misbehaviour(asdict(figures))


def test_honest_growth_at_different_paces_is_no_fork(
    federation: Federation, tmp_path: Path
) -> None:
    us = federation[US]
    for size, peer in ((40, UK), (300, CA), (301, UK), (900, CA)):
        lengthen(us, size)
        present(us, peer)
    remembered = Compared()
    for name in (UK, CA):
        assert comparing.compare_all(federation[name], remembered) == []
        assert proofs(federation[name]) == []
    # What was found consistent is not asked for again.
    reads = federation.wires[UK].reads
    comparing.compare_all(federation[UK], remembered)
    before = len(reads)
    comparing.compare_all(federation[UK], remembered)
    assert [path for _, path in reads[before:] if "tile" in path] == []


def test_a_partner_that_is_away_or_lies_proves_nothing(
    federation: Federation, tmp_path: Path
) -> None:
    forked(federation, tmp_path / "twin", (30, 40))
    uk = federation[UK]
    federation.down.add(CA)
    assert comparing.compare_all(uk, Compared()) == []
    federation.down.discard(CA)

    class Lying:
        """A witness whose tiles are of no tree that US ever signed."""

        def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> object:
            reply = federation.read(peer, path, token)
            if "tile" in path:
                return type(reply)(reply.status, bytes(len(reply.body)), reply.headers)
            return reply

        def post(self, *_: object, **__: object) -> object:
            raise AssertionError

    from dataclasses import replace

    deceived = replace(uk, transport=Lying())  # type: ignore[arg-type]
    assert comparing.compare_all(deceived, Compared()) == []
    assert proofs(uk) == []


def test_a_rolled_back_log_is_refused_and_a_second_history_proven_at_once(
    federation: Federation, tmp_path: Path, second: ModuleType
) -> None:
    us, uk = federation[US], federation[UK]
    honest = twin_of(federation, US, tmp_path / "honest")
    dishonest = twin_of(federation, US, tmp_path / "dishonest")
    lengthen(us, 60)
    present(us, UK)
    # The old state, honestly presented: merely old. It learns so, and signs nothing more.
    assert not anchoring.ask_to_cosign(honest, UK)
    assert (seen(uk), proofs(uk)) == (60, [])
    assert honest.db.read(node_state.restoring)
    # Grown on, it is another history, though smaller than what the UK has seen.
    lengthen(dishonest, 50)
    with pytest.raises(ComityError):
        _deliver_head(dishonest, uk)
    require_proof(uk, second, MisbehaviourKind.INCONSISTENT_HEADS)
    assert seen(uk) == 60


def _deliver_head(node: Node, to: Node) -> None:
    head = checkpoints.newest(node)
    old = node.db.read(lambda c: log.last_cosigned(c, to.ministry))
    receiving.accept(to, offering._message(node, to.ministry, old, head))


def test_a_larger_second_history_is_kept_and_resolved_with_the_other_witness(
    federation: Federation, tmp_path: Path, second: ModuleType
) -> None:
    us, uk = federation[US], federation[UK]
    twin = twin_of(federation, US, tmp_path / "twin")
    lengthen(us, 40)
    present(us, UK)
    lengthen(twin, 80)
    present(twin, CA)
    # The twin shows itself to the UK: the head is signed, the proof fails, the leaves are not here.
    assert not anchoring.ask_to_cosign(twin, UK)
    assert proofs(uk) == []
    assert len(uk.db.read(node_state.refused_heads)) == 1
    assert status.figures(uk).refused_heads == 1
    assert len(comparing.judge_refused(uk)) == 1
    require_proof(uk, second, MisbehaviourKind.INCONSISTENT_HEADS)
    assert uk.db.read(node_state.refused_heads) == []


def test_a_good_head_with_a_bad_proof_is_cleared(federation: Federation) -> None:
    us, uk = federation[US], federation[UK]
    lengthen(us, 40)
    head = checkpoints.newest(us)
    good = parse(offering._message(us, UK, 20, head), limit=1 << 24)
    assert isinstance(good, dict)
    evidence = good["evidence"]
    assert isinstance(evidence, dict)
    consistency = evidence["consistency"]
    assert isinstance(consistency, dict)
    consistency["path"] = ["00" * 32 for _ in consistency["path"]]  # type: ignore[union-attr]
    with pytest.raises(ComityError):
        receiving.accept(uk, canonical(good))
    assert len(uk.db.read(node_state.refused_heads)) == 1
    assert comparing.judge_refused(uk) == []
    assert uk.db.read(node_state.refused_heads) == []
    assert proofs(uk) == []
    assert anchoring.ask_to_cosign(us, UK)


def test_two_messages_under_one_number(
    federation: Federation, tmp_path: Path, second: ModuleType
) -> None:
    us, uk = federation[US], federation[UK]
    package = submit(federation)
    twin = twin_of(federation, US, tmp_path / "twin")
    release(federation, package, UK)
    with in_place_of(federation, US, twin):
        other = submit(federation, title="Another package")
        release(federation, other, UK)
    present(us, UK)
    present(twin, UK)
    proof = require_proof(uk, second, MisbehaviourKind.MESSAGE_NUMBER_REUSE)
    evidence = json.loads(proof)["evidence"]
    assert evidence["first"] != evidence["second"]
    assert uk.db.read(lambda c: streams.stream_in(c, US)).state == "frozen"  # type: ignore[union-attr]
    # The first stands and was applied; what comes later waits for a ruling.
    release(federation, package, CA)
    third = submit(federation, title="A third package")
    release(federation, third, UK)
    federation.clock.sleep(5)
    present_quietly(us)
    assert "unreceipted" in us.db.read(stream_counts.queue_lengths)[UK]


def present_quietly(node: Node) -> None:
    try:
        present(node, UK)
    except ComityError:
        return


def test_the_same_content_sealed_twice_is_a_duplicate(federation: Federation) -> None:
    us, uk = federation[US], federation[UK]
    release(federation, submit(federation), UK)
    federation.settle()
    row = us.db.read(lambda c: streams.sent_by_number(c, UK, 1, 1, 1))[0]
    body = parse_message(bytes(row.envelope))[1]
    again = US_KEYS.seal_message(body)
    assert again != bytes(row.envelope)
    _, evidence = parse_request(build_request(us, row, seen(uk)))
    from api.wire.messages import compose_request

    answer = receiving.accept(uk, compose_request(again, evidence))
    assert answer.body == bytes(row.receipt)
    assert proofs(uk) == []
    # Other content under the same number is another matter.
    other = compose_message(type(body)(**{**vars_of(body), "substantive_size": 1}))
    assert other != compose_message(body)


def vars_of(body: object) -> dict[str, object]:
    from dataclasses import fields

    return {each.name: getattr(body, each.name) for each in fields(body)}  # type: ignore[arg-type]


def test_replayed_messages_get_the_same_receipt(federation: Federation) -> None:
    release(federation, submit(federation), UK)
    federation.settle()
    sent = [body for peer, body in federation.wires[US].log if peer == UK]
    first = next(body for body in sent if b'"evidence"' in body and _is_numbered(body))
    receipts = {federation.receive(UK, first).body for _ in range(3)}
    row = federation[US].db.read(lambda c: streams.sent_by_number(c, UK, 1, 1, 1))[0]
    assert receipts == {bytes(row.receipt)}
    assert federation.receive(CA, first).status == 403  # another audience
    assert proofs(federation[UK]) == []


def _is_numbered(request: bytes) -> bool:
    return parse_message(parse_request(request)[0])[1].seq is not None


def test_an_administrator_rules(federation: Federation, tmp_path: Path) -> None:
    forked(federation, tmp_path / "twin", (30, 40))
    us, uk = federation[US], federation[UK]
    comparing.compare_all(uk, Compared())
    admin, analyst = federation.officer(UK, "admin"), federation.officer(UK, "analyst")
    (row,) = misbehaviour.kept_proofs(uk, admin)
    assert misbehaviour.read(uk, federation.officer(UK, "auditor"), row.id).kind == (
        "inconsistent-heads"
    )
    with pytest.raises(Refused):
        misbehaviour.kept_proofs(uk, analyst)
    with pytest.raises(Refused):
        misbehaviour.rule(uk, analyst, row.id, Ruling.RESUME)
    lengthen(us, 50)
    assert not anchoring.ask_to_cosign(us, UK)
    misbehaviour.rule(uk, admin, row.id, Ruling.UPHOLD)
    figures = status.figures(uk)
    assert (figures.misbehaviour, figures.accused) == (0, [US])
    assert readiness.details(uk)["misbehaviour"] == 0
    assert _misbehaviour(asdict(figures)) == f"none to rule on; frozen: {US}"
    assert not anchoring.ask_to_cosign(us, UK)
    misbehaviour.rule(uk, admin, row.id, Ruling.RESUME)
    assert status.figures(uk).accused == []
    assert uk.db.read(lambda c: streams.stream_in(c, US)).state == "open"  # type: ignore[union-attr]
    assert anchoring.ask_to_cosign(us, UK)
    with pytest.raises(Conflict, match="ruled"):
        misbehaviour.rule(uk, admin, row.id, Ruling.UPHOLD)


def test_watching_finds_it_by_itself(federation: Federation, tmp_path: Path) -> None:
    forked(federation, tmp_path / "twin", (300, 40))
    federation.watch()
    assert [len(proofs(federation[name])) for name in (US, UK, CA)] == [0, 1, 1]
    federation.watch(3)
    assert [len(proofs(federation[name])) for name in (UK, CA)] == [1, 1]
