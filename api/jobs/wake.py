"""Wakes the loops that rest once anything was committed, in whatever process.

Owns the comparison of the database with itself a moment ago. Bells wake at once; this one meets
what no bell told, so that loops that found nothing need not look by themselves.
"""

from collections.abc import Callable


class WakeOnCommit:
    """One look, every few seconds, for all loops.

    Args:
        mark: stays equal while nothing is committed; ``None`` where that cannot be told
            (``records.database.Database.mark``).
        wake: has all loops look.
    """

    def __init__(self, mark: Callable[[], object], wake: Callable[[], None]) -> None:
        self._mark = mark
        self._wake = wake
        self._seen: object = None

    def __call__(self) -> bool:
        """Wake the loops if anything may have been committed; never more is waiting."""
        mark = self._mark()
        if mark is None or mark != self._seen:
            self._seen = mark
            self._wake()
        return False
