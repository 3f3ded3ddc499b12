import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.domain.verification.content import Draft
from api.domain.verification.package import verify_draft, verify_package
from api.domain.verification.verdicts import DRAFT, FAILED, UNPROVEN, VERIFIED, Check, Verdict
from api.wire import package_file
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.encoding import b64u_encode
from api.wire.envelope import parse_envelope
from api.wire.keys import Purpose
from api.wire.messages import MessageKind
from api.wire.package_file import PROOF, RELEASE, STATEMENT, exhibit_name, receipt_name
from api.wire.statements import Content, prepared_bytes
from tests.support.bodies import body
from tests.support.campaigns import long
from tests.support.cases import numbered
from tests.support.package_files import FILES, Story, full, package_body, written
from tests.support.signing import (
    ANALYST,
    CA,
    REVIEWER,
    UK,
    US,
    SealingMinistry,
    Signatory,
    membership,
    with_bounds,
)

PINNED = membership()
ORDER = exhibit_name(digest(FILES["order.txt"]))


def judge(data: bytes, pinned: bytes | None = PINNED.raw, **options: Any) -> Verdict:
    return verify_package(io.BytesIO(data), pinned, **options)


def failures(verdict: Verdict) -> list[tuple[str, str | None]]:
    assert not verdict.ok
    assert verdict.verdict == FAILED
    return [(step.check.label, step.code) for step in verdict.failed]


def edited(raw: bytes, edit: Any) -> bytes:
    value = json.loads(raw)
    edit(value)
    return canonical(value)


def test_a_full_package_is_verified_step_by_step() -> None:
    verdict = judge(full().write())
    assert (verdict.ok, verdict.verdict) == (True, VERIFIED)
    assert [(int(step.check), step.ok) for step in verdict.steps] == [
        (number, True) for number in range(1, 11)
    ]
    facts: Any = verdict.facts
    assert facts["issuer"] == "us-treasury"
    assert facts["membership"] == PINNED.digest
    assert facts["proof"]["index"] == 3
    assert facts["proof"]["witnesses"] == [
        "ca-gac.example/log/witness",
        "uk-fcdo.example/log/witness",
    ]
    assert facts["release"]["recipient"] == "uk-fcdo"
    assert facts["received_by"] == ["uk-fcdo", "ca-gac"]
    assert facts["officers"][0]["signed"] is True


def test_the_verdict_is_machine_readable() -> None:
    document = json.loads(json.dumps(judge(full().write()).to_json()))
    assert document["ok"] is True
    assert document["failed"] == []
    assert [step["n"] for step in document["steps"]] == list(range(1, 11))
    assert set(document["steps"][0]) == {"n", "name", "ok", "detail"}


def test_a_bare_package_is_verified_and_what_is_absent_is_said() -> None:
    verdict = judge(Story().write())
    assert verdict.ok
    absent = [step.check for step in verdict.steps if step.ok is None]
    assert absent == [Check.RELEASE, Check.RECEIPTS, Check.PROOF]


@pytest.mark.parametrize("make", [Story, full], ids=["bare", "full"])
def test_without_a_membership_the_origin_is_unproven_and_that_fails(make: Any) -> None:
    data = make().write()
    verdict = judge(data, None)
    assert (verdict.ok, verdict.verdict, verdict.failed) == (False, UNPROVEN, ())
    assert judge(data, None, integrity_only=True).ok
    skipped = {step.check for step in verdict.steps if step.ok is None}
    assert {Check.MEMBERSHIP, Check.SEAL, Check.RECEIPTS, Check.PROOF} <= skipped


def test_integrity_only_does_not_pardon_a_false_seal() -> None:
    stranger = SealingMinistry("us-treasury", "US", "stranger")
    verdict = judge(Story(us=stranger).write(), integrity_only=True)
    assert failures(verdict) == [("seal", "key.unknown")]


def test_every_changed_byte_of_small_members_is_refused_by_a_named_step() -> None:
    """The container is written anew around each change, so its checksums agree."""
    story = full()
    big = {STATEMENT, RELEASE, receipt_name(1), receipt_name(2), PROOF}
    for name in story.members.keys() - big:
        content = story.members[name]
        for position in range(len(content)):
            changed = bytearray(content)
            changed[position] ^= 1
            verdict = judge(written(story.members | {name: bytes(changed)}))
            assert failures(verdict) == [("exhibits", "exhibit.digest")]


@pytest.mark.parametrize("share", [0, *long(1, 2, 3)])
@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (STATEMENT, {"decoding", "statement", "seal", "officers", "exhibits", "release"}),
        (RELEASE, {"decoding", "release"}),
        (receipt_name(2), {"decoding", "receipts"}),
        (PROOF, {"proof"}),
    ],
)
def test_changed_bytes_of_signed_members_are_refused(
    name: str, labels: set[str], share: int
) -> None:
    """A hundred places in each; tests/wire changes every byte of an envelope."""
    story = full()
    content = story.members[name]
    for position in range(0, len(content), len(content) // 100)[share::4]:
        changed = bytearray(content)
        changed[position] ^= 1
        verdict = judge(written(story.members | {name: bytes(changed)}))
        assert not verdict.ok, position
        assert {step.check.label for step in verdict.failed} & labels, position


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_byte_of_the_file_itself_is_refused(data: st.DataObject) -> None:
    whole = _WHOLE
    position = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = whole[:position] + bytes([whole[position] ^ flip]) + whole[position + 1 :]
    verdict = judge(changed)
    assert verdict.failed[0].check is Check.CONTAINER


_WHOLE = full().write()


def test_appended_and_prepended_bytes_are_refused() -> None:
    for changed in (_WHOLE + b"\0", b"\0" + _WHOLE, _WHOLE[:-1], b""):
        assert failures(judge(changed)) == [("container", "container.malformed")]


def test_a_malformed_membership_is_a_failed_step() -> None:
    assert failures(judge(_WHOLE, PINNED.raw + b"\n"))[0] == ("membership", "json.not-canonical")


def test_an_issuer_outside_the_membership() -> None:
    """The refusal says which membership the reader has: it may be an old one."""
    verdict = judge(Story().write(), membership(UK, CA).raw)
    assert failures(verdict) == [("seal", "membership.unknown-member")]
    (step,) = verdict.failed
    assert "The membership with serial 1 does not list" in step.detail
    proven = judge(Story().proof().write(), membership(UK, CA).raw)
    details = {step.code: step.detail for step in proven.failed}
    assert "Your membership, serial 1, does not list" in details["proof.origin"]


def test_another_ministrys_seal() -> None:
    story = Story()
    forged = SealingMinistry("us-treasury", "US", "forged")
    own = parse_envelope(story.members[STATEMENT])
    story.members[STATEMENT] = forged.seal(own.payload, own.endorsements)
    assert failures(judge(story.write())) == [("seal", "key.unknown")]


@pytest.mark.parametrize(
    ("bounds", "proven", "expected"),
    numbered(
        [
            ({"until": 9}, False, "time-unproven"),
            ({"revoked_from": 9}, False, "time-unproven"),
            ({"until": 9}, True, None),
            ({"revoked_from": 9}, True, None),
            ({"until": 3}, True, "key.retired"),
            ({"revoked_from": 3}, True, "key.revoked"),
            ({"from": 4}, True, "key.not-yet-valid"),
            ({"from": 4}, False, None),
        ]
    ),
)
@pytest.mark.parametrize("about", [STATEMENT, RELEASE])
def test_a_former_seal_key_needs_a_proof_of_time(
    bounds: dict[str, int], proven: bool, expected: str | None, about: str
) -> None:
    story = Story().release()
    if proven:
        story.proof(about)
    kid = US.records_for(Purpose.SEAL)[1].kid
    verdict = judge(story.write(), with_bounds(PINNED, {kid: bounds}).raw)
    if expected is None:
        assert verdict.ok
    else:
        assert failures(verdict) == [("seal", expected), ("release", expected)]


def test_a_proof_in_another_ministrys_log_says_nothing_about_the_issuers_time() -> None:
    story = Story().release(UK, recipient="ca-gac", originator="us-treasury", consent=digest(b"c"))
    story.proof(RELEASE, owner=UK)
    kid = US.records_for(Purpose.SEAL)[0].kid
    verdict = judge(story.write(), with_bounds(PINNED, {kid: {"until": 9}}).raw)
    assert failures(verdict) == [("seal", "time-unproven")]


def test_exhibits_are_exactly_those_listed() -> None:
    story = Story()
    more = written(story.members | {exhibit_name(digest(b"smuggled")): b"smuggled"})
    assert failures(judge(more)) == [("exhibits", "exhibit.unlisted")]
    less = written({n: c for n, c in story.members.items() if n != ORDER})
    assert failures(judge(less)) == [("exhibits", "exhibit.missing")]
    longer = written(story.members | {ORDER: FILES["order.txt"] + b" "})
    assert failures(judge(longer)) == [("exhibits", "exhibit.size")]


def test_a_package_without_exhibits() -> None:
    assert judge(Story(files={}).write()).ok


def test_reading_of_exhibits_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    judge(_WHOLE, progress=lambda done, total: seen.append((done, total)))
    total = sum(map(len, FILES.values()))
    assert seen[-1] == (total, total)
    assert len(seen) == len(FILES)


def test_the_statement_must_be_an_evidence_package() -> None:
    other = US.statement(Content("release/1", ("uk-fcdo",), body("release/1")), ANALYST)
    assert failures(judge(written({STATEMENT: other}))) == [("statement", "package.type")]
    message = Story().receipt().members[receipt_name(1)]
    assert failures(judge(written({STATEMENT: message})))[0][0] == "statement"


def test_an_officers_signature_that_is_missing() -> None:
    story = Story()
    story.members[STATEMENT] = edited(story.members[STATEMENT], lambda v: v.pop("endorsements"))
    assert failures(judge(story.write())) == [("officers", "endorsement.missing")]


@pytest.mark.parametrize(
    ("issuer", "changes", "code"),
    numbered(
        [
            (US, {"package": digest(b"other")}, "release.package"),
            (UK, {"recipient": "ca-gac"}, "release.originator"),
            (
                UK,
                {"recipient": "us-treasury", "originator": "ca-gac", "consent": digest(b"c")},
                "release.originator",
            ),
            (US, {"originator": "us-treasury", "consent": digest(b"c")}, "release.originator"),
        ]
    ),
)
def test_a_release_that_does_not_fit(
    issuer: SealingMinistry, changes: dict[str, str], code: str
) -> None:
    assert failures(judge(Story().release(issuer, **changes).write())) == [("release", code)]


def test_a_release_addressed_to_more_than_its_recipient() -> None:
    story = Story()
    content = Content(
        "release/1",
        ("uk-fcdo", "ca-gac"),
        body("release/1", package=story.package_id, recipient="uk-fcdo"),
    )
    story.members[RELEASE] = US.statement(content, ANALYST, REVIEWER)
    assert failures(judge(story.write())) == [("release", "release.recipient")]


def test_another_statement_in_place_of_the_release() -> None:
    story = Story()
    recall = body("recall/1", package=story.package_id)
    story.members[RELEASE] = US.statement(Content("recall/1", ("uk-fcdo",), recall), REVIEWER)
    assert failures(judge(story.write())) == [("release", "release.type")]


def test_an_onward_release_names_the_originator() -> None:
    story = Story().release(UK, recipient="ca-gac", originator="us-treasury", consent=digest(b"c"))
    verdict = judge(story.write())
    assert verdict.ok
    assert "onward by uk-fcdo" in verdict.steps[Check.RELEASE - 1].detail


def test_a_release_sealed_by_a_stranger() -> None:
    stranger = SealingMinistry("us-treasury", "US", "stranger")
    assert failures(judge(Story().release(stranger).write())) == [("release", "key.unknown")]


def test_receipts_are_for_this_package_and_signed_by_their_sender() -> None:
    other = Story().release().receipt(statements=[digest(b"other")])
    assert failures(judge(other.write())) == [("receipts", "receipt.statement")]
    forged = Story().receipt(by=SealingMinistry("uk-fcdo", "UK", "forged"))
    assert failures(judge(forged.write())) == [("receipts", "key.unknown")]
    story = Story()
    story.members[receipt_name(1)] = story.members[STATEMENT]
    assert failures(judge(story.write()))[0][0] == "decoding"
    held = Story().receipt(kind=MessageKind.HELD)
    assert failures(judge(held.write())) == [("decoding", "receipt.kind")]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [({"until": 3}, None), ({"revoked_from": 3}, "time-unproven")],
    ids=["retired", "revoked"],
)
def test_a_change_of_message_keys_takes_no_receipt_back(
    bounds: dict[str, int], expected: str | None
) -> None:
    """A partner must not repudiate what it receipted by changing its keys."""
    kid = UK.records_for(Purpose.MESSAGE)[0].kid
    verdict = judge(Story().receipt().write(), with_bounds(PINNED, {kid: bounds}).raw)
    if expected is None:
        assert verdict.ok
    else:
        assert failures(verdict) == [("receipts", expected)]


@pytest.mark.parametrize(
    ("bounds", "counts"),
    [({"until": 2}, False), ({"until": 100}, True), ({"from": 100}, False), ({"from": 1}, True)],
)
@pytest.mark.parametrize("purpose", [Purpose.LOG, Purpose.LOG_PQ])
def test_a_log_key_signs_heads_of_its_own_time(
    bounds: dict[str, int], counts: bool, purpose: Purpose
) -> None:
    """What is in the package file is proved by a head of less than a hundred leaves."""
    kid = US.records_for(purpose)[0].kid
    verdict = judge(Story().proof().write(), with_bounds(PINNED, {kid: bounds}).raw)
    assert verdict.ok is counts
    if not counts:
        assert failures(verdict)[0][1] in {"checkpoint.retired-key", "checkpoint.log-signature"}


def proof_edited(story: Story, old: bytes, new: bytes) -> Verdict:
    content = story.members[PROOF]
    assert old in content
    return judge(written(story.members | {PROOF: content.replace(old, new, 1)}))


def test_proofs_are_read_strictly() -> None:
    story = Story().proof()
    assert judge(story.write()).ok
    bad = story.members[PROOF]
    extra = bad.split(b"\n")[1] + b"\n"
    assert extra.startswith(b"extra ")
    for old, new in (
        (extra, b""),
        (extra, extra + extra),
        (extra, b"extra AAAA\n"),
        (b"index 3", b"index 4"),
        (b"index 3", b"index 03"),
        (b"tlog-proof@v1", b"tlog-proof@v2"),
    ):
        assert [label for label, _ in failures(proof_edited(story, old, new))] == ["proof"]


def test_a_proof_for_another_envelope() -> None:
    story = Story().release()
    story.proof(RELEASE)
    story.members.pop(RELEASE)
    assert failures(judge(story.write())) == [("proof", "proof.root-mismatch")]


def test_a_head_nobody_else_cosigned_fails() -> None:
    assert failures(judge(Story(witnesses=()).proof().write())) == [("proof", "policy.quorum")]
    assert failures(judge(Story(witnesses=(US,)).proof().write())) == [("proof", "policy.quorum")]
    assert judge(Story(witnesses=(CA,)).proof().write()).ok


def test_unknown_note_lines_fail() -> None:
    line = "\u2014 stranger.example AAAAAAAA\n".encode()
    verdict = judge(Story().proof(extra_lines=(line,)).write())
    assert failures(verdict) == [("proof", "note.unknown-line")]


def test_a_head_of_a_log_that_issued_nothing_here() -> None:
    assert failures(judge(Story().proof(owner=CA).write())) == [("proof", "proof.origin")]


def test_a_missing_log_signature_fails() -> None:
    story = Story().proof()
    lines = story.members[PROOF].decode().splitlines(keepends=True)
    own = [line for line in lines if line.startswith("\u2014 us-treasury.example/log ")]
    assert len(own) == 2
    for line in own:
        verdict = proof_edited(story, line.encode(), b"")
        assert [label for label, _ in failures(verdict)] == ["proof"]


RECORDED = Signatory("analyst-1", form="recorded")


def draft_of(signatory: Signatory = ANALYST, **changes: Any) -> dict[str, bytes]:
    found = package_body() | changes.pop("body", {})
    type_ = changes.pop("type", "evidence-package/1")
    nonce = b64u_encode(bytes(range(16)))
    content = Content(type_, (), found)
    signed = prepared_bytes(content, issuer="us-treasury", nonce=nonce)
    proof = signatory.endorse("prepared", signed)
    draft = Draft("us-treasury", nonce, content, found, signatory.officer, proof)
    return {package_file.DRAFT: draft.to_bytes()} | {
        exhibit_name(digest(data)): data for data in FILES.values()
    }


def judge_draft(members: dict[str, bytes]) -> Verdict:
    return verify_draft(io.BytesIO(written(members)))


def test_a_draft_is_intact_and_no_ministry_has_sealed_it() -> None:
    verdict = judge_draft(draft_of())
    assert (verdict.ok, verdict.verdict) == (True, DRAFT)
    taken = [step.check for step in verdict.steps if step.ok]
    assert taken == [
        Check.CONTAINER,
        Check.DECODING,
        Check.STATEMENT,
        Check.OFFICERS,
        Check.EXHIBITS,
    ]


def test_drafts_and_packages_are_not_taken_for_each_other() -> None:
    assert failures(judge(written(draft_of()))) == [("container", "container.kind")]
    assert failures(verify_draft(io.BytesIO(_WHOLE))) == [("container", "container.kind")]


def test_every_changed_byte_of_a_draft_is_refused_by_a_named_step() -> None:
    """But for the preparer's account and role: until submission nobody vouches for those."""
    members = draft_of()
    content = members[package_file.DRAFT]
    officer = canonical(ANALYST.officer.to_json())
    start = content.index(officer)
    unvouched = {
        start + officer.index(f'"{value}"'.encode()) + 1 + offset
        for value in (ANALYST.officer.iss, ANALYST.officer.sub, ANALYST.role)
        for offset in range(len(value))
    }
    for position in sorted(set(range(len(content))) - unvouched):
        changed = bytearray(content)
        changed[position] ^= 1
        verdict = judge_draft(members | {package_file.DRAFT: bytes(changed)})
        assert {step.check for step in verdict.failed} & {
            Check.DECODING,
            Check.STATEMENT,
            Check.OFFICERS,
            Check.EXHIBITS,
        }, position


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(note=1), "draft.malformed"),
            (lambda v: v.pop("endorsement"), "draft.malformed"),
            (lambda v: v.update(body=[]), "draft.malformed"),
            (lambda v: v["prepared"].pop("iss"), "statement.by"),
            (lambda v: v["endorsement"].pop("jwk"), "envelope.endorsements"),
        ]
    ),
)
def test_malformed_drafts(edit: Any, code: str) -> None:
    members = draft_of()
    members[package_file.DRAFT] = edited(members[package_file.DRAFT], edit)
    assert failures(judge_draft(members)) == [("decoding", code)]


def test_drafts_of_other_things_and_other_forms() -> None:
    assert ("statement", "draft.type") in failures(judge_draft(draft_of(type="recall/1")))
    assert judge_draft(draft_of(REVIEWER)).ok, "a passkey prepares as well as a key of one's own"
    assert ("officers", "endorsement.form") in failures(judge_draft(draft_of(RECORDED)))
    wrong = draft_of(body={"title": ""})
    assert ("statement", "statement.body") in failures(judge_draft(wrong))


def test_a_drafts_signature_covers_its_body() -> None:
    members = draft_of()
    members[package_file.DRAFT] = edited(
        members[package_file.DRAFT], lambda v: v["body"].update(title="Another title")
    )
    assert failures(judge_draft(members)) == [("officers", "endorsement.false")]
