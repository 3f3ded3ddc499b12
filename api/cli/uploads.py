"""Uploads of exhibits that go on after a break, also one of this command or machine (tus 1.0).

Owns the client's side of that protocol: parts, patience, and the note of where an upload lies. A
note is a file in the command line's home that names no content; without it an upload begins anew.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from api.cli.client import Api
from api.domain.errors import Conflict, Full, NotFound, Unavailable

Read = Callable[[], Iterator[bytes]]
"""Gives an exhibit's bytes from the start, as often as they are needed."""

_PART: Final = 16 * 1024 * 1024
_TRIES: Final = 6
_VERSION: Final = {"tus-resumable": "1.0.0"}
_MEDIA_TYPE: Final = "application/offset+octet-stream"
_PATHS: Final = "/api/v1"


class Uploads:
    """The uploads of one person to one node.

    Args:
        api: the node.
        notes: folder of the notes; made if it is absent.
        pause: waits so many seconds.
    """

    def __init__(self, api: Api, notes: Path, pause: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._notes = notes
        self._pause = pause

    def send(self, digest: str, size: int, read: Read, advance: Callable[[int], object]) -> None:
        """Send an exhibit, from where an earlier try broke off.

        Args:
            digest: ``sha256:<hex>`` of the bytes.
            size: how many there are.
            read: gives them.
            advance: told how many more the node holds.

        Raises:
            ComityError: the node's refusal; ``node.unreachable`` after some tries: the command can
                be repeated, and goes on.
        """
        note = self._note_of(digest)
        place, offset = self._found(note) or (self._begin(note, digest, size), 0)
        advance(offset)
        left = _TRIES
        while offset < size:
            try:
                reached = self._part(place, offset, size, read)
            except (Unavailable, Full, Conflict) as broken:
                left -= 1
                if not left or broken.code == "store.full":
                    raise
                self._pause(2.0 ** (_TRIES - left) / 2)
                reached = self._offset(place, offset)
            if reached > offset:
                left = _TRIES
            advance(max(0, reached - offset))
            offset = reached
        note.unlink(missing_ok=True)

    def _part(self, place: str, offset: int, size: int, read: Read) -> int:
        """Send the next part; returns the offset that the node holds then."""
        length = min(_PART, size - offset)
        headers = {
            **_VERSION,
            "upload-offset": str(offset),
            "content-type": _MEDIA_TYPE,
            "content-length": str(length),
        }
        answer = self._api.send(
            "PATCH", place, headers=headers, body=lambda: _between(read(), offset, offset + length)
        )
        return int(answer.headers["upload-offset"])

    def _offset(self, place: str, known: int) -> int:
        """Ask how much the node holds; while it cannot be asked, what was known stands."""
        try:
            return int(self._api.send("HEAD", place, headers=_VERSION).headers["upload-offset"])
        except Unavailable:
            return known

    def _found(self, note: Path) -> tuple[str, int] | None:
        """Return where an earlier upload lies and how far it came, if the node still has it."""
        try:
            place = note.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        try:
            answer = self._api.send("HEAD", place, headers=_VERSION)
        except NotFound:
            return None
        return place, int(answer.headers["upload-offset"])

    def _begin(self, note: Path, digest: str, size: int) -> str:
        headers = {
            **_VERSION,
            "upload-length": str(size),
            "upload-metadata": f"digest {base64.b64encode(digest.encode()).decode()}",
        }
        answer = self._api.send("POST", "/uploads", headers=headers)
        place = answer.headers["location"].partition(_PATHS)[2]
        self._notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A crash before this line loses the place, not the node's room: it sweeps what rests.
        note.write_text(place, encoding="ascii")
        return place

    def _note_of(self, digest: str) -> Path:
        name = hashlib.sha256(f"{self._api.node}\n{digest}".encode()).hexdigest()
        return self._notes / name[:32]


def _between(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a stream from ``start`` to before ``end``."""
    at = 0
    for piece in pieces:
        part = piece[max(0, start - at) : max(0, end - at)]
        at += len(piece)
        if part:
            yield part
        if at >= end:
            return
