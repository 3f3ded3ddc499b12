"""Reads large XML files element by element in bounded memory, and refuses what no list needs.

Owns the guard: a document type declaration brings entities, which a list has no use for and an
attacker has. It can stand only before the root element, so a hardened parser (``defusedxml``) reads
up to there first, in whatever encoding the file is; then the fast one takes over. Elements are
named without their namespace, which publishers change.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from api.adapters.lists.files import ListFile, chunks
from api.domain.errors import ComityError
from api.domain.lists.entries import refuse
from api.domain.lists.tree import Node

DEPTH: Final = 64
_PIECE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Root:
    """The root element of a file: its local name, namespace and attributes by local name."""

    name: str
    namespace: str
    attributes: dict[str, str]


class _RootFound(Exception):  # noqa: N818 - ends the reading of a prologue, is no error
    """The prologue is over."""

    def __init__(self, root: Root) -> None:
        super().__init__()
        self.root = root


class _Prologue:
    """A parser's target that stops at the first element."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition("}")
        own = {key.rpartition("}")[2]: value for key, value in attributes.items()}
        raise _RootFound(Root(name, space.lstrip("{"), own))

    def end(self, tag: str) -> None:
        """Nothing ends before the root has begun."""

    def data(self, text: str) -> None:
        """Blanks before the root say nothing."""

    def close(self) -> None:
        """There was no element."""


def root_of(file: ListFile) -> Root:
    """Return a file's root element.

    Raises:
        Invalid: ``list.doctype``: there is a document type declaration before it;
            ``list.malformed``: there is none, or what stands before it is no XML.
    """
    parser = DefusedXMLParser(target=_Prologue(), forbid_dtd=True)
    try:
        for chunk in chunks(file):
            for start in range(0, len(chunk), _PIECE):
                parser.feed(chunk[start : start + _PIECE])
        parser.close()
    except _RootFound as found:
        return found.root
    except DefusedXmlException as error:
        raise refuse(
            "doctype", "A list needs no document type declaration; this file has one."
        ) from error
    except ComityError:
        raise
    except (ParseError, ValueError, LookupError) as error:
        raise _malformed_xml() from error
    raise _malformed_xml()


def _malformed_xml() -> ComityError:
    return refuse("malformed", "The file is no well-formed XML, or is cut off.")


@dataclass(slots=True)
class Reading:
    """A file while it is read.

    Attributes:
        root: its root element, without children.
        head: children of the root that hold no entries, as far as they were read.
    """

    root: Node = field(default_factory=lambda: Node(""))
    head: list[Node] = field(default_factory=list)

    def as_node(self) -> Node:
        """Return what was read outside entries."""
        return self.root._replace(children=tuple(self.head))


def elements(
    file: ListFile, names: frozenset[str], reading: Reading | None = None
) -> Iterator[Node]:
    """Yield every element with one of these local names, whole, and forget it afterwards.

    Args:
        file: the file.
        names: local names; an element inside another of them belongs to it.
        reading: gets what stands outside; complete once the generator has ended.

    Raises:
        Invalid: ``list.doctype``, ``list.malformed``, ``list.packed``, ``list.too-large``.
    """
    root_of(file)
    state = _State(names, reading if reading is not None else Reading())
    parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
    try:
        for chunk in chunks(file):
            parser.feed(chunk)
            yield from state.taken(parser)
        parser.close()
        yield from state.taken(parser)
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, ComityError):
            raise
        raise _malformed_xml() from error


class _State:
    """Follows starts and ends: which element is an entry, and what may be forgotten."""

    def __init__(self, names: frozenset[str], reading: Reading) -> None:
        self._names = names
        self._reading = reading
        self._open: list[Element] = []
        self._entry = 0  # depth at which the open entry stands; 0 outside
        self._held = False  # the open child of the root holds entries

    def taken(self, parser: "XMLPullParser[Element]") -> Iterator[Node]:
        for happened in parser.read_events():
            event, element = happened[0], happened[-1]
            if not isinstance(element, Element):
                continue
            if event == "start":
                self._start(element)
            elif (node := self._end(element)) is not None:
                yield node

    def _start(self, element: Element) -> None:
        self._open.append(element)
        depth = len(self._open)
        if depth > DEPTH:
            raise refuse("malformed", "The file is nested deeper than any list.")
        if depth == 2:  # noqa: PLR2004 - a child of the root
            self._held = False
        if depth == 1:
            self._reading.root = Node(local(element.tag), "", _attributes(element))
        elif not self._entry and local(element.tag) in self._names:
            self._entry, self._held = depth, True

    def _end(self, element: Element) -> Node | None:
        depth = len(self._open)
        self._open.pop()
        if self._entry == depth:
            self._entry = 0
            node = node_of(element)
            self._forget(element)
            return node
        if depth == 2 and not self._entry:  # noqa: PLR2004 - a child of the root
            if not self._held:
                self._reading.head.append(node_of(element))
            self._forget(element)
        return None

    def _forget(self, element: Element) -> None:
        if self._open:
            self._open[-1].remove(element)


_LOCAL: dict[str, str] = {}


def local(tag: Any) -> str:
    """Return a name without its namespace."""
    known = _LOCAL.get(tag)
    if known is None:
        known = str(tag).rpartition("}")[2]
        if len(_LOCAL) < 10_000:  # noqa: PLR2004 - more names than all layouts have
            _LOCAL[tag] = known
    return known


def node_of(element: Element) -> Node:
    """Return an element with all that is inside it; text of blanks alone is dropped."""
    text = element.text
    return Node(
        local(element.tag),
        text if text and not text.isspace() else "",
        _attributes(element),
        tuple([_child(child) for child in element]),
    )


def _child(element: Element) -> Node:
    tail = element.tail
    node = node_of(element)
    return node._replace(tail=tail) if tail and not tail.isspace() else node


def _attributes(element: Element) -> tuple[tuple[str, str], ...]:
    items = element.items()
    return tuple([(local(name), value) for name, value in items]) if items else ()
