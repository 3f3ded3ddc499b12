"""Nodes on loopback, signed-in profiles and a package file for the tests of the command line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.adapters.crypto import keystore, pkcs8_pem, sealed_file
from api.adapters.crypto.pkcs8_pem import ScryptCost
from api.adapters.crypto.sealed_file import KdfCost
from tests.support.bodies import body
from tests.support.command_line import CommandLine, Ended
from tests.support.exchange import person
from tests.support.running_node import RunningNodes, running_nodes

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
PEOPLE = ("analyst", "analyst2", "reviewer", "reviewer2", "auditor", "admin", "admin2")
SIGNERS = ("analyst", "analyst2", "reviewer2")
DESCRIPTION = """\
title = "{title}"
summary = "What happened."
language = "en"
exculpatory = "None known."
legal_basis = "For the test."
compelled = false

[[subjects]]
key = "s1"
schema = "Person"
names = [{{ text = "Test Person" }}]

[[claims]]
subject = "s1"
act = "An act."
ground = "a ground"
exhibits = ["one.txt"]

[[exhibits]]
file = "one.txt"
kind = "official-record"
source = "made for the test"
"""


class _CheapCost(KdfCost):
    """A type, because modules that are imported later name it in their annotations."""

    def __init__(self, memory: int = 64, passes: int = 1, lanes: int = 1) -> None:
        super().__init__(memory, passes, lanes)


class _CheapScrypt(ScryptCost):
    def __init__(self, n: int = 2, r: int = 1, p: int = 1) -> None:
        super().__init__(n, r, p)


@pytest.fixture(scope="session", autouse=True)
def _cheap_key_files() -> Iterator[None]:
    """Derive keys of files quickly: these tests are not about the cost of guessing."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (keystore, sealed_file):
            patch.setattr(module, "KdfCost", _CheapCost)
        patch.setattr(pkcs8_pem, "ScryptCost", _CheapScrypt)
        yield


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNodes]:
    """Three nodes; tests share them, so each makes its own objects."""
    with running_nodes(tmp_path_factory.mktemp("nodes")) as running:
        yield running


@pytest.fixture(scope="session")
def signed_in_home(nodes: RunningNodes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    for ministry in (US, UK, CA):
        for name in PEOPLE:
            nodes.profile(home, ministry, name, key=name in SIGNERS)
    return home


@pytest.fixture
def comity(signed_in_home: Path) -> CommandLine:
    """The command line with a profile for everyone, such as ``us-analyst``.

    Analysts and the second reviewer have signing keys, the first reviewer has none.
    """
    return CommandLine(signed_in_home)


@pytest.fixture
def build(comity: CommandLine, tmp_path: Path) -> Callable[..., Path]:
    """Builds a package file with one exhibit whose content is the title."""

    def built(title: str, profile: str = "us-analyst") -> Path:
        folder = tmp_path / f"evidence-{title}"
        folder.mkdir()
        (folder / "one.txt").write_text(title)
        description = tmp_path / f"{title}.toml"
        description.write_text(DESCRIPTION.format(title=title))
        out = tmp_path / f"{title}.comity"
        result = comity(
            "package", "build", folder, "--description", description, "--out", out, profile=profile
        )
        assert result.code == 0, result.err
        return out

    return built


@pytest.fixture
def submit(comity: CommandLine, build: Callable[..., Path]) -> Callable[[str], str]:
    """Builds and submits a package of the US; returns its id."""

    def submitted(title: str) -> str:
        result = comity("package", "submit", build(title), profile="us-analyst")
        assert result.code == 0, result.err
        return result.out.strip()

    return submitted


@pytest.fixture
def release(comity: CommandLine) -> Callable[..., str]:
    """Drafts the release of a US package; returns the draft's id."""

    def drafted(package: str, to: str = UK, *options: str) -> str:
        result = comity(
            *("package", "release", package, "--to", to, "--tlp", "AMBER"),
            *("--legal-basis", "For the test.", *options),
            profile="us-analyst",
            as_json=True,
        )
        assert result.code == 0, result.err
        identifier: str = result.document["id"]
        return identifier

    return drafted


class Desk:
    """Both officers of a ministry at their command lines."""

    def __init__(self, comity: CommandLine, folder: Path) -> None:
        self._comity = comity
        self._folder = folder
        self._files = 0

    def run(self, profile: str, *arguments: str, code: int = 0) -> Any:
        """Run a command; returns its document."""
        ended = self._ended(profile, *arguments)
        assert ended.code == code, ended.err
        return ended.document if code == 0 else ended.problem

    def _ended(self, profile: str, *arguments: str) -> Ended:
        return self._comity(*arguments, profile=profile, as_json=True)

    def file(self, content: dict[str, Any]) -> str:
        """A JSON file with this content."""
        self._files += 1
        path = self._folder / f"{self._files}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def approved(self, ministry: str, *arguments: str) -> str:
        """A draft made by the analyst and approved by the reviewer; returns the statement."""
        draft = self.run(f"{ministry}-analyst", *arguments)
        if draft["state"] == "sealed":
            return str(draft["statement"])
        reviewer = f"{ministry}-reviewer"
        seen = self.run(reviewer, "draft", "preview", draft["id"])
        done = self.run(reviewer, "draft", "approve", draft["id"], "--digest", seen["digest"])
        return str(done["statement"])

    def designated(self, ministry: str, name: str, day: str, *to: str, **members: Any) -> str:
        """A designation of a person."""
        home = ministry.upper()
        regime = {"US": "US-GLOMAG", "UK": "UK-GHR", "CA": "CA-SEMA"}[home]
        content = body(
            "designation/1",
            subject=person(name),
            jurisdiction=home,
            regime=regime,
            instants={"in_force": {"at": day, "zone": "Etc/UTC"}},
            mirrors=[],
            **members,
        )
        told = [part for one in to for part in ("--to", one)]
        return self.approved(ministry, "designation", "state", "--body", self.file(content), *told)


@pytest.fixture
def desk(comity: CommandLine, tmp_path: Path) -> Desk:
    return Desk(comity, tmp_path)
