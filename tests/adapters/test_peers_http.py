"""The way to partners: one slow, silent or endless door costs its own partner's calls and no others."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat

import pytest

from api.adapters.peers.http import HttpPeers
from api.domain.errors import Unavailable
from api.wire.membership import Membership
from tests.support.signing import UK, US, membership

OK = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n"
    b"connection: close\r\n\r\nok"
)
Manner = Callable[[socket.socket, threading.Event], None]


@contextmanager
def door(manner: Manner) -> Iterator[str]:
    """A door whose manner is a function of one connection and of the end of the test."""
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=answer, args=(connection,)))
            threads[-1].start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                read_request(connection)
                manner(connection, ended)
            except OSError:
                return

    accepting = threading.Thread(target=serve)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()
        for thread in threads:
            thread.join()


def read_request(connection: socket.socket) -> None:
    """Read all of it: bytes left unread when a door closes would reset the caller."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := connection.recv(65536)):
            return
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    told = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    while told and len(body) < int(told[1]):
        if not (more := connection.recv(65536)):
            return
        body += more


def drip(pieces: Iterator[bytes]) -> Manner:
    """Give one piece after the other, each in time for a time-out per read."""

    def manner(connection: socket.socket, ended: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
            if ended.wait(0.02):
                return

    return manner


def honest(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(OK)


def silent(_: socket.socket, ended: threading.Event) -> None:
    ended.wait()


def addressed(us: str, uk: str) -> Membership:
    made = membership(US, UK)
    urls = {"us-treasury": us, "uk-fcdo": uk}
    members = tuple(replace(member, url=urls[member.id]) for member in made.members)
    return replace(made, members=members)


def head_of_drip() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from repeat(b"x: y\r\n")


def informed_for_ever() -> Iterator[bytes]:
    yield from repeat(b"HTTP/1.1 100 Continue\r\n\r\n")


def body_of_drip() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
    yield from repeat(b"x")


def chunks_of_drip() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    yield from repeat(b"1\r\nx\r\n")


@pytest.mark.parametrize(
    "pieces",
    [head_of_drip, informed_for_ever, body_of_drip, chunks_of_drip],
    ids=lambda each: each.__name__,
)
def test_a_drip_ends_at_the_deadline_of_the_call(pieces: Callable[[], Iterator[bytes]]) -> None:
    with door(drip(pieces())) as slow:
        peers = HttpPeers(addressed(slow, slow), allow_http=True, seconds=0.3)
        with pytest.raises(Unavailable) as refused:
            peers.get("uk-fcdo", "/log/checkpoint", token="t", headers={})
        assert refused.value.code == "peer.unreachable"
        peers.close()


def test_a_silent_door_uses_up_no_other_partner_s_calls() -> None:
    with door(silent) as mute, door(honest) as open_door:
        peers = HttpPeers(addressed(open_door, mute), allow_http=True, seconds=1.5, calls=2)
        outcomes: list[str] = []

        def call() -> None:
            try:
                peers.post("uk-fcdo", "/peer/messages", b"{}", content_type="application/json")
            except Unavailable as error:
                outcomes.append(error.code)

        callers = [threading.Thread(target=call) for _ in range(12)]
        for caller in callers:
            caller.start()
        while outcomes.count("peer.busy") < 10:
            time.sleep(0.01)  # two wait at the silent door, ten were told at once
        for _ in range(5):
            reply = peers.post("us-treasury", "/peer/messages", b"{}", content_type="text/plain")
            assert (reply.status, reply.body) == (200, b"ok")
            assert reply.headers["content-type"] == "text/plain"
        for caller in callers:
            caller.join()
        assert sorted(set(outcomes)) == ["peer.busy", "peer.unreachable"]
        with pytest.raises(Unavailable, match="answer now"):  # its calls were given back
            peers.get("uk-fcdo", "/log/checkpoint", token="t", headers={})
        peers.close()


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    with door(drip(iter([moved]))) as here:
        peers = HttpPeers(addressed(here, here), allow_http=True)
        assert peers.get("uk-fcdo", "/log/checkpoint", token="t", headers={}).status == 302
        peers.close()


def test_an_answer_without_end_is_cut_off() -> None:
    def flood() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        yield from repeat(b"x" * 1024 * 1024)

    def manner(connection: socket.socket, ended: threading.Event) -> None:
        for piece in flood():
            connection.sendall(piece)
            if ended.is_set():
                return

    with door(manner) as here:
        peers = HttpPeers(addressed(here, here), allow_http=True)
        with pytest.raises(Unavailable) as refused:
            peers.get("uk-fcdo", "/log/checkpoint", token="t", headers={})
        assert refused.value.code == "peer.oversize"
        peers.close()


def test_plain_http_needs_to_be_allowed() -> None:
    with door(honest) as here:
        peers = HttpPeers(addressed(here, here))
        with pytest.raises(Unavailable) as refused:
            peers.get("uk-fcdo", "/log/checkpoint", token="t", headers={})
        assert refused.value.code == "peer.insecure"
        peers.close()
