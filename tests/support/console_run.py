"""Matters that administrators decide on at one node, so that each of their pages has one.

parts = administered(federation, ministry, object_id)    # names of addresses' parts and their values
"""

import json
from datetime import timedelta
from typing import Any

from api.domain.events import Act, Actor, Subject
from api.records import parked
from api.records.unit_of_work import Unit
from api.services import recording, sealing
from api.services.audit import audit_samples, erasure
from api.services.desk import (
    delegating,
    lists,
    members,
    recusing,
    regime_editions,
    tasks,
    watching,
)
from api.services.desk.lists import ImportTerms
from api.services.log import misbehaviour
from api.services.node import Node
from api.wire.membership import compose_membership
from api.wire.messages import MessageBody, MessageKind, compose_message
from api.wire.misbehaviour import MisbehaviourKind
from tests.support import list_files
from tests.support.federation import Federation

ACCUSED = "ca-gac"


def administered(federation: Federation, ministry: str, object_id: str) -> dict[str, str]:
    """Bring about one of each; ``object_id`` is what an officer stands aside from."""
    reviewer = federation.officer(ministry, "reviewer2")
    recusing.recuse(
        federation[ministry], reviewer, recusing.Aside("", object_id, "A relative works there.")
    )
    return {
        "officer": reviewer.person,
        "object": object_id.removeprefix("sha256:"),
        "act": "suspend",
        "delegation": lent(federation, ministry),
        "membership": proposed_membership(federation, ministry)[7:],
        "proof": accused(federation, ministry)[7:],
        "ruling": "uphold",
        "sender": ACCUSED,
        "statement": put_aside(federation, ministry)[7:],
        "settling": "retry",
        "order": ordered(federation, ministry),
        "regime_edition": edition_proposed(federation, ministry),
        "decision": "approve",
        "step": "propose",
    }


def lent(federation: Federation, ministry: str) -> str:
    """An absence that waits for an administrator; returns its id."""
    analyst = federation.officer(ministry, "analyst")
    starts = federation.clock.now() + timedelta(hours=1)
    proposed = delegating.Proposed(
        delegator="",
        delegate=federation.officer(ministry, "reviewer").person,
        role="analyst",
        acts=(),
        starts=starts,
        ends=starts + timedelta(days=14),
        reason="On leave.",
    )
    return delegating.propose(federation[ministry], analyst, proposed).id


def proposed_membership(federation: Federation, ministry: str) -> str:
    """The next membership, proposed by the second administrator; returns its digest."""
    node = federation[ministry]
    now = node.membership
    entries = list(now.members)
    following = compose_membership(now.serial + 1, now.digest, entries)
    return members.propose(node, federation.officer(ministry, "admin2"), following.raw).digest


def accused(federation: Federation, ministry: str) -> str:
    """A proof that Canada sent two messages under one number; returns its id."""
    node, accused_node = federation[ministry], federation[ACCUSED]

    def message(sequence_body: str) -> bytes:
        body = MessageBody(
            from_=ACCUSED,
            to=ministry,
            id=sequence_body * 32,
            kind=MessageKind.EPOCH,
            epoch=9,
            seq=1,
            prev=None,
            body={"ended": 8, "seq": 0, "digest": None},
            substantive_size=0,
        )
        return sealing.seal_message(accused_node, compose_message(body))

    kind = MisbehaviourKind.MESSAGE_NUMBER_REUSE
    assert misbehaviour.keep_reuse(node, ACCUSED, kind, message("a"), message("b"))
    rows = misbehaviour.kept_proofs(node, federation.officer(ministry, "admin"))
    return rows[-1].id


def put_aside(federation: Federation, ministry: str) -> str:
    """A statement of Canada that met a defect here; returns its id."""
    node = federation[ministry]
    statement = "sha256:" + "5" * 64

    def write(unit: Unit) -> None:
        unit.insert(
            parked.PARKED,
            {
                "peer": ACCUSED,
                "message": "c" * 32,
                "ordinal": 0,
                "statement": statement,
                "type": "designation/1",
                "about": None,
                "originator": None,
                "thread": None,
                "seq": None,
                "code": parked.UNDECIDABLE,
                "part": parked.Part.RECEIVE.value,
                "error": "OverflowError",
                "at": node.now(),
            },
        )
        entry = recording.Entry(
            act=Act.STATEMENT_PARKED,
            subject=Subject("statement", statement),
            actor=Actor("peer", sub=ACCUSED),
            origin="peer",
            code=parked.UNDECIDABLE,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
    return statement


def later_edition(node: Node, edition: str, regime: str = "CA-JVCFOA") -> dict[str, Any]:
    """A regime's document in force, under the name of another edition."""
    document: dict[str, Any] = json.loads(json.dumps(node.regime_documents[regime]))
    return {**document, "edition": edition}


def edition_proposed(federation: Federation, ministry: str) -> str:
    """An edition of a regime that waits for the other administrator; returns its id."""
    node, admin = federation[ministry], federation.officer(ministry, "admin2")
    document = later_edition(node, "2999-01-01") | {"reasons_required": True}
    return regime_editions.propose(node, admin, json.dumps(document).encode()).id


def ordered(federation: Federation, ministry: str) -> str:
    """A legal order to erase that waits for the other administrator; returns its id."""
    order = erasure.NewOrder("event", "1", "High Court", "CO/123/2026")
    row = erasure.propose(federation[ministry], federation.officer(ministry, "admin2"), order)
    return row.id


def published(federation: Federation, ministry: str) -> dict[str, str]:
    """A published list with two editions; returns parts of its addresses, and a regime's."""
    node, analyst = federation[ministry], federation.officer(ministry, "analyst")
    for path in (list_files.CHINA_2021, list_files.CHINA_2025):
        made = lists.import_list(node, analyst, path, ImportTerms(path.name, floor=0))
        watched(federation, ministry, f"programme:{made.edition.series.id}:SOR/2021-49")
    held = made.edition
    first = lists.edition(node, analyst, held.id, limit=1).entries[0].id
    return {
        "edition": held.id,
        "series": held.series.id,
        "watch": watched(federation, ministry, f"list:{held.series.id}:{first}"),
        "task": noticed(federation, ministry),
        "entry": first,
        "regime": "CA-JVCFOA",
    }


def watched(federation: Federation, ministry: str, ref: str) -> str:
    """A watch of an analyst on a description; returns its id."""
    analyst = federation.officer(ministry, "analyst")
    return watching.watch(federation[ministry], analyst, ref, "Whom we may follow.").id


def noticed(federation: Federation, ministry: str) -> str:
    """A notice that a list changed, which waits for the whole desk; returns the task's id."""
    node, analyst = federation[ministry], federation.officer(ministry, "analyst")
    found = tasks.tasks_page(node, analyst, tasks.Scope.MINE, limit=100)
    return next(one.id for one in found if one.closable and one.about.kind == "list")


def sampled(federation: Federation, ministry: str) -> str:
    """A sample of an auditor; returns its id."""
    auditor = federation.officer(ministry, "auditor")
    rule = audit_samples.Rule(count=3, seed="of an auditor")
    new = audit_samples.NewSample("Third quarter", rule)
    return audit_samples.save(federation[ministry], auditor, new).id
