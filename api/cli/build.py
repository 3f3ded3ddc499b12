"""Building a package before submission: hash the exhibits, sign the manifest, write the file.

Owns the description (TOML, the body of an evidence package with files instead of digests) and the
draft file of PROTOCOL §4. Works without a node. Memory does not grow with the exhibits; the file
appears whole under its name or not at all.

Codes: ``package.description``, ``package.file``, ``package.unlisted-file``, ``package.changed``,
``package.exists``; ``statement.body``, ``label.unsafe``, ``container.too-large``.
"""

import hashlib
import mimetypes
import os
import secrets
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from api.adapters.crypto.officer_key import OfficerKey
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.verification.content import Draft, check_draft_body, check_draft_signature
from api.wire.digests import PREFIX, digest
from api.wire.encoding import format_instant
from api.wire.errors import WireError
from api.wire.package_file import CHUNK, DRAFT, PackageWriter, exhibit_name
from api.wire.statements import EVIDENCE_PACKAGE, Content, Officer, prepared_bytes

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all); each exhibit is read twice."""

_LARGEST_DESCRIPTION: Final = 4 * 1024 * 1024
_UNKNOWN_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Built:
    """A package file as written.

    Attributes:
        path: Where.
        prepared: Digest of the bytes that the preparer signed.
        exhibits: How many.
        size: Bytes of all exhibits.
        kid: The preparer's key.
    """

    path: Path
    prepared: str
    exhibits: int
    size: int
    kid: str


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    digest: str


def build_package(
    folder: Path,
    description: Path,
    out: Path,
    signer: tuple[OfficerKey, Officer],
    progress: Progress | None = None,
) -> Built:
    """Build a package file that its preparer has signed.

    Args:
        folder: Holds the exhibits; every file in it must be listed.
        description: TOML with the members of the body; each of its ``exhibits`` names a ``file``
            relative to `folder` and may leave out ``label`` (the file's name), ``media_type``
            (told by the name), ``size`` and ``digest``.
        out: New file.
        signer: The preparer's key, and how the statement names them with it.
        progress: Told how far reading has come.

    Raises:
        Invalid: ``package.description``, ``package.file``, ``package.unlisted-file``,
            ``package.changed``.
        Conflict: ``package.exists``.
        NotFound: ``package.file``.
        WireError: ``statement.body``, ``container.too-large``.
    """
    if out.exists():
        raise Conflict("package.exists", "There is such a file already; it was not touched.")
    body = read_description(description)
    listed = _listed(body, folder)
    _check_complete(folder, set(listed), description)
    meter = _Meter(2 * sum(path.stat().st_size for path in listed), progress)
    files = [_hash(path, meter) for path in listed]
    for entry, file in zip(body["exhibits"], files, strict=True):
        _complete(entry, file)
    draft = _sign(body, signer)
    _write(out, draft, files, meter)
    content = draft.content
    signed = prepared_bytes(content.type, content.to, content.thread, content.body)
    size = sum(file.size for file in files)
    return Built(out, digest(signed), len(files), size, signer[0].kid)


def read_description(path: Path) -> dict[str, Any]:
    """Read a description into JSON values; dates become text.

    Raises:
        NotFound: ``package.description``.
        Invalid: ``package.description``.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound("package.description", "There is no such description.") from None
    if len(data) > _LARGEST_DESCRIPTION:
        raise Invalid("package.description", "Keep the description within 4 MiB.")
    try:
        body: dict[str, Any] = _plain(tomllib.loads(data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Invalid("package.description", f"The description is no TOML: {problem}.") from None
    exhibits = body.setdefault("exhibits", [])
    if not isinstance(exhibits, list) or not all(isinstance(entry, dict) for entry in exhibits):
        raise Invalid("package.description", "List the files as [[exhibits]].")
    return body


def _plain(value: Any) -> Any:
    """Turn TOML's own dates and times into the protocol's text."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, datetime):
        try:
            return format_instant(value)
        except WireError:
            raise Invalid("package.description", "Give times with their zone.") from None
    if isinstance(value, date):
        return value.isoformat()
    return value


def _listed(body: dict[str, Any], folder: Path) -> list[Path]:
    """Return the files in the order of the manifest; no one reaches outside the folder."""
    root = folder.resolve()
    paths = []
    for entry in body["exhibits"]:
        name = entry.pop("file", None)
        if not isinstance(name, str) or not name:
            raise Invalid("package.description", "Name the file of every exhibit.")
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise Invalid("package.file", "Exhibits lie inside the folder.")
        if not path.is_file():
            raise NotFound("package.file", f"There is no file {name} in the folder.")
        if path in paths:
            raise Invalid("package.description", f"The file {name} is listed twice.")
        entry.setdefault("label", path.name)
        entry.setdefault("media_type", mimetypes.guess_type(path.name)[0] or _UNKNOWN_TYPE)
        paths.append(path)
    return paths


def _check_complete(folder: Path, listed: set[Path], description: Path) -> None:
    """Refuse a folder with files that would stay behind unsaid."""
    expected = listed | {description.resolve()}
    for path in sorted(folder.resolve().rglob("*")):
        if not path.is_dir() and path.resolve() not in expected:
            name = path.relative_to(folder.resolve())
            raise Invalid(
                "package.unlisted-file", f"List {name} in the description or move it elsewhere."
            )


class _Meter:
    """Adds up what was read and reports it."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress = 0, total, progress

    def read(self, path: Path) -> Iterator[bytes]:
        """Yield a file in pieces of `CHUNK`."""
        with path.open("rb") as source:
            while piece := source.read(CHUNK):
                self._done += len(piece)
                if self._progress is not None:
                    self._progress(min(self._done, self._total), self._total)
                yield piece


def _hash(path: Path, meter: _Meter) -> _File:
    state, size = hashlib.sha256(), 0
    for piece in meter.read(path):
        state.update(piece)
        size += len(piece)
    return _File(path, size, PREFIX + state.hexdigest())


def _complete(entry: dict[str, Any], file: _File) -> None:
    """Put size and digest into a manifest entry; one that says otherwise is a mistake."""
    for name, value in (("size", file.size), ("digest", file.digest)):
        if entry.setdefault(name, value) != value:
            raise Invalid(
                "package.changed", f"{file.path.name} is not the file that was described ({name})."
            )


def _sign(body: dict[str, Any], signer: tuple[OfficerKey, Officer]) -> Draft:
    key, officer = signer
    content = Content(EVIDENCE_PACKAGE, (), body)
    draft = Draft(content, body, officer, key.sign_prepared(content))
    check_draft_body(draft)
    check_draft_signature(draft)
    return draft


def _write(out: Path, draft: Draft, files: list[_File], meter: _Meter) -> None:
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as target:
            with PackageWriter(target) as writer:
                writer.add(DRAFT, [draft.to_bytes()])
                for file in files:
                    writer.add(exhibit_name(file.digest), _unchanged(file, meter))
            target.flush()
            os.fsync(target.fileno())
        # A crash before this leaves a stray hidden file, never half a package under its name.
        os.link(temporary, out)
    except FileExistsError:
        raise Conflict("package.exists", "There is such a file already.") from None
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(out.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unchanged(file: _File, meter: _Meter) -> Iterator[bytes]:
    """Yield a file's bytes; refuse if they are no longer those that were signed for."""
    state = hashlib.sha256()
    for piece in meter.read(file.path):
        state.update(piece)
        yield piece
    if PREFIX + state.hexdigest() != file.digest:
        raise Invalid("package.changed", f"{file.path.name} changed while it was read.")
