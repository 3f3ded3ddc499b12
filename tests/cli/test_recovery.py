"""`comity node backup|restore|recover` on a node that `node init` made; its partner is away."""

import re
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

INIT = ("--jurisdiction", "US", "--name", "A ministry")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recovery")
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
