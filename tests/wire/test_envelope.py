import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.wire import keys, limits
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.endorsements import check_endorsements
from api.wire.envelope import (
    MESSAGE,
    STATEMENT,
    assemble,
    parse_envelope,
    parse_protected,
    protected_header,
    seal,
    signing_input,
    verify_seal,
)
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.statements import Content, parse_statement
from tests.support.bodies import body
from tests.support.campaigns import long
from tests.support.cases import numbered
from tests.support.signing import ANALYST, REVIEWER, UK, US, SealingMinistry

SHARES = 4
"""A short run tries the first of them."""

SEAL_KEYS = US.records_for(Purpose.SEAL)
CONTENT = Content("release/1", ("uk-fcdo",), body("release/1"))


@pytest.fixture(scope="module")
def raw() -> bytes:
    """A release with a key's and a passkey's endorsement."""
    return US.statement(CONTENT, ANALYST, REVIEWER)


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


def edited(raw: bytes, edit: Any) -> bytes:
    """The envelope with one edit, canonical again."""
    value = json.loads(raw)
    edit(value)
    return canonical(value)


def judge(raw: bytes) -> None:
    envelope = parse_envelope(raw)
    verify_seal(envelope, SEAL_KEYS, STATEMENT)
    check_endorsements(parse_statement(envelope.payload), envelope)


def test_a_sealed_statement_verifies_and_is_named_by_its_bytes(raw: bytes) -> None:
    judge(raw)
    envelope = parse_envelope(raw)
    assert envelope.raw == raw
    assert envelope.digest == digest(raw)
    assert envelope.typ == STATEMENT
    assert [entry.alg for entry in envelope.signatures] == ["ES384", "ML-DSA-87"]
    assert verify_seal(envelope, SEAL_KEYS, STATEMENT) == SEAL_KEYS


@pytest.mark.parametrize("share", [0, *long(*range(1, SHARES))])
def test_every_single_changed_byte_fails(raw: bytes, share: int) -> None:
    for position in range(share, len(raw), SHARES):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(WireError):
            judge(bytes(changed))


@settings(max_examples=300)
@given(data=st.data())
def test_any_other_value_of_any_byte_fails(raw: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != raw[position]))
    with pytest.raises(WireError):
        judge(raw[:position] + bytes([other]) + raw[position + 1 :])


@settings(max_examples=100)
@given(data=st.data())
def test_cutting_and_inserting_fail(raw: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 4))
    inserted = data.draw(st.binary(max_size=4))
    changed = raw[:position] + inserted + raw[position + cut :]
    if changed != raw:
        with pytest.raises(WireError):
            judge(changed)


def _entry(number: int, **changes: str) -> Any:
    return lambda v: v["signatures"][number].update(changes)


def _header(header: dict[str, object]) -> str:
    return b64u_encode(canonical(header))


KID = SEAL_KEYS[0].kid
HEADER = {"alg": "ES384", "kid": KID, "typ": STATEMENT}


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(extra=1), "envelope.malformed"),
            (lambda v: v.pop("payload"), "envelope.malformed"),
            (lambda v: v.update(payload=None), "envelope.malformed"),
            (lambda v: v.update(payload="AB"), "envelope.malformed"),
            (lambda v: v.update(signatures={}), "envelope.malformed"),
            (lambda v: v.update(signatures=[]), "envelope.typ"),
            (lambda v: v["signatures"].pop(), "envelope.signatures"),
            (lambda v: v["signatures"].pop(0), "envelope.signatures"),
            (lambda v: v["signatures"].reverse(), "envelope.signatures"),
            (lambda v: v["signatures"].append(v["signatures"][0]), "envelope.signatures"),
            (lambda v: v["signatures"].__setitem__(1, v["signatures"][0]), "envelope.signatures"),
            (_entry(0, header="x"), "envelope.signatures"),
            (lambda v: v["signatures"][0].pop("signature"), "envelope.signatures"),
            (_entry(0, signature="AA=="), "envelope.signatures"),
            (lambda v: v["signatures"].__setitem__(0, "x"), "envelope.signatures"),
            (_entry(0, protected="!"), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"crit": ["b64"]})), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"jku": "https://x"})), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"jwk": {}})), "envelope.protected"),
            (_entry(0, protected=_header({"alg": "ES384", "kid": KID})), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"kid": "../key"})), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"kid": "' OR 1=1 --"})), "envelope.protected"),
            (_entry(0, protected=_header(HEADER | {"alg": 5})), "envelope.protected"),
            (_entry(0, protected=b64u_encode(json.dumps(HEADER).encode())), "envelope.protected"),
            (
                _entry(0, protected=b64u_encode(b'{"alg":"none",' + canonical(HEADER)[1:])),
                "envelope.protected",
            ),
            (_entry(0, protected=_header(HEADER | {"alg": "none"})), "envelope.signatures"),
            (_entry(0, protected=_header(HEADER | {"alg": "HS256"})), "envelope.signatures"),
            (_entry(0, protected=_header(HEADER | {"alg": "ES256"})), "envelope.signatures"),
            (_entry(0, protected=_header(HEADER | {"typ": MESSAGE})), "envelope.typ"),
            (_entry(0, protected=_header(HEADER | {"typ": "comity-officer"})), "envelope.typ"),
            (lambda v: v.update(endorsements=[]), "envelope.malformed"),
            (lambda v: v.update(endorsements={}), "envelope.malformed"),
            (lambda v: v["endorsements"].reverse(), "envelope.endorsements"),
            (lambda v: v["endorsements"].append(v["endorsements"][0]), "envelope.malformed"),
            (lambda v: v["endorsements"][0].update(part="witnessed"), "envelope.endorsements"),
            (lambda v: v["endorsements"][0].update(form="recorded"), "envelope.endorsements"),
            (lambda v: v["endorsements"][0].update(note=""), "envelope.endorsements"),
            (lambda v: v["endorsements"][0].update(jwk="x"), "envelope.endorsements"),
            (lambda v: v["endorsements"][0]["jwk"].update(x=1), "key.malformed"),
            (
                lambda v: v["endorsements"][0].update(jwk=dict(SEAL_KEYS[1].public)),
                "envelope.endorsements",
            ),
        ]
    ),
)
def test_structure_refusals(raw: bytes, edit: Any, code: str) -> None:
    with refused(code):
        parse_envelope(edited(raw, edit))


def test_duplicate_members_are_refused_before_any_library_reads_them(raw: bytes) -> None:
    with refused("json.duplicate-member"):
        parse_envelope(raw.replace(b'{"endorsements"', b'{"payload":"","endorsements"', 1))


def test_an_envelope_in_another_spelling_is_refused(raw: bytes) -> None:
    for changed in (raw + b"\n", b" " + raw, json.dumps(json.loads(raw)).encode()):
        with refused("json.not-canonical"):
            parse_envelope(changed)


def test_size_limit(raw: bytes) -> None:
    with refused("json.too-large"):
        parse_envelope(raw, limit=len(raw) - 1)
    assert limits.ENVELOPE == 8 * 1024 * 1024


def test_messages_carry_no_endorsements(raw: bytes) -> None:
    endorsement = parse_envelope(raw).endorsements[:1]
    message = seal(b"{}", MESSAGE, US.records_for(Purpose.MESSAGE), US.sign, endorsement)
    with refused("envelope.endorsements"):
        parse_envelope(message)


def test_keys_of_another_ministry_are_unknown(raw: bytes) -> None:
    with refused("key.unknown"):
        verify_seal(parse_envelope(raw), UK.records_for(Purpose.SEAL), STATEMENT)
    with refused("key.unknown"):
        verify_seal(parse_envelope(raw), SEAL_KEYS[:1], STATEMENT)
    with refused("key.unknown"):
        verify_seal(parse_envelope(raw), (), STATEMENT)


def test_a_seal_does_not_pass_as_a_message(raw: bytes) -> None:
    with refused("envelope.typ"):
        verify_seal(parse_envelope(raw), SEAL_KEYS, MESSAGE)


def test_a_message_key_cannot_seal() -> None:
    as_seal = [
        dataclasses.replace(r, purpose=Purpose.SEAL) for r in US.records_for(Purpose.MESSAGE)
    ]
    forged = parse_envelope(seal(b"{}", STATEMENT, as_seal, US.sign))
    with refused("key.purpose"):
        verify_seal(forged, US.records, STATEMENT)


def test_the_algorithm_comes_from_the_record(raw: bytes) -> None:
    swapped = [dataclasses.replace(SEAL_KEYS[0], alg=keys.ML_DSA_87), SEAL_KEYS[1]]
    with refused("key.algorithm"):
        verify_seal(parse_envelope(raw), swapped, STATEMENT)


def test_one_true_signature_is_not_enough(raw: bytes) -> None:
    other = parse_envelope(US.seal(b"{}"))
    for number in (0, 1):
        stolen = b64u_encode(other.signatures[number].signature)
        with refused("signature.false"):
            verify_seal(
                parse_envelope(edited(raw, _entry(number, signature=stolen))), SEAL_KEYS, STATEMENT
            )


@pytest.mark.parametrize(
    ("bounds", "log_index", "expected"),
    [
        ({"until": 5}, None, "time-unproven"),
        ({"revoked_from": 5}, None, "time-unproven"),
        ({"until": 5}, 5, "key.retired"),
        ({"revoked_from": 5}, 9, "key.revoked"),
        ({"from_": 5}, 4, "key.not-yet-valid"),
    ],
)
@pytest.mark.parametrize("number", [0, 1])
def test_either_key_out_of_bounds_fails(
    raw: bytes, bounds: dict[str, int], log_index: int | None, expected: str, number: int
) -> None:
    records = list(SEAL_KEYS)
    records[number] = dataclasses.replace(records[number], **bounds)
    with refused(expected):
        verify_seal(parse_envelope(raw), records, STATEMENT, log_index=log_index)
    verify_seal(parse_envelope(raw), SEAL_KEYS, STATEMENT, log_index=3)


def test_the_other_half_of_the_ecdsa_seal_is_no_second_envelope(raw: bytes) -> None:
    signature = parse_envelope(raw).signatures[0].signature
    order = 39402006196394479212279040100143613805079739270465446667946905279627659399113263569398956308152294913554433653942643  # fmt: skip
    high = signature[:48] + (order - int.from_bytes(signature[48:])).to_bytes(48)
    with refused("signature.malformed"):
        verify_seal(
            parse_envelope(edited(raw, _entry(0, signature=b64u_encode(high)))),
            SEAL_KEYS,
            STATEMENT,
        )


def test_sealing_needs_one_current_key_of_each_algorithm() -> None:
    later = SealingMinistry(US.id, US.jurisdiction, "second").records_for(Purpose.SEAL)
    for records in (SEAL_KEYS[:1], (), (*SEAL_KEYS, *later)):
        with refused("key.unknown"):
            seal(b"{}", STATEMENT, records, US.sign)


def test_the_protected_header_has_one_spelling() -> None:
    header = protected_header("ES384", KID, STATEMENT)
    assert parse_protected(header) == ("ES384", KID, STATEMENT)
    assert b64u_decode(header) == canonical(HEADER)
    with refused("envelope.protected"):
        parse_protected(header + "A")


def test_the_signing_input_is_that_of_rfc_7515() -> None:
    assert signing_input("aGk", "e30") == b"aGk.e30"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_with_a_stable_code(data: bytes) -> None:
    with pytest.raises(WireError) as caught:
        parse_envelope(data)
    assert caught.value.code.split(".")[0] in {"json", "envelope"}


@given(
    st.recursive(
        st.none() | st.integers(0, 3) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["payload", "signatures", "protected", "signature", "form"]), inner
            )
        ),
    )
)
def test_arbitrary_objects_are_refused_with_a_stable_code(value: Any) -> None:
    with pytest.raises(WireError) as caught:
        parse_envelope(canonical(value))
    assert caught.value.code.split(".")[0] in {"json", "envelope", "key"}


def test_assemble_leaves_out_empty_endorsements() -> None:
    assert assemble(b"{}", []) == b'{"payload":"e30","signatures":[]}'
