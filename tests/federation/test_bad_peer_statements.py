"""What a partner sends under true signatures and must still not get: refused, said so, no effect.

The message is authentic, so it takes its number and gets a receipt; each statement in it that is out
of order is refused in a disposition, and the tables of what this ministry knows stay as they were.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.encoding import b64u_encode
from api.wire.envelope import MESSAGE, STATEMENT, parse_envelope, seal
from api.wire.keys import Purpose
from api.wire.message_bodies import Item
from api.wire.messages import MessageKind
from api.wire.statements import DISPOSITION, By, Content, Place, Seen, prepared_bytes
from tests.support import exchange
from tests.support.bad_peer import SECOND, WRITER, BadPeer, altered, contents, flip_signature
from tests.support.bodies import UNTIL, body
from tests.support.bodies import digest as named
from tests.support.check_log import check_everything, payload_of
from tests.support.federation import Federation
from tests.support.signing import CA, NOW, UK

NODE = "us-treasury"
# Tables that taking a message and disposing of it changes, whatever came in it.
TAKEN = {
    "attempts",
    "cosignatures",
    "inbox",
    "messages_in",
    "messages_out",
    "outbox",
    "peer_logs",
    "peer_tiles",
    "statements",
    "streams_in",
    "streams_out",
}


def knowledge(federation: Federation) -> dict[str, list[Any]]:
    """What the node knows and decided, without the traffic."""
    return {name: rows for name, rows in contents(federation[NODE]).items() if name not in TAKEN}


def outcomes(federation: Federation, request: bytes) -> list[tuple[str, str | None]]:
    """Deliver, process, and return what was decided on each item of all messages so far."""
    reply = federation.receive(NODE, request)
    assert reply.status == 200, reply.body
    federation.step(NODE)
    after = contents(federation[NODE])
    order = {row["id"]: row["seq"] for row in after["messages_in"] if row["peer"] == "uk-fcdo"}
    taken = [row for row in after["inbox"] if row["message"] in order]
    rows = sorted(taken, key=lambda row: (order[row["message"]], row["ordinal"]))
    said = {row["id"]: row for row in after["statements"]}
    for row in rows:
        if row["state"] == "repeated":
            continue
        body = payload_of(bytes(said[row["disposition"]]["envelope"]))["body"]
        (told,) = [one for one in body["outcomes"] if one["statement"] == row["statement"]]
        assert (told["outcome"], told.get("code")) == (row["state"], row["code"])
        assert not told.get("detail") or len(told["detail"]) <= 300
    return [(row["state"], row["code"]) for row in rows]


def said_of(message: str, statement: str, code: str = "") -> dict[str, Any]:
    """The body of a disposition about one statement."""
    refused = {"outcome": "refused", "code": code} if code else {"outcome": "applied"}
    return {"message": message, "outcomes": [{"statement": statement, **refused}]}


def designation(**changes: Any) -> dict[str, Any]:
    content = body("designation/1", jurisdiction="UK", regime="UK-GHR", mirrors=[])
    return {**content, **changes}


def package(**changes: Any) -> dict[str, Any]:
    content = body("evidence-package/1", exhibits=[])
    content["claims"] = [{**content["claims"][0], "exhibits": []}]
    return {**content, **changes}


def release_of(package_id: str, **changes: Any) -> dict[str, Any]:
    marking = {
        "tlp": "AMBER",
        "releasable_to": [NODE],
        "originator_control": True,
        "permitted_use": ["consideration of designation"],
    }
    content = {"package": package_id, "recipient": NODE, "marking": marking, "legal_basis": "Law."}
    return {**content, **changes}


def id_of(envelope: bytes) -> str:
    return digest(parse_envelope(envelope).payload)


def spoiled(change: Callable[[dict[str, Any]], None]) -> Callable[[BadPeer], Item]:
    return lambda bad: bad.commit(altered(bad.statement("designation/1", designation()), change))


def without_endorsements(value: dict[str, Any]) -> None:
    del value["endorsements"]


def swapped_endorsement(value: dict[str, Any]) -> None:
    first, second = value["endorsements"]
    first["signature"], second["signature"] = second["signature"], first["signature"]


def only_classical(value: dict[str, Any]) -> None:
    del value["signatures"][1]


def sealed_by_other(bad: BadPeer) -> Item:
    return bad.commit(bad.statement("designation/1", designation(), by=CA))


def re_sealed(bad: BadPeer) -> Item:
    """UK's statement under CA's seal keys."""
    raw = bad.statement("designation/1", designation())
    payload = canonical_payload(raw)
    return bad.commit(seal(payload, STATEMENT, CA.records_for(Purpose.SEAL), CA.sign))


def canonical_payload(raw: bytes) -> bytes:
    return parse_envelope(raw).payload


def as_message(bad: BadPeer) -> Item:
    """A statement sealed with the message keys and their type."""
    payload = canonical_payload(bad.statement("designation/1", designation()))
    return bad.commit(seal(payload, MESSAGE, UK.records_for(Purpose.MESSAGE), UK.sign))


def with_payload(change: Callable[[dict[str, Any]], None]) -> Callable[[BadPeer], Item]:
    """A statement whose sealed payload was changed before sealing."""

    def make(bad: BadPeer) -> Item:
        raw = bad.statement("designation/1", designation())
        content = payload_of(raw)
        change(content)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return bad.commit(seal(text.encode(), STATEMENT, UK.records_for(Purpose.SEAL), UK.sign))

    return make


def set_member(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content[name] = value

    return change


def one(type_: str, content: dict[str, Any], **how: Any) -> Callable[[BadPeer], Item]:
    return lambda bad: bad.commit(bad.statement(type_, content, **how))


def release_with(
    make: Callable[[BadPeer], tuple[bytes, ...]], **changes: Any
) -> Callable[[BadPeer], Item]:
    """A release of the first envelope brought, with members replaced as named."""

    def attack(bad: BadPeer) -> Item:
        brought = make(bad)
        package_id = id_of(brought[0]) if brought else named("1")
        content = release_of(package_id, **changes)
        if len(brought) > 1:
            content["consent"] = id_of(brought[1])
        return bad.commit(bad.statement("release/1", content), *brought)

    return attack


def own_package(bad: BadPeer) -> tuple[bytes, ...]:
    return (bad.statement("evidence-package/1", package()),)


def others_package(bad: BadPeer) -> tuple[bytes, ...]:
    return (bad.statement("evidence-package/1", package(), by=CA),)


def package_without_seal(bad: BadPeer) -> tuple[bytes, ...]:
    return tuple(altered(raw, flip_signature(0)) for raw in own_package(bad))


def self_consented(bad: BadPeer) -> tuple[bytes, ...]:
    """CA's package with a consent that UK gave itself."""
    (raw,) = others_package(bad)
    consent = {
        "request": named("2"),
        "package": id_of(raw),
        "recipient": NODE,
        "marking": release_of("")["marking"],
    }
    return raw, bad.statement("onward-consent/1", consent, to=("ca-gac",))


NOWHERE = named("99")
IN_THREAD: dict[str, Any] = {"thread": NOWHERE, "place": Place(2, named("3"), Seen(1, NOWHERE))}
ZONED = {"zone": "Etc/UTC"}

REFUSED: dict[str, tuple[Callable[[BadPeer], Item], str]] = {
    # who and to whom
    "addressed to others": (
        one("designation/1", designation(), to=("ca-gac",)),
        "statement.audience",
    ),
    "another ministry's": (sealed_by_other, "statement.issuer"),
    "from nobody known": (
        with_payload(set_member("issuer", "xx-nobody")),
        "statement.issuer-unknown",
    ),
    # seal and endorsements
    "seal with a forged signature": (spoiled(flip_signature(0)), "signature.false"),
    "seal with a forged ML-DSA-87": (spoiled(flip_signature(1)), "signature.false"),
    "seal with one signature": (spoiled(only_classical), "envelope.signatures"),
    "under another's seal": (re_sealed, "key.unknown"),
    "under message keys": (as_message, "envelope.typ"),
    "officers' signatures left out": (spoiled(without_endorsements), "endorsement.missing"),
    "officers' signatures exchanged": (spoiled(swapped_endorsement), "endorsement.false"),
    # form
    "an unknown type": (with_payload(set_member("type", "command/1")), "statement.type"),
    "another version": (with_payload(set_member("comity", "2")), "statement.version"),
    "an unlisted member": (with_payload(set_member("extra", 1)), "statement.members"),
    "a body that is none": (with_payload(set_member("body", {})), "statement.body"),
    "a path as recipient": (with_payload(set_member("to", ["../x"])), "statement.recipients"),
    # releases
    "release without package": (release_with(lambda bad: ()), "statement.accompanying"),
    "release of another's package": (release_with(others_package), "onward.no-consent"),
    "onward release with an own consent": (
        release_with(self_consented, originator="ca-gac"),
        "onward.no-consent",
    ),
    "release that names another recipient": (
        release_with(own_package, recipient="ca-gac"),
        "release.recipient",
    ),
    "release with a package whose seal is false": (
        release_with(package_without_seal),
        "signature.false",
    ),
    # absurd content
    "recall of what is not here": (
        one("recall/1", {"package": NOWHERE, "reason": "No.", "instruction": "stop-use"}),
        "package.unknown",
    ),
    "onward request for what is not here": (
        one("onward-request/1", {"package": NOWHERE, "recipient": "ca-gac", "purpose": "Use."}),
        "package.unknown",
    ),
    "designation of another country": (
        one("designation/1", designation(jurisdiction="US", regime="US-GLOMAG")),
        "designation.jurisdiction",
    ),
    "in force before it was made": (
        one(
            "designation/1",
            designation(
                instants={
                    "made": {"at": "2026-07-10", **ZONED},
                    "in_force": {"at": "1815-07-09", **ZONED},
                }
            ),
        ),
        "instants.order",
    ),
    "delisting of what was never listed": (
        one(
            "delisting/1",
            {**body("delisting/1"), "designation": NOWHERE},
        ),
        "designation.unknown",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_a_disposition_without_effect(
    calm: tuple[Federation, BadPeer], name: str
) -> None:
    federation, bad = calm
    make, code = REFUSED[name]
    before = knowledge(federation)
    assert outcomes(federation, bad.deliver(make(bad)))[-1] == ("refused", code)
    assert knowledge(federation) == before


def test_one_false_statement_does_not_spoil_those_beside_it(
    federation: Federation, bad: BadPeer
) -> None:
    items = [
        bad.commit(bad.statement("designation/1", designation())),
        REFUSED["seal with a forged signature"][0](bad),
        bad.commit(bad.statement("designation/1", designation(list_reference="Second"))),
        REFUSED["designation of another country"][0](bad),
    ]
    assert outcomes(federation, bad.deliver(*items)) == [
        ("applied", None),
        ("refused", "signature.false"),
        ("applied", None),
        ("refused", "designation.jurisdiction"),
    ]
    assert len(contents(federation[NODE])["designations"]) == 2


def test_a_refused_message_keeps_its_number_and_the_stream_goes_on(
    federation: Federation, bad: BadPeer
) -> None:
    for name in ("addressed to others", "a body that is none"):
        outcomes(federation, bad.deliver(REFUSED[name][0](bad)))
    last = bad.commit(bad.statement("designation/1", designation()))
    assert outcomes(federation, bad.deliver(last))[-1] == ("applied", None)
    (stream,) = contents(federation[NODE])["streams_in"]
    assert stream["next_seq"] == 4


def test_the_same_statement_in_two_messages_takes_effect_once(
    federation: Federation, bad: BadPeer
) -> None:
    raw = bad.statement("designation/1", designation())
    assert outcomes(federation, bad.deliver(bad.commit(raw))) == [("applied", None)]
    before = knowledge(federation)
    again = outcomes(federation, bad.deliver(bad.commit(raw)))
    assert sorted(again, key=str) == [("applied", None), ("refused", "statement.known")]
    assert knowledge(federation) == before


def test_one_message_with_a_statement_twice_applies_it_once(
    federation: Federation, bad: BadPeer
) -> None:
    raw = bad.statement("designation/1", designation())
    request = bad.deliver(bad.commit(raw), bad.commit(raw))
    assert outcomes(federation, request) == [("applied", None), ("repeated", None)]
    assert len(contents(federation[NODE])["designations"]) == 1


def test_dispositions_travel_in_their_own_messages_only(
    federation: Federation, bad: BadPeer
) -> None:
    told = said_of("0" * 32, NOWHERE)
    as_statement = bad.commit(bad.statement(DISPOSITION, told))
    assert outcomes(federation, bad.deliver(as_statement)) == [("refused", "statement.kind")]


def test_a_disposition_of_what_was_never_sent_is_forgotten(
    federation: Federation, bad: BadPeer
) -> None:
    """It gets its receipt, as it is authentic; it says nothing about anything here."""
    own = exchange.package(federation, NODE)
    before = knowledge(federation)
    told = [said_of("0" * 32, NOWHERE), said_of("0" * 32, own, "package.unknown")]
    items = [bad.commit(bad.statement(DISPOSITION, one)) for one in told]
    items.append(bad.commit(bad.statement("designation/1", designation())))
    assert outcomes(federation, bad.deliver(*items, kind=MessageKind.DISPOSITION)) == []
    assert knowledge(federation) == before


def test_a_disposition_about_what_was_sent_to_someone_else_changes_nothing(
    federation: Federation, bad: BadPeer
) -> None:
    federation.down = {"uk-fcdo"}
    package_id = exchange.package(federation, NODE)
    released = exchange.release(federation, NODE, package_id, "ca-gac")
    federation.settle()
    before = knowledge(federation)
    told = said_of("0" * 32, released, "x.y")
    item = bad.commit(bad.statement(DISPOSITION, told))
    outcomes(federation, bad.deliver(item, kind=MessageKind.DISPOSITION))
    assert knowledge(federation) == before


def test_a_peer_recalls_only_its_own(federation: Federation, bad: BadPeer) -> None:
    federation.down = {"uk-fcdo"}
    package_id = exchange.package(federation, "ca-gac")
    exchange.release(federation, "ca-gac", package_id, NODE)
    federation.settle()
    before = knowledge(federation)
    recall = {"package": package_id, "reason": "No.", "instruction": "destroy"}
    found = outcomes(federation, bad.deliver(bad.commit(bad.statement("recall/1", recall))))
    assert ("refused", "recall.not-originator") in found
    assert knowledge(federation) == before


def test_a_recalled_package_does_not_come_back(federation: Federation, bad: BadPeer) -> None:
    (raw,) = own_package(bad)
    released = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw)
    recall = {"package": id_of(raw), "reason": "A wrong date.", "instruction": "stop-use"}
    recalled = bad.commit(bad.statement("recall/1", recall))
    again = bad.commit(bad.statement("release/1", release_of(id_of(raw), note="Again.")), raw)
    assert outcomes(federation, bad.deliver(released, recalled, again)) == [
        ("applied", None),
        ("applied", None),
        ("refused", "package.recalled"),
    ]


def test_a_release_ends_no_other_release(federation: Federation, bad: BadPeer) -> None:
    """A partner supersedes its own release of the same package, and nobody else's of any other."""
    federation.down = {"uk-fcdo"}
    theirs = exchange.package(federation, "ca-gac")
    other = exchange.release(federation, "ca-gac", theirs, NODE)
    federation.settle()
    (raw,) = own_package(bad)
    ends = bad.commit(
        bad.statement("release/1", release_of(id_of(raw), supersedes_release=other)), raw
    )
    assert outcomes(federation, bad.deliver(ends))[-1] == ("refused", "release.supersedes-other")
    rows = {row["id"]: row["state"] for row in contents(federation[NODE])["releases"]}
    assert rows == {other: "active"}
    first = bad.statement("release/1", release_of(id_of(raw)))
    again = release_of(id_of(raw), supersedes_release=id_of(first), note="Again.")
    second = bad.statement("release/1", again)
    found = outcomes(federation, bad.deliver(bad.commit(first, raw), bad.commit(second, raw)))
    assert found[-2:] == [("applied", None), ("applied", None)]
    rows = {row["id"]: row["state"] for row in contents(federation[NODE])["releases"]}
    assert rows == {other: "active", id_of(first): "superseded", id_of(second): "active"}


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("mirror-finding/1", body("mirror-finding/1")),
        ("mirror-closure/1", body("mirror-closure/1")),
        ("mirror-effect/1", body("mirror-effect/1")),
        ("mirror-withdrawal/1", body("mirror-withdrawal/1")),
    ],
)
def test_a_statement_in_a_thread_that_is_not_here_opens_none(
    federation: Federation, bad: BadPeer, type_: str, content: dict[str, Any]
) -> None:
    request = bad.deliver(bad.commit(bad.statement(type_, content, **IN_THREAD)))
    found = outcomes(federation, request)
    after = contents(federation[NODE])
    assert after["threads"] == []
    parked = [row["code"] for row in after["parked_statements"]]
    assert len(found) + len(parked) == 1
    assert all(state == "refused" for state, _ in found)


# ---- content that nobody thought of ------------------------------------------------------------

SEEDS: dict[str, dict[str, Any]] = {
    "designation/1": designation(),
    "release/1": release_of(NOWHERE),
    "recall/1": {"package": NOWHERE, "reason": "No.", "instruction": "destroy"},
    "onward-request/1": {"package": NOWHERE, "recipient": "ca-gac", "purpose": "Use."},
    "designation-amendment/1": body("designation-amendment/1"),
    "delisting/1": body("delisting/1"),
    "designation-proposal/1": body("designation-proposal/1"),
    "mirror-request/1": body("mirror-request/1", respond_by=UNTIL),
}
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.text(max_size=20),
    st.sampled_from(
        ["", "..", "../../etc", "\x00", "\u202e", "é" * 300, NODE, "uk-fcdo", NOWHERE, UNTIL]
    ),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inner: dict[Any, Any] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        inner = dict(enumerate(value))
    for key, part in inner.items():
        yield (*path, key)
        yield from places(part, (*path, key))


@st.composite
def absurd(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A valid body with one or two members replaced by something strange, or taken out."""
    type_ = draw(st.sampled_from(sorted(SEEDS)))
    content = copy.deepcopy(SEEDS[type_])
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(content))))
        target: Any = content
        for key in path[:-1]:
            target = target[key]
        if isinstance(target, dict) and draw(st.booleans()):
            del target[path[-1]]
        else:
            target[path[-1]] = draw(STRANGE)
        if not content:
            break
    return type_, content


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(absurd(), min_size=12, max_size=12))
def test_no_content_stops_a_stream(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, dict[str, Any]]]
) -> None:
    """Whatever a partner writes into a body, it is decided, and what follows is applied."""
    federation = Federation(tmp_path_factory.mktemp("absurd"))
    try:
        bad = BadPeer(UK, NODE)
        items = [bad.commit(unchecked(bad, *each)) for each in found]
        last = bad.commit(bad.statement("designation/1", designation(list_reference="Last")))
        states = outcomes(federation, bad.deliver(*items, last))
        parked = contents(federation[NODE])["parked_statements"]
        assert len(states) + len(parked) == len(found) + 1
        assert states[-1] == ("applied", None)
        federation.down = {"uk-fcdo"}
        federation.settle(rounds=40)
        check_everything([federation[NODE]], at_rest=False)
    finally:
        federation.close()


def unchecked(bad: BadPeer, type_: str, content: dict[str, Any]) -> bytes:
    """A sealed and endorsed statement whose body no model has looked at."""
    bad.made += 1
    payload: dict[str, Any] = {
        "comity": "1",
        "type": type_,
        "issuer": bad.ministry.id,
        "issued_at": f"{NOW:%Y-%m-%dT%H:%M:%S.123Z}",
        "nonce": b64u_encode(bad.made.to_bytes(16)),
        "to": [NODE],
        "by": By(WRITER.officer, SECOND.officer).to_json(),
        "body": content,
    }
    if type_ == "mirror-request/1":
        payload["seq"] = 1
    raw = canonical(payload)
    made = Content(type_, (NODE,), content)
    signed = prepared_bytes(made, issuer=bad.ministry.id, nonce=str(payload["nonce"]))
    endorsements = (WRITER.endorse("prepared", signed), SECOND.endorse("approved", raw))
    return bad.ministry.seal(raw, endorsements)
