"""The loop every job runs in: look, work until nothing is left, sleep until a bell or a tick.

While nothing is done and no bell rings, the sleeps grow to ``rest``, and where there is nothing to
do or to wait for, to a minute: an idle node looks rarely. Loops that rest wake together: a
processor that wakes for one is awake for all.

Owns threads and their graceful end. A job is a function that does one bounded piece of work and
says whether more is waiting; it must be safe to repeat after a crash anywhere inside it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from api.domain.errors import Conflict, Full, Unavailable
from api.ports.observing import IDLE, UNOBSERVED, Observer, Piece, PieceKind

_log = logging.getLogger(__name__)
_PAUSE_AFTER_ERROR = 1.0
_TOGETHER = 1.0  # seconds; sleeps as long as that end at a multiple of themselves
_LONGEST = 60.0  # seconds that a loop rests that found nothing: what rings bells may be lost


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a loop sleeps when there is nothing to do; times are seconds.

    Attributes:
        tick: after the last piece of work.
        rest: at the longest; 0 for a job that only ticks.
        quiet: set, with the bell or without, when there is work that may wait for more of its kind.
        linger: for how long it may.
        look: whether there is anything to do, or to wait for; without it there always may be.
    """

    tick: float
    rest: float = 0.0
    quiet: threading.Event | None = None
    linger: float = 0.0
    look: Callable[[], bool] | None = None

    def longer(self, sleep: float) -> float:
        """Return the sleep that follows one in which nothing happened."""
        return max(self.tick, min(2 * sleep, self.rest))


class Loop:
    """One job in one thread.

    Args:
        name: for logs.
        step: does one piece of work; returns whether to go on at once.
        bell: set when there may be work; ``None`` for jobs that only tick.
        pace: how long it sleeps.
        peer: the partner it works for, if it is one's own.
        observer: watches each piece of work.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        bell: threading.Event | None,
        pace: Pace,
        *,
        peer: str = "",
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.name = name
        self._empty = False
        self._peer = peer
        self._observer = observer
        self._step = step
        self._bell = bell if bell is not None else threading.Event()
        self._pace = pace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"comity-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Have a loop that rests because it found nothing look again."""
        if self._pace.look is not None:
            self._bell.set()

    def stop(self) -> None:
        """Ask the loop to end after the piece of work at hand."""
        self._stop.set()
        self._bell.set()
        if self._pace.quiet is not None:
            self._pace.quiet.set()

    def join(self, timeout: float) -> bool:
        """Wait for the loop's end; returns whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        sleep = self._pace.tick
        while not self._stop.is_set():
            self._bell.clear()
            if self._pace.quiet is not None:
                self._pace.quiet.clear()
            busy = self._once() or self._woken(_LONGEST if self._empty else sleep)
            sleep = self._pace.tick if busy else self._pace.longer(sleep)

    def _woken(self, sleep: float) -> bool:
        """Sleep; returns whether a bell ended it."""
        quiet = self._pace.quiet
        if sleep >= _TOGETHER:
            sleep -= time.monotonic() % sleep
        if quiet is None:
            return self._bell.wait(sleep)
        # Whatever rings the bell rings the quiet one too.
        woken = quiet.wait(sleep)
        if woken:
            self._bell.wait(self._pace.linger)
        return woken

    def _once(self) -> bool:
        piece = Piece(PieceKind.JOB, self.name, peer=self._peer)
        with self._observer.observe(piece):
            more = self._work(piece)
        if piece.outcome in {"waits", "failed"}:
            self._stop.wait(_PAUSE_AFTER_ERROR)
        return more

    def _work(self, piece: Piece) -> bool:
        """Do one piece of work and say how it ended; raises nothing."""
        try:
            self._empty = False  # a look that fails tells nothing
            self._empty = self._pace.look is not None and not self._pace.look()
            more = not self._empty and self._step()
        except Conflict:
            # Another worker did this piece; look again at the next tick.
            piece.outcome = IDLE
        except (Unavailable, Full) as error:
            piece.outcome, piece.code = "waits", error.code
            _log.warning("job waits", extra={"job": self.name, "code": error.code})
        except Exception:  # noqa: BLE001 - a job must outlive whatever one piece of work does
            piece.outcome = "failed"
            _log.exception("job failed and will be repeated", extra={"job": self.name})
        else:
            piece.outcome = "worked" if more else IDLE
            return more
        return False
