import json
import multiprocessing
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from api.adapters.crypto import officer_key, pkcs8_pem, private_keys, sealed_file
from api.adapters.crypto.keystore import SIGNING_PURPOSES, FileKeystore, OldKeys
from api.adapters.crypto.officer_key import OfficerKey
from api.adapters.crypto.pkcs8_pem import ScryptCost
from api.adapters.crypto.private_keys import PrivateKey
from api.adapters.crypto.sealed_file import KdfCost
from api.domain.errors import ComityError, Conflict, Invalid, NotFound
from api.ports.signer import Signer
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from api.wire.endorsements import check_endorsements
from api.wire.envelope import STATEMENT, parse_envelope, seal, verify_seal
from api.wire.keys import ALGORITHMS, Purpose, public_jwk, verify_signature
from api.wire.statements import By, Content, compose_payload, parse_statement
from tests.support import foreign
from tests.support.bodies import body
from tests.support.signing import NOW

CHEAP = KdfCost(memory_kib=64, iterations=1, lanes=1)
SCRYPT = ScryptCost(2, 1, 1)
SECRET = "correct horse battery"
FIRST, SECOND = "first administrator", "second administrator"


def secret() -> str:
    return SECRET


def wrong() -> str:
    return "incorrect horse battery"


@pytest.fixture
def store(tmp_path: Path) -> FileKeystore:
    return FileKeystore.create(tmp_path / "keys", secret, CHEAP)


def refused(kind: type[ComityError], code: str) -> Any:
    return pytest.raises(kind, match=rf"\[{code}\]$")


def test_a_new_keystore_has_one_key_per_purpose_and_algorithm(store: FileKeystore) -> None:
    signer: Signer = store
    for purpose in SIGNING_PURPOSES:
        assert tuple(key.alg for key in signer.keys(purpose)) == ALGORITHMS[purpose]
        for key in signer.keys(purpose):
            assert (key.from_, key.until, key.revoked_from) == (0, None, None)
            verify_signature(key, signer.sign(key.kid, b"data"), b"data")
    assert signer.keys(Purpose.ENCRYPTION) == ()
    kids = [key.kid for key in signer.public_keys()]
    assert len(kids) == len(set(kids)) == 8


def test_it_opens_again_with_the_same_keys(store: FileKeystore, tmp_path: Path) -> None:
    opened = FileKeystore.open(tmp_path / "keys", secret)
    assert opened.public_keys() == store.public_keys()
    key = store.keys(Purpose.SEAL)[1]
    verify_signature(key, opened.sign(key.kid, b"data"), b"data")


def test_it_seals_statements(store: FileKeystore) -> None:
    payload = compose_payload(
        Content("disposition/2", ("uk-fcdo",), body("disposition/2")),
        issuer="us-treasury",
        issued_at=NOW,
        nonce=bytes(16),
        by=None,
    )
    raw = seal(payload, STATEMENT, store.keys(Purpose.SEAL), store.sign)
    verify_seal(parse_envelope(raw), store.keys(Purpose.SEAL), STATEMENT)


def test_the_file_is_private_and_holds_nothing_readable(tmp_path: Path) -> None:
    store = FileKeystore.create(tmp_path / "keys", secret, CHEAP)
    path = tmp_path / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert all(key.kid not in text for key in store.public_keys())
    assert [found.name for found in tmp_path.iterdir()] == ["keys"]


def test_wrong_passphrase(store: FileKeystore, tmp_path: Path) -> None:
    with refused(Invalid, "keystore.passphrase"):
        FileKeystore.open(tmp_path / "keys", wrong)


def test_a_passphrase_typed_decomposed_is_the_same(tmp_path: Path) -> None:
    FileKeystore.create(tmp_path / "keys", lambda: "caf\u00e9 passphrase", CHEAP)
    FileKeystore.open(tmp_path / "keys", lambda: "cafe\u0301 passphrase")


def test_short_passphrases_are_refused(tmp_path: Path) -> None:
    with refused(Invalid, "keystore.passphrase-short"):
        FileKeystore.create(tmp_path / "keys", lambda: "short", CHEAP)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_never_overwritten(store: FileKeystore, tmp_path: Path) -> None:
    before = (tmp_path / "keys").read_bytes()
    with refused(Conflict, "keystore.exists"):
        FileKeystore.create(tmp_path / "keys", secret, CHEAP)
    assert (tmp_path / "keys").read_bytes() == before


def test_a_missing_file(tmp_path: Path) -> None:
    with refused(NotFound, "keystore.missing"):
        FileKeystore.open(tmp_path / "keys", secret)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_others_can_read_is_refused(store: FileKeystore, tmp_path: Path, mode: int) -> None:
    (tmp_path / "keys").chmod(mode)
    with refused(Invalid, "keystore.permissions"):
        FileKeystore.open(tmp_path / "keys", secret)


SEALED = sealed_file.encrypt(b"plaintext", [SECRET], "test", CHEAP)


@settings(max_examples=150)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_sealed_file_is_refused(position: int, flip: int) -> None:
    changed = bytearray(SEALED)
    changed[position] ^= flip
    with pytest.raises(Invalid, match="keystore"):
        sealed_file.decrypt(bytes(changed), [SECRET], "test")


def test_a_file_of_another_kind_is_refused() -> None:
    assert sealed_file.decrypt(SEALED, [SECRET], "test") == b"plaintext"
    with refused(Invalid, "keystore.malformed"):
        sealed_file.decrypt(SEALED, [SECRET], "keystore")


def test_a_file_cannot_demand_unbounded_work() -> None:
    value = json.loads(SEALED)
    value["argon2id"]["memory_kib"] = 2**40
    with refused(Invalid, "keystore.malformed"):
        sealed_file.decrypt(json.dumps(value).encode(), [SECRET], "test")


def test_equal_content_never_encrypts_alike() -> None:
    assert sealed_file.encrypt(b"plaintext", [SECRET], "test", CHEAP) != SEALED


def test_content_that_is_no_keystore_is_refused(tmp_path: Path) -> None:
    for content in (b"{}", b"[]", b'{"keys":[]}', b'{"keys":[{"record":{},"pkcs8":""}]}'):
        path = tmp_path / f"keys-{len(list(tmp_path.iterdir()))}"
        data = sealed_file.encrypt(content, [SECRET], "keystore", CHEAP)
        sealed_file.write_private(path, data, replace=False)
        with refused(Invalid, "keystore.malformed"):
            FileKeystore.open(path, secret)


def test_a_key_filed_under_another_record_is_refused(store: FileKeystore, tmp_path: Path) -> None:
    data = (tmp_path / "keys").read_bytes()
    content = json.loads(sealed_file.decrypt(data, [SECRET], "keystore"))
    keys = content["keys"]
    keys[0]["pkcs8"], keys[2]["pkcs8"] = keys[2]["pkcs8"], keys[0]["pkcs8"]
    changed = sealed_file.encrypt(
        json.dumps(content, separators=(",", ":"), sort_keys=True).encode(),
        [SECRET],
        "keystore",
        CHEAP,
    )
    sealed_file.write_private(tmp_path / "keys", changed, replace=True)
    with refused(Invalid, "keystore.malformed"):
        store.reload()


@pytest.mark.parametrize("data", [b"", b"\x30\x03\x02\x01\x00", b"not der"])
def test_bytes_that_are_no_key_are_refused(data: bytes) -> None:
    with refused(Invalid, "keystore.malformed"):
        private_keys.from_pkcs8(data)


def test_keys_of_other_kinds_are_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import x25519
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    other = x25519.X25519PrivateKey.generate()
    data = other.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with refused(Invalid, "keystore.malformed"):
        private_keys.from_pkcs8(data)


def test_rotation_bounds_the_old_keys_and_starts_the_new(
    store: FileKeystore, tmp_path: Path
) -> None:
    old = store.keys(Purpose.SEAL)
    fresh = store.rotate(Purpose.SEAL, 40)
    assert {key.kid for key in fresh}.isdisjoint(key.kid for key in old)
    assert [(key.from_, key.until) for key in fresh] == [(40, None)] * 2
    former = [key for key in store.public_keys() if key.kid in {o.kid for o in old}]
    assert [(key.from_, key.until) for key in former] == [(0, 40)] * 2
    with refused(Conflict, "key.not-current"):
        store.sign(old[0].kid, b"data")
    assert store.sign(fresh[0].kid, b"data")
    assert FileKeystore.open(tmp_path / "keys", secret).public_keys() == store.public_keys()
    assert len(store.keys(Purpose.MESSAGE)) == 2


def test_old_keys_end_later_or_are_revoked_and_leave_no_gap(store: FileKeystore) -> None:
    ends = [(OldKeys(until=50), (50, None)), (OldKeys(revoked_from=31), (None, 31))]
    for old, (until, revoked_from) in ends:
        former = store.keys(Purpose.LOG)
        fresh = store.rotate(Purpose.LOG, 40, old)
        assert store.keys(Purpose.LOG) == fresh
        now = {key.kid: key for key in store.public_keys()}
        assert [(now[key.kid].until, now[key.kid].revoked_from) for key in former] == [
            (until, revoked_from)
        ]
    before = store.public_keys()
    for wrong in (OldKeys(until=39), OldKeys(until=50, revoked_from=31)):
        with refused(Invalid, "key.bounds"):
            store.rotate(Purpose.LOG, 40, wrong)
    assert store.public_keys() == before


def test_retired_and_revoked_keys_sign_no_more(store: FileKeystore) -> None:
    for purpose, change in ((Purpose.LOG, store.retire), (Purpose.WITNESS, store.revoke)):
        key = store.keys(purpose)[0]
        change(key.kid, 7)
        assert store.keys(purpose) == ()
        with refused(Conflict, "key.not-current"):
            store.sign(key.kid, b"data")
        assert [added.from_ for added in store.add(purpose, 9)] == [9]
    bounds = {(key.until, key.revoked_from) for key in store.public_keys()}
    assert bounds == {(None, None), (7, None), (None, 7)}


def test_unknown_keys(store: FileKeystore) -> None:
    for call in (
        lambda: store.sign("nobody", b""),
        lambda: store.retire("nobody", 1),
        lambda: store.revoke("../keys", 1),
    ):
        with refused(NotFound, "key.unknown"):
            call()


def test_a_current_purpose_is_rotated_not_added_to(store: FileKeystore) -> None:
    before = store.public_keys()
    with refused(Conflict, "key.current"):
        store.add(Purpose.SEAL, 5)
    assert store.public_keys() == before


def test_another_process_sees_a_change_after_reloading(store: FileKeystore, tmp_path: Path) -> None:
    other = FileKeystore.open(tmp_path / "keys", secret, CHEAP)
    fresh = store.rotate(Purpose.LOG, 3)
    with refused(NotFound, "key.unknown"):
        other.sign(fresh[0].kid, b"data")
    other.reload()
    assert other.keys(Purpose.LOG) == fresh


def _rotate(path: Path, index: int) -> None:
    FileKeystore.open(path, secret, CHEAP).rotate(Purpose.LOG, index)


def test_changes_by_two_processes_are_both_kept(store: FileKeystore, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_rotate, args=(tmp_path / "keys", index)) for index in (5, 6)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    store.reload()
    logs = [key for key in store.public_keys() if key.purpose is Purpose.LOG]
    assert len(logs) == 3
    assert len(store.keys(Purpose.LOG)) == 1


def test_a_failed_write_leaves_the_old_keys(
    store: FileKeystore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, keys = (tmp_path / "keys").read_bytes(), store.public_keys()

    def fail(_descriptor: int) -> None:
        message = "no space left"
        raise OSError(message)

    monkeypatch.setattr(sealed_file.os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        store.rotate(Purpose.SEAL, 40)
    assert (tmp_path / "keys").read_bytes() == before
    assert store.public_keys() == keys
    assert {found.name for found in tmp_path.iterdir()} == {"keys", "keys.lock"}


def test_many_threads_sign_while_keys_rotate(store: FileKeystore) -> None:
    key = store.keys(Purpose.SEAL)[0]
    stop = threading.Event()

    def sign(number: int) -> int:
        made = 0
        while not stop.is_set():
            data = f"{number} {made}".encode()
            verify_signature(key, store.sign(key.kid, data), data)
            made += 1
        return made

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(sign, number) for number in range(4)]
        for index in range(3):
            store.rotate(Purpose.LOG, index + 1)
        stop.set()
        assert all(job.result() > 0 for job in running)


def test_escrow_needs_both_administrators_in_any_order(store: FileKeystore, tmp_path: Path) -> None:
    store.rotate(Purpose.SEAL, 4)
    escrow = tmp_path / "escrow"
    store.export_escrow(escrow, (FIRST, SECOND))
    assert stat.S_IMODE(escrow.stat().st_mode) == 0o600
    for number, pair in enumerate([(FIRST, SECOND), (SECOND, FIRST)]):
        restored = FileKeystore.restore(tmp_path / f"new{number}", secret, escrow, pair, CHEAP)
        assert restored.public_keys() == store.public_keys()
        key = restored.keys(Purpose.SEAL)[0]
        verify_signature(key, restored.sign(key.kid, b"data"), b"data")
    for pair in [(FIRST, FIRST), (SECOND, SECOND), (FIRST, SECRET), (SECRET, SECRET)]:
        with refused(Invalid, "keystore.passphrase"):
            FileKeystore.restore(tmp_path / "none", secret, escrow, pair, CHEAP)
    with refused(Invalid, "keystore.passphrase"):
        sealed_file.decrypt(escrow.read_bytes(), [FIRST], "escrow")
    assert not (tmp_path / "none").exists()


def test_escrow_refuses_one_passphrase_for_both(store: FileKeystore, tmp_path: Path) -> None:
    with refused(Invalid, "escrow.same-passphrase"):
        store.export_escrow(tmp_path / "escrow", (FIRST, FIRST))


def test_restoring_never_replaces_a_keystore(store: FileKeystore, tmp_path: Path) -> None:
    store.export_escrow(tmp_path / "escrow", (FIRST, SECOND))
    with refused(Conflict, "keystore.exists"):
        FileKeystore.restore(tmp_path / "keys", secret, tmp_path / "escrow", (FIRST, SECOND), CHEAP)


def test_passphrase_files(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(f"{SECRET}\r\nnotes\n".encode())
    path.chmod(0o600)
    assert sealed_file.read_passphrase(path) == SECRET
    path.chmod(0o644)
    with refused(Invalid, "keystore.permissions"):
        sealed_file.read_passphrase(path)


@pytest.mark.parametrize("passphrase", [None, SECRET], ids=["plain", "encrypted"])
def test_an_officers_key_prepares_and_approves(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "officer.key"
    made = OfficerKey.create(path, passphrase, SCRYPT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = OfficerKey.open(path, passphrase)
    assert (key.kid, key.jwk) == (made.kid, made.jwk)
    content = Content("release/1", ("uk-fcdo",), body("release/1"))
    officer = key.named("https://id.example", "analyst-1", "analyst")
    payload = compose_payload(
        content, issuer="us-treasury", issued_at=NOW, nonce=bytes(16), by=By(officer, officer)
    )
    store = FileKeystore.create(tmp_path / "keys", secret, CHEAP)
    prepared = key.sign_prepared(content, issuer="us-treasury", nonce=b64u_encode(bytes(16)))
    endorsements = (prepared, key.sign_approval(payload))
    raw = seal(payload, STATEMENT, store.keys(Purpose.SEAL), store.sign, endorsements)
    found = check_endorsements(parse_statement(payload), parse_envelope(raw))
    assert [part.signed for part in found] == [True, True]


def test_no_officer_key_reads_as_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-one", "--two", "three"])
    monkeypatch.setattr(officer_key, "thumbprint", lambda _: next(drawn))
    assert OfficerKey.create(tmp_path / "key").kid == "three"


def test_officer_key_refusals(tmp_path: Path) -> None:
    path = tmp_path / "officer.key"
    OfficerKey.create(path, SECRET, SCRYPT)
    with refused(Invalid, "officer-key.passphrase-needed"):
        OfficerKey.open(path)
    with refused(Invalid, "keystore.passphrase"):
        OfficerKey.open(path, wrong())
    with refused(Conflict, "keystore.exists"):
        OfficerKey.create(path, SECRET, SCRYPT)
    path.chmod(0o644)
    with refused(Invalid, "keystore.permissions"):
        OfficerKey.open(path, SECRET)
    with refused(NotFound, "keystore.missing"):
        OfficerKey.open(tmp_path / "none")


@pytest.mark.parametrize(
    "content",
    [b'{"officer_key":""}', b'{"officer_key":"AAAA"}', b'{"officer_key":7}', b'{"officer_key":'],
)
def test_damaged_officer_keys_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "officer.key"
    sealed_file.write_private(path, content, replace=False)
    with refused(Invalid, "keystore.malformed"):
        OfficerKey.open(path)


def test_a_ministrys_key_is_no_officers_key(tmp_path: Path) -> None:
    pkcs8 = private_keys.to_pkcs8(private_keys.generate("ML-DSA-87"))
    path = tmp_path / "officer.key"
    data = f'{{"officer_key":"{b64u_encode(pkcs8)}"}}'.encode()
    sealed_file.write_private(path, data, replace=False)
    with refused(Invalid, "keystore.malformed"):
        OfficerKey.open(path)


def in_json(private: PrivateKey, passphrase: str | None) -> bytes:
    """A key file of the form before PKCS #8 in PEM."""
    data = canonical({"officer_key": b64u_encode(private_keys.to_pkcs8(private))})
    return (
        data
        if passphrase is None
        else sealed_file.encrypt(data, [passphrase], "officer-key", CHEAP)
    )


@pytest.mark.parametrize("passphrase", [None, SECRET], ids=["plain", "encrypted"])
def test_officer_keys_of_the_earlier_form_open_and_are_written_anew(
    tmp_path: Path, passphrase: str | None
) -> None:
    private, path = private_keys.generate("ES384"), tmp_path / "officer.json"
    sealed_file.write_private(path, in_json(private, passphrase), replace=False)
    key = OfficerKey.open(path, passphrase)
    assert key.jwk == private_keys.public_jwk(private)
    key.write(path, passphrase, SCRYPT, replace=True)
    label = b"PRIVATE KEY" if passphrase is None else b"ENCRYPTED PRIVATE KEY"
    assert path.read_bytes().startswith(b"-----BEGIN " + label)
    assert OfficerKey.open(path, passphrase).kid == key.kid


def openssl(*arguments: str, passphrase: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [foreign.oracle("openssl"), *arguments],
        input=passphrase,
        capture_output=True,
        text=True,
        check=False,
    )


@foreign.needs("openssl")
def test_openssl_opens_an_officers_key_file(tmp_path: Path) -> None:
    path = tmp_path / "officer.pem"
    passphrase = "ein längeres Kennwort"
    key = OfficerKey.create(path, passphrase, ScryptCost())
    shown = openssl("pkey", "-in", str(path), "-passin", "stdin", "-pubout", passphrase=passphrase)
    assert shown.returncode == 0, shown.stderr
    public = serialization.load_pem_public_key(shown.stdout.encode())
    assert public_jwk(public) == key.jwk
    wrong_one = openssl(
        "pkey", "-in", str(path), "-passin", "stdin", passphrase="another passphrase"
    )
    assert wrong_one.returncode != 0
    parsed = openssl("asn1parse", "-in", str(path)).stdout
    assert ":scrypt" in parsed
    assert f"INTEGER           :{ScryptCost().n:04X}" in parsed


@foreign.needs("openssl")
def test_an_officers_key_that_openssl_made_opens(tmp_path: Path) -> None:
    path = tmp_path / "theirs.pem"
    made = openssl(
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
        "-aes-256-cbc",
        "-pass",
        "stdin",
        "-out",
        str(path),
        passphrase=SECRET,
    )
    assert made.returncode == 0, made.stderr
    path.chmod(0o600)
    assert OfficerKey.open(path, SECRET).jwk["crv"] == "P-384"
    with refused(Invalid, "keystore.passphrase"):
        OfficerKey.open(path, wrong())


@settings(max_examples=200)
@given(data=st.binary(max_size=400), at=st.integers(0, 400))
def test_any_bytes_in_a_key_file_are_refused_with_a_code(data: bytes, at: int) -> None:
    whole = pkcs8_pem.written(private_keys.generate("ES384"), SECRET, SCRYPT)
    for broken in (data, pkcs8_pem.ENCRYPTED + data, whole[:at] + data + whole[at:]):
        with suppress(Invalid):
            pkcs8_pem.read(broken, SECRET)
