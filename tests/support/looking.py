"""An officer looks at what a colleague proposed, then decides: the two steps of every approval."""

from collections.abc import Callable
from typing import Any, Final

from api.services.audit import erasure
from api.services.desk import (
    delegating,
    grants,
    members,
    officer_keys,
    officers,
    proposals,
    regime_editions,
    relying_parties,
    suspending,
)
from api.services.log import giving_up, guard
from api.services.road import epochs

LOOKS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    officers.approve_officer: officers.preview_officer,
    grants.approve_grant: grants.preview_grant,
    officer_keys.approve_key: officer_keys.preview_key,
    suspending.confirm: suspending.preview_suspension,
    suspending.approve_reinstatement: suspending.preview_reinstatement,
    delegating.approve: delegating.preview_delegation,
    relying_parties.approve: relying_parties.preview_relying_party,
    regime_editions.approve: regime_editions.preview_regime,
    members.approve: members.preview_membership,
    erasure.approve: erasure.preview_erasure,
    epochs.approve: epochs.preview_epoch,
    guard.approve_waiver: guard.preview_waiver,
    giving_up.approve: giving_up.preview_tail,
    proposals.endorse: proposals.read,
}
"""Each decision of a second officer, and what shows that officer what it is about."""


def seen(approve: Callable[..., Any], node: Any, caller: Any, *about: Any) -> Any:
    """Look at a change and approve it, as one officer; ``about`` as the decision takes it."""
    look = LOOKS[approve]
    look(node, caller, *about[:1])
    return approve(node, caller, *about)
