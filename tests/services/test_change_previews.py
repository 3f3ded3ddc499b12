"""Nobody approves a person, role, key, absence, membership, erasure or epoch without a look."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.domain.errors import Refused
from api.services.audit import auditing, erasure
from api.services.authorising import Caller
from api.services.desk import (
    delegating,
    grants,
    members,
    officer_keys,
    officers,
    regime_editions,
    relying_parties,
    suspending,
    tasks,
)
from api.services.desk.delegating import Proposed
from api.services.desk.officer_keys import NewKey
from api.services.desk.officers import NewOfficer
from api.services.desk.tasks import Scope
from api.services.node import Node
from api.services.road import epochs
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from api.wire.endorsements import officer_input, possession_bytes
from api.wire.membership import compose_membership
from tests.support.events import told_of
from tests.support.federation import ISSUER, Federation
from tests.support.looking import LOOKS
from tests.support.signing import Signatory, raw_signature

US, UK = "us-treasury", "uk-fcdo"
Approve = Callable[..., Any]


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("change-previews"))
    yield made
    made.close()


def person(federation: Federation, name: str) -> str:
    admin = federation.officer(US, "admin")
    made = officers.propose_officer(federation[US], admin, NewOfficer(name, [(ISSUER, name)]))
    return made.id


def officer(federation: Federation) -> tuple[Approve, str]:
    return officers.approve_officer, person(federation, "Somebody new")


def grant(federation: Federation) -> tuple[Approve, str]:
    analyst = federation.officer(US, "analyst2").person
    made = grants.propose_grant(
        federation[US], federation.officer(US, "admin"), analyst, "reviewer"
    )
    return grants.approve_grant, made.id


def key(federation: Federation) -> tuple[Approve, str]:
    us, caller, new = federation[US], federation.officer(US, "analyst"), Signatory("another key")
    asked = officer_keys.challenge(us, caller, "jws").challenge
    signs = officer_input(new.jwk, possession_bytes(US, ISSUER, caller.sub, asked))
    proof = b64u_encode(raw_signature(new.private, signs))
    made = officer_keys.request_key(us, caller, NewKey("jws", asked, new.jwk, proof))
    officer_keys.propose_key(us, federation.officer(US, "admin"), made.kid)
    return officer_keys.approve_key, made.kid


def suspension(federation: Federation) -> tuple[Approve, str]:
    analyst = federation.officer(US, "analyst2").person
    suspending.suspend(federation[US], federation.officer(US, "admin"), analyst)
    return suspending.confirm, analyst


def reinstatement(federation: Federation) -> tuple[Approve, str]:
    """Of whom the test before this one suspended."""
    analyst = federation.officer(US, "analyst2").person
    suspending.propose_reinstatement(federation[US], federation.officer(US, "admin"), analyst)
    return suspending.approve_reinstatement, analyst


def delegation(federation: Federation) -> tuple[Approve, str]:
    us = federation[US]
    now = us.clock.now()
    deputy = federation.officer(US, "reviewer2").person
    lent = Proposed("", deputy, "reviewer", [], now, now + timedelta(days=1), "Leave.")
    return delegating.approve, delegating.propose(us, federation.officer(US, "reviewer"), lent).id


def relying_party(federation: Federation) -> tuple[Approve, str]:
    made = relying_parties.propose(
        federation[US],
        federation.officer(US, "admin"),
        "comity.example",
        ["https://comity.example"],
    )
    return relying_parties.approve, made.id


def regime_edition(federation: Federation) -> tuple[Approve, str]:
    us = federation[US]
    later = {**us.regime_documents["UK-GHR"], "edition": "2999-01-01"}
    admin = federation.officer(US, "admin")
    return regime_editions.approve, regime_editions.propose(us, admin, canonical(later)).id


def membership(federation: Federation) -> tuple[Approve, str]:
    us = federation[US]
    old = us.membership
    kept = [each for each in old.members if each.id in {US, UK}]
    new = compose_membership(old.serial + 1, old.digest, kept)
    members.propose(us, federation.officer(US, "admin"), new.raw)
    return members.approve, new.digest


def order(federation: Federation) -> tuple[Approve, str]:
    us = federation[US]
    federation.settle()
    index = us.db.read(
        lambda c: next(
            row.leaf_index for row in told_of(c, "officer.proposed") if row.leaf_index is not None
        )
    )
    admin = federation.officer(US, "admin")
    made = erasure.propose(us, admin, erasure.NewOrder("event", str(index), "A court", "Case 1"))
    return erasure.approve, made.id


def epoch(federation: Federation) -> tuple[Approve, str]:
    epochs.propose(federation[US], federation.officer(US, "admin"), UK)
    return epochs.approve, UK


KINDS = [
    officer,
    grant,
    key,
    suspension,
    reinstatement,
    delegation,
    relying_party,
    regime_edition,
    membership,
    order,
    epoch,
]


def last_event(node: Node, act: str) -> dict[str, Any]:
    rows = node.db.read(lambda c: told_of(c, act))
    found: dict[str, Any] = json.loads(rows[-1].body or b"{}")
    return found


def waiting(federation: Federation, who: str, about: str) -> bool:
    found = tasks.tasks_page(federation[US], federation.officer(US, who), Scope.MINE, limit=100)
    return any(one.kind == "decide-change" and one.about.id == about for one in found)


@pytest.mark.parametrize("propose", KINDS, ids=lambda each: each.__name__)
def test_an_approval_of_this_kind_needs_the_approvers_own_look(
    federation: Federation, propose: Callable[[Federation], tuple[Approve, str]]
) -> None:
    us = federation[US]
    approve, about = propose(federation)
    second: Caller = federation.officer(US, "admin2")
    assert waiting(federation, "admin2", about)
    if propose is not delegation:
        assert not waiting(federation, "admin", about), "whoever proposed it waits for the other"
    assert not waiting(federation, "reviewer", about)
    with pytest.raises(Refused) as blind:
        approve(us, second, about)
    assert blind.value.code == "change.not-previewed"
    assert "comity " in blind.value.message
    # Whoever proposed it may look, and that is nobody else's look.
    LOOKS[approve](us, federation.officer(US, "admin"), about)
    with pytest.raises(Refused) as blind:
        approve(us, second, about)
    assert blind.value.code == "change.not-previewed"
    for who in ("analyst", "reviewer", "auditor"):
        with pytest.raises(Refused):
            LOOKS[approve](us, federation.officer(US, who), about)
    shown = LOOKS[approve](us, second, about)
    assert shown.facts
    look = last_event(us, "change.previewed")
    assert look["digest"] == shown.digest
    approve(us, second, about)
    assert not waiting(federation, "admin2", about)
    done = auditing.approvals(us, federation.officer(US, "auditor"))[0]
    assert (done.digest, done.object) == (shown.digest, about)
    assert done.previewed_at == look["time"]
    assert done.approver == f"{second.iss} {second.sub}"


def test_what_changed_since_the_look_is_looked_at_again(federation: Federation) -> None:
    """The role that a person got meanwhile is part of what is shown."""
    us, second = federation[US], federation.officer(US, "admin2")
    admin, newcomer = federation.officer(US, "admin"), person(federation, "Growing")
    officers.preview_officer(us, second, newcomer)
    officers.approve_officer(us, second, newcomer)
    one, other = (
        grants.propose_grant(us, admin, newcomer, role).id for role in ("analyst", "reviewer")
    )
    before = grants.preview_grant(us, second, other)
    grants.preview_grant(us, second, one)
    grants.approve_grant(us, second, one)
    with pytest.raises(Refused) as stale:
        grants.approve_grant(us, second, other)
    assert stale.value.code == "change.not-previewed"
    again = grants.preview_grant(us, second, other)
    assert again.digest != before.digest
    assert {each.name: each.value for each in again.facts}["holds"] == "analyst"
    assert grants.approve_grant(us, second, other).state == "active"
