"""Posted forms: read within limits, and bound to one session, one address and one version.

Owns the token that every form carries. It is an HMAC under the session's cookie over the path and
the object's entity tag: a page elsewhere cannot make one, one made for another object or version
does not fit, and it ends with the session. Bodies come at the pace of the node's intake; files lie
in its spool until the form is answered.
"""

import hashlib
import hmac
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from typing_extensions import override

from api.domain import nul
from api.domain.errors import Invalid, Refused, TooLarge
from api.web.deps import Doors
from api.web.intake import Pace
from api.web.spool import Spool
from api.web.uploading import apart

TOKEN: Final = "csrf"  # noqa: S105 - a field's name
TAG: Final = "tag"
ONCE: Final = "once"
_MOST_FIELDS: Final = 2000
_MOST_FILES: Final = 200
_MOST_BYTES: Final = 6 * 1024 * 1024
_FILES: Final = "multipart/form-data"
_PLAIN: Final = "application/x-www-form-urlencoded"
_OWN: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class Form:
    """What a form said.

    Attributes:
        fields: values by name, in order.
        files: uploads by name.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Sequence[UploadFile]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """Return the last value of a field without the spaces around it; empty if absent."""
        values = self.fields.get(name, ())
        return values[-1].strip() if values else ""

    def every(self, name: str) -> list[str]:
        """Return all values of a field that are not empty."""
        return [value.strip() for value in self.fields.get(name, ()) if value.strip()]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a text that are not empty."""
        return [line.strip() for line in self.one(name).splitlines() if line.strip()]

    def rows(self, group: str, members: Sequence[str]) -> list[dict[str, str]]:
        """Return repeated lines of a form, each with the same members; empty lines are left out.

        The fields are ``<group>_<member>``; every line has all of them, so their values align.
        """
        columns = [self.fields.get(f"{group}_{member}", ()) for member in members]
        found = (
            dict(zip(members, (value.strip() for value in line), strict=True))
            for line in zip(*columns, strict=False)
        )
        return [line for line in found if any(line.values())]

    def upload(self, name: str) -> UploadFile | None:
        """Return the last file of a field; one without a name stands where none was chosen."""
        uploads = self.files.get(name, ())
        return uploads[-1] if uploads else None

    def content(self, name: str, most: int) -> bytes:
        """Return at most so many bytes of the last file of a field; none if there is no file."""
        upload = self.upload(name)
        return upload.file.read(most) if upload is not None else b""

    def close(self) -> None:
        """Let the uploads go."""
        for uploads in self.files.values():
            for upload in uploads:
                upload.file.close()

    @property
    def tag(self) -> str:
        """The entity tag that the form was made for."""
        return self.one(TAG)


def token(cookie: str, path: str, tag: str) -> str:
    """Return the token of a form.

    Args:
        cookie: value of the session's cookie.
        path: address of the form without language: the toggle keeps it valid.
        tag: entity tag of the object that it concerns; empty for none.
    """
    message = f"{path}\n{tag}".encode()
    return hmac.new(cookie.encode(), message, hashlib.sha256).hexdigest()


def check(form: Form, cookie: str, path: str) -> None:
    """Refuse a form that this session was not shown at this address.

    Raises:
        Refused: ``form.foreign``.
    """
    wanted = token(cookie, path, form.tag)
    if not hmac.compare_digest(wanted.encode(), form.one(TOKEN).encode("utf-8", "replace")):
        raise Refused("form.foreign", "This form is not from your session; open the page again.")


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a post that a page elsewhere made (Fetch Metadata, RFC 6454).

    Raises:
        Refused: ``form.foreign``.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", public_url)
    if site not in _OWN or origin.rstrip("/") != public_url.rstrip("/"):
        raise Refused("form.foreign", "This form is not from your session; open the page again.")


async def read(request: Request, *, files: bool = False) -> Form:
    """Return a posted form; whoever gets files closes them (:meth:`Form.close`).

    Args:
        request: whose body it is.
        files: the page takes files; without, a form in parts is refused before it is read.

    Raises:
        Invalid: ``form.malformed``, ``media.unsupported``, ``text.nul``.
        TooLarge: ``body.too-large``, ``exhibit.too-large``.
        Unavailable: ``body.too-slow``.
    """
    doors: Doors = request.app.state.doors
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == _FILES and files:
        most = doors.exhibit_limit + _MOST_BYTES
        await apart(doors.spool.check_room, _stated(request, most))
        pieces = _pieces(request, doors.intake.allowance.upload, most)
        parser: FormParser | MultiPartParser = _Spooled(request.headers, pieces, doors.spool)
    elif media == _PLAIN:
        if not request.headers.get("content-length", "").isdigit():
            raise TooLarge("body.too-large", f"Send at most {_MOST_BYTES} bytes.")
        _stated(request, _MOST_BYTES)
        pieces = _pieces(request, doors.intake.allowance.document, _MOST_BYTES)
        parser = FormParser(
            request.headers, pieces, max_fields=_MOST_FIELDS, max_part_size=_MOST_BYTES
        )
    else:
        raise Invalid("media.unsupported", "Send a form.")
    async with aclosing(pieces):
        try:
            found = await parser.parse()
        except (MultiPartException, UnicodeError):
            # The character set that a form in parts claims is one of Python's codecs, or none.
            raise Invalid(
                "form.malformed", "The form cannot be read; open the page again."
            ) from None
    return _form(found)


def _form(found: FormData) -> Form:
    fields: dict[str, list[str]] = {}
    files: dict[str, list[UploadFile]] = {}
    for name, value in found.multi_items():
        said = value.filename or "" if isinstance(value, UploadFile) else value
        if "\0" in name or "\0" in said:
            raise nul.refusal()
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(value)
        else:
            fields.setdefault(name, []).append(value)
    return Form(fields, files)


def _stated(request: Request, most: int) -> int:
    """Return the length that a body claims, refused beyond the most that may come."""
    stated = request.headers.get("content-length", "")
    length = int(stated) if stated.isdigit() else 0
    if length > most:
        raise _too_large(most)
    return length


def _too_large(most: int) -> TooLarge:
    if most == _MOST_BYTES:
        return TooLarge("body.too-large", f"Send at most {most} bytes.")
    return TooLarge("exhibit.too-large", "This is over the node's limit for one exhibit.")


async def _pieces(request: Request, pace: Pace, most: int) -> AsyncGenerator[bytes, None]:
    """Yield a body as it comes, at its pace and within its length."""
    doors: Doors = request.app.state.doors
    received = 0
    with doors.intake.body(request, pace) as body:
        while piece := await body.next():
            received += len(piece)
            if received > most:
                raise _too_large(most)
            yield piece


class _Spooled(MultiPartParser):
    """Reads a form in parts; its files lie in the node's own folder, unnamed beyond a small size.

    Args:
        headers: of the request.
        stream: its body.
        spool: the folder.
    """

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], spool: Spool) -> None:
        super().__init__(
            headers,
            stream,
            max_files=_MOST_FILES,
            max_fields=_MOST_FIELDS,
            max_part_size=_MOST_BYTES,
        )
        self._spool = spool

    @override
    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        upload = self._current_part.file
        if upload is not None:
            upload.file.close()
            spooled = self._spool.small(self.spool_max_size)
            upload.file = spooled  # type: ignore[assignment]  # as the base class does
            self._files_to_close_on_error.append(spooled)
