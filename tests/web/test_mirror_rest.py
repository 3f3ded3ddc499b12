"""The exchange over HTTP: pages, tags, refusals, acting in another's place, the members' read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.domain.errors import NotSignedIn
from api.ports.identity import Identity
from api.services.desk import delegating
from api.services.desk.delegating import Proposed
from api.services.log import peer_tokens
from tests.support.bodies import body
from tests.support.contract import judged
from tests.support.exchange import CA, UK, US, designate, find, package, person, request
from tests.support.federation import ISSUER, Federation
from tests.support.looking import seen

NOWHERE = "sha256:" + "0" * 64


@dataclass
class Tokens:
    """Accepts access tokens of the form ``officer:<sub>``."""

    def verify(self, token: str) -> Identity:
        kind, _, sub = token.partition(":")
        if kind != "officer":
            raise NotSignedIn("token.malformed", "not a token of this test")
        return Identity(ISSUER, sub, "client", frozenset(), datetime(2999, 1, 1, tzinfo=UTC))


@dataclass
class Door:
    """One node's application, called as one officer."""

    client: TestClient
    ministry: str

    def __call__(
        self, method: str, path: str, who: str = "analyst", json: Any = None, **headers: str
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        token = f"officer:{self.ministry}:{who}"
        sent = {"authorization": f"Bearer {token}", **sent}
        return self.client.request(method, f"/api/v1{path}", json=json, headers=sent)


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def us(federation: Federation) -> Door:
    app = create_app(federation[US], Tokens(), public_url="https://us.example")
    return Door(judged(TestClient(app)), US)


@pytest.fixture(scope="module")
def uk(federation: Federation) -> Door:
    app = create_app(federation[UK], Tokens(), public_url="https://uk.example")
    return Door(judged(TestClient(app)), UK)


@pytest.fixture(scope="module")
def thread(federation: Federation) -> str:
    """A request from the US to the UK, with one finding."""
    listed = [designate(federation, US, f"Web Person {number}") for number in (1, 2)]
    made = request(
        federation,
        US,
        UK,
        {"s1": listed[0], "s2": listed[1]},
        {"s1": "Web Person 1", "s2": "Web Person 2"},
    )
    federation.settle()
    find(federation, UK, made, "s1", "decline")
    federation.settle()
    return made


def test_a_thread_is_read_with_state_and_both_sequences(uk: Door, us: Door, thread: str) -> None:
    answers = [door("GET", f"/mirror-requests/{thread}", "reviewer") for door in (us, uk)]
    for answer in answers:
        found = answer.json()
        assert answer.status_code == 200
        assert answer.headers["etag"] == f'"{found["state_digest"][7:39]}"'
        assert found["heads"] == {"requester": 1, "addressee": 1}
        assert [one["type"] for one in found["statements"]] == [
            "mirror-request/1",
            "mirror-finding/1",
        ]
        assert found["comparison"] == {"outcome": "equal"}
    assert answers[0].json()["state"] == answers[1].json()["state"]
    said = us("GET", f"/mirror-requests/{thread}/statements").json()["items"]
    assert [one["seq"] for one in said] == [1, 1]
    (row,) = [
        row
        for row in us("GET", "/mirror-requests?phase=open").json()["items"]
        if row["id"] == thread
    ]
    assert [one.get("finding") for one in row["subjects"]] == ["decline", None]


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        (f"/mirror-requests/{NOWHERE}", "analyst", 404, "thread.unknown"),
        ("/mirror-requests/x", "analyst", 404, "route.unknown"),
        ("/mirror-requests?phase=asleep", "analyst", 422, "query.invalid"),
        ("/mirror-requests", "auditor", 403, "policy.no-permit"),
        ("/mirror-requests", "admin", 403, "policy.administrator-evidence"),
        ("/mirror-requests?cursor=abc", "analyst", 422, "cursor.invalid"),
        ("/coverage?base=US&jurisdiction=CA&as_of=2021-13-40", "analyst", 422, "coverage.day"),
        ("/coverage?base=us&jurisdiction=CA", "analyst", 422, "query.invalid"),
        ("/coverage", "analyst", 422, "query.invalid"),
        ("/subjects?q=%20", "analyst", 422, "subject.query"),
        ("/subjects?q=a", "auditor", 403, "policy.no-permit"),
        ("/tasks?scope=yours", "analyst", 422, "query.invalid"),
        (f"/designations/{NOWHERE}", "analyst", 404, "designation.unknown"),
        (f"/proposals/{NOWHERE}", "analyst", 404, "proposal.unknown"),
        ("/peers/nobody/holdings", "analyst", 404, "peer.unknown"),
        ("/peers/uk-fcdo/holdings?at=now", "analyst", 422, "holdings.instant"),
    ],
)
def test_refusals(us: Door, thread: str, path: str, who: str, status: int, code: str) -> None:
    answer = us("GET", path, who)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_pages_continue_and_hold_no_row_twice(us: Door, federation: Federation) -> None:
    for number in range(5):
        designate(federation, US, f"Page {number}", to=(CA,))
    read: list[str] = []
    cursor = ""
    while True:
        answer = us("GET", f"/designations?limit=2&jurisdiction=US{cursor}", "auditor").json()
        read += [row["id"] for row in answer["items"]]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    assert len(read) == len(set(read))
    assert len(read) >= 5
    foreign = us("GET", f"/designations?limit=2{cursor}", "auditor")
    assert foreign.json()["code"] == "cursor.invalid"


def test_tasks_in_pages_by_time(uk: Door, thread: str) -> None:
    found = uk("GET", "/tasks?limit=200").json()["items"]
    paged: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = uk("GET", f"/tasks?limit=1{cursor}").json()
        paged += answer["items"]
        if "next" not in answer:
            break
        cursor = f"&cursor={answer['next']}"
    assert [row["id"] for row in paged] == [row["id"] for row in found]
    assert {row["kind"] for row in found if row["about"]["id"] == thread} == {"find"}
    assert uk("GET", "/tasks", "auditor").json()["items"] == []
    counts = uk("GET", "/tasks/counts").json()
    assert counts["owed"] >= 1
    owed = uk("GET", "/tasks?scope=partners", "analyst")
    assert owed.status_code == 200


def test_drafting_and_saying_over_http(us: Door, uk: Door, thread: str) -> None:
    path = f"/mirror-requests/{thread}/statements"
    made = uk(
        "POST", path, json={"type": "mirror-acknowledgement/1", "body": {"note": "Taken up."}}
    )
    assert (made.status_code, made.json()["state"]) == (201, "sealed")
    assert made.headers["location"] == f"/api/v1/drafts/{made.json()['id']}"
    for content, status, code in (
        ({"type": "mirror-request/1", "body": {}}, 422, "statement.type"),
        ({"type": "release/1", "body": {}}, 422, "body.invalid"),
        ({"type": "mirror-finding/1", "body": {"subject": "s1"}}, 400, "statement.body"),
        ({"type": "mirror-withdrawal/1", "body": {"reason": "Mine?"}}, 409, "thread.not-your-move"),
    ):
        answer = uk("POST", path, json=content)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    clash = us(
        "POST",
        "/mirror-requests",
        json={
            "to": UK,
            "body": body(
                "mirror-request/1",
                subjects=[{**person("Web Person 2"), "key": "s1"}],
                designations={},
                regimes={},
                evidence=[],
            ),
        },
    )
    assert (clash.status_code, clash.json()["code"]) == (409, "thread.open-elsewhere")
    assert clash.json()["clashes"][0]["by"] == "name"


def test_a_repeated_call_makes_one_draft(us: Door, uk: Door, thread: str) -> None:
    content = body("designation/1", jurisdiction="US", regime="US-GLOMAG", mirrors=[])
    made = us("POST", "/designations", json={"to": [UK], "body": content}, idempotency_key="k1")
    again = us("POST", "/designations", json={"to": [UK], "body": content}, idempotency_key="k1")
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    other = {**content, "list_reference": "Another"}
    reused = us("POST", "/designations", json={"to": [UK], "body": other}, idempotency_key="k1")
    assert reused.json()["code"] == "idempotency.reused"
    wrong = us("POST", "/designations", json={"to": [UK], "body": other}, idempotency_key="k 1")
    assert wrong.json()["code"] == "idempotency.malformed"
    with ThreadPoolExecutor(8) as pool:
        met = list(
            pool.map(
                lambda _: us(
                    "POST", "/designations", json={"to": [UK], "body": other}, idempotency_key="k3"
                ).json()["id"],
                range(8),
            )
        )
    assert len(set(met)) == 1
    # What is sealed at once is sealed once.
    said = {"type": "mirror-acknowledgement/1", "body": {"note": "Once."}}
    path = f"/mirror-requests/{thread}/statements"
    twice = [uk("POST", path, json=said, idempotency_key="k2").json() for _ in range(2)]
    assert twice[0]["statement"] == twice[1]["statement"]


def test_suggestions(uk: Door, thread: str) -> None:
    found = uk("GET", f"/mirror-requests/{thread}/suggestions?regime=UK-GHR").json()["items"]
    assert {one["regime"] for one in found} == {"UK-GHR"}
    assert {one["key"] for one in found} == {"s1", "s2"}


def test_a_proposal_needs_its_tag(us: Door, federation: Federation) -> None:
    held = package(federation, US, "Over HTTP")
    ground = body("designation-proposal/1")["grounds"][0]
    content = body(
        "designation-proposal/1",
        regime="US-GLOMAG",
        grounds=[{**ground, "evidence": [{"package": held}]}],
    )
    made = us("POST", "/proposals", json={"body": content})
    assert made.status_code == 201
    path = f"/proposals/{made.json()['id']}"
    assert us("PUT", path, json={"body": content}).status_code == 428
    stale = us("PUT", path, json={"body": content}, if_match='"0-drafted-0"')
    assert (stale.status_code, stale.json()["code"]) == (412, "proposal.stale")
    submitted = us("POST", f"{path}/submit", if_match=made.headers["etag"])
    assert submitted.json()["state"] == "submitted"
    refused = us("POST", f"{path}/endorse", json={"digest": made.json()["digest"]})
    assert refused.status_code == 403
    done = us("POST", f"{path}/endorse", "reviewer", json={"digest": made.json()["digest"]})
    assert done.json()["state"] == "endorsed"
    assert [one["version"] for one in us("GET", path).json()["versions"]] == [1]


def test_acting_in_anothers_place_over_http(us: Door, federation: Federation) -> None:
    node = federation[US]
    reviewer, deputy = federation.officer(US, "reviewer"), federation.officer(US, "analyst2")
    now = node.clock.now()
    ends = now + timedelta(days=1)
    lent = Proposed("", deputy.person, "reviewer", ["draft.return"], now, ends, "Leave.")
    made = delegating.propose(node, reviewer, lent)
    seen(delegating.approve, node, federation.officer(US, "admin"), made.id)
    content = body("designation/1", jurisdiction="US", regime="US-GLOMAG", mirrors=[])
    draft = us("POST", "/designations", json={"to": [UK], "body": content}).json()
    path = f"/drafts/{draft['id']}/return"
    reason = {"reason": "Name the source."}
    assert us("POST", path, "analyst2", json=reason).status_code == 403
    wrong = us("POST", path, "analyst2", json=reason, comity_in_place_of="me")
    assert wrong.json()["code"] == "delegation.officer"
    done = us("POST", path, "analyst2", json=reason, comity_in_place_of=reviewer.person)
    assert (done.status_code, done.json()["state"]) == (200, "returned")
    # Only what was lent: approving was not.
    approve = us(
        "POST",
        f"/drafts/{draft['id']}/approve",
        "analyst2",
        json={"digest": draft["digest"]},
        comity_in_place_of=reviewer.person,
    )
    assert approve.status_code == 403
    listed = us("GET", "/delegations", "analyst2").json()["items"]
    assert [row["id"] for row in listed] == [made.id]
    ended = us("POST", f"/delegations/{made.id}/end", "reviewer")
    assert "ended_at" in ended.json()


def test_recusals_over_http(uk: Door, thread: str) -> None:
    content = {"object": thread, "reason": "A relative."}
    made = uk("POST", "/recusals", "reviewer2", json=content)
    assert made.status_code == 201
    assert uk("GET", f"/mirror-requests/{thread}", "reviewer2").status_code == 404
    assert len(uk("GET", f"/recusals?object={thread}", "auditor").json()["items"]) == 1
    lifting = {"officer": made.json()["officer"], "object": thread}
    assert uk("POST", "/recusals/lift", "reviewer2", json=lifting).status_code == 403
    assert uk("POST", "/recusals/lift", "reviewer", json=lifting).status_code == 200
    assert uk("GET", f"/mirror-requests/{thread}", "reviewer2").status_code == 200


def test_only_members_nodes_compare_threads(us: Door, federation: Federation, thread: str) -> None:
    def read(token: str, query: str = "") -> Any:
        return us.client.get(f"/peer/threads{query}", headers={"authorization": token})

    def minted(ministry: str, to: str = US) -> str:
        token = peer_tokens.mint(federation[ministry], to, "/peer/threads")
        return peer_tokens.authorization(token)

    found = read(minted(UK)).json()["threads"]
    assert thread in {one["thread"] for one in found}
    assert read(minted(CA)).json() == {"threads": []}
    assert read(f"Bearer officer:{US}:analyst").status_code == 401
    assert read(minted(UK, CA)).status_code == 401
    wrong = read(minted(UK), "?after=x")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "threads.cursor")
