"""Nothing is believed because it came along (PROTOCOL §9, *What comes along*, *Parties*, *Dates*).

Three ministries; ``BadPeer`` has a member's true keys and says what it likes.
"""

from datetime import timedelta
from typing import Any

import pytest

from api.jobs.reconcile import judge_parked
from api.records import designations, packages, statements
from api.services.desk import coverage, evidence
from api.services.statements.effects import EFFECTS
from api.wire.message_bodies import Carried
from api.wire.statements import Place, Seen
from api.wire.types import NODE_TYPES, STATEMENT_TYPES, THREAD_TYPES
from tests.federation.test_bad_peer_statements import (
    NOWHERE,
    designation,
    id_of,
    knowledge,
    outcomes,
    package,
    release_of,
)
from tests.support import exchange
from tests.support.bad_peer import AT, BadPeer, contents
from tests.support.bodies import body
from tests.support.bodies import digest as named
from tests.support.campaigns import long
from tests.support.federation import Federation
from tests.support.signing import CA

NODE, BRITISH, CANADIAN = "us-treasury", "uk-fcdo", "ca-gac"


def held(federation: Federation, statement: str) -> bytes:
    """A statement's envelope as another, honest node has it."""
    row = federation[CANADIAN].db.read(lambda c: statements.by_id(c, statement))
    assert row is not None
    return bytes(row.envelope)


# ---- the relation is closed --------------------------------------------------------------------


def carriers(bad: BadPeer, along: str) -> dict[str, dict[str, Any]]:
    """A body of every type that names what comes along wherever its form lets it."""
    found = {type_: body(type_) for type_ in STATEMENT_TYPES}
    found["release/1"] = release_of(along)
    found["recall/1"] |= {"package": along}
    found["designation-amendment/1"] |= {"designation": along}
    found["delisting/1"] |= {"designation": along}
    found["mirror-request/1"] |= {"designations": {"s1": along}}
    found["mirror-effect/1"] |= {"designation": along}
    found["designation/1"] = designation()
    return found


# The answer to "may an item of this type bring one of that type, which it names?", from PROTOCOL §9.
MAY = {
    ("release/1", "evidence-package/1"),
    ("mirror-request/1", "designation/1"),
    ("mirror-effect/1", "designation/1"),
    ("designation-amendment/1", "designation/1"),
    ("delisting/1", "designation/1"),
}
CARRIED = ("evidence-package/1", "recall/1", "designation/1", "mirror-finding/1", "disposition/2")


def without(federation: Federation, statement: str) -> dict[str, list[Any]]:
    """What the node knows, without the rows that are about one statement.

    A key of a description names its profile, and only the profile names the statement.
    """
    known = knowledge(federation)
    profiles = known["identity_profiles"]
    own = {row["id"] for row in profiles if statement in repr(row)}
    keys = [row for row in known["identity_keys"] if row["profile"] not in own]
    return {
        name: [row for row in rows if statement not in repr(row)]
        for name, rows in {**known, "identity_keys": keys}.items()
    }


@pytest.mark.parametrize("carried", [CARRIED[0], *long(*CARRIED[1:])])
def test_every_type_brings_what_the_table_says_and_nothing_else(
    calm: tuple[Federation, BadPeer], carried: str
) -> None:
    """Type by carrier, what comes along addressed to others: a refused item changes nothing else.

    A refused opener leaves its own void thread, so that its number is not lost (PROTOCOL §5).
    """
    federation, bad = calm
    place = {"thread": NOWHERE, "place": Place(1, None, Seen(1, NOWHERE))}
    contents_of = {"evidence-package/1": package(), "designation/1": designation()}
    others = dict(contents_of)
    content = others.get(carried) or body(carried)
    threaded = place if carried in THREAD_TYPES and carried != "mirror-request/1" else {}
    to = None if carried == "evidence-package/1" else (CANADIAN,)
    raw = bad.statement(carried, content, to=to, **threaded)
    for type_, members in carriers(bad, id_of(raw)).items():
        if type_ in NODE_TYPES or type_ == "evidence-package/1":
            continue
        how: dict[str, Any] = {}
        if type_ in THREAD_TYPES:
            how = {"place": Place(1)} if type_ == "mirror-request/1" else place
        item = bad.commit(bad.statement(type_, members, **how), raw)
        before = without(federation, id_of(item.envelope))
        known = {row["id"] for row in contents(federation[NODE])["statements"]}
        state, code = outcomes(federation, bad.deliver(item))[-1]
        allowed = (type_, carried) in MAY
        assert (code != "statement.accompanying") is allowed, (type_, carried, state, code)
        if state == "refused":
            assert without(federation, id_of(item.envelope)) == before, (type_, carried)
            fresh = {row["id"]: row for row in contents(federation[NODE])["statements"]}
            new = {row["type"] for id_, row in fresh.items() if id_ not in known}
            assert new <= {"disposition/2", type_}, (type_, carried, new)


def test_the_table_of_effects_is_the_table_of_types() -> None:
    assert set(EFFECTS) == set(STATEMENT_TYPES) - NODE_TYPES


# ---- A1: somebody else's recall ----------------------------------------------------------------


def test_nobody_spends_another_ministrys_recall(federation: Federation, bad: BadPeer) -> None:
    """London carries Ottawa's recall before Ottawa's own delivery: refused, and the recall works."""
    package_id = exchange.package(federation, CANADIAN)
    for to in (NODE, BRITISH):
        exchange.release(federation, CANADIAN, package_id, to)
    federation.settle()
    federation.down = {NODE, BRITISH}
    draft = evidence.recall(
        federation[CANADIAN],
        federation.officer(CANADIAN, "reviewer"),
        package_id,
        {"reason": "Wrong.", "instruction": "stop-use"},
    )
    recall = held(federation, str(draft.statement))
    federation.down = {BRITISH}
    raw = bad.statement("evidence-package/1", package())
    item = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw, recall)
    assert outcomes(federation, bad.deliver(item))[-1] == ("refused", "statement.accompanying")
    assert federation[NODE].db.read(lambda c: statements.by_id(c, id_of(recall))) is None
    federation.settle()
    row = federation[NODE].db.read(lambda c: packages.by_id(c, package_id))
    assert row is not None
    assert row.state == "recalled"


# ---- A2: a third ministry in a thread ----------------------------------------------------------


def test_a_third_ministry_is_no_party(federation: Federation, bad: BadPeer) -> None:
    told = exchange.designate(federation, NODE, "A Person", to=(CANADIAN,))
    federation.down = {BRITISH}
    federation.settle()
    thread = exchange.request(federation, NODE, CANADIAN, {"s1": told})
    federation.settle()
    finding = body("mirror-finding/1", finding="decline", relies_on=[])
    for name in ("regime", "ground"):
        finding.pop(name)
    place = Place(1, None, Seen(1, thread))
    raw = bad.statement("mirror-finding/1", finding, thread=thread, place=place)
    before = knowledge(federation)
    assert outcomes(federation, bad.deliver(bad.commit(raw)))[-1] == (
        "refused",
        "thread.not-a-party",
    )
    own = bad.statement("evidence-package/1", package())
    item = bad.commit(bad.statement("release/1", release_of(id_of(own))), own, raw)
    assert outcomes(federation, bad.deliver(item))[-1] == ("refused", "statement.accompanying")
    assert knowledge(federation) == before
    exchange.say(federation, CANADIAN, thread, "acknowledgement")
    exchange.find(federation, CANADIAN, thread, "s1", "decline")
    state = exchange.agreed(federation, thread)
    assert state.subjects["s1"].finding is not None


# ---- A3: an opener for two ---------------------------------------------------------------------


def test_an_opener_for_two_and_what_follows_stop_nobody(
    federation: Federation, bad: BadPeer
) -> None:
    request = body("mirror-request/1", designations={}, evidence=[])
    opener = bad.statement("mirror-request/1", request, to=(NODE, CANADIAN), place=Place(1))
    first = bad.commit(bad.statement("designation/1", designation()), opener)
    place = Place(2, id_of(opener))
    second = bad.commit(
        bad.statement("mirror-withdrawal/1", {"reason": "No."}, thread=id_of(opener), place=place)
    )
    said = outcomes(federation, bad.deliver(first, bad.commit(opener), second))
    assert [code for _, code in said] == [
        "statement.accompanying",
        "thread.not-a-party",
        "thread.unknown",
    ]
    other = BadPeer(CA, NODE)
    item = other.commit(
        other.statement("designation/1", designation(jurisdiction="CA", regime="CA-SEMA"))
    )
    assert federation.receive(NODE, other.deliver(item)).status == 200
    federation.step(NODE)
    assert len(contents(federation[NODE])["designations"]) == 1


# ---- A4, A5: any type as a package, instants that have no day ----------------------------------


def test_no_other_type_passes_as_a_package(federation: Federation, bad: BadPeer) -> None:
    recall = {
        **body("recall/1"),
        "title": "A title",
        "subjects": package()["subjects"],
        "exhibits": [
            {"label": "../../x", "digest": named("1"), "size": "seven", "media_type": "x"}
        ],
    }
    raw = bad.statement("recall/1", recall)
    item = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw)
    before = knowledge(federation)
    assert outcomes(federation, bad.deliver(item)) == [("refused", "statement.accompanying")]
    assert knowledge(federation) == before


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "US/Nowhere"])
def test_a_change_without_a_day_is_refused_however_it_comes(
    federation: Federation, bad: BadPeer, zone: str
) -> None:
    instants = {"in_force": {"at": "9999-12-31T23:59:59.999Z", "zone": zone}}
    first = bad.statement("designation/1", designation())
    change = {**body("designation-amendment/1"), "designation": id_of(first), "instants": instants}
    amendment = bad.statement("designation-amendment/1", change)
    request = body("mirror-request/1", designations={"s1": id_of(first)}, evidence=[])
    item = bad.commit(bad.statement("mirror-request/1", request, place=Place(1)), first, amendment)
    ((state, code),) = outcomes(federation, bad.deliver(item))
    assert (state, str(code).partition(".")[0]) == ("refused", "instants")
    assert contents(federation[NODE])["designations"] == []
    coverage.board(federation[NODE], federation.officer(NODE, "analyst"), None)


# ---- what was told by others -------------------------------------------------------------------


def told_by(federation: Federation, designation_id: str) -> str | None:
    row = federation[NODE].db.read(lambda c: designations.by_id(c, designation_id))
    return row.told_by if row is not None else "nobody"


def test_what_another_told_gives_way_to_what_its_issuer_sends(
    federation: Federation, bad: BadPeer
) -> None:
    """London tells of Ottawa's designation and its end; Ottawa's own word prevails, piece by piece."""
    federation.down = {NODE}
    listed = exchange.designate(federation, CANADIAN, "A Person", to=(NODE, BRITISH))
    ended = exchange.issue(
        federation,
        CANADIAN,
        "delisting/1",
        (NODE, BRITISH),
        {**body("delisting/1"), "designation": listed},
    )
    first, last = held(federation, listed), held(federation, ended)
    federation.down = {BRITISH, CANADIAN}
    request = body("mirror-request/1", designations={"s1": listed}, evidence=[])
    item = bad.commit(bad.statement("mirror-request/1", request, place=Place(1)), first, last)
    assert outcomes(federation, bad.deliver(item)) == [("applied", None)]
    assert told_by(federation, listed) == BRITISH
    standing = {
        row["id"]: row["standing"]
        for row in contents(federation[NODE])["statements"]
        if row["id"] in {listed, ended}
    }
    assert standing == {listed: "brought", ended: "brought"}
    federation.down = {BRITISH}
    federation.settle()
    assert told_by(federation, listed) is None
    rows = contents(federation[NODE])["inbox"]
    assert {row["state"] for row in rows if row["statement"] in {listed, ended}} == {"applied"}


def test_what_another_told_no_longer_counts_once_it_is_refused(
    federation: Federation, bad: BadPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BadPeer(CA, NODE)
    raw = other.statement("designation/1", designation(jurisdiction="CA", regime="CA-SEMA"))
    request = body("mirror-request/1", designations={"s1": id_of(raw)}, evidence=[])
    item = bad.commit(bad.statement("mirror-request/1", request, place=Place(1)), raw)
    assert outcomes(federation, bad.deliver(item)) == [("applied", None)]
    assert told_by(federation, id_of(raw)) == BRITISH
    monkeypatch.setattr(
        EFFECTS["designation/1"],
        "receive",
        lambda *_: exchange.refused("designation.jurisdiction"),
    )
    assert federation.receive(NODE, other.deliver(other.commit(raw))).status == 200
    federation.step(NODE)
    assert told_by(federation, id_of(raw)) == "nobody"
    (row,) = [r for r in contents(federation[NODE])["statements"] if r["id"] == id_of(raw)]
    assert row["standing"] == "dropped"


def test_a_leaf_that_is_another_one_refuses_the_item(federation: Federation, bad: BadPeer) -> None:
    raw = bad.statement("evidence-package/1", package())
    true = bad.carry(raw)
    false = Carried(raw, bad.add_leaf(b"something else"), true.opening)
    release = bad.statement("release/1", release_of(id_of(raw)))
    assert outcomes(federation, bad.deliver(bad.commit(release, false))) == [
        ("refused", "statement.accompanying")
    ]


# ---- B1, B2: what is served --------------------------------------------------------------------


def test_a_release_for_two_makes_no_one_else_a_recipient(
    federation: Federation, bad: BadPeer
) -> None:
    raw = bad.statement("evidence-package/1", package())
    item = bad.commit(bad.statement("release/1", release_of(id_of(raw)), to=(CANADIAN, NODE)), raw)
    assert outcomes(federation, bad.deliver(item)) == [("refused", "release.recipient")]
    assert contents(federation[NODE])["releases"] == []


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_no_answer_tells_what_is_held_for_other_packages(
    federation: Federation, bad: BadPeer, size: int
) -> None:
    """A digest that Washington holds, in a release with a true or a false size: the same answer."""
    own = exchange.package(federation, NODE)
    (exhibit,) = federation[NODE].db.read(lambda c: packages.exhibits_of(c, own))
    listed = body("evidence-package/1")["exhibits"][0]
    guess = {**listed, "digest": exhibit.digest, "size": exhibit.size + size}
    raw = bad.statement("evidence-package/1", package(exhibits=[guess]))
    item = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw)
    assert outcomes(federation, bad.deliver(item)) == [("applied", None)]
    asked = [peer for peer, _ in federation.wires[NODE].log]
    assert BRITISH in asked, "its bytes are asked for, as if they were not here"


# ---- B5, dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "code"), [(0, None), (14, None), (16, "statement.dated-ahead")]
)
def test_nothing_is_dated_long_after_its_receipt(
    federation: Federation, bad: BadPeer, minutes: int, code: str | None
) -> None:
    at = AT + timedelta(minutes=minutes)
    raw = bad.statement("designation/1", designation(), issued_at=at)
    assert outcomes(federation, bad.deliver(bad.commit(raw)))[0][1] == code


@pytest.mark.parametrize(("minutes", "code"), [(29, None), (31, "statement.dated-back")])
def test_nothing_is_dated_long_before_the_head_that_lacks_it(
    federation: Federation, bad: BadPeer, minutes: int, code: str | None
) -> None:
    outcomes(federation, bad.deliver(bad.commit(bad.statement("designation/1", designation()))))
    federation.clock.sleep(90 * 24 * 3600)
    late = designation(list_reference="Second")
    raw = bad.statement("designation/1", late, issued_at=AT - timedelta(minutes=minutes))
    assert outcomes(federation, bad.deliver(bad.commit(raw)))[-1][1] == code


MARKING = {
    "tlp": "AMBER+STRICT",
    "releasable_to": [NODE],
    "originator_control": True,
    "permitted_use": ["consideration of designation"],
}


def onward(bad: BadPeer, until: str, **marking: Any) -> Any:
    """London passes Ottawa's package on to Washington with Ottawa's true consent."""
    ottawa = BadPeer(CA, NODE)
    raw = ottawa.statement("evidence-package/1", package())
    consent = ottawa.statement(
        "onward-consent/1",
        {
            "request": named("2"),
            "package": id_of(raw),
            "recipient": NODE,
            "marking": MARKING,
            "until": until,
        },
        to=(BRITISH,),
    )
    content = release_of(
        id_of(raw),
        marking={**MARKING, **marking},
        originator=CANADIAN,
        consent=id_of(consent),
    )
    return bad.commit(bad.statement("release/1", content), raw, consent)


def test_a_consent_that_ran_out_is_not_saved_by_dating_back(
    federation: Federation, bad: BadPeer
) -> None:
    outcomes(federation, bad.deliver(bad.commit(bad.statement("designation/1", designation()))))
    federation.clock.sleep(60)
    other = designation(list_reference="Second")
    outcomes(federation, bad.deliver(bad.commit(bad.statement("designation/1", other))))
    item = onward(bad, "2026-11-23T12:00:30.000Z")
    assert outcomes(federation, bad.deliver(item))[-1] == ("refused", "onward.consent-expired")


@pytest.mark.parametrize(
    ("marking", "code"),
    [
        ({}, None),
        ({"tlp": "CLEAR"}, "marking.widened"),
        ({"originator_control": False}, "marking.widened"),
        ({"permitted_use": ["anything at all"]}, "marking.widened"),
        ({"releasable_to": [NODE, CANADIAN]}, "marking.widened"),
    ],
)
def test_a_marking_is_no_wider_than_its_consents(
    federation: Federation, bad: BadPeer, marking: dict[str, Any], code: str | None
) -> None:
    item = onward(bad, "2027-11-23T12:00:30.000Z", **marking)
    assert outcomes(federation, bad.deliver(item))[-1][1] == code
    assert not judge_parked(federation[NODE])
