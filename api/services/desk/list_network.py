"""The network of a programme: whom its entries name, and whether a jurisdiction lists them.

Owns the way from a link (acting for, linked to, owner) to the entry that it names, and who is
uncovered where only one end of a link is listed. Whether a law reaches the other end all the same
is its ownership test's matter, and an officer's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from api.domain.identity import folding
from api.domain.identity.profiles import Profile, exact_key
from api.domain.lists.entries import ListedLink, ListEntry
from api.records import identity
from api.records.identity import Indexed
from api.services.desk.identity import entry_place, entry_ref

Listed = Callable[[Profile], bool]
"""Whether the measured jurisdiction lists a subject, as far as names, facts and verdicts say."""


class Uncovered(StrEnum):
    """Who is uncovered where one end of a link is listed and the other is not.

    ``body``: the entry hangs on somebody who is listed, and is not itself; ``owner``: the entry is
    listed, and whom it hangs on is not.
    """

    BODY = "body"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another subject that an entry names.

    Attributes:
        kind: the publisher's word for the link.
        name: as the entry names it.
        entry: id of its own entry on the same list, or empty where none or several fit.
        listed: the measured jurisdiction lists it, or ``None`` where that is not known.
        uncovered: who is uncovered by this link, ``None`` where nobody is or nothing is known.
    """

    kind: str
    name: str
    entry: str
    listed: bool | None
    uncovered: Uncovered | None


class Network:
    """Looks up whom the entries of a programme name.

    Args:
        connection: open connection.
        entries: the entries whose links are looked up, with the list of each.
        listed: whether somebody is listed; ``None`` where no list of the jurisdiction is held.
    """

    def __init__(
        self,
        connection: Connection,
        entries: Iterable[tuple[str, ListEntry]],
        listed: Listed | None,
    ) -> None:
        links = [(series, link) for series, entry in entries for link in entry.links]
        self._listed = listed
        self._answers: dict[str, bool] = {}
        self._named = _by_name(connection, [link.name for _, link in links if not link.entry])
        refs = [entry_ref(series, link.entry) for series, link in links if link.entry]
        self._known = identity.by_refs(connection, refs)

    def of(self, series: str, entry: ListEntry, *, listed: bool) -> tuple[Neighbour, ...]:
        """Return whom an entry names.

        Args:
            series: its list.
            entry: the entry.
            listed: whether the measured jurisdiction lists it.
        """
        return tuple(self._neighbour(series, link, listed=listed) for link in entry.links)

    def _neighbour(self, series: str, link: ListedLink, *, listed: bool) -> Neighbour:
        profile = self._profile(series, link)
        place = entry_place(profile.ref) if profile is not None else None
        if profile is None or place is None or self._listed is None:
            return Neighbour(link.kind, link.name, place[1] if place else link.entry, None, None)
        if profile.ref not in self._answers:
            self._answers[profile.ref] = self._listed(profile)
        there = self._answers[profile.ref]
        uncovered = None if there is listed else Uncovered.BODY if there else Uncovered.OWNER
        return Neighbour(link.kind, link.name, place[1], there, uncovered)

    def _profile(self, series: str, link: ListedLink) -> Profile | None:
        if link.entry:
            return self._known.get(entry_ref(series, link.entry))
        key = exact_key(folding.words(link.name))
        known = [one.profile for one in self._named.get(key, ()) if one.series == series]
        # The same words may also be somebody else's alias.
        first = [one for one in known if exact_key(one.spellings[0].words) == key]
        fitting = first or known
        return fitting[0] if len(fitting) == 1 else None


def _by_name(connection: Connection, names: Sequence[str]) -> Mapping[str, list[Indexed]]:
    """Return the descriptions that have exactly the words of these names, by their key."""
    wanted = {exact_key(folding.words(name)) for name in names}
    holders = identity.key_holders(connection, wanted)
    loaded = identity.load(connection, {one for numbers in holders.values() for one in numbers})
    return {key: [loaded[one] for one in numbers] for key, numbers in holders.items()}
