"""The folder store where disks fill, fail and processes die at any step."""

import errno
import fcntl
import hashlib
import os
import signal
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api import durable
from api.adapters.store.folder import FolderStore
from api.adapters.store.opening import open_store
from api.domain.errors import Full, Invalid, Unavailable
from api.ports.store import Stored
from tests.support import foreign
from tests.support.exhibit_stores import name_of, pieces, refused, slurp

DATA = os.urandom(20_000)
NAME = name_of(DATA)
WHOLE = Stored(NAME, len(DATA))


@pytest.fixture
def root(disk: Path) -> Path:
    return disk / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def object_path(root: Path, name: str = NAME) -> Path:
    digits = name.removeprefix("sha256:")
    return root / "objects" / digits[:2] / digits


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def left_in(root: Path, *folders: str) -> list[str]:
    return sorted(path.name for folder in folders for path in (root / folder).iterdir())


# --- a process that dies -------------------------------------------------------------------------

STEPS = ("open", "pwrite", "fchmod", "fsync", "rename")


def die_at(number: int, *, after: bool, act: Callable[[], object]) -> bool:
    """Run ``act`` in a child killed before or after its disk step ``number``; False if it ended."""
    child = os.fork()
    if child == 0:
        left = number

        def guarded(real: Callable[..., object]) -> Callable[..., object]:
            def step(*args: object, **kwargs: object) -> object:
                nonlocal left
                left -= 1
                if left == 0 and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = real(*args, **kwargs)
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return step

        try:
            for name in STEPS:
                setattr(os, name, guarded(getattr(os, name)))
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_kill_at_every_step_of_a_put(root: Path, *, after: bool) -> None:
    store = FolderStore(root)
    seen = set()
    for number in range(1, 100):
        act = lambda: store.put(NAME, len(DATA), pieces(DATA, 5000))  # noqa: E731
        died = die_at(number, after=after, act=act)
        held = store.head(NAME)
        assert held in (None, WHOLE)
        assert held is None or store.verify(NAME)
        seen.add(held is not None)
        if not died:
            assert held == WHOLE
            break
        reopened = FolderStore(root)
        assert left_in(root, "incoming", "partial", "quarantine") == []
        assert reopened.put(NAME, None, pieces(DATA, 5000)) == WHOLE
        reopened.delete(NAME)
    else:
        pytest.fail("the put never ended")
    assert number > 8
    assert seen == {False, True}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_kill_at_every_step_of_a_transfer(root: Path, *, after: bool) -> None:
    store = FolderStore(root)

    def transfer() -> None:
        for offset in range(0, len(DATA), 8000):
            store.append_range(NAME, len(DATA), offset, DATA[offset : offset + 8000])

    for number in range(1, 100):
        died = die_at(number, after=after, act=transfer)
        reopened = FolderStore(root)
        held = reopened.head(NAME)
        assert held in (None, WHOLE)
        if not died:
            assert held == WHOLE
            break
        offset = reopened.partial(NAME) if held is None else 0
        finished = reopened.append_range(NAME, len(DATA), offset, DATA[offset:])
        assert finished.stored == WHOLE
        assert reopened.verify(NAME)
        assert left_in(root, "incoming", "partial") == []
        reopened.delete(NAME)
    else:
        pytest.fail("the transfer never ended")
    assert number > 8


def test_order_of_disk_steps(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power loss keeps only what was synchronised: file before its name, name before the return."""
    steps: list[str] = []

    def noted(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            result = real(*args, **kwargs)
            folder = name == "fsync" and Path(f"/proc/self/fd/{args[0]}").readlink().is_dir()
            steps.append(f"{name} directory" if folder else name)
            return result

        return step

    monkeypatch.setattr(os, "fsync", noted("fsync", os.fsync))
    monkeypatch.setattr(os, "rename", noted("rename", os.rename))
    store.put(NAME, None, pieces(DATA))
    assert steps == ["fsync", "rename", "fsync directory"]
    steps.clear()
    store.delete(NAME)
    assert steps == ["fsync directory"] * 3
    steps.clear()
    store.append_range(NAME, len(DATA), 0, DATA)
    assert steps == ["fsync", "rename", "fsync directory"]


def test_every_directory_is_durable_before_the_first_put(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    real = durable.sync

    def noted(path: Path) -> None:
        synced.append(path)
        real(path)

    monkeypatch.setattr(durable, "sync", noted)
    FolderStore(root)
    assert set(synced) == {root, root.parent, root / "objects"}


# --- sweeping ------------------------------------------------------------------------------------


def test_start_sweeps_orphans_but_not_a_put_under_way(root: Path) -> None:
    store = FolderStore(root)
    (root / "incoming" / "leftover").write_bytes(b"half")

    def chunks() -> Iterator[bytes]:
        yield DATA[:100]
        FolderStore(root)
        yield DATA[100:]

    assert store.put(NAME, len(DATA), chunks()) == WHOLE
    assert left_in(root, "incoming") == []


def test_file_swept_between_opening_and_locking_is_made_again(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    swept: list[Path] = []

    def sweeping(handle: int, operation: int) -> None:
        if not swept:
            swept.append(Path(f"/proc/self/fd/{handle}").readlink())
            swept[0].unlink()
        real(handle, operation)

    monkeypatch.setattr(fcntl, "flock", sweeping)
    assert store.put(NAME, len(DATA), pieces(DATA)) == WHOLE
    assert swept


def test_unfinished_transfers_are_not_orphans(root: Path) -> None:
    FolderStore(root).append_range(NAME, len(DATA), 0, DATA[:10])
    assert FolderStore(root).partial(NAME) == 10


# --- a disk that fills or fails ------------------------------------------------------------------


def failing(real: Callable[..., object], error: int, after: int) -> Callable[..., object]:
    left = after

    def step(*args: object, **kwargs: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(error, os.strerror(error))
        return real(*args, **kwargs)

    return step


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_while_writing(
    root: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(os.pwrite, error, 3))
        with refused(Full, "store.full"):
            store.put(NAME, len(DATA), pieces(DATA))
    assert store.head(NAME) is None
    assert left_in(root, "incoming") == []
    assert store.put(NAME, len(DATA), pieces(DATA)) == WHOLE


@foreign.needs("mounting")
def test_really_full_disk_keeps_reading(tmp_path: Path) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(mount)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        store = FolderStore(mount / "store")
        store.put(NAME, len(DATA), pieces(DATA))
        large = bytes(400_000)
        with pytest.raises(Full):
            store.put(name_of(large), len(large), pieces(large, 4096))
        with pytest.raises(Full):
            store.append_range(name_of(large), len(large), 0, large)
        assert slurp(store.read(NAME, 0, len(DATA))) == DATA
        store.delete(name_of(large))
        assert left_in(mount / "store", "incoming", "partial") == []
        other = os.urandom(50_000)
        assert store.put(name_of(other), None, pieces(other)).size == len(other)
        store.probe()
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("step", ["open", "pwrite", "fsync", "rename"])
def test_failing_disk(
    root: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, step, failing(getattr(os, step), errno.EIO, 0))
        with refused(Unavailable, "store.unavailable") as caught:
            store.put(NAME, len(DATA), pieces(DATA))
    assert "EIO" in caught.value.message
    assert str(root) not in str(caught.value)
    assert store.head(NAME) is None
    assert left_in(root, "incoming") == []


def test_failed_sync_is_never_tried_again(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def failing_sync(handle: int) -> None:
        calls.append(handle)
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(os, "fsync", failing_sync)
    with pytest.raises(Unavailable):
        store.put(NAME, None, pieces(DATA))
    assert len(calls) == 1


def test_range_whose_sync_failed_starts_the_transfer_again(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append_range(NAME, len(DATA), 0, DATA[:5000])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync, errno.EIO, 0))
        with refused(Unavailable, "store.unavailable"):
            store.append_range(NAME, len(DATA), 5000, DATA[5000:7000])
    assert store.partial(NAME) == 0
    assert store.append_range(NAME, len(DATA), 0, DATA).stored == WHOLE


def test_range_that_found_the_disk_full_goes_on_later(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append_range(NAME, len(DATA), 0, DATA[:5000])
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(os.pwrite, errno.ENOSPC, 0))
        with refused(Full, "store.full"):
            store.append_range(NAME, len(DATA), 5000, DATA[5000:7000])
    assert store.partial(NAME) == 5000
    assert store.append_range(NAME, len(DATA), 5000, DATA[5000:]).stored == WHOLE


def test_two_stores_take_turns_in_one_transfer(root: Path) -> None:
    """Each keeps a running hash; the other's ranges must not be missing from it."""
    both = (FolderStore(root), FolderStore(root))
    last = None
    for number, offset in enumerate(range(0, len(DATA), 1500)):
        store = both[number % 3 % 2]
        last = store.append_range(NAME, len(DATA), offset, DATA[offset : offset + 1500]).stored
    assert last == WHOLE
    assert both[0].verify(NAME)


def test_every_range_is_durable_before_it_is_counted(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def noted(handle: int) -> None:
        real(handle)
        synced.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", noted)
    store.append_range(NAME, len(DATA), 0, DATA[:5000])
    assert synced == [5000]


def test_probe_says_full(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", failing(os.pwrite, errno.ENOSPC, 0))
    with pytest.raises(Full):
        store.probe()


def test_errors_of_the_sender_are_not_the_disks(store: FolderStore) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise OSError(errno.ENOSPC, "the sender's own disk")

    with pytest.raises(OSError, match="the sender's own disk"):
        store.put(NAME, None, chunks())


# --- damage --------------------------------------------------------------------------------------


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    body = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(change(body))


def test_flipped_bit_is_found_set_aside_and_mended(root: Path, store: FolderStore) -> None:
    store.put(NAME, None, pieces(DATA))
    damage(object_path(root), lambda body: bytes([body[0] ^ 1]) + body[1:])
    assert not store.verify(NAME)
    store.quarantine(NAME)
    assert store.head(NAME) is None
    (aside,) = left_in(root, "quarantine")
    assert aside.startswith(NAME.removeprefix("sha256:"))
    assert store.append_range(NAME, len(DATA), 0, DATA).stored == WHOLE
    assert store.verify(NAME)
    store.delete(NAME)
    assert left_in(root, "quarantine") == []


def test_putting_again_mends_a_damaged_copy(root: Path, store: FolderStore) -> None:
    store.put(NAME, None, pieces(DATA))
    damage(object_path(root), lambda body: body[:-1] + bytes([body[-1] ^ 1]))
    store.put(NAME, None, pieces(DATA))
    assert store.verify(NAME)


def test_truncated_object_can_be_fetched_again(root: Path, store: FolderStore) -> None:
    store.put(NAME, None, pieces(DATA))
    damage(object_path(root), lambda body: body[:100])
    assert not store.verify(NAME)
    assert store.append_range(NAME, len(DATA), 0, DATA).stored == WHOLE
    assert store.verify(NAME)


def test_object_that_ends_while_it_is_read(root: Path, store: FolderStore) -> None:
    large = bytes(3 << 20)
    name = name_of(large)
    store.put(name, None, pieces(large, 1 << 20))
    stream = store.read(name, 0, len(large))
    next(stream)
    damage(object_path(root, name), lambda body: body[: 1 << 20])
    with refused(Unavailable, "store.damaged"):
        slurp(stream)


def test_partial_damaged_between_two_starts_begins_again(root: Path) -> None:
    FolderStore(root).append_range(NAME, len(DATA), 0, DATA[:5000])
    damage(root / "partial" / NAME.removeprefix("sha256:"), lambda body: bytes(len(body)))
    store = FolderStore(root)
    with refused(Invalid, "exhibit.digest-mismatch"):
        store.append_range(NAME, len(DATA), 5000, DATA[5000:])
    assert store.partial(NAME) == 0


# --- the folder itself ---------------------------------------------------------------------------


def test_objects_are_read_only_and_private(root: Path, store: FolderStore) -> None:
    store.put(NAME, None, pieces(DATA))
    assert object_path(root).stat().st_mode & 0o777 == 0o400
    assert root.stat().st_mode & 0o777 == 0o700
    assert object_path(root).parent.stat().st_mode & 0o777 == 0o700


def test_symbolic_link_in_place_of_an_object_is_not_followed(
    root: Path, store: FolderStore, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not evidence")
    object_path(root).symlink_to(secret)
    with pytest.raises(Unavailable):
        store.read(NAME, 0, 3)


def test_stray_names_are_not_listed(root: Path, store: FolderStore) -> None:
    (root / "objects" / "ab" / "notes.txt").write_text("left by an operator")
    assert list(store.list()) == []


def test_streams_release_their_files(store: FolderStore) -> None:
    store.put(NAME, None, pieces(DATA))
    before = open_handles()
    for _ in range(20):
        store.read(NAME, 0, 10)
        slurp(store.read(NAME, 0, len(DATA)))
        with pytest.raises(Invalid):
            store.read(NAME, 0, len(DATA) + 1)
    assert open_handles() <= before


def test_memory_does_not_grow_with_the_exhibit(store: FolderStore) -> None:
    block = bytes(1 << 20)
    name = "sha256:" + hashlib.sha256(block * 64).hexdigest()
    tracemalloc.start()
    try:
        store.put(name, 64 << 20, (block for _ in range(64)))
        for chunk in store.read(name, 0, 64 << 20):
            assert len(chunk) <= 1 << 20
        assert store.verify(name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_two_processes_put_the_same_exhibit(root: Path) -> None:
    FolderStore(root)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                mine = FolderStore(root)
                code = 0 if mine.put(NAME, None, pieces(DATA, 100)) == WHOLE else 2
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    store = FolderStore(root)
    assert store.verify(NAME)
    assert left_in(root, "incoming") == []


def test_many_threads_finish_one_transfer(store: FolderStore) -> None:
    results: list[object] = []

    def one() -> None:
        for offset in range(0, len(DATA), 2000):
            held = store.partial(NAME)
            if store.head(NAME) is None and offset > held:
                continue
            results.append(store.append_range(NAME, len(DATA), offset, DATA[offset:][:2000]))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = store.partial(NAME)
    if store.head(NAME) is None:
        store.append_range(NAME, len(DATA), held, DATA[held:])
    assert store.verify(NAME)
    assert len(results) > 9


# --- opening -------------------------------------------------------------------------------------


def test_setting_names_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_store(str(tmp_path / "store")), FolderStore)


@pytest.mark.parametrize(
    "location", ["relative/path", "http://host/bucket", "s3://", "s3:///x", "s3://b/p?versionId=1"]
)
def test_setting_that_names_no_store(location: str) -> None:
    with refused(Invalid, "store.location"):
        open_store(location)


def test_folder_whose_parent_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ENOENT"):
        open_store(str(tmp_path / "not-mounted" / "store"))
