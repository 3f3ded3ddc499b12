"""What a node writes is its owner's alone, under whatever umask it starts; open secrets are refused by name."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine
from tests.support.deployment import ROOT
from tests.support.issuer import FakeIssuer
from tests.support.node_process import COMITY, make_node, served_issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with served_issuer() as served:
        yield served


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """The most careless umask there is, for this process and what it starts."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Permission bits of the files below a folder that others may do something with."""
    found = {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: oct(mode) for name, mode in found.items() if mode & 0o077}


@pytest.mark.processes
@pytest.mark.usefixtures("open_to_all")
def test_a_new_node_leaves_nothing_open(tmp_path: Path) -> None:
    who = ("--ministry", "us-treasury", "--jurisdiction", "US", "--url", "http://127.0.0.1:9")
    subprocess.run(
        [*COMITY, "node", "init", "--home", str(tmp_path / "n"), *who],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        umask=0,
    )
    assert (tmp_path / "n" / "comity.db").exists()
    assert modes(tmp_path / "n") == {}


@campaign("test_a_new_node_leaves_nothing_open")
@pytest.mark.processes
def test_a_node_closes_its_database_and_its_log(tmp_path: Path, issuer: FakeIssuer) -> None:
    """Also one that was made open, as nodes before this version were."""
    made = make_node(tmp_path, issuer)
    (made.home / "comity.db").chmod(0o644)
    before = os.umask(0)
    try:
        with made.serving():
            headers = made.signed_in("a1")
            name = {"name": "C. Three", "iss": issuer.issuer, "sub": "c3"}
            httpx2.post(f"{made.url}/api/v1/officers", json=name, headers=headers, trust_env=False)
            found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.home.iterdir()}
    finally:
        os.umask(before)
    assert {name: oct(mode) for name, mode in found.items() if name.startswith("comity.db")} == {
        "comity.db": "0o600",
        "comity.db-shm": "0o600",
        "comity.db-wal": "0o600",
    }


def test_an_open_passphrase_file_is_refused_by_name(tmp_path: Path, issuer: FakeIssuer) -> None:
    made = make_node(tmp_path, issuer)
    secret = made.home / "keystore-passphrase"
    for mode in (0o666, 0o640, 0o604):
        secret.chmod(mode)
        comity = CommandLine(tmp_path)
        for command in (("node", "serve"), ("key", "list", "--node")):
            ended = comity(*command, "--settings", made.settings, as_json=True)
            assert (ended.code, ended.problem["code"]) == (2, "keystore.permissions"), command
            assert str(secret) in ended.problem["detail"]
    secret.chmod(0o600)
    secret.write_text("\n")
    ended = CommandLine(tmp_path)("node", "serve", "--settings", made.settings, as_json=True)
    assert (ended.code, ended.problem["code"]) == (2, "keystore.passphrase-empty")


def test_officers_and_escrow_passphrases_are_checked_alike(
    tmp_path: Path, issuer: FakeIssuer
) -> None:
    made = make_node(tmp_path, issuer)
    comity = CommandLine(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"the passphrase of {name}\n")
        (tmp_path / name).chmod(0o644)
    files = (
        *("--first-passphrase-file", tmp_path / "one"),
        *("--second-passphrase-file", tmp_path / "two"),
    )
    out = ("--out", tmp_path / "escrow", "--settings", made.settings)
    ended = comity("key", "escrow", *out, *files, as_json=True)
    assert (ended.code, ended.problem["code"]) == (2, "keystore.permissions")
    assert str(tmp_path / "one") in ended.problem["detail"]
    assert not (tmp_path / "escrow").exists()
