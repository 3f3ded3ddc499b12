"""Structure is counted before anything is built: values, depth and digits, whatever stands in strings."""

import json
import tracemalloc
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.wire import canonical, limits
from api.wire.canonical import _Bounds, _scan
from api.wire.errors import WireError

MOST = limits.MESSAGE
SIZE = MOST - 64

TEXT = st.text('"\\/[]{},: \u00e9\u65e5a1\x00', max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=20,
)


def weight(value: Any) -> int:
    """Values as `limits.NODES` counts them."""

    def inside(part: Any) -> int:
        if isinstance(part, dict):
            return (len(part) or 1) + sum(map(inside, part.values()))
        if isinstance(part, list):
            return (len(part) or 1) + sum(map(inside, part))
        return 0

    return 1 + inside(value)


def depth(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, parts), default=0) if isinstance(value, dict | list) else 0


@given(VALUES, st.booleans(), st.sampled_from([None, 1]), st.integers(1, 60))
@example(["[", '"', "\\", '\\"', "]]]"], False, None, 1)
@example({"\\\\": {}, "{": [[], {}]}, True, None, 3)
def test_the_scan_counts_what_the_parser_would_build(
    value: Any, ascii_only: bool, indent: int | None, size: int
) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    with patch.object(canonical, "_SCANNED", size):
        counted_alike(value, data)


def counted_alike(value: Any, data: bytes) -> None:
    values, levels = weight(value), depth(value)
    _scan(data, _Bounds(levels, values))
    with pytest.raises(WireError) as too_many:
        _scan(data, _Bounds(levels, values - 1))
    assert too_many.value.code == "json.too-many-values"
    if levels:
        with pytest.raises(WireError) as too_deep:
            _scan(data, _Bounds(levels - 1, values))
        assert too_deep.value.code == "json.too-deep"
    # The writer and the reader of short texts count alike.
    assert canonical.parse(data, limit=MOST, max_nodes=values) == value
    with pytest.raises(WireError):
        canonical.parse(data, limit=MOST, max_nodes=values - 1)


@given(st.binary(max_size=200), st.integers(1, 60))
def test_whatever_is_no_json_is_left_to_the_parser(data: bytes, size: int) -> None:
    try:
        with patch.object(canonical, "_SCANNED", size):
            assert b"".join(canonical._scanned_pieces(data)) == data
            _scan(data, _Bounds(32, 1000))
    except WireError as refusal:
        assert refusal.code in {"json.too-deep", "json.too-many-values", "json.number-too-long"}  # noqa: PT017


BOMBS = {
    "empty arrays": (b"[" + b"[]," * (SIZE // 3) + b"[]]", "json.too-many-values"),
    "empty objects": (b"[" + b"{}," * (SIZE // 3) + b"{}]", "json.too-many-values"),
    "zeros": (b"[" + b"0," * (SIZE // 2) + b"0]", "json.too-many-values"),
    "empty texts": (b"[" + b'"",' * (SIZE // 3) + b'""]', "json.too-many-values"),
    "texts without commas": (b"[" + b'""' * (SIZE // 2) + b"]", "json.too-many-values"),
    "names": (b"{" + b'"a":0,' * (SIZE // 6) + b'"b":0}', "json.too-many-values"),
    "beside a long text": (
        b'["' + b"a" * (SIZE // 2) + b'",' + b"0," * (SIZE // 4) + b"0]",
        "json.too-many-values",
    ),
    "depth": (b'{"a":' * 40 + b"0" + b"}" * 40 + b" " * 70_000, "json.too-deep"),
    "depth without end": (b"[" * SIZE, "json.too-many-values"),
    "a long number": (b"[" + b"1" * SIZE + b"]", "json.number-too-long"),
    "a long fraction": (b"[0." + b"1" * SIZE + b"]", "json.number-too-long"),
    "a long exponent": (b"[1e" + b"0" * SIZE + b"1]", "json.number-too-long"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_built(name: str) -> None:
    """16 MiB of small values would be some 500 MiB of objects; here little more than the bytes."""
    data, code = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(WireError) as refusal:
            canonical.parse(data, limit=MOST)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refusal.value.code == code
    assert peak < 4 * len(data) + (1 << 20), f"{peak >> 20} MiB"


def test_what_was_written_can_be_read() -> None:
    """The writer refuses what a partner would."""
    value = [0] * (limits.NODES - 1)
    assert canonical.parse(canonical.canonical(value), limit=MOST) == value
    with pytest.raises(WireError) as refusal:
        canonical.canonical([0] * limits.NODES)
    assert refusal.value.code == "json.too-many-values"


@pytest.mark.parametrize("digits", ["0." + "1" * 398, "1" + "0" * 399 + "e-399"])
def test_the_longest_numbers(digits: str) -> None:
    across = " " * (canonical._SCANNED - 200)
    for text in (f"[{digits}]", f"[{digits}{' ' * 70_000}]", f"[{across}{digits}]"):
        if len(digits) <= limits.DIGITS:
            canonical.parse(text.encode(), limit=MOST)
            continue
        with pytest.raises(WireError) as refusal:
            canonical.parse(text.encode(), limit=MOST)
        assert refusal.value.code == "json.number-too-long"
