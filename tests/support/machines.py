"""A ministry's machine in a folder, at which the runbooks' own lines are typed.

    us = Machine(folder, "us-treasury", issuer)
    us.type(lines("stand-up-a-node", "node init"))

The lines are those of the page; what differs is said in `Machine.here`: folders of the system lie in the machine's own
folder, addresses are on loopback, files keep their owner. Programs are real but for systemd, of which
`service_manager` plays what the units need, and nginx. Questions that a command asks at a terminal are
answered as in `ANSWERS`.
"""

import contextlib
import os
import pty
import re
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from api.adapters.identity.tokens import Tokens
from api.cli.profiles import Profile, ProfileStore
from tests.support import foreign
from tests.support.deployment import DEPLOY, ROOT
from tests.support.issuer import FakeIssuer
from tests.support.ports import free_port
from tests.support.running_node import FOREVER
from tests.support.service_manager import settings_of

RUNBOOKS = DEPLOY / "runbooks"
BLOCK = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PROGRAM = "from api.cli.main import run; run()"
PLACES = ("/etc/comity", "/var/lib/comity", "/mnt/escrow", "/run/comity")
FIRST, SECOND = "the words of the first one", "the words of the second one"
ANSWERS = {
    r"Approve this\? \[y/N\]: ": "y",
    r"First administrator's passphrase: *": FIRST,
    r"Second administrator's passphrase: *": SECOND,
    r"Repeat for confirmation: *": "",
}
"""What is typed at a question; at the last one what was typed before."""
KEPT = ("DIGEST", "INDEX", "PLACE", "OFFICER", "GRANT", "KID", "DRAFT", "PACKAGE", "SERIAL")
"""Variables that one block of lines leaves to the next, as at one shell."""
PEOPLE = {"admin": "a.one", "admin2": "b.two"}
_PATIENCE = 60


def lines(page: str, what: str) -> str:
    """The one block of commands of a runbook that has these words in it."""
    text = (RUNBOOKS / f"{page}.md").read_text("utf-8")
    found = [re.sub(rf"(?m)^{indent}", "", block) for indent, block in BLOCK.findall(text)]
    (block,) = [block for block in found if what in block]
    return block


@dataclass
class Machine:
    """One ministry's machine; ``root`` is new."""

    root: Path
    ministry: str
    issuer: FakeIssuer
    database_url: str
    port: int = field(default_factory=free_port)
    others: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=lambda: dict(PEOPLE))
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place in (
            "bin",
            "desk",
            "units",
            "run",
            "mnt/escrow",
            "etc/comity/credentials",
            "var/lib/comity",
        ):
            (self.root / place).mkdir(parents=True, mode=0o700)
        self._program("comity", f'exec "{sys.executable}" -P -c "{PROGRAM}" "$@"')
        manager = f'exec "{sys.executable}" "{ROOT}/tests/support/service_manager.py" "{self.root}/units" "{self.root}/run"'
        for name in ("systemctl", "systemd-run"):
            self._program(name, f'{manager} {name} "$@"')
        for name in ("nginx", "journalctl"):
            self._program(name, "exit 0")
        for path in (DEPLOY / "systemd").glob("*.service"):
            (self.root / "units" / path.name).write_text(self.here(path.read_text()))
        (self.root / "bin/comity-operator").write_text(
            self.here((DEPLOY / "systemd/comity-operator").read_text())
        )
        (self.root / "bin/comity-operator").chmod(0o755)

    def _program(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk(self) -> Path:
        """The folder where the administrators stand."""
        return self.root / "desk"

    def place(self, path: str) -> Path:
        """Where an absolute path of the runbooks is."""
        return self.root / path.lstrip("/")

    def here(self, text: str) -> str:
        """The text with this machine's places in it."""
        for place in PLACES:
            text = re.sub(rf"(?<![\w/]){place}", f"{self.root}{place}", text)
        addresses = {self.ministry: self.url, **self.others}
        for ministry, url in addresses.items():
            text = text.replace(f"https://comity.{ministry}.example", url)
        for old, new in {
            "https://login.us-treasury.example": self.issuer.issuer,
            "postgresql+psycopg:///comity?host=/run/postgresql": self.database_url,
            "http://127.0.0.1:8080": self.url,
            "/opt/comity/bin/comity": f"{self.root}/bin/comity",
        }.items():
            text = text.replace(old, new)
        if self.database_url.startswith("sqlite"):  # one process, as the runbook says
            text = text.replace(" comity-worker", "")
        return re.sub(r" -o \w+ -g \w+", "", text)

    def sign_in(self) -> None:
        """Sign its people in anew."""
        store = ProfileStore(self.root / "home")
        for name, sub in self.people.items():
            tokens = Tokens(self.issuer.token(sub, self.url), FOREVER)
            key = store.load(name).key_file if name in store.names() else None
            profile = Profile(
                self.url, self.issuer.issuer, "tests", self.url, tokens=tokens, key_file=key
            )
            store.save(name, profile)

    def type(self, text: str, *, fails: str = "", **variables: str) -> str:
        """Type lines at a terminal of this machine; returns all that was said.

        Args:
            text: lines of a runbook.
            fails: what the last words say, where they must end badly.
            variables: of the shell; they stay.
        """
        self.sign_in()
        self.variables |= variables
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("COMITY_", "LC_", "LANG"))}
        env = {
            **kept,
            "PATH": f"{self.root}/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
            "PYTHONPATH": str(ROOT),
            "COMITY_HOME": str(self.root / "home"),
            "COMITY_PROFILE": "admin",
            **self.variables,
        }
        left = self.root / "variables"
        keep = f"for one in {' '.join(KEPT)}; do echo $one=${{!one-}}; done > {left}"
        script = f"trap '{keep}' EXIT\n{self.here(text)}"
        code, said = at_terminal([foreign.oracle("bash"), "-euc", script], env=env, cwd=self.desk)
        self.variables |= settings_of(str(left))
        if bool(code) != bool(fails) or fails not in said:
            raise AssertionError(f"{self.ministry}: {text}\n{said}\nended with {code}{self.logs()}")
        return said

    def logs(self) -> str:
        """The last lines of every unit."""
        found = sorted((self.root / "run").glob("*.log"))
        return "".join(f"\n--- {path.name}\n{path.read_text()[-1500:]}" for path in found)

    def off(self) -> None:
        """Stop what runs."""
        subprocess.run(
            [self.root / "bin/systemctl", "stop", "comity-worker", "comity-app"], check=False
        )


def at_terminal(command: list[str], *, env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run a command whose input is a terminal, and answer its questions; returns its code and words."""
    keyboard, terminal = pty.openpty()
    said, seen, last = "", 0, ""
    try:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        with process.stdout as output, selectors.DefaultSelector() as ready:
            ready.register(output, selectors.EVENT_READ)
            end = time.monotonic() + _PATIENCE
            while time.monotonic() < end:
                if not ready.select(0.1):
                    continue
                more = os.read(output.fileno(), 65536)
                if not more:
                    break
                said += more.decode(errors="replace")
                for question, answer in ANSWERS.items():
                    if re.search(f"{question}$", said[seen:]):
                        last = answer or last
                        time.sleep(0.05)  # a hidden question first forgets what was typed before it
                        os.write(keyboard, f"{last}\n".encode())
                        seen = len(said)
        with contextlib.suppress(ProcessLookupError):
            if process.poll() is None and time.monotonic() >= end:
                os.killpg(process.pid, 9)
        return process.wait(), said
    finally:
        os.close(keyboard)
        os.close(terminal)
