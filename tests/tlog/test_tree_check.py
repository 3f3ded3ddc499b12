"""Re-derivation of a stored log finds and places every kind of damage."""

import pytest

from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.proofs import root_at
from api.tlog.tiles import encode_bundle, tiles_of
from tests.support.tree_check import fsck
from tests.tlog.signers import LOG, LOG_KEYS, LOG_PQ, ORIGIN, UK, sign
from tests.tlog.trees import MemoryTree

SIZE = 66_000


class StoredLog(MemoryTree):
    """A log as stored: tiles, entries and head, each open to damage."""

    def __init__(self, entries: list[bytes]) -> None:
        super().__init__(entries)
        self.entries = list(entries)
        text = format_checkpoint(Checkpoint(ORIGIN, self.size, root_at(self.size, self)))
        self.checkpoint = sign(text, LOG, LOG_PQ, UK)

    def read_entries(self, index: int, width: int) -> bytes:
        return encode_bundle(self.entries[index * 256 : index * 256 + width])

    def read_checkpoint(self) -> bytes:
        return self.checkpoint


@pytest.fixture(scope="module")
def whole() -> StoredLog:
    return StoredLog([b"entry %d" % number for number in range(SIZE)])


@pytest.fixture
def log(whole: StoredLog) -> StoredLog:
    copy = StoredLog.__new__(StoredLog)
    copy.tiles, copy.entries = dict(whole.tiles), list(whole.entries)
    copy.size, copy.checkpoint = whole.size, whole.checkpoint
    return copy


def test_a_sound_log_has_no_findings(log: StoredLog) -> None:
    report = fsck(log, LOG_KEYS, [UK.key])
    assert report.ok
    assert report.first_bad_index is None
    assert (report.origin, report.size, report.root) == (ORIGIN, SIZE, root_at(SIZE, log))


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, SIZE - 1])
def test_an_altered_entry_is_placed(log: StoredLog, index: int) -> None:
    log.entries[index] += b"!"
    report = fsck(log, LOG_KEYS)
    assert report.first_bad_index == index
    assert report.findings[0].code == "fsck.tile"


def test_swapped_and_missing_entries_are_placed(log: StoredLog) -> None:
    log.entries[700], log.entries[9000] = log.entries[9000], log.entries[700]
    assert fsck(log, LOG_KEYS).first_bad_index == 700
    del log.entries[600]
    assert fsck(log, LOG_KEYS).first_bad_index == 600


def test_every_tile_is_checked(log: StoredLog) -> None:
    for ref in [r for r in tiles_of(SIZE) if (r.level or 0) > 0 or r.index in {0, 100, 257}]:
        assert ref.level is not None
        good = log.tiles[ref.level, ref.index]
        log.tiles[ref.level, ref.index] = good[:-1] + bytes([good[-1] ^ 1])
        (finding,) = fsck(log, LOG_KEYS).findings
        last = ref.index * 256 + ref.width - 1
        assert (finding.code, finding.index) == ("fsck.tile", last << (8 * ref.level))
        log.tiles[ref.level, ref.index] = good


def test_lost_tiles_and_bundles_are_findings(log: StoredLog) -> None:
    del log.tiles[0, 3]
    (finding,) = fsck(log, LOG_KEYS).findings
    assert (finding.code, finding.index) == ("fsck.tile", 3 * 256)
    del log.entries[-5:]
    codes = [finding.code for finding in fsck(log, LOG_KEYS).findings]
    assert codes == ["fsck.tile", "fsck.bundle"]


def test_rewriting_entries_and_tiles_together_leaves_the_root(log: StoredLog) -> None:
    log.entries[5] = b"rewritten"
    log.tiles = MemoryTree(log.entries).tiles
    (finding,) = fsck(log, LOG_KEYS).findings
    assert (finding.code, finding.index) == ("fsck.root", None)


def test_an_unsigned_head_is_a_finding(log: StoredLog) -> None:
    log.checkpoint = log.checkpoint.replace(b"66000", b"65999")
    (finding,) = fsck(log, LOG_KEYS).findings
    assert finding.code == "fsck.checkpoint"
    assert "note.signature" in finding.detail
