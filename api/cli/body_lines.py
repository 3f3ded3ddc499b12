"""The body of a statement as people read it: names, values, and one block for each part.

Owns the way from any body's members to lines; knows no statement type, so that a new one is shown
without a change here. Must not leave a member out: whoever approves sees all that leaves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from api.cli import output

_INDENT: Final = "  "
_ONE_LINE: Final = 100
_TITLES: Final = ("label", "key", "question", "text", "value", "title", "scheme", "jurisdiction")
"""Members by whose value a part of a list is known; said without their name."""


def body_lines(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield a body in lines: text beside its member's name, parts below it and set in."""
    room = max(map(len, body), default=0)
    for name, value in body.items():
        label = name.replace("_", " ")
        inside = list(_value_lines(value))
        if len(inside) == 1 and not inside[0].startswith(_INDENT):
            yield output.safe(f"{label:<{room}}{_INDENT}{inside[0]}")
            continue
        yield output.safe(f"{label}:")
        yield from (f"{_INDENT}{line}" for line in inside)


def _value_lines(value: Any) -> Iterator[str]:
    if value in (None, "", [], {}):
        yield "-"
    elif isinstance(value, Mapping):
        flat = _in_one_line(value)
        yield from [flat] if flat else body_lines(value)
    elif isinstance(value, list | tuple) and not all(_is_plain(one) for one in value):
        yield from _parts(value)
    elif isinstance(value, str):
        yield from map(output.safe, value.splitlines())
    else:
        yield output.safe(value)


def _parts(parts: Sequence[Any]) -> Iterator[str]:
    """Yield each part of a list: on one line where it is short, else as a block with a title."""
    for number, part in enumerate(parts, 1):
        if not isinstance(part, Mapping):
            yield f"{number}. {output.safe(part)}"
            continue
        named = next((name for name in _TITLES if name in part), "")
        title = output.safe(part.get(named, ""))
        rest = {name: value for name, value in part.items() if name != named}
        flat = _in_one_line(rest)
        if flat or not rest:
            yield f"{number}. {title} ({flat})" if title and flat else f"{number}. {title}{flat}"
            continue
        yield f"{number}. {title}".rstrip()
        yield from (f"{_INDENT * 2}{line}" for line in body_lines(rest))


def _in_one_line(part: Mapping[str, Any]) -> str:
    """Return a short part that has no parts of its own on one line; else nothing."""
    if not all(_is_plain(value) for value in part.values()):
        return ""
    words = (f"{name.replace('_', ' ')} {output.safe(value)}" for name, value in part.items())
    line = ", ".join(words)
    return line if len(line) <= _ONE_LINE else ""


def _is_plain(value: Any) -> bool:
    """Say whether a value can stand in a row of others, between commas, and be told apart."""
    if isinstance(value, str):
        return not set(value) & {",", "\n"}
    return not isinstance(value, Mapping | list | tuple)
