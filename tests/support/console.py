"""A node's console in the test process, with officers signed in by a relying party that a test holds.

with open_console(tmp_path) as console:
    page = console.browser("reviewer").get("/en/")

The relying party implements the port; the real one is judged in `tests/console/test_sign_in.py`.
Requests do not pass a socket.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.app import create_app
from api.domain.errors import Invalid, NotSignedIn, Unavailable
from api.ports.identity import LoggedOut, SignedIn, SignInRequest
from api.services.desk import evidence, grants, package_papers, proposals, relying_parties
from api.services.node import Node
from api.web.console.pages import PAGES
from tests.support import exchange
from tests.support.bodies import body
from tests.support.console_run import administered, published, sampled
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


class HeldRelyingParty:
    """A sign-in service whose answers a test chooses.

    Attributes:
        who: account that the next answer proves.
        away: the service does not answer.
        begun: every request that was sent there.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self.who = ""
        self.sid: str | None = None
        self.locale = ""
        self.away = False
        self.auth_time: datetime | None = None
        self.begun: list[dict[str, Any]] = []

    @property
    def issuer(self) -> str:
        return ISSUER

    def begin(self, redirect_uri: str, locale: str, *, fresh: bool) -> SignInRequest:
        if self.away:
            raise Unavailable("issuer.unavailable", "The sign-in service is away.")
        number = len(self.begun)
        self.begun.append({"redirect_uri": redirect_uri, "locale": locale, "fresh": fresh})
        url = f"{ISSUER}/authorize?state=state-{number}"
        return SignInRequest(url, f"state-{number}", f"nonce-{number}", f"verifier-{number}")

    def finish(self, request: SignInRequest, redirect_uri: str, answer: str) -> SignedIn:
        if "error" in parse_qs(answer):
            raise NotSignedIn("sign-in.refused", "The sign-in service refused.")
        at = self.auth_time or self._federation.clock.now()
        return SignedIn(ISSUER, self.who, at, self.sid, self.locale)

    def sign_out_url(self, return_to: str, locale: str) -> str | None:
        return f"{ISSUER}/sign-out?to={return_to}"

    def logged_out(self, token: str) -> LoggedOut:
        if not token.startswith("good:"):
            raise Invalid("logout.token", "The logout token is refused.")
        return LoggedOut(ISSUER, token.removeprefix("good:"), None)


@dataclass
class Browser:
    """One browser: its cookies and what it shows."""

    client: TestClient
    address: str

    def get(self, path: str, **how: Any) -> httpx2.Response:
        return self.client.get(path, follow_redirects=False, **how)

    def post(self, path: str, data: dict[str, Any], **how: Any) -> httpx2.Response:
        return self.client.post(path, data=data, follow_redirects=False, **how)

    def submit(self, path: str, action: str | None = None, **fields: Any) -> httpx2.Response:
        """Open a page, fill in its form and send it."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code, page.text[:3000])
        target = action or path
        found = re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page.text, re.DOTALL)
        inner = next(body for where, body in found if where.split("?")[0] == target.split("?")[0])
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inner))
        return self.post(target, {**hidden, **fields})


@dataclass
class HeldConsole:
    """A node's application with its console."""

    federation: Federation
    ministry: str
    app: FastAPI
    party: HeldRelyingParty
    address: str
    browsers: list[TestClient] = field(default_factory=list)

    @property
    def node(self) -> Node:
        return self.federation[self.ministry]

    def stranger(self) -> Browser:
        """A browser in which nobody is signed in."""
        client = TestClient(self.app, base_url=self.address, raise_server_exceptions=False)
        self.browsers.append(client)
        return Browser(client, self.address)

    def sign_in(self, browser: Browser, name: str, to: str = "/en/") -> httpx2.Response:
        """Sign an officer in; returns the last answer of the way."""
        self.party.who = f"{self.ministry}:{name}"
        sent = browser.get("/console/sign-in", params={"to": to})
        state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
        return browser.get(f"/console/sign-in/done?state={state}&code=c")

    def browser(self, name: str) -> Browser:
        """A browser in which an officer such as ``reviewer`` is signed in."""
        found = self.stranger()
        answer = self.sign_in(found, name)
        assert answer.status_code == 303, answer.text
        return found


def console_on(federation: Federation, ministry: str = US, address: str = "") -> HeldConsole:
    """The console of one node of a federation."""
    address = address or f"https://{ministry}.example"
    issuer = FakeIssuer(ISSUER, federation.clock)
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, federation.clock)
    tokens = ResourceServer(address, [keys], federation.clock)
    party = HeldRelyingParty(federation)
    app = create_app(federation[ministry], tokens, public_url=address, relying_party=party)
    return HeldConsole(federation, ministry, app, party, address)


@contextmanager
def open_console(folder: Path, ministry: str = US) -> Iterator[HeldConsole]:
    """The console of one node of a fresh federation of three."""
    federation = Federation(folder)
    console = console_on(federation, ministry)
    yield console
    for client in console.browsers:
        client.close()
    federation.close()


def replace_node(console: HeldConsole, **parts: Any) -> None:
    """Let the application work on the node with other parts."""
    doors = console.app.state.doors
    console.app.state.doors = replace(doors, node=replace(console.node, **parts))


@dataclass(frozen=True)
class Matter:
    """One exchange that touches every page: what is in it, by name.

    Attributes:
        paths: address of a page (without language) by the name of its ``Page``.
    """

    package: str
    draft: str
    thread: str
    listed: str
    paths: dict[str, str]


def exchange_of(federation: Federation, ministry: str = US) -> Matter:
    """Play one exchange between the US and the UK; returns addresses of its pages at one of them."""
    package = exchange.package(federation, US, title="Detention in Xinjiang")
    exchange.release(federation, US, package, UK)
    listed = exchange.designate(federation, US, "ZHU Hailun")
    federation.settle()
    thread = exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    exchange.say(federation, UK, thread, "question", question="q1", text="Which unit?")
    onward = {"package": package, "recipient": CA, "purpose": "Its own listing."}
    request = exchange.issue(federation, UK, "onward-request/1", (US,), onward)
    same = {
        "one": {"kind": "designation", "statement": listed},
        "other": {"kind": "thread", "statement": thread, "key": "s1"},
        "outcome": "same",
        "reason": "We asked about him.",
    }
    verdict = exchange.issue(federation, US, "identity-verdict/1", (UK, CA), same)
    federation.settle()
    analyst = federation.officer(ministry, "analyst")
    if ministry == US:
        waiting = exchange.draft(
            federation,
            US,
            "mirror-answer/1",
            (UK,),
            {"question": "q1", "text": "The bureau."},
            thread,
        )
    else:
        waiting = exchange.draft(
            federation,
            UK,
            "mirror-finding/1",
            (US,),
            {
                "subject": "s1",
                "finding": "decline",
                "reasons": {"releasable": "Not enough."},
                "relies_on": [],
            },
            thread,
        )
    draft = waiting.id
    ground = body("designation-proposal/1")["grounds"][0]
    case = {**ground, "evidence": [{**ground["evidence"][0], "package": package}]}
    content = body("designation-proposal/1", grounds=[case], title="Listing ZHU Hailun")
    proposal = proposals.create(federation[ministry], analyst, content)
    proposals.submit(
        federation[ministry],
        analyst,
        proposal.id,
        proposal.tag,
    )
    grant = grants.propose_grant(
        federation[ministry],
        federation.officer(ministry, "admin2"),
        federation.officer(ministry, "reviewer2").person,
        "analyst",
    )
    federation.settle()
    party = relying_parties.propose(
        federation[ministry],
        federation.officer(ministry, "admin2"),
        f"{ministry}.example",
        [f"https://{ministry}.example"],
    )
    paper = package_papers.start(federation[ministry], analyst, _begun())
    parts = {
        "proposal": proposal.id,
        "paper": paper.id,
        "section": "subjects",
        "number": "1",
        "release": _release(federation, ministry, package),
        "party": party.id,
        "leaf": "3",
        "kind": "grants",
        "id": grant.id,
        "package": package[7:],
        "draft": draft,
        "thread": thread[7:],
        "request": request[7:],
        "verdict": verdict[7:],
        "designation": listed[7:],
        "digest": _exhibit(federation, analyst, package),
        "ministry": UK if ministry == US else US,
        **published(federation, ministry),
        "sample": sampled(federation, ministry),
        **administered(federation, ministry, listed),
    }
    return Matter(package, draft, thread, listed, _paths(parts))


def _release(federation: Federation, ministry: str, package: str) -> str:
    view = evidence.read(federation[ministry], federation.officer(ministry, "analyst"), package)
    return view.releases[0].id[7:]


def _begun() -> dict[str, Any]:
    """A package in preparation, with everything but its claims."""
    return {**body("evidence-package/1", title="Detention in Xinjiang"), "claims": []}


def _exhibit(federation: Federation, analyst: Any, package: str) -> str:
    node = federation[analyst.principal.ministry]
    return str(evidence.read(node, analyst, package).body["exhibits"][0]["digest"])[7:]


def _paths(parts: dict[str, str]) -> dict[str, str]:
    found = {}
    for page in PAGES:
        try:
            found[page.name] = page.path.format(**parts)
        except KeyError:
            continue
    found["news"] += "?since=2026-11-23T12:00:00.000Z"
    found["list_entry"] += "?" + urlencode({"id": parts["entry"]})
    ref = f"list:{parts['series']}:{parts['entry']}"
    found["subject"] += "?" + urlencode({"ref": ref})
    pair = {"one": ref, "other": f"designation:sha256:{parts['designation']}"}
    found["verdict_tell"] += "?" + urlencode(pair)
    found["watch_new"] += "?" + urlencode({"ref": ref})
    return found
