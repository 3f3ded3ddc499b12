"""What a page is: its address, who it is for, the act it asks for, and what it answers with.

Owns the shapes between the door and the pages; must not know HTTP, templates' text or use cases.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from api.ports.policy import Action
from api.services.authorising import Caller
from api.services.node import Node
from api.services.operations.console_sessions import Present
from api.web.console.forms import Form
from api.web.console.words import Language

ANALYST: Final = "analyst"
REVIEWER: Final = "reviewer"
AUDITOR: Final = "auditor"
ADMINISTRATOR: Final = "administrator"
DESK: Final = frozenset({ANALYST, REVIEWER})
EVERYONE: Final = frozenset({ANALYST, REVIEWER, AUDITOR, ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in officer for one page.

    Attributes:
        node: this node.
        caller: the officer.
        present: their session.
        language: of the page.
        path: address without language, such as ``/packages``.
        parts: named parts of the address.
        query: query parameters, one value each.
        form: what was posted; empty for a look.
    """

    node: Node
    caller: Caller
    present: Present
    language: Language
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    form: Form

    def to(self, path: str, **query: str) -> str:
        """Return the address of another page in the same language."""
        found = f"/{self.language}{path}"
        return f"{found}?{urlencode(query)}" if query else found


@dataclass(frozen=True, slots=True)
class View:
    """A page to draw.

    Attributes:
        template: file below ``templates``.
        members: what the template shows.
        status: HTTP status.
    """

    template: str
    members: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """Another page of the console to go to (303)."""

    to: str


@dataclass(frozen=True, slots=True)
class Sending:
    """A file to download.

    Attributes:
        chunks: its bytes.
        name: file name, ASCII.
        media_type: as declared; browsers are told to believe nothing else and to save it.
        size: bytes if known.
    """

    chunks: Iterator[bytes]
    name: str
    media_type: str = "application/octet-stream"
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a form goes that several pages show.

    Attributes:
        action: address that takes it.
        tag: entity tag of what it changes; empty for something new.
    """

    action: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """A draft's next version in the form that makes such drafts.

    Attributes:
        body: what the draft says now; what a form does not ask stays as it is.
        target: where the form goes.
    """

    body: Mapping[str, Any]
    target: Target


Answer: TypeAlias = View | Moved | Sending
Handler: TypeAlias = Callable[[Visit], Answer]


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        name: unique, with underscores.
        path: address below the language.
        roles: officers with one of them may open it; the policy decides all the same.
        action: the policy action that its use case asks for first.
        show: answers a look.
        act: answers a posted form; ``None`` where there is none.
        fresh: the person must have proved themselves lately (decisions).
        download: a look is answered with a file to download, or with a page that says why not.
        quiet: a script asks it; the session ends as if nobody had.
        files: its form takes files, which are read once the officer was found to be one of these.
    """

    name: str
    path: str
    roles: frozenset[str]
    action: Action
    show: Handler
    act: Handler | None = None
    fresh: bool = False
    download: bool = False
    quiet: bool = False
    files: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A way to see at most one page of a list and the next."""

    entries: Sequence[Any]
    following: str | None
