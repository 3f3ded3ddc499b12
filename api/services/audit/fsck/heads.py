"""Signed heads and cosignatures at rest: is each what somebody really signed, and is none gone.

Owns the tables ``log_heads`` and ``cosignatures`` of the check. The roots that the heads claim are
handed on, to be compared with the tree that the leaves give (``own_log``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from api.records import log
from api.records.heads import cosignature_digest, cosigned_text
from api.records.log_rows import Cosignature, SignedHead
from api.services.audit.fsck.reading import stored_rows
from api.services.audit.fsck.scope import Scope
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.note import parse_note

_PREVIOUS: Final = re.compile(r"([1-9][0-9]{0,15}) ([0-9a-f]{64})")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HEADS = log.HEADS.name
_COSIGNATURES = log.COSIGNATURES.name
_SHOWN = select(log.HEADS.c.size).where(log.HEADS.c.served)


@dataclass(slots=True)
class Heads:
    """What the heads claim.

    Attributes:
        roots: by size, the root (32 bytes) of each head whose signatures verified.
        before: by size, the size and root (hex) of the head before it, as its row says; ``None``
            for the first.
        unread: rows whose claim about the head before could not be read.
    """

    roots: dict[int, bytes] = field(default_factory=dict)
    before: dict[int, tuple[int, str] | None] = field(default_factory=dict)
    unread: set[int] = field(default_factory=set)

    @property
    def newest(self) -> int:
        """The largest size that was signed (0 if none)."""
        return max(self.roots, default=0)

    def wanted_roots(self) -> set[int]:
        """Sizes at which the root of the tree must be known."""
        return set(self.roots) | {claim[0] for claim in self.before.values() if claim is not None}


def read_heads(scope: Scope) -> Heads:
    """Check each head and its cosignatures by themselves."""
    heads = Heads()
    lines = _lines_by_size(scope)
    met: set[int] = set()
    sizes = set(scope.connection.execute(select(log.HEADS.c.size)).scalars())
    served = scope.connection.execute(_SHOWN).scalars()
    # Where rows were tampered with, a size may be of any type.
    shown = max((size for size in served if isinstance(size, int)), default=0)
    homes = {row.digest: row for found in lines.values() for row in found}
    for row in stored_rows(
        scope, log.HEADS, SignedHead, select(log.HEADS).order_by(log.HEADS.c.size)
    ):
        met.add(row.size)
        opened = scope.trust.head(scope.me.id, row.note)
        if isinstance(opened, str) or opened.origin != scope.me.origin:
            code = opened if isinstance(opened, str) else "checkpoint.unknown-origin"
            scope.findings.add(
                "fsck.head-signature",
                _HEADS,
                [row.size],
                f"The head's note does not verify ({code}).",
                index=_last(row.size),
            )
            continue
        if row.size != opened.size and opened.size in sizes:
            detail = f"The row repeats another head's note ({opened.size})."
            scope.findings.add("fsck.head", _HEADS, [row.size], detail, index=_last(row.size))
            continue
        met.add(opened.size)
        heads.roots[opened.size] = opened.root
        _check_columns(scope, row, opened)
        _check_shown(scope, row, shown)
        _read_previous(heads, row, opened.size)
        _check_lines(scope, row, opened, lines.get(opened.size, []), homes)
    for size in set(lines) - met:
        for line in lines[size]:
            _found_line(scope, line, "The cosignature is of a head that is not there.", alone=False)
    return heads


def _last(size: int) -> int:
    """Return the last leaf of a head."""
    return max(size - 1, 0)


def _lines_by_size(scope: Scope) -> dict[int, list[Cosignature]]:
    found: dict[int, list[Cosignature]] = {}
    for row in stored_rows(scope, log.COSIGNATURES, Cosignature):
        found.setdefault(row.size, []).append(row)
    return found


def _check_columns(scope: Scope, row: SignedHead, head: Checkpoint) -> None:
    size = head.size
    if row.size != size:
        scope.findings.add(
            "fsck.head", _HEADS, [size], "This head's row is missing.", index=_last(size)
        )
        detail = f"The row says another size than the signed note ({size})."
        scope.findings.add("fsck.head", _HEADS, [row.size], detail, index=_last(size))
    elif row.root != head.root.hex():
        detail = "The row says another root than the signed note."
        scope.findings.add("fsck.head", _HEADS, [size], detail, index=_last(size))


def _check_shown(scope: Scope, row: SignedHead, newest: int) -> None:
    """Check that a head is called unshown only where nobody can have seen it.

    A crash leaves the newest heads so (``services/log/remembering.py``); showing one shows all
    before it.
    """
    if row.served:
        return
    if row.cosigned:
        detail = "The row says that the head was never shown, and partners cosigned it."
    elif row.size < newest:
        detail = "The row says that the head was never shown, and a later one was."
    else:
        return
    scope.findings.add("fsck.head", _HEADS, [row.size], detail, index=_last(row.size))


def _read_previous(heads: Heads, row: SignedHead, size: int) -> None:
    """Take the row's claim about the head before it; it is judged once all roots are known."""
    claim = row.previous
    if claim is None:
        heads.before[size] = None
        return
    match = _PREVIOUS.fullmatch(claim)
    if match is None:
        heads.unread.add(size)
    else:
        heads.before[size] = (int(match[1]), match[2])


def check_chain(scope: Scope, heads: Heads, roots: dict[int, bytes]) -> None:
    """Check that no head between the first and the newest is gone.

    Args:
        scope: the check.
        heads: what :func:`read_heads` returned.
        roots: by size, the root of the tree that the leaves give.
    """
    known = sorted(heads.roots)
    for place, size in enumerate(known):
        before = known[place - 1] if place else None
        claim = heads.before.get(size)
        if size in heads.unread:
            fits = False
        elif claim is None:
            fits = before is None
        else:
            fits = claim[0] == before and claim[1] == heads.roots[claim[0]].hex()
        if fits:
            continue
        gone = claim is not None and claim[0] < size and claim[0] not in heads.roots
        if claim is not None and gone and roots.get(claim[0], b"").hex() == claim[1]:
            detail = "A head that the next one follows is missing."
            scope.findings.add("fsck.head", _HEADS, [claim[0]], detail, index=_last(claim[0]))
        else:
            detail = "The row names another head before it than there was."
            scope.findings.add("fsck.head", _HEADS, [size], detail, index=_last(size))


def _check_lines(
    scope: Scope,
    row: SignedHead,
    head: Checkpoint,
    lines: list[Cosignature],
    homes: Mapping[str, Cosignature],
) -> None:
    """Check the cosignatures of one head: each genuine, none gone.

    Args:
        scope: the check.
        row: the head.
        head: what its note says.
        lines: the rows of its cosignatures.
        homes: every stored cosignature by its digest.
    """
    note = row.note
    listed = (row.cosigned or "").split(" ") if row.cosigned else []
    stored: set[str] = set()
    genuine = True
    for line in lines:
        cosigner = scope.trust.cosigner(note, line.line)
        named = cosignature_digest(line.cosigner, line.line)
        stored.add(named)
        known = cosigner == line.cosigner or _departed(scope, line, listed)
        if named != line.digest or not known:
            genuine = False
            _found_line(scope, line, "No such cosignature of this head by this member verifies.")
    if not genuine or cosigned_text([*stored]) == row.cosigned:
        return
    well_formed = listed == sorted(set(listed)) and all(map(_DIGEST.fullmatch, listed))
    foreign = any(
        each not in stored and each in homes and not scope.trust.cosigner(note, homes[each].line)
        for each in listed
    )
    if not well_formed or foreign or not stored < set(listed):
        detail = "The row lists other cosignatures than there are, all of which are genuine."
        scope.findings.add("fsck.head", _HEADS, [head.size], detail, index=_last(head.size))
        return
    for named in sorted(set(listed) - stored):
        detail, key = "A cosignature that its head lists is missing.", [head.size, named]
        index = _last(head.size)
        scope.findings.add("fsck.cosignature", _COSIGNATURES, key, detail, index=index)


def _found_line(scope: Scope, row: Cosignature, detail: str, *, alone: bool = True) -> None:
    key, index = [row.size, row.digest], _last(row.size)
    scope.findings.add(
        "fsck.cosignature", _COSIGNATURES, key, detail, index=index, consequent=not alone
    )


def _departed(scope: Scope, line: Cosignature, listed: list[str]) -> bool:
    """Tell whether a line is by a former member: nobody's key now, but listed as it stands."""
    if scope.trust.membership.find(line.cosigner) is not None:
        return False
    try:
        name = parse_note(f"x\n\n{line.line}\n".encode()).signatures[0].name
    except LogError:
        return False
    known = {member.witness_name for member in scope.trust.membership.members}
    return name not in known and cosignature_digest(line.cosigner, line.line) in listed
