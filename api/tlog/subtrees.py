"""Proofs about subtrees: contiguous, aligned parts of a tree.

Owns the shape of a subtree and the check that one is consistent with its tree; `proofs` builds
on it. Must not read tiles.

Source: draft-ietf-plants-merkle-tree-certs section 4 ("Subtrees"), generalising RFC 9162
section 2.1.4.2.
"""

from collections.abc import Sequence

from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, node_hash


def check_proof_hashes(hashes: Sequence[bytes]) -> None:
    """Refuse hashes that are not 32 bytes, before any of them is hashed.

    Raises:
        LogError: ``proof.hash-length``.
    """
    if any(len(item) != HASH_SIZE for item in hashes):
        raise LogError("proof.hash-length", "every hash of a proof has 32 bytes")


def check_subtree(start: int, end: int) -> None:
    """Refuse a range that is not a subtree.

    `start` must be a multiple of the smallest power of two that is not less than end - start.

    Raises:
        LogError: ``proof.subtree``.
    """
    if not 0 <= start < end:
        raise LogError("proof.subtree", "a subtree has 0 <= start < end")
    span = 1 << (end - start - 1).bit_length()
    if start % span:
        raise LogError("proof.subtree", "a subtree starts at a multiple of its span")


def root_from_subtree(
    subtree: tuple[int, int], size: int, subtree_root: bytes, proof: Sequence[bytes]
) -> bytes:
    """Tree root that a subtree consistency proof leads to, its subtree root being checked too.

    Raises:
        LogError: ``proof.subtree``, ``proof.range``, ``proof.length``, ``proof.hash-length`` or
            ``proof.old-root-mismatch``.
    """
    start, end = subtree
    check_subtree(start, end)
    if end > size:
        raise LogError("proof.range", "the subtree does not lie within the tree")
    check_proof_hashes(proof)
    climb = _Climb(start, end - 1, size - 1)
    climb.to_first_node()
    path = list(proof)
    if climb.first == climb.node:
        seed = subtree_root
    elif path:
        seed = path.pop(0)
    else:
        raise LogError("proof.length", "the proof is empty")
    old_root, new_root = climb.fold(seed, path)
    if old_root != subtree_root:
        raise LogError("proof.old-root-mismatch", "the proof does not lead to the old root")
    return new_root


class _Climb:
    """Positions on one level: the subtree's first and last node, and the tree's last node."""

    def __init__(self, first: int, node: int, last: int) -> None:
        self.first, self.node, self.last = first, node, last

    def up(self) -> None:
        """Go to the parents."""
        self.first, self.node, self.last = self.first >> 1, self.node >> 1, self.last >> 1

    def to_first_node(self) -> None:
        """Go to the node the proof starts at: the rightmost perfect part of the subtree."""
        if self.node == self.last:
            # Same right edge: the whole subtree is one node of the tree.
            while self.first != self.node:
                self.up()
            return
        while self.first != self.node and self.node & 1:
            self.up()

    def fold(self, seed: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
        """Hash along the path; returns (root of the subtree, root of the tree)."""
        old_root = new_root = seed
        for sibling in path:
            if self.last == 0:
                raise LogError("proof.length", "the proof is longer than the path to the root")
            if self.node & 1 or self.node == self.last:
                if self.first < self.node:
                    old_root = node_hash(sibling, old_root)
                new_root = node_hash(sibling, new_root)
                while not self.node & 1 and self.node:
                    self.up()
            else:
                new_root = node_hash(new_root, sibling)
            self.up()
        if self.last:
            raise LogError("proof.length", "the proof is shorter than the path to the root")
        return old_root, new_root
