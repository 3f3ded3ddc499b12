"""How long event bodies are kept, and what is past its time: a listing that removes nothing.

Owns the classes of ``policies/retention.toml`` and the count of what is due. Bodies are removed
only under a recorded order of two administrators (``services/audit/erasure.py``); places in the
log, leaf entries and proofs stay, and nothing is renumbered.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from sqlalchemy import Connection

from api import shipped
from api.domain.errors import Invalid
from api.records import audit_reading
from api.wire.encoding import format_instant

_FEBRUARY, _LEAP_DAY = 2, 29


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """Acts that are kept alike.

    Attributes:
        name: of the class.
        years: how long bodies are kept; 0 for good.
        basis: the rule it follows.
        acts: patterns such as ``draft.*``.
    """

    name: str
    years: int
    basis: str
    acts: tuple[str, ...]

    def holds(self, act: str) -> bool:
        """Tell whether an act is of this class."""
        return any(fnmatchcase(act, pattern) for pattern in self.acts)

    def cutoff(self, now: datetime) -> str | None:
        """Return the instant before which bodies are past their time; ``None`` if never."""
        if self.years == 0:
            return None
        day = 28 if (now.month, now.day) == (_FEBRUARY, _LEAP_DAY) else now.day
        return format_instant(now.replace(year=now.year - self.years, day=day))


@dataclass(frozen=True, slots=True)
class Due:
    """What one class holds.

    Attributes:
        kept: the class.
        bodies: events of the class that have their body.
        due: how many of them are past their time.
        first: smallest leaf index among those; ``None`` without any.
        last: largest leaf index among those.
    """

    kept: RetentionClass
    bodies: int = 0
    due: int = 0
    first: int | None = None
    last: int | None = None


def default_file() -> Path:
    """Return the shipped classes."""
    return shipped.policies() / "retention.toml"


def parse_classes(text: str) -> tuple[RetentionClass, ...]:
    """Read the classes.

    Raises:
        Invalid: ``retention.malformed``.
    """
    try:
        classes = tuple(
            RetentionClass(entry["name"], entry["years"], entry["basis"], tuple(entry["acts"]))
            for entry in tomllib.loads(text)["class"]
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Invalid("retention.malformed", "Give name, years, basis and acts of each.") from error
    if any(type(kept.years) is not int or kept.years < 0 for kept in classes):
        raise Invalid("retention.malformed", "Give years as whole numbers, 0 for good.")
    return classes


def class_of(classes: Sequence[RetentionClass], act: str) -> RetentionClass:
    """Return the class of an act.

    Raises:
        Invalid: ``retention.unclassed``, ``retention.ambiguous``.
    """
    found = [kept for kept in classes if kept.holds(act)]
    if not found:
        raise Invalid("retention.unclassed", f"No retention class holds the act {act}.")
    if len(found) > 1:
        raise Invalid("retention.ambiguous", f"Several retention classes hold the act {act}.")
    return found[0]


def listing(connection: Connection, classes: Sequence[RetentionClass], now: datetime) -> list[Due]:
    """Return for each class what is past its time at an instant.

    Raises:
        Invalid: ``retention.unclassed``, ``retention.ambiguous``.
    """
    found = {kept.name: Due(kept) for kept in classes}
    for act, bodies in audit_reading.bodies_by_act(connection).items():
        kept = class_of(classes, act)
        known = found[kept.name]
        cutoff = kept.cutoff(now)
        due, first, last = 0, known.first, known.last
        if cutoff is not None:
            due, low, high = audit_reading.bodies_before(connection, act, cutoff)
            first = min((each for each in (first, low) if each is not None), default=None)
            last = max((each for each in (last, high) if each is not None), default=None)
        found[kept.name] = Due(kept, known.bodies + bodies, known.due + due, first, last)
    return list(found.values())
