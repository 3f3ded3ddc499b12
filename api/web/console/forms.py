"""Posted forms: read within limits, and bound to one session, one address and one version.

Owns the token that every form carries. It is an HMAC under the session's cookie over the path and
the object's entity tag: a page elsewhere cannot make one, one made for another object or version
does not fit, and it ends with the session. Files in multipart forms are spooled to disk.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from api.domain.errors import Invalid, Refused, TooLarge

TOKEN: Final = "csrf"  # noqa: S105 - a field's name
TAG: Final = "tag"
ONCE: Final = "once"
_MOST_FIELDS: Final = 2000
_MOST_FILES: Final = 200
_MOST_BYTES: Final = 6 * 1024 * 1024
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


async def read(request: Request) -> Form:
    """Return a posted form.

    Raises:
        Invalid: ``form.malformed``, ``media.unsupported``.
        TooLarge: ``body.too-large``.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise Invalid("media.unsupported", "Send a form.")
    stated = request.headers.get("content-length", "")
    if media != "multipart/form-data" and (not stated.isdigit() or int(stated) > _MOST_BYTES):
        raise TooLarge("body.too-large", f"Send at most {_MOST_BYTES} bytes.")
    try:
        found = await request.form(
            max_fields=_MOST_FIELDS, max_files=_MOST_FILES, max_part_size=_MOST_BYTES
        )
    except MultiPartException:
        raise Invalid("form.malformed", "The form cannot be read; open the page again.") from None
    fields: dict[str, list[str]] = {}
    files: dict[str, list[UploadFile]] = {}
    for name, value in found.multi_items():
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(value)
        else:
            fields.setdefault(name, []).append(value)
    return Form(fields, files)
