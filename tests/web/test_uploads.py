"""Uploads that go on after a break: tus 1.0, with the protocol's own client as judge."""

import asyncio
import base64
import hashlib
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import httpx2
import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from api.domain.errors import ComityError, Conflict
from api.web import uploading
from api.web.spool import Spool, Upload
from tests.support.door import Door
from tests.web.test_intake import World, play
from tests.web.test_refusals import refused

UPLOADS = "/api/v1/uploads"
TUS = {"tus-resumable": "1.0.0"}
DATA = bytes(range(256)) * 4096


def name_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def begin(door: Door, data: bytes, who: str = "analyst", **fields: str) -> httpx2.Response:
    stated = base64.b64encode(name_of(data).encode()).decode()
    headers = {"upload-length": str(len(data)), "upload-metadata": f"digest {stated}", **TUS}
    return door.ask(who, "POST", UPLOADS, headers={**headers, **fields})


def send(
    door: Door, place: str, offset: int, data: bytes, who: str = "analyst", **fields: str
) -> httpx2.Response:
    headers = {
        **TUS,
        "upload-offset": str(offset),
        "content-type": "application/offset+octet-stream",
        **fields,
    }
    return door.ask(who, "PATCH", place, content=data, headers=headers)


def offset(door: Door, place: str) -> int:
    answer = door.ask("analyst", "HEAD", place, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def test_an_upload_in_parts_becomes_the_exhibit(door: Door) -> None:
    data = DATA + b"parts"
    begun = begin(door, data)
    assert begun.status_code == 201, begun.text
    assert begun.headers["tus-resumable"] == "1.0.0"
    place = begun.headers["location"]
    assert offset(door, place) == 0
    for start in range(0, len(data), 300_000):
        part = data[start : start + 300_000]
        answer = send(door, place, start, part)
        assert answer.status_code == 204, answer.text
        assert int(answer.headers["upload-offset"]) == start + len(part) == offset(door, place)
    whole = door.ask("analyst", "GET", f"/api/v1/exhibits/{name_of(data)}")
    assert whole.content == data
    assert door.last_event()["act"] in {"exhibit.read", "exhibit.stored"}
    # The answer to the last part was lost: sending it again says that all is here.
    assert send(door, place, len(data), b"").status_code == 204


def test_what_came_before_a_break_is_kept(door: Door) -> None:
    data = DATA + b"break"
    place = begin(door, data).headers["location"]

    async def story(world: World) -> None:
        """The caller vanishes after two pieces; a node with patience would have waited."""
        world.app.state.doors = replace(world.app.state.doors, spool=door.app.state.doors.spool)
        fields = {**TUS, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
        call = world.call("analyst", "PATCH", place, **fields, **{"content-length": str(len(data))})
        call.give(data[:400_000])
        call.give(data[400_000:500_000])
        call.leave()
        await asyncio.wait_for(call.done.wait(), 20)

    play(door, story)
    held = offset(door, place)
    assert held == 500_000
    assert send(door, place, held, data[held:]).status_code == 204
    assert door.ask("analyst", "HEAD", f"/api/v1/exhibits/{name_of(data)}").status_code == 200


def test_wrong_bytes_are_refused_and_gone(door: Door) -> None:
    data = DATA + b"wrong"
    place = begin(door, data).headers["location"]
    refused(send(door, place, 0, bytes(len(data))), 422, "exhibit.digest-mismatch")
    assert door.ask("analyst", "HEAD", place, headers=TUS).status_code == 404
    assert door.ask("analyst", "HEAD", f"/api/v1/exhibits/{name_of(data)}").status_code == 404


def test_an_exhibit_that_is_held_wants_its_bytes_all_the_same(door: Door) -> None:
    """Who has not the bytes is never recorded as having stored them."""
    data = DATA + b"held"
    door.ask("analyst", "PUT", f"/api/v1/exhibits/{name_of(data)}", content=data)
    place = begin(door, data, "analyst2").headers["location"]
    answer = send(door, place, 0, bytes(len(data)), "analyst2")
    refused(answer, 422, "exhibit.digest-mismatch")


def test_offsets_and_lengths_are_exact(door: Door) -> None:
    data = DATA + b"exact"
    place = begin(door, data).headers["location"]
    for wrong in (1, 10**14):
        problem = refused(send(door, place, wrong, b"x"), 409, "upload.offset")
        assert problem["offset"] == 0
    refused(send(door, place, 0, data + b"more"), 422, "exhibit.size-mismatch")
    for text in ("", "-1", "1.5", "9" * 16, "٣"):
        answer = send(door, place, 0, b"x", **{"upload-offset": text.encode()})  # type: ignore[arg-type]
        refused(answer, 422, "upload.header")
    answer = send(door, place, 0, b"x", **{"content-type": "application/json"})
    refused(answer, 415, "media.unsupported")


def test_nobody_else_learns_of_an_upload(door: Door) -> None:
    place = begin(door, DATA + b"mine").headers["location"]
    for who in ("analyst2", "reviewer", "admin", "auditor"):
        assert door.ask(who, "HEAD", place, headers=TUS).status_code == 404
        refused(send(door, place, 0, b"x", who), 404, "upload.unknown")
        refused(door.ask(who, "DELETE", place, headers=TUS), 404, "upload.unknown")


@pytest.mark.parametrize("who", ["reviewer", "auditor", "admin"])
def test_who_may_store_no_exhibit_begins_no_upload(door: Door, who: str) -> None:
    assert begin(door, DATA + b"role", who).status_code == 403


def test_versions_and_announcements(door: Door) -> None:
    described = door.ask(None, "OPTIONS", UPLOADS)
    assert described.status_code == 204
    assert described.headers["tus-version"] == "1.0.0"
    assert set(described.headers["tus-extension"].split(",")) == {
        "creation",
        "termination",
        "expiration",
    }
    other = begin(door, DATA, **{"tus-resumable": "0.2.2"})
    refused(other, 412, "upload.version")
    for metadata in ("", "name x", "digest", "digest !!!", "digest c2hhMjU2Og=="):
        refused(begin(door, DATA, **{"upload-metadata": metadata}), 422, "upload.metadata")
    too_large = begin(door, DATA, **{"upload-length": str(65 * 1024**3)})
    refused(too_large, 413, "exhibit.too-large")


def test_an_upload_is_given_up(door: Door) -> None:
    place = begin(door, DATA + b"given up").headers["location"]
    assert send(door, place, 0, b"some").status_code == 204
    assert door.ask("analyst", "DELETE", place, headers=TUS).status_code == 204
    assert door.ask("analyst", "HEAD", place, headers=TUS).status_code == 404


def test_an_empty_exhibit_is_whole_at_once(door: Door) -> None:
    place = begin(door, b"").headers["location"]
    assert offset(door, place) == 0
    assert door.ask("analyst", "HEAD", f"/api/v1/exhibits/{name_of(b'')}").status_code == 200


def test_unfinished_uploads_have_a_number_and_an_end(tmp_path: Path) -> None:
    import os

    from api.domain.errors import TooMany
    from api.web import spool as module

    spool = Spool(tmp_path)
    for number in range(module.MOST_UNFINISHED):
        spool.begin(Upload(f"{number:032x}", "a", name_of(b"x"), 1))
    with pytest.raises(TooMany):
        spool.begin(Upload("f" * 32, "a", name_of(b"x"), 1))
    spool.begin(Upload("e" * 32, "b", name_of(b"x"), 1))
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    spool.begin(Upload("d" * 32, "b", name_of(b"x"), 1))
    assert {path.stem for path in tmp_path.iterdir()} == {"d" * 32}


def test_two_uploads_that_begin_at_one_moment_count_each_other(tmp_path: Path) -> None:
    from api.domain.errors import TooMany
    from api.web import spool as module

    for number in range(module.MOST_UNFINISHED - 1):
        Spool(tmp_path).begin(Upload(f"{number:032x}", "a", name_of(b"x"), 1))
    meeting = threading.Barrier(2)

    class Slow(Spool):
        @override
        def check_room(self, size: int) -> None:
            """Having counted, wait until the other has: in vain, where only one may count."""
            with suppress(threading.BrokenBarrierError):
                meeting.wait(0.2)

    def begun(place: int) -> bool:
        with suppress(TooMany):
            Slow(tmp_path).begin(Upload(f"{place:x}" * 32, "a", name_of(b"x"), 1))
            return True
        return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begun, (14, 15))) == [False, True]


def test_two_requests_do_not_append_to_one_upload(tmp_path: Path) -> None:
    from api.domain.errors import Conflict

    spool = Spool(tmp_path)
    upload = Upload("a" * 32, "a", name_of(b"x"), 9)
    spool.begin(upload)
    with spool.appending(upload, 0), pytest.raises(Conflict) as other, spool.appending(upload, 0):
        pass
    assert other.value.code == "upload.busy"


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(1, 20), min_size=60, max_size=60))
def test_any_order_of_breaks_gives_the_same_bytes(whole: bytes, steps: list[int]) -> None:
    """Each part is cut off anywhere, asked for its offset and gone on with, by a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        upload = Upload("a" * 32, "a", name_of(whole), len(whole))
        Spool(Path(folder)).begin(upload)
        for step in steps:
            spool = Spool(Path(folder))
            held = spool.offset(upload)
            with spool.appending(upload, held) as file:
                file.write(whole[held : held + step])
        with Spool(Path(folder)).bytes_of(upload) as file:
            assert file.read() == whole


def test_what_a_wrong_note_says_is_no_upload(tmp_path: Path) -> None:
    from api.domain.errors import NotFound

    spool = Spool(tmp_path)
    for text in (b"", b"{", b"[]", b'{"id":1}', b"\xff"):
        (tmp_path / f"{'b' * 32}.json").write_bytes(text)
        with pytest.raises(NotFound):
            spool.find("b" * 32, "a")


def test_what_is_on_its_way_is_not_removed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bytes and DELETE at one moment: one of the two is told to wait."""
    place = begin(door, DATA[:9]).headers["location"]
    genuine, answers = uploading.receive, list[int]()

    async def receive(request: Request, file: IO[bytes], most: int) -> int:
        found = await genuine(request, file, most)
        spool: Spool = door.app.state.doors.spool
        upload = next(each for each in spool._all() if place.endswith(each.id))
        with pytest.raises(Conflict, match=r"upload\.busy"):
            spool.remove(upload)
        answers.append(423)
        return found

    monkeypatch.setattr(uploading, "receive", receive)
    assert send(door, place, 0, DATA[:9]).status_code == 204
    assert answers == [423]
    assert door.ask("analyst", "DELETE", place, headers=TUS).status_code == 204


@pytest.mark.parametrize(("end", "code"), [("finish", "offset"), ("remove", "unknown")])
def test_what_was_found_before_it_ended_does_not_come_back(
    tmp_path: Path, end: str, code: str
) -> None:
    spool = Spool(tmp_path)
    found = Upload("a" * 32, "a", name_of(b"x"), 1)
    spool.begin(found)
    getattr(spool, end)(found)
    with pytest.raises(ComityError, match=rf"upload\.{code}"), spool.appending(found, 0):
        pass
    assert not (tmp_path / f"{found.id}.part").exists()


def test_what_a_crash_left_is_swept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for name in (f"{'b' * 32}.part", f"{'c' * 32}.new", "d.body"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    with spool.named() as kept:
        spool.begin(Upload("a" * 32, "a", name_of(b"x"), 1))
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {f"{'a' * 32}.part", f"{'a' * 32}.json", Path(kept.name).name}
