"""Writes the golden vectors beside this file; run from the repository's root:

    python -m tests.vectors.generate

``vectors.json`` is a pure function of the code: a test regenerates it and wants no difference.
``signed.json`` holds envelopes. ML-DSA signatures are hedged, so these never come out alike twice:
they are kept as they are while they still verify, and only made again (``--sign``) on purpose.
Keys are derived from names (`tests.support.signing`) and protect nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

from api.wire import leaf
from api.wire.digests import digest, digest_bytes
from api.wire.encoding import b64u_encode
from api.wire.endorsements import officer_input
from api.wire.keys import Purpose
from api.wire.message_bodies import Carried, Item, items_body
from api.wire.messages import Evidence, InclusionPath, MessageBody, MessageKind, compose_request
from api.wire.statements import By, Content, Place, compose_payload, prepared_bytes
from tests.support.bodies import body
from tests.support.signing import ANALYST, NOW, REVIEWER, US, Signatory, membership

HERE = Path(__file__).parent
VECTORS, SIGNED = HERE / "vectors.json", HERE / "signed.json"
ANALYST_256 = Signatory("analyst-2", alg="ES256")
SALT_E, SALT_S = bytes(range(32)), bytes(range(32, 64))
EVENT = b'{"act":"package.released","id":"vector"}'

CANONICAL = [
    ('{"b":1,"a":[true,false,null]}', '{"a":[true,false,null],"b":1}'),
    (
        '{"numbers":[333333333.33333329,1e15,4.50,2e-3,0.000000000000000000000000001,-0.0]}',
        '{"numbers":[333333333.3333333,1000000000000000,4.5,0.002,1e-27,0]}',
    ),
    (
        '"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"',
        '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
    ),
    (
        '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
        '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    ),
]
REFUSED = [
    ('{"a":1,"a":2}', "json.duplicate-member"),
    ('{"a":1,"\\u0061":2}', "json.duplicate-member"),
    ("[NaN]", "json.non-finite"),
    ("[1e400]", "json.non-finite"),
    ("[9007199254740992]", "json.integer-range"),
    ('["\\ud800"]', "json.lone-surrogate"),
    ("\ufeff{}", "json.bom"),
    ("[" * 33 + "]" * 33, "json.too-deep"),
    ("{} ", "json.not-canonical"),
]
EVIDENCE = Evidence("vector checkpoint\n", (InclusionPath(7, (SALT_E,)),))
THREAD = digest(b"vector thread")
CONTENTS = {
    "package": (Content("evidence-package/1", (), body("evidence-package/1")), None),
    "release": (Content("release/1", ("uk-fcdo",), body("release/1")), None),
    "request": (Content("mirror-request/1", ("uk-fcdo",), body("mirror-request/1")), Place(1)),
    "answer": (
        Content("mirror-answer/1", ("uk-fcdo",), body("mirror-answer/1"), THREAD),
        Place(2, THREAD),
    ),
}
OFFICERS = {
    "package": (ANALYST, None),
    "release": (ANALYST, REVIEWER),
    "request": (ANALYST_256, ANALYST),
    "answer": (ANALYST, REVIEWER),
}


def vectors() -> dict[str, Any]:
    """Everything that comes out alike each time."""
    found = membership()
    s = leaf.statement_commitment(SALT_S, digest_bytes(digest(b"envelope")))
    e = leaf.event_commitment(SALT_E, EVENT)
    return {
        "canonical": [{"json": text, "canonical": form} for text, form in CANONICAL],
        "refused": [{"json": text, "code": code} for text, code in REFUSED],
        "keys": [record.to_json() for record in US.records],
        "officers": [
            {"name": who.name, "jwk": who.jwk, "kid": who.officer.kid, "form": who.form}
            for who in (ANALYST, ANALYST_256, REVIEWER)
        ],
        "statements": {name: _statement(name) for name in CONTENTS},
        "leaf": {
            "salt_e": SALT_E.hex(),
            "event": EVENT.decode(),
            "e": e.hex(),
            "salt_s": SALT_S.hex(),
            "envelope_digest": digest(b"envelope"),
            "s": s.hex(),
            "entry": leaf.leaf_entry(e, s).decode(),
        },
        "membership": {"file": found.raw.decode(), "digest": found.digest},
    }


def _statement(name: str) -> dict[str, str]:
    content, place = CONTENTS[name]
    prepared, approved = OFFICERS[name]
    payload = compose_payload(
        content,
        issuer=US.id,
        issued_at=NOW,
        nonce=bytes(range(16)),
        by=By(prepared.officer, None if approved is None else approved.officer),
        place=place,
    )
    signed = prepared_bytes(content, issuer=US.id, nonce=b64u_encode(bytes(range(16))))
    return {
        "payload": payload.decode(),
        "id": digest(payload),
        "prepared": signed.decode(),
        "prepared_input_sha256": digest(officer_input(ANALYST.jwk, signed)),
    }


def signed() -> dict[str, Any]:
    """Freshly signed envelopes of the statements, and a message that delivers one of them."""
    raws = {
        name: US.statement(content, *OFFICERS[name], place=place, nonce=bytes(range(16)))
        for name, (content, place) in CONTENTS.items()
    }
    opening = leaf.LeafOpening(leaf.event_commitment(SALT_E, EVENT), SALT_S)
    message = US.seal_message(
        MessageBody(
            from_=US.id,
            to="uk-fcdo",
            id="vector-1",
            kind=MessageKind.DELIVER,
            epoch=1,
            seq=1,
            prev=None,
            body=items_body(
                [Item(raws["release"], 7, opening, (Carried(raws["package"], 3, opening),))]
            ),
            substantive_size=8,
        )
    )
    request = compose_request(message, EVIDENCE)
    return {
        "statements": {
            name: {"envelope": raw.decode(), "digest": digest(raw)} for name, raw in raws.items()
        },
        "message": {"envelope": message.decode(), "digest": digest(message)},
        "request": {"body": request.decode(), "digest": digest(request)},
        "signers": [
            record.to_json()
            for purpose in (Purpose.SEAL, Purpose.MESSAGE)
            for record in US.records_for(purpose)
        ],
    }


def text_of(value: dict[str, Any]) -> str:
    """The file's text: readable, stable."""
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(text_of(vectors()), "utf-8")
    if "--sign" in sys.argv or not SIGNED.exists():
        SIGNED.write_text(text_of(signed()), "utf-8")
