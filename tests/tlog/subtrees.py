"""The two subtree checks of the C2SP corpora, over the arithmetic that the node's own checks use."""

from collections.abc import Sequence

from api.tlog.errors import LogError
from api.tlog.merkle import EMPTY_ROOT
from api.tlog.proofs import verify_inclusion
from api.tlog.subtrees import check_subtree, root_from_subtree


def verify_subtree_consistency(
    subtree: tuple[int, int], size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the subtree [start, end) with its root is part of the tree (size, root).

    An empty subtree is part of every tree that reaches it, provided it has the empty root.

    Raises:
        LogError: ``proof.subtree``, ``proof.range``, ``proof.length``, ``proof.hash-length``,
            ``proof.root-mismatch`` or ``proof.old-root-mismatch``.
    """
    start, end = subtree
    if start == end:
        if not 0 <= end <= size:
            raise LogError("proof.range", "the subtree does not lie within the tree")
        if proof:
            raise LogError("proof.length", "an empty subtree needs an empty proof")
        if subtree_root != EMPTY_ROOT:
            raise LogError("proof.old-root-mismatch", "an empty subtree has the empty root")
        return
    if root_from_subtree(subtree, size, subtree_root, proof) != root:
        raise LogError("proof.root-mismatch", "the proof does not lead to the given root")


def verify_subtree_inclusion(
    index: int, subtree: tuple[int, int], leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash stands at `index` of the tree, within the subtree [start, end).

    Raises:
        LogError: ``proof.subtree``, ``proof.range``, ``proof.length``, ``proof.hash-length`` or
            ``proof.root-mismatch``.
    """
    start, end = subtree
    check_subtree(start, end)
    if not start <= index < end:
        raise LogError("proof.range", "the index does not lie within the subtree")
    verify_inclusion(index - start, end - start, leaf, proof, root)
