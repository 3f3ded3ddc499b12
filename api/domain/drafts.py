"""Drafts: a statement in the making, and what may happen to it in which state.

Owns the life of a draft as pure decisions. Must not compose or seal anything, read a clock, or
decide who may act: the four eyes are policies (``policies/guardrails.cedar``: whoever wrote any
version approves and confirms nothing) and constraints (``records/drafts.py``).

    drafted ──approve, send──▶ sealed ──confirm──▶ sealed, confirmed
       │ ▲                                         (only where the table asks for it afterwards)
 return│ │replace
       ▼ │
    returned ──discard──▶ discarded   (also from drafted)

An approval binds the digest that was seen: another digest, or a draft that moved on, is stale.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from api.domain.errors import Conflict, Invalid, Stale


class DraftState(StrEnum):
    """Where a draft stands."""

    DRAFTED = "drafted"
    RETURNED = "returned"
    SEALED = "sealed"
    DISCARDED = "discarded"


class DraftAct(StrEnum):
    """What can happen to a draft."""

    REPLACE = "replace"
    APPROVE = "approve"
    SEND = "send"
    RETURN = "return"
    DISCARD = "discard"
    CONFIRM = "confirm"


_OPEN: Final[Mapping[DraftAct, frozenset[DraftState]]] = {
    DraftAct.REPLACE: frozenset({DraftState.DRAFTED, DraftState.RETURNED}),
    DraftAct.APPROVE: frozenset({DraftState.DRAFTED}),
    DraftAct.SEND: frozenset({DraftState.DRAFTED}),
    DraftAct.RETURN: frozenset({DraftState.DRAFTED}),
    DraftAct.DISCARD: frozenset({DraftState.DRAFTED, DraftState.RETURNED}),
    DraftAct.CONFIRM: frozenset({DraftState.SEALED}),
}


def is_open(state: DraftState, act: DraftAct) -> bool:
    """Say whether a draft's state allows an act."""
    return state in _OPEN[act]


def require_open(state: DraftState, act: DraftAct) -> None:
    """Refuse an act that the draft's state does not allow.

    Raises:
        Conflict: ``draft.<state>``.
    """
    if not is_open(state, act):
        raise Conflict(
            f"draft.{state.value}", f"This draft is {state.value}; the act comes too late."
        )


def require_seen(present: str, seen: str) -> None:
    """Refuse to decide on another version than the one that was seen.

    Args:
        present: digest (or tag) of the present version.
        seen: digest (or tag) that the officer read.

    Raises:
        Stale: ``draft.stale``.
    """
    if seen != present:
        raise stale()


def require_unconfirmed(confirm_by: str | None, confirmed_by: str | None) -> None:
    """Refuse a second look that nobody asked for, or that somebody has taken.

    Args:
        confirm_by: when it is due; ``None`` where the table asks for none.
        confirmed_by: who took it.

    Raises:
        Conflict: ``draft.not-awaiting-confirmation``, ``draft.confirmed``.
    """
    if confirm_by is None:
        raise Conflict("draft.not-awaiting-confirmation", "This statement needs no confirmation.")
    if confirmed_by is not None:
        raise Conflict("draft.confirmed", "This statement has been confirmed already.")


def require_reason(reason: str) -> None:
    """Refuse to return a draft without saying why.

    Raises:
        Invalid: ``draft.reason-missing``.
    """
    if not reason.strip():
        raise Invalid("draft.reason-missing", "Say why the draft is returned.")


def stale() -> Stale:
    """Return the refusal of an act on a version that is no longer the present one."""
    return Stale("draft.stale", "The draft changed since you read it; read it again.")
