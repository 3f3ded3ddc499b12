"""Feeds: what comes while a page is open is told to it at once (server-sent events).

Owns who has a feed open, how many there may be, when they look, and when they end. An event is a
kind and a number, never content; the number comes through the gate by which tasks are listed.

* A feed lives as long as its session and its officer's right to list tasks, both looked at on every
  turn; it does not count as use of the session.
* It rests until a commit rings, here or in another process (``records/notices.py``), and holds no
  thread meanwhile. All feeds look in one thread of their own, each the more rarely the more there
  are.
* Pages whose feed is refused or fails ask now and then (``pages/news.py``).
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute

from api.domain.errors import ComityError, NotSignedIn, Refused, TooMany, Unavailable
from api.ports.policy import Action
from api.records.notices import RECORDED
from api.services.audit.export import underway
from api.services.desk import tasks
from api.services.node import Node
from api.services.operations import console_sessions
from api.web.console import sessions
from api.web.console.pages import news
from api.web.console.sessions import Console
from api.web.intake import at_end
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

PATH: Final = "/console/feed"
MOST: Final = 64
"""Feeds of one process; the proxy lets as many through from one address."""

EACH: Final = 3
"""Feeds of one officer: browsers open six connections to a host, and pages need some of them."""

_RETRY: Final = 10_000  # milliseconds after which a browser comes back
_HEARTBEAT: Final = 20.0
# A process tells others five times a second that something was recorded: what it leaves out is
# there when this has passed.
_LINGER: Final = 0.5
_SHARE: Final = 5  # looking takes at most a fifth of the thread's time


class Feed:
    """One open feed.

    Args:
        person: the officer.
        loop: in which it waits.

    Attributes:
        stirred: something was recorded since it looked.
    """

    def __init__(self, person: str, loop: asyncio.AbstractEventLoop) -> None:
        self.person = person
        self.stirred = True
        self._loop = loop
        self._woken = asyncio.Event()
        self._rung = False

    def wake(self) -> None:
        """End the rest; called in any thread."""
        if self._rung or self._loop.is_closed():
            return
        self._rung = True
        self._loop.call_soon_threadsafe(self._woken.set)

    async def rest(self, seconds: float) -> bool:
        """Wait; returns whether something ended the wait."""
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        self._rung = False
        self._woken.clear()
        return True


class Feeds:
    """The open feeds of one process.

    Args:
        node: whose commits wake them.
    """

    def __init__(self, node: Node) -> None:
        self._open: list[Feed] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="comity-feeds")
        self.closed = False
        node.db.hear(partial(self._wake, recorded=True), RECORDED)
        node.db.hear(self._wake, console_sessions.ENDED, underway.MOVED)

    def __len__(self) -> int:
        return len(self._open)

    def _wake(self, *, recorded: bool = False) -> None:
        for feed in tuple(self._open):
            feed.stirred = feed.stirred or recorded
            feed.wake()

    def open(self, person: str) -> Feed:
        """Open a feed.

        Raises:
            TooMany: ``feed.too-many``.
            Unavailable: ``node.stopping``.
        """
        if self.closed:
            raise Unavailable(
                "node.stopping", "This node is being stopped; send it again in a moment."
            )
        each = Counter(one.person for one in self._open)
        if len(self._open) >= MOST or each[person] >= EACH:
            raise TooMany(
                "feed.too-many", "Close other pages, or ask now and then.", retry_after=60
            )
        feed = Feed(person, asyncio.get_running_loop())
        self._open.append(feed)
        return feed

    def leave(self, feed: Feed) -> None:
        """Forget a feed that has ended."""
        if feed in self._open:
            self._open.remove(feed)

    def close(self) -> None:
        """End all feeds: nobody waits for them at the end of the process."""
        self.closed = True
        self._wake()

    async def look(self, seen: partial["Seen | None"]) -> "Seen | None":
        """Look, in the thread of the feeds."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, seen)


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose feed it is, and what it tells.

    Attributes:
        node: this node.
        cookie: of the session.
        request_id: for events.
        since: instant after which tasks are new; empty for a page without tasks.
    """

    node: Node
    cookie: str
    request_id: str
    since: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found.

    Attributes:
        person: the officer.
        seconds: until the session ends.
        new: how many tasks are new, if it was counted.
        export: percent of the officer's export that is written, if one is being made.
    """

    person: str
    seconds: int
    new: int | None
    export: int | None


def see(asking: Asking, *, counting: bool) -> Seen | None:
    """Look once; ``None`` when session or right have ended."""
    node = asking.node
    found = sessions.present(node, asking.cookie, touch=False)
    if found is None:
        return None
    try:
        caller = sessions.caller_of(node, found, asking.request_id)
        if not tasks.may_be_told(node, caller):
            return None
        wanted = counting and asking.since
        new = tasks.new_since(node, caller, asking.since, news.MOST) if wanted else None
    except (NotSignedIn, Refused):
        return None
    return Seen(caller.person, found.seconds, new, underway.percent(node, caller.person))


def event(kind: str, **members: Any) -> bytes:
    """Return an event as it is sent."""
    return f"event: {kind}\ndata: {json.dumps(members)}\n\n".encode()


async def events_of(feeds: Feeds, feed: Feed, asking: Asking) -> AsyncIterator[bytes]:
    """Yield the events of one feed until it ends."""
    yield f"retry: {_RETRY}\n\n".encode()
    new, export, due = 0, None, 0.0
    while not feeds.closed:
        began = time.monotonic()
        counting = feed.stirred and began >= due
        if counting:
            feed.stirred = False
        try:
            seen = await feeds.look(partial(see, asking, counting=counting))
        except ComityError:
            # The database is away: the browser comes back by itself.
            return
        if seen is None:
            yield event("ended")
            return
        now = time.monotonic()
        if counting:
            due = now + _SHARE * len(feeds) * (now - began)
        if seen.new is not None and seen.new != new:
            new = seen.new
            yield event("tasks", new=new)
        if seen.export != export:
            export = seen.export
            yield event("export", percent=export)
        until = due - now if feed.stirred else _HEARTBEAT
        if await feed.rest(max(_LINGER, min(until, _HEARTBEAT, seen.seconds))):
            await asyncio.sleep(_LINGER)
        elif time.monotonic() - now >= _HEARTBEAT:
            yield b":\n\n"


router: Final = ActionRouter(include_in_schema=False, route_class=APIRoute)


@router.route_for("GET", PATH, Action.TASK_LIST, operation_id="console_feed")
async def open_feed(request: Request) -> Response:
    """Open the feed of a page.

    Raises:
        NotSignedIn: ``sign-in.ended``.
        Refused: ``feed.foreign``.
        Invalid: ``instant.malformed``.
        TooMany: ``feed.too-many``.
    """
    console: Console = request.app.state.console
    feeds: Feeds = request.app.state.feeds
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused("feed.foreign", "A feed is for pages of this node alone.")
    since = request.query_params.get("since", "")
    asking = Asking(
        request.app.state.doors.node,
        sessions.cookie_of(request, console.session_cookie),
        request.state.request_id,
        news.instant(since) if since else "",
    )
    seen = await run(partial(see, counting=False), asking)
    if seen is None:
        raise NotSignedIn("sign-in.ended", "Your session has ended; sign in again.")
    feed = feeds.open(seen.person)
    at_end(request, partial(feeds.leave, feed))
    # A proxy that gathers answers would keep events back.
    headers = {"cache-control": "no-store", "x-accel-buffering": "no", "vary": "cookie"}
    return StreamingResponse(events_of(feeds, feed, asking), 200, headers, "text/event-stream")
