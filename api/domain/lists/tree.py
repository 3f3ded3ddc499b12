"""The source of one list entry as a tree, and what differs between two such trees.

Owns the lossless form in which a published entry is kept: every text and attribute of the source
stands in it and has a path. Comparison disregards the order of siblings, blanks and members that
say nothing, because publishers reorder and re-indent whole files without amending an entry.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

ROW: Final = "row"
"""Tag of one line of a table; lines of one entry are compared column by column."""

_KEYS: Final = ("uid", "logicalId", "id", "identityId", "featureId", "relationId")
_MOST_VALUES: Final = 40


class Node(NamedTuple):
    """One element of a source, or one line of a table.

    Attributes:
        tag: local name.
        text: character data before the first child, as published (empty if only blanks).
        attributes: pairs of local name and value, in the source's order.
        children: in the source's order.
        tail: character data that follows the element inside its parent.
    """

    tag: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple["Node", ...] = ()
    tail: str = ""

    def first(self, *path: str) -> "Node | None":
        """Return the first element at a path of tags below this one."""
        return next(iter(self.at(*path)), None)

    def at(self, *path: str) -> list["Node"]:
        """Return the elements at a path of tags below this one, in order."""
        found: list[Node] = [self]
        for tag in path:
            found = [child for one in found for child in one.children if child.tag == tag]
        return found

    def value(self, *path: str) -> str:
        """Return the first text at a path that says something, without blanks around it."""
        for one in self.at(*path):
            if text := one.text.strip():
                return text
        return ""

    def get(self, name: str) -> str:
        """Return an attribute's value without blanks around it; empty if it is absent."""
        return next((value.strip() for key, value in self.attributes if key == name), "")

    def whole_text(self) -> str:
        """Return all character data inside the element, blanks collapsed."""
        return " ".join("".join(_texts(self)).split())


def _texts(node: Node) -> Iterator[str]:
    yield node.text
    for child in node.children:
        yield from _texts(child)
        yield child.tail


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a source.

    Attributes:
        path: such as ``akaList/aka[2]/lastName`` or ``nameAlias[1]/@gender``; siblings of one tag
            are numbered from 1 where there are several.
        value: as published.
    """

    path: str
    value: str


def leaves(node: Node, path: str = "") -> Iterator[Leaf]:
    """Yield every value below a node with its path, in the source's order."""
    head = f"{path}/" if path else ""
    if node.text:
        yield Leaf(path or ".", node.text)
    for name, value in node.attributes:
        yield Leaf(f"{head}@{name}", value)
    many = Counter(child.tag for child in node.children)
    seen: Counter[str] = Counter()
    for child in node.children:
        seen[child.tag] += 1
        place = f"[{seen[child.tag]}]" if many[child.tag] > 1 else ""
        yield from leaves(child, f"{head}{child.tag}{place}")
        if child.tail:
            yield Leaf(f"{head}{child.tag}{place}/tail()", child.tail)


def unpacked(value: Sequence[Any]) -> Node:
    """Return the tree from the JSON values that a node is written as.

    ``[tag, text, [[name, value], …], [children], tail]``: a node is a tuple, so JSON takes it as it
    is.
    """
    tag, text, attributes, children, tail = value
    pairs = tuple((name, said) for name, said in attributes)
    return Node(tag, text, pairs, tuple(unpacked(one) for one in children), tail)


def form(node: Node) -> str:
    """Return the comparable form: equal for two trees that say the same in another order.

    Its parts are set apart by control characters, which blanks collapsed by ``split`` never hold.
    """
    text = " ".join(node.text.split()) if node.text else ""
    tail = " ".join(node.tail.split()) if node.tail else ""
    if not node.attributes and not node.children:
        # Most are so; the same as below, without what is empty.
        return f"({node.tag}\x1c{text}\x1c\x1c\x1c{tail}\x1c)" if text or tail else ""
    said = sorted(
        f"{name}\x1d{' '.join(value.split())}" for name, value in node.attributes if value.strip()
    )
    inner = sorted([one for child in node.children if (one := form(child))])
    if not (said or inner or text or tail):
        return ""
    return "\x1c".join(
        (f"({node.tag}", text, "\x1f".join(said), "\x1e".join(inner), f"{tail}\x1c)")
    )


def digest(node: Node) -> str:
    """Return the SHA-256 (hex) of the comparable form."""
    return hashlib.sha256(form(node).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs.

    Attributes:
        path: where, without numbers of siblings, since order does not count; an element that has a
            key of its own is named by it: ``akaList/aka[uid=12]/lastName``.
        old: what stood there, or ``None`` for an addition.
        new: what stands there now, or ``None`` for a removal.
    """

    path: str
    old: str | None
    new: str | None


def differences(old: Node, new: Node, path: str = "") -> list[Change]:
    """Return what differs between two sources of one entry, old and new values beside each other.

    Empty exactly if their comparable forms are equal.
    """
    found = list(_own(old, new, path))
    before, after = _by_tag(old), _by_tag(new)
    for tag in sorted(before.keys() | after.keys()):
        here = f"{path}/{tag}" if path else tag
        compare = _rows if tag == ROW else _siblings
        found += compare(before.get(tag, []), after.get(tag, []), here)
    return found


def _own(old: Node, new: Node, path: str) -> Iterator[Change]:
    before = {"": " ".join(old.text.split()), "tail()": " ".join(old.tail.split())}
    after = {"": " ".join(new.text.split()), "tail()": " ".join(new.tail.split())}
    before |= {f"@{name}": " ".join(value.split()) for name, value in old.attributes}
    after |= {f"@{name}": " ".join(value.split()) for name, value in new.attributes}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name) or None, after.get(name) or None
        if was != now:
            yield Change("/".join(part for part in (path, name) if part) or ".", was, now)


def _by_tag(node: Node) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = defaultdict(list)
    for child in node.children:
        if form(child):
            found[child.tag].append(child)
    return found


def _siblings(old: Sequence[Node], new: Sequence[Node], path: str) -> list[Change]:
    gone, come = _unmatched(old, new)
    found: list[Change] = []
    by_key = {_key(one): one for one in come if _key(one)}
    for one in list(gone):
        other = by_key.get(_key(one)) if _key(one) else None
        if other is not None:
            found += differences(one, other, f"{path}[{_key(one)}]")
            gone.remove(one)
            come.remove(other)
    if len(gone) == 1 and len(come) == 1:
        return found + differences(gone[0], come[0], path)
    found += [Change(f"{path}{place}", value, None) for place, value in _told(gone)]
    found += [Change(f"{path}{place}", None, value) for place, value in _told(come)]
    return found


def _unmatched(old: Sequence[Node], new: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """Return what stands on one side only, as often as it stands there more often."""
    before, after = Counter(form(one) for one in old), Counter(form(one) for one in new)
    gone, come = before - after, after - before
    return list(_taken(old, gone)), list(_taken(new, come))


def _taken(nodes: Iterable[Node], wanted: Counter[str]) -> Iterator[Node]:
    for one in nodes:
        if wanted[form(one)] > 0:
            wanted[form(one)] -= 1
            yield one


def _key(node: Node) -> str:
    """Return ``name=value`` of the publisher's own key of an element, empty without one."""
    for name in _KEYS:
        if value := node.get(name) or node.value(name):
            return f"{name}={value}"
    return ""


def _told(nodes: Iterable[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        key = f"[{_key(node)}]" if _key(node) else ""
        for leaf in leaves(node):
            if leaf.value.strip():
                rest = "" if leaf.path == "." else f"/{leaf.path}"
                yield f"{key}{rest}", " ".join(leaf.value.split())
        if node.tail.strip():
            yield f"{key}/tail()", " ".join(node.tail.split())


def _rows(old: Sequence[Node], new: Sequence[Node], path: str) -> list[Change]:
    """Compare lines by column: one changed cell may stand in hundreds of lines of an entry."""
    before, after = _columns(old), _columns(new)
    found = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, set()), after.get(name, set())
        if was != now:
            found.append(Change(f"{path}/@{name}", _joined(was - now), _joined(now - was)))
    gone, come = _unmatched(old, new)
    if not found and (gone or come):
        found.append(Change(path, f"{len(old)} lines", f"{len(new)} lines, combined otherwise"))
    return found


def _columns(rows: Iterable[Node]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row.attributes:
            if value.strip():
                found[name].add(" ".join(value.split()))
    return found


def _joined(values: Iterable[str]) -> str | None:
    ordered = sorted(values)
    shown = " | ".join(ordered[:_MOST_VALUES])
    more = len(ordered) - _MOST_VALUES
    return (f"{shown} | and {more} more" if more > 0 else shown) or None
