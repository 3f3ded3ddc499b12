"""Strict reading and canonical writing of JSON.

Owns the only road from bytes to JSON values for anything that is signed or came from outside
(PROTOCOL §1), and the only road back (RFC 8785). It runs before any other library sees the bytes,
so that two parsers can never read one signed object in two ways. It must not know what any
object means.

Refusal codes: ``json.too-large``, ``json.bom``, ``json.not-utf8``, ``json.malformed``,
``json.duplicate-member``, ``json.non-finite``, ``json.integer-range``, ``json.lone-surrogate``,
``json.too-deep``, ``json.too-many-values``, ``json.number-too-long``, ``json.not-canonical``, and
``json.not-json`` for a Python value that JSON
cannot express.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Never, TypeAlias

import rfc8785

from api.wire import limits
from api.wire.errors import WireError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_BOM: Final = b"\xef\xbb\xbf"
_SAFE_DIGITS: Final = 17  # sign and the 16 digits of 2**53 - 1
_BMP_END: Final = "\uffff"
# Shorter texts cannot hold enough to be a burden: `_survey` counts when all is there.
_SCANNED: Final = 64 * 1024
_STRINGS_FOR_EACH: Final = 2  # a member has a name and perhaps text as its value
_OPENING: Final = frozenset(b"[{")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_UNESCAPED: Final = re.compile(rb"[^\\]")
_LONG_NUMBER: Final = re.compile(rb"[0-9.eE+-]{%d}" % (limits.DIGITS + 1))


def parse(
    data: bytes, *, limit: int, max_depth: int = limits.DEPTH, max_nodes: int = limits.NODES
) -> Json:
    """Read JSON that any conforming parser reads the same way.

    Args:
        data: The bytes as they arrived.
        limit: Most bytes accepted; one of `api.wire.limits`.
        max_depth: Deepest nesting of arrays and objects.
        max_nodes: Most values, counted as `api.wire.limits.NODES` says.

    Returns:
        The value; integers as `int`, other numbers as `float`.

    Raises:
        WireError: ``json.*``, see the module docstring (RFC 8259, RFC 7493 §2).
    """
    return _read(data, limit, _Bounds(max_depth, max_nodes))[0]


def parse_canonical(data: bytes, *, limit: int, max_depth: int = limits.DEPTH) -> Json:
    """Read JSON that must equal its own canonical form (RFC 8785).

    Raises:
        WireError: ``json.not-canonical``, or another ``json.*`` code as `parse`.
    """
    value, plain = _read(data, limit, _Bounds(max_depth, limits.NODES))
    if _write_json(value, plain=plain) != data:
        raise not_canonical()
    return value


def not_canonical() -> WireError:
    """Return the refusal of bytes that are not in canonical form."""
    return WireError("json.not-canonical", "Write the object in its RFC 8785 canonical form.")


def canonical(value: object) -> bytes:
    """Write a JSON value in its canonical form (RFC 8785).

    Args:
        value: None, bool, int, float, str, and lists, tuples and str-keyed dicts of these.

    Raises:
        WireError: ``json.not-json``, ``json.non-finite``, ``json.integer-range``,
            ``json.lone-surrogate``, ``json.too-deep`` or ``json.too-many-values``: whatever `parse`
            would refuse.
    """
    return _write_json(value, plain=_survey(value, _PROTOCOL, surrogates=False))


def written(value: object, *, limit: int) -> tuple[bytes, Json]:
    """Write a value as `canonical` does, and return with the bytes what `parse` reads in them.

    Raises:
        WireError: As `canonical`; ``json.too-large``.
    """
    data = canonical(value)
    _require_within(data, limit)
    # All that a strict reader looks for was looked for in what was written.
    return data, json.loads(data)


class _Bounds(NamedTuple):
    """Of the structure of one text."""

    depth: int
    nodes: int


_PROTOCOL: Final = _Bounds(limits.DEPTH, limits.NODES)


def _read(data: bytes, limit: int, bounds: _Bounds) -> tuple[Json, bool]:
    """Parse strictly; the second member says whether the fast writer may be used."""
    _require_within(data, limit)
    if data.startswith(_BOM):
        raise WireError("json.bom", "Send UTF-8 without a byte order mark.")
    if len(data) > _SCANNED:
        _scan(data, bounds)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise WireError("json.not-utf8", "Send UTF-8.") from None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except RecursionError:
        raise _too_deep(bounds.depth) from None
    except json.JSONDecodeError:
        raise WireError("json.malformed", "Send one well-formed JSON value.") from None
    # A surrogate can only have come from an escape: UTF-8 decoding refuses a raw one. One character
    # is looked for twenty times as fast as two.
    return value, _survey(value, bounds, surrogates="\\" in text)


def _scan(data: bytes, bounds: _Bounds) -> None:
    """Count structure before anything is built; whatever is no JSON is left to the parser.

    Time is that of a few passes over the bytes in C, piece by piece: a call keeps every other
    thread of the process waiting. Outside of strings a backslash is malformed anyway, so escapes
    can be taken out everywhere.
    """
    quotes, values, depth = 0, 1, 0
    number, brackets = b"", bytearray()
    for piece in _scanned_pieces(data):
        plain = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = plain.split(b'"')
        # Whatever stands behind an odd number of quotes is text.
        outside = b"".join(parts[quotes % 2 :: 2])
        quotes += len(parts) - 1
        if quotes > 2 * _STRINGS_FOR_EACH * bounds.nodes:
            raise _too_many(bounds.nodes)
        values += sum(outside.count(each) for each in (b",", b"[", b"{"))
        if values > bounds.nodes:
            raise _too_many(bounds.nodes)
        if _LONG_NUMBER.search(number + outside):
            raise _too_long()
        number = outside[-limits.DIGITS :]
        brackets += outside.translate(None, _NO_BRACKETS)
    for bracket in brackets:
        depth += 1 if bracket in _OPENING else -1
        if depth > bounds.depth:
            raise _too_deep(bounds.depth)


def _scanned_pieces(data: bytes) -> Iterator[bytes]:
    """Cut a text so that no escape is cut in two."""
    start = 0
    while start < len(data):
        end = start + _SCANNED
        if data[end - 1 : end] == b"\\":
            unescaped = _UNESCAPED.search(data, end)
            end = len(data) if unescaped is None else unescaped.end()
        yield data[start:end]
        start = end


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise WireError("json.duplicate-member", "Give every member of an object once.")
    return members


def _integer(digits: str) -> int:
    # The length first: turning a million digits into a number is itself an attack.
    if len(digits) > _SAFE_DIGITS or abs(int(digits)) > limits.SAFE_INTEGER:
        raise _out_of_range()
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > limits.DIGITS:
        raise _too_long()
    number = float(digits)
    _check_float(number)
    return number


def _constant(_name: str) -> Never:
    raise _non_finite()


def _check_float(number: float) -> None:
    if not math.isfinite(number):
        raise _non_finite()
    # From 2**53 on every double is a whole number, and 1e16 is written as an integer by RFC 8785.
    if abs(number) > limits.SAFE_INTEGER:
        raise _out_of_range()


def _survey(root: object, bounds: _Bounds, *, surrogates: bool) -> bool:
    """Check every node; return whether json's own writer gives the RFC 8785 form.

    It does when there is no float (other exponent rules) and no member name beyond the basic
    plane (RFC 8785 sorts by UTF-16 units, Python by code points).
    """
    plain = True
    level: list[object] = [root]
    depth, nodes = 0, 1
    while level:
        below: list[object] = []
        containers = 0
        for node in level:
            if isinstance(node, dict | list | tuple):
                containers += 1
                nodes += len(node) or 1
                inner: Iterable[object] = node
                if isinstance(node, dict):
                    plain &= _survey_names(node)
                    inner = node.values()
                    if surrogates:
                        below += node
                # Most nodes are text, which only an escape can have broken.
                below += inner if surrogates else [each for each in inner if type(each) is not str]
            elif isinstance(node, str):
                if surrogates:
                    _check_text(node)
            else:
                plain &= _survey_scalar(node)
        depth += containers > 0
        if depth > bounds.depth:
            raise _too_deep(bounds.depth)
        if nodes > bounds.nodes:
            raise _too_many(bounds.nodes)
        level = below
    return plain


def _survey_scalar(node: object) -> bool:
    """Check a node that is neither text nor container; return whether it is no float."""
    if isinstance(node, float):
        _check_float(node)
        return False
    if not (node is None or isinstance(node, bool)):
        _check_integer(node)
    return True


def _survey_names(members: dict[object, object]) -> bool:
    try:
        names = "".join(members)  # type: ignore[arg-type]  # tried
    except TypeError:
        raise WireError("json.not-json", "Name members with text.") from None
    return names.isascii() or max(names) <= _BMP_END


def _check_integer(node: object) -> None:
    if not isinstance(node, int):
        raise WireError("json.not-json", "Use null, booleans, numbers, text, lists and dicts.")
    if abs(node) > limits.SAFE_INTEGER:
        raise _out_of_range()


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _surrogate() from None


def _write_json(value: object, *, plain: bool) -> bytes:
    """Serialise a surveyed value.

    The C writer of `json` is some fifty times faster than rfc8785 and gives the same bytes on
    plain values; tests compare the two over generated values.
    """
    try:
        if not plain:
            return rfc8785.dumps(value)  # type: ignore[arg-type]
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8")
    except (UnicodeEncodeError, rfc8785.CanonicalizationError):
        raise _surrogate() from None


def _require_within(data: bytes, limit: int) -> None:
    if len(data) > limit:
        raise WireError("json.too-large", f"Send at most {limit} bytes.")


def _too_deep(max_depth: int) -> WireError:
    return WireError("json.too-deep", f"Nest arrays and objects at most {max_depth} deep.")


def _too_many(max_nodes: int) -> WireError:
    return WireError("json.too-many-values", f"Send at most {max_nodes} values in one text.")


def _too_long() -> WireError:
    return WireError("json.number-too-long", f"Write numbers of at most {limits.DIGITS} digits.")


def _non_finite() -> WireError:
    return WireError("json.non-finite", "Use finite numbers only.")


def _out_of_range() -> WireError:
    return WireError("json.integer-range", "Keep whole numbers within 2^53-1 or send text.")


def _surrogate() -> WireError:
    return WireError("json.lone-surrogate", "Use only complete Unicode characters.")
