"""The threads in which use cases run: how many at once, and whose turn it is.

Owns each caller's share and the order between callers; knows no use case. A thread that is done
takes what may go on next by itself: to wait until the event loop hands it more costs two changes of
thread for each request.
"""

import asyncio
import contextvars
import functools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from api.services.authorising import Caller
from api.web.calling import Calling

T = TypeVar("T")

# A few threads are enough for what runs at once on the processors of one process: more of them only
# take the interpreter's lock from each other. About half of them wait for a commit, so that two
# thirds for one officer keep the processors at work, and four are left for everybody else.
_WORKERS: Final = 12
_SHARE: Final = 8
_STRANGERS: Final = "a door without token"


def _call(use_case: Callable[..., T], arguments: Sequence[Any], members: Mapping[str, Any]) -> T:
    """Call with what its arguments stand for: some are found in the thread (``Calling``)."""
    resolved = [each.resolve() if hasattr(each, "resolve") else each for each in arguments]
    return use_case(*resolved, **members)


def _outcome(
    context: contextvars.Context, work: Callable[[], T]
) -> tuple[T | None, BaseException | None]:
    """Return what work gave, or what it raised.

    An error remembers the frames that it came through and those that called them. Where one of them
    holds the error in turn, all that the work read stays until somebody collects garbage: so no
    name in this module does at its function's end.
    """
    try:
        return context.run(work), None
    except BaseException as error:  # noqa: BLE001 - raised where it is awaited
        return None, error


@dataclass(slots=True, eq=False)
class _Waiting:
    """Work that somebody awaits.

    Attributes:
        work: what to run.
        caller: whose it is; empty for what belongs to nobody.
        answer: set in the event loop when the work has ended.
        context: of whoever awaits it.
    """

    work: Callable[[], Any]
    caller: str
    answer: "asyncio.Future[Any]"
    context: contextvars.Context = field(default_factory=contextvars.copy_context)

    def run(self) -> None:
        """Run it in this thread, unless nobody awaits it any more."""
        if self.answer.cancelled():
            return
        result, error = _outcome(self.context, self.work)
        loop = self.answer.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, result, error)
        del self, result, error  # see `_outcome`

    def _tell(self, result: Any, error: BaseException | None) -> None:
        if self.answer.cancelled():
            return
        if error is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(error)


class _Threads:
    """The threads of one event loop; callers take turns, each with at most a share at work."""

    def __init__(self) -> None:
        # They end when nobody holds this object any more.
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="comity-use-case")
        self._lock = threading.Lock()
        self._queues: dict[str, deque[_Waiting]] = {}
        self._at_work: Counter[str] = Counter()
        # Callers whose next work needs a thread and nothing else, and since when; first come first.
        self._turns: dict[str, float] = {}
        self._busy = 0

    def longest_wait(self) -> float:
        """Return for how many seconds the use case that waits longest has waited for a thread."""
        with self._lock:
            first = next(iter(self._turns.values()), None)
        return 0.0 if first is None else time.monotonic() - first

    async def run(self, work: Callable[[], T], caller: str) -> T:
        """Run work in a thread; a caller has at most a share of them and waits for more."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(work, caller, answer)
        with self._lock:
            self._queues.setdefault(caller, deque()).append(waiting)
            self._give_turn(caller)
            idle = bool(self._turns) and self._busy < _WORKERS
            self._busy += idle
        if idle:
            self._pool.submit(self._work)
        try:
            return await answer
        finally:
            del answer, waiting  # see `_outcome`

    def _give_turn(self, caller: str) -> None:
        """Let a caller's next work begin when a thread is free, if its share leaves room."""
        most = _SHARE if caller else _WORKERS
        if caller in self._queues and self._at_work[caller] < most:
            self._turns.setdefault(caller, time.monotonic())

    def _work(self) -> None:
        """Run what waits, each caller's in turn, until nothing may begin."""
        waiting = self._next()
        while waiting is not None:
            waiting.run()
            waiting = self._next(waiting.caller)

    def _next(self, ended: str | None = None) -> _Waiting | None:
        """Take the next work, having ended some of a caller's; ``None`` frees the thread."""
        with self._lock:
            if ended is not None:
                self._at_work[ended] -= 1
                self._give_turn(ended)
                if not self._at_work[ended]:
                    del self._at_work[ended]
            caller = next(iter(self._turns), None)
            if caller is None:
                self._busy -= 1
                return None
            del self._turns[caller]
            queue = self._queues[caller]
            waiting = queue.popleft()
            if not queue:
                del self._queues[caller]
            self._at_work[caller] += 1
            self._give_turn(caller)
            return waiting


# What waits in one event loop cannot be woken from another: each has threads of its own. A node
# has one loop.
_THREADS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Threads]] = WeakKeyDictionary()


def _threads() -> _Threads:
    return _THREADS.setdefault(asyncio.get_running_loop(), _Threads())


def longest_wait() -> float:
    """Return for how many seconds the use case that waits longest has waited for a thread."""
    return max((each.longest_wait() for each in list(_THREADS.values())), default=0.0)


async def run(use_case: Callable[..., T], *arguments: Any, **members: Any) -> T:
    """Run a synchronous use case in a worker thread and wait for its end (its commit)."""
    caller = next((each.person for each in arguments if isinstance(each, Caller | Calling)), "")
    return await _threads().run(functools.partial(_call, use_case, arguments, members), caller)


async def run_for_strangers(use_case: Callable[..., T], *arguments: Any, **members: Any) -> T:
    """Run the use case of a door without token; all such callers together have one share.

    Whoever they are is known when their signatures are verified, which is the use case's work.
    """
    return await _threads().run(functools.partial(_call, use_case, arguments, members), _STRANGERS)
