"""Moves of the exchange for federation tests: designations, requests, findings, in a line each."""

import copy
import hashlib
from typing import Any

from api.domain.decisions import Decision, refuse
from api.domain.events import Act, Subject
from api.domain.threads.sequences import fold
from api.domain.threads.state import ThreadState
from api.records import statements, threads
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.desk import evidence, exhibits
from api.services.sealing import seal_statement
from api.services.statements import approving, drafting, previewing
from api.services.statements.effects import thread_record
from api.services.statements.effects.mirroring import place_of
from api.wire.statements import NONCE_BYTES, By, Content, Officer, Place, compose_statement
from tests.support.asked import counted
from tests.support.bodies import PERSON, UNTIL, body
from tests.support.federation import Federation

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
HOME = {US: "US", UK: "UK", CA: "CA"}
REGIME = {US: "US-GLOMAG", UK: "UK-GHR", CA: "CA-SEMA"}
EXHIBIT = b"an exhibit\n" * 100


def person(name: str) -> dict[str, Any]:
    """Facts of a person with one Latin name."""
    facts = {key: value for key, value in copy.deepcopy(PERSON).items() if key != "key"}
    return {**facts, "names": [{"text": name, "script": "Latn"}]}


def draft(
    federation: Federation,
    ministry: str,
    type_: str,
    to: tuple[str, ...],
    members: dict[str, Any],
    thread: str | None = None,
    *,
    by: str = "analyst",
) -> drafting.Draft:
    """A draft; types that need no approval are sealed at once."""
    content = Content(type_, to, members, thread)
    return drafting.create(federation[ministry], federation.officer(ministry, by), content)


def approve(
    federation: Federation, ministry: str, made: drafting.Draft, by: str = "reviewer"
) -> str:
    """Have a draft approved; returns the statement's id."""
    if made.state != "sealed":
        node, officer = federation[ministry], federation.officer(ministry, by)
        previewing.preview(node, officer, made.id)
        made = approving.approve_recorded(node, officer, made.id, made.digest)
    return str(made.statement)


def issue(
    federation: Federation,
    ministry: str,
    type_: str,
    to: tuple[str, ...],
    members: dict[str, Any],
    thread: str | None = None,
) -> str:
    """A statement by analyst and reviewer; returns its id."""
    return approve(federation, ministry, draft(federation, ministry, type_, to, members, thread))


def designate(
    federation: Federation,
    ministry: str,
    name: str,
    *,
    to: tuple[str, ...] = (),
    day: str = "2020-07-09",
    **members: Any,
) -> str:
    """A designation by a ministry, told to everyone else unless said otherwise."""
    others = to or tuple(one for one in (US, UK, CA) if one != ministry)
    home = HOME[ministry]
    content = body(
        "designation/1",
        **{
            "subject": person(name),
            "jurisdiction": home,
            "regime": REGIME[ministry],
            "instants": {"in_force": {"at": day, "zone": "Etc/UTC"}},
            "mirrors": [],
            **members,
        },
    )
    return issue(federation, ministry, "designation/1", others, content)


def request(
    federation: Federation,
    requester: str,
    addressee: str,
    designations: dict[str, str],
    names: dict[str, str] | None = None,
    **members: Any,
) -> str:
    """A mirror request for designations by key; returns the thread's id."""
    subjects = [
        {**person((names or {}).get(key, f"Person {designations[key][7:15]}")), "key": key}
        for key in designations
    ]
    content = body(
        "mirror-request/1",
        subjects=subjects,
        designations=designations,
        evidence=[],
        respond_by=UNTIL,
        regimes=dict.fromkeys(designations, REGIME[addressee]),
    )
    merged = {**content, **members}
    return issue(federation, requester, "mirror-request/1", (addressee,), merged)


def say(federation: Federation, ministry: str, thread: str, kind: str, **members: Any) -> str:
    """A statement in a thread, such as ``say(f, UK, thread, "closure", reason="Done.")``."""
    record = federation[ministry].db.read(lambda c: thread_record.require(c, thread))
    parties = {record.opener.issuer, *record.opener.to}
    to = tuple(sorted(parties - {ministry}))
    return issue(federation, ministry, f"mirror-{kind}/1", to, members, thread)


def find(
    federation: Federation, ministry: str, thread: str, key: str, kind: str = "mirror", **more: Any
) -> str:
    """A finding on one subject."""
    members: dict[str, Any] = {
        "subject": key,
        "finding": kind,
        "reasons": {"releasable": "Because of what was shown."},
        "relies_on": [],
        **more,
    }
    if kind.startswith("mirror"):
        members.setdefault("regime", REGIME[ministry])
    return say(federation, ministry, thread, "finding", **members)


def state(federation: Federation, ministry: str, thread: str) -> ThreadState:
    """The thread as a node computes it from its statements."""
    return fold(federation[ministry].db.read(lambda c: thread_record.require(c, thread)))


def require_rows_as_derived(federation: Federation) -> None:
    """Compare every thread's rows at every node with what follows from its whole record."""
    for node in federation:
        page = node.db.read(lambda c: threads.page(c, threads.Wanted(), limit=1000))
        for row in page:
            with counted(node.db) as asked:
                node.db.write(lambda unit, id_=row.id: _kept_whole(unit, id_))
            writes = [text for text in asked.texts if not text.startswith("SELECT")]
            assert writes == [], (node.ministry, row.id, writes)


def _kept_whole(unit: Unit, thread: str) -> None:
    record = thread_record.require(unit.connection, thread)
    thread_record.keep(unit, record, "2027-01-01T00:00:00.000Z")


def digests(federation: Federation, thread: str) -> set[str]:
    """The state digests that the nodes with this thread have stored; one if they agree."""
    rows = [node.db.read(lambda c: threads.by_id(c, thread)) for node in federation]
    return {row.state_digest for row in rows if row is not None}


def agreed(federation: Federation, thread: str) -> ThreadState:
    """The thread's state, after checking that both ends store and compute the same one."""
    federation.settle()
    assert len(digests(federation, thread)) == 1
    rows = [node.db.read(lambda c: threads.by_id(c, thread)) for node in federation]
    parties = [row.requester for row in rows if row] + [row.addressee for row in rows if row]
    ends = {ministry: state(federation, ministry, thread).to_json() for ministry in set(parties)}
    assert len(ends) == 2
    first, second = ends.values()
    assert first == second
    return state(federation, next(iter(ends)), thread)


def package(federation: Federation, ministry: str, title: str = "A package", **members: Any) -> str:
    """A submitted evidence package with one exhibit."""
    node, analyst = federation[ministry], federation.officer(ministry, "analyst")
    exhibit = EXHIBIT + title.encode()
    digest = f"sha256:{hashlib.sha256(exhibit).hexdigest()}"
    content = body("evidence-package/1", title=title)
    content["exhibits"] = [
        {
            "label": "one",
            "media_type": "text/plain",
            "size": len(exhibit),
            "digest": digest,
            "kind": "official-record",
            "source": "made for the test",
        }
    ]
    content["claims"] = [{**content["claims"][0], "exhibits": ["one"]}]
    content |= members
    exhibits.store_exhibit(node, analyst, digest, len(exhibit), iter([exhibit]))
    made = {
        "type": "evidence-package/1",
        "body": content,
        "endorsement": federation.endorse(analyst, Content("evidence-package/1", (), content)),
    }
    return evidence.submit(node, analyst, made).id


def release(federation: Federation, ministry: str, package_id: str, to: str) -> str:
    """A release of a package to one recipient; returns the release's id."""
    content = {
        "recipient": to,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [to],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }
    made = evidence.release(
        federation[ministry], federation.officer(ministry, "analyst"), package_id, content
    )
    return approve(federation, ministry, made)


def force(
    federation: Federation,
    ministry: str,
    type_: str,
    to: tuple[str, ...],
    members: dict[str, Any],
    thread: str,
    *,
    place: Place | None = None,
    hidden: bool = False,
) -> str:
    """A statement that a node seals and sends without asking its own rules; returns its id.

    Args:
        federation: the nodes.
        ministry: whose node misbehaves.
        type_: statement type.
        to: recipients.
        members: the body.
        thread: the thread it claims.
        place: its claimed place; the next one if not given.
        hidden: keep it out of the issuer's own sequence, as somebody who lies at home as well.
    """
    node = federation[ministry]
    record = node.db.read(lambda c: thread_record.require(c, thread))
    officer = Officer("https://id.example", f"{ministry}:reviewer", "reviewer", "recorded")
    statement = compose_statement(
        Content(type_, to, members, thread),
        issuer=ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=By(officer, officer),
        place=place or place_of(record, ministry),
    )
    sealed = seal_statement(node, statement)
    filed = statements.Filed(sealed.envelope, sealed.digest, "own", thread, node.now())
    row = statements.row_of(sealed.statement, filed)

    def write(unit: Unit) -> None:
        unit.insert(statements.STATEMENTS, row | ({"thread": None, "seq": None} if hidden else {}))
        if not hidden:
            thread_record.keep(unit, record.adding(sealed.statement), node.now())
        recording.post(node, unit, to, sealed.statement.id)
        entry = recording.Entry(
            act=Act.STATEMENT_ISSUED,
            subject=Subject("thread", thread),
            statement=sealed.statement.id,
            envelope_digest=sealed.digest,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
    return sealed.statement.id


def refused(code: str) -> Decision:
    """A refusal with any code, for effects that a test replaces."""
    return refuse(code, "For the test.")
