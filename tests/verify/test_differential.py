"""The two verifiers under random changes: the same verdict, and never anything but a verdict."""

import copy
import io
import json
from collections.abc import Callable
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.wire import canonical
from api.wire.errors import WireError
from api.wire.export import layout
from api.wire.export.container import ExportFile
from api.wire.export.lines import parse_line
from tests.support.exports import (
    MEMBERS,
    AuditedLog,
    first_verdict,
    make_export,
    reseal,
    second_verdict,
    second_verifier,
    take_apart,
)

LOG = AuditedLog(size=20)
GOOD = make_export(LOG, 3, 14, 18)
PARTS = take_apart(GOOD)
ODD = st.sampled_from([None, True, -1, 0, 1, 1.5, 2**53 - 1, "", "x", "1", [], {}, [[]], {"a": 1}])


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


def agree(second: ModuleType, data: bytes, *, pinned: bool) -> bool:
    """Whether both accept; a crash of either, or a disagreement, fails the test."""
    known = MEMBERS if pinned else None
    first = first_verdict(data, known)
    other = second_verdict(second, data, known)
    assert (first.code == "") is (other.code == ""), (first, other)
    return first.code == ""


@given(st.data())
@settings(max_examples=150)
def test_cut_and_pasted_bytes(second: ModuleType, data: st.DataObject) -> None:
    # The container's own structures are where a parser can be led astray.
    near_end = st.integers(max(0, len(GOOD) - 900), len(GOOD))
    start = data.draw(st.one_of(near_end, st.integers(0, len(GOOD))))
    length = data.draw(st.integers(0, 40))
    piece = data.draw(st.binary(max_size=40))
    spoilt = GOOD[:start] + piece + GOOD[start + length :]
    assert agree(second, spoilt, pinned=True) is (spoilt == GOOD)


def spots(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of every node of a JSON value."""
    found = [at] if at else []
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        items = []
    for name, part in items:
        found += spots(part, (*at, name))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    changed = copy.deepcopy(value)
    spot = changed
    for name in path[:-1]:
        spot = spot[name]
    spot[path[-1]] = new
    return changed


Change = Callable[[dict[str, Any]], None]


@given(data=st.data(), pinned=st.booleans())
@settings(max_examples=150)
def test_manifests_of_other_shapes(second: ModuleType, data: st.DataObject, pinned: bool) -> None:
    def change(payload: dict[str, Any]) -> None:
        path = data.draw(st.sampled_from(spots(payload)))
        altered = replaced(payload, path, data.draw(ODD))
        payload.clear()
        payload.update(altered)

    agree(second, reseal(dict(PARTS), change=change), pinned=pinned)


@given(data=st.data(), name=st.sampled_from([layout.RANGE, layout.KEYS, layout.MEMBERSHIP]))
@settings(max_examples=150)
def test_documents_of_other_shapes(second: ModuleType, data: st.DataObject, name: str) -> None:
    value = json.loads(PARTS[name])
    path = data.draw(st.sampled_from([spot for spot in spots(value) if spot[-1] != "purpose"]))
    members = {**PARTS, name: canonical.canonical(replaced(value, path, data.draw(ODD)))}

    def follow(payload: dict[str, Any]) -> None:
        payload["membership"] = "sha256:" + sha256(members[layout.MEMBERSHIP]).hexdigest()

    agree(second, reseal(members, change=follow), pinned=False)


@given(data=st.data())
@settings(max_examples=120)
def test_lines_of_other_shapes(second: ModuleType, data: st.DataObject) -> None:
    lines = PARTS[layout.ENTRIES].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[at])
    path = data.draw(st.sampled_from(spots(value)))
    lines[at] = canonical.canonical(replaced(value, path, data.draw(ODD))) + b"\n"
    if data.draw(st.booleans()):
        lines[at] = data.draw(st.binary(max_size=60)) + b"\n"
    members = {**PARTS, layout.ENTRIES: b"".join(lines)}
    assert agree(second, reseal(members), pinned=True) is (members == PARTS)


@given(note=st.binary(max_size=80), where=st.integers(0, 400))
@settings(max_examples=80)
def test_heads_of_other_shapes(second: ModuleType, note: bytes, where: int) -> None:
    head = PARTS[layout.CHECKPOINT]
    members = {**PARTS, layout.CHECKPOINT: head[:where] + note + head[where + len(note) :]}
    agree(second, reseal(members), pinned=True)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    with pytest.raises(WireError):
        ExportFile(io.BytesIO(data + b"?"))
    with pytest.raises(WireError):
        parse_line(data)
