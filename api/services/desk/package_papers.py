"""Packages prepared in the browser: written part by part, looked at whole, signed by their author.

Owns the table ``package_papers``. A paper is its author's alone: to everybody else it is not there.
It becomes a package through ``desk/evidence.submit``, with the same checks as one that a command
line built; nothing is checked less because a form was filled in.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from api.domain.errors import Conflict, Stale, TooLarge
from api.ports.policy import Action
from api.records import package_papers as records
from api.records.package_papers import PACKAGE_PAPERS, PackagePaper
from api.records.unit_of_work import Unit
from api.services import visibility
from api.services.authorising import Caller, authorise, unknown
from api.services.desk import evidence
from api.services.node import Node
from api.wire.body_faults import BodyFault, body_faults
from api.wire.encoding import b64u_encode
from api.wire.envelope import WEBAUTHN
from api.wire.statements import EVIDENCE_PACKAGE, NONCE_BYTES, Content, prepared_bytes

MOST: Final = 50
"""Papers of one officer."""

_LONGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PaperView:
    """A package in preparation.

    Attributes:
        id: 32 hex digits.
        title: as far as it has one.
        body: what is written so far.
        updated_at: when it last changed.
        tag: entity tag of this version.
    """

    id: str
    title: str
    body: Mapping[str, Any]
    updated_at: str
    tag: str


def start(node: Node, caller: Caller, body: Mapping[str, Any]) -> PaperView:
    """Begin a paper.

    Raises:
        Refused: the caller prepares no packages.
        Conflict: ``paper.too-many``.
    """
    _permit(node, caller)
    at = node.now()
    nonce = b64u_encode(node.entropy.token(NONCE_BYTES))
    paper = PackagePaper(node.entropy.identifier(), caller.person, 1, nonce, dict(body), at, at)

    def write(unit: Unit) -> None:
        unit.lock(f"papers {caller.person}")
        if len(records.of_officer(unit.connection, caller.person)) >= MOST:
            raise Conflict("paper.too-many", "Sign or set aside packages you began first.")
        unit.insert(PACKAGE_PAPERS, {**asdict(paper), "body": _paper_text(body)})

    node.db.write(write)
    return _view(paper)


def own(node: Node, caller: Caller) -> list[PaperView]:
    """Return the caller's papers, the last changed first."""
    _permit(node, caller)
    found = node.db.read(lambda connection: records.of_officer(connection, caller.person))
    return [_view(one) for one in found]


def read(node: Node, caller: Caller, paper_id: str) -> PaperView:
    """Return a paper of the caller's.

    Raises:
        NotFound: ``paper.unknown``: absent, or somebody else's.
    """
    return _view(_own(node, caller, paper_id))


def write(
    node: Node, caller: Caller, paper_id: str, tag: str, body: Mapping[str, Any]
) -> PaperView:
    """Replace what is written.

    Raises:
        Stale: ``paper.stale``: it was changed in another window.
        TooLarge: ``body.too-large``.
    """
    paper = _own(node, caller, paper_id)
    if _tag(paper) != tag:
        raise _stale()
    values = {"body": _paper_text(body), "version": paper.version + 1, "updated_at": node.now()}

    def change(unit: Unit) -> None:
        expect = {"version": paper.version}
        if unit.update(PACKAGE_PAPERS, {"id": paper_id}, values, expect=expect) is None:
            raise _stale()

    node.db.write(change)
    return read(node, caller, paper_id)


def discard(node: Node, caller: Caller, paper_id: str) -> None:
    """Set a paper aside for good; stored exhibits stay until nothing lists them."""
    _own(node, caller, paper_id)
    node.db.write(lambda unit: unit.delete(PACKAGE_PAPERS, {"id": paper_id}))


def faults(paper: PaperView) -> list[BodyFault]:
    """Return everything that keeps a paper from being signed; empty if nothing does."""
    return body_faults(EVIDENCE_PACKAGE, dict(paper.body))


def signable(node: Node, caller: Caller, paper_id: str) -> bytes:
    """Return what its author signs (PROTOCOL §9)."""
    paper = _own(node, caller, paper_id)
    content = Content(EVIDENCE_PACKAGE, (), paper.body)
    return prepared_bytes(content, issuer=node.ministry, nonce=paper.nonce)


def submit(
    node: Node, caller: Caller, paper_id: str, tag: str, signature: Mapping[str, Any]
) -> str:
    """Make the package that its author signed; returns its id.

    A crash between package and paper leaves the paper; submitting it again gives the same package.

    Raises:
        Stale: ``paper.stale``: what was signed is not what is written now.
    """
    paper = _own(node, caller, paper_id)
    if _tag(paper) != tag:
        raise _stale()
    package = evidence.submit(
        node,
        replace(caller, idempotency_key=_tag(paper)),
        {
            "issuer": node.ministry,
            "nonce": paper.nonce,
            "type": EVIDENCE_PACKAGE,
            "body": paper.body,
            "endorsement": dict(signature),
        },
    )
    node.db.write(lambda unit: unit.delete(PACKAGE_PAPERS, {"id": paper_id}))
    return package.id


def _permit(node: Node, caller: Caller) -> None:
    fresh = visibility.package_resource(node, None, frozenset(), frozenset())
    authorise(node, caller, Action.PACKAGE_SUBMIT, fresh, form=WEBAUTHN)


def _own(node: Node, caller: Caller, paper_id: str) -> PackagePaper:
    _permit(node, caller)
    found = node.db.read(lambda connection: records.by_id(connection, paper_id))
    if found is None or found.officer != caller.person:
        raise unknown("paper")
    return found


def _paper_text(body: Mapping[str, Any]) -> str:
    text = json.dumps(dict(body), ensure_ascii=False)
    if len(text.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise TooLarge("body.too-large", "This package says too much: make two of it.")
    return text


def _view(paper: PackagePaper) -> PaperView:
    title = paper.body.get("title")
    return PaperView(
        paper.id,
        title if isinstance(title, str) else "",
        paper.body,
        paper.updated_at,
        _tag(paper),
    )


def _tag(paper: PackagePaper) -> str:
    return f"{paper.id}-{paper.version}"


def _stale() -> Stale:
    return Stale("paper.stale", "It was changed in another window; open it again.")
