"""Reads large XML files element by element, and refuses what a list never needs.

Owns the guard: a document type declaration brings entities, which a list has no use for and an
attacker has; it is refused before the parser sees it. Elements are named without their namespace,
which publishers change.
"""

from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from api.adapters.lists.entries import LARGEST, refuse

_CHUNK = 1 << 20
_HEAD = 64 * 1024


def elements(source: IO[bytes], name: str) -> Iterator[tuple[Element, Element]]:
    """Yield ``(root, element)`` for every element of this name, and forget it afterwards.

    Args:
        source: the file, at its beginning.
        name: local name.

    Raises:
        Invalid: ``list.malformed``, ``list.doctype``, ``list.too-large``.
    """
    head = source.read(_HEAD)
    if b"<!DOCTYPE" in head.upper() or b"<!ENTITY" in head.upper():
        raise refuse("doctype", "A list needs no document type declaration; this file has one.")
    parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
    root: Element | None = None
    total = 0
    try:
        for chunk in _chunks(head, source):
            total += len(chunk)
            if total > LARGEST:
                raise refuse("too-large", "The file is larger than any list.")
            parser.feed(chunk)
            for event, element in _events(parser):
                root = element if root is None else root
                if event == "end" and local(element) == name:
                    yield root, element
                    element.clear()
        parser.close()
    except ParseError as error:
        raise refuse("malformed", "The file is no well-formed XML, or is cut off.") from error


def _events(parser: "XMLPullParser[Element]") -> Iterator[tuple[str, Element]]:
    """Yield starts and ends; asked for nothing else, the parser reports nothing else."""
    for event in parser.read_events():
        name, element = event[0], event[-1]
        if isinstance(element, Element):
            yield name, element


def _chunks(head: bytes, source: IO[bytes]) -> Iterator[bytes]:
    yield head
    while chunk := source.read(_CHUNK):
        yield chunk


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, *path: str) -> list[Element]:
    """Return the elements at a path of local names below an element."""
    found = [element]
    for name in path:
        found = [child for one in found for child in one if local(child) == name]
    return found


def text(element: Element, *path: str) -> str:
    """Return the text of the first element at a path (empty if there is none)."""
    for one in children(element, *path):
        if one.text and one.text.strip():
            return one.text.strip()
    return ""
