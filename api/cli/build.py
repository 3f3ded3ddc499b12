"""Building a package before submission: hash the exhibits, sign the manifest, write the file.

Owns the description (TOML, the body of an evidence package with files instead of digests) and the
draft file of PROTOCOL §4. Works without a node. Memory does not grow with the exhibits; the file
appears whole under its name or not at all.

Codes: ``package.description``, ``package.file``, ``package.unlisted-file``, ``package.changed``,
``package.exists``; ``statement.body``, ``label.unsafe``, ``container.too-large``.
"""

import hashlib
import mimetypes
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from api import durable
from api.adapters.crypto.officer_key import OfficerKey
from api.cli.toml_forms import read_form, refuse_faults
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.verification.content import Draft, check_draft_body, check_draft_signature
from api.wire import limits
from api.wire.body_faults import body_faults
from api.wire.digests import PREFIX, digest
from api.wire.encoding import b64u_encode
from api.wire.package_file import CHUNK, DRAFT, PackageWriter, exhibit_name
from api.wire.statements import EVIDENCE_PACKAGE, NONCE_BYTES, Content, Officer

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all); each exhibit is read twice."""

_UNKNOWN_TYPE: Final = "application/octet-stream"
_STAND_IN: Final = {"size": 0}
_LEFT_BY_SYSTEMS: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that desktops leave in every folder; they are no evidence and are passed over."""


@dataclass(frozen=True, slots=True)
class Built:
    """A package file as written.

    Attributes:
        path: Where.
        prepared: Digest of the bytes that the preparer signed.
        exhibits: How many.
        size: Bytes of all exhibits.
        kid: The preparer's key.
        uncited: Labels of exhibits that no claim cites and that translate none.
        guessed: Media types that no one gave and the file's name told, by label.
    """

    path: Path
    prepared: str
    exhibits: int
    size: int
    kid: str
    uncited: tuple[str, ...] = ()
    guessed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preparer:
    """Who signs a package.

    Attributes:
        key: their signing key.
        officer: how the statement names them with it.
        ministry: id of the ministry that will seal it.
    """

    key: OfficerKey
    officer: Officer
    ministry: str


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    digest: str


def build_package(
    folder: Path,
    description: Path,
    out: Path,
    signer: Preparer,
    progress: Progress | None = None,
) -> Built:
    """Build a package file that its preparer has signed.

    Args:
        folder: Holds the exhibits; every file in it must be listed.
        description: TOML with the members of the body; each of its ``exhibits`` names a ``file``
            relative to `folder` and may leave out ``label`` (the file's name), ``media_type``
            (told by the name), ``size`` and ``digest``.
        out: New file.
        signer: The preparer, and the ministry for which they prepare it.
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
    told = [entry.get("media_type") for entry in body["exhibits"]]
    listed = _manifest_files(body, folder)
    guessed = {
        str(entry["label"]): str(entry["media_type"])
        for entry, said in zip(body["exhibits"], told, strict=True)
        if said is None
    }
    _check_complete(folder, set(listed), description)
    _check_form(body, description)
    sizes = [path.stat().st_size for path in listed]
    if sum(sizes) >= limits.PACKAGE_FILE:
        raise Invalid(
            "package.too-large",
            f"The exhibits are {sum(sizes):,} bytes; a package file holds at most "
            f"{limits.PACKAGE_FILE:,}. Divide them into several packages.",
        )
    meter = _Meter(2 * sum(sizes), progress)
    files = [_hash(path, meter) for path in listed]
    for entry, file in zip(body["exhibits"], files, strict=True):
        _complete(entry, file)
    draft = _sign(body, signer)
    _write_package_file(out, draft, files, meter)
    size = sum(file.size for file in files)
    prepared = digest(draft.signed)
    return Built(out, prepared, len(files), size, signer.key.kid, _uncited(body), guessed)


def _uncited(body: Mapping[str, Any]) -> tuple[str, ...]:
    cited = {label for claim in body["claims"] for label in claim["exhibits"]}
    return tuple(
        str(each["label"])
        for each in body["exhibits"]
        if each["label"] not in cited and "translation_of" not in each
    )


def read_description(path: Path) -> dict[str, Any]:
    """Read a description into JSON values; dates become text.

    Raises:
        NotFound: ``package.description``.
        Invalid: ``package.description``.
    """
    body = read_form(path, "package.description")
    exhibits = body.setdefault("exhibits", [])
    if not isinstance(exhibits, list) or not all(isinstance(entry, dict) for entry in exhibits):
        raise Invalid("package.description", "List the files as [[exhibits]].")
    return body


def _manifest_files(body: dict[str, Any], folder: Path) -> list[Path]:
    """Return the files in the order of the manifest; no one reaches outside the folder."""
    root = folder.resolve()
    paths = []
    for entry in body["exhibits"]:
        name = entry.pop("file", None)
        if not isinstance(name, str) or not name:
            raise Invalid("package.description", "Name the file of every exhibit.")
        path = _file_named(root, name)
        if not path.is_relative_to(root):
            raise Invalid("package.file", "Exhibits lie inside the folder.")
        if not path.is_file():
            raise NotFound("package.file", f"There is no file {name} in the folder.")
        if path in paths:
            raise Invalid("package.description", f"The file {name} is listed twice.")
        entry.setdefault("label", path.name)
        entry.setdefault("media_type", _media_type(path.name))
        paths.append(path)
    return paths


def _file_named(root: Path, name: str) -> Path:
    """Return the file of a name, whichever way its accents are composed on this disk."""
    path = (root / name).resolve()
    if path.exists():
        return path
    wanted = unicodedata.normalize("NFC", name)
    for found in _files(root):
        if unicodedata.normalize("NFC", str(found.relative_to(root))) == wanted:
            return found.resolve()
    return path


def _media_type(name: str) -> str:
    """Return what a file's name says it is; a packed file is not what was packed."""
    kind, packed = mimetypes.guess_type(name)
    return kind if kind is not None and packed is None else _UNKNOWN_TYPE


def _check_complete(folder: Path, listed: set[Path], description: Path) -> None:
    """Refuse a folder with files that would stay behind unsaid; a linked folder is looked into."""
    expected = listed | {description.resolve()}
    left = [
        str(path.relative_to(folder.resolve()))
        for path in exhibit_files(folder.resolve())
        if path.resolve() not in expected
    ]
    if left:
        raise Invalid(
            "package.unlisted-file",
            f"List these in the description or move them elsewhere: {', '.join(left)}.",
        )


def exhibit_files(folder: Path) -> list[Path]:
    """Return the files of a folder that a description lists, in order."""
    return [path for path in _files(folder) if path.name not in _LEFT_BY_SYSTEMS]


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder in order, through linked folders too, each once."""
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if not path.is_dir():
                yield path
            elif path.resolve() not in seen:
                seen.add(path.resolve())
                waiting.append(path)


def _check_form(body: dict[str, Any], description: Path) -> None:
    """Refuse a description with all its faults, before any exhibit is read."""
    whole = {**body, "exhibits": [{**_STAND_IN, **entry} for entry in body["exhibits"]]}
    for number, entry in enumerate(whole["exhibits"]):
        # Two files of one content are found when they are hashed.
        entry.setdefault("digest", f"{PREFIX}{number:064x}")
    refuse_faults(description, body_faults(EVIDENCE_PACKAGE, whole), "package.description")


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


def _sign(body: dict[str, Any], signer: Preparer) -> Draft:
    content = Content(EVIDENCE_PACKAGE, (), body)
    nonce = b64u_encode(secrets.token_bytes(NONCE_BYTES))
    proof = signer.key.sign_prepared(content, issuer=signer.ministry, nonce=nonce)
    draft = Draft(signer.ministry, nonce, content, body, signer.officer, proof)
    check_draft_body(draft)
    check_draft_signature(draft)
    return draft


def _write_package_file(out: Path, draft: Draft, files: list[_File], meter: _Meter) -> None:
    try:
        with (
            durable.opened(out, replace=False) as target,
            PackageWriter(target) as writer,
        ):
            writer.add(DRAFT, [draft.to_bytes()])
            for file in files:
                writer.add(exhibit_name(file.digest), _unchanged(file, meter))
    except FileExistsError:
        raise Conflict("package.exists", "There is such a file already.") from None


def _unchanged(file: _File, meter: _Meter) -> Iterator[bytes]:
    """Yield a file's bytes; refuse if they are no longer those that were signed for."""
    state = hashlib.sha256()
    for piece in meter.read(file.path):
        state.update(piece)
        yield piece
    if PREFIX + state.hexdigest() != file.digest:
        raise Invalid("package.changed", f"{file.path.name} changed while it was read.")
