"""Statements for tests of the domain: well-formed bodies, real ids, no signatures."""

from collections.abc import Mapping
from typing import Any

from api.domain.threads.sequences import Record, next_place
from api.wire.bodies import validate_body
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.statements import Place, Seen, Statement
from tests.support.bodies import PERSON, UNTIL, body
from tests.support.bodies import digest as named

ISSUED = "2026-11-23T12:00:00.000Z"
US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
NOWHERE = Place(0)


def statement(
    type_: str,
    members: Mapping[str, Any],
    *,
    issuer: str = US,
    to: tuple[str, ...] = (UK,),
    thread: str | None = None,
    place: Place = NOWHERE,
    mark: str = "",
) -> Statement:
    """A statement whose id is the digest of its members; `mark` makes equal ones differ."""
    validate_body(type_, dict(members))
    seen = None if place.seen is None else [place.seen.seq, place.seen.id]
    payload = canonical(
        [type_, dict(members), issuer, list(to), thread, place.seq, place.prev, seen, mark]
    )
    return Statement(
        id=digest(payload),
        type=type_,
        issuer=issuer,
        issued_at=ISSUED,
        nonce="AAAAAAAAAAAAAAAAAAAAAA",
        to=to,
        by=None,
        body=dict(members),
        thread=thread,
        seq=place.seq or None,
        prev=place.prev,
        seen=place.seen,
        payload=payload,
    )


def person(key: str, name: str = "") -> dict[str, Any]:
    """A keyed subject whose name follows its key unless given."""
    return {**PERSON, "key": key, "names": [{"text": name or f"Person {key}"}]}


def opener(
    keys: tuple[str, ...] = ("s1", "s2"),
    *,
    issuer: str = US,
    to: str = UK,
    mark: str = "",
    **changes: Any,
) -> Statement:
    """A mirror request for persons with these keys, each with a designation of its own."""
    members = body(
        "mirror-request/1",
        subjects=[person(key) for key in keys],
        designations={key: named(f"d{key[1:]}") for key in keys},
        regimes=dict.fromkeys(keys, "UK-GHR"),
        respond_by=UNTIL,
    )
    return statement(
        "mirror-request/1",
        {**members, **changes},
        issuer=issuer,
        to=(to,),
        place=Place(1),
        mark=mark,
    )


def following(
    record: Record,
    issuer: str,
    type_: str,
    members: Mapping[str, Any],
    *,
    seen: int | None = None,
    mark: str = "",
) -> Statement:
    """The issuer's next statement; `seen` lowers how much of the counterpart it has seen."""
    seq, prev, head = next_place(record, issuer)
    other = record.addressee if issuer == record.opener.issuer else record.requester
    count = (head.seq if head else 0) if seen is None else seen
    declared = Seen(count, other[count - 1].id) if count else None
    parties = {record.opener.issuer, *record.opener.to}
    return statement(
        type_,
        members,
        issuer=issuer,
        to=tuple(parties - {issuer}),
        thread=record.opener.id,
        place=Place(seq, prev, declared),
        mark=mark,
    )


def said(
    record: Record, issuer: str, type_: str, seen: int | None = None, **members: Any
) -> Record:
    """The record after the issuer's next statement, legal or not."""
    return record.adding(following(record, issuer, f"mirror-{type_}/1", members, seen=seen))


def finding(key: str, kind: str = "mirror", **changes: Any) -> dict[str, Any]:
    """Members of a finding on a subject."""
    regime = {"regime": "UK-GHR"} if kind.startswith("mirror") else {}
    members = {"subject": key, "finding": kind, "reasons": {"releasable": "Because."}}
    return {**members, **regime, "relies_on": [], **changes}
