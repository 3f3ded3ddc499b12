import json
import math
import struct
from collections.abc import Callable
from typing import Any

import pydantic_core
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from api.wire.canonical import canonical, parse, parse_canonical
from api.wire.errors import WireError

LIMIT = 1_000_000

safe_integers = st.integers(-(2**53) + 1, 2**53 - 1)
safe_floats = st.floats(
    min_value=-(2.0**53) + 1, max_value=2.0**53 - 1, allow_nan=False, allow_infinity=False
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | safe_integers | safe_floats | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def code_of(data: bytes, reader: Callable[..., object] = parse, limit: int = LIMIT) -> str:
    with pytest.raises(WireError) as caught:
        reader(data, limit=limit)
    assert data[:200].decode("latin-1") not in caught.value.message or len(data) < 4
    return caught.value.code


@given(values)
@example({"\U00010000": 1, "\ufb33": 2})  # UTF-16 order is not code point order
@example([1e-7, 5e-324, 0.1, 1.5, -0.0, 333333333.33333329])
@example({"\u2028": "\x00\x1f\x7f\u2029", "": []})
def test_canonical_form_is_that_of_an_independent_writer_and_reads_back(value: Any) -> None:
    data = canonical(value)
    assert data == rfc8785.dumps(value)
    assert parse_canonical(data, limit=LIMIT) == value


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
@example(b'{"a":1,"a":2}')
@example(b'"\\ud800"')
@example(b"[1e400]")
@example(b"[1,]")
@example(b"\xef\xbb\xbf1")
@example(b"[-0]")
@example(b"[1.0,1e2]")
@example(b"01")
def test_whatever_is_accepted_another_parser_reads_the_same(data: bytes) -> None:
    try:
        value = parse(data, limit=LIMIT)
    except WireError:
        return
    assert pydantic_core.from_json(data, allow_inf_nan=False) == value
    assert json.loads(data) == value


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_other_spellings_of_a_value_are_read_but_are_not_canonical(
    value: Any, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert canonical(parse(data, limit=LIMIT)) == canonical(value)
    if data != canonical(value):
        assert code_of(data, parse_canonical) == "json.not-canonical"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xef\xbb\xbf{}", "json.bom"),
        (b"\xff", "json.not-utf8"),
        (b"\xed\xa0\x80", "json.not-utf8"),
        (b'"\xc0\x80"', "json.not-utf8"),
        ("{}".encode("utf-16"), "json.not-utf8"),
        (b"", "json.malformed"),
        (b"{} {}", "json.malformed"),
        (b"{'a':1}", "json.malformed"),
        (b'["\n"]', "json.malformed"),
        (b"[1] // note", "json.malformed"),
        (b"[0x10]", "json.malformed"),
        ("[\u0661]".encode(), "json.malformed"),
        (b'{"a":1,"a":1}', "json.duplicate-member"),
        (b'{"a":1,"\\u0061":1}', "json.duplicate-member"),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', "json.duplicate-member"),
        (b"NaN", "json.non-finite"),
        (b"[-Infinity]", "json.non-finite"),
        (b"1e400", "json.non-finite"),
        (b"-1e400", "json.non-finite"),
        (b"9007199254740992", "json.integer-range"),
        (b"-9007199254740992", "json.integer-range"),
        (b"9" * 6000, "json.integer-range"),
        (b"1e16", "json.integer-range"),
        (b"1e300", "json.integer-range"),
        (b'"\\ud800"', "json.lone-surrogate"),
        (b'{"\\udfff":1}', "json.lone-surrogate"),
        (b'"\\udc00\\ud800"', "json.lone-surrogate"),
        (b"[" * 33 + b"]" * 33, "json.too-deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json.too-deep"),
        (b"[" * 100_000, "json.too-deep"),
    ],
)
def test_refusals(data: bytes, code: str) -> None:
    assert code_of(data) == code
    assert code_of(data, parse_canonical) == code


def test_limit_counts_bytes() -> None:
    assert parse(b'"abc"', limit=5) == "abc"
    assert code_of(b'"abc"', limit=4) == "json.too-large"


def test_depth_is_counted_in_containers() -> None:
    assert parse(b"[" * 32 + b"1" + b"]" * 32, limit=LIMIT)
    with pytest.raises(WireError, match="too-deep"):
        parse(b"[[1]]", limit=LIMIT, max_depth=1)


def test_a_surrogate_pair_is_one_character() -> None:
    assert parse(b'"\\ud83d\\ude00"', limit=LIMIT) == "\U0001f600"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({1: 2}, "json.not-json"),
        ({"a": {1, 2}}, "json.not-json"),
        (b"bytes", "json.not-json"),
        (math.nan, "json.non-finite"),
        ([math.inf], "json.non-finite"),
        (2**53, "json.integer-range"),
        (1e17, "json.integer-range"),
        ("\ud800", "json.lone-surrogate"),
        (["\ud800", 0.5], "json.lone-surrogate"),
    ],
)
def test_values_that_could_not_be_read_back_are_not_written(value: Any, code: str) -> None:
    with pytest.raises(WireError) as caught:
        canonical(value)
    assert caught.value.code == code


def test_too_deep_values_are_not_written() -> None:
    value: object = 1
    for _ in range(33):
        value = [value]
    with pytest.raises(WireError, match="too-deep"):
        canonical(value)


# RFC 8785 appendix B: IEEE 754 bit patterns and their one spelling.
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)
def test_numbers_of_the_rfc(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text.encode()
