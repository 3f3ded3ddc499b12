"""How slowly, how long, and how many at once: the bodies that callers send.

Owns the places in which bodies are received, and nothing of what they mean. A body arrives in the
event loop, beyond a small size into an unnamed file, and no thread waits for it; so a caller who is
slow is slow alone. Three rules (ASVS 5.0 V15.2.2, RFC 9110 section 15.5.9):

* a body that is silent, slower on average than a least rate, or not whole after a total time ends
  with 408;
* a caller has a few places: an officer by account, who is not yet known by address. A body takes
  one when it has not ended within a second or within what the server's own buffer holds, so
  that the short messages of a partner never wait behind a stranger's. One more is answered 429,
  unless a body of the same caller is a second old: then the slowest of those gives way with 408;
* large bodies are read into memory and judged few at a time, and meanwhile threads take turns
  more often: whoever asks something small gives up its turn many times, and would wait each time.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import anyio
from starlette.requests import ClientDisconnect, Request

from api.domain.errors import ComityError, TooMany, Unavailable

LARGE: Final = 256 * 1024
"""Bodies above this many bytes are read into memory few at a time."""

UNPLACED: Final = 64 * 1024
"""Bytes of a body that need no place in its first second: what the server buffers of it anyway."""

_TURN_SECONDS: Final = 30.0
_EAGER_SECONDS: Final = 0.0005
"""How long a thread keeps others waiting while a large body is judged; else ten times as long."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The least that is asked of a body.

    Attributes:
        silence: longest time without a byte, in seconds.
        grace: seconds after which the average counts.
        least: bytes per second on average.
        total: longest time for the whole, in seconds.
    """

    silence: float
    grace: float
    least: int
    total: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """What callers are allowed.

    Attributes:
        document: pace of a body that is read as a whole.
        upload: pace of a body whose length is not bounded by memory.
        officer: bodies of one officer at once.
        address: bodies at once from one address, of whoever is not yet known.
        officer_requests: requests of one officer at work at once.
        unplaced: seconds for which a body needs no place.
        settled: seconds after which a body may have to give way.
        large: large bodies in memory at once.
    """

    document: Pace = field(default=Pace(silence=10.0, grace=10.0, least=4096, total=120.0))
    upload: Pace = field(default=Pace(silence=15.0, grace=30.0, least=16384, total=6 * 3600.0))
    officer: int = 8
    address: int = 64
    officer_requests: int = 96
    unplaced: float = 1.0
    settled: float = 1.0
    large: int = 1


class Body:
    """One body that is being received.

    Args:
        request: whose body it is.
        pace: what is asked of it.
        place: takes a place for it, or raises.
        unplaced: seconds for which it needs none.
    """

    def __init__(
        self, request: Request, pace: Pace, place: "Callable[[Body], None]", unplaced: float
    ) -> None:
        self._request = request
        self._pace = pace
        self._place = place
        self._unplaced = unplaced
        self._placed = False
        self._begun = self._moved = time.monotonic()
        self._received = 0
        self._waiting: anyio.CancelScope | None = None
        self._ended: ComityError | None = None
        self._whole = False

    @property
    def age(self) -> float:
        """Seconds since its first byte was waited for."""
        return time.monotonic() - self._begun

    @property
    def rate(self) -> float:
        """Bytes per second on average."""
        return self._received / max(self.age, 0.001)

    def end(self, reason: ComityError) -> None:
        """Stop waiting for it; whoever reads it gets the reason."""
        self._ended = reason
        if self._waiting is not None:
            self._waiting.cancel()

    async def next(self) -> bytes:
        """Return the next bytes; none at its end.

        Raises:
            TooMany: ``body.too-many``.
            Unavailable: ``body.too-slow``, ``node.stopping``.
            ClientDisconnect: the caller left.
        """
        while not self._whole:
            message = await self._message()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._whole = not message.get("more_body", False)
            piece: bytes = message.get("body", b"")
            if piece:
                self._moved = time.monotonic()
                self._received += len(piece)
                if self._received > UNPLACED and not self._whole:
                    self._take_place()
                return piece
        return b""

    def _take_place(self) -> None:
        if not self._placed:
            self._place(self)
            self._placed = True

    async def _message(self) -> Any:
        """Wait for the next event of the connection, no longer than the pace allows."""
        message = None
        while message is None:
            if self._ended is not None:
                raise self._ended
            with anyio.move_on_after(self._patience()) as self._waiting:
                message = await self._request.receive()
            self._waiting = None
            if message is None and self._ended is None:
                if self._placed:
                    raise too_slow()
                self._take_place()
        if self._ended is not None:
            raise self._ended
        return message

    def _patience(self) -> float:
        """Return how long the next bytes may take."""
        pace = self._pace
        if not self._placed:
            return max(0.0, min(pace.silence, self._unplaced - self.age))
        # The moment at which what has come by now is less than the least rate.
        due = self._begun + max(pace.grace, self._received / pace.least)
        end = min(self._moved + pace.silence, due, self._begun + pace.total)
        return max(0.0, end - time.monotonic())


def too_slow() -> Unavailable:
    """Return the refusal of a body that is too slow."""
    return Unavailable("body.too-slow", "Send the body faster, or in smaller parts.")


def stopping() -> Unavailable:
    """Return the refusal of a body that a node at its end does not wait for."""
    return Unavailable("node.stopping", "This node is being stopped; send it again in a moment.")


class Intake:
    """The places of one process.

    Args:
        allowance: what callers are allowed.
    """

    def __init__(self, allowance: Allowance | None = None) -> None:
        self.allowance = allowance or Allowance()
        self._places: dict[str, list[Body]] = {}
        self._requests: dict[str, int] = {}
        self._large = anyio.Semaphore(self.allowance.large)
        self._judged = 0
        self._patient = sys.getswitchinterval()
        self._closed = False

    def known(self, request: Request, caller: str) -> None:
        """Count a request for the officer it was found to be of, until it is answered.

        Raises:
            TooMany: ``caller.too-many``.
        """
        at_work = self._requests.get(caller, 0)
        if at_work >= self.allowance.officer_requests:
            raise TooMany("caller.too-many", "Wait for answers before you ask more.", retry_after=1)
        self._requests[caller] = at_work + 1
        request.state.caller = caller
        at_end(request, lambda: self._leave(caller))

    def _leave(self, caller: str) -> None:
        left = self._requests[caller] - 1
        if left:
            self._requests[caller] = left
        else:
            del self._requests[caller]

    @contextmanager
    def body(self, request: Request, pace: Pace) -> Iterator[Body]:
        """Receive a body until the block ends; it takes a place when it needs one.

        Raises:
            Unavailable: ``node.stopping``.
        """
        if self._closed:
            raise stopping()
        caller: str = getattr(request.state, "caller", "")
        most = self.allowance.officer
        if not caller:
            caller = f"address {request.client.host if request.client else ''}"
            most = self.allowance.address
        body = Body(request, pace, partial(self._place, caller, most), self.allowance.unplaced)
        try:
            yield body
        finally:
            others = self._places.get(caller, [])
            if body in others:
                others.remove(body)
                if not others:
                    del self._places[caller]

    def _place(self, caller: str, most: int, body: Body) -> None:
        if self._closed:
            raise stopping()
        others = self._places.setdefault(caller, [])
        if len(others) >= most:
            self._make_room(others)
        others.append(body)

    def _make_room(self, others: list[Body]) -> None:
        """Let the slowest of a caller's bodies give way to a new one."""
        settled = [each for each in others if each.age >= self.allowance.settled]
        if not settled:
            wait = math.ceil(self.allowance.settled)
            raise TooMany(
                "body.too-many",
                "Send fewer bodies at once; let those under way come to their end.",
                retry_after=wait,
            )
        slowest = min(settled, key=lambda each: each.rate)
        # Its reader hears of it in its own turn of the loop; the place is free from now on.
        others.remove(slowest)
        slowest.end(too_slow())

    async def take_turn(self, request: Request) -> None:
        """Wait until few large bodies are at work; the turn ends with the request.

        Raises:
            Unavailable: ``body.busy``.
        """
        with anyio.move_on_after(_TURN_SECONDS) as waiting:
            await self._large.acquire()
        if waiting.cancelled_caught:
            raise Unavailable("body.busy", "Too many large bodies wait here; try again.")
        self._judged += 1
        sys.setswitchinterval(_EAGER_SECONDS)
        at_end(request, self._end_turn)

    def _end_turn(self) -> None:
        self._judged -= 1
        if not self._judged:
            sys.setswitchinterval(self._patient)
        self._large.release()

    def close(self) -> None:
        """Wait for no body any more: those under way end with 503, no other begins."""
        self._closed = True
        for others in list(self._places.values()):
            for body in list(others):
                body.end(stopping())


def at_end(request: Request, call: Callable[[], None]) -> None:
    """Let something be done once the request is answered (``web.hardening`` does it)."""
    request.scope["state"].setdefault("at_end", []).append(call)
