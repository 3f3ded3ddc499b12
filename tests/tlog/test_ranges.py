"""A range proof binds exactly the leaves of its range."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tlog.errors import LogError
from api.tlog.merkle import Frontier, leaf_hash
from api.tlog.proofs import root_at
from api.tlog.ranges import RangeRoot, range_proof, right_of
from tests.tlog.trees import MemoryTree

LEAVES = [leaf_hash(b"%d" % number) for number in range(1200)]
TREE = MemoryTree()
TREE.append(LEAVES)


def derived(
    start: int, leaves: list[bytes], size: int, left: list[bytes], right: list[bytes]
) -> bytes:
    walk = RangeRoot(start, left)
    for at in range(0, len(leaves), 7):
        walk.extend(leaves[at : at + 7])
    return walk.finish(size, right)


@given(st.data())
def test_every_range_of_every_size_leads_to_the_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(LEAVES)))
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    left, right = range_proof(start, end, size, TREE)
    root = root_at(size, TREE)
    assert derived(start, LEAVES[start:end], size, left, right) == root
    if end - start > 1:
        swapped = [LEAVES[start + 1], LEAVES[start], *LEAVES[start + 2 : end]]
        assert derived(start, swapped, size, left, right) != root
        with contextlib.suppress(LogError):
            assert derived(start, LEAVES[start : end - 1], size, left, right) != root


def test_bounds_and_misfitting_hashes_are_refused() -> None:
    for start, end, size in ((3, 2, 5), (0, 6, 5), (-1, 2, 5)):
        with pytest.raises(LogError, match=r"range\.bounds"):
            range_proof(start, end, size, TREE)
    with pytest.raises(LogError, match=r"range\.proof"):
        RangeRoot(3, [b"\x00" * 32])
    with pytest.raises(LogError, match=r"range\.proof"):
        RangeRoot(0, []).finish(3, [b"\x00" * 32])
    walk = RangeRoot(0, [])
    walk.extend(LEAVES[:4])
    with pytest.raises(LogError, match=r"range\.bounds"):
        walk.finish(3, [])


def test_right_of_is_the_documented_decomposition() -> None:
    assert right_of(5, 13) == [(5, 0), (6, 1), (8, 2), (12, 0)]
    assert right_of(0, 6) == [(0, 2), (4, 1)]
    assert right_of(4, 4) == []


def test_subtrees_join_a_frontier_only_where_they_fit() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:2])
    with pytest.raises(LogError, match=r"frontier\.alignment"):
        frontier.append_subtree(2, LEAVES[0])
    with pytest.raises(LogError, match=r"frontier\.hash-length"):
        frontier.append_subtree(0, b"short")
    assert frontier.size == 2
