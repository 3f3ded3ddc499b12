"""`comity node backup|restore|recover` on a node that `node init` made; its partner is away."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from tests.support import foreign
from tests.support.command_line import CommandLine

INIT = ("--jurisdiction", "US", "--name", "A ministry")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return node_in(tmp_path_factory.mktemp("recovery"))


def node_in(folder: Path) -> Path:
    comity = CommandLine(folder)
    for name, port in (("us-treasury", 1), ("uk-fcdo", 2)):
        made = comity(
            *("node", "init", "--home", folder / name, "--ministry", name),
            *("--url", f"http://127.0.0.1:{port}", *INIT),
        )
        assert made.code == 0, made.err
        (folder / f"{name}.json").write_text(made.out)
    node = folder / "us-treasury"
    composed = comity(
        *("membership", "compose", "--member", folder / "us-treasury.json"),
        *("--member", folder / "uk-fcdo.json", "--serial", "1"),
        *("--out", node / "membership.json"),
    )
    with (node / "settings.env").open("a") as file:
        file.write(f"COMITY_MEMBERSHIP_DIGEST={composed.out}COMITY_ISSUERS=https://id.example\n")
    return node


def test_backup_restore_and_a_silent_partner(home: Path) -> None:
    comity, settings = CommandLine(home), ("--settings", home / "settings.env")
    assert comity("node", "init", "--migrate", *settings).code == 0
    made = comity("node", "backup", "--out", home / "backups", *settings, as_json=True)
    assert made.code == 0, made.err
    folder = Path(made.document["backup"])
    assert {each.name for each in folder.iterdir()} == {
        "database.sqlite",
        "exhibits.sha256",
        "manifest.json",
    }
    keystore = next(path for path in home.iterdir() if "keystore" in path.name)
    held = b"".join(path.read_bytes() for path in folder.iterdir())
    assert keystore.read_bytes() not in held
    again = comity("node", "restore", "--from", home / "backups", *settings, as_json=True)
    assert (again.code, again.problem["code"]) == (6, "restore.not-empty")
    url = re.search(r"COMITY_DATABASE_URL=sqlite:///(.+)", (home / "settings.env").read_text())
    assert url is not None
    for path in Path(url[1]).parent.glob(f"{Path(url[1]).name}*"):
        path.unlink()
    restored = comity("node", "restore", "--from", home / "backups", *settings, as_json=True)
    assert restored.code == 0, restored.err
    recovered = comity("node", "recover", *settings, as_json=True)
    assert (recovered.code, recovered.problem["code"]) == (7, "recover.silent")
    assert recovered.problem["members"] == ["uk-fcdo"]


def at_url(settings: Path, url: str) -> tuple[str, Path]:
    """The option for a copy of a node's settings with another database."""
    other = settings.with_name("other.env")
    told = re.sub(r"COMITY_DATABASE_URL=.+", f"COMITY_DATABASE_URL={url}", settings.read_text())
    other.write_text(told)
    return "--settings", other


@foreign.needs("postgresql", "pg_dump")
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_a_backup_of_the_other_kind_of_database_is_refused_before_anything_is_written(
    source: str, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, empty = node_in(tmp_path), tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    comity, file = CommandLine(node), f"sqlite:///{empty}/comity.sqlite"
    old, new = (file, postgres_url) if source == "sqlite" else (postgres_url, file)
    settings = at_url(node / "settings.env", old)
    assert comity("node", "init", "--migrate", *settings).code == 0
    made = comity("node", "backup", "--out", tmp_path / "backups", *settings)
    assert made.code == 0, made.err
    (empty / "comity.sqlite").unlink(missing_ok=True)
    settings = at_url(node / "settings.env", new)
    refused = comity("node", "restore", "--from", tmp_path / "backups", *settings, as_json=True)
    assert (refused.code, refused.problem["code"]) == (6, "restore.other-form")
    assert "comity node move" in refused.problem["detail"]
    assert "Restored" not in refused.out + refused.err
    assert list(empty.iterdir()) == []
    engine = create_engine(postgres_url)
    assert bool(inspect(engine).get_table_names()) == (source == "postgresql")
    engine.dispose()
