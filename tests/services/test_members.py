"""A membership is a change that two administrators confirm; a node never goes back to an older."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import ComityError, Conflict, Invalid, NotFound, Refused
from api.records import log
from api.services.desk import members
from api.services.node import Node
from api.wire.membership import Membership, compose_membership
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.looking import seen


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def refusal(code: str, kind: type[ComityError] = Conflict) -> Any:
    return pytest.raises(kind, match=code)


def following(old: Membership, *ids: str) -> Membership:
    """The next membership, with these members of the old one."""
    kept = [member for member in old.members if member.id in ids]
    return compose_membership(old.serial + 1, old.digest, kept)


def acts(node: Node) -> list[str]:
    rows = node.db.read(lambda connection: log.events_page(connection, limit=50))
    return [row.act for row in reversed(rows) if row.act.startswith("membership.")]


def test_a_new_membership_counts_once_two_confirmed_it(federation: Federation) -> None:
    us = federation[US]
    members.require_confirmed(us)
    members.require_confirmed(us)
    assert acts(us) == ["membership.adopted"]
    new = following(us.membership, US, UK)
    later = replace(us, membership=new)
    with refusal("membership.unconfirmed"):
        members.require_confirmed(later)
    admin, admin2 = federation.officer(US, "admin"), federation.officer(US, "admin2")
    proposed = members.propose(us, admin, new.raw)
    assert (proposed.difference.removed, proposed.difference.added) == ((CA,), ())
    with refusal("membership.unconfirmed"):
        members.require_confirmed(later)
    with refusal("policy.own-proposal", Refused):
        members.approve(us, admin, new.digest)
    seen(members.approve, us, admin2, new.digest)
    members.require_confirmed(later)
    assert acts(us) == [
        "membership.adopted",
        "membership.proposed",
        "membership.approved",
        "membership.adopted",
    ]
    # And never back again, with or without the file's digest entered.
    with refusal("membership.older"):
        members.require_confirmed(us)
    with refusal("membership.older"):
        members.propose(later, admin, us.membership.raw)


def test_another_file_with_the_same_serial_is_refused(federation: Federation) -> None:
    us = federation[US]
    members.require_confirmed(us)
    other = compose_membership(us.membership.serial, None, us.membership.members[:2])
    with refusal("membership.older"):
        members.require_confirmed(replace(us, membership=other))


def test_only_a_membership_with_this_ministry_and_its_keys_is_proposed(
    federation: Federation,
) -> None:
    us, admin = federation[US], federation.officer(US, "admin")
    with refusal("membership.foreign", Invalid):
        members.propose(us, admin, following(us.membership, UK, CA).raw)
    new = following(us.membership, US, CA)
    members.propose(us, admin, new.raw)
    with refusal("membership.proposed"):
        members.propose(us, federation.officer(US, "admin2"), new.raw)
    with refusal("membership.unknown", NotFound):
        members.approve(us, admin, f"sha256:{'0' * 64}")
    analyst = federation.officer(US, "analyst")
    with refusal("policy.no-permit", Refused):
        members.propose(us, analyst, new.raw)
    with refusal("policy.no-permit", Refused):
        members.approve(us, analyst, new.digest)
