"""Nothing meaningless is signed: unknown members and old names of zones are refused where drafted."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.domain.errors import Invalid
from api.services.desk import evidence, proposals
from api.services.statements import drafting
from api.services.statements.zones import main_names
from api.wire.errors import WireError
from api.wire.statements import Content
from tests.support import exchange
from tests.support.bodies import body
from tests.support.federation import Federation

US, UK = "us-treasury", "uk-fcdo"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("meaning"))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("member", "nearest"),
    [("embargo_until", ""), ("supersedes_relase", "supersedes_release"), ("notes", "note")],
)
def test_an_unknown_member_of_a_draft_is_refused_with_the_nearest_name(
    federation: Federation, member: str, nearest: str
) -> None:
    package = exchange.package(federation, US, f"Unknown {member}")
    content = {**body("release/1"), "package": package, "recipient": UK, member: "x"}
    with pytest.raises(WireError) as refusal:
        drafting.create(
            federation[US],
            federation.officer(US, "analyst"),
            Content("release/1", (UK,), content),
        )
    assert refusal.value.code == "statement.unknown-member"
    assert nearest in refusal.value.message


def test_a_new_version_is_judged_alike(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    package = exchange.package(federation, US, "Second version")
    content = {**body("release/1"), "package": package, "recipient": UK}
    made = drafting.create(us, analyst, Content("release/1", (UK,), content))
    with pytest.raises(WireError):
        drafting.replace_content(us, analyst, made.id, made.tag, {**content, "embargo": "x"})


@pytest.mark.parametrize(
    "change",
    [
        {"supercedes": "sha256:" + "0" * 64},
        {"claims": [{"pinpoints": ["page 3"]}]},
        {"exhibits": [{"transcript_of": "one"}]},
    ],
)
def test_a_package_with_an_unknown_member_is_not_sealed(
    federation: Federation, change: dict[str, Any]
) -> None:
    content = body("evidence-package/1")
    for name, value in change.items():
        if isinstance(value, list):
            content[name] = [{**content[name][0], **value[0]}, *content[name][1:]]
        else:
            content[name] = value
    us, analyst = federation[US], federation.officer(US, "analyst")
    made = Content("evidence-package/1", (), content)
    proof = federation.signatory(US, "analyst").prepare(made, US)
    draft = {"type": made.type, "body": content, "endorsement": proof}
    with pytest.raises(WireError) as refusal:
        evidence.submit(us, analyst, draft)
    assert refusal.value.code == "statement.unknown-member"


def test_a_proposal_is_judged_alike(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    with pytest.raises(WireError) as refusal:
        proposals.create(us, analyst, body("designation-proposal/1", mesures=["x"]))
    assert refusal.value.code == "statement.unknown-member"


@pytest.mark.parametrize("zone", ["US/Eastern", "Canada/Eastern", "EST5EDT", "GB", "UTC", "Zulu"])
def test_a_zone_that_is_a_link_is_refused_where_it_is_drafted(
    federation: Federation, zone: str
) -> None:
    content = body("designation/1")
    content["instants"] = {
        name: {**moment, "zone": zone} for name, moment in content["instants"].items()
    }
    with pytest.raises(Invalid) as refusal:
        drafting.create(
            federation[US],
            federation.officer(US, "analyst"),
            Content("designation/1", (UK,), content),
        )
    assert refusal.value.code == "instants.zone"


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Amsterdam", "Etc/UTC"])
def test_main_names_are_known(zone: str) -> None:
    assert zone in main_names()
