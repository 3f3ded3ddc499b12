"""Type by carrier by audience: what a dishonest member sends, and the answer to each cell.

The answers were written down from PROTOCOL before they were run, in the order in which it judges an
item: its form and recipients (section 2), its audience (section 7), what it brings (section 9, *What
comes along*), and only then what its type means (section 9, *Parties*). No thread is known here, and
nothing that a statement names; in a known thread, ``tests/federation/test_audiences.py``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from api.wire.message_bodies import Item
from api.wire.messages import MessageKind
from api.wire.statements import Place, Seen
from api.wire.types import NODE_TYPES, STATEMENT_TYPES, THREAD_TYPES
from tests.federation.test_audiences import CANADIAN, EVERY, TWO_PARTIES, answer, sealed
from tests.federation.test_bad_peer_statements import designation, id_of, own_package, package
from tests.federation.test_what_comes_along import CARRIED, MAY, NOWHERE, carriers
from tests.support.bad_peer import BadPeer
from tests.support.bodies import body

ALONE = "what it must"
"""The carrier brings its package, if it is a release, and nothing otherwise."""

BROUGHT = (ALONE, *CARRIED)


@dataclass(frozen=True)
class Cell:
    """One thing that is sent.

    Attributes:
        type_: of the statement.
        brought: type of what comes along with it, or `ALONE`.
        audience: to whom it says it is; a key of `EVERY`.
        statement: its id.
        item: the item.
    """

    type_: str
    brought: str
    audience: str
    statement: str
    item: Item

    @property
    def kind(self) -> MessageKind:
        """The kind of message that such an item travels in."""
        return MessageKind.DISPOSITION if self.type_ in NODE_TYPES else MessageKind.DELIVER


def places(every: int) -> list[tuple[str, str, str]]:
    """Type, what is brought and audience of every so many cells."""
    whole = product(EVERY, sorted(STATEMENT_TYPES), BROUGHT)
    return [(type_, brought, to) for to, type_, brought in islice(whole, 0, None, every)]


def cells(bad: BadPeer, every: int = 1) -> Iterator[Cell]:
    """Make every so many cells of the matrix, each for its own message."""
    for type_, brought, audience in places(every):
        along = own_package(bad)[0] if brought == ALONE else _foreign(bad, brought)
        content = carriers(bad, id_of(along))[type_]
        raw = sealed(bad, type_, content, [NOWHERE], audience)
        comes = brought != ALONE or type_ == "release/1"
        item = bad.commit(raw, *((along,) if comes else ()))
        yield Cell(type_, brought, audience, id_of(raw), item)


def _foreign(bad: BadPeer, type_: str) -> bytes:
    """A statement that is addressed to somebody else."""
    if type_ == "evidence-package/1":
        return bad.statement(type_, package())
    content = designation() if type_ == "designation/1" else body(type_)
    if type_ in THREAD_TYPES and type_ != "mirror-request/1":
        place = Place(1, None, Seen(1, NOWHERE))
        return bad.statement(type_, content, to=(CANADIAN,), thread=NOWHERE, place=place)
    return bad.statement(type_, content, to=(CANADIAN,))


def written(type_: str, brought: str, audience: str) -> str:
    """The code of the refusal; empty where it is applied, ``-`` where no disposition is due."""
    right = "another beside" if audience == "itself" else audience
    code = answer(type_, right)
    if code == "-" or code.startswith("statement."):
        return code
    if brought != ALONE and (type_, brought) not in MAY:
        return "statement.accompanying"
    if type_ in THREAD_TYPES and type_ != "mirror-request/1":
        return "thread.unknown"
    if audience != "itself" and type_ in TWO_PARTIES:
        return code
    if type_ == "mirror-request/1" and brought == ALONE:
        return "designation.unknown"
    named = brought != ALONE or type_ == "release/1"
    return "" if named else code
