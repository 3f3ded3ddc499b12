"""Following a watched programme: whom to tell of, and when what was told is done.

Owns that decision over references of entries. Must not know how it is found who is listed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from api.domain.tasks import Notice


@dataclass(frozen=True, slots=True)
class ToldBefore:
    """A notice about several entries of a programme.

    Attributes:
        id: of the notice.
        notice: what it says.
        entries: references of the entries.
        waits: nobody has closed it, and nothing has.
        noted: an officer closed it.
    """

    id: str
    notice: Notice
    entries: tuple[str, ...]
    waits: bool
    noted: bool


@dataclass(frozen=True, slots=True)
class ProgrammeStanding:
    """How the subjects of a programme stand now.

    Attributes:
        uncovered: entries of the programme that the own jurisdiction does not list.
        covered: those that it does.
        gone: entries that are no longer on the list, and whose subjects it still lists.
    """

    uncovered: frozenset[str]
    covered: frozenset[str]
    gone: frozenset[str]


def fresh(standing: ProgrammeStanding, before: Iterable[ToldBefore]) -> tuple[str, ...]:
    """Return the uncovered entries that nobody was told of, in order.

    What an officer took note of is not told again; what was covered once and is no longer, is.
    """
    told = {
        ref
        for one in before
        if one.notice is Notice.UNCOVERED and (one.waits or one.noted)
        for ref in one.entries
    }
    return tuple(sorted(standing.uncovered - told))


def left(standing: ProgrammeStanding, one: ToldBefore) -> tuple[str, ...]:
    """Return the entries of a notice that it still is about; it is done where none is left."""
    about: Collection[str] = {
        Notice.UNCOVERED: standing.uncovered,
        Notice.CHANGED_THERE: standing.covered,
        Notice.GONE_THERE: standing.gone,
    }[one.notice]
    return tuple(ref for ref in one.entries if ref in about)
