"""Certificates and keys that need looking after: judged, said in the log, shown as figures."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.adapters.peers.certificate import valid_until
from api.domain.errors import Unavailable
from api.jobs.watch_expiry import WatchExpiry
from api.services.node import Node
from api.services.operations.attention import Concern, concerns, days_left, key_states
from api.wire.keys import KeyRecord, Purpose
from tests.support.certificates import Authority
from tests.support.federation import Federation
from tests.support.observed_nodes import captured_logs
from tests.support.signing import US as US_MINISTRY

US = "us-treasury"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    federation = Federation(tmp_path, ministries=(US_MINISTRY,))
    yield federation[US]
    federation.close()


class Keys:
    """A signer that says of one key what a test wants said."""

    def __init__(self, node: Node, kid: str, **changes: int) -> None:
        self._node, self._kid, self._changes = node, kid, changes

    def public_keys(self) -> tuple[KeyRecord, ...]:
        return tuple(
            replace(key, **self._changes) if key.kid == self._kid else key  # type: ignore[arg-type]
            for key in self._node.signer.public_keys()
        )

    def keys(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        return tuple(
            key
            for key in self.public_keys()
            if key.purpose is purpose and key.until is None and key.revoked_from is None
        )


def with_key(node: Node, **changes: int) -> tuple[Node, str]:
    kid = node.signer.keys(Purpose.SEAL)[0].kid
    return replace(node, signer=Keys(node, kid, **changes)), kid  # type: ignore[arg-type]


def test_a_node_in_order_needs_nothing(node: Node) -> None:
    assert concerns(node, None) == []
    assert concerns(node, node.clock.now() + timedelta(days=31)) == []
    assert key_states(node)[("seal", "current")] == 2


@pytest.mark.parametrize(
    ("left", "concern"),
    [
        (timedelta(days=30, seconds=-1), Concern("certificate.expires", days=29)),
        (timedelta(hours=5), Concern("certificate.expires", days=0)),
        (timedelta(hours=-5), Concern("certificate.expired", days=-1)),
    ],
)
def test_a_certificate_near_or_past_its_end(node: Node, left: timedelta, concern: Concern) -> None:
    assert concerns(node, node.clock.now() + left) == [concern]


def test_days_left_are_a_figure(node: Node) -> None:
    assert 1.9 < days_left(node, node.clock.now() + timedelta(days=2)) <= 2


def test_retired_and_revoked_keys_and_what_is_then_missing(node: Node) -> None:
    retired, kid = with_key(node, until=7)
    missing = Concern("key.missing", purpose="seal")
    assert concerns(retired, None) == [missing, Concern("key.retired", purpose="seal", kid=kid)]
    assert key_states(retired)[("seal", "retired")] == 1
    revoked, kid = with_key(node, revoked_from=3)
    assert concerns(revoked, None) == [missing, Concern("key.revoked", purpose="seal", kid=kid)]
    assert key_states(revoked)[("seal", "revoked")] == 1


@pytest.mark.parametrize("change", [{"until": 9}, {"revoked_from": 9}])
def test_a_key_that_signs_here_and_is_ended_in_the_membership(
    node: Node, change: dict[str, int]
) -> None:
    kid = node.signer.keys(Purpose.LOG)[0].kid
    keys = tuple(replace(k, **change) if k.kid == kid else k for k in node.me.keys)  # type: ignore[arg-type]
    members = tuple(replace(m, keys=keys) if m is node.me else m for m in node.membership.members)
    told = replace(node, membership=replace(node.membership, members=members))
    assert concerns(told, None) == [Concern("key.out-of-step", purpose="log", kid=kid)]


def test_the_log_says_it_each_day_and_of_retired_keys_once(node: Node) -> None:
    watched, kid = with_key(node, until=7)
    watch = WatchExpiry(watched, node.clock.now() + timedelta(days=3))
    with captured_logs() as captured:
        assert watch() is False
        assert watch() is False
    first, second = captured.lines[:3], captured.lines[3:]
    assert [line["code"] for line in first] == ["certificate.expires", "key.missing", "key.retired"]
    assert [line["code"] for line in second] == ["certificate.expires", "key.missing"]
    assert first[0]["days"] == 2
    assert (first[2]["purpose"], first[2]["kid"]) == ("seal", kid)
    assert {line["level"] for line in captured.lines} == {"warning"}


def test_the_end_is_read_from_the_file_that_is_shown(tmp_path: Path) -> None:
    pair = Authority(tmp_path, "partners").issue("us-treasury")
    assert valid_until(pair.certificate) == datetime(2090, 1, 1, tzinfo=UTC)
    (tmp_path / "empty.pem").write_text("no certificate\n")
    for path in (tmp_path / "empty.pem", tmp_path / "absent.pem"):
        with pytest.raises(Unavailable) as caught:
            valid_until(path)
        assert caught.value.code == "peer.certificate"
