"""Real nodes, one of which shows two histories: a second process runs on a copy with the same keys.

Washington's own process is reached by London alone, and its twin by Ottawa alone. Neither partner ever sees both; they
find out by asking each other, once. Nothing in the nodes is changed for this: the tests hold the lines between them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.adapters.identity.tokens import Tokens
from api.cli.profiles import Profile, ProfileStore
from api.records import copying, peer_logs, streams
from api.records.read_only import read_only
from api.tlog.checkpoint import parse_checkpoint
from api.tlog.note import parse_note
from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine
from tests.support.exports import VERIFIER
from tests.support.gates import Gate
from tests.support.node_process import served_issuer
from tests.support.ports import free_port
from tests.support.processes import COMITY, LATER, Fleet, Site, package, wait_ready

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]


@dataclass
class Ministries:
    """The running nodes, the lines that lead to them, and their officers."""

    fleet: Fleet
    gates: dict[str, Gate]
    metrics: str
    client: httpx2.Client

    def call(self, ministry: str, name: str, method: str, path: str, **how: Any) -> Any:
        """What a node answers to an officer, past its gate."""
        site = self.fleet.sites[ministry]
        token = self.fleet.issuer.token(f"{ministry}:{name}", site.public_url, exp=LATER)
        headers = {"authorization": f"Bearer {token}"}
        answer = self.client.request(method, f"{site.url}{path}", headers=headers, **how)
        assert answer.is_success, answer.text
        return answer.json()

    def status(self, ministry: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call(ministry, "admin", "GET", "/api/v1/node/status")
        return found

    def submit(self, title: str) -> None:
        """Let Washington's log grow by an act of an analyst."""
        exhibit = f"exhibit of {title}\n".encode()
        digest = f"sha256:{hashlib.sha256(exhibit).hexdigest()}"
        self.call(US, "analyst", "PUT", f"/api/v1/exhibits/{digest}", content=exhibit)
        content = package(US, title, digest, len(exhibit))
        self.call(US, "analyst", "POST", "/api/v1/packages", json=content)

    def cosigned_by(self, partner: str) -> int:
        """Wait until that partner has cosigned all there is of Washington's log; its size."""

        def whole() -> int:
            found = self.status(US)
            done = found["unsequenced"] == 0 and found["cosigned"][partner] == found["log_size"]
            return int(found["log_size"]) if done else 0

        size: int = wait_for(whole)
        return size

    def seen(self, ministry: str) -> tuple[int, str]:
        """Size and root of Washington's log as a partner's database has it."""
        with read_only(self.fleet.sites[ministry].database_url) as connection:
            row = peer_logs.peer_log(connection, US)
        return (0, "") if row is None else (row.size, row.root)


def wait_for(look: Callable[[], Any], seconds: float = 90.0) -> Any:
    """What there is once there is something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    return found


@pytest.fixture
def ministries(tmp_path: Path) -> Iterator[Ministries]:
    with ExitStack() as stack:
        issuer = stack.enter_context(served_issuer())
        fleet = stack.enter_context(Fleet(tmp_path, issuer))
        gates = {}
        for name in (US, UK, CA):
            site = fleet.add(name)
            gates[name] = stack.enter_context(Gate(site.ports[0]))
            site.address = f"http://127.0.0.1:{gates[name].port}"
            site.more["WATCH_SECONDS"] = "1"
        metrics = f"127.0.0.1:{free_port()}"
        fleet.sites[UK].more["METRICS_LISTEN"] = metrics
        fleet.start_all()
        client = stack.enter_context(httpx2.Client(trust_env=False, timeout=20))
        yield Ministries(fleet, gates, f"http://{metrics}/metrics", client)


def twin_of(fleet: Fleet, site: Site) -> Site:
    """What a dishonest operator needs: keys, rows, exhibits and the remembered head, once more."""
    home = fleet.folder / "twin"
    home.mkdir()
    for name in ("keystore.json", "passphrase"):
        shutil.copy(site.home / name, home / name)
    shutil.copytree(site.home / "exhibits", home / "exhibits")
    # What remembers the last signed head lies outside the home; who means to fork copies that too.
    shutil.copytree(site.home.with_name(f"{site.home.name}.head"), home.with_name("twin.head"))
    copying.copy_out(site.database_url, home / "node.db")
    return replace(site, home=home, database_url=f"sqlite:///{home}/node.db")


def fork(ministries: Ministries) -> dict[str, int]:
    """Let Washington's log go on in two ways, one for London and one for Ottawa.

    Returns:
        Sizes: of the past that they share, and of what each partner cosigned after it.
    """
    fleet, gates = ministries.fleet, ministries.gates
    ministries.submit("What everybody knows")
    shared = min(ministries.cosigned_by(UK), ministries.cosigned_by(CA))
    gates[CA].shut()
    twin = twin_of(fleet, fleet.sites[US])
    ministries.submit("What London is shown")
    london = ministries.cosigned_by(UK)
    process = fleet.running.pop(f"{US}-app-1")
    process.terminate()
    assert process.wait(30) == 0
    gates[UK].shut()
    gates[CA].open()
    fleet.sites[US] = twin
    fleet.write_settings(twin)
    fleet.start(f"{US}-app-1")
    wait_ready(twin.url)
    ministries.submit("What Ottawa is shown")
    ministries.submit("And more of it")
    return {"shared": shared, UK: london, CA: ministries.cosigned_by(CA)}


@campaign(
    "tests/federation/test_forks.py::test_a_fork_towards_two_partners_is_exposed_within_one_exchange"
)
def test_a_fork_is_exposed_proven_and_stopped(ministries: Ministries, tmp_path: Path) -> None:
    sizes = fork(ministries)
    ended = time.monotonic()
    assert sizes["shared"] < sizes[UK]
    assert sizes["shared"] < sizes[CA]
    assert ministries.seen(UK)[1] != ministries.seen(CA)[1]
    # London asks Ottawa what it saw, every second; Ottawa cannot ask London yet.
    wait_for(lambda: ministries.status(UK)["misbehaviour"])
    print(f"exposed {time.monotonic() - ended:.1f} s after the second history was cosigned")
    require_alarm(ministries, tmp_path / "home")
    ministries.gates[UK].open()
    wait_for(lambda: ministries.status(CA)["misbehaviour"])
    for partner in (UK, CA):
        found = ministries.status(partner)
        assert (found["misbehaviour"], found["accused"]) == (1, [US])
        with read_only(ministries.fleet.sites[partner].database_url) as connection:
            stream = streams.stream_in(connection, US)
        assert stream is not None
        assert stream.state == "frozen"
    proof = exported(ministries, tmp_path / "home", tmp_path / "proofs")
    heads = [json.loads(proof)["evidence"][name] for name in ("first", "second")]
    opened = [parse_checkpoint(parse_note(head.encode()).text) for head in heads]
    assert ministries.seen(UK) in [(head.size, head.root.hex()) for head in opened]
    require_verdicts(proof, ministries.fleet.folder / "membership.json", tmp_path / "elsewhere")


def profile(ministries: Ministries, home: Path, name: str) -> str:
    """Save a London officer's signed-in profile for the command line."""
    site, issuer = ministries.fleet.sites[UK], ministries.fleet.issuer
    token = issuer.token(f"{UK}:{name}", site.public_url, exp=LATER)
    tokens = Tokens(token, datetime.fromtimestamp(LATER, UTC))
    address = site.public_url
    saved = Profile(
        node=site.url, issuer=issuer.issuer, client_id="tests", audience=address, tokens=tokens
    )
    ProfileStore(home).save(f"uk-{name}", saved)
    return f"uk-{name}"


def require_alarm(ministries: Ministries, home: Path) -> None:
    """London's administrator, its probes and its metrics all say it."""
    said = CommandLine(home)("node", "status", profile=profile(ministries, home, "admin"))
    assert said.code == 0, said.err
    assert f"ALARM: proofs that await a ruling: 1; frozen: {US}" in said.out
    ready = f"{ministries.fleet.sites[UK].url}/readyz"

    def told() -> bool:
        answer = ministries.client.get(ready).json()
        return answer["status"] == "ready" and answer["details"]["misbehaviour"] == 1

    wait_for(told)

    def counted() -> bool:
        lines = ministries.client.get(ministries.metrics).text.splitlines()
        wanted = {"comity_misbehaviour 1.0", f'comity_accused{{peer="{US}"}} 1.0'}
        return wanted <= set(lines) and f'comity_accused{{peer="{CA}"}} 0.0' in lines

    wait_for(counted)


def exported(ministries: Ministries, home: Path, out: Path) -> bytes:
    """The proof as London's auditor saves it."""
    auditor = profile(ministries, home, "auditor")
    arguments = ("audit", "misbehaviour", "--out", out)
    saved = CommandLine(home)(*arguments, profile=auditor, as_json=True)
    assert saved.code == 0, saved.err
    (row,) = saved.document["items"]
    assert (row["ministry"], row["kind"]) == (US, "inconsistent-heads")
    (path,) = out.iterdir()
    assert str(path) == row["file"]
    return path.read_bytes()


def require_verdicts(proof: bytes, membership: Path, folder: Path) -> None:
    """Two verifiers, in an empty folder with the membership, with no home and no node."""
    folder.mkdir()
    shutil.copyfile(membership, folder / "membership.json")
    spoilt = json.loads(proof)
    note = spoilt["evidence"]["second"]
    spoilt["evidence"]["second"] = note.replace("\n\n", "\nextension\n\n", 1)
    forged = json.dumps(spoilt, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    judges = {
        "ours": [*COMITY, "--json", "verify"],
        "second": [sys.executable, "-I", str(VERIFIER)],
    }
    for data, status in ((proof, 0), (forged.encode(), 3)):
        (folder / "proof.json").write_bytes(data)
        for name, command in judges.items():
            verdict = judged([*command, "proof.json", "--membership", "membership.json"], folder)
            assert verdict.returncode == status, (name, verdict.stdout, verdict.stderr)
            document = json.loads(verdict.stdout)
            facts = document.get("facts", document)
            if status == 0:
                assert (facts["ministry"], facts["misbehaviour"]) == (US, "inconsistent-heads")
            else:
                codes = document.get("failed", [document.get("code")])
                assert codes == ["note.signature"], name
    alone = judged([*judges["ours"], "proof.json"], folder)
    assert (alone.returncode, json.loads(alone.stdout)["failed"]) == (3, ["origin-unproven"])


def judged(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        command, cwd=folder, env=kept, capture_output=True, text=True, timeout=60, check=False
    )
