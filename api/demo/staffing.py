"""How a new ministry gets its officers: two administrators, one act each, over the REST API.

Owns the order of these acts for one ministry; ministries are staffed side by side. The first two
administrators were named by the operator's one-time bootstrap before the node started.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from api.demo import cast, loopback
from api.demo.door import OfficerAtNode

Staff = Mapping[str, OfficerAtNode]
"""A ministry's accounts by name, such as ``reviewer2``."""


def staff_ministry(staff: Staff) -> None:
    """Add every officer, grant the roles, enrol the keys and place the passkeys of one ministry.

    Passkeys have no place where the console's address is no name.

    Args:
        staff: the ministry's accounts; the administrators' work from the start.

    Raises:
        ActFailedError: an act was refused.
    """
    officers = _add_people(staff)
    _grant_roles(staff, officers)
    _enrol_keys(staff)
    if loopback.knows_its_name():
        _place_passkeys(staff)


def _add_people(staff: Staff) -> dict[str, str]:
    """Propose and approve each person with every account of theirs; returns ids by person."""
    first, second = staff[cast.FIRST_ADMINISTRATOR], staff[cast.SECOND_ADMINISTRATOR]
    added = {}
    for seat in cast.SEATS:
        if seat.role == cast.ADMINISTRATOR or seat.person in added:
            continue
        accounts = [
            staff[each.account].account for each in cast.SEATS if each.person == seat.person
        ]
        person = {
            "name": cast.display_name(first.account.ministry, seat),
            "identities": [{"iss": each.issuer, "sub": each.subject} for each in accounts],
        }
        made = first.post(f"propose the officer {seat.person}", "/officers", person)
        _approve(second, f"the officer {seat.person}", f"/officers/{made['id']}")
        added[seat.person] = str(made["id"])
    return added


def _grant_roles(staff: Staff, officers: Mapping[str, str]) -> None:
    first, second = staff[cast.FIRST_ADMINISTRATOR], staff[cast.SECOND_ADMINISTRATOR]
    for seat in cast.SEATS:
        if seat.person not in officers:
            continue
        grant = {"officer": officers[seat.person], "role": seat.role}
        if seat.own_grant:
            grant["sub"] = staff[seat.account].account.subject
        made = first.post(f"propose {seat.role} for {seat.account}", "/role-grants", grant)
        _approve(second, f"{seat.role} for {seat.account}", f"/role-grants/{made['id']}")


def _enrol_keys(staff: Staff) -> None:
    """Every signing person asks for their own key; one administrator vouches, another approves."""
    first, second = staff[cast.FIRST_ADMINISTRATOR], staff[cast.SECOND_ADMINISTRATOR]
    for seat in cast.SEATS:
        if not seat.signs or seat.account != seat.person:
            continue
        officer = staff[seat.account]
        asked = officer.post(
            f"ask what the key of {seat.account} must sign", "/keys/challenges", {"form": "jws"}
        )
        account = officer.account
        signature = officer.key.sign_possession(
            account.ministry.id, account.issuer, account.subject, asked["challenge"]
        )
        key = {"form": "jws", "jwk": dict(officer.key.jwk), "signature": signature}
        key["challenge"] = asked["challenge"]
        made = officer.post(f"request the key of {seat.account}", "/keys", key)
        first.post(f"propose the key of {seat.account}", f"/keys/{made['kid']}/propose")
        _approve(second, f"the key of {seat.account}", f"/keys/{made['kid']}")


def _place_passkeys(staff: Staff) -> None:
    """Name the console's address as the place where passkeys count, so that officers make some."""
    first, second = staff[cast.FIRST_ADMINISTRATOR], staff[cast.SECOND_ADMINISTRATOR]
    address = first.account.node_url
    place = {"rp_id": urlsplit(address).hostname, "origins": [address]}
    made = first.post("propose where passkeys count", "/relying-parties", place)
    _approve(second, "where passkeys count", f"/relying-parties/{made['id']}")


def _approve(administrator: OfficerAtNode, what: str, path: str) -> None:
    """Look at what a colleague proposed, then approve it."""
    administrator.get(f"look at {what}", f"{path}/preview")
    administrator.post(f"approve {what}", f"{path}/approve")
