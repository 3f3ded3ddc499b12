"""`comity node doctor`: each thing that can be wrong is found by its own look, with what to do."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.adapters.system import SystemClock
from api.records import migrating
from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine, Ended
from tests.support.issuer import FakeIssuer
from tests.support.node_process import MadeNode, make_node, served_issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with served_issuer() as served:
        yield served


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, issuer: FakeIssuer) -> MadeNode:
    return make_node(tmp_path_factory.mktemp("doctor"), issuer)


def examined(made: MadeNode, *options: str | Path, settings: Path | None = None) -> Ended:
    asked = ("node", "doctor", "--settings", settings or made.settings, *options)
    return CommandLine(made.home)(*asked, as_json=True)


def looks(ended: Ended) -> dict[str, dict[str, Any]]:
    return {one["check"]: one for one in ended.document["looks"]}


def changed(made: MadeNode, tmp_path: Path, **values: str) -> Path:
    """The node's settings with other values."""
    path = tmp_path / "settings.env"
    kept = made.settings.read_text().splitlines()
    kept = [line for line in kept if line.partition("=")[0].removeprefix("COMITY_") not in values]
    path.write_text("\n".join([*kept, *(f"COMITY_{n}={v}" for n, v in values.items())]) + "\n")
    return path


@pytest.mark.processes
def test_a_node_at_work_is_found_in_order(made: MadeNode, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    with made.serving():
        CommandLine(made.home)("node", "backup", "--out", backups, "--settings", made.settings)
        ended = examined(made, "--backups", backups)
        spoken = CommandLine(made.home)("node", "doctor", "--settings", made.settings).out
    found = looks(ended)
    bad = {name: one["said"] for name, one in found.items() if one["state"] == "bad"}
    # The partner of this node is nobody's process.
    assert set(bad) == {"partner uk-fcdo"}, bad
    assert "[peer." in bad["partner uk-fcdo"]
    assert ended.code == 3
    assert found["own door"]["said"] == "it answers, with serial 1 as here"
    assert {"settings", "files", "keys", "clock", "database", "sign-in", "backup"} <= set(found)
    assert "-> Call that ministry" in spoken


@pytest.mark.parametrize(
    ("look", "values", "said"),
    [
        ("membership", {"MEMBERSHIP_DIGEST": "sha256:" + "0" * 64}, "not the one whose digest"),
        ("database", {"DATABASE_URL": "sqlite:////proc/none.db"}, "[database."),
        ("keystore", {"KEYSTORE_PASSPHRASE_FILE": "{other}"}, "[keystore."),
        ("files", {"KEYSTORE_PASSPHRASE_FILE": "{open}"}, "is open to others"),
        ("files", {"PEER_KEY": "/nowhere"}, "FileNotFoundError"),
        ("sign-in", {"ISSUERS": "http://127.0.0.1:1"}, "[issuer.unavailable]"),
        ("certificate", {"PEER_CERTIFICATE": "{other}"}, "[peer.certificate]"),
        ("head memory", {"HEAD_MEMORY": "{other}/head"}, "[memory."),
    ],
)
def test_what_is_wrong_is_found_with_what_to_do(
    made: MadeNode, tmp_path: Path, look: str, values: dict[str, str], said: str
) -> None:
    places = {"other": tmp_path / "other", "open": tmp_path / "open"}
    for name, path in places.items():
        path.write_text("another passphrase\n")
        path.chmod(0o600 if name == "other" else 0o644)
    given = {name: value.format_map(places) for name, value in values.items()}
    ended = examined(made, settings=changed(made, tmp_path, **given))
    found = looks(ended)[look]
    assert (ended.code, found["state"]) == (3, "bad")
    assert said in found["said"]
    assert found["remedy"]


def test_advice_fits_a_node_on_sqlite_and_loopback(made: MadeNode, tmp_path: Path) -> None:
    found = looks(examined(made, settings=changed(made, tmp_path, ALLOW_HTTP_PEERS="false")))
    assert "COMITY_ALLOW_HTTP_PEERS" in found["own door"]["remedy"]
    settings = changed(made, tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    remedy = looks(examined(made, settings=settings))["database"]["remedy"]
    assert "node init --migrate" in remedy
    assert "PostgreSQL" not in remedy


def test_keys_changed_before_the_membership_are_told_apart(made: MadeNode, tmp_path: Path) -> None:
    keystore = tmp_path / "keystore.json"
    shutil.copy(made.home / "keystore.json", keystore)
    settings = changed(made, tmp_path, KEYSTORE=str(keystore))
    rotate = ("key", "rotate", "seal", "--at-index", "7", "--settings", settings)
    assert CommandLine(made.home)(*rotate).code == 0
    found = looks(examined(made, settings=settings))["the node"]
    assert "[keys.not-in-membership]" in found["said"]
    assert "rotate-a-key" in found["remedy"]


def test_settings_that_are_none_end_the_visit(made: MadeNode, tmp_path: Path) -> None:
    ended = examined(made, settings=changed(made, tmp_path, LISTEN_PORT="no number"))
    assert ended.code == 3
    (only,) = ended.document["looks"]
    assert (only["check"], only["state"]) == ("settings", "bad")
    assert "COMITY_LISTEN_PORT" in only["said"]


def test_an_old_revision_is_found_and_left_as_it_is(made: MadeNode, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    migrating.upgrade(url, "0071_regime_editions")
    ended = examined(made, settings=changed(made, tmp_path, DATABASE_URL=url))
    assert "[database.wrong-revision]" in looks(ended)["database"]["said"]
    assert looks(ended)["the node"]["state"] == "left out"
    assert migrating.current(url) == "0071_regime_editions"


@campaign("test_what_is_wrong_is_found_with_what_to_do")
def test_an_old_backup_and_none_at_all(
    made: MadeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looks(examined(made, "--backups", tmp_path))
    assert "[backup.unknown]" in found["backup"]["said"]
    CommandLine(made.home)("node", "backup", "--out", tmp_path, "--settings", made.settings)
    assert looks(examined(made, "--backups", tmp_path))["backup"]["state"] == "good"
    later = datetime.now(UTC) + timedelta(hours=30)
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    assert "[backup.old]" in looks(examined(made, "--backups", tmp_path))["backup"]["said"]


def test_it_writes_nothing(made: MadeNode) -> None:
    def content() -> tuple[list[str], str]:
        """Names of the node's files, and every row of its database."""
        with closing(sqlite3.connect(made.home / "comity.db")) as database:
            rows = "\n".join(database.iterdump())
        kept = {path.name for path in made.home.rglob("*") if path.suffix not in {".out", ".err"}}
        return sorted(one for one in kept if not one.endswith(("-wal", "-shm"))), rows

    before = content()
    examined(made)
    assert content() == before
