"""Bodies have places and a pace: a caller who is slow is slow alone."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest

from api.app import Edge, create_app
from api.web.intake import Allowance, Pace
from api.wire import canonical
from tests.support.door import ADDRESS, Door

QUICK = Pace(silence=0.3, grace=0.3, least=1000, total=2.0)
PATIENT = Pace(silence=600.0, grace=600.0, least=1, total=600.0)
ALLOWED = Allowance(
    document=QUICK,
    upload=QUICK,
    officer=3,
    address=4,
    officer_requests=6,
    unplaced=0.0,
    settled=0.05,
)
NOWHERE = f"/api/v1/exhibits/sha256:{'0' * 64}"


class Call:
    """One request whose body the test hands over piece by piece, below any HTTP client."""

    def __init__(self, app: Any, method: str, path: str, headers: dict[str, str]) -> None:
        self._pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.done = asyncio.Event()
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": fields,
            "client": ("192.0.2.1", 1),
            "server": ("node.example", 443),
            "scheme": "https",
            "root_path": "",
            "state": {},
        }

        async def send(message: Any) -> None:
            self.sent.append(message)

        async def whole() -> None:
            try:
                await app(scope, self._pieces.get, send)
            finally:
                self.done.set()

        self._task = asyncio.ensure_future(whole())

    def give(self, data: bytes, *, more: bool = True) -> None:
        self._pieces.put_nowait({"type": "http.request", "body": data, "more_body": more})

    def leave(self) -> None:
        self._pieces.put_nowait({"type": "http.disconnect"})

    async def answer(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and document, once they are there."""
        await asyncio.wait_for(self.done.wait(), 120)
        start = next(each for each in self.sent if each["type"] == "http.response.start")
        body = b"".join(each.get("body", b"") for each in self.sent[1:])
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, json.loads(body) if body else {}


Story = Callable[["World"], Awaitable[None]]


class World:
    """An application with narrow allowances, and its officers."""

    def __init__(self, door: Door, app: Any) -> None:
        self.door, self.app = door, app

    def call(
        self, who: str | None, method: str = "PUT", path: str = NOWHERE, **headers: str
    ) -> Call:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            fields["authorization"] = f"Bearer {self.door.token(who)}"
        fields.setdefault("content-length", "100000")
        return Call(self.app, method, path, fields)

    async def places(self, count: int) -> None:
        """Wait until so many bodies are being received."""
        intake = self.app.state.doors.intake
        with anyio.fail_after(60):
            while sum(len(each) for each in intake._places.values()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def me(self, who: str) -> int:
        asked = self.call(who, "GET", "/api/v1/me", content_length="0")
        asked.give(b"", more=False)
        return (await asked.answer())[0]


def play(door: Door, story: Story, allowance: Allowance = ALLOWED) -> None:
    """Run a story with an application of its own on the door's node."""
    tokens = door.app.state.doors.tokens
    app = create_app(door.node, tokens, public_url=ADDRESS, edge=Edge(allowance=allowance))

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with app.router.lifespan_context(app):
            yield

    async def whole() -> None:
        async with running():
            await story(World(door, app))

    anyio.run(whole)


def test_idle_uploads_hold_no_thread_and_end(door: Door) -> None:
    """48 of one officer: others are answered at once, and every one of the 48 gets a refusal."""

    async def story(world: World) -> None:
        idle = [world.call("analyst") for _ in range(48)]
        for each in idle:
            each.give(b"a few bytes")
        await asyncio.sleep(0.1)
        assert await world.me("reviewer") == 200
        assert world.app.state.readiness.now().checks["use-cases"]
        statuses = [(await each.answer())[0] for each in idle]
        assert set(statuses) <= {408, 429}
        assert statuses.count(408) >= 3
        assert await world.me("analyst") == 200

    play(door, story, replace(ALLOWED, officer_requests=96))


@pytest.mark.parametrize(
    "path", ["/api/v1/drafts", "/api/v1/lists", "/api/v1/packages", "/peer/messages"]
)
def test_a_half_body_ends_with_408_and_closes(door: Door, path: str) -> None:
    async def story(world: World) -> None:
        half = world.call("analyst", "POST", path, content_type="application/json")
        half.give(b'{"type":')
        status, headers, problem = await half.answer()
        assert (status, problem["code"]) == (408, "body.too-slow")
        assert headers["connection"] == "close"
        assert headers["content-type"] == "application/problem+json"

    play(door, story)


def test_a_trickle_is_slower_than_the_least_rate(door: Door) -> None:
    """A byte now and then breaks the silence, and is too slow all the same."""

    async def story(world: World) -> None:
        trickle = world.call("analyst", "POST", "/api/v1/drafts", content_type="application/json")
        while not trickle.done.is_set():
            trickle.give(b" ")
            await asyncio.sleep(0.02)
        assert (await trickle.answer())[0] == 408

    play(door, story)


def test_the_whole_has_a_time(door: Door) -> None:
    async def story(world: World) -> None:
        pace = world.app.state.doors.intake.allowance.document
        steady = world.call("analyst", "POST", "/api/v1/drafts", content_type="application/json")
        while not steady.done.is_set():
            steady.give(b" " * pace.least)
            await asyncio.sleep(0.05)
        assert (await steady.answer())[0] == 408

    play(door, story, replace(ALLOWED, document=replace(QUICK, total=0.6)))


def test_whoever_is_quick_is_not_shut_out_by_who_is_slow(door: Door) -> None:
    """All places of an address are taken by idle bodies; one that comes whole takes a place."""

    async def story(world: World) -> None:
        idle = [world.call(None, "POST", "/peer/messages") for _ in range(4)]
        for each in idle:
            each.give(b"{")
        await world.places(4)
        quick = world.call(None, "POST", "/peer/messages", content_length="200000")
        quick.give(b"{" + b" " * 100_000)
        while not any(each.done.is_set() for each in idle):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await world.places(4)
        quick.give(b"}", more=False)
        assert (await quick.answer())[2]["code"] == "message.request"
        gone = [each for each in idle if each.done.is_set()]
        assert len(gone) == 1

    play(door, story, replace(ALLOWED, document=PATIENT, settled=0.0))


@pytest.mark.parametrize("pieces", [[b"{}"], [b"{", b"", b"}"]])
def test_what_comes_whole_at_once_needs_no_place(door: Door, pieces: list[bytes]) -> None:
    """Nobody gives way and nobody is refused, although no place of this address is free."""

    async def story(world: World) -> None:
        idle = [world.call(None, "POST", "/peer/messages") for _ in range(4)]
        for each in idle:
            each.give(b"{" * 70_000)
        await world.places(4)
        quick = world.call(None, "POST", "/peer/messages", content_length="2")
        for piece in pieces:
            quick.give(piece, more=piece != pieces[-1])
            await asyncio.sleep(0.01)
        assert (await quick.answer())[2]["code"] == "message.request"
        slow = world.call(None, "POST", "/peer/messages")
        slow.give(b"{" * 70_000)
        assert (await slow.answer())[2]["code"] == "body.too-many"
        assert not any(each.done.is_set() for each in idle)

    play(door, story, replace(ALLOWED, document=PATIENT, unplaced=600.0, settled=600.0))


def test_places_are_each_callers_own(door: Door) -> None:
    async def story(world: World) -> None:
        mine = [world.call("analyst") for _ in range(3)]
        for each in mine:
            each.give(b"x")
        await world.places(3)
        more = world.call("analyst")
        more.give(b"x")
        status, headers, problem = await more.answer()
        assert (status, problem["code"]) == (429, "body.too-many")
        assert int(headers["retry-after"]) >= 1
        assert headers["connection"] == "close"
        other = world.call("analyst2")
        other.give(b"not these bytes", more=False)
        assert (await other.answer())[2]["code"] == "exhibit.size-mismatch"

    play(door, story, replace(ALLOWED, upload=PATIENT, settled=600.0))


def test_requests_at_work_are_counted_for_each_officer(door: Door) -> None:
    async def story(world: World) -> None:
        waiting = [
            world.call("analyst", "POST", "/api/v1/drafts", content_type="application/json")
            for _ in range(2)
        ]
        for each in waiting:
            each.give(b"{")
        await world.places(2)
        assert await world.me("analyst") == 429
        assert await world.me("analyst2") == 200
        for each in waiting:
            each.leave()
            await asyncio.wait_for(each.done.wait(), 10)
        assert await world.me("analyst") == 200

    play(door, story, replace(ALLOWED, document=PATIENT, officer_requests=2))


def test_a_node_that_ends_waits_for_no_body(door: Door) -> None:
    async def story(world: World) -> None:
        half = world.call("analyst", "POST", "/api/v1/drafts", content_type="application/json")
        upload = world.call("analyst")
        for each in (half, upload):
            each.give(b"{")
        await world.places(2)
        world.app.state.doors.intake.close()
        for each in (half, upload):
            status, _, problem = await each.answer()
            assert (status, problem["code"]) == (503, "node.stopping")
        late = world.call("analyst", "POST", "/api/v1/drafts", content_type="application/json")
        late.give(b"{}", more=False)
        assert (await late.answer())[2]["code"] == "node.stopping"

    play(door, story, replace(ALLOWED, document=PATIENT, upload=PATIENT))


def test_large_bodies_wait_on_the_disk_and_take_turns(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they arrive, next to nothing of them is in memory; decoded they are one at a time."""
    usual, kept = sys.getswitchinterval(), []
    parse = canonical.parse

    def noted(data: bytes, *, limit: int) -> Any:
        kept.append(sys.getswitchinterval())
        return parse(data, limit=limit)

    monkeypatch.setattr(canonical, "parse", noted)

    async def story(world: World) -> None:
        large = [
            world.call("analyst", "POST", "/api/v1/drafts", content_length=str(3 << 20))
            for _ in range(4)
        ]
        for each in large:
            each.give(b"[" + b" " * (1 << 20))
        await asyncio.sleep(0.05)
        for each in large:
            each.give(b" " * (1 << 20), more=False)
        codes = [(await each.answer())[2]["code"] for each in large]
        assert codes == ["json.malformed"] * 4
        # Every turn was given back, and threads are as patient as before; meanwhile they were not.
        assert world.app.state.doors.intake._large.value == 1
        assert sys.getswitchinterval() == pytest.approx(usual)
        assert min(kept) < usual / 5

    play(door, story, replace(ALLOWED, officer=8))


def test_a_queue_of_use_cases_makes_the_node_unready(door: Door) -> None:
    """What waits for a thread longer than the bound is told by /readyz, which has its own thread."""
    from api.services.operations.readiness import Bounds, Readiness

    waited = [0.0]
    probe = Readiness(door.node, Bounds(waiting=5.0), lambda: waited[0])
    assert probe.now().checks["use-cases"]
    waited[0] = 5.1
    found = probe.now()
    assert not found.ready
    assert "use-cases" in found.failing
    waited[0] = 0.0
    assert probe.now().checks["use-cases"]


def test_one_officer_never_takes_all_threads(door: Door) -> None:
    import threading

    from api.ports.policy import Principal
    from api.services.authorising import Caller
    from api.web import use_case_threads

    free = threading.Event()

    def stuck(_caller: Caller) -> None:
        free.wait(20)

    def caller(name: str) -> Caller:
        return Caller(Principal("officer", name, "us-treasury", person=name))

    async def story(_world: World) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(60):
                tasks.start_soon(use_case_threads.run, stuck, caller("a" * 32))
            await asyncio.sleep(0.2)
            with anyio.fail_after(10):
                assert (
                    await use_case_threads.run(lambda _c: "answered", caller("b" * 32))
                    == "answered"
                )
            free.set()
        assert use_case_threads.longest_wait() == 0.0

    play(door, story)
