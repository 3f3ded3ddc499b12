"""The loop every job runs in: look, work until nothing is left, sleep until a bell or a tick.

Owns threads and their graceful end. A job is a function that does one bounded piece of work and
says whether more is waiting; it must be safe to repeat after a crash anywhere inside it.
"""

import logging
import threading
from collections.abc import Callable

from api.domain.errors import Conflict, Full, Unavailable
from api.ports.observing import IDLE, UNOBSERVED, Kind, Observer, Piece

_log = logging.getLogger(__name__)
_PAUSE_AFTER_ERROR = 1.0


class Loop:
    """One job in one thread.

    Args:
        name: for logs.
        step: does one piece of work; returns whether to go on at once.
        bell: set when there may be work; ``None`` for jobs that only tick.
        tick: longest sleep in seconds.
        peer: the partner it works for, if it is one's own.
        observer: watches each piece of work.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        bell: threading.Event | None,
        tick: float,
        *,
        peer: str = "",
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.name = name
        self._peer = peer
        self._observer = observer
        self._step = step
        self._bell = bell if bell is not None else threading.Event()
        self._tick = tick
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"comity-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after the piece of work at hand."""
        self._stop.set()
        self._bell.set()

    def join(self, timeout: float) -> bool:
        """Wait for the loop's end; returns whether it came."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._bell.clear()
            if not self._once():
                self._bell.wait(self._tick)

    def _once(self) -> bool:
        piece = Piece(Kind.JOB, self.name, peer=self._peer)
        with self._observer.observe(piece):
            more = self._work(piece)
        if piece.outcome in {"waits", "failed"}:
            self._stop.wait(_PAUSE_AFTER_ERROR)
        return more

    def _work(self, piece: Piece) -> bool:
        """Do one piece of work and say how it ended; raises nothing."""
        try:
            more = self._step()
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
