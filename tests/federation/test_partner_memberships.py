"""Which membership each partner runs with: asked, compared, and shown to administrators."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.adapters.peers.http import HttpPeers
from api.cli.node import status_lines
from api.domain.errors import Unavailable
from api.jobs.reconcile import AGAIN, EVERY, Comparing, reconcile
from api.ports.peers import PeerReply
from api.records.partner_memberships import PartnerMembership, partner_memberships
from api.services.node import Node
from api.services.operations import readiness, status
from api.web.shapes import document
from api.wire.membership import compose_membership
from tests.support.federation import Federation
from tests.support.foreign import ANOTHER_IN_THE_END

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


@pytest.fixture(params=ANOTHER_IN_THE_END)
def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    urls = None
    if request.param == "postgresql":
        urls = {US: request.getfixturevalue("postgres_server").fresh()}
    made = Federation(tmp_path, urls=urls)
    yield made
    made.close()


def said(node: Node, peer: str) -> PartnerMembership:
    return node.db.read(partner_memberships)[peer]


def lines(node: Node) -> str:
    return "\n".join(status_lines(document(status.figures(node))))


def with_serial(federation: Federation, ministry: str, serial: int) -> None:
    """The node runs with another membership, of the same members."""
    node = federation[ministry]
    digest = None if serial == 1 else node.membership.digest
    other = compose_membership(serial, digest, node.membership.members)
    federation.nodes[ministry] = dataclasses.replace(node, membership=other)


def test_a_partner_with_the_same_membership_is_no_alarm(federation: Federation) -> None:
    us = federation[US]
    assert not reconcile(us, UK)
    told = said(us, UK)
    assert (told.serial, told.digest) == (us.membership.serial, us.membership.digest)
    assert "ALARM" not in lines(us)
    assert readiness.details(us)["partners"] == {"insecure": 0, "other_membership": 0}


def test_a_partner_that_did_not_switch_is_an_alarm_until_it_did(federation: Federation) -> None:
    with_serial(federation, US, 2)
    us, uk = federation[US], federation[UK]
    reconcile(us, UK)
    assert "ALARM: uk-fcdo uses serial 1, another membership: it has to switch" in lines(us)
    assert readiness.details(us)["partners"]["other_membership"] == 1
    assert readiness.checks(us)["database"], "an alarm is no reason to be unready"
    reconcile(uk, US)
    assert "ALARM: us-treasury uses serial 2, another membership: compare yours" in lines(uk)
    with_serial(federation, UK, 2)
    reconcile(us, UK)
    assert "ALARM" not in lines(us)


def test_a_partner_that_switches_is_noticed_within_the_minute(federation: Federation) -> None:
    with_serial(federation, US, 2)
    us = federation[US]
    comparing = Comparing(us, UK)
    comparing()
    assert "ALARM" in lines(us)
    with_serial(federation, UK, 2)
    federation.clock.sleep(AGAIN)
    comparing()
    asked = said(us, UK).asked_at
    assert "ALARM" not in lines(us)
    federation.clock.sleep(AGAIN)
    comparing()
    assert said(us, UK).asked_at == asked
    federation.clock.sleep(EVERY)
    comparing()
    assert said(us, UK).asked_at > asked


def test_what_a_silent_partner_said_before_stays(federation: Federation) -> None:
    us = federation[US]
    reconcile(us, UK)
    federation.down.add(UK)
    reconcile(us, UK)
    assert (said(us, UK).serial, said(us, UK).code) == (1, "peer.unreachable")
    reconcile(us, CA)
    assert said(us, CA).code is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"membership":{"serial":0,"digest":"x"}}',
        b'{"membership":{"serial":"1","digest":"sha256:' + b"0" * 64 + b'"}}',
        b'{"membership":' * 5000,
    ],
)
def test_nonsense_is_written_down_as_such(federation: Federation, body: bytes) -> None:
    class Nonsense:
        def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
            del peer, path, token, headers
            return PeerReply(200, body)

    us = dataclasses.replace(federation[US], transport=Nonsense())  # type: ignore[arg-type]
    reconcile(us, UK)
    assert (said(us, UK).serial, said(us, UK).code) == (None, "peer.refused")


def test_a_partner_without_https_is_said_to_be_never_called(federation: Federation) -> None:
    us = federation[US]
    members = [
        dataclasses.replace(one, url=one.url.replace("https://", "http://"))
        for one in us.membership.members
    ]
    plain = compose_membership(1, None, members)
    peers = HttpPeers(plain)
    us = dataclasses.replace(us, membership=plain, transport=peers)
    with pytest.raises(Unavailable, match="no https address"):
        peers.get(UK, "/", token="", headers={})
    reconcile(us, UK)
    assert "ALARM: uk-fcdo is never called, its address has no https (peer.insecure)" in lines(us)
    assert readiness.details(us)["partners"]["insecure"] == 1
