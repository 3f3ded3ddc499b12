"""Ranges of bytes (RFC 9110 section 14): which part of an answer a caller asked for.

Owns the reading of ``Range`` and ``If-Range``, and nothing else of HTTP. Numbers may have any
length. A unit that is not known, more ranges than one, and a range of another representation
(``If-Range``) are ignored, as the section allows or demands: the answer is then the whole.
"""

import re
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers

from api.domain.errors import Invalid

_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
_DIGITS: Final = 18  # what is longer lies behind the end of everything
_BEYOND: Final = 10**_DIGITS


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` (inclusive) to ``end`` (exclusive) of ``size``.

    Attributes:
        start: first byte.
        end: one past the last byte.
        size: bytes of the whole.
        partial: whether a range was asked for and is answered (206), or the whole is (200).
    """

    start: int
    end: int
    size: int
    partial: bool

    @property
    def content_range(self) -> str:
        """The ``Content-Range`` of a partial answer (section 14.4)."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def span_of(headers: Headers, size: int, tag: str) -> Span:
    """Return the bytes that a GET asks for.

    Args:
        headers: of the request.
        size: bytes of the whole.
        tag: the strong entity tag of the whole, with its quotes.

    Raises:
        Invalid: ``exhibit.range``: the range cannot be read, or lies outside of the whole; the
            ``size`` in its details goes into ``Content-Range`` (section 15.5.17).
    """
    whole = Span(0, size, size, partial=False)
    unit, equals, wanted = headers.get("range", "").strip().partition("=")
    if not equals or unit.strip().lower() != "bytes" or "," in wanted:
        return whole
    # Section 13.1.5: compared strongly. A date never fits, for nothing here has one.
    if headers.get("if-range", tag).strip() != tag:
        return whole
    found = _SPEC.fullmatch(wanted.strip())
    if found is None or not (found[1] or found[2]):
        raise _unsatisfiable(size)
    if not found[1]:
        start, end = size - min(_number(found[2]), size), size
    else:
        start = _number(found[1])
        end = min(_number(found[2]) + 1, size) if found[2] else size
    if start >= end:
        raise _unsatisfiable(size)
    return Span(start, end, size, partial=True)


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _DIGITS else _BEYOND


def _unsatisfiable(size: int) -> Invalid:
    return Invalid(
        "exhibit.range", "Ask for one range of bytes that lies inside the exhibit.", size=size
    )
