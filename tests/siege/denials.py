"""The denials: each keeps a node as busy as it can until it is told to stop.

Owns what an attacker does, with sockets and nothing of the product. An attacker is one officer with a valid token, a
stranger, or a member's node that answers a byte at a time; whatever is refused or closed is tried again at once.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """Where and with what to attack.

    Attributes:
        host: address of the besieged node.
        port: its port.
        token: an officer's access token.
        digest: of a large exhibit that this officer may read.
        signatures: the end of a request that names a member's true keys, with false signatures.
        submission: a true ``add-checkpoint`` body of a member whose door answers a byte at a time.
    """

    host: str
    port: int
    token: str
    digest: str
    signatures: bytes
    submission: bytes

    def head(self, method: str, path: str, *fields: str, signed_in: bool = False) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.host}", *fields]
        if signed_in:
            lines.append(f"authorization: Bearer {self.token}")
        return "\r\n".join([*lines, "", ""]).encode()


Attack = Callable[["Assault"], Awaitable[None]]


class Assault:
    """One attacker of many at work."""

    def __init__(self, target: Target, end: float) -> None:
        self.target, self.end = target, end

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.end

    async def held(self, first: bytes, drip: bytes = b"", every: float = 1.0) -> None:
        """Open a connection, send something, and then a little now and then until it is closed."""
        reader, writer = await asyncio.open_connection(self.target.host, self.target.port)
        try:
            writer.write(first)
            closed = asyncio.ensure_future(reader.read())
            while self.goes_on and not closed.done():
                await asyncio.wait({closed}, timeout=every)
                if drip and not closed.done():
                    writer.write(drip)
                    await writer.drain()
            closed.cancel()
        finally:
            writer.close()

    async def sent(self, data: bytes) -> None:
        """Send a whole request and read its answer."""
        reader, writer = await asyncio.open_connection(self.target.host, self.target.port)
        try:
            writer.write(data)
            await writer.drain()
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 30)
        finally:
            writer.close()

    async def read_slowly(self, request: bytes) -> None:
        """Ask for much and take it a few bytes at a time."""
        reader, writer = await asyncio.open_connection(
            self.target.host, self.target.port, limit=4096
        )
        try:
            writer.write(request)
            while self.goes_on and await reader.read(256):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        finally:
            writer.close()


async def idle_upload(assault: Assault) -> None:
    path = f"/api/v1/exhibits/sha256:{'0' * 64}"
    fields = ("content-length: 100000000",)
    await assault.held(assault.target.head("PUT", path, *fields, signed_in=True) + b"few", b"x")


async def half_message(assault: Assault) -> None:
    fields = ("content-length: 10000000",)
    await assault.held(assault.target.head("POST", "/peer/messages", *fields) + bytes(60_000))


async def half_head(assault: Assault) -> None:
    await assault.held(b"GET /api/v1/me HTTP/1.1\r\nx-a: ", b"b", every=0.5)


async def many_values(assault: Assault) -> None:
    await assault.sent(large(assault.target, b'{"evidence":[' + b"[]," * (5 * MIB)))


async def long_text(assault: Assault) -> None:
    """As many bytes as a request may have, in a form that is read to its end."""
    evidence = {"checkpoint": "-", "consistency": None, "inclusion": [], "leaves": "A" * 12 * MIB}
    text = json.dumps(evidence, separators=(",", ":"), sort_keys=True).encode()
    start = b'{"evidence":' + text + b',"message":{"payload":"' + b"A" * 3 * MIB
    await assault.sent(large(assault.target, start))


async def small_json(assault: Assault) -> None:
    """An officer's own body, 4 MiB of small values."""
    body = b"[" + b"[]," * (4 * MIB // 3 - 2) + b"[]]"
    fields = (f"content-length: {len(body)}", "content-type: application/json")
    head = assault.target.head("POST", "/api/v1/drafts", *fields, signed_in=True)
    await assault.sent(head + body)


async def slow_reader(assault: Assault) -> None:
    path = f"/api/v1/exhibits/{assault.target.digest}"
    await assault.read_slowly(assault.target.head("GET", path, signed_in=True))


async def submission(assault: Assault) -> None:
    body = assault.target.submission
    fields = (f"content-length: {len(body)}",)
    await assault.sent(assault.target.head("POST", "/log/add-checkpoint", *fields) + body)


async def bad_token(assault: Assault) -> None:
    fields = ("authorization: Bearer x.y.z", "connection: close")
    await assault.sent(assault.target.head("GET", "/api/v1/me", *fields))
    await asyncio.sleep(0.5)


def large(target: Target, start: bytes) -> bytes:
    """A message of nearly 16 MiB that ends with a member's keys."""
    body = start[: 16 * MIB - len(target.signatures)] + target.signatures
    return target.head("POST", "/peer/messages", f"content-length: {len(body)}") + body


async def nothing(_: Assault) -> None:
    """Attack nobody: what the machine itself gives."""


DENIALS: Final[dict[str, tuple[Attack, int]]] = {
    "nobody": (nothing, 1),
    "48 idle uploads of one officer": (idle_upload, 48),
    "300 idle uploads of one officer": (idle_upload, 300),
    "300 half messages": (half_message, 300),
    "300 half heads": (half_head, 300),
    "6 messages of 16 MiB of values": (many_values, 6),
    "6 messages of 16 MiB of text": (long_text, 6),
    "6 drafts of 4 MiB of values": (small_json, 6),
    "48 slow readers of one officer": (slow_reader, 48),
    "90 heads of a member with a slow door": (submission, 90),
    "100 strangers with bad tokens": (bad_token, 100),
}


def lay(name: str, target: Target, seconds: float) -> None:
    """Attack for so long; runs in a process of its own."""
    attack, count = DENIALS[name]
    asyncio.run(_all(attack, count, Assault(target, time.monotonic() + seconds)))


async def _all(attack: Attack, count: int, assault: Assault) -> None:
    async def again() -> None:
        while assault.goes_on:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                await attack(assault)
            # A flood of requests is the proxy's to limit; this is about those that are held.
            await asyncio.sleep(0.5)

    attackers = [asyncio.ensure_future(again()) for _ in range(count)]
    await asyncio.sleep(max(0.0, assault.end - time.monotonic()) + 0.5)
    for each in attackers:
        each.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)


async def drip(host: str, port: int) -> None:
    """A member's door that answers every request a byte at a time, for ever."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(5)

    server = await asyncio.start_server(answer, host, port)
    await server.serve_forever()


def keep_slow_door(host: str, port: int) -> None:
    """Keep that door open; runs in a process of its own."""
    asyncio.run(drip(host, port))
