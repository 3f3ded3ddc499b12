"""Real nodes behind real HTTP on loopback, in the test process.

    with running_nodes(tmp_path, "us-treasury", "uk-fcdo") as nodes:
        us = nodes["us-treasury"]
        httpx2.get(f"{us.url}/healthz")
        us.client("analyst").get("/api/v1/packages")      # signed in as an officer
        nodes.settle()                                    # deliver, process, dispose
        name = nodes.profile(home, "us-treasury", "analyst")   # for the command line

Services, database, policies, signatures, tokens and the HTTP doors are the real ones. Access tokens come
from a `FakeIssuer`; messages between the nodes travel in process when `settle` is called, so tests decide
when. Officers are those of `Federation`: analyst, analyst2, reviewer, reviewer2, auditor, admin, admin2.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from api.adapters.crypto import private_keys, sealed_file
from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.adapters.identity.tokens import Tokens
from api.app import create_app
from api.cli.profiles import Profile, ProfileStore
from api.services.node import Node
from api.wire.canonical import canonical
from api.wire.encoding import b64u_encode
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.sign_in import serving
from tests.support.signing import CA, UK, US, SealingMinistry, Signatory

FOREVER = datetime(2999, 1, 1, tzinfo=UTC)
MINISTRIES = {ministry.id: ministry for ministry in (US, UK, CA)}


@dataclass
class RunningNode:
    """One node and where it answers."""

    node: Node
    url: str
    app: FastAPI
    issuer: FakeIssuer

    def token(self, name: str, **overrides: Any) -> str:
        """An access token of an officer such as ``analyst``; ``overrides`` as in `FakeIssuer.token`."""
        return self.issuer.token(f"{self.node.ministry}:{name}", self.url, **overrides)

    def client(self, name: str | None = None) -> httpx2.Client:
        """A client of this node, signed in as an officer or not at all; close it."""
        headers = {} if name is None else {"authorization": f"Bearer {self.token(name)}"}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)


@dataclass
class RunningNodes:
    """The running nodes of one federation."""

    federation: Federation
    issuer: FakeIssuer
    nodes: dict[str, RunningNode] = field(default_factory=dict)

    def __getitem__(self, ministry: str) -> RunningNode:
        return self.nodes[ministry]

    def settle(self) -> None:
        """Let every job of every node run until nothing moves."""
        self.federation.settle()

    def profile(
        self, home: Path, ministry: str, name: str, *, key: bool = False, **changes: Any
    ) -> str:
        """Save a signed-in profile for the command line and return its name, as the demo names it.

        ``key`` gives it the officer's enrolled signing key, unencrypted; ``changes`` replace members of the
        profile.
        """
        running = self.nodes[ministry]
        profile = f"{ministry.partition('-')[0]}-{name}"
        members: dict[str, Any] = {
            "node": running.url,
            "issuer": ISSUER,
            "client_id": "tests",
            "audience": running.url,
            "tokens": Tokens(running.token(name), FOREVER),
        }
        if key:
            signatory = self.federation.signatory(ministry, name)
            members["key_file"] = str(write_key(home / "keys" / f"{profile}.json", signatory))
        ProfileStore(home).save(profile, Profile(**members | changes))
        return profile


@contextmanager
def running_nodes(
    folder: Path, *ministries: str, federation: Federation | None = None
) -> Iterator[RunningNodes]:
    """Serve nodes on loopback until the block ends.

    Args:
        folder: an empty folder for their databases and stores.
        ministries: of `MINISTRIES`; all three if none is named.
        federation: nodes to serve instead of new ones; the caller closes it.
    """
    chosen: tuple[SealingMinistry, ...] = tuple(MINISTRIES[name] for name in ministries)
    made = federation or Federation(folder, ministries=chosen or tuple(MINISTRIES.values()))
    issuer = FakeIssuer(ISSUER, made.clock)
    running = RunningNodes(made, issuer)
    with ExitStack() as stack:
        if federation is None:
            stack.callback(made.close)
        for node in made:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            keys = IssuerKeys(issuer.trusted(), issuer.fetch, made.clock)
            app = create_app(node, ResourceServer(url, [keys], made.clock), public_url=url)
            stack.enter_context(serving(app, listener))
            running.nodes[node.ministry] = RunningNode(node, url, app, issuer)
        yield running


def write_key(path: Path, signatory: Signatory) -> Path:
    """Write an officer's key as the file that `OfficerKey.open` reads, without passphrase."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        pkcs8 = b64u_encode(private_keys.to_pkcs8(signatory.private))
        sealed_file.write_private(path, canonical({"officer_key": pkcs8}), replace=False)
    return path
