"""One node's whole HTTP application in the test process, called by officers with real tokens.

    with open_door(tmp_path) as door:
        door.ask("analyst", "GET", "/api/v1/packages")
        door.ask(None, "GET", "/healthz")

Tokens are minted by `FakeIssuer` and verified by the real resource server; services, policies,
database and middleware are the real ones. Requests do not pass a socket.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.app import create_app
from api.services.node import Node
from api.wire.encoding import b64u_encode
from api.wire.endorsements import officer_input, possession_bytes
from api.wire.statements import Content
from tests.support.bad_peer import acts, contents
from tests.support.bodies import body
from tests.support.check_log import read_copy
from tests.support.contract import judged
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.signing import Signatory, raw_signature

MINISTRY = "us-treasury"
ADDRESS = "https://us-treasury.example"
EXHIBIT = b"an exhibit\n" * 20


@dataclass
class Door:
    """A node's application and its officers."""

    federation: Federation
    app: FastAPI
    client: TestClient
    issuer: FakeIssuer

    @property
    def node(self) -> Node:
        return self.federation[MINISTRY]

    def token(self, name: str, **claims: Any) -> str:
        """An access token of an officer such as ``analyst``."""
        return self.issuer.token(f"{MINISTRY}:{name}", ADDRESS, **claims)

    def ask(self, name: str | None, method: str, path: str, **how: Any) -> httpx2.Response:
        """Send a request as an officer, or as nobody."""
        headers = dict(how.pop("headers", {}))
        if name is not None:
            headers["authorization"] = f"Bearer {self.token(name)}"
        found: httpx2.Response = self.client.request(method, path, headers=headers, **how)
        return found

    def replace_node(self, **parts: Any) -> None:
        """Let the application work on the node with other parts (a full store, a full disk)."""
        self.app.state.doors = replace(self.app.state.doors, node=replace(self.node, **parts))

    def restore_node(self) -> None:
        """Undo `replace_node`."""
        self.app.state.doors = replace(self.app.state.doors, node=self.node)

    def contents(self) -> dict[str, list[Any]]:
        """Every row but events."""
        return contents(self.node)

    def acts(self) -> list[tuple[str, str]]:
        """Acts and codes of all events."""
        return acts(self.node)

    def last_event(self) -> dict[str, Any]:
        """The newest event."""
        rows = sorted(read_copy(self.node).rows["events"], key=lambda row: int(row["seq"]))
        event: dict[str, Any] = json.loads(bytes(rows[-1]["body"]))
        return event

    def package(self, **changes: Any) -> dict[str, Any]:
        """What an analyst posts to submit a package with one exhibit that is stored already."""
        digest = f"sha256:{hashlib.sha256(EXHIBIT).hexdigest()}"
        self.ask("analyst", "PUT", f"/api/v1/exhibits/{digest}", content=EXHIBIT)
        content = body("evidence-package/1", title=f"Package {self.federation.random.random()}")
        content["exhibits"] = [
            {
                "label": "one",
                "media_type": "text/plain",
                "size": len(EXHIBIT),
                "digest": digest,
                "kind": "official-record",
                "source": "made for the test",
            }
        ]
        content["claims"] = [{**content["claims"][0], "exhibits": ["one"]}]
        return self.signed("analyst", "evidence-package/1", {**content, **changes})

    def signed(self, name: str, type_: str, content: dict[str, Any]) -> dict[str, Any]:
        """A package draft with its author's signature over exactly this content."""
        signatory = Signatory(f"{MINISTRY}:{name}")
        endorsement = signatory.prepare(Content(type_, (), content), MINISTRY)
        return {"type": type_, "body": content, "endorsement": endorsement}

    def submitted(self, by: str = "analyst") -> str:
        """The id of a package just submitted."""
        made = self.signed(by, "evidence-package/1", self.package()["body"])
        answer = self.ask(by, "POST", "/api/v1/packages", json=made)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def release_draft_of_other(self) -> dict[str, Any]:
        """A draft by ``analyst2``."""
        return self.release_draft("analyst2")

    def release_draft(self, by: str = "analyst", to: str = "uk-fcdo") -> dict[str, Any]:
        """A draft of a release of a fresh package, with its ``etag``."""
        answer = self.ask(
            by, "POST", f"/api/v1/packages/{self.submitted(by)}/release", json=release_to(to)
        )
        assert answer.status_code == 201, answer.text
        return {**answer.json(), "etag": answer.headers["etag"]}


def answered(door: Door, name: str, key: Signatory) -> dict[str, Any]:
    """What an officer posts to ask for a key in form jws: the key's answer to a fresh challenge."""
    asked = door.ask(name, "POST", "/api/v1/keys/challenges", json={"form": "jws"})
    assert asked.status_code == 201, asked.text
    challenge = str(asked.json()["challenge"])
    data = possession_bytes(MINISTRY, ISSUER, f"{MINISTRY}:{name}", challenge)
    signature = b64u_encode(raw_signature(key.private, officer_input(key.jwk, data)))
    return {"form": "jws", "jwk": key.jwk, "challenge": challenge, "signature": signature}


def release_to(recipient: str) -> dict[str, Any]:
    """What an analyst posts to draft a release."""
    return {
        "recipient": recipient,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [recipient],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }


@contextmanager
def open_door(folder: Path) -> Iterator[Door]:
    """The application of one node of a federation of three."""
    federation = Federation(folder)
    issuer = FakeIssuer(ISSUER, federation.clock)
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, federation.clock)
    tokens = ResourceServer(ADDRESS, [keys], federation.clock)
    app = create_app(federation[MINISTRY], tokens, public_url=ADDRESS)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield Door(federation, app, judged(client), issuer)
    federation.close()
