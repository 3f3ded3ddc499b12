"""Proof that leaf hashes are *all* leaves [start, end) of a tree: nothing missing between them.

Owns the hashes that stand for what lies left and right of a range, and the root that they give
together with the range's own leaf hashes. A verifier needs memory for the tree's height only.
"""

from collections.abc import Iterable, Sequence

from api.tlog.errors import LogError
from api.tlog.merkle import Frontier
from api.tlog.proofs import TreeHashes, peaks_of
from api.tlog.tiles import HashReader


def right_of(end: int, size: int) -> list[tuple[int, int]]:
    """Perfect subtrees (start, height) that cover [end, size), from left to right.

    Each is the largest that starts where the one before ended and does not pass `size`.
    """
    found = []
    while end < size:
        height = (size - end).bit_length() - 1
        if end:
            height = min(height, (end & -end).bit_length() - 1)
        found.append((end, height))
        end += 1 << height
    return found


def range_proof(
    start: int, end: int, size: int, reader: HashReader
) -> tuple[list[bytes], list[bytes]]:
    """Hashes left of `start` (largest subtree first) and right of `end` (left to right).

    Raises:
        LogError: ``range.bounds`` unless 0 <= start <= end <= size.
    """
    _check_bounds(start, end, size)
    tree = TreeHashes(size, reader)
    left = [tree.perfect(at, height) for at, height in peaks_of(0, start)]
    right = [tree.perfect(at, height) for at, height in right_of(end, size)]
    return left, right


class RangeRoot:
    """Computes the root of a tree from a range proof and the range's leaf hashes in order."""

    def __init__(self, start: int, left: Sequence[bytes]) -> None:
        """Begin at leaf `start`.

        Raises:
            LogError: ``range.proof`` when the left hashes do not fit `start`.
        """
        try:
            self._frontier = Frontier(start, left)
        except LogError as problem:
            raise LogError("range.proof", "the left hashes do not fit the range") from problem

    @property
    def position(self) -> int:
        """Index of the next leaf."""
        return self._frontier.size

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Take the next leaf hashes (32 bytes each)."""
        self._frontier.extend(leaves)

    def finish(self, size: int, right: Sequence[bytes]) -> bytes:
        """Root of the tree of `size` leaves.

        Raises:
            LogError: ``range.proof`` when the right hashes do not fit; ``range.bounds`` when
                more leaves were taken than `size`.
        """
        _check_bounds(0, self.position, size)
        subtrees = right_of(self.position, size)
        if len(subtrees) != len(right):
            raise LogError("range.proof", "the right hashes do not fit the range")
        for (_, height), root in zip(subtrees, right, strict=True):
            self._frontier.append_subtree(height, root)
        return self._frontier.root()


def _check_bounds(start: int, end: int, size: int) -> None:
    if not 0 <= start <= end <= size:
        raise LogError("range.bounds", "the range does not lie within the tree")
