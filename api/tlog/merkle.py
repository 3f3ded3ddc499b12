"""RFC 6962 section 2.1 hashing and the compact state of a growing tree.

Owns leaf and node hashing, the root of a list of leaf hashes, and `Frontier`. Must not know
about tiles, storage or signatures.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from api.tlog.errors import LogError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """Hash one log entry: SHA-256 of 0x00 and the entry (RFC 6962 section 2.1)."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two sibling hashes: SHA-256 of 0x01, left, right (RFC 6962 section 2.1)."""
    return sha256(_NODE + left + right).digest()


def split_hashes(data: bytes) -> list[bytes]:
    """Cut concatenated 32-byte hashes apart.

    Raises:
        LogError: ``tile.length`` when the length is no multiple of 32.
    """
    if len(data) % HASH_SIZE:
        raise LogError("tile.length", "hash data must be a whole number of 32-byte hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours pairwise; a last hash without a partner is left out."""
    digest = sha256
    pairs = zip(hashes[::2], hashes[1::2], strict=False)
    return [digest(_NODE + left + right).digest() for left, right in pairs]


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of the tree over these leaf hashes, `EMPTY_ROOT` for none."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


class Frontier:
    """The right edge of an RFC 6962 tree: one hash per perfect subtree, O(log n) memory.

    Enough to append and to know the root; not enough to make proofs.

    Attributes:
        size: Number of leaves so far.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Resume from `size` leaves and their peaks, the largest subtree first.

        Raises:
            LogError: ``frontier.malformed`` when the peaks do not fit the size.
        """
        if size < 0 or len(peaks) != size.bit_count() or any(len(p) != HASH_SIZE for p in peaks):
            raise LogError("frontier.malformed", "a frontier needs one 32-byte peak per set bit")
        self.size = size
        heights = [height for height in range(size.bit_length()) if size >> height & 1]
        self._peaks: dict[int, bytes] = dict(zip(reversed(heights), peaks, strict=True))

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the perfect subtrees, the largest first."""
        return tuple(self._peaks[height] for height in sorted(self._peaks, reverse=True))

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (32 bytes)."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaf hashes, level by level: fewer than two hashes of work a leaf.

        Raises:
            LogError: ``frontier.hash-length`` when a leaf hash is not 32 bytes; nothing is added.
        """
        level = list(leaves)
        if any(len(leaf) != HASH_SIZE for leaf in level):
            raise LogError("frontier.hash-length", "a leaf hash has 32 bytes")
        self.size += len(level)
        self._carry(0, level)

    def append_subtree(self, height: int, root: bytes) -> None:
        """Add a perfect subtree of 2**height leaves by its root alone.

        Raises:
            LogError: ``frontier.alignment`` unless the size is a multiple of 2**height;
                ``frontier.hash-length`` when the root is not 32 bytes.
        """
        if height < 0 or self.size % (1 << height):
            raise LogError("frontier.alignment", "a subtree starts at a multiple of its own size")
        if len(root) != HASH_SIZE:
            raise LogError("frontier.hash-length", "a root has 32 bytes")
        self.size += 1 << height
        self._carry(height, [root])

    def _carry(self, height: int, level: list[bytes]) -> None:
        while level:
            waiting = self._peaks.pop(height, None)
            if waiting is not None:
                level.insert(0, waiting)
            if len(level) & 1:
                self._peaks[height] = level[-1]
            level = parents(level)
            height += 1

    def root(self) -> bytes:
        """Root hash of the tree, `EMPTY_ROOT` while it is empty."""
        result: bytes | None = None
        for height in sorted(self._peaks):
            peak = self._peaks[height]
            result = peak if result is None else node_hash(peak, result)
        return EMPTY_ROOT if result is None else result

    def copy(self) -> "Frontier":
        """An independent frontier of the same state."""
        return Frontier(self.size, self.peaks)
