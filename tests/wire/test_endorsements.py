import dataclasses
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from api.wire import ecdsa, keys
from api.wire.canonical import canonical
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.endorsements import (
    check_endorsements,
    check_parts,
    jws_endorsement,
    officer_input,
    webauthn_endorsement,
)
from api.wire.envelope import Endorsement, parse_envelope
from api.wire.errors import WireError
from api.wire.statements import Content, parse_statement
from tests.support.bodies import body
from tests.support.signing import ANALYST, NOW, REVIEWER, US, Signatory, raw_signature

CONTENT = Content("release/1", ("uk-fcdo",), body("release/1"))
JWS_256 = Signatory("analyst-2", alg=keys.ES256)
PASSKEY_384 = Signatory("reviewer-2", "reviewer", keys.ES384, "webauthn")
RECORDED = Signatory("reviewer-3", "reviewer", form="recorded")


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


def judge(raw: bytes) -> list[tuple[str, str, bool]]:
    envelope = parse_envelope(raw)
    found = check_endorsements(parse_statement(envelope.payload), envelope)
    return [(part.part, part.officer.sub, part.signed) for part in found]


def resealed(raw: bytes, edit: Any) -> bytes:
    """Change the endorsements only; the seal still fits, it does not cover them."""
    value = json.loads(raw)
    edit(value)
    if not value["endorsements"]:
        del value["endorsements"]
    return canonical(value)


@pytest.mark.parametrize("prepared", [ANALYST, JWS_256, REVIEWER], ids=["es384", "es256", "wa"])
@pytest.mark.parametrize("approved", [REVIEWER, JWS_256, ANALYST], ids=["wa", "es256", "es384"])
def test_both_forms_and_both_curves_verify(prepared: Signatory, approved: Signatory) -> None:
    assert judge(US.statement(CONTENT, prepared, approved)) == [
        ("prepared", prepared.name, True),
        ("approved", approved.name, True),
    ]


def test_recorded_parts_are_the_ministrys_word_and_reported_as_such() -> None:
    assert judge(US.statement(CONTENT, ANALYST, RECORDED)) == [
        ("prepared", ANALYST.name, True),
        ("approved", RECORDED.name, False),
    ]
    assert judge(US.statement(CONTENT, RECORDED)) == [("prepared", RECORDED.name, False)]


def test_a_disposition_has_none() -> None:
    raw = US.statement(Content("disposition/2", ("uk-fcdo",), body("disposition/2")))
    assert judge(raw) == []


def test_a_named_signature_that_is_missing_fails() -> None:
    raw = US.statement(CONTENT, ANALYST, REVIEWER)
    for number in (0, 1):
        with refused("endorsement.missing"):
            judge(resealed(raw, lambda v, n=number: v["endorsements"].pop(n)))
    with refused("endorsement.missing"):
        judge(resealed(raw, lambda v: v["endorsements"].clear()))


def test_a_signature_that_by_does_not_name_fails() -> None:
    donor = json.loads(US.statement(CONTENT, ANALYST, REVIEWER))["endorsements"]
    for approved in (None, RECORDED):
        raw = US.statement(CONTENT, ANALYST, approved)
        with refused("endorsement.unexpected"):
            judge(resealed(raw, lambda v: v["endorsements"].append(donor[1])))


def test_the_same_part_twice_fails() -> None:
    signed = ANALYST.endorse("prepared", b"data")
    with refused("endorsement.unexpected"):
        check_parts({"prepared": ANALYST.officer}, {"prepared": b"data"}, (signed, signed))


def test_a_signature_over_another_statement_is_false() -> None:
    raw = US.statement(CONTENT, ANALYST, REVIEWER)
    moved = dataclasses.replace(CONTENT, to=("ca-gac",))
    other = json.loads(US.statement(moved, ANALYST, REVIEWER))["endorsements"]
    for number in (0, 1):
        with refused("endorsement.false"):
            judge(resealed(raw, lambda v, n=number: v["endorsements"].__setitem__(n, other[n])))


def test_a_preparers_signature_does_not_serve_as_approval() -> None:
    raw = US.statement(CONTENT, ANALYST, ANALYST)
    copied = json.loads(raw)["endorsements"][0] | {"part": "approved"}
    with refused("endorsement.false"):
        judge(resealed(raw, lambda v: v["endorsements"].__setitem__(1, copied)))


def test_both_sign_the_nonce_and_the_approver_the_time_too() -> None:
    raw = US.statement(CONTENT, ANALYST, ANALYST)
    other = US.statement(CONTENT, ANALYST, ANALYST, nonce=bytes(15) + b"\1")
    taken = json.loads(other)["endorsements"]
    for number in (0, 1):
        with refused("endorsement.false"):
            judge(resealed(raw, lambda v, n=number: v["endorsements"].__setitem__(n, taken[n])))
    later = US.statement(CONTENT, ANALYST, ANALYST, issued_at=NOW + timedelta(seconds=1))
    taken = json.loads(later)["endorsements"]
    with refused("endorsement.false"):
        judge(resealed(raw, lambda v: v["endorsements"].__setitem__(1, taken[1])))
    # The preparer's survives: the time is the node's.
    judge(resealed(raw, lambda v: v["endorsements"].__setitem__(0, taken[0])))


def test_another_officers_key_is_refused_by_name() -> None:
    raw = US.statement(CONTENT, ANALYST, REVIEWER)
    stranger = Signatory("stranger").endorse("prepared", parse_statement_of(raw).prepared)
    with refused("endorsement.kid-mismatch"):
        judge(resealed(raw, lambda v: v["endorsements"].__setitem__(0, stranger.to_json())))


def parse_statement_of(raw: bytes) -> Any:
    return parse_statement(parse_envelope(raw).payload)


def test_the_form_is_the_one_by_names() -> None:
    raw = US.statement(CONTENT, REVIEWER, REVIEWER)
    as_jws = dataclasses.replace(REVIEWER, form="jws").endorse(
        "prepared", parse_statement_of(raw).prepared
    )
    with refused("endorsement.form"):
        judge(resealed(raw, lambda v: v["endorsements"].__setitem__(0, as_jws.to_json())))


def test_a_protected_header_of_another_kind_is_false() -> None:
    raw = US.statement(CONTENT, ANALYST)
    other = json.loads(raw)["signatures"][0]["protected"]
    with refused("endorsement.false"):
        judge(resealed(raw, lambda v: v["endorsements"][0].update(protected=other)))


@pytest.mark.parametrize(
    "client",
    [
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
        {"crossOrigin": True},
        {"type": None},
    ],
    ids=["type", "challenge", "cross-origin", "no-type"],
)
def test_webauthn_client_data_must_be_for_this_signature(client: dict[str, Any]) -> None:
    with refused("endorsement.false"):
        check_parts(
            {"approved": REVIEWER.officer},
            {"approved": b"data"},
            (REVIEWER.endorse("approved", b"data", **client),),
        )


def _assertion(authenticator: bytes, client_data: bytes | None = None) -> Endorsement:
    challenge = b64u_encode(hashlib.sha256(b"data").digest())
    if client_data is None:
        client_data = json.dumps({"type": "webauthn.get", "challenge": challenge}).encode()
    private = REVIEWER.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signed = authenticator + hashlib.sha256(client_data).digest()
    der = private.sign(signed, ec.ECDSA(hashes.SHA256()))
    return webauthn_endorsement("approved", REVIEWER.jwk, der, authenticator, client_data)


@pytest.mark.parametrize(
    ("authenticator", "good"),
    [
        (bytes(32) + b"\x05" + bytes(4), True),
        (bytes(32) + b"\x1d" + bytes(4), True),
        (bytes(32) + b"\x01" + bytes(4), False),
        (bytes(32) + b"\x04" + bytes(4), False),
        (bytes(32) + b"\x05" + bytes(3), False),
        (b"", False),
    ],
    ids=["present-verified", "more-flags", "not-verified", "not-present", "short", "empty"],
)
def test_the_officer_was_present_and_verified(authenticator: bytes, good: bool) -> None:
    arguments = (
        {"approved": REVIEWER.officer},
        {"approved": b"data"},
        (_assertion(authenticator),),
    )
    if good:
        assert check_parts(*arguments)[0].signed
        return
    with refused("endorsement.false"):
        check_parts(*arguments)


@pytest.mark.parametrize(
    "client_data",
    [b"", b"[]", b"\xff", b'{"type":"webauthn.get","type":"webauthn.get"}', b" " * 5000],
    ids=["empty", "list", "not-utf8", "duplicate", "long"],
)
def test_client_data_is_read_strictly(client_data: bytes) -> None:
    with refused("endorsement.false"):
        check_parts(
            {"approved": REVIEWER.officer},
            {"approved": b"data"},
            (_assertion(bytes(32) + b"\x05" + bytes(4), client_data),),
        )


def test_signatures_of_devices_are_brought_into_the_accepted_half() -> None:
    for signatory in (ANALYST, JWS_256):
        low = raw_signature(signatory.private, officer_input(signatory.jwk, b"data"))
        size, order = ecdsa.SIZE[signatory.alg], ecdsa.CURVE[signatory.alg].group_order
        high = low[:size] + (order - int.from_bytes(low[size:])).to_bytes(size)
        made = jws_endorsement("prepared", signatory.jwk, high)
        assert made.signature == low
        check_parts({"prepared": signatory.officer}, {"prepared": b"data"}, (made,))
        carried = dataclasses.replace(made, signature=high)
        with refused("endorsement.false"):
            check_parts({"prepared": signatory.officer}, {"prepared": b"data"}, (carried,))


def test_the_other_half_of_a_passkey_signature_is_refused_as_carried() -> None:
    made = REVIEWER.endorse("approved", b"data")
    r, s = utils.decode_dss_signature(made.signature)
    order = ecdsa.CURVE[keys.ES256].group_order
    high = dataclasses.replace(made, signature=utils.encode_dss_signature(r, order - s))
    for carried, good in ((made, True), (high, False)):
        arguments = ({"approved": REVIEWER.officer}, {"approved": b"data"}, (carried,))
        if good:
            check_parts(*arguments)
        else:
            with refused("endorsement.false"):
                check_parts(*arguments)


def test_passkeys_on_either_curve() -> None:
    """ES384 passkeys hash with SHA-384, unlike the test's ES256 signer."""
    challenge = b64u_encode(hashlib.sha256(b"data").digest())
    client_data = json.dumps({"type": "webauthn.get", "challenge": challenge}).encode()
    authenticator = bytes(32) + b"\x05" + bytes(4)
    private = PASSKEY_384.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signed = authenticator + hashlib.sha256(client_data).digest()
    der = private.sign(signed, ec.ECDSA(hashes.SHA384()))
    made = webauthn_endorsement("approved", PASSKEY_384.jwk, der, authenticator, client_data)
    check_parts({"approved": PASSKEY_384.officer}, {"approved": b"data"}, (made,))


def test_endorsements_round_trip() -> None:
    for made in (ANALYST.endorse("prepared", b"x"), REVIEWER.endorse("approved", b"x")):
        assert Endorsement.from_json(made.to_json()) == made


@pytest.mark.parametrize("signatory", [ANALYST, JWS_256, REVIEWER], ids=["es384", "es256", "wa"])
def test_either_half_is_taken_in_and_one_is_carried(signatory: Signatory) -> None:
    raw = US.statement(CONTENT, signatory)
    entry = json.loads(raw)["endorsements"][0]
    order, size = ecdsa.CURVE[signatory.alg].group_order, ecdsa.SIZE[signatory.alg]
    low = b64u_decode(entry["signature"])
    if signatory.form == "jws":
        high = low[:size] + (order - int.from_bytes(low[size:])).to_bytes(size)
    else:
        r, s = utils.decode_dss_signature(low)
        high = utils.encode_dss_signature(r, order - s)
    other = entry | {"signature": b64u_encode(high)}
    assert Endorsement.from_json(other) == Endorsement.from_json(entry)
    with refused("envelope.endorsements"):
        judge(resealed(raw, lambda v: v["endorsements"].__setitem__(0, other)))
