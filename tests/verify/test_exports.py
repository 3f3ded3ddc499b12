"""Audit exports: two verifiers that share no code give the same verdict on every case."""

import base64
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.audit_export import ExportRefused
from api.domain.log_trust import log_policy
from api.domain.verification.export import ExportStep, verify_export
from api.tlog.ranges import range_proof
from api.wire import canonical
from api.wire.errors import WireError
from api.wire.export import layout
from api.wire.export.lines import Disclosed, format_line, parse_line, review_row
from api.wire.keys import Purpose
from api.wire.membership import Membership, compose_membership
from tests.support.campaigns import long
from tests.support.exports import (
    MEMBERS,
    VERIFIER,
    AuditedLog,
    Members,
    Verdict,
    disclosed,
    first_verdict,
    make_export,
    payload_of,
    put_together,
    reseal,
    seal_manifest,
    second_verdict,
    second_verifier,
    signed_head,
    take_apart,
)
from tests.support.signing import CA, UK, US, SealingMinistry, membership, with_bounds

SHARES = 6
"""A short run tries the first of them."""

LOG = AuditedLog()
GOOD = make_export(LOG)
FIRST = json.loads(take_apart(GOOD)[layout.ENTRIES].partition(b"\n")[0])["index"]
FILTERED = make_export(
    LOG,
    lines=[LOG.lines[index] if index % 2 else LOG.withheld(index) for index in range(5, 33)],
    filter={"acts": ["draft.created"], "limit": 3},
)


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


def both(
    second: ModuleType, data: bytes, pinned: Membership | None = MEMBERS, quorum: int = 1
) -> Verdict:
    """The verdict, on which both verifiers must agree down to the index."""
    first = first_verdict(data, pinned, quorum)
    assert second_verdict(second, data, pinned, quorum) == first
    return first


def entries(members: Members) -> list[bytes]:
    return members[layout.ENTRIES].splitlines(keepends=True)


def set_entries(members: Members, lines: list[bytes]) -> None:
    members[layout.ENTRIES] = b"".join(lines)


def edit_line(members: Members, at: int, **changes: Any) -> None:
    lines = entries(members)
    lines[at] = canonical.canonical({**json.loads(lines[at]), **changes}) + b"\n"
    set_entries(members, lines)


def removed(members: Members) -> None:
    lines = entries(members)
    set_entries(members, lines[:4] + lines[5:])


def reordered(members: Members) -> None:
    lines = entries(members)
    set_entries(members, [*lines[:4], lines[5], lines[4], *lines[6:]])


def renumbered(members: Members) -> None:
    """Remove one and number the rest anew, as a careful forger would."""
    lines = entries(members)
    left = [json.loads(line) for line in lines[:4] + lines[5:]]
    fixed = [canonical.canonical({**line, "index": 5 + at}) + b"\n" for at, line in enumerate(left)]
    set_entries(members, fixed)


def swapped_indexes(members: Members) -> None:
    lines = [json.loads(line) for line in entries(members)]
    lines[3], lines[4] = {**lines[4], "index": 8}, {**lines[3], "index": 9}
    set_entries(members, [canonical.canonical(line) + b"\n" for line in lines])


def appended(members: Members) -> None:
    line = format_line(disclosed("us-treasury", 33)._replace(index=33))
    set_entries(members, [*entries(members), line])


def altered_event(members: Members) -> None:
    line = json.loads(entries(members)[1])
    event = base64.urlsafe_b64decode(line["event"] + "==").replace(b"analyst", b"auditor")
    edit_line(members, 1, event=base64.urlsafe_b64encode(event).rstrip(b"=").decode())


def rewritten_event(members: Members) -> None:
    """Alter the event and commit to it anew."""
    lines = entries(members)
    forged = disclosed("us-treasury", 6, act="draft.approved")
    lines[1] = format_line(forged)
    set_entries(members, lines)


def of_another_log(members: Members) -> None:
    lines = entries(members)
    lines[1] = format_line(disclosed("uk-fcdo", 6))
    set_entries(members, lines)


def altered_envelope(members: Members) -> None:
    edit_line(members, 2, envelope="sha256:" + "ab" * 32)


def unmarked_erasure(members: Members) -> None:
    edit_line(members, 1, event=None, salt_e=None)


def hidden_erasure(members: Members) -> None:
    """Claim that an event was erased: its commitment stays, so the range still proves."""
    edit_line(members, 1, event=None, salt_e=None, gap="lost")


def spelled_otherwise(members: Members) -> None:
    lines = entries(members)
    lines[1] = lines[1].replace(b'","event"', b'", "event"')
    set_entries(members, lines)


def event_bits(members: Members) -> None:
    """Set an unused bit of the event's last base64url character."""
    lines = entries(members)
    text = json.loads(lines[0])["event"]
    assert len(text) % 4 == 2
    assert text[-1] in "AQgw"
    spelled = text[:-1] + chr(ord(text[-1]) + 1)
    lines[0] = lines[0].replace(text.encode(), spelled.encode())
    set_entries(members, lines)


def no_last_newline(members: Members) -> None:
    members[layout.ENTRIES] = members[layout.ENTRIES][:-1]


def other_review(members: Members) -> None:
    members[layout.REVIEW] = members[layout.REVIEW].replace(b"draft.created", b"draft.returned", 1)


def half_policy(members: Members) -> None:
    members[layout.POLICY] = log_policy(MEMBERS, "us-treasury", 1).encode()


def no_quorum(members: Members) -> None:
    lines = members[layout.POLICY].decode().splitlines()
    kept = [line for line in lines if not line.startswith(("quorum", "group partners"))]
    members[layout.POLICY] = "".join(f"{line}\n" for line in [*kept, "quorum none"]).encode()


def own_witness(members: Members) -> None:
    members[layout.POLICY] = log_policy(MEMBERS, "uk-fcdo", 2).encode()


def head_by(*cosigners: SealingMinistry) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[layout.CHECKPOINT] = LOG.head(37, cosigners)

    return change


def unknown_note_line(members: Members) -> None:
    members[layout.CHECKPOINT] += "\u2014 stranger.example AAAAAGFiYw==\n".encode()


def own_cosignature(members: Members) -> None:
    members[layout.CHECKPOINT] = LOG.head(37, (UK, CA, US))


def repeated_note_line(members: Members) -> None:
    note = members[layout.CHECKPOINT]
    members[layout.CHECKPOINT] = note + note[note.rindex("\u2014".encode()) :]


def missing_log_line(members: Members) -> None:
    lines = members[layout.CHECKPOINT].decode().split("\n")
    del lines[5]
    members[layout.CHECKPOINT] = "\n".join(lines).encode()


def false_note_line(members: Members) -> None:
    note = members[layout.CHECKPOINT]
    members[layout.CHECKPOINT] = note[:-9] + (b"A" if note[-9:-8] != b"A" else b"B") + note[-8:]


def uncosigned_root(members: Members) -> None:
    members[layout.CHECKPOINT] = signed_head(US, 37, bytes(32))


def other_size(members: Members) -> None:
    members[layout.CHECKPOINT] = LOG.head(38)


def grown_range_proof(members: Members) -> None:
    proof = json.loads(members[layout.RANGE])
    proof["right"].append("00" * 32)
    members[layout.RANGE] = canonical.canonical(proof)


def false_range_proof(members: Members) -> None:
    proof = json.loads(members[layout.RANGE])
    proof["left"][0] = "00" * 32
    members[layout.RANGE] = canonical.canonical(proof)


def short_left(members: Members) -> None:
    proof = json.loads(members[layout.RANGE])
    proof["left"].pop()
    members[layout.RANGE] = canonical.canonical(proof)


def other_range(members: Members) -> None:
    proof = json.loads(members[layout.RANGE])
    proof["to"] += 1
    members[layout.RANGE] = canonical.canonical(proof)


def loose_json(members: Members) -> None:
    members[layout.RANGE] = json.dumps(json.loads(members[layout.RANGE])).encode()


def other_keys(members: Members) -> None:
    members[layout.KEYS] = members[layout.KEYS].replace(b"us-treasury", b"uk-fcdo")


def own_membership(members: Members) -> None:
    """A membership made up by the exporter, in which it has one partner."""
    made_up = membership(US, UK)
    members[layout.MEMBERSHIP] = made_up.raw


def nothing(_: Members) -> None:
    """Change nothing."""


# What an outsider's change is refused as, and what the same change is refused as when the
# exporter itself makes it and seals the result.
CASES: list[tuple[Callable[[Members], None], Verdict, Verdict]] = [
    (removed, Verdict("export.order", 9), Verdict("export.order", 9)),
    (reordered, Verdict("export.order", 9), Verdict("export.order", 9)),
    (renumbered, Verdict("export.digest"), Verdict("export.order", 32)),
    (swapped_indexes, Verdict("export.digest"), Verdict("export.root")),
    (appended, Verdict("export.digest"), Verdict("export.order", 34)),
    (altered_event, Verdict("export.event", 6), Verdict("export.event", 6)),
    (rewritten_event, Verdict("export.digest"), Verdict("export.root")),
    (of_another_log, Verdict("export.ministry", 6), Verdict("export.ministry", 6)),
    (altered_envelope, Verdict("export.statement", 7), Verdict("export.statement", 7)),
    (unmarked_erasure, Verdict("export.line", 6), Verdict("export.line", 6)),
    (hidden_erasure, Verdict("export.digest"), Verdict("export.review")),
    (spelled_otherwise, Verdict("export.line", 6), Verdict("export.line", 6)),
    (event_bits, Verdict("export.line", 5), Verdict("export.line", 5)),
    (no_last_newline, Verdict("export.line"), Verdict("export.line")),
    (other_review, Verdict("export.digest"), Verdict("export.review")),
    (half_policy, Verdict("export.digest"), Verdict("")),
    (no_quorum, Verdict("export.digest"), Verdict("export.policy")),
    (own_witness, Verdict("export.digest"), Verdict("export.policy")),
    (head_by(UK), Verdict("export.digest"), Verdict("policy.quorum")),
    (head_by(), Verdict("export.digest"), Verdict("policy.quorum")),
    (unknown_note_line, Verdict("export.digest"), Verdict("note.unknown-line")),
    (own_cosignature, Verdict("export.digest"), Verdict("note.unknown-line")),
    (repeated_note_line, Verdict("export.digest"), Verdict("note.repeated-line")),
    (missing_log_line, Verdict("export.digest"), Verdict("checkpoint.log-signature")),
    (false_note_line, Verdict("export.digest"), Verdict("note.signature")),
    (uncosigned_root, Verdict("export.digest"), Verdict("export.root")),
    (other_size, Verdict("export.digest"), Verdict("export.tree-size")),
    (grown_range_proof, Verdict("export.digest"), Verdict("range.proof")),
    (false_range_proof, Verdict("export.digest"), Verdict("export.root")),
    (short_left, Verdict("export.digest"), Verdict("range.proof")),
    (other_range, Verdict("export.digest"), Verdict("export.range")),
    (loose_json, Verdict("export.digest"), Verdict("json.not-canonical")),
    (other_keys, Verdict("export.digest"), Verdict("export.keys")),
    (own_membership, Verdict("export.digest"), Verdict("export.membership")),
    (nothing, Verdict(""), Verdict("")),
]


def name_of(case: object) -> str:
    return getattr(case, "__name__", "")


NAMES = [f"{number}-{name_of(change)}" for number, (change, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("change", "outside", "_inside"), CASES, ids=NAMES)
def test_an_outsider_is_found_out(
    second: ModuleType, change: Callable[[Members], None], outside: Verdict, _inside: Verdict
) -> None:
    members = take_apart(GOOD)
    change(members)
    assert both(second, put_together(members)) == outside


@pytest.mark.parametrize(("change", "_outside", "inside"), CASES, ids=NAMES)
def test_the_exporter_is_found_out(
    second: ModuleType, change: Callable[[Members], None], _outside: Verdict, inside: Verdict
) -> None:
    members = take_apart(GOOD)
    change(members)
    assert both(second, reseal(members)) == inside


MANIFEST_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"left_out": 1}, "export.manifest"),
    ({"range": {"from": 5, "to": 32}}, "export.range"),
    ({"range": {"from": 33, "to": 5}}, "export.manifest"),
    ({"tree_size": 38}, "export.tree-size"),
    ({"tree_size": 32}, "export.manifest"),
    ({"ministry": "uk-fcdo"}, "key.unknown"),
    ({"ministry": "nobody"}, "membership.unknown-member"),
    ({"membership": "sha256:" + "0" * 64}, "export.membership"),
    ({"purpose": ""}, "export.manifest"),
    ({"purpose": "two\nlines"}, "export.manifest"),
    ({"made_at": "2026-11-23"}, "export.manifest"),
    ({"made_by": {}}, "export.manifest"),
    ({"made_by": {"node": "us-treasury"}}, ""),
    ({"filter": {}}, ""),
    ({"filter": {"deep": {}}}, "export.manifest"),
    ({"filter": []}, "export.manifest"),
    ({"unwitnessed": -1}, "export.manifest"),
    ({"comity": "2"}, "export.manifest"),
    ({"extra": 1}, "export.manifest"),
]


@pytest.mark.parametrize(
    ("change", "code"),
    MANIFEST_CHANGES,
    ids=[f"{n}-{next(iter(c))}" for n, (c, _) in enumerate(MANIFEST_CHANGES)],
)
def test_a_false_manifest(second: ModuleType, change: dict[str, Any], code: str) -> None:
    data = reseal(take_apart(GOOD), change=lambda payload: payload.update(change))
    assert both(second, data) == Verdict(code)


def test_a_filtered_export_proves_how_many_it_leaves_out(second: ModuleType) -> None:
    assert both(second, FILTERED) == Verdict("")
    report = verify_export(io.BytesIO(FILTERED), MEMBERS)
    assert (report.withheld, report.manifest.left_out) == (14, 14)
    fewer = reseal(take_apart(FILTERED), change=lambda payload: payload.update(left_out=13))
    assert both(second, fewer) == Verdict("export.left-out")
    unfiltered = reseal(take_apart(FILTERED), change=lambda p: p.update(left_out=0, filter=None))
    assert both(second, unfiltered) == Verdict("export.left-out")
    members = take_apart(FILTERED)
    edit_line(members, 1, leaf="00" * 32)
    assert both(second, reseal(members)) == Verdict("export.root")


def test_seal_of_another_ministry(second: ModuleType) -> None:
    assert both(second, reseal(take_apart(GOOD), UK)) == Verdict("key.unknown")


def test_seal_of_another_payload(second: ModuleType) -> None:
    members = take_apart(GOOD)
    envelope = json.loads(members[layout.MANIFEST])
    other = json.loads(
        seal_manifest(US, canonical.canonical({**payload_of(members), "purpose": "x"}))
    )
    envelope["signatures"] = other["signatures"]
    members[layout.MANIFEST] = canonical.canonical(envelope)
    assert both(second, put_together(members)) == Verdict("signature.false")
    envelope["signatures"] = envelope["signatures"][:1]
    members[layout.MANIFEST] = canonical.canonical(envelope)
    assert both(second, put_together(members)) == Verdict("envelope.signatures")


def test_unlisted_and_revoked_keys(second: ModuleType) -> None:
    stranger = SealingMinistry("us-treasury", "US", epoch="second")
    after = compose_membership(2, MEMBERS.digest, [m.member() for m in (stranger, UK, CA)])
    assert both(second, GOOD, after) == Verdict("export.unlisted")
    fewer = compose_membership(2, MEMBERS.digest, [m.member() for m in (US, UK)])
    assert both(second, GOOD, fewer) == Verdict("export.unlisted")
    same = compose_membership(2, MEMBERS.digest, [m.member() for m in (US, UK, CA)])
    assert both(second, GOOD, same) == Verdict("")
    later = compose_membership(3, same.digest, [m.member() for m in (US, UK, CA)])
    assert both(second, GOOD, later) == Verdict("export.membership")
    log_key = US.records_for(Purpose.LOG)[0].kid
    revoked = with_bounds(same, {log_key: {"revoked_from": 5}})
    assert both(second, GOOD, revoked) == Verdict("export.unlisted")
    seal_key = US.records_for(Purpose.SEAL)[0].kid
    retired = with_bounds(same, {seal_key: {"until": 50}})
    assert both(second, GOOD, retired) == Verdict("time-unproven")


def test_the_reader_may_ask_for_more_partners(second: ModuleType) -> None:
    one = make_export(LOG, threshold=1, checkpoint=LOG.head(37, (CA,)))
    assert both(second, one) == Verdict("")
    assert both(second, one, quorum=2) == Verdict("export.quorum")
    assert both(second, GOOD, quorum=9) == Verdict("")


def test_a_ministry_without_partners(second: ModuleType) -> None:
    alone = membership(US)
    data = make_export(LOG, membership=alone, threshold=0, checkpoint=LOG.head(37, ()))
    assert both(second, data, alone) == Verdict("")


@pytest.mark.parametrize(
    ("change", "reached"),
    [
        (other_keys, ExportStep.POLICY),
        (head_by(UK), ExportStep.HEAD),
        (swapped_indexes, ExportStep.ENTRIES),
        (other_review, ExportStep.REVIEW),
    ],
    ids=["keys", "head", "entries", "review"],
)
def test_the_steps_before_the_one_that_failed_are_told(
    change: Callable[[Members], None], reached: ExportStep
) -> None:
    members = take_apart(GOOD)
    change(members)
    passed: list[ExportStep] = []
    with pytest.raises(ExportRefused):
        verify_export(io.BytesIO(reseal(members)), MEMBERS, passed=passed.append)
    assert passed == list(ExportStep)[: list(ExportStep).index(reached)]


def test_integrity_alone_is_said_to_prove_no_origin(second: ModuleType) -> None:
    assert both(second, GOOD, None) == Verdict("")
    assert not verify_export(io.BytesIO(GOOD), None).origin_proven
    assert verify_export(io.BytesIO(GOOD), MEMBERS).origin_proven


@pytest.mark.parametrize(
    ("start", "end", "size"), [(0, 40, 40), (0, 0, 1), (7, 7, 9), (39, 40, 40)]
)
def test_every_range_can_be_exported(second: ModuleType, start: int, end: int, size: int) -> None:
    data = make_export(LOG, start, end, size, streams=b"{}")
    assert both(second, data) == Verdict("")


@pytest.mark.parametrize("share", [0, *long(*range(1, SHARES))])
def test_every_changed_byte_is_refused(second: ModuleType, share: int) -> None:
    data = make_export(LOG, 30, 33, 37)
    step = max(1, len(data) // 900)
    places = {*range(0, len(data), step), *range(len(data) - 1200, len(data)), *range(400)}
    for at in sorted(places)[share::SHARES]:
        spoilt = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        assert first_verdict(spoilt, MEMBERS).code, at
    directory = range(len(data) - 1200, len(data))
    for at in sorted({*sorted(places)[::9], *directory})[share::SHARES]:
        spoilt = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        assert both(second, spoilt).code, at


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b"\x00",
        lambda data: b"\x00" + data,
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:0],
        lambda data: data[:2],
        lambda data: data[:-2] + b"\x01\x00" + b"x",
        lambda data: data[:-22] + data[-22:].replace(b"PK", b"PX"),
    ],
    ids=["behind", "before", "cut", "half", "empty", "short", "comment", "end"],
)
def test_data_around_the_members_is_refused(
    second: ModuleType, spoil: Callable[[bytes], bytes]
) -> None:
    assert both(second, spoil(GOOD)) == Verdict("container.malformed")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_was_packed_anew_is_refused_for_what_is_wrong_inside(
    second: ModuleType, method: int
) -> None:
    """Somebody unpacks, edits and packs again with any zip program; the reason is the edit."""
    members = take_apart(GOOD)

    def packed(changed: Mapping[str, bytes], *more: tuple[str, bytes]) -> Verdict:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", method) as archive:
            for name, data in [*sorted(changed.items()), *more]:
                archive.writestr(name, data)
        return both(second, target.getvalue())

    assert packed(members) == Verdict("container.malformed")
    lines = entries(members)
    for changed, code in (
        (lines[:7] + lines[8:], "export.order"),
        ([*lines[:7], lines[8], lines[7], *lines[9:]], "export.order"),
        ([*lines[:7], lines[7].replace(b'"event":"e', b'"event":"f'), *lines[8:]], "export.event"),
    ):
        assert packed({**members, layout.ENTRIES: b"".join(changed)}) == Verdict(code, FIRST + 7)
    assert packed({**members, layout.POLICY: b"quorum none\n"}) == Verdict("export.digest")
    assert packed(members, ("more.txt", b"x")) == Verdict("export.members")
    assert packed(members, ("../more.txt", b"x")) == Verdict("container.member")
    with pytest.warns(UserWarning, match="Duplicate"):
        again = packed(members, (layout.POLICY, b"x"))
    assert again == Verdict("container.malformed")
    bomb = packed(members, ("more.txt", bytes(65 << 20)))
    assert bomb == Verdict("container.malformed")


def test_members_missing_added_or_out_of_order(second: ModuleType) -> None:
    members = take_apart(GOOD)
    without = {name: data for name, data in members.items() if name != layout.GUIDE}
    assert both(second, put_together(without)) == Verdict("export.members")
    assert both(second, put_together({**members, "more": b""})) == Verdict("export.members")
    turned = dict(reversed(members.items()))
    assert both(second, put_together(turned)) == Verdict("export.members")
    bare = {name: data for name, data in members.items() if name != layout.MANIFEST}
    assert both(second, put_together(bare)) == Verdict("container.missing")


def test_review_cells_run_nothing() -> None:
    names = ['=cmd|"/c calc"!A1', "+1", "-1", "@x", "\t=1", "\r=1", "plain", 'a "b"']
    log = AuditedLog(size=20)
    lines = [
        disclosed("us-treasury", at, object={"kind": "draft", "id": name, "version": -7})
        for at, name in enumerate(names)
    ]
    log.lines[: len(lines)] = lines
    log.tree = type(log.tree)()
    log.tree.append([log.leaf(at) for at in range(20)])
    rows = take_apart(make_export(log, 0, 8, 20))[layout.REVIEW].decode()
    assert '"\'=cmd|""/c calc""!A1"' in rows
    assert '"\'-7"' in rows
    assert '"a ""b"""' in rows
    assert not re.search(r'(^|,)"[=+@\t\r]', rows)


def test_the_writer_seals_nothing_that_does_not_verify() -> None:
    sealed: list[bytes] = []

    def attempt(**changes: Any) -> str:
        try:
            make_export(LOG, **changes)
        except ExportRefused as refusal:
            return refusal.code
        sealed.append(b"")
        return ""

    assert attempt(lines=LOG.lines[5:32]) == "export.root"
    assert attempt(lines=[*LOG.lines[5:20], *LOG.lines[21:33]]) == "export.order"
    forged = [*LOG.lines[5:20], disclosed("us-treasury", 20, act="x"), *LOG.lines[21:33]]
    assert attempt(lines=forged) == "export.root"
    assert attempt(checkpoint=LOG.head(37, (UK,))) == "policy.quorum"
    assert attempt(left=()) == "range.proof"
    assert attempt(purpose="") == "export.manifest"
    assert attempt(threshold=3) == "policy.threshold"
    assert sealed == []


def test_lines_read_back_and_refuse_other_forms() -> None:
    for line in LOG.lines[:12]:
        assert parse_line(format_line(line)[:-1]) == line
    first = LOG.lines[0]
    assert isinstance(first, Disclosed)
    for broken in (
        first._replace(salt_e=None),
        first._replace(gap="erased"),
        first._replace(e="short"),
        first._replace(index=-1),
        first._replace(s=f'{first.s}","s":"{first.s}'),
        first._replace(envelope="00" * 32),
        first._replace(event=b"x" * (1 << 20)),
        first._replace(event=b""),
    ):
        with pytest.raises(ValueError, match=r"export\.line"):
            format_line(broken)


@given(st.data())
def test_the_quick_reader_of_events_accepts_what_json_accepts(data: st.DataObject) -> None:
    whole = disclosed("us-treasury", 1).event or b""
    at = data.draw(st.sampled_from([each.end() for each in re.finditer(b'"', whole)]))
    odd = st.sampled_from(ODD_EVENTS) | st.binary(max_size=6)
    event = whole[:at] + data.draw(odd) + whole[at + data.draw(st.sampled_from((0, 0, 1))) :]
    try:
        read = json.loads(event.decode())
    except ValueError:
        read = None
    sound = isinstance(read, dict) and read.get("ministry") == "us-treasury"
    line = disclosed("us-treasury", 1)._replace(event=event)
    try:
        row = review_row(line, "us-treasury")
    except WireError:
        assert not sound
    else:
        assert sound
        assert isinstance(read, dict)
        plain = canonical_text(read)
        assert review_row(line._replace(event=plain), "us-treasury") == row


def canonical_text(value: object) -> bytes:
    """As Python's own writer has it; the escapes keep incomplete characters."""
    return json.dumps(value).encode()


ODD_EVENTS = [
    rb"\ud800",
    rb"\ud83d\ude00",
    b'","act":"',
    b"NaN",
    b"1e400",
    b"-0",
    b"[" * 300 + b"]" * 300,
    b',"x":' + b"[" * 300 + b"]" * 300,
    b',"x":1e999',
    b',"x":' + b"1" * 400,
    b"\x7f",
    b"\xed\xa0\x80",
]


def test_progress_is_told_and_memory_is_bounded() -> None:
    seen: list[tuple[int, int]] = []
    log = AuditedLog(size=9000)
    data = make_export(log, 0, 9000, 9000)
    report = verify_export(
        io.BytesIO(data), MEMBERS, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(4096, 9000), (8192, 9000)]
    assert (report.disclosed, report.gaps, report.withheld) == (8999, 1, 0)
    assert report.cosigners == ("ca-gac.example/log/witness", "uk-fcdo.example/log/witness")


def run_alone(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The one file, copied away and run by itself."""
    program = folder / "verifier.py"
    program.write_bytes(VERIFIER.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(program), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    report: dict[str, Any] = json.loads(done.stdout or "{}")
    return done.returncode, report


def test_the_one_file_verifier_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "export.zip").write_bytes(GOOD)
    (tmp_path / "membership.json").write_bytes(MEMBERS.raw)
    status, report = run_alone(tmp_path, "export.zip", "--membership", "membership.json")
    assert (status, report["ok"], report["to"], report["gaps"]) == (0, True, 33, 1)
    assert report["cosigned_by"] == ["uk-fcdo", "ca-gac"]
    status, report = run_alone(tmp_path, "export.zip")
    assert (status, report["code"]) == (3, "origin-unproven")
    status, report = run_alone(tmp_path, "export.zip", "--integrity-only")
    assert (status, report["origin_proven"]) == (0, False)
    members = take_apart(GOOD)
    removed(members)
    (tmp_path / "export.zip").write_bytes(put_together(members))
    status, report = run_alone(tmp_path, "export.zip", "--membership", "membership.json")
    assert (status, report["code"], report["index"]) == (3, "export.order", 9)
    assert run_alone(tmp_path)[0] == 2


def test_the_one_file_verifier_shares_no_code() -> None:
    source = VERIFIER.read_text()
    imported = set(re.findall(r"^(?:from|import) ([a-z0-9_]+)", source, re.MULTILINE))
    assert imported - {"cryptography"} <= set(sys.stdlib_module_names)


def test_the_two_are_not_the_same_program() -> None:
    """No long line of the node's code stands in the second verifier."""
    source = VERIFIER.read_text()
    api = Path(VERIFIER).parents[2] / "api"
    own = {
        line.strip()
        for part in ("wire", "tlog", "domain")
        for path in sorted((api / part).glob("*.py"))
        for line in path.read_text().splitlines()
        if len(line.strip()) > 60 and not line.strip().startswith(("from ", '"""', "#"))
    }
    shared = [line for line in map(str.strip, source.splitlines()) if line in own]
    assert len(shared) <= 4, shared


def test_left_hashes_are_those_of_the_documented_range() -> None:
    left, right = range_proof(5, 33, 37, LOG.tree)
    proof = json.loads(take_apart(GOOD)[layout.RANGE])
    assert proof["left"] == [item.hex() for item in left]
    assert proof["right"] == [item.hex() for item in right]
    assert (len(left), len(right)) == (2, 3)


@pytest.mark.parametrize("lacking", ["mldsa", ""])
def test_a_machine_without_the_library_is_told_what_to_install(
    lacking: str, tmp_path: Path
) -> None:
    """A stand-in of the library as older editions are, without ML-DSA; then none at all."""
    if lacking:
        inner = tmp_path / "cryptography" / "hazmat" / "primitives" / "asymmetric"
        inner.mkdir(parents=True)
        (tmp_path / "cryptography" / "exceptions.py").write_text("class InvalidSignature: ...\n")
        (inner.parent / "hashes.py").touch()
        for name in ("ec", "ed25519", "utils"):
            (inner / f"{name}.py").touch()
    done = subprocess.run(
        [sys.executable, "-S", VERIFIER, "anything.zip"],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith("Install cryptography 50 or newer: nothing was verified (")
    assert "cryptography" in said.partition("(")[2]
    assert lacking in said
