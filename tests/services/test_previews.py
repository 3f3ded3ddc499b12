"""What leaves is what was seen: no approval without a look at that very digest by that officer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import RowMapping

from api.domain.errors import Invalid, Refused, Stale
from api.records.log import EVENTS
from api.services.node import Node
from api.services.statements import approving, drafting, previewing
from api.services.statements.draft_form import DraftView
from api.wire.canonical import canonical
from api.wire.statements import Content
from tests.support import exchange
from tests.support.bodies import body
from tests.support.federation import Federation


def events(node: Node) -> list[RowMapping]:
    return node.db.read(lambda c: list(c.execute(select(EVENTS)).mappings()))


US, UK = "us-treasury", "uk-fcdo"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("previews"))
    yield made
    made.close()


def release(federation: Federation, title: str, **changes: Any) -> DraftView:
    package = exchange.package(federation, US, title)
    content = {**body("release/1"), "package": package, "recipient": UK, **changes}
    analyst = federation.officer(US, "analyst")
    return drafting.create(federation[US], analyst, Content("release/1", (UK,), content))


def approve(federation: Federation, made: DraftView, who: str = "reviewer") -> DraftView:
    node, officer = federation[US], federation.officer(US, who)
    return approving.approve_recorded(node, officer, made.id, made.digest)


def acts(node: Node, act: str) -> list[dict[str, Any]]:
    found = (json.loads(bytes(one["body"])) for one in events(node))
    return [one for one in found if isinstance(one, dict) and one["act"] == act]


def test_an_approval_needs_a_look(federation: Federation) -> None:
    made = release(federation, "Unseen")
    with pytest.raises(Refused) as blind:
        approve(federation, made)
    assert blind.value.code == "draft.not-previewed"
    previewing.preview(federation[US], federation.officer(US, "reviewer"), made.id)
    assert approve(federation, made).state == "sealed"


def test_somebody_elses_look_is_not_enough(federation: Federation) -> None:
    made = release(federation, "Seen by another")
    previewing.preview(federation[US], federation.officer(US, "reviewer2"), made.id)
    with pytest.raises(Refused) as blind:
        approve(federation, made, "reviewer")
    assert blind.value.code == "draft.not-previewed"


def test_a_look_at_an_earlier_version_is_not_enough(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    made = release(federation, "Moved")
    previewing.preview(us, federation.officer(US, "reviewer"), made.id)
    again = drafting.replace_content(
        us, analyst, made.id, made.tag, {**made.body, "legal_basis": "Another one."}
    )
    with pytest.raises(Stale):
        approve(federation, made)
    with pytest.raises(Refused) as blind:
        approve(federation, again)
    assert blind.value.code == "draft.not-previewed"


def test_an_own_signature_needs_a_look_too(federation: Federation) -> None:
    us, reviewer = federation[US], federation.officer(US, "reviewer")
    made = release(federation, "Signed unseen")
    kid = next(iter(reviewer.principal.key_kids))
    payload = approving.candidate(us, reviewer, made.id, "jws", kid)
    signature = federation.signatory(US, "reviewer").endorse("approved", payload).to_json()
    with pytest.raises(Refused) as blind:
        approving.approve_signed(us, reviewer, made.id, payload, signature)
    assert blind.value.code == "draft.not-previewed"


def test_the_log_says_who_approved_whose_draft_having_seen_what(federation: Federation) -> None:
    us = federation[US]
    made = release(federation, "In the log")
    previewing.preview(us, federation.officer(US, "reviewer"), made.id)
    approve(federation, made)
    (look,) = [one for one in acts(us, "draft.previewed") if one["object"]["id"] == made.id]
    (done,) = [one for one in acts(us, "draft.approved") if one["object"]["id"] == made.id]
    assert look["digest"] == done["digest"] == made.digest
    assert done["preview"] == look["id"]
    assert done["actor"]["sub"] == look["actor"]["sub"] == "us-treasury:reviewer"
    assert look["time"] < done["time"]


def test_the_preview_is_in_words(federation: Federation) -> None:
    marking = {**body("release/1")["marking"], "tlp": "CLEAR", "originator_control": False}
    made = release(federation, "In words", marking=marking)
    seen = previewing.preview(federation[US], federation.officer(US, "reviewer"), made.id)
    assert seen.digest == made.digest
    assert [(one.kind, one.title) for one in seen.words.about] == [("package", "In words")]
    assert seen.words.subjects
    assert seen.words.marking is not None
    assert seen.words.marking.tlp == "CLEAR"
    assert seen.words.texts["legal_basis"]
    assert any("CLEAR" in one for one in seen.words.unusual)
    assert any("without this ministry's consent" in one for one in seen.words.unusual)


@pytest.mark.parametrize(("schema", "warned"), [("PublicBody", True), ("Person", False)])
def test_a_request_under_an_act_that_cannot_list_a_body_says_so(
    federation: Federation, schema: str, warned: bool
) -> None:
    """What cost months in 2020 stands in the preview, with what to ask for instead."""
    fact = {"conduct": "torture", "part": "responsible", "state": "CN", "subjects": ["s1"]}
    content = body(
        "mirror-request/1",
        subjects=[{"key": "s1", "schema": schema, "names": [{"text": "A Bureau"}]}],
        designations={"s1": exchange.designate(federation, US, "A Bureau")},
        evidence=[],
        regimes={"s1": "CA-JVCFOA"},
        case_facts=[fact],
    )
    analyst = federation.officer(US, "analyst")
    made = drafting.create(
        federation[US], analyst, Content("mirror-request/1", ("ca-gac",), content)
    )
    seen = previewing.preview(federation[US], federation.officer(US, "reviewer"), made.id)
    said = [one for one in seen.words.unusual if one.startswith("A Bureau: ")]
    assert bool(said) is warned
    if warned:
        assert "CA-JVCFOA cannot list" in said[0]
        assert said[0].endswith("Instead: CA-SEMA.")


@pytest.mark.parametrize("member", ["role", "nonce", "issued_at"])
def test_the_approver_writes_nothing_of_the_statement(federation: Federation, member: str) -> None:
    """Role and nonce are the node's; the whole candidate is compared, not parts of it."""
    us, reviewer = federation[US], federation.officer(US, "reviewer")
    made = release(federation, f"Written by the approver: {member}")
    previewing.preview(us, reviewer, made.id)
    kid = next(iter(reviewer.principal.key_kids))
    value: Any = json.loads(approving.candidate(us, reviewer, made.id, "jws", kid))
    if member == "role":
        value["by"]["approved"]["role"] = "minister-of-state"
    elif member == "nonce":
        value["nonce"] = "AAAAAAAAAAAAAAAAAAAAAA"
    else:
        value["issued_at"] = "2020-01-01T00:00:00.000Z"
    payload = canonical(value)
    signature = federation.signatory(US, "reviewer").endorse("approved", payload).to_json()
    with pytest.raises((Invalid, Stale)):
        approving.approve_signed(us, reviewer, made.id, payload, signature)


def test_a_signed_version_keeps_the_nonce_of_its_draft(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    package = exchange.package(federation, US, "Signed twice")
    content = {**body("release/1"), "package": package, "recipient": UK}
    first = Content("release/1", (UK,), content)
    signatory = federation.signatory(US, "analyst")
    made = drafting.create(us, analyst, first, signatory.prepare(first, US, bytes(range(16))))
    second = Content("release/1", (UK,), {**content, "legal_basis": "Another."})
    with pytest.raises(Invalid) as other:
        drafting.replace_content(
            us, analyst, made.id, made.tag, second.body, signatory.prepare(second, US)
        )
    assert other.value.code == "draft.nonce"
    again = drafting.replace_content(
        us,
        analyst,
        made.id,
        made.tag,
        second.body,
        signatory.prepare(second, US, bytes(range(16))),
    )
    assert again.nonce == made.nonce


def test_a_nonce_serves_one_draft(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    package = exchange.package(federation, US, "One nonce")
    content = {**body("release/1"), "package": package, "recipient": UK}
    first = Content("release/1", (UK,), content)
    signatory = federation.signatory(US, "analyst")
    proof = signatory.prepare(first, US, bytes(range(1, 17)))
    drafting.create(us, analyst, first, proof)
    with pytest.raises(Exception, match="nonce") as used:
        drafting.create(us, analyst, first, proof)
    assert used.value.code == "draft.nonce-used"  # type: ignore[attr-defined]
