"""How much of the machine a measurement got: a rate on a busy machine says little without it."""

import os
import time


class Meter:
    """Counts wall time and this process's processor time from its making on."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def each(self, count: int) -> str:
        """Say what one of so many items took of the processor, and what share was to be had."""
        wall = time.perf_counter() - self._wall
        processor = time.process_time() - self._processor
        return (
            f"{processor * 1000 / count:.1f} ms of processor each; "
            f"{processor / wall:.1f} of {os.cpu_count()} cores used, load {os.getloadavg()[0]:.0f}"
        )
