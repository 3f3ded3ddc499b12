"""Several observers as one."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

from api.ports.observing import Observer, Piece


class Together:
    """Hands everything to each observer, in order; implements ``ports/observing``.

    Args:
        observers: the first one is entered first and left last.
    """

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Let every observer watch a piece."""
        return self._observe(piece)

    @contextmanager
    def _observe(self, piece: Piece) -> Iterator[None]:
        with ExitStack() as stack:
            for observer in self._observers:
                stack.enter_context(observer.observe(piece))
            yield

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Tell every observer."""
        for observer in self._observers:
            observer.committed(acts)

    def refused(self, door: str, code: str) -> None:
        """Tell every observer."""
        for observer in self._observers:
            observer.refused(door, code)
