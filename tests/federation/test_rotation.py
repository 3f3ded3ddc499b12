"""A ministry changes keys, and its partners follow: nothing is refused for good, and what was signed still verifies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from api.adapters.crypto.keystore import SIGNING_PURPOSES
from api.domain.verification.export import verify_export
from api.records import stream_counts, streams
from api.records.node_state import NODE_STATE
from api.services.audit import fsck
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.desk import members
from api.services.log import checkpoints
from api.services.node import Node
from api.services.road import partner_memberships
from api.wire.encoding import b64u_encode
from api.wire.keys import KeyRecord, Purpose
from api.wire.membership import Membership, compose_membership
from tests.support import exchange
from tests.support.bad_peer import contents
from tests.support.campaigns import campaign, long
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.journeys import witness_all
from tests.support.looking import seen
from tests.support.signing import US as OLD
from tests.support.signing import SealingMinistry

NEW = SealingMinistry("us-treasury", "US", "second")


@dataclass(frozen=True)
class Rotated:
    """The keys of a ministry of which some purposes have new ones; a `Signer`."""

    purposes: frozenset[Purpose]
    records: tuple[KeyRecord, ...]

    def keys(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        return tuple(r for r in self.records if r.purpose is purpose and r.until is None)

    def public_keys(self) -> tuple[KeyRecord, ...]:
        return self.records

    def sign(self, kid: str, data: bytes) -> bytes:
        one = OLD if kid in {record.kid for record in OLD.records} else NEW
        return one.sign(kid, data)


def rotated(purposes: frozenset[Purpose], at_index: int, until: int) -> Rotated:
    kept = [replace(r, until=until) if r.purpose in purposes else r for r in OLD.records]
    new = [replace(r, from_=at_index) for r in NEW.records if r.purpose in purposes]
    return Rotated(purposes, (*kept, *new))


def next_membership(before: Membership, signer: Rotated) -> Membership:
    members = [
        replace(member, keys=signer.records) if member.id == US else member
        for member in before.members
    ]
    return compose_membership(before.serial + 1, before.digest, members)


def switch(federation: Federation, ministry: str, later: Membership, **changed: object) -> None:
    """Two administrators confirm a membership, and the node starts with it."""
    node = federation[ministry]
    members.propose(node, federation.officer(ministry, "admin"), later.raw)
    seen(members.approve, node, federation.officer(ministry, "admin2"), later.digest)
    federation.nodes[ministry] = replace(node, membership=later, **changed)  # type: ignore[arg-type]
    members.require_confirmed(federation[ministry])


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    for node in made:
        members.require_confirmed(node)
        for peer in node.others():
            partner_memberships.ask(node, peer)
    yield made
    made.close()


def say(federation: Federation, name: str) -> None:
    """A statement each way."""
    exchange.designate(federation, US, f"{name} of Washington", to=(UK,))
    exchange.designate(federation, UK, f"{name} of London", to=(US,))


def many_rounds(federation: Federation) -> None:
    """As long as it takes to give a message up that is refused."""
    for _ in range(3 * federation[US].limits.retry_refusals):
        for node in federation:
            federation.step(node.ministry)
        federation.clock.sleep(1)


JUDGED = [(Purpose.SEAL,), (Purpose.MESSAGE,), (Purpose.LOG,), (Purpose.LOG_PQ,)]


@pytest.mark.parametrize("purposes", [*long(*JUDGED), SIGNING_PURPOSES], ids="+".join)
def test_partners_follow_a_change_of_keys(
    federation: Federation, purposes: tuple[Purpose, ...]
) -> None:
    """Whoever switches late refuses nothing for good; then all is applied, and all of it verifies."""
    say(federation, "Before")
    federation.settle()
    us = federation[US]
    signer = rotated(frozenset(purposes), checkpoints.newest(us).size, 1000)
    later = next_membership(us.membership, signer)
    # The node goes on under the old keys until it starts with the new membership.
    say(federation, "Meanwhile")
    federation.settle()
    switch(federation, US, later, signer=signer)
    say(federation, "After")
    many_rounds(federation)
    assert federation[US].db.read(streams.attempts)[UK].code == partner_memberships.BEHIND
    for ministry in (UK, CA):
        switch(federation, ministry, later)
    federation.clock.sleep(60)
    federation.settle()
    witness_all(federation)
    for node in federation:
        assert [row["code"] for row in contents(node)["dispositions"]] == [None] * 3 * (
            node.ministry != CA
        )
        assert node.db.read(stream_counts.queue_lengths) == {}
        assert contents(node)["misbehaviour"] == []
        assert codes_of(node) == set()
        auditor = federation.officer(node.ministry, "auditor")
        with exporting.export(node, auditor, Wanted("rotation")).file as file:
            verify_export(file, later)


def test_what_a_member_signed_is_checked_after_it_left(federation: Federation) -> None:
    """The files of former memberships are kept, each named by the next; a changed one counts for nothing."""
    us = federation[US]
    for ministry in (UK, CA):
        exchange.designate(federation, ministry, "Somebody", to=(US,))
        exchange.designate(federation, US, f"Told to {ministry}", to=(ministry,))
    federation.settle()
    witness_all(federation)
    first = us.membership
    for gone in (CA, UK):
        before = federation[US].membership
        staying = [one for one in before.members if one.id != gone]
        switch(federation, US, compose_membership(before.serial + 1, before.digest, staying))
        assert codes_of(federation[US]) == set()
    us = federation[US]
    name = f"membership-file:{first.digest}"
    with us.db.engine.begin() as connection:
        rows = NODE_STATE.update().where(NODE_STATE.c.name == name)
        connection.execute(rows.values(value=b64u_encode(us.membership.raw)))
    assert "fsck.signed-bytes" in codes_of(us)


def codes_of(node: Node) -> set[str]:
    trust = fsck.Trust(node.membership)
    report = node.db.read(lambda c: fsck.check(c, trust, store=node.store))
    return {finding.code for finding in report.findings}


@campaign("test_partners_follow_a_change_of_keys")
@pytest.mark.parametrize("purpose", [Purpose.WITNESS, Purpose.WITNESS_PQ])
def test_new_witness_keys_hold_no_message_back(federation: Federation, purpose: Purpose) -> None:
    us = federation[US]
    signer = rotated(frozenset({purpose}), checkpoints.newest(us).size, 1000)
    switch(federation, US, next_membership(us.membership, signer), signer=signer)
    exchange.designate(federation, US, "After", to=(UK,))
    many_rounds(federation)
    assert federation[US].db.read(stream_counts.queue_lengths) == {}
    assert [row["code"] for row in contents(federation[UK])["dispositions"]] == []
