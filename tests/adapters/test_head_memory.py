"""The last signed head outside the database: one contract, on a file and on an object store."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.adapters.memory.file import FileMemory
from api.adapters.memory.object import ObjectMemory
from api.adapters.memory.opening import open_memory
from api.domain.errors import Invalid, Unavailable
from api.ports.head_memory import HeadMemory, Remembered
from tests.support.exhibit_stores import BUCKET, s3_service

ONE, TWO, THREE = (Remembered(size, f"{size:064x}") for size in (1, 2, 3))


@pytest.fixture(params=["file", "object"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HeadMemory]:
    if request.param == "file":
        yield FileMemory(tmp_path / "heads" / "us-treasury.json")
        return
    with s3_service() as client:
        yield ObjectMemory(client, BUCKET, "prefix/")


def test_it_starts_empty_and_moves_by_compare_and_set(memory: HeadMemory) -> None:
    memory.prove()
    assert memory.read() is None
    assert not memory.replace(ONE, TWO)
    assert memory.replace(None, ONE)
    assert not memory.replace(None, TWO)
    assert memory.read() == ONE
    assert memory.replace(ONE, TWO)
    assert not memory.replace(ONE, THREE)
    assert memory.read() == TWO
    memory.prove()
    assert memory.read() == TWO


def test_of_writers_that_meet_one_wins(tmp_path: Path) -> None:
    """Of the file alone: the object service of these tests is not atomic itself."""
    memory = FileMemory(tmp_path / "heads" / "us-treasury.json")
    assert memory.replace(None, ONE)
    heads = [Remembered(2 + number, f"{number:064x}") for number in range(8)]
    won: list[Remembered] = []

    def write(head: Remembered) -> None:
        if memory.replace(ONE, head):
            won.append(head)

    writers = [threading.Thread(target=write, args=(head,)) for head in heads]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert won == [memory.read()]


class Credulous:
    """A service that knows no conditions and says yes to every write."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def put_object(self, **request: Any) -> None:
        self.held[request["Key"]] = request["Body"]

    def get_object(self, **request: Any) -> dict[str, Any]:
        if request["Key"] not in self.held:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.held[request["Key"]]), "ETag": '"same"'}


def test_a_service_that_lets_a_second_writer_pass_is_refused() -> None:
    with pytest.raises(Unavailable) as refused:
        ObjectMemory(Credulous(), BUCKET).prove()
    assert refused.value.code == "memory.unfit"


def test_a_folder_that_keeps_nobody_out_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network file system whose locks are nobody's."""
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    with pytest.raises(Unavailable) as refused:
        FileMemory(tmp_path / "head.json").prove()
    assert refused.value.code == "memory.unfit"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"size":1}',
        b'{"root":"00","size":1}',
        b'{"root": "' + b"0" * 64 + b'", "size": 0}\n',
        b'{"root": "' + b"0" * 64 + b'", "size": true}\n',
        b'{"size": 1, "root": "' + b"0" * 64 + b'"}\n',
    ],
)
def test_nothing_but_a_head_is_believed(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "head.json").write_bytes(raw)
    with pytest.raises(Unavailable) as refused:
        FileMemory(tmp_path / "head.json").read()
    assert refused.value.code == "memory.unreadable"


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    memory = FileMemory(tmp_path / "file" / "head.json")
    with pytest.raises(Unavailable) as refused:
        memory.replace(None, ONE)
    assert refused.value.code == "memory.unreachable"


def test_the_default_lies_outside_the_database_s_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/node/node.db"
    memory = open_memory(url, str(tmp_path / "store"))
    memory.prove()
    assert memory.replace(None, ONE)
    assert [path.name for path in (tmp_path / "node.head").iterdir()] != []
    for inside in ("head.json", "below/head.json"):
        with pytest.raises(Invalid) as refused:
            open_memory(url, "", file=tmp_path / "node" / inside)
        assert refused.value.code == "memory.place"
    beside = open_memory("postgresql+psycopg:///comity", str(tmp_path / "store"))
    beside.prove()
    assert (tmp_path / "store" / "head-memory").is_dir()
