"""C2SP signed-note: text with signature lines, and the rules for opening one.

Owns parsing and verification of notes; their keys are in `verifier_keys`, and the names used
with notes can be imported from here. Must not sign: lines are built from signatures that a
signer port made over the bytes of `signed_message`.

Source: C2SP signed-note v1.0.0.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.tlog.checkpoint import decode_base64
from api.tlog.errors import LogError
from api.tlog.verifier_keys import (
    DASH,
    KEY_ID_SIZE,
    KeyKind,
    SignatureLine,
    VerifierKey,
    check_name,
    key_id,
    parse_vkey,
    signed_message,
)

__all__ = [
    "KeyKind",
    "Note",
    "OpenedNote",
    "SignatureLine",
    "VerifiedSignature",
    "VerifierKey",
    "check_name",
    "format_note",
    "key_id",
    "open_note",
    "parse_note",
    "parse_vkey",
    "signed_message",
]

MAX_NOTE = 1 << 20
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
MAX_SIGNATURES = 128


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note whose signatures have not been checked."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def format(self) -> bytes:
        """The note as bytes."""
        return (self.text + "\n" + "".join(line.format() for line in self.signatures)).encode()


def format_note(text: str, signatures: Iterable[SignatureLine]) -> bytes:
    """Note of a text (ending in a newline) and at least one signature.

    Raises:
        LogError: ``note.…`` when the result would not parse to the same value.
    """
    note = Note(text, tuple(signatures))
    data = note.format()
    if parse_note(data) != note:
        raise LogError("note.malformed", "the text cannot be carried by a note")
    return data


def _parse_signature(line: str) -> SignatureLine:
    if not line.startswith(DASH):
        raise LogError("note.signature-line", "a signature line starts with a dash and a space")
    name, space, encoded = line[len(DASH) :].partition(" ")
    if not space:
        raise LogError("note.signature-line", "a signature line has a name and a signature")
    check_name(name)
    data = decode_base64(encoded, "note.signature-line")
    if len(data) <= KEY_ID_SIZE:
        raise LogError("note.signature-line", "a signature is longer than its key id")
    return SignatureLine(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])


def _check_characters(text: str) -> None:
    if _CONTROL.search(text):
        raise LogError("note.malformed", "a note holds no control characters but newline")


def parse_note(data: bytes) -> Note:
    """Read a note without checking signatures.

    Raises:
        LogError: ``note.too-large``, ``note.malformed``, ``note.signature-line`` or
            ``note.key-name``.
    """
    if len(data) > MAX_NOTE:
        raise LogError("note.too-large", "a note has at most 1 MiB")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise LogError("note.malformed", "a note is UTF-8") from problem
    _check_characters(whole)
    body, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise LogError("note.malformed", "a note is text, an empty line and signature lines")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise LogError("note.too-large", "a note has at most 128 signatures")
    return Note(body + "\n", tuple(_parse_signature(line) for line in lines))


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that verified; `timestamp` in POSIX seconds where the kind has one."""

    key: VerifierKey
    timestamp: int | None
    line: SignatureLine


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note with at least one verified signature."""

    text: str
    verified: tuple[VerifiedSignature, ...]
    unknown: tuple[SignatureLine, ...]


def open_note(data: bytes, verifiers: Sequence[VerifierKey], *, strict: bool = False) -> OpenedNote:
    """Parse a note and check every signature by a known key.

    Args:
        data: The note.
        verifiers: Keys that are known. An empty list never opens anything.
        strict: Refuse unknown and repeated lines, as packages and exports must.

    Raises:
        LogError: ``note.signature`` when a known key's line is false, ``note.unsigned`` when no
            known key signed, ``note.unknown-line`` or ``note.repeated-line`` when strict, or a
            code of `parse_note`.
    """
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in verifiers}
    verified: dict[tuple[str, bytes], VerifiedSignature] = {}
    unknown: list[SignatureLine] = []
    for line in note.signatures:
        who = (line.name, line.key_id)
        key = known.get(who)
        if key is None:
            unknown.append(line)
            continue
        if strict and who in verified:
            raise LogError("note.repeated-line", "a key has signed twice")
        # Repetitions are checked too, the first is kept: a false one may not hide behind a good.
        verified.setdefault(who, VerifiedSignature(key, key.verify(line.blob, note.text), line))
    if not verified:
        raise LogError("note.unsigned", "no known key has signed the note")
    if strict and unknown:
        raise LogError("note.unknown-line", "the note carries a signature by an unknown key")
    return OpenedNote(note.text, tuple(verified.values()), tuple(unknown))
