"""Every type to every wrong audience: refused for its audience, and nothing else changes.

The answers were written down from PROTOCOL before they were run: §2 (``to`` is absent in evidence
packages only), §7 (a peer delivers what is addressed to the receiver), §9 *Parties* (a thread has two,
and ``to`` is exactly the other one; a release's ``to`` is exactly its recipient) and *disposition/2*,
*exhibits-held/1* (to one ministry). The matrix of what comes along is in ``test_what_comes_along.py``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from api.wire.messages import MessageKind
from api.wire.statements import By, Content, Place, prepared_bytes
from api.wire.types import NODE_TYPES, STATEMENT_TYPES, THREAD_TYPES
from tests.federation.test_bad_peer_statements import (
    TAKEN,
    designation,
    id_of,
    outcomes,
    own_package,
)
from tests.federation.test_what_comes_along import carriers
from tests.support.bad_peer import SECOND, WRITER, BadPeer, contents
from tests.support.bodies import body
from tests.support.campaigns import long
from tests.support.federation import Federation
from tests.support.signing import UK

NODE, BRITISH, CANADIAN = "us-treasury", "uk-fcdo", "ca-gac"

AUDIENCES: dict[str, tuple[str, ...] | None] = {
    "another": (CANADIAN,),
    "another beside": (NODE, CANADIAN),
    "another first": (CANADIAN, NODE),
    "its issuer": (BRITISH,),
    "its issuer beside": (NODE, BRITISH),
    "a stranger": ("xx-nobody",),
    "a stranger beside": (NODE, "xx-nobody"),
    "itself twice": (NODE, NODE),
    "nobody": (),
    "none said": None,
}

EVERY: dict[str, tuple[str, ...] | None] = {**AUDIENCES, "itself": (NODE,)}
"""The wrong ones and the right one; ``tests/support/matrix.py`` has what is said to it."""

TWO_PARTIES = {"release/1": "release.recipient", "mirror-request/1": "thread.not-a-party"} | {
    type_: "thread.wrong-recipient" for type_ in THREAD_TYPES if type_ != "mirror-request/1"
}
"""Types whose ``to`` is exactly one ministry, with the refusal of any other beside it."""

MANY = {
    "designation/1": "",
    "designation-amendment/1": "designation.unknown",
    "delisting/1": "designation.unknown",
    "designation-proposal/1": "proposal.internal-reasons",
    "recall/1": "package.unknown",
    "recall-answer/1": "recall.unknown",
    "onward-request/1": "package.unknown",
    "onward-consent/1": "package.unknown",
    "identity-verdict/1": "",
}
"""Types that may go to several: what is refused of these is what they name, which is not here."""


def answer(type_: str, audience: str) -> str:
    """The code of the refusal, by PROTOCOL; empty where it is applied, ``-`` where none is given."""
    if type_ in NODE_TYPES:
        return "-"
    if type_ == "evidence-package/1":
        return "statement.audience" if audience == "none said" else "statement.members"
    if audience in {"nobody", "none said"}:
        return "statement.members"
    if audience in {"its issuer", "its issuer beside", "itself twice"}:
        return "statement.recipients"
    if audience in {"another", "a stranger"}:
        return "statement.audience"
    return TWO_PARTIES[type_] if type_ in TWO_PARTIES else MANY[type_]


def sealed(
    bad: BadPeer, type_: str, content: dict[str, Any], chain: list[str], audience: str
) -> bytes:
    """A sealed and endorsed statement to whomever; no model has looked at it.

    Args:
        chain: ids of this ministry's statements in the thread so far, the opener first.
    """
    to, bad.made = EVERY[audience], bad.made + 1
    payload: dict[str, Any] = {
        "comity": "1",
        "type": type_,
        "issuer": bad.ministry.id,
        "issued_at": bad.asked_at,
        "nonce": b64u_encode(bad.made.to_bytes(16)),
        "body": content,
    }
    if to is not None:
        payload["to"] = [*to]
    if type_ == "mirror-request/1":
        payload["seq"] = 1
    elif type_ in THREAD_TYPES:
        payload |= {"thread": chain[0], "seq": len(chain) + 1, "prev": chain[-1]}
    if type_ in NODE_TYPES:
        return bad.ministry.seal(canonical(payload))
    approver = None if type_ == "evidence-package/1" else SECOND.officer
    payload["by"] = By(WRITER.officer, approver).to_json()
    raw = canonical(payload)
    made = Content(type_, tuple(to or ()), content, payload.get("thread"))
    signed = prepared_bytes(made, issuer=bad.ministry.id, nonce=str(payload["nonce"]))
    endorsements = [WRITER.endorse("prepared", signed)]
    if approver is not None:
        endorsements.append(SECOND.endorse("approved", raw))
    return bad.ministry.seal(raw, tuple(endorsements))


@pytest.fixture(scope="module")
def calm(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Federation, BadPeer, list[str]]]:
    """A federation, a bad peer, and what it has said in a thread that the two have opened."""
    made = Federation(tmp_path_factory.mktemp("audiences"))
    bad = BadPeer(UK, NODE)
    beside = bad.statement("designation/1", designation())
    request = body("mirror-request/1", designations={"s1": id_of(beside)}, evidence=[])
    opener = bad.commit(bad.statement("mirror-request/1", request, place=Place(1)), beside)
    assert outcomes(made, bad.deliver(opener)) == [("applied", None)]
    yield made, bad, [id_of(opener.envelope)]
    made.close()


def others(known: dict[str, list[Any]], statement: str, thread: str) -> dict[str, list[Any]]:
    """What a node knows but of one statement and, where one is named, of its issuer's thread.

    A refused statement takes its number there all the same (PROTOCOL §5). A key of a description
    names its profile, and only the profile names the statement.
    """
    about = {statement, thread} - {""}
    own = {row["id"] for row in known["identity_profiles"] if statement in repr(row)}
    keys = [row for row in known["identity_keys"] if row["profile"] not in own]
    known = {**known, "identity_keys": keys}
    return {
        name: [row for row in rows if not any(one in repr(row) for one in about)]
        for name, rows in known.items()
        if name not in TAKEN
    }


MOST = ("another beside", "its issuer", "nobody")
"""What a short run tries: one of those refused for the party, for the recipients, for the form."""


@pytest.mark.parametrize(
    "audience", [*MOST, *long(*(each for each in AUDIENCES if each not in MOST))]
)
def test_each_type_to_each_wrong_audience(
    calm: tuple[Federation, BadPeer, list[str]], audience: str
) -> None:
    federation, bad, chain = calm
    before = contents(federation[NODE])
    for type_ in sorted(STATEMENT_TYPES):
        along = own_package(bad)[0]
        raw = sealed(bad, type_, carriers(bad, id_of(along))[type_], chain, audience)
        item = bad.commit(raw, *((along,) if type_ == "release/1" else ()))
        threaded = type_ in THREAD_TYPES and type_ != "mirror-request/1"
        place = chain[0] if threaded else ""
        kind = MessageKind.DISPOSITION if type_ in NODE_TYPES else MessageKind.DELIVER
        assert federation.receive(NODE, bad.deliver(item, kind=kind)).status == 200
        federation.step(NODE)
        after = contents(federation[NODE])
        told = [row for row in after["inbox"] if row["statement"] == id_of(raw)]
        wanted = answer(type_, audience)
        assert ([row["code"] or "" for row in told] or ["-"]) == [wanted], (type_, audience)
        if wanted:
            mine = (id_of(raw), place)
            assert others(after, *mine) == others(before, *mine), (type_, audience)
        if threaded and wanted not in {"statement.members", "statement.recipients"}:
            chain.append(id_of(raw))
        before = after
    assert before["misbehaviour"] == []
