"""Exports of real nodes, tampered with: both verifiers refuse, at the same entry, for one reason."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.wire import canonical
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.export import layout
from api.wire.leaf import event_commitment
from tests.support import journeys
from tests.support.command_line import CommandLine
from tests.support.exports import (
    VERIFIER,
    Verdict,
    first_verdict,
    put_together,
    reseal,
    second_verdict,
    second_verifier,
    take_apart,
)
from tests.support.federation import Federation

Lines = list[bytes]
AT = 7


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    journeys.exchange(made)
    journeys.witness_all(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


@pytest.fixture(scope="module")
def exports(federation: Federation) -> dict[str, bytes]:
    made = {}
    for ministry in ("us-treasury", "uk-fcdo"):
        auditor = federation.officer(ministry, "auditor")
        with exporting.export(federation[ministry], auditor, Wanted("tampering")).file as file:
            made[ministry] = file.read()
    return made


def removed(lines: Lines, _other: Lines) -> Lines:
    return lines[:AT] + lines[AT + 1 :]


def removed_and_renumbered(lines: Lines, _other: Lines) -> Lines:
    kept = [json.loads(line) for line in lines[:AT] + lines[AT + 1 :]]
    return [canonical.canonical({**line, "index": at}) + b"\n" for at, line in enumerate(kept)]


def reordered(lines: Lines, _other: Lines) -> Lines:
    return [*lines[:AT], lines[AT + 1], lines[AT], *lines[AT + 2 :]]


def altered(lines: Lines, _other: Lines) -> Lines:
    line = json.loads(lines[AT])
    event = line["event"]
    line["event"] = event[:40] + ("A" if event[40] != "A" else "B") + event[41:]
    return [*lines[:AT], canonical.canonical(line) + b"\n", *lines[AT + 1 :]]


def altered_with_its_commitment(lines: Lines, _other: Lines) -> Lines:
    """As an exporter would who has the salts: the event fits its line, the line no longer the tree."""
    line = json.loads(lines[AT])
    event = b64u_decode(line["event"]).replace(b'"outcome":"done"', b'"outcome":"none"')
    assert event != b64u_decode(line["event"])
    line["event"] = b64u_encode(event)
    line["e"] = event_commitment(bytes.fromhex(line["salt_e"]), event).hex()
    return [*lines[:AT], canonical.canonical(line) + b"\n", *lines[AT + 1 :]]


def of_another_log(lines: Lines, other: Lines) -> Lines:
    return [*lines[:AT], other[AT], *lines[AT + 1 :]]


def of_another_log_without_its_event(lines: Lines, other: Lines) -> Lines:
    line = json.loads(other[AT])
    kept = {name: line[name] for name in ("index", "e", "s")}
    gap = {"event": None, "gap": "lost", "salt_e": None}
    return [*lines[:AT], canonical.canonical({**kept, **gap}) + b"\n", *lines[AT + 1 :]]


def cut_off(lines: Lines, _other: Lines) -> Lines:
    return lines[:-1]


CASES: list[tuple[Callable[[Lines, Lines], Lines], Verdict]] = [
    (removed, Verdict("export.order", AT)),
    (removed_and_renumbered, Verdict("export.order")),
    (reordered, Verdict("export.order", AT)),
    (altered, Verdict("export.event", AT)),
    (altered_with_its_commitment, Verdict("export.root")),
    (of_another_log, Verdict("export.ministry", AT)),
    (of_another_log_without_its_event, Verdict("export.root")),
    (cut_off, Verdict("export.order")),
]


@pytest.mark.parametrize(("change", "wanted"), CASES, ids=[case[0].__name__ for case in CASES])
@pytest.mark.parametrize("sealed_again", [False, True], ids=["outsider", "exporter"])
def test_both_verifiers_refuse_alike(
    *,
    exports: dict[str, bytes],
    federation: Federation,
    second: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Lines, Lines], Lines],
    wanted: Verdict,
    sealed_again: bool,
) -> None:
    members = take_apart(exports["us-treasury"])
    other = take_apart(exports["uk-fcdo"])[layout.ENTRIES].splitlines(keepends=True)
    lines = members[layout.ENTRIES].splitlines(keepends=True)
    members[layout.ENTRIES] = b"".join(change(lines, other))
    data = reseal(members) if sealed_again else put_together(members)
    first = first_verdict(data, federation.membership)
    assert second_verdict(second, data, federation.membership) == first
    assert first.code == wanted.code or (not sealed_again and first.code == "export.digest")
    if wanted.index is not None:
        assert first.index == wanted.index
    # Both programs end with 3 and say why, and where if they know.
    path, pinned = tmp_path / "forged.zip", tmp_path / "membership.json"
    path.write_bytes(data)
    pinned.write_bytes(federation.membership.raw)
    ours = CommandLine(tmp_path)("verify", path, "--membership", pinned, as_json=True)
    theirs = second.main([str(path), "--membership", str(pinned)])
    said = json.loads(capsys.readouterr().out)
    assert (ours.code, theirs) == (3, 3)
    assert (ours.document["failed"], ours.document.get("index")) == ([first.code], first.index)
    assert (said["code"], said.get("index")) == (first.code, first.index)
    assert ours.document["detail"]
    assert said["reason"]


def test_the_streams_cannot_be_changed(
    exports: dict[str, bytes], federation: Federation, second: ModuleType
) -> None:
    members = take_apart(exports["us-treasury"])
    members[layout.STREAMS] = members[layout.STREAMS].replace(b'"seq":1', b'"seq":2', 1)
    data = put_together(members)
    assert first_verdict(data, federation.membership) == Verdict("export.digest")
    assert second_verdict(second, data, federation.membership) == Verdict("export.digest")


def test_both_programs_exit_3(
    exports: dict[str, bytes], federation: Federation, tmp_path: Path
) -> None:
    members = take_apart(exports["us-treasury"])
    lines = members[layout.ENTRIES].splitlines(keepends=True)
    members[layout.ENTRIES] = b"".join(removed(lines, []))
    forged, genuine = tmp_path / "forged.zip", tmp_path / "genuine.zip"
    forged.write_bytes(reseal(members))
    genuine.write_bytes(exports["us-treasury"])
    membership = tmp_path / "membership.json"
    membership.write_bytes(federation.membership.raw)
    for path, status in ((genuine, 0), (forged, 3)):
        ours = CommandLine(tmp_path)("verify", path, "--membership", membership, as_json=True)
        assert ours.code == status
        theirs = subprocess.run(
            [sys.executable, "-I", str(VERIFIER), str(path), "--membership", str(membership)],
            capture_output=True,
            check=False,
        )
        assert theirs.returncode == status
        if status:
            assert ours.document["index"] == json.loads(theirs.stdout)["index"] == AT
            assert ours.document["failed"] == [json.loads(theirs.stdout)["code"]]
