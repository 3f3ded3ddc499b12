"""Real node processes that are killed, the client that never stops asking, and what they leave behind.

    with Fleet(tmp_path, issuer) as fleet:
        us = fleet.add("us-treasury")
        fleet.start_all()
        with Publisher(us, issuer) as publisher:
            fleet.kill("us-treasury"); fleet.start("us-treasury")
        with fleet.revived() as nodes:      # the stored rows, settled in this process
            check_everything(nodes)

Nodes are made with the project's own keystore, settings and migrations and run by ``comity node``.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from typing_extensions import override

from api import bootstrap
from api.adapters.crypto.keystore import FileKeystore
from api.adapters.crypto.sealed_file import KdfCost, write_private
from api.settings import Settings
from api.wire.digests import digest
from api.wire.membership import Member, compose_membership
from api.wire.statements import Content
from tests.support import templates
from tests.support.bodies import body
from tests.support.deployment import ROOT
from tests.support.door import release_to
from tests.support.federation import Federation, SimulatedClock, Wire, hire
from tests.support.issuer import FakeIssuer
from tests.support.ports import free_port
from tests.support.signing import Signatory

# Longer than any test, and no longer than a node accepts.
LATER = int(time.time()) + 11 * 3600
COMITY = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]
PASSPHRASE = "for tests and nothing else"
CHEAP = KdfCost(memory_kib=64, iterations=1, lanes=1)
JURISDICTIONS = {"us-treasury": "US", "uk-fcdo": "UK", "ca-gac": "CA"}


@dataclass
class Site:
    """One ministry's node on this machine: its files, and the ports of its processes.

    Attributes:
        ministry: member id.
        home: folder of keystore, store and settings.
        database_url: its database.
        ports: where its app processes listen; the first is its address.
        workers: how many processes do the jobs; 0 lets the one app do them.
        address: where others find it, if that is not its first port.
        more: further settings, without their prefix.
    """

    ministry: str
    home: Path
    database_url: str
    ports: list[int]
    workers: int = 0
    address: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def public_url(self) -> str:
        return self.address or self.url

    @property
    def settings(self) -> Path:
        return self.home / "settings.env"

    def commands(self) -> dict[str, tuple[list[str], dict[str, str]]]:
        """Arguments and environment of each process, by name."""
        jobs = {"COMITY_JOBS": "false" if self.workers else "true"}
        found = {
            f"{self.ministry}-app-{number}": (
                ["serve"],
                {**jobs, "COMITY_LISTEN_PORT": str(port)},
            )
            for number, port in enumerate(self.ports, 1)
        }
        for number in range(1, self.workers + 1):
            found[f"{self.ministry}-work-{number}"] = (["work"], {})
        return found


class Fleet:
    """The processes of some nodes; ends them all when it is left.

    Args:
        folder: an empty folder.
        issuer: of the officers' tokens; reachable over HTTP.
    """

    def __init__(self, folder: Path, issuer: FakeIssuer) -> None:
        self.folder = folder
        self.issuer = issuer
        self.sites: dict[str, Site] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()

    def add(
        self, ministry: str, *, database_url: str | None = None, apps: int = 1, workers: int = 0
    ) -> Site:
        """Plan a node; its files are made by `start_all`."""
        home = self.folder / ministry
        home.mkdir(parents=True)
        url = database_url or f"sqlite:///{home}/node.db"
        ports = [free_port() for _ in range(apps)]
        self.sites[ministry] = Site(ministry, home, url, ports, workers)
        return self.sites[ministry]

    def start_all(self) -> None:
        """Make every node's files and start all processes; returns when they can do their work."""
        self.make()
        for site in self.sites.values():
            for name in site.commands():
                self.start(name)
        for site in self.sites.values():
            for url in site.urls:
                wait_ready(url)

    def start(self, name: str) -> None:
        """Start one process; returns at once."""
        site = next(site for site in self.sites.values() if name in site.commands())
        arguments, own = site.commands()[name]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("COMITY_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*COMITY, "node", *arguments, "--settings", str(site.settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**kept, **own, "PYTHONPATH": str(ROOT)},
            )

    def kill(self, name: str) -> None:
        """End one process as a power cut would."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills += 1

    def stop(self) -> None:
        """Ask every process to end, and see that it does so in order."""
        for process in self.running.values():
            process.terminate()
        codes = {name: process.wait(60) for name, process in self.running.items()}
        self.running.clear()
        assert set(codes.values()) <= {0}, codes

    def said(self) -> str:
        """What all processes wrote."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    @contextmanager
    def revived(self) -> Iterator["Revived"]:
        """The stored nodes in this process, after theirs have ended, with all of it settled."""
        with ExitStack() as stack:
            yield Revived(list(self.sites.values()), stack)

    def make(self) -> None:
        """Make keys, membership, settings, databases and officers of every node."""
        members = []
        for site in self.sites.values():
            write_private(site.home / "passphrase", f"{PASSPHRASE}\n".encode(), replace=True)
            keys = FileKeystore.create(site.home / "keystore.json", lambda: PASSPHRASE, CHEAP)
            jurisdiction = JURISDICTIONS[site.ministry]
            origin = f"{site.ministry}.example/log"
            members.append(
                Member(
                    site.ministry,
                    jurisdiction,
                    f"Ministry {site.ministry}",
                    site.public_url,
                    origin,
                    keys.public_keys(),
                )
            )
        membership = compose_membership(1, None, members)
        (self.folder / "membership.json").write_bytes(membership.raw)
        for site in self.sites.values():
            self.write_settings(site)
            templates.prepare(site.database_url)
            installation = bootstrap.build(Settings(_env_file=site.settings))
            hire(installation.node, self.issuer.issuer)
            installation.close()

    def write_settings(self, site: Site) -> None:
        """Write the file that the site's processes are started with."""
        membership = self.folder / "membership.json"
        values = {
            "MINISTRY": site.ministry,
            "PUBLIC_URL": site.public_url,
            "LISTEN_PORT": site.ports[0],
            "DATABASE_URL": site.database_url,
            "STORE": site.home / "exhibits",
            "KEYSTORE": site.home / "keystore.json",
            "KEYSTORE_PASSPHRASE_FILE": site.home / "passphrase",
            "MEMBERSHIP": membership,
            "MEMBERSHIP_DIGEST": digest(membership.read_bytes()),
            "ISSUERS": self.issuer.issuer,
            "ALLOW_HTTP_PEERS": "true",
            "LOG_LEVEL": "WARNING",
            **site.more,
        }
        text = "".join(f"COMITY_{name}={value}\n" for name, value in values.items())
        site.settings.write_text(text)


class Revived(Federation):
    """Nodes built again on what their processes stored; the network between them is in memory."""

    def __init__(self, sites: Sequence[Site], stack: ExitStack) -> None:
        # Past every lease and back-off that a killed process left behind.
        self.clock = SimulatedClock(datetime.now(UTC) + timedelta(minutes=5))
        self.down: set[str] = set()
        self.pool = stack.enter_context(ThreadPoolExecutor(2))
        self.nodes = {}
        for site in sites:
            installation = bootstrap.build(Settings(_env_file=site.settings))
            stack.callback(installation.close)
            limits = replace(installation.node.limits, retry_base=0.01, retry_cap=0.1)
            self.nodes[site.ministry] = replace(
                installation.node,
                transport=Wire(self, site.ministry),
                clock=self.clock,
                limits=limits,
            )
        self.settle()

    @override
    def close(self) -> None:
        raise TypeError("the block that revived the nodes closes them")


def wait_ready(url: str, seconds: float = 60.0) -> None:
    """Wait until a process answers."""
    end = time.monotonic() + seconds
    # One client: to make one takes longer than to ask.
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < end:
            try:
                if client.get(f"{url}/healthz").is_success:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")


@dataclass
class Acknowledged:
    """What the client was told is done; none of it may ever be missing.

    Attributes:
        exhibits: digests.
        packages: package id by title.
        releases: statement ids.
    """

    exhibits: set[str] = field(default_factory=set)
    packages: dict[str, str] = field(default_factory=dict)
    releases: set[str] = field(default_factory=set)


class Publisher:
    """An analyst and a reviewer who publish without pause and repeat what was not answered.

    Args:
        site: the node they work at.
        issuer: of their tokens.
        recipient: to whom they release.
        threads: how many do so at once.
    """

    def __init__(self, site: Site, issuer: FakeIssuer, recipient: str, *, threads: int = 2) -> None:
        self.acknowledged = Acknowledged()
        self.surprises: list[str] = []
        self._site, self._recipient = site, recipient
        self._headers = {
            name: {
                "authorization": "Bearer "
                + issuer.token(f"{site.ministry}:{name}", site.public_url, exp=LATER)
            }
            for name in ("analyst", "reviewer")
        }
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(threads)
        ]

    def __enter__(self) -> "Publisher":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self, thread: int) -> None:
        with httpx2.Client(trust_env=False, timeout=20) as client:
            count = 0
            while not self._stop.is_set():
                count += 1
                self._publish(client, f"Package {thread}-{count}", every=count % 2 == 0)

    def _publish(self, client: httpx2.Client, title: str, *, every: bool) -> None:
        exhibit = f"exhibit of {title}\n".encode() * 40
        digest = f"sha256:{hashlib.sha256(exhibit).hexdigest()}"
        stored = self._ask(client, "analyst", "PUT", f"/api/v1/exhibits/{digest}", content=exhibit)
        if stored is None:
            return
        self.acknowledged.exhibits.add(digest)
        made = self._ask(
            client,
            "analyst",
            "POST",
            "/api/v1/packages",
            json=package(self._site.ministry, title, digest, len(exhibit)),
            headers={"idempotency-key": title.replace(" ", "-")},
        )
        if made is None:
            return
        self.acknowledged.packages[title] = made["id"]
        if every:
            self._release(client, made["id"])

    def _release(self, client: httpx2.Client, package_id: str) -> None:
        path = f"/api/v1/packages/{package_id}/release"
        draft = self._ask(client, "analyst", "POST", path, json=release_to(self._recipient))
        if draft is None:
            return
        path = f"/api/v1/drafts/{draft['id']}"
        seen = {"digest": draft["digest"]}
        self._ask(client, "reviewer", "GET", f"{path}/preview", known=(404, 409))
        sealed = self._ask(client, "reviewer", "POST", f"{path}/approve", json=seen, known=(409,))
        if sealed is not None and "statement" not in sealed:
            # Repeated after an answer was lost: it had been approved.
            sealed = self._ask(client, "reviewer", "GET", path)
        if sealed is not None and "statement" in sealed:
            self.acknowledged.releases.add(sealed["statement"])

    def _ask(
        self,
        client: httpx2.Client,
        who: str,
        method: str,
        path: str,
        known: Sequence[int] = (),
        **how: Any,
    ) -> dict[str, Any] | None:
        """Ask until there is an answer; ``None`` when it is time to stop."""
        headers = {**self._headers[who], **how.pop("headers", {})}
        turn = 0
        while not self._stop.is_set():
            url = self._site.urls[turn % len(self._site.urls)]
            turn += 1
            try:
                answer = client.request(method, f"{url}{path}", headers=headers, **how)
            except httpx2.HTTPError:
                time.sleep(0.05)
                continue
            if answer.is_success or answer.status_code in known:
                found: dict[str, Any] = answer.json()
                return found
            if answer.status_code not in {503, 507}:
                self.surprises.append(f"{method} {path}: {answer.status_code} {answer.text}")
                return None
            time.sleep(0.05)
        return None


def package(ministry: str, title: str, digest: str, size: int) -> dict[str, Any]:
    """What an analyst posts to submit a package with one exhibit."""
    content = body("evidence-package/1", title=title)
    content["exhibits"] = [
        {
            "label": "one",
            "media_type": "text/plain",
            "size": size,
            "digest": digest,
            "kind": "official-record",
            "source": "made for the test",
        }
    ]
    content["claims"] = [{**content["claims"][0], "exhibits": ["one"]}]
    made = Content("evidence-package/1", (), content)
    endorsement = Signatory(f"{ministry}:analyst").prepare(made, ministry)
    return {"type": made.type, "body": content, "endorsement": endorsement}
