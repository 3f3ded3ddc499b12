"""What changed between two editions of a regime's data.

Owns the comparison of two decoded documents, member by member; entries of lists that carry an id
are matched by it, so that order alone is no change. Judges nothing of the law.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EditionChange:
    """One member that differs.

    Attributes:
        path: Where it stands, such as `grounds[uk-ghr.torture].label.fr`.
        old: Its value before; None if it is new.
        new: Its value now; None if it is gone.
    """

    path: str
    old: Any
    new: Any


def edition_changes(old: Any, new: Any) -> list[EditionChange]:
    """Return the members that differ, in the order of the newer document."""
    return list(_changes("", old, new))


def _changes(path: str, old: Any, new: Any) -> Iterator[EditionChange]:
    old, new = _by_id(old), _by_id(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*new, *(one for one in old if one not in new)]:
            yield from _changes(_joined(path, name), old.get(name), new.get(name))
    elif old != new:
        yield EditionChange(path, old, new)


def _joined(path: str, name: str) -> str:
    if name.startswith("["):
        return path + name
    return f"{path}.{name}" if path else name


def _by_id(value: Any) -> Any:
    """Return a list of objects with ids as a mapping by id; anything else as it is."""
    if isinstance(value, list) and all(isinstance(one, Mapping) and "id" in one for one in value):
        return {f"[{one['id']}]": one for one in value}
    return value
