"""Lines of an audit export: one per leaf, and the row of the review copy that each gives.

Owns ``entries.jsonl`` (JCS, one closed object a line) and ``review.csv``. A line is read by one
regular expression that matches its canonical form and nothing else: there is no second spelling
of any line, and a million of them take seconds. Must not hash leaves into trees.

Format: docs/protocol-export.md. Refusal codes: ``export.line``, ``export.event``,
``export.statement``, ``export.ministry``.
"""

import binascii
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic_core import from_json

from api.wire.errors import WireError

LONGEST_LINE: Final = 1 << 20
"""Most bytes of one line."""

GAPS: Final = ("erased", "lost")
"""Why an event may be missing: erased under a legal order, or lost and recovered without body."""

_HEX = "[0-9a-f]{64}"
# Whether an event is base64url is told when it is decoded.
_DISCLOSED: Final = re.compile(
    rf'\{{"e":"({_HEX})",(?:"envelope":"sha256:({_HEX})",)?'
    r'(?:"event":"([^"]+)",|"event":null,"gap":"(erased|lost)",)'
    rf'"index":(0|[1-9][0-9]{{0,15}}),"s":"({_HEX})","salt_e":(?:"({_HEX})"|null)'
    rf'(?:,"salt_s":"({_HEX})","statement":"sha256:({_HEX})")?\}}'
)
_WITHHELD: Final = re.compile(rf'\{{"index":(0|[1-9][0-9]{{0,15}}),"leaf":"({_HEX})"\}}')
_HASHES: Final = re.compile(rf"{_HEX}(?: {_HEX})*")
_INDEX_END: Final = 10**16
_EVENT_PREFIX: Final = b"comity/event/v1\n"
_STATEMENT_PREFIX: Final = b"comity/statement/v1\n"
# Last characters of base64url whose unused bits are zero, by length modulo 4 (RFC 4648 §3.5).
_LAST: Final = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


class Disclosed(NamedTuple):
    """A leaf whose opening is given.

    Attributes:
        index: Place in the log.
        e: Event commitment, 64 hex digits.
        s: Statement commitment, 64 hex digits.
        event: Raw bytes of the event, None where `gap` says why.
        salt_e: Salt of `e` (hex), None with the event.
        gap: One of `GAPS`, None with an event.
        envelope: Digest (hex) of the raw envelope that `s` commits to; None where the leaf
            concerns no statement.
        salt_s: Salt of `s` (hex), with `envelope`.
        statement: Id (hex) of the statement, with `envelope`.
    """

    index: int  # type: ignore[assignment] # hides tuple.index
    e: str
    s: str
    event: bytes | None
    salt_e: str | None
    gap: str | None = None
    envelope: str | None = None
    salt_s: str | None = None
    statement: str | None = None


class Withheld(NamedTuple):
    """A leaf that the filter leaves out: its place and leaf hash (64 hex digits)."""

    index: int  # type: ignore[assignment] # hides tuple.index
    leaf: str


Line: TypeAlias = Disclosed | Withheld


def format_line(line: Line) -> bytes:
    """Write one line with its newline.

    Raises:
        WireError: ``export.line`` when the values cannot stand in a line.
    """
    if isinstance(line, Withheld):
        _check_values(line.index, (line.leaf,))
        return f'{{"index":{line.index},"leaf":"{line.leaf}"}}\n'.encode("ascii")
    index, e, s, event, salt_e, gap, envelope, salt_s, statement = line
    if event is None or salt_e is None:
        _check_values(index, (e, s))
        if event is not None or salt_e is not None or gap not in GAPS:
            raise _unwritable()
        opened, salt = f'null,"gap":"{gap}"', "null"
    else:
        _check_values(index, (e, s, salt_e))
        if gap is not None or not event:
            raise _unwritable()
        opened, salt = f'"{_base64url(event)}"', f'"{salt_e}"'
    text = f'"event":{opened},"index":{index},"s":"{s}","salt_e":{salt}'
    if envelope is not None or salt_s is not None or statement is not None:
        _check_values(index, (envelope or "", salt_s or "", statement or ""))
        text = (
            f'"envelope":"sha256:{envelope}",{text},"salt_s":"{salt_s}",'
            f'"statement":"sha256:{statement}"'
        )
    data = f'{{"e":"{e}",{text}}}\n'.encode("ascii")
    if len(data) > LONGEST_LINE:
        raise _unwritable()
    return data


def _check_values(index: int, hashes: Sequence[str]) -> None:
    """Check that `parse_line` would read these very values from where they are put."""
    if not 0 <= index < _INDEX_END or not _HASHES.fullmatch(" ".join(hashes)):
        raise _unwritable()


def _base64url(data: bytes) -> str:
    text = binascii.b2a_base64(data, newline=False).decode("ascii").rstrip("=")
    return text.replace("+", "-").replace("/", "_")


def parse_line(data: bytes) -> Line:
    """Read one line without its newline.

    Raises:
        WireError: ``export.line`` unless it is exactly what `format_line` writes.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise _unreadable() from None
    match = _DISCLOSED.fullmatch(text)
    if match is None:
        hidden = _WITHHELD.fullmatch(text)
        if hidden is None:
            raise _unreadable()
        return Withheld(int(hidden[1]), hidden[2])
    e, envelope, event, gap, index, s, salt_e, salt_s, statement = match.groups()
    if (event is None) is not (salt_e is None) or (envelope is None) is not (salt_s is None):
        raise _refused("Give an event with its salt, and an envelope with salt and statement.")
    raw = None if event is None else _event_bytes(event)
    return Disclosed(int(index), e, s, raw, salt_e, gap, envelope, salt_s, statement)


def _event_bytes(encoded: str) -> bytes:
    rest = len(encoded) % 4
    if rest == 1 or (rest and encoded[-1] not in _LAST[rest]) or "+" in encoded or "/" in encoded:
        raise _not_base64url()
    standard = encoded.replace("-", "+").replace("_", "/") + "=" * (-rest % 4)
    try:
        return binascii.a2b_base64(standard, strict_mode=True)
    except binascii.Error:
        raise _not_base64url() from None


def check_commitments(line: Disclosed) -> bytes:
    """Check that the openings fit the commitments; returns the leaf entry.

    Raises:
        WireError: ``export.event`` or ``export.statement``.
    """
    _, e, s, event, salt_e, _, envelope, salt_s, _ = line
    if event is not None and salt_e is not None:
        opening = _EVENT_PREFIX + bytes.fromhex(salt_e) + event
        if sha256(opening).hexdigest() != e:
            raise WireError("export.event", "The event is not the one the leaf commits to.")
    if envelope is not None and salt_s is not None:
        opening = _STATEMENT_PREFIX + bytes.fromhex(salt_s + envelope)
        if sha256(opening).hexdigest() != s:
            raise WireError("export.statement", "The envelope is not the one the leaf commits to.")
    return f'{{"e":"{e}","s":"{s}","v":1}}'.encode("ascii")


COLUMNS: Final = (
    "index,time,act,outcome,code,actor,issuer,role,object,object_id,version,origin,statement,note"
)

REVIEW_HEADER: Final = (",".join(f'"{name}"' for name in COLUMNS.split(",")) + "\r\n").encode()
"""First row of ``review.csv``."""

# A spreadsheet takes a cell that starts like this for a formula (CWE-1236).
_FORMULA: Final = frozenset("=+-@\t\r\n")


def review_row(line: Line, ministry: str) -> str:
    """Row of ``review.csv`` for a line: every cell quoted, none that a spreadsheet would run.

    Args:
        line: A line whose commitments were checked.
        ministry: Whose log this is; the event must name it.

    Raises:
        WireError: ``export.event`` when the event is no JSON object; ``export.ministry`` when it
            names another ministry.
    """
    if isinstance(line, Withheld):
        return f'"{line.index}"{_EMPTY}"withheld"\r\n'
    statement = "" if line.statement is None else f"sha256:{line.statement}"
    if line.event is None:
        return f'"{line.index}"{_EMPTY_BUT_STATEMENT}"{statement}","{line.gap}"\r\n'
    event = _event_object(line.event)
    if event.get("ministry") != ministry:
        raise WireError("export.ministry", "The event was recorded by another ministry.")
    actor, subject = _json_object(event.get("actor")), _json_object(event.get("object"))
    version = subject.get("version", "")
    cells = (
        str(line.index),
        event.get("time", ""),
        event.get("act", ""),
        event.get("outcome", ""),
        event.get("code", ""),
        actor.get("sub", actor.get("kind", "")),
        actor.get("iss", ""),
        actor.get("role", ""),
        subject.get("kind", ""),
        subject.get("id", ""),
        str(version) if type(version) is int else version,
        event.get("origin", ""),
        statement,
        "",
    )
    return _row(cells)


_EMPTY: Final = "," + '"",' * 12
_EMPTY_BUT_STATEMENT: Final = "," + '"",' * 11


_BETWEEN: Final = '","'
# The start of a cell that begins like a formula, where quotation marks stand only around cells.
_FORMULA_WITHIN: Final = re.compile(r'","[=+\-@\t\r\n]')


def _row(cells: Sequence[Any]) -> str:
    """Return a row; most need no change of any cell, which is told of the row as a whole."""
    try:
        row = f'"{_BETWEEN.join(cells)}"\r\n'
    except TypeError:
        pass
    else:
        if row.count('"') == 2 * len(cells) and not _FORMULA_WITHIN.search(row):
            return row
    return f'"{_BETWEEN.join(map(_cell, cells))}"\r\n'


def _cell(value: object) -> str:
    if type(value) is str:
        text = value
    elif type(value) is int:
        text = str(value)
    else:
        return ""
    if text[:1] in _FORMULA:
        text = "'" + text
    return text.replace('"', '""') if '"' in text else text


def _json_object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _event_object(data: bytes) -> dict[str, Any]:
    try:
        value = from_json(data)
    except ValueError:
        value = _odd_json(data)
    if not isinstance(value, dict):
        raise WireError("export.event", "An event is a JSON object.")
    return value


def _odd_json(data: bytes) -> object:
    """Read JSON that the quick reader refuses: incomplete characters, much nesting."""
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _unwritable() -> WireError:
    return _refused("Give values that an export line can carry.")


def _unreadable() -> WireError:
    return _refused("Write one canonical object a line.")


def _not_base64url() -> WireError:
    return _refused("Write events as base64url in its one exact form.")


def _refused(message: str) -> WireError:
    return WireError("export.line", message)
