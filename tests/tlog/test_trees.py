"""Trees, tiles and proofs agree with the recursive definitions at every size."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tlog.errors import LogError
from api.tlog.merkle import Frontier, leaf_hash, root_of
from api.tlog.proofs import (
    consistency_proof,
    inclusion_proof,
    peaks_of,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from api.tlog.tiles import (
    TileRef,
    decode_bundle,
    encode_bundle,
    entries_path,
    parse_tile_path,
    tile_path,
    tile_root,
    tiles_of,
    width_in,
    widths,
)
from tests.tlog import corpus
from tests.tlog.subtrees import verify_subtree_consistency
from tests.tlog.trees import MemoryTree

ENTRIES = [number.to_bytes(4, "big") for number in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@pytest.fixture(scope="module")
def large() -> MemoryTree:
    tree = MemoryTree()
    tree.append(LEAVES)
    return tree


@given(st.integers(0, 90), st.data())
def test_small_trees_follow_the_recursive_definitions(size: int, data: st.DataObject) -> None:
    tree = MemoryTree(ENTRIES[:size])
    assert root_at(size, tree) == root_of(LEAVES[:size])
    if not size:
        return
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = corpus.tree_hash(ENTRIES[:size])
    assert root_at(size, tree) == root
    path = inclusion_proof(index, size, tree)
    assert path == corpus.audit_path(index, ENTRIES[:size])
    verify_inclusion(index, size, LEAVES[index], path, root)
    proof = consistency_proof(old, size, tree)
    assert proof == corpus.sub_proof(old, ENTRIES[:size])
    verify_consistency(old, size, root_of(LEAVES[:old]), root, proof)


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
@settings(max_examples=30)
def test_batches_do_not_matter(batches: list[int]) -> None:
    tree, frontier, at = MemoryTree(), Frontier(), 0
    for batch in batches:
        tree.append(LEAVES[at : at + batch])
        frontier.extend(LEAVES[at : at + batch])
        at += batch
    assert frontier.size == at == tree.size
    assert frontier.root() == root_of(LEAVES[:at]) == root_at(at, tree)
    whole = MemoryTree()
    whole.append(LEAVES[:at])
    assert whole.tiles == tree.tiles


@given(st.data())
@settings(max_examples=40)
def test_proofs_across_tile_levels(large: MemoryTree, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = root_at(size, large)
    verify_inclusion(index, size, LEAVES[index], inclusion_proof(index, size, large), root)
    proof = consistency_proof(old, size, large)
    verify_consistency(old, size, root_at(old, large), root, proof)
    if proof:
        spoilt = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
        with pytest.raises(LogError):
            verify_consistency(old, size, root_at(old, large), root, spoilt)


def test_root_of_a_large_tree_from_tiles(large: MemoryTree) -> None:
    assert root_at(70_000, large) == root_of(LEAVES)
    assert {(ref.level, ref.index) for ref in tiles_of(70_000)} == set(large.tiles)
    assert widths(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    for ref in tiles_of(70_000):
        assert ref.level is not None
        assert len(large.tiles[ref.level, ref.index]) == 32 * ref.width
        assert width_in(ref.level, ref.index, 70_000) == ref.width
    assert large.tiles[1, 0][:32] == tile_root(LEAVES[:256])


def test_appending_to_an_old_tree_serves_the_old_proofs(large: MemoryTree) -> None:
    before = inclusion_proof(300, 1000, large)
    grown = MemoryTree()
    grown.append(LEAVES[:1000])
    assert inclusion_proof(300, 1000, grown) == before
    grown.append(LEAVES[1000:5000])
    assert inclusion_proof(300, 1000, grown) == before


def test_a_subtree_is_consistent_with_its_tree() -> None:
    """[4, 8) of 11 leaves: its sibling [0, 4), then the rest on the right."""
    subtree = corpus.tree_hash(ENTRIES[4:8])
    proof = [corpus.tree_hash(ENTRIES[0:4]), corpus.tree_hash(ENTRIES[8:11])]
    root = corpus.tree_hash(ENTRIES[:11])
    verify_subtree_consistency((4, 8), 11, subtree, root, proof)
    with pytest.raises(LogError, match=r"proof\.root-mismatch"):
        verify_subtree_consistency((4, 8), 11, subtree, root, proof[::-1])
    with pytest.raises(LogError, match=r"proof\.subtree"):
        verify_subtree_consistency((2, 6), 11, subtree, root, proof)


def test_peaks_cover_a_range_without_overlap() -> None:
    assert peaks_of(0, 11) == [(0, 3), (8, 1), (10, 0)]
    assert peaks_of(5, 5) == []


@pytest.mark.parametrize(("old", "new"), [(0, 5), (5, 5)])
def test_trivial_consistency_needs_no_hashes(old: int, new: int) -> None:
    assert consistency_proof(old, new, MemoryTree(ENTRIES[:5])) == []


def test_out_of_range_requests_are_refused() -> None:
    tree = MemoryTree(ENTRIES[:5])
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(LogError, match=r"proof\.range"):
            inclusion_proof(index, size, tree)
    for old, new in ((6, 5), (-1, 5)):
        with pytest.raises(LogError, match=r"proof\.range"):
            consistency_proof(old, new, tree)


class ShortReader:
    """A store that lost the end of a tile."""

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        return bytes(32 * width - 1 + 0 * level * index)


def test_a_short_tile_is_refused() -> None:
    with pytest.raises(LogError, match=r"tile\.length"):
        root_at(3, ShortReader())


def test_frontier_refuses_what_is_no_frontier() -> None:
    for size, peaks in ((3, [b"\x00" * 32]), (1, [b"short"]), (-1, [])):
        with pytest.raises(LogError, match=r"frontier\.malformed"):
            Frontier(size, peaks)
    frontier = Frontier()
    with pytest.raises(LogError, match=r"frontier\.hash-length"):
        frontier.extend([b"\x00" * 32, b"short"])
    assert frontier.size == 0
    copy = frontier.copy()
    copy.append(b"\x01" * 32)
    assert (frontier.size, copy.size) == (0, 1)


@given(st.integers(0, 63), st.integers(0, 2**40), st.integers(1, 256))
def test_paths_read_back(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == TileRef(level, index, width)
    assert parse_tile_path(entries_path(index, width)) == TileRef(None, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/x000/001",
        "tile/00/001",
        "tile/64/000",
        "tile/0/1",
        "tile/0/0001",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/001/000",
        "tile/entries/000/",
        "tile/-1/000",
        "tile/0/\u0661\u0661\u0661",
        "tile/0/000\n",
        "",
    ],
)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    with pytest.raises(LogError, match=r"tile\.path"):
        parse_tile_path(path)


def test_addresses_out_of_range_are_refused() -> None:
    for level, index, width in ((64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(LogError, match=r"tile\.address"):
            tile_path(level, index, width)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles_read_back(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    assert decode_bundle(data, len(entries)) == entries
    with pytest.raises(LogError, match=r"bundle\.count"):
        decode_bundle(data, len(entries) + 1)


def test_bundles_refuse_what_does_not_fit() -> None:
    with pytest.raises(LogError, match=r"bundle\.entry-too-large"):
        encode_bundle([b"x" * 65_536])
    with pytest.raises(LogError, match=r"bundle\.too-many"):
        encode_bundle([b""] * 257)
    with pytest.raises(LogError, match=r"bundle\.too-many"):
        decode_bundle(b"\x00\x00" * 257)
    for data in (b"\x00", b"\x00\x05abcd"):
        with pytest.raises(LogError, match=r"bundle\.truncated"):
            decode_bundle(data)


def test_only_a_full_tile_has_a_root() -> None:
    with pytest.raises(LogError, match=r"tile\.not-full"):
        tile_root([sha256(b"").digest()] * 255)


STRANGER = bytes(range(32))


@pytest.mark.parametrize("new", range(2, 18))
def test_another_old_root_is_refused_by_name(new: int) -> None:
    """A proof of one history proves nothing of another, though all its hashes are hashes."""
    tree = MemoryTree(ENTRIES[:new])
    for old in range(1, new):
        proof = consistency_proof(old, new, tree)
        verify_consistency(old, new, root_of(LEAVES[:old]), root_of(LEAVES[:new]), proof)
        with pytest.raises(LogError) as refusal:
            verify_consistency(old, new, STRANGER, root_of(LEAVES[:new]), proof)
        # Where the old tree is one node of the new one, the proof starts from its root.
        whole = not old & (old - 1)
        code = "proof.root-mismatch" if whole else "proof.old-root-mismatch"
        assert refusal.value.code == code, (old, new)


@pytest.mark.parametrize("size", range(1, 18))
def test_a_path_of_another_length_is_refused_by_name(size: int) -> None:
    tree = MemoryTree(ENTRIES[:size])
    for index in range(size):
        path = inclusion_proof(index, size, tree)
        others = [[*path, STRANGER], *([path[:-1]] if path else [])]
        for other in others:
            with pytest.raises(LogError) as refusal:
                verify_inclusion(index, size, LEAVES[index], other, root_of(LEAVES[:size]))
            assert refusal.value.code == "proof.length", (index, size)
