"""Signed notes, checkpoints and heads: what opens, and everything that must not."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tlog.checkpoint import (
    Checkpoint,
    Subtree,
    format_checkpoint,
    ml_dsa_message,
    parse_checkpoint,
)
from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import EMPTY_ROOT
from api.tlog.note import (
    KeyKind,
    SignatureLine,
    VerifierKey,
    format_note,
    open_note,
    parse_note,
    parse_vkey,
    signed_message,
)
from tests.tlog.signers import (
    CA,
    LOG,
    LOG_KEYS,
    LOG_PQ,
    NOW,
    ORIGIN,
    STRANGER,
    UK,
    UK_PQ,
    note_signer,
    sign,
)

TEXT = format_checkpoint(Checkpoint(ORIGIN, 5, b"\x07" * 32))


def test_a_checkpoint_signed_by_all_opens() -> None:
    data = sign(TEXT, LOG, LOG_PQ, UK, UK_PQ, CA)
    opened = open_checkpoint(data, LOG_KEYS, [UK.key, UK_PQ.key, CA.key], strict=True)
    assert opened.checkpoint == Checkpoint(ORIGIN, 5, b"\x07" * 32)
    assert [signed.key for signed in opened.log_signatures] == LOG_KEYS
    assert [signed.timestamp for signed in opened.log_signatures] == [None, NOW]
    assert len(opened.cosignatures) == 3


def test_every_changed_byte_of_a_strict_checkpoint_is_refused() -> None:
    data = sign(TEXT, LOG, UK)
    for at in range(len(data)):
        for bit in (1, 0x20):
            spoilt = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(LogError):
                open_checkpoint(spoilt, [LOG.key], [UK.key], strict=True)


def test_a_false_line_of_a_known_key_rejects_the_note() -> None:
    good = UK.line(TEXT, NOW)
    false = SignatureLine(good.name, good.key_id, good.blob[:-1] + bytes([good.blob[-1] ^ 1]))
    for lines in ([LOG.line(TEXT), false], [LOG.line(TEXT), good, false]):
        with pytest.raises(LogError, match=r"note\.signature"):
            open_note(format_note(TEXT, lines), [LOG.key, UK.key])
    assert open_note(format_note(TEXT, [LOG.line(TEXT), false]), [LOG.key]).unknown == (false,)


def test_unknown_lines_are_ignored_unless_strict() -> None:
    data = sign(TEXT, LOG, LOG_PQ, STRANGER)
    assert len(open_note(data, LOG_KEYS).unknown) == 1
    with pytest.raises(LogError, match=r"note\.unknown-line"):
        open_note(data, LOG_KEYS, strict=True)
    repeated = sign(TEXT, LOG, LOG)
    assert len(open_note(repeated, [LOG.key]).verified) == 1
    with pytest.raises(LogError, match=r"note\.repeated-line"):
        open_note(repeated, [LOG.key], strict=True)


def test_a_note_without_a_known_key_does_not_open() -> None:
    with pytest.raises(LogError, match=r"note\.unsigned"):
        open_note(sign(TEXT, STRANGER), LOG_KEYS)
    with pytest.raises(LogError, match=r"note\.unsigned"):
        open_note(sign(TEXT, LOG), [])


def test_the_log_must_sign_with_each_of_its_kinds() -> None:
    open_checkpoint(sign(TEXT, LOG, UK), LOG_KEYS, [UK.key])
    for signers in ((LOG, UK), (LOG_PQ, UK), (UK,)):
        with pytest.raises(LogError, match=r"checkpoint\.log-signature"):
            open_checkpoint(sign(TEXT, *signers), LOG_KEYS, [UK.key], strict=True)
    with pytest.raises(LogError, match=r"checkpoint\.log-signature"):
        open_checkpoint(sign(TEXT, UK), LOG_KEYS, [UK.key])


def test_a_retired_log_key_of_the_same_kind_may_be_absent() -> None:
    retired = note_signer(ORIGIN, KeyKind.ED25519, 40).key
    open_checkpoint(sign(TEXT, LOG, LOG_PQ), [retired, *LOG_KEYS], strict=True)


def test_a_head_of_another_log_is_refused() -> None:
    other = format_checkpoint(Checkpoint("uk.example/log", 5, b"\x07" * 32))
    with pytest.raises(LogError, match=r"checkpoint\.unknown-origin"):
        open_checkpoint(sign(other, LOG, LOG_PQ), LOG_KEYS)


def test_extension_lines_are_read_but_not_in_strict_mode() -> None:
    text = format_checkpoint(Checkpoint(ORIGIN, 5, b"\x07" * 32, ("extension",)))
    data = sign(text, LOG, LOG_PQ)
    assert open_checkpoint(data, LOG_KEYS).checkpoint.extensions == ("extension",)
    with pytest.raises(LogError, match=r"checkpoint\.extension"):
        open_checkpoint(data, LOG_KEYS, strict=True)


def test_a_cosignature_cannot_move_to_another_name_or_kind() -> None:
    twin = note_signer("twin.example", KeyKind.COSIGNATURE_ML_DSA_44, 4).key
    blob = UK_PQ.line(TEXT, NOW).blob
    assert UK_PQ.key.verify(blob, TEXT) == NOW
    with pytest.raises(LogError, match=r"note\.signature"):
        twin.verify(blob, TEXT)
    plain = VerifierKey(UK.key.name, KeyKind.ED25519, UK.key.public)
    with pytest.raises(LogError, match=r"note\.signature"):
        plain.verify(UK.line(TEXT, NOW).blob, TEXT)
    with pytest.raises(LogError, match=r"note\.signature"):
        plain.verify(UK.line(TEXT, NOW).blob[8:], TEXT)


def test_the_timestamp_is_signed() -> None:
    for signer in (UK, UK_PQ):
        blob = signer.line(TEXT, NOW).blob
        with pytest.raises(LogError, match=r"note\.signature"):
            signer.key.verify((NOW + 1).to_bytes(8, "big") + blob[8:], TEXT)
        with pytest.raises(LogError, match=r"note\.signature"):
            signer.key.verify(b"\xff" + blob[1:], TEXT)


def test_messages_refuse_impossible_times_and_names() -> None:
    for at in (-1, 2**63, None):
        with pytest.raises(LogError, match=r"cosignature\.timestamp"):
            signed_message(KeyKind.COSIGNATURE_ED25519, "w", at, TEXT)
    with pytest.raises(LogError, match=r"cosignature\.timestamp"):
        signed_message(KeyKind.ED25519, "w", NOW, TEXT)
    for name in ("", "x" * 256):
        with pytest.raises(LogError, match=r"cosignature\.name"):
            signed_message(KeyKind.COSIGNATURE_ML_DSA_44, name, NOW, TEXT)
    with pytest.raises(LogError, match=r"cosignature\.timestamp"):
        ml_dsa_message("w", NOW, Subtree(ORIGIN, 4, 8, b"\x00" * 32))
    with pytest.raises(LogError, match=r"checkpoint\."):
        signed_message(KeyKind.COSIGNATURE_ML_DSA_44, "w", NOW, "no checkpoint\n")


def test_lines_refuse_signatures_of_another_form() -> None:
    with pytest.raises(LogError, match=r"note\.signature-size"):
        LOG.key.line(b"short")
    with pytest.raises(LogError, match=r"cosignature\.timestamp"):
        LOG.key.line(b"\x00" * 64, NOW)
    with pytest.raises(LogError, match=r"cosignature\.timestamp"):
        UK.key.line(b"\x00" * 64)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        "origin\n1\nroot",
        "\n1\nroot\n",
        f"origin\n01\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n-1\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n+1\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n\u0661\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n9223372036854775808\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n1\n{base64.b64encode(b'r' * 31).decode()}\n",
        f"origin\n1\n{base64.b64encode(b'r' * 32).decode()} \n",
        f"origin\n1\n{base64.b64encode(b'r' * 32).decode()}\n\n",
        f"origin\n0\n{base64.b64encode(b'r' * 32).decode()}\n",
        f"origin\n1\n{base64.b64encode(b'r' * 32).decode()[:-2]}t=\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(LogError, match=r"checkpoint\."):
        parse_checkpoint(text)


def test_the_empty_tree_has_its_own_root() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert parse_checkpoint(format_checkpoint(empty)) == empty
    for broken in (
        Checkpoint("two\nlines", 1, b"\x00" * 32),
        Checkpoint(ORIGIN, 1, b"short"),
        Checkpoint(ORIGIN, 1, b"\x00" * 32, ("",)),
    ):
        with pytest.raises(LogError, match=r"checkpoint\."):
            format_checkpoint(broken)


NOTE_CHANGES = {
    "no empty line": (b"\n\n", b"\n"),
    "no final newline": (b"=\n", b"="),
    "line after": (b"=\n", b"=\n\n"),
    "hyphen": ("\u2014 ".encode(), b"- "),
    "no space": ("\u2014 ".encode(), "\u2014".encode()),
    "two spaces": (b"example/log ", b"example/log  "),
    "plus in name": (b"\x94 us.", b"\x94 u+s."),
    "unicode space": (b"\x94 us.", b"\x94 u\xc2\xa0s."),
    "control": (b"us.", b"us\x00"),
    "not utf-8": (b"us.", b"us\xff"),
    "carriage returns": (b"\n", b"\r\n"),
    "unpadded": (b"=\n", b"\n"),
    "too large": (b"us.", b"x" * (1 << 20)),
    "too many": (b"=\n", b"=\n" + "\u2014 a AAAAAAAA\n".encode() * 128),
    "key id only": (b"=\n", b"=\n" + "\u2014 a AAAAAA==\n".encode()),
    "name only": (b"=\n", b"=\n" + "\u2014 a\n".encode()),
}


@pytest.mark.parametrize("change", NOTE_CHANGES)
def test_malformed_notes_are_refused(change: str) -> None:
    old, new = NOTE_CHANGES[change]
    text = "us.example\n0123\n"
    data = format_note(text, [LOG.line(text)])
    assert data.endswith(b"=\n")
    assert old in data
    with pytest.raises(LogError, match=r"note\."):
        parse_note(data.replace(old, new))


def test_a_note_has_text_before_its_signatures() -> None:
    with pytest.raises(LogError, match=r"note\."):
        parse_note(b"\n\n")


def test_a_note_text_may_hold_empty_lines() -> None:
    text = "one\n\ntwo\n\nthree\n"
    opened = open_note(format_note(text, [LOG.line(text)]), [LOG.key], strict=True)
    assert opened.text == text
    with pytest.raises(LogError, match=r"note\."):
        format_note("no newline", [LOG.line("no newline")])
    with pytest.raises(LogError, match=r"note\."):
        format_note(text, [])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+530d903a",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
        "example.com/foo+530d903a+",
        "example com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_malformed_vkeys_are_refused(vkey: str) -> None:
    with pytest.raises(LogError, match=r"note\.(vkey|key-name)"):
        parse_vkey(vkey)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    try:
        note = parse_note(data)
    except LogError:
        return
    assert note.format() == data


@given(st.text(alphabet="\u2014 ab=\n0", max_size=60))
def test_what_parses_formats_to_the_same_bytes(text: str) -> None:
    try:
        note = parse_note(text.encode())
    except LogError:
        return
    assert note.format() == text.encode()
