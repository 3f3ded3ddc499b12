"""What a change of keys leaves valid, what a quorum of two makes public, and what a quota costs."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.domain.errors import Conflict, Invalid, NotFound, TooMany
from api.domain.log_trust import log_verifiers, witness_verifiers
from api.domain.quotas import RATES, Allowance, Quotas, Rate, Share
from api.ports.peers import PeerReply
from api.records import stream_counts, streams
from api.services.audit.export import exporting
from api.services.desk import package_files
from api.services.log import add_checkpoint, checkpoints, heads, log_door, witnessing
from api.services.node import Limits
from api.services.road import delivering, offering, receiving
from api.settings import Settings
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.membership import Membership, compose_membership
from api.wire.package_file import PROOF
from tests.support import counted_streams, exchange
from tests.support.bad_peer import BadPeer, contents
from tests.support.bodies import body
from tests.support.campaigns import campaign
from tests.support.delivering import deliver
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation, Wire
from tests.support.signing import CA as CA_KEYS
from tests.support.signing import UK as UK_KEYS


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path, limits=Limits(cursor_secret=b"t", quorum=2, retry_base=0.01))
    yield made
    made.close()


def with_bound(membership: Membership, ministry: str, purpose: Purpose, **bound: int) -> Membership:
    members = [
        replace(
            member,
            keys=tuple(
                replace(key, **bound)  # type: ignore[arg-type]
                if (member.id, key.purpose) == (ministry, purpose)
                else key
                for key in member.keys
            ),
        )
        for member in membership.members
    ]
    return compose_membership(1, None, members)


def test_a_stored_receipt_stays_one_when_its_signer_changes_keys(federation: Federation) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    (row,) = us.db.read(lambda c: streams.sent_by_number(c, UK, 1, 1, 1))
    later = replace(us, membership=with_bound(us.membership, UK, Purpose.MESSAGE, until=3))
    assert delivering.open_receipt(later, bytes(row.receipt), UK).message == row.id
    revoked = with_bound(us.membership, UK, Purpose.MESSAGE, revoked_from=3)
    with pytest.raises(WireError) as refused:
        delivering.open_receipt(replace(us, membership=revoked), bytes(row.receipt), UK)
    assert refused.value.code == "time-unproven"


def test_a_message_that_was_stored_is_answered_after_its_sender_changed_keys(
    federation: Federation,
) -> None:
    """The receipt was lost, then the sender changed keys: the same bytes get the same receipt."""
    us, uk = federation[US], federation[UK]
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    (row,) = us.db.read(lambda c: streams.sent_by_number(c, UK, 1, 1, 1))
    request = delivering.build_request(us, row, checkpoints.newest(us).size)
    known = with_bound(uk.membership, US, Purpose.MESSAGE, until=3)
    federation.nodes[UK] = replace(uk, membership=known)
    reply = federation.receive(UK, request)
    assert (reply.status, reply.body) == (200, bytes(row.receipt))
    # A new one under the same keys is refused.
    exchange.designate(federation, US, "Another", to=(UK,))
    federation.clock.sleep(1)
    checkpoints.integrate(us, "test")
    delivering.compose(us, UK)
    (fresh,) = us.db.read(lambda c: streams.unreceipted(c, UK, 1))
    reply = federation.receive(UK, delivering.build_request(us, fresh, 0))
    assert (reply.status, json.loads(reply.body)["code"]) == (400, "time-unproven")


@pytest.mark.parametrize("purpose", [Purpose.LOG, Purpose.LOG_PQ])
def test_a_retired_log_key_signs_no_new_head(federation: Federation, purpose: Purpose) -> None:
    us, uk = federation[US], federation[UK]
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    head = checkpoints.newest(us)
    member = us.membership.member
    for bound, valid in (({"until": head.size}, True), ({"until": head.size - 1}, False)):
        known = with_bound(us.membership, US, purpose, **bound)
        later = replace(uk, membership=known)
        if valid:
            assert witnessing.open_head(later, US, head.note).size == head.size
            continue
        wanted = log_verifiers(known.member(US), head.size)
        assert len(wanted) == len(log_verifiers(member(US))) - 1
        # What the other key signed is half a signature, and none for a proof of misbehaviour.
        with pytest.raises(Invalid) as refused:
            witnessing.open_head(later, US, head.note)
        assert refused.value.code == "log.head"


def test_a_retired_witness_key_cosigns_nothing_new_and_what_it_cosigned_counts(
    federation: Federation,
) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Somebody", to=(UK, CA))
    federation.settle()
    federation.watch(2)
    public = us.db.read(lambda c: heads.public_head(us, c))
    assert public is not None
    known = us.membership
    for purpose in (Purpose.WITNESS, Purpose.WITNESS_PQ):
        known = with_bound(known, UK, purpose, until=1)
    later = replace(us, membership=known)
    # Stored before that membership: it counts here, and for whoever verifies.
    assert later.db.read(lambda c: heads.public_head(later, c)) == public
    assert witness_verifiers(known.member(UK), current=True) == []
    names = {key.name for key in witness_verifiers(known.member(UK))}
    lines = tuple(
        line
        for line in public.note.decode().split("\n")
        if any(f" {name} " in line for name in names)
    )
    bare = checkpoints.newest(us).note
    assert add_checkpoint.check_lines(us, UK, lines, bare)
    assert not add_checkpoint.check_lines(later, UK, lines, bare)


@campaign("test_a_retired_log_key_signs_no_new_head")
def test_everything_that_shows_a_head_waits_for_the_quorum(federation: Federation) -> None:
    """Two must have cosigned; one has: nothing shows that head, whoever asks."""
    us = federation[US]
    package = exchange.package(federation, US)
    federation.down = {CA}
    exchange.release(federation, US, package, UK)
    federation.settle()
    federation.watch(2)
    assert us.db.read(lambda c: heads.public_head(us, c)) is None
    with pytest.raises(NotFound, match="cosigned by a quorum"):
        log_door.answer(us, federation.officer(US, "auditor"), "checkpoint")
    with pytest.raises(Conflict, match="Too few partners"):
        us.db.read(lambda c: exporting.witnessed_head(us, c))
    analyst = federation.officer(US, "analyst")
    assert PROOF not in entries_of(package_files.open_file(us, analyst, package))
    federation.down = set()
    federation.settle()
    federation.watch(70)
    public = us.db.read(lambda c: heads.public_head(us, c))
    assert public is not None
    assert set(public.cosigners) == {UK, CA}
    served = log_door.answer(us, federation.officer(US, "auditor"), "checkpoint")
    assert served.body == public.note
    assert us.db.read(lambda c: exporting.witnessed_head(us, c)) == (public.note, public.size)
    assert PROOF in entries_of(package_files.open_file(us, analyst, package))


def entries_of(file: Iterator[bytes]) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(b"".join(file))) as opened:
        return set(opened.namelist())


def test_a_quota_makes_a_partner_wait_and_no_dead_letter(federation: Federation) -> None:
    us, uk = federation[US], federation[UK]
    tight = replace(uk, quotas=Quotas({**uk.quotas.rates, Allowance.MESSAGES: Rate(1, 3600)}))
    federation.nodes[UK] = tight
    for name in ("One", "Two"):
        exchange.designate(federation, US, name, to=(UK,))
        federation.clock.sleep(1)
        checkpoints.integrate(us, "test")
        delivering.compose(us, UK)
    answers = []
    wire = us.transport

    class Listening(Wire):
        def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
            reply = super().post(peer, path, body, content_type=content_type)
            answers.append((reply.status, json.loads(reply.body).get("code", "")))
            return PeerReply(reply.status, reply.body, {"retry-after": "1800"})

    assert isinstance(wire, Wire)
    object.__setattr__(us, "transport", Listening(federation, US))
    for _ in range(60):
        deliver(us, UK)
        federation.clock.sleep(10)
    assert (429, "peer.quota") in answers
    assert len(answers) == 2  # it waits as long as it was told to
    counts = us.db.read(stream_counts.queue_lengths)[UK]
    assert counts.get("dead", 0) == 0
    for _ in range(8):
        federation.clock.sleep(1800)
        deliver(us, UK)
    assert us.db.read(counted_streams.delivered)[UK]["receipted"] == 2


def test_only_refusals_in_a_row_make_a_dead_letter(federation: Federation) -> None:
    us = federation[US]
    exchange.designate(federation, US, "One", to=(UK,))
    checkpoints.integrate(us, "test")

    class Moody(Wire):
        count = 0

        def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
            self.count += 1
            status = 403 if self.count % 10 else 429
            return PeerReply(status, b'{"code":"policy.denied"}')

    object.__setattr__(us, "transport", Moody(federation, US))
    for _ in range(60):
        deliver(us, UK)
        federation.clock.sleep(120)
    assert us.db.read(stream_counts.queue_lengths)[UK].get("dead", 0) == 0
    assert offering.within_reach(us, 0)


# ---- bytes by the day ---------------------------------------------------------------------------


@pytest.fixture
def on_each(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    """Washington on each kind of database."""
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def bounded(federation: Federation, ministry: str, **daily: int) -> None:
    """Give every partner of a node so many bytes of a share in a day."""
    node = federation[ministry]
    shares = {**node.quotas.daily, **{Share[name]: amount for name, amount in daily.items()}}
    federation.nodes[ministry] = replace(node, quotas=Quotas(daily=shares))


def refusal(answer: PeerReply) -> tuple[int, str]:
    return answer.status, json.loads(answer.body).get("code", "")


def test_a_restart_gives_nobody_a_second_share_of_message_bytes(on_each: Federation) -> None:
    """What is kept stays, another partner is not touched, and after midnight all of it goes on."""
    bad, other = BadPeer(UK_KEYS, US), BadPeer(CA_KEYS, US)

    def said(peer: BadPeer, name: str) -> bytes:
        content = body("designation/1", mirrors=[], list_reference=name)
        return peer.deliver(peer.commit(peer.statement("designation/1", content)))

    first = said(bad, "One")
    bounded(on_each, US, MESSAGES=len(first))
    assert on_each.receive(US, first).status == 200
    second = said(bad, "Two")
    assert refusal(on_each.receive(US, second)) == (429, "peer.quota")
    on_each.restart(US)
    bounded(on_each, US, MESSAGES=len(first))
    assert refusal(on_each.receive(US, second)) == (429, "peer.quota")
    with pytest.raises(TooMany) as told:
        receiving.accept(on_each[US], second)
    # The clock of a federation starts at noon.
    assert 11 * 3600 < told.value.retry_after <= 12 * 3600
    # The same message again costs nothing, and gets its receipt.
    assert on_each.receive(US, first).status == 200
    assert on_each.receive(US, said(other, "Three")).status == 200
    on_each.clock.sleep(12 * 3600)
    assert on_each.receive(US, second).status == 200
    assert len(contents(on_each[US])["messages_in"]) == 3


def test_exhibit_bytes_to_one_partner_are_bounded_by_the_day(on_each: Federation) -> None:
    """The receiver asks again after midnight; nothing is lost, and no event tells of what waits."""
    package = exchange.package(on_each, US, "Bounded")
    exchange.release(on_each, US, package, UK)
    bounded(on_each, US, EXHIBITS_OUT=1)
    other = exchange.package(on_each, US, "And another")
    exchange.release(on_each, US, other, UK)
    on_each.settle()

    def arrived() -> list[str]:
        rows = contents(on_each[UK])["package_exhibits"]
        return sorted(row["arrival"] for row in rows)

    # One that is larger than the whole share goes through once a day, or it would never.
    assert arrived() == ["awaited", "came"]
    on_each.restart(US)
    bounded(on_each, US, EXHIBITS_OUT=1)
    on_each.settle()
    assert arrived() == ["awaited", "came"]
    on_each.clock.sleep(12 * 3600)
    on_each.settle()
    assert arrived() == ["came", "came"]


def test_exhibit_bytes_from_one_partner_are_bounded_by_the_day(on_each: Federation) -> None:
    bounded(on_each, US, EXHIBITS_IN=1)
    for name in ("One", "Two"):
        exchange.release(on_each, UK, exchange.package(on_each, UK, name), US)
    exchange.release(on_each, CA, exchange.package(on_each, CA, "Three"), US)
    on_each.settle()
    rows = contents(on_each[US])["package_exhibits"]
    assert sorted(row["arrival"] for row in rows) == ["awaited", "came", "came"]
    on_each.restart(US)
    bounded(on_each, US, EXHIBITS_IN=1)
    on_each.settle()
    assert sum(row["arrival"] == "came" for row in contents(on_each[US])["package_exhibits"]) == 2
    on_each.clock.sleep(12 * 3600)
    on_each.settle()
    assert all(row["arrival"] == "came" for row in contents(on_each[US])["package_exhibits"])


def test_the_settings_say_what_a_partner_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a setting, with the default of the domain."""
    for name, value in required_settings().items():
        monkeypatch.setenv(name, value)
    assert Settings().quotas == Quotas()
    changed = {
        "MESSAGES_PER_MINUTE": Quotas({**RATES, Allowance.MESSAGES: Rate(7, 60)}),
        "EVENTS_PER_HOUR": Quotas({**RATES, Allowance.EVENTS: Rate(7, 3600)}),
        "SUBMISSIONS_PER_MINUTE": Quotas({**RATES, Allowance.SUBMISSIONS: Rate(7, 60)}),
    }
    for name, wanted in changed.items():
        with monkeypatch.context() as patched:
            patched.setenv(f"COMITY_PEER_{name}", "7")
            assert Settings().quotas == wanted
    monkeypatch.setenv("COMITY_PEER_EXHIBIT_BYTES_PER_DAY", str(1 << 30))
    found = Settings().quotas.daily
    assert (found[Share.EXHIBITS_IN], found[Share.EXHIBITS_OUT]) == (1 << 30, 1 << 30)


def required_settings() -> dict[str, str]:
    return {
        f"COMITY_{name.upper()}": "x"
        for name, one in Settings.model_fields.items()
        if one.is_required()
    }
