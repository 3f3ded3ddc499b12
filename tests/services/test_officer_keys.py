"""Keys enrol with proof of possession; passkeys count at the ministry's own address alone."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import ComityError, Conflict, Invalid, Refused
from api.services.authorising import Caller
from api.services.desk import officer_keys, relying_parties
from api.services.desk.officer_keys import NewKey
from api.services.statements import approving, drafting, previewing
from api.wire.encoding import b64u_encode
from api.wire.endorsements import officer_input, possession_bytes
from api.wire.errors import WireError
from api.wire.keys import thumbprint
from api.wire.statements import NONCE_BYTES, Content, prepared_bytes
from tests.support import exchange
from tests.support.authenticator import Authenticator
from tests.support.bodies import body
from tests.support.exchange import UK, US
from tests.support.federation import ISSUER, Federation
from tests.support.looking import seen
from tests.support.signing import Signatory, raw_signature

ORIGIN, RP_ID = "https://us-treasury.example", "us-treasury.example"


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def refusal(code: str, kind: type[Exception] = Conflict) -> Any:
    return pytest.raises(kind, match=code)


def answer(caller: Caller, key: Signatory, challenge: str, **changes: str) -> NewKey:
    """A key's answer to a challenge, in form jws."""
    members = {"ministry": US, "iss": ISSUER, "sub": caller.sub, "challenge": challenge} | changes
    data = possession_bytes(**members)
    signature = b64u_encode(raw_signature(key.private, officer_input(key.jwk, data)))
    return NewKey("jws", challenge, jwk=key.jwk, signature=signature)


class TestPossession:
    def test_of_a_key_is_shown_by_signing(self, federation: Federation) -> None:
        us, caller = federation[US], federation.officer(US, "analyst")
        key = Signatory("new")
        asked = officer_keys.challenge(us, caller, "jws")
        made = officer_keys.request_key(us, caller, answer(caller, key, asked.challenge))
        assert (made.kid, made.state) == (thumbprint(key.jwk), "requested")
        officer_keys.propose_key(us, federation.officer(US, "admin"), made.kid)
        seen(officer_keys.approve_key, us, federation.officer(US, "admin2"), made.kid)
        assert made.kid in federation.officer(US, "analyst").principal.key_kids

    def test_of_a_colleagues_key_is_not_shown_by_knowing_it(self, federation: Federation) -> None:
        us, thief = federation[US], federation.officer(US, "analyst2")
        owner, mine = Signatory("owner"), Signatory("mine")
        asked = officer_keys.challenge(us, thief, "jws").challenge
        signed = answer(thief, mine, asked)
        with refusal("key.possession", WireError):
            officer_keys.request_key(us, thief, replace(signed, jwk=owner.jwk))
        # What the owner signs for their own account opens nothing to the thief.
        other = answer(federation.officer(US, "analyst"), owner, asked)
        with refusal("key.possession", WireError):
            officer_keys.request_key(us, thief, other)
        caller = federation.officer(US, "analyst")
        own = officer_keys.challenge(us, caller, "jws").challenge
        officer_keys.request_key(us, caller, answer(caller, owner, own))

    def test_covers_who_asks_and_where(self, federation: Federation) -> None:
        us, caller = federation[US], federation.officer(US, "analyst")
        asked = officer_keys.challenge(us, caller, "jws").challenge
        for changed in ("ministry", "iss", "sub"):
            with refusal("key.possession", WireError):
                new = answer(caller, Signatory("new"), asked, **{changed: "other"})
                officer_keys.request_key(us, caller, new)
        late = officer_keys.challenge(us, caller, "jws").challenge
        with refusal("key.possession", WireError):
            new = answer(caller, Signatory("new"), asked)
            officer_keys.request_key(us, caller, replace(new, challenge=late))

    def test_needs_an_open_challenge_of_the_callers_own(self, federation: Federation) -> None:
        us, caller = federation[US], federation.officer(US, "analyst")
        other = federation.officer(US, "reviewer")
        asked = officer_keys.challenge(us, other, "jws").challenge
        with refusal("key.challenge", Invalid):
            officer_keys.request_key(us, caller, answer(caller, Signatory("new"), asked))
        old = officer_keys.challenge(us, caller, "jws").challenge
        federation.clock.sleep(601)
        with refusal("key.challenge", Invalid):
            officer_keys.request_key(us, caller, answer(caller, Signatory("new"), old))
        once = officer_keys.challenge(us, caller, "jws").challenge
        officer_keys.request_key(us, caller, answer(caller, Signatory("new"), once))
        with refusal("key.challenge", Invalid):
            officer_keys.request_key(us, caller, answer(caller, Signatory("newer"), once))


def set_site(federation: Federation, rp_id: str = RP_ID, origin: str = ORIGIN) -> None:
    us = federation[US]
    made = relying_parties.propose(us, federation.officer(US, "admin"), rp_id, [origin])
    with refusal("policy.own-proposal", Refused):
        relying_parties.approve(us, federation.officer(US, "admin"), made.id)
    seen(relying_parties.approve, us, federation.officer(US, "admin2"), made.id)


def enrol(federation: Federation, name: str, passkey: Authenticator) -> Caller:
    us, caller = federation[US], federation.officer(US, name)
    asked = officer_keys.challenge(us, caller, "webauthn")
    assert asked.options is not None
    assert asked.options["rp"]["id"] == RP_ID
    assert asked.options["challenge"] == asked.challenge
    new = NewKey("webauthn", asked.challenge, credential=passkey.register(asked.challenge))
    made = officer_keys.request_key(us, caller, new)
    officer_keys.propose_key(us, federation.officer(US, "admin"), made.kid)
    seen(officer_keys.approve_key, us, federation.officer(US, "admin2"), made.kid)
    return federation.officer(US, name)


def elsewhere(passkey: Authenticator) -> None:
    passkey.origin = "https://us-treasury.example.evil.example"


def other_port(passkey: Authenticator) -> None:
    passkey.origin = f"{ORIGIN}:8443"


def other_party(passkey: Authenticator) -> None:
    passkey.rp_id = "uk-fcdo.example"


def unverified(passkey: Authenticator) -> None:
    passkey.flags = 0x01


class TestRegistration:
    def test_of_a_passkey_made_elsewhere_is_refused(self, federation: Federation) -> None:
        set_site(federation)
        us, caller = federation[US], federation.officer(US, "analyst")
        for change in (elsewhere, other_port, other_party, unverified):
            passkey = Authenticator()
            change(passkey)
            asked = officer_keys.challenge(us, caller, "webauthn").challenge
            with refusal("passkey.registration", WireError):
                new = NewKey("webauthn", asked, credential=passkey.register(asked))
                officer_keys.request_key(us, caller, new)

    def test_answers_the_challenge(self, federation: Federation) -> None:
        set_site(federation)
        us, caller = federation[US], federation.officer(US, "analyst")
        asked = officer_keys.challenge(us, caller, "webauthn").challenge
        other = officer_keys.challenge(us, caller, "webauthn").challenge
        with refusal("passkey.registration", WireError):
            new = NewKey("webauthn", asked, credential=Authenticator().register(other))
            officer_keys.request_key(us, caller, new)
        for junk in ({}, {"id": "x"}, {**Authenticator().register(asked), "response": {}}):
            with refusal("passkey.registration", WireError):
                officer_keys.request_key(us, caller, NewKey("webauthn", asked, credential=junk))

    def test_waits_until_two_administrators_set_the_place(self, federation: Federation) -> None:
        us, caller = federation[US], federation.officer(US, "analyst")
        with refusal("passkey.no-relying-party"):
            officer_keys.challenge(us, caller, "webauthn")


class TestRelyingParty:
    def test_is_a_domain_with_addresses_on_it(self, federation: Federation) -> None:
        us, admin = federation[US], federation.officer(US, "admin")
        for rp_id, origin in (
            ("us-treasury.example", "http://us-treasury.example"),
            ("us-treasury.example", "https://uk-fcdo.example"),
            ("us-treasury.example", "https://us-treasury.example/console"),
            ("us-treasury.example", "https://notus-treasury.example"),
            ("us-treasury.example", "https://a@us-treasury.example"),
            ("https://us-treasury.example", "https://us-treasury.example"),
            ("US-Treasury.example", "https://US-Treasury.example"),
        ):
            with refusal("relying-party", Invalid):
                relying_parties.propose(us, admin, rp_id, [origin])

    def test_that_is_new_replaces_the_old(self, federation: Federation) -> None:
        set_site(federation)
        set_site(federation, origin=f"https://console.{RP_ID}")
        found = relying_parties.everything(federation[US], federation.officer(US, "auditor"))
        assert sorted(party.state for party in found) == ["active", "replaced"]


def release_of(federation: Federation) -> Content:
    package = exchange.package(federation, US, f"Package {federation.random.random()}")
    return Content("release/1", (UK,), body("release/1", package=package, recipient=UK))


def endorsed(passkey: Authenticator, content: Content) -> dict[str, Any]:
    nonce = b64u_encode(secrets.token_bytes(NONCE_BYTES))
    data = prepared_bytes(content, issuer=US, nonce=nonce)
    return passkey.endorse("prepared", data).to_json() | {"nonce": nonce}


class TestUse:
    def test_at_another_address_prepares_nothing(self, federation: Federation) -> None:
        set_site(federation)
        passkey, us = Authenticator(), federation[US]
        caller, content = enrol(federation, "analyst", passkey), release_of(federation)
        for change in (elsewhere, other_port, other_party):
            foreign = replace(passkey)
            change(foreign)
            with refusal("passkey.foreign-site", Refused):
                drafting.create(us, caller, content, endorsed(foreign, content))
        drafting.create(us, caller, content, endorsed(passkey, content))

    def test_at_another_address_approves_nothing(self, federation: Federation) -> None:
        set_site(federation)
        passkey, us = Authenticator(), federation[US]
        content = release_of(federation)
        draft = drafting.create(us, federation.officer(US, "analyst"), content)
        reviewer = enrol(federation, "reviewer", passkey)
        kid = thumbprint(passkey.jwk)
        identifier = draft.id
        previewing.preview(us, reviewer, identifier)
        offered = approving.candidate(us, reviewer, identifier, "webauthn", kid)
        for change in (elsewhere, other_port, other_party):
            foreign = replace(passkey)
            change(foreign)
            bad = foreign.endorse("approved", offered).to_json()
            with refusal("passkey.foreign-site", Refused):
                approving.approve_signed(us, reviewer, identifier, offered, bad)
        good = passkey.endorse("approved", offered).to_json()
        done = approving.approve_signed(us, reviewer, identifier, offered, good)
        assert done.state == "sealed"

    def test_with_a_counter_that_did_not_rise_is_refused_and_recorded(
        self, federation: Federation
    ) -> None:
        set_site(federation)
        passkey, us = Authenticator(), federation[US]
        caller = enrol(federation, "analyst", passkey)
        passkey.count = 7
        first, second = release_of(federation), release_of(federation)
        drafting.create(us, caller, first, endorsed(passkey, first))
        for count in (7, 3, -1):
            passkey.count = count
            with refusal("passkey.counter", Refused):
                drafting.create(us, caller, second, endorsed(passkey, second))
        assert us.db.read(last_refusal) == "passkey.counter"
        passkey.count = 8
        drafting.create(us, caller, second, endorsed(passkey, second))

    def test_without_a_counter_is_accepted(self, federation: Federation) -> None:
        set_site(federation)
        passkey, us = Authenticator(), federation[US]
        caller = enrol(federation, "analyst", passkey)
        for _ in range(2):
            content = release_of(federation)
            passkey.count = -1
            drafting.create(us, caller, content, endorsed(passkey, content))

    def test_with_a_false_signature_moves_no_counter(self, federation: Federation) -> None:
        set_site(federation)
        passkey, us = Authenticator(), federation[US]
        caller = enrol(federation, "analyst", passkey)
        content, other = release_of(federation), release_of(federation)
        passkey.count = 100
        with pytest.raises((WireError, ComityError), match=r"endorsement\.false"):
            drafting.create(us, caller, content, endorsed(passkey, other))
        passkey.count = 1
        drafting.create(us, caller, content, endorsed(passkey, content))


def last_refusal(connection: Any) -> str:
    import json

    from api.records import log

    (row,) = log.events_page(connection, limit=1, act="access.refused")
    return str(json.loads(bytes(row.body))["code"])
