"""Saved samples, review notes, the outside auditor's account, and retention classes."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.domain.errors import Conflict, Invalid, NotFound, Refused
from api.domain.events import Act
from api.domain.sampling import draw
from api.domain.verification.export import verify_export
from api.records import log
from api.services.audit import audit_notes, audit_samples, auditing, fsck, retention
from api.services.audit.audit_notes import NewNote
from api.services.audit.audit_samples import NewSample, Rule
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.authorising import Caller, officer_caller
from api.services.desk import grants, officers
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.statements import local_bytes
from tests.support import events, journeys
from tests.support.federation import ISSUER, Federation
from tests.support.looking import seen
from tests.support.signing import Signatory

US = "us-treasury"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    journeys.exchange(made, 2)
    journeys.witness_all(made)
    yield made
    made.close()


@pytest.fixture
def auditor(federation: Federation) -> Caller:
    return federation.officer(US, "auditor")


def newest_event(federation: Federation) -> dict[str, Any]:
    row = federation[US].db.read(lambda c: log.events_page(c, limit=1))[0]
    found: dict[str, Any] = json.loads(row.body)
    return found


def test_a_drawn_sample_can_be_drawn_again_by_others(
    federation: Federation, auditor: Caller
) -> None:
    node = federation[US]
    saved = audit_samples.save(
        node, auditor, NewSample("first look", Rule(count=5, seed="my birthday"))
    )
    assert len(saved.entries) == 5
    assert newest_event(federation)["object"]["id"] == saved.id
    # Another person, with nothing but the export's figures.
    root, size = bytes.fromhex(saved.root), saved.size
    assert tuple(draw(root, "my birthday", range(size), 5)) == saved.entries
    assert tuple(draw(root, "another seed", range(size), 5)) != saved.entries
    assert draw(root, "my birthday", range(size), 10**6) == list(range(size))
    read = audit_samples.read(node, auditor, saved.id)
    assert tuple(event.index for event in read.events) == saved.entries
    assert audit_samples.listed(node, auditor)[0].id == saved.id


def test_samples_of_acts_and_of_listed_entries(federation: Federation, auditor: Caller) -> None:
    node = federation[US]
    rule = Rule(count=2, seed="s", acts=("draft.approved", "draft.created"))
    saved = audit_samples.save(node, auditor, NewSample("drafts", rule))
    events = audit_samples.read(node, auditor, saved.id).events
    assert {event.event["act"] for event in events} <= set(rule.acts)
    listed = audit_samples.save(node, auditor, NewSample("these", entries=(4, 2, 2)))
    assert listed.entries == (2, 4)


@pytest.mark.parametrize(
    "new",
    [
        NewSample("none"),
        NewSample("beyond", entries=(10**9,)),
        NewSample("negative", entries=(-1,)),
        NewSample("too many", entries=tuple(range(1001))),
        NewSample("no count", Rule(count=0, seed="s")),
        NewSample("bad range", Rule(count=1, seed="s", start=9, end=3)),
        NewSample("nothing of it", Rule(count=1, seed="s", acts=("node.stopped",))),
    ],
    ids=lambda new: new.name,
)
def test_samples_that_are_none(federation: Federation, auditor: Caller, new: NewSample) -> None:
    with pytest.raises(Invalid):
        audit_samples.save(federation[US], auditor, new)


def test_only_auditors_sample_and_note(federation: Federation) -> None:
    node = federation[US]
    for name in ("analyst", "reviewer", "admin"):
        caller = federation.officer(US, name)
        with pytest.raises(Refused):
            audit_samples.save(node, caller, NewSample("x", entries=(1,)))
        with pytest.raises(Refused):
            audit_notes.write(node, caller, NewNote("finding", "No.", leaf=1))
        with pytest.raises(Refused):
            audit_notes.listed(node, caller)
    with pytest.raises(NotFound):
        audit_samples.read(node, federation.officer(US, "auditor"), "0" * 32)


def signed(new: NewNote, by: Signatory) -> NewNote:
    data = local_bytes(audit_notes.TYPE, new.body())
    proof = by.endorse("prepared", data).to_json()
    return NewNote(new.verdict, new.text, new.leaf, new.sample, proof)


def test_a_note_is_signed_and_can_be_found_in_the_log(
    federation: Federation, auditor: Caller
) -> None:
    node = federation[US]
    new = NewNote("finding", "Approved within four seconds of being written.", leaf=7)
    note = audit_notes.write(node, auditor, signed(new, federation.signatory(US, "auditor")))
    assert note.id == digest(canonical(note.document))
    assert newest_event(federation)["object"]["id"] == note.id
    assert note.document["by"]["form"] == "jws"
    assert note.endorsement["form"] == "jws"
    assert note.document["head"]["size"] > 7
    assert audit_notes.listed(node, auditor, leaf=7) == [note]
    assert audit_notes.listed(node, auditor, leaf=8) == []


def test_a_note_without_a_key_is_the_nodes_word(federation: Federation, auditor: Caller) -> None:
    node = federation[US]
    sample = audit_samples.save(node, auditor, NewSample("for a note", entries=(1, 2)))
    note = audit_notes.write(node, auditor, NewNote("in-order", "Both fit.", sample=sample.id))
    assert note.document["by"]["form"] == "recorded"
    assert note.endorsement is None
    assert audit_notes.listed(node, auditor, sample=sample.id) == [note]


def test_notes_that_are_refused(federation: Federation, auditor: Caller) -> None:
    node = federation[US]
    for bad in (
        NewNote("maybe", "x", leaf=1),
        NewNote("finding", " ", leaf=1),
        NewNote("finding", "x"),
        NewNote("finding", "x", leaf=1, sample="0" * 32),
    ):
        with pytest.raises(Invalid):
            audit_notes.write(node, auditor, bad)
    for unknown in (NewNote("finding", "x", leaf=10**6), NewNote("finding", "x", sample="0" * 32)):
        with pytest.raises(NotFound):
            audit_notes.write(node, auditor, unknown)
    good = NewNote("question", "Why?", leaf=1)
    with pytest.raises(Refused, match="not enrolled"):
        audit_notes.write(node, auditor, signed(good, Signatory("a stranger")))
    moved = signed(good, federation.signatory(US, "auditor"))
    with pytest.raises(WireError, match="endorsement"):
        audit_notes.write(
            node, auditor, NewNote("question", "Why?", leaf=2, endorsement=moved.endorsement)
        )


def test_an_outside_auditor_works_until_the_account_ends(federation: Federation) -> None:
    node = federation[US]
    admin, second = federation.officer(US, "admin"), federation.officer(US, "admin2")
    account = (ISSUER, "outside:auditor")
    ends = node.clock.now() + timedelta(days=30)
    person = officers.NewOfficer(
        "An accountant", [account], ends.strftime("%Y-%m-%dT%H:%M:%S.000Z"), outside=True
    )
    row = officers.propose_officer(node, admin, person)
    seen(officers.approve_officer, node, second, row.id)
    with pytest.raises(Refused):
        grants.propose_grant(node, admin, row.id, "analyst")
    grant = grants.propose_grant(node, admin, row.id, "auditor")
    seen(grants.approve_grant, node, second, grant.id)

    caller = officer_caller(node, *account, origin="rest", request="outside")
    assert auditing.events(node, caller, auditing.Wanted(), limit=3)
    with exporting.export(node, caller, Wanted("outside audit")).file as file:
        report = verify_export(io.BytesIO(file.read()), federation.membership)
    assert report.manifest.made_by["sub"] == "outside:auditor"
    sample = audit_samples.save(node, caller, NewSample("theirs", Rule(count=3, seed="outside")))
    audit_notes.write(node, caller, NewNote("in-order", "Fine.", sample=sample.id))

    federation.clock.sleep(31 * 86400)
    for work in (
        lambda: auditing.events(node, caller, auditing.Wanted(), limit=3),
        lambda: exporting.export(node, caller, Wanted("too late")),
        lambda: audit_notes.write(node, caller, NewNote("finding", "Late.", leaf=1)),
    ):
        with pytest.raises(Refused) as refusal:
            work()
        assert refusal.value.code == "policy.expired-account"


def test_all_of_it_is_bound_to_events(federation: Federation) -> None:
    federation.settle()
    trust = fsck.Trust(federation.membership)
    report = federation[US].db.read(lambda c: fsck.check(c, trust))
    assert [finding.to_json() for finding in report.findings] == []


def test_nothing_is_sampled_before_the_log_is_witnessed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = Federation(tmp_path_factory.mktemp("fresh"))
    made.step(US)
    with pytest.raises(Conflict):
        audit_samples.save(made[US], made.officer(US, "auditor"), NewSample("x", entries=(0,)))
    made.close()


CLASSES = retention.parse_classes(retention.default_file().read_text(encoding="utf-8"))


def test_every_act_has_one_retention_class() -> None:
    for act in Act:
        assert retention.class_of(CLASSES, act.value).basis


def test_what_is_due_is_listed_and_nothing_is_removed(federation: Federation) -> None:
    node = federation[US]
    today = node.clock.now()
    count = node.db.read(lambda c: len(events.sequenced(c)))
    now = node.db.read(lambda c: retention.listing(c, CLASSES, today))
    assert sum(each.due for each in now) == 0
    assert {each.kept.name for each in now} == {kept.name for kept in CLASSES}
    later = node.db.read(lambda c: retention.listing(c, CLASSES, today.replace(year=2029)))
    reading = next(each for each in later if each.kept.name == "reading")
    decisions = next(each for each in later if each.kept.name == "decisions")
    assert decisions.due == 0 < decisions.bodies
    assert reading.due == reading.bodies
    much_later = node.db.read(lambda c: retention.listing(c, CLASSES, today.replace(year=2050)))
    kept = next(each for each in much_later if each.kept.name == "the log itself")
    assert kept.due == 0
    due = next(each for each in much_later if each.kept.name == "decisions")
    assert due.due == due.bodies
    assert due.first is not None
    assert due.last is not None
    assert due.first < due.last
    assert node.db.read(lambda c: len(events.sequenced(c))) == count


def test_leap_days_and_broken_classes() -> None:
    two = retention.RetentionClass("x", 2, "y", ("a.*",))
    assert two.cutoff(datetime(2028, 2, 29, tzinfo=UTC)) == "2026-02-28T00:00:00.000Z"
    for text in (
        "",
        "[[class]]\nname = 'x'",
        "[[class]",
        "[[class]]\nname='x'\nyears=-1\nbasis=''\nacts=[]",
    ):
        with pytest.raises(Invalid):
            retention.parse_classes(text)
    with pytest.raises(Invalid, match="No retention class"):
        retention.class_of([two], "b.done")
    with pytest.raises(Invalid, match="Several"):
        retention.class_of([two, two], "a.done")
