"""TOML forms that officers fill in: templates, and their faults by file and line.

Owns reading a form into a statement body and saying all that is wrong with it at once. What a body
may hold is `api.wire.body_faults`. Works without a node.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from api.domain.errors import Invalid, NotFound
from api.wire.body_faults import BodyFault, Place
from api.wire.encoding import format_instant
from api.wire.errors import WireError

_LARGEST: Final = 4 * 1024 * 1024
_TABLE: Final = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\-]+)\s*\]\]?\s*(#.*)?")
_MEMBER: Final = re.compile(r"\s*([A-Za-z0-9_\-]+)\s*=")
_MANY: Final = 20
"""Most faults that are shown at once."""


def read_form(path: Path, code: str) -> dict[str, Any]:
    """Read a TOML form into JSON values; its dates and times become the protocol's text.

    Args:
        path: The form.
        code: Refusal code of the form's kind, such as ``package.description``.

    Raises:
        NotFound: There is no such file.
        Invalid: It is too large, no UTF-8, no TOML, or gives a time without its zone.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(code, f"There is no file {path}.") from None
    if len(data) > _LARGEST:
        raise Invalid(code, f"Keep {path.name} within 4 MiB.")
    try:
        body: dict[str, Any] = _plain_toml(tomllib.loads(data.decode("utf-8")), path, code)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Invalid(code, f"{path.name} is no TOML: {problem}.") from None
    return body


def _plain_toml(value: Any, path: Path, code: str) -> Any:
    if isinstance(value, dict):
        return {name: _plain_toml(member, path, code) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain_toml(member, path, code) for member in value]
    if isinstance(value, datetime):
        try:
            return format_instant(value)
        except WireError:
            raise Invalid(code, f"{path.name}: give times with their zone.") from None
    return value.isoformat() if isinstance(value, date) else value


def refuse_faults(path: Path, faults: Sequence[BodyFault], code: str) -> None:
    """Refuse a form with all its faults, each with its line and the words allowed there.

    Raises:
        Invalid: with ``code``, if there are faults.
    """
    if not faults:
        return
    lines = places(path.read_text("utf-8"))
    said = [described(path, fault, lines) for fault in faults[:_MANY]]
    if len(faults) > _MANY:
        said.append(f"and {len(faults) - _MANY} more")
    raise Invalid(code, "\n  ".join([f"{path.name} has faults; mend them all:", *said]))


def described(path: Path, fault: BodyFault, lines: Mapping[Place, int]) -> str:
    """Return one fault as ``file:line: member: what is wrong (allowed: …)``."""
    allowed = f" (allowed: {', '.join(fault.allowed)})" if fault.allowed else ""
    return f"{path.name}:{_line(fault.place, lines)}: {_member(fault.place)}: {fault.sentence}" + (
        "" if fault.unknown else allowed
    )


def places(text: str) -> dict[Place, int]:
    """Return the line on which each member of a TOML document stands, by its place.

    Members inside inline tables and arrays stand on the line of the member that holds them.
    """
    found: dict[Place, int] = {(): 1}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _TABLE.fullmatch(line)
        if header is not None:
            table = _opened(header[1].split("."), line.lstrip().startswith("[["), counts)
            found[table] = number
        elif (member := _MEMBER.match(line)) is not None:
            found.setdefault((*table, member[1]), number)
    return found


def _opened(names: Sequence[str], is_entry: bool, counts: dict[Place, int]) -> Place:
    place: Place = ()
    for depth, name in enumerate(names):
        place = (*place, name)
        last = depth == len(names) - 1
        if last and is_entry:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def _line(place: Place, lines: Mapping[Place, int]) -> int:
    """Return the line of a place, or of the nearest place around it."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _member(place: Place) -> str:
    return "".join(_parts(place)).removeprefix(".") or "the form"


def _parts(place: Iterable[int | str]) -> Iterator[str]:
    for part in place:
        yield f"[{part + 1}]" if isinstance(part, int) else f".{part}"
