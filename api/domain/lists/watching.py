"""Whom a changed edition concerns: what is told, about what, with which difference.

Owns that decision over values. Must not know where designations, threads or watches are kept; who
is likely the same as whom comes in as descriptions and their likeness.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.domain.identity import profiles
from api.domain.identity.profiles import Profile
from api.domain.identity.scoring import LIKELY, resemblance
from api.domain.lists.changes import EntryChange, EntryOutcome
from api.domain.tasks import Notice

_MOST_LINES: Final = 20
_TOLD: Final = {
    EntryOutcome.ADDED: Notice.LISTED,
    EntryOutcome.REMOVED: Notice.UNLISTED,
    EntryOutcome.AMENDED: Notice.ENTRY_AMENDED,
}


@dataclass(frozen=True, slots=True)
class Changed:
    """An entry that is not the same in two editions.

    Attributes:
        change: what became of it.
        profile: its description: in the newer edition where it stands there, else in the older.
    """

    change: EntryChange
    profile: Profile


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that a ministry wants to be told about.

    Attributes:
        about: kind and id of what is told about it: a designation, a thread, ``list``.
        profile: the description that is looked for; ``None`` for a programme.
        programme: a programme of the list, else empty.
    """

    about: tuple[str, str]
    profile: Profile | None = None
    programme: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One notice.

    Attributes:
        notice: what happened.
        about: kind and id of what it is about.
        entries: references of the list's entries, and behind them what changed, in words.
    """

    notice: Notice
    about: tuple[str, str]
    entries: tuple[str, ...]


def told(changed: Sequence[Changed], concerns: Iterable[Concern]) -> Iterator[Told]:
    """Yield what a ministry is told, in the order of its concerns.

    A description is concerned by an entry that is itself or is likely of the same subject; each
    entry is told once for what it is about. A programme is told of all its changes at once.
    """
    index: dict[str, list[Changed]] = {}
    for one in changed:
        for key in profiles.keys(one.profile):
            index.setdefault(key, []).append(one)
    seen: set[tuple[tuple[str, str], str]] = set()
    for concern in concerns:
        if concern.programme:
            yield from _of_programme(changed, concern)
        for one in _likely(index, concern):
            if (concern.about, one.profile.ref) not in seen:
                seen.add((concern.about, one.profile.ref))
                lines = (one.profile.ref, *_lines(one.change))
                yield Told(_TOLD[one.change.outcome], concern.about, lines)


def _of_programme(changed: Sequence[Changed], concern: Concern) -> Iterator[Told]:
    under = [one for one in changed if concern.programme in one.change.programs]
    if under:
        signs = {EntryOutcome.ADDED: "+", EntryOutcome.REMOVED: "-", EntryOutcome.AMENDED: "~"}
        counts = ", ".join(
            f"{sum(one.change.outcome is outcome for one in under)} {outcome.value}"
            for outcome in EntryOutcome
        )
        names = (f"{signs[o.change.outcome]} {o.change.entry} {o.change.name}" for o in under)
        yield Told(Notice.PROGRAMME_CHANGED, concern.about, (counts, *names))


def _likely(index: Mapping[str, Sequence[Changed]], concern: Concern) -> Iterator[Changed]:
    wanted = concern.profile
    if wanted is None:
        return
    sharing = {one.profile.ref: one for key in profiles.keys(wanted) for one in index.get(key, ())}
    for ref, one in sorted(sharing.items()):
        if ref == wanted.ref or resemblance(wanted, one.profile).score >= LIKELY:
            yield one


def _lines(change: EntryChange) -> Iterator[str]:
    """Return the difference in words: old and new value of each that changed."""
    for one in change.changes[:_MOST_LINES]:
        yield f"{one.path}: {one.old or 'nothing'} -> {one.new or 'nothing'}"
