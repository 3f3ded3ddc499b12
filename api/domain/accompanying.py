"""What a delivered statement may bring along: a closed relation, decided by the item's type.

Owns the table of PROTOCOL §9, *What comes along*. It looks at types, ids, issuers and references
alone, before anything is believed or stored; seals, endorsements, policy and competence are judged
elsewhere, of what is left.

| item | may bring |
|---|---|
| ``release`` | exactly its package and, if onward, exactly the consent it names |
| mirror opener, amendment, effect; designation changes | ``designation/1`` and that issuer's \
amendments and delistings, of ids that the item references |
| all others | nothing |
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from api.domain.decisions import ALLOWED, Decision, refuse
from api.wire.statements import Statement
from api.wire.types import (
    AMENDMENT,
    DELISTING,
    DESIGNATION,
    EVIDENCE_PACKAGE,
    MIRROR_AMENDMENT,
    MIRROR_EFFECT,
    ONWARD_CONSENT,
    OPENER,
    RELEASE,
)

CODE: Final = "statement.accompanying"
_Rule = Callable[[Statement, Mapping[str, Statement]], Decision]


def may_bring(item: Statement, brought: Sequence[Statement]) -> Decision:
    """Whether a statement may bring these along, in any order.

    Args:
        item: the statement that is delivered.
        brought: what came under ``with``, read from the payloads and not yet verified.

    Returns:
        Allowed, or a refusal with code `statement.accompanying`.
    """
    by_id = {one.id: one for one in brought}
    if len(by_id) != len(brought) or item.id in by_id:
        return refuse(CODE, "Bring each statement once, and the item itself not at all.")
    return MAY_BRING.get(item.type, _nothing)(item, by_id)


def referenced(type_: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the designations that a statement names and may therefore bring, each once."""
    if type_ in {MIRROR_EFFECT, AMENDMENT, DELISTING}:
        return (str(body["designation"]),)
    if type_ in {OPENER, MIRROR_AMENDMENT}:
        return tuple(dict.fromkeys(str(one) for one in body.get("designations", {}).values()))
    return ()


def _nothing(_item: Statement, brought: Mapping[str, Statement]) -> Decision:
    if brought:
        return refuse(CODE, "A statement of this type brings nothing along.")
    return ALLOWED


def _package_and_consent(item: Statement, brought: Mapping[str, Statement]) -> Decision:
    wanted = {item.body["package"]: EVIDENCE_PACKAGE}
    if item.body.get("consent") is not None:
        wanted[item.body["consent"]] = ONWARD_CONSENT
    if {id_: one.type for id_, one in brought.items()} != wanted:
        return refuse(CODE, "A release brings its package and, if onward, the consent it names.")
    return ALLOWED


def _designations(item: Statement, brought: Mapping[str, Statement]) -> Decision:
    named = referenced(item.type, item.body)
    for one in brought.values():
        if one.type == DESIGNATION and one.id in named:
            continue
        of = brought.get(str(one.body.get("designation")))
        changes = one.type in {AMENDMENT, DELISTING} and of is not None and of.id in named
        if not changes or of is None or of.type != DESIGNATION or of.issuer != one.issuer:
            return refuse(CODE, "Bring designations that the statement names, with their changes.")
    return ALLOWED


MAY_BRING: Final[Mapping[str, _Rule]] = {
    RELEASE: _package_and_consent,
    OPENER: _designations,
    MIRROR_AMENDMENT: _designations,
    MIRROR_EFFECT: _designations,
    AMENDMENT: _designations,
    DELISTING: _designations,
}
"""What each type may bring; a type that is not here brings nothing."""
