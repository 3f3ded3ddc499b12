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
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, TypeAlias

from api.wire import encoding
from api.wire.errors import WireError

LONGEST_LINE: Final = 1 << 20
"""Most bytes of one line."""

GAPS: Final = ("erased", "lost")
"""Why an event may be missing: erased under a legal order, or lost and recovered without body."""

_HEX = rb"[0-9a-f]{64}"
_DISCLOSED: Final = re.compile(
    rb'\{"e":"(?P<e>' + _HEX + rb')",'
    rb'(?:"envelope":"sha256:(?P<envelope>' + _HEX + rb')",)?'
    rb'(?:"event":"(?P<event>[A-Za-z0-9_-]+)",|"event":null,"gap":"(?P<gap>erased|lost)",)'
    rb'"index":(?P<index>0|[1-9][0-9]{0,15}),"s":"(?P<s>' + _HEX + rb')",'
    rb'"salt_e":(?:"(?P<salt_e>' + _HEX + rb')"|null)'
    rb'(?:,"salt_s":"(?P<salt_s>'
    + _HEX
    + rb')","statement":"sha256:(?P<statement>'
    + _HEX
    + rb')")?\}'
)
_GIVEN: Final = ("gap", "s", "salt_e", "envelope", "salt_s", "statement")
_WITHHELD: Final = re.compile(rb'\{"index":(0|[1-9][0-9]{0,15}),"leaf":"(' + _HEX + rb')"\}')
_EVENT_PREFIX: Final = b"comity/event/v1\n"
_STATEMENT_PREFIX: Final = b"comity/statement/v1\n"
# Last characters of base64url whose unused bits are zero, by length modulo 4 (RFC 4648 §3.5).
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_LAST: Final = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}


@dataclass(frozen=True, slots=True)
class Disclosed:
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

    index: int
    e: str
    s: str
    event: bytes | None
    salt_e: str | None
    gap: str | None = None
    envelope: str | None = None
    salt_s: str | None = None
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """A leaf that the filter leaves out: its place and leaf hash (64 hex digits)."""

    index: int
    leaf: str


Line: TypeAlias = Disclosed | Withheld


def format_line(line: Line) -> bytes:
    """Write one line with its newline.

    Raises:
        WireError: ``export.line`` when the values cannot stand in a line.
    """
    if isinstance(line, Withheld):
        text = f'{{"index":{line.index},"leaf":"{line.leaf}"}}'
    else:
        envelope = "" if line.envelope is None else f'"envelope":"sha256:{line.envelope}",'
        event = "null" if line.event is None else f'"{encoding.b64u_encode(line.event)}"'
        gap = "" if line.gap is None else f'"gap":"{line.gap}",'
        salt_e = "null" if line.salt_e is None else f'"{line.salt_e}"'
        statement = ""
        if line.salt_s is not None:
            statement = f',"salt_s":"{line.salt_s}","statement":"sha256:{line.statement}"'
        text = (
            f'{{"e":"{line.e}",{envelope}"event":{event},{gap}"index":{line.index},'
            f'"s":"{line.s}","salt_e":{salt_e}{statement}}}'
        )
    data = text.encode("ascii")
    if len(data) >= LONGEST_LINE or (not _plainly(data, line) and parse_line(data) != line):
        raise _refused("Give values that an export line can carry.")
    return data + b"\n"


def _plainly(data: bytes, line: Line) -> bool:
    """Whether `parse_line` would read these very values, told without reading them.

    No group can hold a quotation mark, so each value stands where it belongs, or differs.
    """
    match = _DISCLOSED.fullmatch(data)
    if match is None or isinstance(line, Withheld):
        return False
    given = (line.gap, line.s, line.salt_e, line.envelope, line.salt_s, line.statement)
    whole = given[3:].count(None) in {0, 3} and (line.event is None) is (line.salt_e is None)
    return whole and match.group("e", *_GIVEN) == (
        line.e.encode(),
        *(None if one is None else one.encode() for one in given),
    )


def parse_line(data: bytes) -> Line:
    """Read one line without its newline.

    Raises:
        WireError: ``export.line`` unless it is exactly what `format_line` writes.
    """
    match = _DISCLOSED.fullmatch(data)
    if match is None:
        hidden = _WITHHELD.fullmatch(data)
        if hidden is None:
            raise _refused("Write one canonical object a line.")
        return Withheld(int(hidden[1]), hidden[2].decode())
    e, envelope, event, gap, index, s, salt_e, salt_s, statement = match.groups()
    if (event is None) is not (salt_e is None) or (envelope is None) is not (salt_s is None):
        raise _refused("Give an event with its salt, and an envelope with salt and statement.")
    return Disclosed(
        int(index),
        e.decode(),
        s.decode(),
        None if event is None else _event_bytes(event),
        None if salt_e is None else salt_e.decode(),
        None if gap is None else gap.decode(),
        None if envelope is None else envelope.decode(),
        None if salt_s is None else salt_s.decode(),
        None if statement is None else statement.decode(),
    )


def _event_bytes(encoded: bytes) -> bytes:
    rest = len(encoded) % 4
    if rest == 1 or (rest and encoded[-1] not in _LAST[rest]):
        raise _refused("Write events as base64url in its one exact form.")
    return binascii.a2b_base64(encoded.translate(_STANDARD) + b"=" * (-len(encoded) % 4))


def check_commitments(line: Disclosed) -> bytes:
    """Check that the openings fit the commitments; returns the leaf entry.

    Raises:
        WireError: ``export.event`` or ``export.statement``.
    """
    if line.event is not None and line.salt_e is not None:
        opened = sha256(_EVENT_PREFIX + bytes.fromhex(line.salt_e) + line.event).hexdigest()
        if opened != line.e:
            raise WireError("export.event", "The event is not the one the leaf commits to.")
    if line.envelope is not None and line.salt_s is not None:
        opening = bytes.fromhex(line.salt_s + line.envelope)
        if sha256(_STATEMENT_PREFIX + opening).hexdigest() != line.s:
            raise WireError("export.statement", "The envelope is not the one the leaf commits to.")
    return f'{{"e":"{line.e}","s":"{line.s}","v":1}}'.encode("ascii")


COLUMNS: Final = (
    "index,time,act,outcome,code,actor,issuer,role,object,object_id,version,origin,statement,note"
)

REVIEW_HEADER: Final = (",".join(f'"{name}"' for name in COLUMNS.split(",")) + "\r\n").encode()
"""First row of ``review.csv``."""

# A spreadsheet takes a cell that starts like this for a formula (CWE-1236).
_FORMULA: Final = frozenset("=+-@\t\r\n")


def review_row(line: Line, ministry: str) -> bytes:
    """Row of ``review.csv`` for a line: every cell quoted, none that a spreadsheet would run.

    Args:
        line: A line whose commitments were checked.
        ministry: Whose log this is; the event must name it.

    Raises:
        WireError: ``export.event`` when the event is no JSON object; ``export.ministry`` when it
            names another ministry.
    """
    if isinstance(line, Withheld):
        return f'"{line.index}"{_EMPTY}"withheld"\r\n'.encode()
    statement = "" if line.statement is None else f"sha256:{line.statement}"
    if line.event is None:
        return f'"{line.index}"{_EMPTY_BUT_STATEMENT}"{statement}","{line.gap}"\r\n'.encode()
    event = _event_object(line.event)
    if event.get("ministry") != ministry:
        raise WireError("export.ministry", "The event was recorded by another ministry.")
    actor, subject = _json_object(event.get("actor")), _json_object(event.get("object"))
    version = subject.get("version", "")
    cells = (
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
    )
    middle = _plain(cells)
    if middle is None:
        middle = _BETWEEN.join(map(_cell, cells))
    return f'"{line.index}","{middle}","{statement}",""\r\n'.encode("utf-8", "surrogatepass")


_EMPTY: Final = "," + '"",' * 12
_EMPTY_BUT_STATEMENT: Final = "," + '"",' * 11


_BETWEEN: Final = '","'
# The start of a cell that begins like a formula, where quotation marks stand only between cells.
_FORMULA_WITHIN: Final = re.compile(r'(?:\A|,")[=+\-@\t\r\n]')


def _plain(cells: Sequence[Any]) -> str | None:
    """Return cells that need no change, joined; ``None`` where one does, which is rare."""
    try:
        joined = _BETWEEN.join(cells)
    except TypeError:
        return None
    if joined.count('"') != 2 * (len(cells) - 1) or _FORMULA_WITHIN.search(joined):
        return None
    return joined


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


_READER: Final = json.JSONDecoder()


def _decoded(text: str) -> object:
    """Read JSON; events as they are written have nothing around them."""
    if text.startswith("{"):
        value, end = _READER.raw_decode(text)
        if end == len(text):
            return value
    return json.loads(text)


def _event_object(data: bytes) -> dict[str, Any]:
    try:
        value = _decoded(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise WireError("export.event", "An event is a JSON object.")
    return value


def _refused(message: str) -> WireError:
    return WireError("export.line", message)
