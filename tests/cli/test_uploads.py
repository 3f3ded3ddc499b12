"""Uploads go on after a break: of a request, of the connection, of the command."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.cli import uploads as module
from api.cli.client import Api
from api.cli.uploads import Uploads
from api.domain.errors import ComityError
from tests.support.door import ADDRESS, Door, open_door

DATA = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PART", 10_000)


class Line:
    """The way to the node; breaks at chosen requests, before or after the node has them."""

    def __init__(self, door: Door, breaks: dict[int, str] | None = None) -> None:
        self.door, self.breaks = door, breaks or {}
        self.patches: list[int] = []
        self.waits: list[float] = []
        self._count = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        data = request.read()
        self._count += 1
        how = self.breaks.get(self._count, "")
        if how == "before":
            raise httpx2.ReadError("broken")
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        if how == "midway":
            # Half of the part arrives, as if the rest had been cut off.
            data = data[: len(data) // 2]
            headers["content-length"] = str(len(data))
        path = request.url.raw_path.decode()
        answer = self.door.client.request(request.method, path, headers=headers, content=data)
        if request.method == "PATCH":
            self.patches.append(int(request.headers["upload-offset"]))
        if how in {"after", "midway"}:
            raise httpx2.ReadError("broken")
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def uploads(self, notes: Path) -> Uploads:
        client = httpx2.Client(transport=httpx2.MockTransport(self))
        api = Api(ADDRESS, lambda _: self.door.token("analyst"), client)
        return Uploads(api, notes, self.waits.append)


def send(line: Line, notes: Path, data: bytes) -> tuple[str, int]:
    """Send; returns the digest and what was told of progress."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    told: list[int] = []

    def read() -> Iterator[bytes]:
        for start in range(0, len(data), 777):
            yield data[start : start + 777]

    line.uploads(notes).send(digest, len(data), read, told.append)
    return digest, sum(told)


def held(door: Door, digest: str) -> Any:
    return door.ask("analyst", "GET", f"/api/v1/exhibits/{digest}").content


BREAKS = {
    "none": {},
    "before a part": {3: "before"},
    "after a part": {3: "after"},
    "within a part": {3: "midway"},
    "at every second": dict.fromkeys(range(3, 20, 2), "midway"),
    "also when asking": {3: "after", 4: "before"},
    "the last": {12: "after"},
}


@pytest.mark.parametrize("name", BREAKS)
def test_it_goes_on(door: Door, tmp_path: Path, name: str) -> None:
    data = DATA + name.encode()
    line = Line(door, dict(BREAKS[name]))
    digest, told = send(line, tmp_path, data)
    assert held(door, digest) == data
    assert told == len(data)
    assert list(tmp_path.iterdir()) == []
    # Nothing the node held was sent a second time.
    assert line.patches == sorted(line.patches)


def test_a_command_that_was_ended_goes_on_in_the_next(door: Door, tmp_path: Path) -> None:
    data = DATA + b"ended"
    broken = Line(door, dict.fromkeys(range(5, 40), "before"))
    with pytest.raises(ComityError) as gone:
        send(broken, tmp_path, data)
    assert gone.value.code == "node.unreachable"
    assert len(broken.waits) == module._TRIES - 1
    assert len(list(tmp_path.iterdir())) == 1
    again = Line(door)
    digest, _ = send(again, tmp_path, data)
    assert held(door, digest) == data
    assert again.patches[0] == 30_000
    assert list(tmp_path.iterdir()) == []


def test_a_note_of_an_upload_that_is_gone_begins_anew(door: Door, tmp_path: Path) -> None:
    data = DATA + b"gone"
    with pytest.raises(ComityError):
        send(Line(door, dict.fromkeys(range(3, 40), "before")), tmp_path, data)
    (note,) = tmp_path.iterdir()
    note.write_text("/uploads/" + "0" * 32)
    digest, _ = send(Line(door), tmp_path, data)
    assert held(door, digest) == data


def test_an_empty_exhibit(door: Door, tmp_path: Path) -> None:
    digest, told = send(Line(door), tmp_path, b"")
    assert (held(door, digest), told) == (b"", 0)
