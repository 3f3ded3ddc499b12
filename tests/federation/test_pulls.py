"""What partners pull: once, in time, not past the stop switch, and never without an event."""

import json
from datetime import timedelta
from typing import Any

import pytest

from api.domain.errors import ComityError, Unavailable
from api.records import log
from api.services.authorising import peer_caller
from api.services.operations import status
from api.services.road import fetching, thread_comparison
from api.wire.canonical import parse
from api.wire.encoding import format_instant
from api.wire.limits import MESSAGE
from api.wire.message_bodies import ExhibitRange, Fetch
from api.wire.messages import MessageKind
from tests.support import exchange
from tests.support.bad_peer import BadPeer
from tests.support.exchange import CA, EXHIBIT, UK, US
from tests.support.federation import Federation
from tests.support.signing import UK as UK_MINISTRY


def released(federation: Federation, to: str = UK, title: str = "A package") -> ExhibitRange:
    """A released package's exhibit, as it is asked for; nothing has been delivered yet."""
    package = exchange.package(federation, US, title)
    exchange.release(federation, US, package, to)
    with federation[US].db.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT package, digest, size FROM package_exhibits")
        (digest, size) = next((row[1], row[2]) for row in rows if row[0] == package)
    return ExhibitRange(package, digest, 0, size)


def asked(federation: Federation, kind: MessageKind, body: dict[str, Any], by: str = UK) -> bytes:
    return fetching.ask(federation[by], US, kind, body)


def code_of(federation: Federation, request: bytes) -> tuple[int, str]:
    reply = federation.receive(US, request)
    return reply.status, "" if reply.status == 200 else json.loads(reply.body)["code"]


def captured(federation: Federation, kind: MessageKind, body: dict[str, Any]) -> bytes:
    """The bytes of a request by London that Washington answered."""
    asked(federation, kind, body)
    return federation.wires[UK].log[-1][1]


def events(federation: Federation, *acts: str) -> list[tuple[str, str, str, str]]:
    rows = federation[US].db.read(lambda c: log.events_page(c, limit=500))
    found = [(json.loads(bytes(row.body)), row) for row in rows if row.act in acts]
    return [
        (row.act, row.object_id, event["actor"]["sub"], event.get("code", ""))
        for event, row in reversed(found)
    ]


def test_captured_bytes_are_worth_nothing_twice(federation: Federation) -> None:
    """A reverse proxy, its logs or a backup hold them: without a key nothing comes of it."""
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    wanted = released(federation)
    federation.settle()
    for kind, body in (
        (MessageKind.EXHIBIT_RANGE, wanted.to_json()),
        (MessageKind.FETCH, Fetch(1, 1, 1).to_json()),
    ):
        again = captured(federation, kind, dict(body))
        assert code_of(federation, again) == (409, "message.answered")
        federation.clock.sleep(139)
        assert code_of(federation, again) == (409, "message.answered")
        federation.clock.sleep(200)
        assert code_of(federation, again) == (422, "message.time")


def test_a_clock_that_ran_ahead_and_is_set_back_opens_nothing(federation: Federation) -> None:
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    bad, body = BadPeer(UK_MINISTRY, US), dict(Fetch(1, 1, 1).to_json())
    right = federation.clock.at
    bad.asked_at = format_instant(right + timedelta(minutes=5))
    early = bad.ask(MessageKind.FETCH, body)
    assert code_of(federation, early) == (200, "")
    for ahead in (16, 17):
        federation.clock.at = right + timedelta(minutes=ahead)
        bad.asked_at = format_instant(federation.clock.at)
        assert code_of(federation, bad.ask(MessageKind.FETCH, body)) == (200, "")
    federation.clock.at = right
    for _ in range(2):
        assert code_of(federation, early) == (409, "message.answered")
    other = BadPeer(UK_MINISTRY, US)
    other.asked_at = format_instant(right + timedelta(minutes=5))
    other.made = 99
    assert code_of(federation, other.ask(MessageKind.FETCH, body)) == (409, "message.answered")


def test_a_request_is_of_these_five_minutes(federation: Federation) -> None:
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    bad = BadPeer(UK_MINISTRY, US)
    body = dict(Fetch(1, 1, 1).to_json())
    for seconds, answer in (
        (-301, (422, "message.time")),
        (-299, (200, "")),
        (299, (200, "")),
        (301, (422, "message.time")),
    ):
        bad.asked_at = format_instant(federation.clock.at + timedelta(seconds=seconds))
        assert code_of(federation, bad.ask(MessageKind.FETCH, body)) == answer


def test_an_answered_id_is_remembered_as_long_as_its_time_fits(federation: Federation) -> None:
    exchange.designate(federation, US, "Somebody", to=(UK,))
    federation.settle()
    bad = BadPeer(UK_MINISTRY, US)
    bad.asked_at = format_instant(federation.clock.at + timedelta(seconds=295))
    early = bad.ask(MessageKind.FETCH, dict(Fetch(1, 1, 1).to_json()))
    assert code_of(federation, early) == (200, "")
    for _ in range(29):
        federation.clock.sleep(20)
        bad.asked_at = format_instant(federation.clock.at)
        assert (
            code_of(federation, bad.ask(MessageKind.FETCH, dict(Fetch(1, 1, 1).to_json())))[0]
            == 200
        )
        assert code_of(federation, early) == (409, "message.answered")
    federation.clock.sleep(20)
    assert code_of(federation, early) == (422, "message.time")


def test_the_stop_switch_stops_what_is_pulled(federation: Federation) -> None:
    """Approved by mistake while London is down: nothing of it leaves once the switch is on."""
    federation.down = {UK}
    wanted = released(federation)
    federation.step(US)
    federation.step(US)
    federation.down = set()
    status.switch(federation[US], federation.officer(US, "admin"), "on")
    log_before = federation[US].db.read(lambda c: len(log.events_page(c, limit=500)))
    bad = BadPeer(UK_MINISTRY, US)
    for kind, body in (
        (MessageKind.FETCH, Fetch(1, 1, 9).to_json()),
        (MessageKind.EXHIBIT_RANGE, wanted.to_json()),
    ):
        bad.asked_at = format_instant(federation.clock.at)
        assert code_of(federation, bad.ask(kind, dict(body))) == (503, "node.stopped")
    with pytest.raises(Unavailable, match="Nothing leaves"):
        thread_comparison.serve(federation[US], peer_caller(federation[US], UK), "")
    assert federation[US].db.read(lambda c: len(log.events_page(c, limit=500))) == log_before
    status.switch(federation[US], federation.officer(US, "admin"), "off")
    federation.settle()
    assert events(federation, "exhibit.served") != []


def test_first_and_last_range_are_events(federation: Federation) -> None:
    wanted = released(federation)
    federation.settle()
    size, digest, package = wanted.length, wanted.digest, wanted.package
    for offset, length in ((0, 4), (4, 4), (8, size - 8)):
        body = ExhibitRange(package, digest, offset, length).to_json()
        asked(federation, MessageKind.EXHIBIT_RANGE, dict(body))
    asked(federation, MessageKind.EXHIBIT_RANGE, dict(wanted.to_json()))
    assert events(federation, "exhibit.served") == [
        ("exhibit.served", digest, UK, "exhibit.whole"),  # when it was delivered
        ("exhibit.served", digest, UK, "exhibit.first-range"),
        ("exhibit.served", digest, UK, "exhibit.last-range"),
        ("exhibit.served", digest, UK, "exhibit.whole"),
    ]


def test_served_messages_are_an_event(federation: Federation) -> None:
    for name in ("One", "Two", "Three"):
        exchange.designate(federation, US, name, to=(UK,))
        federation.settle()
    answer = parse(
        asked(federation, MessageKind.FETCH, dict(Fetch(1, 2, 2**53 - 1).to_json())), limit=MESSAGE
    )
    assert isinstance(answer, dict)
    assert events(federation, "message.served") == [
        ("message.served", f"{UK}:1:2-{1 + len(list(answer['requests']))}", UK, "")  # type: ignore[arg-type]
    ]


def test_an_exhibit_is_served_for_the_package_asked_and_no_other(federation: Federation) -> None:
    """Its bytes are here for other packages too: that never shows."""
    mine, others = released(federation), released(federation, CA, "Another")
    federation.settle()
    for package, digest in (
        (others.package, others.digest),  # released to another
        (mine.package, others.digest),  # not listed by the package that was released
        (others.package, mine.digest),
        (mine.package, f"sha256:{'0' * 64}"),  # nowhere
    ):
        with pytest.raises(ComityError):
            asked(
                federation,
                MessageKind.EXHIBIT_RANGE,
                dict(ExhibitRange(package, digest, 0, 4).to_json()),
            )
        bad = BadPeer(UK_MINISTRY, US)
        bad.asked_at = format_instant(federation.clock.at)
        bad.made = len(federation.wires[UK].log)
        request = bad.ask(
            MessageKind.EXHIBIT_RANGE, dict(ExhibitRange(package, digest, 0, 4).to_json())
        )
        assert code_of(federation, request) == (404, "exhibit.unknown")
    served = asked(federation, MessageKind.EXHIBIT_RANGE, dict(mine.to_json()))
    assert served == (EXHIBIT + b"A package")[: mine.length]
