"""What the runbooks tell people to type exists: commands, options, addresses, units, files."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api import app
from api.cli import main
from tests.support import foreign
from tests.support.deployment import DEPLOY
from tests.support.foreign import oracle

TREE = typer.main.get_command(main.app)
RUNBOOKS = sorted((DEPLOY / "runbooks").glob("*.md"))
PAGES = [*RUNBOOKS, DEPLOY / "README.md", DEPLOY.parent / "docs" / "operations.md"]
BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"(?:^|\$\(|\| |&& )(?:\w+=\S+ )?comity(?:-operator)? ([^\n)|]*)", re.MULTILINE
)
# A path of the node, not the host of another address.
ADDRESS = re.compile(r"(?<![/\w])(/(?:api/v1|healthz|readyz|\.well-known)[\w/$.-]*)")
# DESIGN section 10: the commands that other pages and people's habits are built on.
NODE = "init admins serve work status stop-switch backup restore recover move waive give-up-tail"
GROUPS = {
    "node": NODE,
    "key": "new list enrol rotate revoke escrow restore",
    "officer": "list propose preview approve suspend confirm-suspension",
    "grant": "list propose preview approve revoke",
    "relying-party": "propose preview approve",
    "draft": "list show preview approve return",
    "package": "build submit list show release recall fetch holders onward-request onward-consent",
    "audit": "list export fsck misbehaviour",
    "epoch": "propose preview approve withdraw",
    "membership": "compose show add diff fingerprint propose preview approve",
    "holdings": "",
    "peers": "",
    "verify": "",
    "login": "",
    "logout": "",
    "whoami": "",
    "token": "",
    "demo": "",
}


def blocks(path: Path) -> Iterator[str]:
    for indent, text in BLOCK.findall(path.read_text()):
        yield re.sub(rf"(?m)^{indent}", "", text)


def words(line: str) -> list[str]:
    """Words of a command without global options, quotes kept together."""
    found = re.findall(r'"[^"]*"|\S+', line)
    while found and found[0].startswith("--"):
        found = found[2:]
    return found


def commands(path: Path) -> Iterator[list[str]]:
    for block in blocks(path):
        joined = re.sub(r"\\\n\s*", " ", block)
        for line in COMMAND.findall(joined):
            yield words(line)


ALL = [(path.name, tuple(each)) for path in PAGES for each in commands(path)]


def test_there_is_something_to_check() -> None:
    assert len(RUNBOOKS) == 8
    assert len(ALL) > 30
    assert all(list(blocks(path)) for path in RUNBOOKS)


@pytest.mark.parametrize(("page", "command"), ALL)
def test_commands_are_the_agreed_ones(page: str, command: tuple[str, ...]) -> None:
    group = command[0]
    assert group in GROUPS, page
    if GROUPS[group]:
        assert command[1] in GROUPS[group].split(), page


@pytest.mark.parametrize(("page", "command"), ALL)
def test_commands_and_options_exist(page: str, command: tuple[str, ...]) -> None:
    found: Any = TREE
    rest = list(command)
    while getattr(found, "commands", None):
        if rest[0] not in found.commands:
            pytest.skip(f"agreed, but not built yet: {' '.join(command[:2])}")
        found = found.commands[rest.pop(0)]
    options = {option for parameter in found.params for option in parameter.opts}
    given = {word.split("=")[0] for word in rest if word.startswith("--")}
    assert given <= options | {"--help"}, page


@pytest.mark.parametrize(("page", "command"), ALL)
def test_each_command_explains_itself_and_is_given_whole(
    page: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody has to ask ``--help`` for a step; whoever does gets an answer."""
    assert "--help" not in command, page
    found: Any = TREE
    path = []
    while getattr(found, "commands", None):
        path.append(command[len(path)])
        found = found.commands[path[-1]]
    assert main.main([*path, "--help"]) == 0
    assert "Example:" in capsys.readouterr().out
    given = {word.split("=")[0] for word in command if word.startswith("--")}
    needed = {each.opts[0] for each in found.params if each.required and "--" in each.opts[0]}
    assert needed <= given, page


WRITING = re.compile(r" (?:-X|--request|-d|--data\S*|--json|-F|--form|-T|--upload-file)\b")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nothing_is_changed_with_curl(path: Path) -> None:
    """An approval needs its preview, which the commands fetch and a bare POST does not."""
    for block in blocks(path):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            if "curl" in line and "/api/v1" in line:
                assert WRITING.search(line) is None, line


@foreign.needs("bash")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_snippets_are_shell(path: Path) -> None:
    for block in blocks(path):
        checked = subprocess.run(
            [oracle("bash"), "-n"], input=block, check=False, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_units_that_are_started_exist() -> None:
    present = {path.stem for path in (DEPLOY / "systemd").iterdir()} | {"nginx"}
    for path in PAGES:
        for block in blocks(path):
            for line in re.findall(
                r"(?m)^systemctl (?:start|stop|restart|reload|enable --now) (.*)$", block
            ):
                assert {Path(name).stem for name in line.split()} <= present, path.name


def test_repository_files_that_are_named_exist() -> None:
    for path in PAGES:
        for name in re.findall(r"(?<![\w/])deploy/[\w./*-]+[\w*]", path.read_text()):
            assert list(DEPLOY.parent.glob(name)), (path.name, name)


def test_addresses_are_routes_of_the_node() -> None:
    shapes = {
        re.sub(r"\{[^}]*\}", "{}", route.path)
        for router in app.ROUTERS
        for route in router.routes
        if hasattr(route, "path")
    }
    found = {
        re.sub(r"\$[A-Z]+", "{}", address.rstrip("./"))
        for path in PAGES
        for address in ADDRESS.findall(re.sub(r"https?://[\w.:-]+|\$NODE", "", path.read_text()))
    }
    assert found <= shapes, found - shapes
    assert len(found) > 2
