"""The loop every job runs in: look, work until nothing is left, sleep until a bell or a tick.

Owns threads and their graceful end. A job is a function that does one bounded piece of work and
says whether more is waiting; it must be safe to repeat after a crash anywhere inside it.
"""

import logging
import threading
from collections.abc import Callable

from api.domain.errors import Conflict, Full, Unavailable

_log = logging.getLogger(__name__)
_PAUSE_AFTER_ERROR = 1.0


class Loop:
    """One job in one thread.

    Args:
        name: for logs.
        step: does one piece of work; returns whether to go on at once.
        bell: set when there may be work; ``None`` for jobs that only tick.
        tick: longest sleep in seconds.
    """

    def __init__(
        self, name: str, step: Callable[[], bool], bell: threading.Event | None, tick: float
    ) -> None:
        self.name = name
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

    def join(self, timeout: float) -> None:
        """Wait for the loop's end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._bell.clear()
            if not self._once():
                self._bell.wait(self._tick)

    def _once(self) -> bool:
        try:
            return self._step()
        except Conflict:
            # Another worker did this piece; look again at the next tick.
            return False
        except (Unavailable, Full) as error:
            _log.warning("job %s waits: %s", self.name, error.code)
        except Exception:  # noqa: BLE001 - a job must outlive whatever one piece of work does
            _log.exception("job %s failed and will be repeated", self.name)
        self._stop.wait(_PAUSE_AFTER_ERROR)
        return False
