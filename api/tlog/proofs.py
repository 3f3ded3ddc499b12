"""RFC 6962 and RFC 9162 proofs: made from tiles, checked from nothing but their inputs.

Owns inclusion and consistency proofs, of trees and of leaves in subtrees. Must not fetch or
store anything itself.
"""

from collections.abc import Sequence

from api.tlog.errors import LogError
from api.tlog.merkle import EMPTY_ROOT, node_hash, parents
from api.tlog.subtrees import check_proof_hashes, root_from_subtree
from api.tlog.tiles import TILE_HEIGHT, HashReader, read_hashes, width_in


class TreeHashes:
    """Hashes of aligned perfect subtrees of one tree size, computed from its tiles.

    Keeps what it read and computed, so that several proofs in one tree share it.
    """

    def __init__(self, size: int, reader: HashReader) -> None:
        self._size = size
        self._reader = reader
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._perfect: dict[tuple[int, int], bytes] = {}

    def perfect(self, start: int, height: int) -> bytes:
        """Root of the 2**height leaves from `start` (a multiple of 2**height, within the size)."""
        known = self._perfect.get((start, height))
        if known is not None:
            return known
        level, inner = divmod(height, TILE_HEIGHT)
        at = start >> (TILE_HEIGHT * level)
        index, offset = at >> TILE_HEIGHT, at & (2**TILE_HEIGHT - 1)
        tile = self._tiles.get((level, index))
        if tile is None:
            width = width_in(level, index, self._size)
            tile = read_hashes(self._reader, level, index, width)
            self._tiles[level, index] = tile
        hashes = tile[offset : offset + (1 << inner)]
        while len(hashes) > 1:
            hashes = parents(hashes)
        self._perfect[start, height] = hashes[0]
        return hashes[0]

    def range_root(self, start: int, end: int) -> bytes:
        """MTH(D[start:end]) of RFC 6962, `start` a multiple of the range's power of two."""
        result: bytes | None = None
        for at, height in reversed(peaks_of(start, end)):
            peak = self.perfect(at, height)
            result = peak if result is None else node_hash(peak, result)
        return EMPTY_ROOT if result is None else result


def peaks_of(start: int, end: int) -> list[tuple[int, int]]:
    """Perfect subtrees (start, height), the largest first, that make MTH(D[start:end])."""
    peaks = []
    while start < end:
        height = (end - start).bit_length() - 1
        peaks.append((start, height))
        start += 1 << height
    return peaks


def _split(length: int) -> int:
    """Largest power of two smaller than `length` (k of RFC 6962 section 2.1)."""
    return 1 << ((length - 1).bit_length() - 1)


def _check_range(low: int, high: int, what: str) -> None:
    if not 0 <= low <= high:
        raise LogError("proof.range", f"{what} does not lie within the tree")


def root_at(size: int, reader: HashReader) -> bytes:
    """Root of the first `size` leaves, from the stored tiles.

    Raises:
        LogError: ``tile.length`` when the store returns other tiles than asked.
    """
    return TreeHashes(size, reader).range_root(0, size)


def inclusion_proof(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Audit path of a leaf, the leaf's sibling first (RFC 6962 section 2.1.1).

    Raises:
        LogError: ``proof.range`` unless 0 <= index < size.
    """
    return inclusion_proofs([index], size, reader)[0]


def inclusion_proofs(indexes: Sequence[int], size: int, reader: HashReader) -> list[list[bytes]]:
    """Audit paths of several leaves of one tree; tiles are read once for all of them.

    Raises:
        LogError: ``proof.range`` unless 0 <= index < size for each.
    """
    tree = TreeHashes(size, reader)
    return [_audit_path(index, size, tree) for index in indexes]


def _audit_path(index: int, size: int, tree: TreeHashes) -> list[bytes]:
    _check_range(index, size - 1, "the index")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(tree.range_root(middle, end))
            end = middle
        else:
            path.append(tree.range_root(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, reader: HashReader) -> list[bytes]:
    """Proof that the tree of `old` leaves is a prefix of that of `new` (RFC 6962 section 2.1.2).

    Empty when the sizes are equal or `old` is 0.

    Raises:
        LogError: ``proof.range`` unless 0 <= old <= new.
    """
    _check_range(old, new, "the old size")
    if old in (0, new):
        return []
    tree = TreeHashes(new, reader)
    path: list[bytes] = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(tree.range_root(middle, end))
            end = middle
        else:
            path.append(tree.range_root(start, middle))
            start = middle
    if start:
        path.append(tree.range_root(start, end))
    return path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Root that an audit path leads to (RFC 9162 section 2.1.3.2).

    Raises:
        LogError: ``proof.range``, ``proof.hash-length`` or ``proof.length``.
    """
    _check_range(index, size - 1, "the index")
    check_proof_hashes([leaf, *proof])
    result = leaf
    node, last = index, size - 1
    for sibling in proof:
        if last == 0:
            raise LogError("proof.length", "the proof is longer than the path to the root")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            # A left-only border node: climb past the levels where it has no sibling.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise LogError("proof.length", "the proof is shorter than the path to the root")
    return result


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash stands at `index` in the tree with this size and root.

    Raises:
        LogError: ``proof.root-mismatch`` or a code of `root_from_inclusion`.
    """
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise LogError("proof.root-mismatch", "the proof does not lead to the given root")


def verify_consistency(
    size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree (size1, root1) is a prefix of (size2, root2).

    Nothing can be proven from the empty tree, so `size1` 0 is refused even with an empty proof:
    a caller that accepts "anything continues nothing" says so itself.

    Raises:
        LogError: ``proof.range``, ``proof.hash-length``, ``proof.length``,
            ``proof.root-mismatch`` (the new root) or ``proof.old-root-mismatch``.
    """
    if not 0 < size1 <= size2:
        raise LogError("proof.range", "consistency needs 0 < old size <= new size")
    if root_from_subtree((0, size1), size2, root1, proof) != root2:
        raise LogError("proof.root-mismatch", "the proof does not lead to the new root")
