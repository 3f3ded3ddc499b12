import base64
from datetime import UTC, datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire import encoding
from api.wire.digests import digest, digest_bytes, is_digest
from api.wire.encoding import (
    b64u_decode,
    b64u_encode,
    format_instant,
    hex_decode,
    parse_instant,
)
from api.wire.errors import WireError


@given(st.binary(max_size=200))
def test_base64url_round_trip(data: bytes) -> None:
    text = b64u_encode(data)
    assert text == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert b64u_decode(text) == data


@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = b64u_decode(text)
    except WireError:
        return
    assert b64u_encode(data) == text


@given(st.binary(max_size=40), st.sampled_from([4, 8, 12]))
def test_long_base64url_is_read_piece_by_piece(data: bytes, size: int) -> None:
    text = b64u_encode(data)
    with patch.object(encoding, "_PIECE", size):
        assert b64u_decode(text) == data
        for fault in (f"{text}=", f"={text}", f"{text[:4]}={text[4:]}"):
            with pytest.raises(WireError, match=r"encoding\.b64u"):
                b64u_decode(fault)


@pytest.mark.parametrize(
    "text", ["AA==", "AA=", "AB", "+/8", "ab+/", "A", "AA\n", " AA", "é", "A A A"]
)
def test_base64url_refusals(text: str) -> None:
    with pytest.raises(WireError, match=r"encoding\.b64u"):
        b64u_decode(text)


@pytest.mark.parametrize("text", ["", "0", "00", "0g" * 2, "AB" * 2, "0x00", " 00 ", "٠٠٠٠"])
def test_hex_refusals(text: str) -> None:
    with pytest.raises(WireError, match=r"encoding\.hex"):
        hex_decode(text, 2)


def test_hex() -> None:
    assert hex_decode("00ff", 2) == b"\x00\xff"


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip_to_the_millisecond(instant: datetime) -> None:
    text = format_instant(instant)
    assert len(text) == 24
    assert parse_instant(text) == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def test_instants_are_written_in_utc() -> None:
    zone = timezone(timedelta(hours=-5))
    assert format_instant(datetime(2026, 1, 1, 20, tzinfo=zone)) == "2026-01-02T01:00:00.000Z"


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(WireError, match=r"encoding\.instant"):
        format_instant(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T17:25:39Z",
        "2026-11-23T17:25:39.12Z",
        "2026-11-23T17:25:39.1234Z",
        "2026-11-23T17:25:39.123+00:00",
        "2026-11-23t17:25:39.123z",
        "2026-11-23 17:25:39.123Z",
        "2026-02-30T17:25:39.123Z",
        "2026-11-23T24:00:00.000Z",
        "2016-12-31T23:59:60.000Z",
        "0000-01-01T00:00:00.000Z",
        "2026-11-23T17:25:39.123Z\n",
        "٢026-11-23T17:25:39.123Z",
    ],
)
def test_instant_refusals(text: str) -> None:
    with pytest.raises(WireError, match=r"encoding\.instant"):
        parse_instant(text)


@given(st.binary(max_size=50))
def test_digests_round_trip(data: bytes) -> None:
    text = digest(data)
    assert is_digest(text)
    assert text == "sha256:" + digest_bytes(text).hex()


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 64 + "\n"]
)
def test_digest_refusals(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(WireError, match=r"digest\.malformed"):
        digest_bytes(text)


def test_other_types_are_no_digests() -> None:
    assert not is_digest(None)
    assert not is_digest(b"sha256:" + b"a" * 64)
