"""The real clock and the operating system's entropy; implements ``ports/system.py``."""

import os
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, read in UTC."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(tz=UTC)  # noqa: TID251 - this is the one place that may read it

    def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        time.sleep(seconds)


class SystemEntropy:
    """The operating system's CSPRNG."""

    def token(self, size: int) -> bytes:
        """Return ``size`` bytes from ``os.urandom``."""
        return os.urandom(size)

    def identifier(self) -> str:
        """Return 32 hex digits: 48 bits of milliseconds, then 80 random bits (as in UUIDv7)."""
        milliseconds = time.time_ns() // 1_000_000
        return f"{milliseconds:012x}{os.urandom(10).hex()}"
