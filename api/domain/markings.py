"""Markings: who may be given what, and under which handling rules.

Owns the order of TLP 2.0 labels, releasable-to, originator control, and how two markings combine.
Must not know packages or who asks; a marking is data of a statement and comes in as a mapping
(`tlp`, `releasable_to`, `originator_control`, `permitted_use`).

Source of the labels: FIRST, Traffic Light Protocol 2.0 (August 2022). The rule that a label one
does not know is handled as the highest is ours: it fails closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from api.domain.decisions import ALLOWED, Decision, refuse

TLP_ORDER: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
"""From the widest to the narrowest circle."""

_HIGHEST: Final = TLP_ORDER[-1]
_COMMUNITY: Final = frozenset({"CLEAR", "GREEN"})


def level(tlp: str) -> int:
    """How narrow a label's circle is: 0 for CLEAR to 4 for RED; 4 for a label not known."""
    return TLP_ORDER.index(tlp) if tlp in TLP_ORDER else len(TLP_ORDER) - 1


@dataclass(frozen=True, slots=True)
class Marking:
    """The handling rules of a release.

    Args:
        tlp: a label of `TLP_ORDER`.
        releasable_to: ministries and jurisdictions that may have it; empty names nobody in
            particular, which under CLEAR and GREEN means every member.
        originator_control: whether passing it on needs the originator's consent each time.
        permitted_use: what it may be used for.
    """

    tlp: str
    releasable_to: frozenset[str]
    originator_control: bool
    permitted_use: tuple[str, ...]

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Self:
        """Read a marking; whatever is missing or unknown is taken at its narrowest."""
        tlp = members.get("tlp")
        uses = members.get("permitted_use")
        listed = members.get("releasable_to")
        return cls(
            tlp=tlp if isinstance(tlp, str) and tlp in TLP_ORDER else _HIGHEST,
            releasable_to=frozenset(listed) if isinstance(listed, list | tuple) else frozenset(),
            originator_control=members.get("originator_control") is not False,
            permitted_use=tuple(uses) if isinstance(uses, list | tuple) else (),
        )

    def to_json(self) -> dict[str, object]:
        """The marking as a statement carries it."""
        return {
            "tlp": self.tlp,
            "releasable_to": sorted(self.releasable_to),
            "originator_control": self.originator_control,
            "permitted_use": list(self.permitted_use),
        }


def may_release(marking: Mapping[str, Any], *, recipient: str, jurisdiction: str) -> Decision:
    """Whether a marking lets a package go to a recipient.

    The rules, in order:

    * whoever is listed, by ministry or by jurisdiction, may have it under any label;
    * a list that does not name the recipient closes the circle, under any label;
    * without a list, CLEAR and GREEN are for every member and the others for nobody.

    Args:
        marking: the marking as it stands in a release or consent.
        recipient: the recipient ministry's id.
        jurisdiction: the recipient's jurisdiction.

    Returns:
        Allowed, or a refusal with code `marking.not-releasable`.
    """
    rules = Marking.of(marking)
    if rules.releasable_to.intersection((recipient, jurisdiction)):
        return ALLOWED
    if not rules.releasable_to and rules.tlp in _COMMUNITY:
        return ALLOWED
    return refuse(
        "marking.not-releasable",
        "The marking does not name this recipient; name it in releasable-to, or another recipient.",
    )


def may_pass_on(
    received: Mapping[str, Any],
    proposed: Mapping[str, Any],
    *,
    consent: Mapping[str, Any] | None,
    recipient: str,
    jurisdictions: Mapping[str, str],
) -> Decision:
    """Whether a holder may pass a package on under a marking of its own.

    Args:
        received: the marking under which the holder has it.
        proposed: the marking of the onward release.
        consent: the marking in the originator's consent, or None without one.
        recipient: the new recipient ministry's id.
        jurisdictions: jurisdiction of every member, by id.

    Returns:
        Allowed, or a refusal: `marking.originator-control`, `marking.not-releasable` or
        `marking.widened`.
    """
    if consent is None and Marking.of(received).originator_control:
        return refuse(
            "marking.originator-control", "Ask the originator for its consent to pass this on."
        )
    bounds = received if consent is None else consent
    home = jurisdictions.get(recipient, "")
    allowed = may_release(bounds, recipient=recipient, jurisdiction=home)
    return allowed and within(proposed, bounds, jurisdictions)


def within(
    proposed: Mapping[str, Any], bounds: Mapping[str, Any], jurisdictions: Mapping[str, str]
) -> Decision:
    """Whether one marking is nowhere wider than another.

    Args:
        proposed: the marking to be judged.
        bounds: the marking that it must not exceed.
        jurisdictions: jurisdiction of every member, by id: a ministry is within its own.

    Returns:
        Allowed, or a refusal with code `marking.widened`.
    """
    inner, outer = Marking.of(proposed), Marking.of(bounds)
    wider = (
        level(inner.tlp) < level(outer.tlp)
        or (outer.originator_control and not inner.originator_control)
        or not _circle_within(inner, outer, jurisdictions)
        or not set(inner.permitted_use) <= set(outer.permitted_use)
    )
    if wider:
        return refuse("marking.widened", "Mark it at least as narrowly as its originator does.")
    return ALLOWED


def _circle_within(inner: Marking, outer: Marking, jurisdictions: Mapping[str, str]) -> bool:
    if outer.releasable_to:
        nobody = not inner.releasable_to and inner.tlp not in _COMMUNITY
        return nobody or (
            bool(inner.releasable_to)
            and all(
                _covered(name, outer.releasable_to, jurisdictions) for name in inner.releasable_to
            )
        )
    return outer.tlp in _COMMUNITY or not inner.releasable_to


def _covered(name: str, listed: frozenset[str], jurisdictions: Mapping[str, str]) -> bool:
    return name in listed or jurisdictions.get(name) in listed
