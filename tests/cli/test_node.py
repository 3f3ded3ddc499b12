"""`comity node init|admins|serve|work`, `membership`, `key rotate|escrow|list --node`, `demo`."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from api.adapters.crypto.keystore import FileKeystore
from api.adapters.crypto.sealed_file import write_private
from api.cli import node
from api.records import migrating
from api.wire.keys import Purpose
from api.wire.membership import parse_membership
from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine, Ended

COMITY = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]
ISSUER = "https://id.example"


@dataclass(frozen=True)
class Made:
    """A node that `node init` made, with settings that can run it."""

    home: Path
    url: str
    settings: Path
    membership: Path

    def comity(self, *arguments: str | Path, as_json: bool = False) -> Ended:
        return CommandLine(self.home)(*arguments, "--settings", self.settings, as_json=as_json)


def init(comity: CommandLine, home: Path, ministry: str, port: int) -> Path:
    entry = home.parent / f"{ministry}.json"
    result = comity(
        *("node", "init", "--home", home, "--ministry", ministry, "--jurisdiction", "US"),
        *("--name", f"Ministry {ministry}", "--url", f"http://127.0.0.1:{port}"),
    )
    assert result.code == 0, result.err
    entry.write_text(result.out)
    return entry


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    comity = CommandLine(folder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    home = folder / "us-treasury"
    entries = [init(comity, home, "us-treasury", port), init(comity, folder / "uk", "uk-fcdo", 1)]
    membership = home / "membership.json"
    composed = comity(
        *("membership", "compose", "--member", entries[0], "--member", entries[1]),
        *("--serial", "1", "--out", membership),
    )
    assert composed.code == 0, composed.err
    settings = home / "settings.env"
    with settings.open("a") as file:
        file.write(f"COMITY_MEMBERSHIP_DIGEST={composed.out}")
        file.write(f"COMITY_ISSUERS={ISSUER}\n# behind a comment\n\nTZ=UTC\n")
    return Made(home, f"http://127.0.0.1:{port}", settings, membership)


def test_init_makes_what_a_node_needs_and_nothing_readable_by_others(made: Made) -> None:
    names = {path.name for path in made.home.iterdir()}
    assert names >= {"keystore.json", "keystore-passphrase", "exhibits", "settings.env"}
    for name in ("keystore.json", "keystore-passphrase", "settings.env"):
        assert (made.home / name).stat().st_mode & 0o077 == 0, name
    passphrase = (made.home / "keystore-passphrase").read_text().strip()
    keystore = FileKeystore.open(made.home / "keystore.json", lambda: passphrase)
    member = parse_membership(made.membership.read_bytes()).member("us-treasury")
    assert set(member.keys) == set(keystore.public_keys())
    assert member.origin == f"{made.url.removeprefix('http://')}/log"
    assert migrating.current(f"sqlite:///{made.home}/comity.db") == migrating.head()


def test_init_touches_nothing_that_is_there(made: Made, tmp_path: Path) -> None:
    before = (made.home / "keystore.json").read_bytes()
    again = CommandLine(tmp_path)(
        *("node", "init", "--home", made.home, "--ministry", "us-treasury"),
        *("--jurisdiction", "US", "--url", made.url),
        as_json=True,
    )
    assert (again.code, again.problem["code"]) == (6, "keystore.exists")
    assert (made.home / "keystore.json").read_bytes() == before


def test_init_refuses_what_no_membership_takes_before_it_makes_keys(tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    incomplete = comity("node", "init", "--home", tmp_path / "n", as_json=True)
    assert (incomplete.code, incomplete.problem["code"]) == (2, "node.incomplete")
    wrong = comity(
        *("node", "init", "--home", tmp_path / "n", "--ministry", "US Treasury"),
        *("--jurisdiction", "US", "--url", "https://node.example"),
        as_json=True,
    )
    assert (wrong.code, wrong.problem["code"]) == (2, "membership.malformed")
    assert not (tmp_path / "n" / "keystore.json").exists()


def test_init_takes_a_passphrase_and_a_database_of_ones_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse battery staple\n")
    secret.chmod(0o600)
    database = f"sqlite:///{tmp_path}/other.db"
    result = CommandLine(tmp_path)(
        *("node", "init", "--home", tmp_path / "n", "--ministry", "ca-gac", "--jurisdiction", "CA"),
        *("--url", "https://node.example", "--origin", "log.example/ca", "--name", "Affaires"),
        *("--passphrase-file", secret, "--database-url", database),
        as_json=True,
    )
    assert result.code == 0, result.err
    assert result.document["origin"] == "log.example/ca"
    keystore = FileKeystore.open(tmp_path / "n" / "keystore.json", secret.read_text().strip)
    assert len(keystore.public_keys()) == len(result.document["keys"])
    assert f"COMITY_DATABASE_URL={database}\n" in (tmp_path / "n" / "settings.env").read_text()


def test_migrate_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comity = CommandLine(tmp_path)
    monkeypatch.delenv("COMITY_DATABASE_URL", raising=False)
    assert (
        comity("node", "init", "--migrate", as_json=True).problem["code"] == "settings.incomplete"
    )
    monkeypatch.setenv("COMITY_DATABASE_URL", f"sqlite:///{tmp_path}/node.db")
    first = comity("node", "init", "--migrate", as_json=True).document
    assert first == {"before": None, "revision": migrating.head()}
    assert "already" in comity("node", "init", "--migrate").out


def test_admins_are_named_once(tmp_path: Path, made: Made) -> None:
    first, second = (ISSUER, "a1", "A. One"), (ISSUER, "b2", "B. Two")
    same = made.comity("node", "admins", "--first", *first, "--second", *first, as_json=True)
    assert (same.code, same.problem["code"]) == (2, "officer.two-needed")
    named = made.comity("node", "admins", "--first", *first, "--second", *second)
    assert [line.split()[-1] for line in named.out.splitlines()[1:]] == ["a1", "b2"]
    again = made.comity("node", "admins", "--first", *first, "--second", *second, as_json=True)
    assert (again.code, again.problem["code"]) == (6, "node.initialised")


def test_settings_are_checked_by_name(made: Made, tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    missing = comity("node", "serve", as_json=True)
    assert (missing.code, missing.problem["code"]) == (2, "settings.incomplete")
    assert "COMITY_MINISTRY" in missing.problem["detail"]
    broken = tmp_path / "broken.env"
    broken.write_text("COMITY_MINISTRY=us-treasury\nnot a setting\n")
    malformed = comity("node", "serve", "--settings", broken)
    assert malformed.code == 2
    assert "Line 2" in malformed.err
    assert "not a setting" not in malformed.err
    other = tmp_path / "other.env"
    digest = "sha256:" + "0" * 64
    text = made.settings.read_text()
    other.write_text(text + f"COMITY_MEMBERSHIP_DIGEST={digest}\n")
    unpinned = comity("node", "work", "--settings", other, as_json=True)
    assert (unpinned.code, unpinned.problem["code"]) == (2, "membership.digest")


@pytest.fixture
def serving(made: Made) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if "COMITY" not in name}
    process = subprocess.Popen(
        [*COMITY, "node", "serve", "--settings", str(made.settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.processes
def test_serve_says_when_it_listens_and_ends_in_order(
    made: Made, serving: subprocess.Popen[str]
) -> None:
    assert serving.stderr is not None
    line = serving.stderr.readline()
    assert line == f"listening on {made.url} as us-treasury ({made.url})\n"
    answer = httpx2.get(f"{made.url}/readyz", trust_env=False)
    assert answer.json()["status"] == "ready"
    taken = made.comity("node", "serve", as_json=True)
    assert (taken.code, taken.problem["code"]) == (6, "listen.refused")
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(20) == 0


@campaign("test_serve_says_when_it_listens_and_ends_in_order")
@pytest.mark.processes
def test_work_ends_in_order(made: Made) -> None:
    process = subprocess.Popen(
        [*COMITY, "node", "work", "--settings", str(made.settings)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "working for us-treasury\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_membership_compose_and_show(made: Made, tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    shown = comity("membership", "show", made.membership, as_json=True).document
    assert [member["id"] for member in shown["members"]] == ["us-treasury", "uk-fcdo"]
    assert shown["digest"] in comity("membership", "show", made.membership).out
    entry, out = made.home / "member.json", tmp_path / "next.json"
    compose = ("membership", "compose", "--member", entry, "--out", out)
    dropping = comity(*compose, "--serial", "2", "--previous", made.membership, as_json=True)
    assert (dropping.code, dropping.problem["code"]) == (2, "membership.dropped")
    assert "uk-fcdo" in dropping.problem["detail"]
    assert not out.exists()
    compose = (*compose, "--drop", "uk-fcdo")
    skipped = comity(*compose, "--serial", "3", "--previous", made.membership, as_json=True)
    assert (skipped.code, skipped.problem["code"]) == (2, "membership.serial")
    made_next = comity(*compose, "--serial", "2", "--previous", made.membership, as_json=True)
    assert made_next.document["digest"] == parse_membership(out.read_bytes()).digest
    assert parse_membership(out.read_bytes()).previous == shown["digest"]
    there = comity(*compose, "--serial", "2", "--previous", made.membership, as_json=True)
    assert (there.code, there.problem["code"]) == (6, "file.exists")
    forced = comity(*compose, "--serial", "2", "--previous", made.membership, "--force")
    assert forced.code == 0
    broken = tmp_path / "broken.json"
    broken.write_text('{"id": "x"}')
    wrong = comity(
        "membership", "compose", "--member", broken, "--serial", "1", "--out", tmp_path / "x"
    )
    assert wrong.code == 3
    assert not (tmp_path / "x").exists()


def test_membership_add_keeps_everybody_and_diff_says_what_changes(
    made: Made, tmp_path: Path
) -> None:
    comity = CommandLine(tmp_path)
    entry = json.loads((made.home / "member.json").read_text())
    moved = tmp_path / "moved.json"
    moved.write_text(json.dumps({**entry, "url": "https://moved.example"}))
    new = tmp_path / "next.json"
    added = comity("membership", "add", "--to", made.membership, "--member", moved, "--out", new)
    assert added.code == 0
    shown = comity("membership", "show", new, as_json=True).document
    assert [one["id"] for one in shown["members"]] == ["us-treasury", "uk-fcdo"]
    assert shown["serial"] == 2
    rows = comity("membership", "diff", made.membership, new, as_json=True).document["items"]
    assert [(one["id"], one["what"]) for one in rows] == [(entry["id"], "url")]
    whole = comity("membership", "add", "--to", new, "--member", new, "--out", tmp_path / "x")
    assert whole.code == 2
    less = ("membership", "add", "--to", new, "--drop", "uk-fcdo", "--out", tmp_path / "less")
    assert comity(*less).code == 0
    left = comity("membership", "show", tmp_path / "less", as_json=True).document
    assert ([one["id"] for one in left["members"]], left["serial"]) == (["us-treasury"], 3)
    for nobody, code in ((("--drop", "fr-dgt"), "unknown-member"), ((), "unchanged")):
        refused = comity(*less[:4], *nobody, "--out", tmp_path / "y", as_json=True)
        assert refused.problem["code"] == f"membership.{code}"
    printed = comity("membership", "fingerprint", new)
    kids = {key["kid"] for key in entry["keys"]}
    assert all(kid in printed.out for kid in kids)
    assert shown["digest"].removeprefix("sha256:")[:4] in printed.out


def test_node_keys_are_listed_rotated_and_escrowed(tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    home = tmp_path / "node"
    entry = init(comity, home, "us-treasury", 8080)
    composed = comity(
        "membership",
        "compose",
        "--member",
        entry,
        "--serial",
        "1",
        "--out",
        home / "membership.json",
    )
    settings = home / "settings.env"
    text = f"COMITY_MEMBERSHIP_DIGEST={composed.out}COMITY_ISSUERS={ISSUER}\n"
    settings.write_text(settings.read_text() + text)
    keys = comity("key", "list", "--node", "--settings", settings, as_json=True).document["items"]
    assert [key["purpose"] for key in keys].count("seal") == 2
    rotated = comity("key", "rotate", "seal", "--at-index", "7", "--settings", settings)
    assert rotated.code == 0, rotated.err
    records = json.loads(rotated.out)["keys"]
    assert [(key["from"], key["until"]) for key in records if key["purpose"] == Purpose.SEAL] == [
        (0, 10_007),
        (0, 10_007),
        (7, None),
        (7, None),
    ]
    for name in ("one", "two"):
        write_private(tmp_path / name, f"the passphrase of {name}\n".encode(), replace=False)
    first = ("--first-passphrase-file", tmp_path / "one")
    second = ("--second-passphrase-file", tmp_path / "two")
    out = tmp_path / "node.escrow"
    escrow = comity(
        "key", "escrow", "--out", out, *first, *second, "--settings", settings, as_json=True
    )
    assert escrow.document["keys"] == len(records)
    looked = comity("key", "restore", "--check", "--from", out, *first, *second, as_json=True)
    assert {key["kid"] for key in looked.document["items"]} == {key["kid"] for key in records}
    back = ("key", "restore", "--from", out, *first, *second, "--settings", settings)
    assert comity(*back, as_json=True).problem["code"] == "keystore.exists"
    keystore = tmp_path / "node" / "keystore.json"
    lost = keystore.rename(tmp_path / "lost.json")
    swapped = (*back[:4], "--first-passphrase-file", tmp_path / "one")
    wrong = comity(*swapped, "--second-passphrase-file", tmp_path / "one", *back[-2:], as_json=True)
    assert (wrong.problem["code"], keystore.exists()) == ("keystore.passphrase", False)
    made = comity(*back, as_json=True)
    assert made.code == 0, made.err
    assert stat.S_IMODE(keystore.stat().st_mode) == 0o600
    listed = comity("key", "list", "--node", "--settings", settings, as_json=True).document["items"]
    before = ("key", "list", "--node", "--keystore", lost, "--settings", settings)
    assert listed == comity(*before, as_json=True).document["items"] == made.document["items"]
    unsaid = comity("key", "escrow", "--out", tmp_path / "x", "--settings", settings, as_json=True)
    assert (unsaid.code, unsaid.problem["code"]) == (2, "escrow.passphrase-needed")


def test_demo_hands_over_with_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[list[str]] = []

    def execv(_path: str, line: list[str]) -> None:
        handed.append(line)

    monkeypatch.setattr(os, "execv", execv)
    comity = CommandLine(tmp_path)
    comity("demo", "--home", "/some/where", "--exit", "--json")
    comity("--json", "demo", "--seed", "3")
    start = [sys.executable, "-P", "-m", "api.demo"]
    assert handed == [
        [*start, "--home", "/some/where", "--exit", "--json"],
        [*start, "--json", "--seed", "3"],
    ]


def test_status_says_whom_a_restored_node_waits_for_and_what_nobody_vouches_for() -> None:
    restore = {
        "pending": True,
        "since": "2026-11-26T20:34:21.211Z",
        "answers": {"uk-fcdo": 501},
        "waived": ["nz-mfat"],
        "proposed": ["ca-gac"],
        "silent": ["ca-gac"],
        "size": 488,
        "largest": 501,
    }
    tail = {"leaves": 2, "unsequenced": 1, "since": "2026-11-26T20:34:21.213Z", "seconds": 95}
    found = {
        "log_size": 488,
        "root": "ab" * 32,
        "unsequenced": 1,
        "public": None,
        "unwitnessed": tail,
        "restore": restore,
        "stopped": False,
        "misbehaviour": 0,
        "accused": [],
        "membership": {"serial": 1, "digest": "sha256:" + "0" * 64},
        "memberships": {},
        "cosigned": {},
        "queues": {},
        "oldest": {},
        "attempts": {},
    }
    said = "\n".join(node.status_lines(found))
    assert "unwitnessed   3 events since 2026-11-26 20:34 UTC (95 s)" in said
    assert "witnessed     nothing yet" in said
    for line in (
        "read-only since 2026-11-26 20:34 UTC; own log 488 leaves",
        "uk-fcdo holds 501 leaves",
        "ca-gac has not answered, a waiver waits for a second administrator",
        "nz-mfat was waived",
    ):
        assert line in said
    assert "node recover" not in said
    restore["silent"] = []
    assert "run 'comity node recover'" in "\n".join(node.status_lines(found))
