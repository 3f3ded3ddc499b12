"""Large bodies at the peers' door: the keys that signed them are looked up before the rest is read."""

import pytest
from fastapi import Request
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.services.road import first_look
from api.web.intake import Intake
from api.web.routing import SIGNED_MESSAGE
from api.wire.errors import WireError
from api.wire.messages import Evidence, MessageKind, compose_request
from tests.support.bad_peer import BadPeer
from tests.support.door import MINISTRY, Door
from tests.support.signing import UK, SealingMinistry
from tests.web.test_refusals import refused

DOOR = "/peer/messages"
ASKED = {"epoch": 1, "first": 1, "last": 1}


def large(signer: SealingMinistry, kind: MessageKind = MessageKind.FETCH) -> bytes:
    """A request above the size from which a first look is taken."""
    to = MINISTRY if signer.id != MINISTRY else "uk-fcdo"
    raw = BadPeer(signer, to).message(kind=kind, seq=None, prev=None, body=ASKED)
    return compose_request(raw, Evidence("-", leaves=bytes(600_000)))


def spoilt(data: bytes) -> bytes:
    """The same request with bytes in front that no decoder takes."""
    return b"\xff" * 1000 + data[1000:]


STRANGERS = {
    "other keys": SealingMinistry("uk-fcdo", "UK", "second"),
    "nobody": SealingMinistry("nobody", "XX"),
    "ourselves": SealingMinistry(MINISTRY, "US"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_keys_that_are_no_members_are_refused_before_the_rest_is_read(
    door: Door, name: str
) -> None:
    request = spoilt(large(STRANGERS[name]))
    refused(door.ask(None, "POST", DOOR, content=request), 400, "key.unknown")


def test_what_a_member_signed_is_read(door: Door) -> None:
    refused(door.ask(None, "POST", DOOR, content=spoilt(large(UK))), 400, "json.not-utf8")
    answer = door.ask(None, "POST", DOOR, content=large(UK))
    assert answer.json().get("code") not in {"key.unknown", "message.request"}


ENDS = {
    "no signatures": b"[" + b" " * 600_000 + b"]",
    "cut off": large(UK)[:-1],
    "more behind": large(UK) + b" ",
    "no object": b"x" * 600_000 + b'","signatures":[}}',
    "a text in place of them": b"x" * 600_000 + b'","signatures":["a"]}}',
    "none of them": b"x" * 600_000 + b'","signatures":[]}}',
    "too long": b'","signatures":[' + b" " * 600_000 + b"]}}",
}


@pytest.mark.parametrize("name", ENDS)
def test_an_end_without_signatures_is_refused(door: Door, name: str) -> None:
    answer = door.ask(None, "POST", DOOR, content=ENDS[name])
    assert answer.status_code == 400
    assert answer.json()["code"].partition(".")[0] in {"message", "json", "key"}


def test_small_requests_are_judged_as_ever(door: Door) -> None:
    refused(door.ask(None, "POST", DOOR, content=b"{}"), 400, "message.request")


def test_the_sender_is_found_by_the_keys(door: Door) -> None:
    tail = large(UK)[-first_look.TAIL :]
    assert first_look.sender_of(door.node, tail) == "uk-fcdo"


def test_keys_of_two_members_are_nobodys(door: Door) -> None:
    """One signature of each of two members: neither sent it."""
    mine, others = large(UK), large(SealingMinistry("ca-gac", "CA"))
    cut, theirs = mine.rindex(b'},{"protected"'), others.rindex(b'},{"protected"')
    with pytest.raises(WireError) as refusal:
        first_look.sender_of(door.node, (mine[:cut] + others[theirs:])[-first_look.TAIL :])
    assert refusal.value.code == "key.unknown"


DOORS = sorted(
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    and (route.openapi_extra or {}).get("x-comity-action") == SIGNED_MESSAGE
)


def test_the_doors_without_a_token_are_known() -> None:
    assert DOORS == ["/log/add-checkpoint", "/peer/messages"]


@pytest.mark.parametrize("size", [600_000, 5_000_000])
@pytest.mark.parametrize("path", DOORS)
def test_no_door_reads_a_strangers_megabytes_into_memory(
    door: Door, monkeypatch: pytest.MonkeyPatch, path: str, size: int
) -> None:
    """Whoever asks a door without a token: known by its keys, or its body is small."""
    turns: list[str] = []

    async def taken(_: Intake, request: Request) -> None:
        turns.append(request.url.path)

    monkeypatch.setattr(Intake, "take_turn", taken)
    raw = BadPeer(STRANGERS["nobody"], MINISTRY).message(
        kind=MessageKind.FETCH, seq=None, prev=None, body=ASKED
    )
    content = compose_request(raw, Evidence("-", leaves=bytes(size)))
    answer = door.ask(None, "POST", path, content=content)
    assert answer.status_code in {400, 413}, answer.text
    assert turns == []
    # What a member signed is taken in, so the guard above can fail.
    door.ask(None, "POST", DOOR, content=large(UK))
    assert turns == [DOOR]
