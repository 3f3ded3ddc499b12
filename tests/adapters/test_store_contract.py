"""What every exhibit store promises, asked of both implementations."""

import secrets
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.adapters.store.folder import FolderStore
from api.adapters.store.s3 import S3Store
from api.domain.errors import ComityError, Conflict, Invalid, NotFound, TooLarge
from api.ports.store import ExhibitStore, Progress, Stored
from tests.support.exhibit_stores import BUCKET, name_of, pieces, refused, s3_service, slurp

DATA = b"The exhibit, in full.\n" * 400
NAME = name_of(DATA)
LIMIT = 1 << 20

OpenStore = Callable[[], ExhibitStore]


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    with s3_service() as client:
        yield client


@pytest.fixture(params=["folder", "s3"])
def reopen(request: pytest.FixtureRequest, disk: Path) -> OpenStore:
    """Open the same store again, as a restarted process would."""
    if request.param == "folder":
        return lambda: FolderStore(disk / "store", limit=LIMIT)
    client = request.getfixturevalue("service")
    prefix = f"{secrets.token_hex(8)}/"
    return lambda: S3Store(client, BUCKET, prefix, limit=LIMIT)


@pytest.fixture
def store(reopen: OpenStore) -> ExhibitStore:
    return reopen()


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(ComityError) as caught:
        act()
    assert caught.value.message.endswith(".")
    return caught.value.code


def test_put_then_read_back(store: ExhibitStore, reopen: OpenStore) -> None:
    assert store.head(NAME) is None
    assert store.put(NAME, len(DATA), pieces(DATA)) == Stored(NAME, len(DATA))
    for one in (store, reopen()):
        assert one.head(NAME) == Stored(NAME, len(DATA))
        assert slurp(one.read(NAME, 0, len(DATA))) == DATA
        assert one.verify(NAME)
        assert list(one.list()) == [Stored(NAME, len(DATA))]


def test_put_without_announced_size_and_with_empty_chunks(store: ExhibitStore) -> None:
    chunks = iter([b"", DATA[:7], b"", DATA[7:], b""])
    assert store.put(NAME, None, chunks) == Stored(NAME, len(DATA))


def test_empty_exhibit(store: ExhibitStore) -> None:
    name = name_of(b"")
    assert store.put(name, 0, iter([])) == Stored(name, 0)
    assert slurp(store.read(name, 0, 0)) == b""
    assert store.verify(name)


def test_put_is_idempotent_but_still_checks_the_bytes(store: ExhibitStore) -> None:
    for _ in range(2):
        assert store.put(NAME, len(DATA), pieces(DATA)) == Stored(NAME, len(DATA))
    wrong = DATA[:-1] + b"?"
    assert refusal(lambda: store.put(NAME, None, pieces(wrong))) == "exhibit.digest-mismatch"
    assert store.verify(NAME)


@pytest.mark.parametrize(
    ("size", "data", "code"),
    [
        (len(DATA), DATA[:-1] + b"?", "exhibit.digest-mismatch"),
        (None, DATA + b"?", "exhibit.digest-mismatch"),
        (len(DATA), DATA + b"?", "exhibit.size-mismatch"),
        (len(DATA), DATA[:-1], "exhibit.size-mismatch"),
        (len(DATA) + 1, DATA, "exhibit.size-mismatch"),
        (-1, DATA, "exhibit.size-mismatch"),
        (LIMIT + 1, DATA, "exhibit.too-large"),
        (None, DATA * 200, "exhibit.too-large"),
    ],
)
def test_refused_put_leaves_nothing(
    store: ExhibitStore, size: int | None, data: bytes, code: str
) -> None:
    assert refusal(lambda: store.put(NAME, size, pieces(data, 5000))) == code
    assert store.head(NAME) is None
    assert list(store.list()) == []


def test_too_many_bytes_are_refused_before_the_sender_is_done(store: ExhibitStore) -> None:
    sent = count()

    def endless() -> Iterator[bytes]:
        for _ in sent:
            yield bytes(100)

    assert refusal(lambda: store.put(NAME, 1000, endless())) == "exhibit.size-mismatch"
    assert next(sent) <= 12
    assert refusal(lambda: store.put(NAME, None, endless())) == "exhibit.too-large"


def test_broken_sender_passes_through_and_leaves_nothing(store: ExhibitStore) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put(NAME, len(DATA), broken())
    assert store.head(NAME) is None


BAD_NAMES = [
    "",
    "sha256:",
    "sha256:../../../../etc/passwd",
    "/etc/passwd",
    "sha256:" + "A" * 64,
    "sha256:" + "a" * 63,
    "sha256:" + "a" * 65,
    "sha256:" + "a" * 63 + "\0",
    "sha256:" + "a" * 64 + "\n",
    "sha512:" + "a" * 64,
    "C:\\evidence.pdf",
    "sha256:" + "\u0661" * 64,
    "CON",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_not_digests_are_refused_everywhere(store: ExhibitStore, name: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: store.put(name, None, iter([b""])),
        lambda: store.head(name),
        lambda: store.read(name, 0, 0),
        lambda: store.verify(name),
        lambda: store.partial(name),
        lambda: store.append_range(name, 1, 0, b"x"),
        lambda: store.quarantine(name),
        lambda: store.delete(name),
    ]
    assert {refusal(act) for act in acts} == {"digest.malformed"}


def test_absent_object(store: ExhibitStore) -> None:
    assert store.head(NAME) is None
    assert store.partial(NAME) == 0
    for act in (lambda: store.read(NAME, 0, 1), lambda: store.verify(NAME)):
        with refused(NotFound, "exhibit.unknown"):
            act()
    with refused(NotFound, "exhibit.unknown"):
        store.read(NAME, 0, 0)
    store.quarantine(NAME)
    store.delete(NAME)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(-3, len(DATA) + 3), end=st.integers(-3, len(DATA) + 3))
def test_any_range(store: ExhibitStore, start: int, end: int) -> None:
    if store.head(NAME) is None:
        store.put(NAME, len(DATA), pieces(DATA))
    if 0 <= start <= end <= len(DATA):
        assert slurp(store.read(NAME, start, end)) == DATA[start:end]
    else:
        with refused(Invalid, "exhibit.range"):
            store.read(NAME, start, end)


def test_stream_can_be_left_early(store: ExhibitStore) -> None:
    store.put(NAME, len(DATA), pieces(DATA))
    stream = store.read(NAME, 0, len(DATA))
    stream.close()
    stream.close()
    assert list(stream) == []
    del stream
    assert store.verify(NAME)


def test_transfer_in_ranges_survives_a_restart(store: ExhibitStore, reopen: OpenStore) -> None:
    third = len(DATA) // 3
    assert store.append_range(NAME, len(DATA), 0, DATA[:third]).held == third
    assert store.head(NAME) is None
    assert list(store.list()) == []
    later = reopen()
    assert later.partial(NAME) == third
    middle = later.append_range(NAME, len(DATA), third, DATA[third : 2 * third])
    assert (middle.held, middle.stored) == (2 * third, None)
    last = later.append_range(NAME, len(DATA), 2 * third, DATA[2 * third :])
    assert last.stored == Stored(NAME, len(DATA))
    assert later.head(NAME) == last.stored
    assert later.verify(NAME)
    assert later.partial(NAME) == 0
    again = later.append_range(NAME, len(DATA), 0, DATA[:third])
    assert again.stored == last.stored


def test_range_beyond_what_is_held_names_the_offset(store: ExhibitStore) -> None:
    store.append_range(NAME, len(DATA), 0, DATA[:100])
    with refused(Conflict, "exhibit.range-gap") as caught:
        store.append_range(NAME, len(DATA), 101, DATA[101:200])
    assert caught.value.details == {"held": 100}
    assert store.partial(NAME) == 100


def test_wrong_whole_is_thrown_away(store: ExhibitStore) -> None:
    wrong = DATA[:-1] + b"?"
    store.append_range(NAME, len(DATA), 0, wrong[:100])
    act = lambda: store.append_range(NAME, len(DATA), 100, wrong[100:])  # noqa: E731
    assert refusal(act) == "exhibit.digest-mismatch"
    assert store.head(NAME) is None
    assert store.partial(NAME) == 0
    assert store.append_range(NAME, len(DATA), 0, DATA).stored == Stored(NAME, len(DATA))


def test_ranges_outside_the_announced_size_are_refused(store: ExhibitStore) -> None:
    for offset, data in ((-1, b"x"), (0, DATA + b"x"), (len(DATA), b"x")):
        act = lambda o=offset, d=data: store.append_range(NAME, len(DATA), o, d)  # noqa: E731
        assert refusal(act) == "exhibit.range"
    with refused(TooLarge, "exhibit.too-large"):
        store.append_range(NAME, LIMIT + 1, 0, b"x")
    assert store.partial(NAME) == 0


def test_manifest_that_changes_its_mind_about_the_size(store: ExhibitStore) -> None:
    store.append_range(NAME, len(DATA), 0, DATA[:200])
    act = lambda: store.append_range(NAME, 100, 0, DATA[:100])  # noqa: E731
    assert refusal(act) == "exhibit.size-mismatch"
    assert store.partial(NAME) == 0


def follow_any_sequence(reopen: OpenStore, data: bytes, moves: list[tuple[int, int]]) -> None:
    """Overlaps, repeats, gaps and restarts: held is the model's, and the end is always whole."""
    store = reopen()
    name = name_of(data)
    store.delete(name)
    held, whole = 0, False
    for start, length in moves:
        offset = min(start, len(data))
        piece = data[offset : offset + length]
        if offset > held and not whole:
            with refused(Conflict, "exhibit.range-gap"):
                store.append_range(name, len(data), offset, piece)
            store = reopen()
        else:
            held = len(data) if whole else max(held, offset + len(piece))
            whole = whole or held == len(data)
            progress = store.append_range(name, len(data), offset, piece)
            assert (progress.held, progress.stored is not None) == (held, whole)
        assert (store.head(name) is not None) == whole
    assert store.append_range(name, len(data), held, data[held:]).stored == Stored(name, len(data))
    assert slurp(store.read(name, 0, len(data))) == data


exhibits = st.binary(min_size=0, max_size=600)
sequences = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 300)), max_size=6)


@settings(max_examples=25, deadline=None)
@given(data=exhibits, moves=sequences)
def test_any_sequence_of_ranges_in_a_folder(data: bytes, moves: list[tuple[int, int]]) -> None:
    with TemporaryDirectory() as folder:
        follow_any_sequence(lambda: FolderStore(Path(folder) / "store"), data, moves)


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=exhibits, moves=sequences)
def test_any_sequence_of_ranges_in_s3(
    service: Any, data: bytes, moves: list[tuple[int, int]]
) -> None:
    prefix = f"{secrets.token_hex(8)}/"
    follow_any_sequence(lambda: S3Store(service, BUCKET, prefix), data, moves)


def test_same_digest_put_by_many_at_once(store: ExhibitStore) -> None:
    gate = threading.Barrier(6)
    results: list[object] = []

    def chunks() -> Iterator[bytes]:
        yield DATA[:500]
        gate.wait(10)
        yield DATA[500:]

    def one() -> None:
        try:
            results.append(store.put(NAME, len(DATA), chunks()))
        except ComityError as error:
            results.append(error)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [Stored(NAME, len(DATA))] * 6
    assert store.verify(NAME)
    assert list(store.list()) == [Stored(NAME, len(DATA))]


def test_same_transfer_by_two_at_once(store: ExhibitStore) -> None:
    gate = threading.Barrier(2)
    results: list[object] = []

    def one() -> None:
        try:
            step = Progress(0, None)
            while step.stored is None:
                gate.wait(10)
                piece = DATA[step.held : step.held + 1500]
                step = store.append_range(NAME, len(DATA), step.held, piece)
            results.append(step.stored)
        except ComityError as error:
            results.append(error)
        finally:
            gate.abort()

    def tolerant() -> None:
        try:
            one()
        except threading.BrokenBarrierError:
            held = store.partial(NAME)
            results.append(store.append_range(NAME, len(DATA), held, DATA[held:]).stored)

    threads = [threading.Thread(target=tolerant) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [Stored(NAME, len(DATA))] * 2
    assert store.verify(NAME)
    assert store.partial(NAME) == 0


def test_list_is_ordered_by_digest(store: ExhibitStore) -> None:
    bodies = [f"exhibit {number}".encode() for number in range(20)]
    for body in bodies:
        store.put(name_of(body), None, iter([body]))
    assert list(store.list()) == sorted(
        (Stored(name_of(body), len(body)) for body in bodies), key=lambda stored: stored.digest
    )


def test_quarantined_object_is_out_of_sight_and_can_come_again(store: ExhibitStore) -> None:
    store.put(NAME, None, iter([DATA]))
    store.quarantine(NAME)
    assert store.head(NAME) is None
    assert list(store.list()) == []
    assert store.put(NAME, None, iter([DATA])) == Stored(NAME, len(DATA))


def test_delete_takes_every_trace(store: ExhibitStore) -> None:
    store.put(NAME, None, iter([DATA]))
    store.quarantine(NAME)
    store.append_range(NAME, len(DATA), 0, DATA[:10])
    store.delete(NAME)
    assert store.partial(NAME) == 0
    store.put(NAME, None, iter([DATA]))
    store.delete(NAME)
    assert store.head(NAME) is None
    with pytest.raises(NotFound):
        store.read(NAME, 0, 1)


def test_probe_leaves_nothing(store: ExhibitStore) -> None:
    store.probe()
    assert list(store.list()) == []
