"""Whose turn it is: nobody is left out, nobody has all threads, and nothing runs twice."""

import asyncio
import contextvars
import functools
import gc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from api.web.use_case_threads import _SHARE, _WORKERS, _Threads

SECONDS = 20
NAMED = contextvars.ContextVar("named", default="")


def play(story: Callable[[_Threads], Coroutine[Any, Any, None]]) -> None:
    async def timed() -> None:
        await asyncio.wait_for(story(_Threads()), SECONDS)

    asyncio.run(timed())


class Stuck:
    """Work that begins, is counted, and ends when it may."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.begun: list[str] = []
        self._more = threading.Condition()

    def work(self, name: str) -> Callable[[], str]:
        def run() -> str:
            with self._more:
                self.begun.append(name)
                self._more.notify_all()
            assert self.free.wait(SECONDS)
            return name

        return run

    async def reached(self, count: int) -> None:
        def wait() -> bool:
            with self._more:
                return self._more.wait_for(lambda: len(self.begun) >= count, SECONDS)

        assert await asyncio.to_thread(wait)

    async def hold(
        self, threads: _Threads, caller: str, works: int, *, reached: int
    ) -> "list[asyncio.Future[str]]":
        """Give a caller so many works; returns when so many of all have begun."""
        held = [asyncio.ensure_future(threads.run(self.work(caller), caller)) for _ in range(works)]
        await self.reached(reached)
        return held


def test_each_work_is_run_once_and_answered_with_its_own_result() -> None:
    async def story(threads: _Threads) -> None:
        ran: list[int] = []

        def work(number: int) -> Callable[[], int]:
            return lambda: (ran.append(number), number)[1]

        callers = ("a", "b", "", "c")
        made = [threads.run(work(number), callers[number % 4]) for number in range(400)]
        assert await asyncio.gather(*made) == list(range(400))
        assert sorted(ran) == list(range(400))
        assert threads.longest_wait() == 0.0

    play(story)


def test_a_caller_has_a_share_and_what_belongs_to_nobody_may_take_all() -> None:
    async def story(threads: _Threads) -> None:
        stuck = Stuck()
        mine = await stuck.hold(threads, "a", 40, reached=_SHARE)
        others = await stuck.hold(threads, "", 40, reached=_WORKERS)
        await asyncio.sleep(0.05)
        assert stuck.begun.count("a") == _SHARE
        assert len(stuck.begun) == _WORKERS
        stuck.free.set()
        await asyncio.gather(*mine, *others)
        assert len(stuck.begun) == 80

    play(story)


def test_callers_take_turns_however_much_each_has_waiting() -> None:
    async def story(threads: _Threads) -> None:
        stuck = Stuck()
        held = await stuck.hold(threads, "", _WORKERS, reached=_WORKERS)
        order: list[str] = []
        waiting = [
            asyncio.ensure_future(threads.run(lambda name=name: order.append(name), name))
            for name in ["greedy"] * 30 + ["modest"] * 2
        ]
        await asyncio.sleep(0.01)
        stuck.free.set()
        await asyncio.gather(*held, *waiting)
        # Threads note what they run a moment after they take it, so that places differ by some.
        assert max(place for place, name in enumerate(order) if name == "modest") < _WORKERS + 4

    play(story)


def test_only_who_lacks_nothing_but_a_thread_is_told_to_wait_for_one() -> None:
    async def story(threads: _Threads) -> None:
        stuck = Stuck()
        mine = await stuck.hold(threads, "a", 20, reached=_SHARE)
        await asyncio.sleep(0.05)
        assert threads.longest_wait() == 0.0
        others = await stuck.hold(threads, "b", 20, reached=_WORKERS)
        before = time.monotonic()
        await asyncio.sleep(0.05)
        assert threads.longest_wait() >= time.monotonic() - before
        stuck.free.set()
        await asyncio.gather(*mine, *others)

    play(story)


def test_what_nobody_awaits_any_more_does_not_begin() -> None:
    async def story(threads: _Threads) -> None:
        stuck = Stuck()
        held = await stuck.hold(threads, "", _WORKERS, reached=_WORKERS)
        left = asyncio.ensure_future(threads.run(stuck.work("left"), "a"))
        stays = asyncio.ensure_future(threads.run(stuck.work("stays"), "a"))
        await asyncio.sleep(0.01)
        left.cancel()
        stuck.free.set()
        assert await stays == "stays"
        await asyncio.gather(*held)
        assert "left" not in stuck.begun

    play(story)


def test_what_goes_wrong_is_raised_where_it_is_awaited_and_the_context_comes_along() -> None:
    def fails() -> None:
        raise LookupError(NAMED.get())

    async def story(threads: _Threads) -> None:
        NAMED.set("who awaits")
        with pytest.raises(LookupError, match="who awaits"):
            await threads.run(fails, "a")
        assert await threads.run(NAMED.get, "a") == "who awaits"

    play(story)


def test_what_an_error_remembers_goes_without_a_collection_of_garbage() -> None:
    """Six refused messages of 16 MiB took 780 MiB when each waited for the collector."""

    class Large:
        pass

    def refuses(large: Large) -> None:
        raise LookupError(str(large))

    async def story(threads: _Threads) -> None:
        large = Large()
        left = weakref.ref(large)
        work = functools.partial(refuses, large)
        del large
        try:
            await threads.run(work, "a")
        except LookupError:
            del work
        for _ in range(200):
            if left() is None:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it is still there")

    gc.disable()
    try:
        play(story)
    finally:
        gc.enable()
