"""Two real nodes from the reference settings, behind nginx with client certificates.

Made with the commands that the runbook "stand up a node" gives, in its order.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign
from tests.support.campaigns import campaign
from tests.support.certificates import Authority, Pair
from tests.support.deployment import DEPLOY, ROOT
from tests.support.ports import free_port
from tests.support.proxies import Proxy, running_proxy

pytestmark = [foreign.needs("nginx"), pytest.mark.processes]

PROGRAM = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]
MINISTRIES = {"us-treasury": "US", "uk-fcdo": "UK"}


def environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def comity(*arguments: str, **extra: str) -> str:
    done = subprocess.run(
        [*PROGRAM, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(**extra),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def reference_settings(home: Path, ministry: str, membership: Path, digest: str) -> Path:
    """The example file with nothing changed but what is this node's own."""
    own = {
        "COMITY_MINISTRY": ministry,
        "COMITY_PUBLIC_URL": f"https://comity.{ministry}.example",
        "COMITY_DATABASE_URL": f"sqlite:///{home / 'comity.db'}",
        "COMITY_STORE": str(home / "exhibits"),
        "COMITY_KEYSTORE": str(home / "keystore.json"),
        "COMITY_MEMBERSHIP": str(membership),
        "COMITY_MEMBERSHIP_DIGEST": digest,
    }
    lines = []
    for line in (DEPLOY / "settings.env.example").read_text().splitlines():
        name = line.split("=", 1)[0]
        lines.append(f"{name}={own[name]}" if name in own else line)
    path = home / "node.env"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def running_node(settings: Path, home: Path) -> Iterator[int]:
    port = free_port()
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PROGRAM, "node", "serve", "--settings", str(settings)],
            stdout=log,
            stderr=log,
            env=environment(
                COMITY_LISTEN_PORT=str(port),
                COMITY_KEYSTORE_PASSPHRASE_FILE=str(home / "keystore-passphrase"),
            ),
        )
    try:
        yield port
    finally:
        process.terminate()
        assert process.wait(40) == 0, (home / "log").read_text()


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Proxy]]:
    root = tmp_path_factory.mktemp("nodes")
    entries = []
    for ministry, jurisdiction in MINISTRIES.items():
        home = root / ministry / "node"
        home.parent.mkdir()
        who = ["--ministry", ministry, "--jurisdiction", jurisdiction]
        url = f"https://comity.{ministry}.example"
        comity("node", "init", "--home", str(home), *who, "--url", url)
        entries += ["--member", str(home / "member.json")]
    membership = root / "membership.json"
    composed = comity("membership", "compose", *entries, "--serial", "1", "--out", str(membership))
    authorities = {name: Authority(root / name / "tls", name) for name in MINISTRIES}
    with ExitStack() as stack:
        found = {}
        for ministry in MINISTRIES:
            home = root / ministry / "node"
            settings = reference_settings(home, ministry, membership, composed.strip())
            port = stack.enter_context(running_node(settings, home))
            (other,) = set(MINISTRIES) - {ministry}
            found[ministry] = stack.enter_context(
                running_proxy(root / ministry, port, authorities[ministry], authorities[other])
            )
        for proxy in found.values():
            wait_until_ready(proxy)
        yield found


def ask(
    proxy: Proxy, path: str, *, client: Pair | None = None, body: bytes | None = None
) -> tuple[int, Any]:
    with closing(proxy.connect(client)) as connection:
        headers = {"Content-Type": "application/json"}
        connection.request("POST" if body else "GET", path, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(content) if is_json else content


def wait_until_ready(proxy: Proxy) -> None:
    for _ in range(300):
        try:
            status, _ = ask(proxy, "/readyz")
        except (OSError, http.client.HTTPException):
            status = 0
        if status == 200:
            return
        time.sleep(0.1)
    pytest.fail("the node did not become ready")


@campaign("tests/deploy/test_proxy.py::test_officers_need_no_certificate")
def test_nodes_answer_as_themselves(proxies: dict[str, Proxy]) -> None:
    for ministry, proxy in proxies.items():
        status, found = ask(proxy, "/.well-known/comity.json")
        assert status == 200
        assert found["ministry"] == ministry
        assert found["endpoints"]["messages"] == f"https://comity.{ministry}.example/peer/messages"


@campaign("tests/deploy/test_proxy.py::test_officers_need_no_certificate")
def test_officers_door_asks_for_a_token_not_for_a_certificate(proxies: dict[str, Proxy]) -> None:
    for proxy in proxies.values():
        status, problem = ask(proxy, "/api/v1/me")
        assert status == 401
        assert problem["code"]


@campaign("tests/deploy/test_proxy.py::test_officers_need_no_certificate")
def test_partners_door_needs_both_locks(proxies: dict[str, Proxy]) -> None:
    """Without certificate the proxy refuses; with it the node still refuses what is not signed."""
    us, uk = proxies["us-treasury"], proxies["uk-fcdo"]
    for mine, other in ((us, uk), (uk, us)):
        status, page = ask(mine, "/peer/messages", body=b"{}")
        assert status == 403
        assert b"nginx" in page
        status, problem = ask(mine, "/peer/messages", client=other.own, body=b"{}")
        assert 400 <= status < 500
        assert problem["code"]
        assert problem["status"] == status
