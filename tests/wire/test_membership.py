import json
from typing import Any

import pytest

from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.membership import compose_membership, parse_membership
from tests.support.cases import numbered
from tests.support.signing import UK, US, membership


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


def test_round_trip_and_look_up() -> None:
    found = membership()
    assert parse_membership(found.raw) == found
    assert found.digest == digest(found.raw)
    assert [member.id for member in found.members] == ["us-treasury", "uk-fcdo", "ca-gac"]
    assert found.member("uk-fcdo").witness_name == "uk-fcdo.example/log/witness"
    assert found.keys("us-treasury", Purpose.SEAL) == US.records_for(Purpose.SEAL)
    assert found.find("fr-mfa") is None
    with refused("membership.unknown-member"):
        found.member("fr-mfa")
    with refused("membership.unknown-member"):
        found.keys("US-TREASURY", Purpose.SEAL)


def test_a_later_membership_names_the_one_before() -> None:
    first = membership()
    later = compose_membership(2, first.digest, first.members)
    assert later.previous == first.digest
    for serial, previous in ((2, None), (1, first.digest)):
        with refused("membership.malformed"):
            compose_membership(serial, previous, first.members)


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(comity="2"), "membership.malformed"),
            (lambda v: v.update(extra=1), "membership.malformed"),
            (lambda v: v.pop("previous"), "membership.malformed"),
            (lambda v: v.update(serial=0), "membership.malformed"),
            (lambda v: v.update(members=[]), "membership.malformed"),
            (lambda v: v["members"][0].update(id="US"), "membership.malformed"),
            (lambda v: v["members"][0].update(id="us treasury"), "membership.malformed"),
            (lambda v: v["members"][0].update(jurisdiction="us"), "membership.malformed"),
            (lambda v: v["members"][0].update(name=""), "membership.malformed"),
            (lambda v: v["members"][0].update(name="a\u202eb"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="file:///etc"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://u:p@x"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://x/"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://x?q"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://x#f"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://x:99999"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://:80"), "membership.malformed"),
            (lambda v: v["members"][0].update(url="https://[x"), "membership.malformed"),
            (lambda v: v["members"][0].update(origin="a+b"), "membership.malformed"),
            (lambda v: v["members"][0].update(origin="a b"), "membership.malformed"),
            (lambda v: v["members"][0].update(keys=[]), "membership.malformed"),
            (lambda v: v["members"][0].update(contact="x"), "membership.malformed"),
            (lambda v: v["members"][0]["keys"][0].update(kid="x"), "key.malformed"),
            (lambda v: v["members"][1].update(id="us-treasury"), "membership.duplicate"),
            (
                lambda v: v["members"][1].update(origin="us-treasury.example/log"),
                "membership.duplicate",
            ),
            (
                lambda v: v["members"][1].update(origin="us-treasury.example/log/witness"),
                "membership.duplicate",
            ),
            (
                lambda v: v["members"][1]["keys"].append(v["members"][0]["keys"][0]),
                "membership.duplicate",
            ),
            (
                lambda v: v["members"][0]["keys"].append(v["members"][0]["keys"][0]),
                "membership.duplicate",
            ),
        ]
    ),
)
def test_refusals(edit: Any, code: str) -> None:
    value = json.loads(membership(US, UK).raw)
    edit(value)
    with refused(code):
        parse_membership(canonical(value))


def test_the_file_must_be_canonical() -> None:
    with refused("json.not-canonical"):
        parse_membership(membership().raw + b"\n")
