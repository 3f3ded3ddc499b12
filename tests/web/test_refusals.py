"""What the officers' door answers to bad input: a stable code, a sentence, and nothing stored."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from typing_extensions import override

from api.adapters.store.folder import FolderStore
from api.domain.errors import Full
from api.ports.store import Stored
from api.records.database import Database
from api.wire.limits import MESSAGE, PAYLOAD
from tests.support.door import ADDRESS, EXHIBIT, MINISTRY, Door, release_to
from tests.support.issuer import FakeIssuer

PACKAGES, DRAFTS = "/api/v1/packages", "/api/v1/drafts"
NOWHERE = f"sha256:{'0' * 64}"


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, after checking its form (RFC 9457) and that it echoes nothing."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"urn:comity:problem:{code}"
    assert problem["title"]
    assert problem["detail"].endswith(".")
    # Whoever answered, the middleware has seen it: its id and its headers are there.
    assert problem["instance"] == f"urn:comity:request:{answer.headers['x-request-id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    return problem


# ---- JSON and bodies -------------------------------------------------------------------------

BYTES: dict[str, tuple[bytes, int, str]] = {
    "malformed": (b'{"type":', 400, "json.malformed"),
    "empty": (b"", 400, "json.malformed"),
    "duplicate member": (b'{"type":"a","type":"b"}', 400, "json.duplicate-member"),
    "deep": (b'{"body":' + b"[" * 40 + b"]" * 40 + b"}", 400, "json.too-deep"),
    "NaN": (b'{"type":NaN}', 400, "json.non-finite"),
    "a huge integer": (b'{"type":9007199254740993}', 400, "json.integer-range"),
    "not UTF-8": (b'{"type":"\xff"}', 400, "json.not-utf8"),
    "byte order mark": (b'\xef\xbb\xbf{"type":"a"}', 400, "json.bom"),
    "lone surrogate": (b'{"type":"\\ud800"}', 400, "json.lone-surrogate"),
    "no object": (b"[]", 422, "body.not-object"),
    "oversize": (b" " * (PAYLOAD + 1), 413, "body.too-large"),
}
DOORS = {
    "packages": ("POST", PACKAGES, "analyst"),
    "drafts": ("POST", DRAFTS, "analyst"),
    "officers": ("POST", "/api/v1/officers", "admin"),
    "keys": ("POST", "/api/v1/keys", "analyst"),
}


@pytest.mark.parametrize("where", DOORS)
@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_acceptable_json(door: Door, name: str, where: str) -> None:
    method, path, who = DOORS[where]
    data, status, code = BYTES[name]
    before = door.contents()
    headers = {"content-type": "application/json"}
    refused(door.ask(who, method, path, content=data, headers=headers), status, code)
    assert door.contents() == before


@pytest.mark.parametrize("where", DOORS)
def test_unlisted_members_and_other_media_types(door: Door, where: str) -> None:
    method, path, who = DOORS[where]
    before = door.contents()
    problem = refused(door.ask(who, method, path, json={"extra": 1}), 422, "body.invalid")
    assert {"pointer": "/extra", "fault": "extra_forbidden"} in problem["errors"]
    headers = {"content-type": "text/html"}
    refused(door.ask(who, method, path, content=b"{}", headers=headers), 415, "media.unsupported")
    assert door.contents() == before


def test_an_oversize_body_is_refused_before_it_is_read(door: Door) -> None:
    """The stated length is enough; nothing of the body was needed."""
    headers = {"content-length": str(MESSAGE + 1), "content-type": "application/json"}
    answer = door.ask(None, "POST", "/peer/messages", content=b"{", headers=headers)
    refused(answer, 413, "body.too-large")


def test_who_imports_no_lists_sends_none(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is asked before any of half a gigabyte is received."""

    async def receive(*_: object) -> int:
        raise AssertionError

    monkeypatch.setattr("api.web.uploading.receive", receive)
    answer = door.ask("auditor", "POST", "/api/v1/lists", content=b"a list")
    assert answer.status_code == 403


LABELS = {
    "parent folder": "../one",
    "absolute": "/etc/passwd",
    "backslash": "a\\b",
    "drive": "C:one",
    "NUL": "one\x00",
    "control": "one\x1b[31m",
    "right-to-left override": "one\u202etxt.exe",
    "isolate": "\u2066one",
    "zero width": "o\u200bne",
    "dots": "..",
    "empty": "",
    "over-long": "x" * 300,
    "line feed": "one\ntwo",
    "not normalised": "e\u0301",
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_names_and_never_paths(door: Door, name: str) -> None:
    made = door.package()["body"]
    made["exhibits"][0]["label"] = LABELS[name]
    made["claims"][0]["exhibits"] = [LABELS[name]]
    before = door.contents()
    answer = door.ask("analyst", "POST", PACKAGES, json=signed(door, made))
    problem = refused(answer, 400, "statement.body")
    assert LABELS[name] == "" or LABELS[name] not in json.dumps(problem, ensure_ascii=False)
    assert door.contents() == before


@pytest.mark.parametrize("text", ["\u202eeltit", "a\x00b", "", "x" * 5000])
def test_titles_carry_no_controls(door: Door, text: str) -> None:
    made = signed(door, {**door.package()["body"], "title": text})
    before = door.contents()
    refused(door.ask("analyst", "POST", PACKAGES, json=made), 400, "statement.body")
    assert door.contents() == before


def signed(door: Door, content: dict[str, Any]) -> dict[str, Any]:
    return door.signed("analyst", "evidence-package/1", content)


def test_a_signature_of_other_content_or_by_others_is_refused(door: Door) -> None:
    made = door.package()
    before = door.contents()
    moved = {**made, "body": {**made["body"], "title": "Another title"}}
    refused(door.ask("analyst", "POST", PACKAGES, json=moved), 400, "endorsement.false")
    foreign = door.signed("analyst2", "evidence-package/1", made["body"])
    refused(door.ask("analyst", "POST", PACKAGES, json=foreign), 403, "key.not-enrolled")
    without = {**made, "endorsement": None}
    refused(door.ask("analyst", "POST", PACKAGES, json=without), 403, "policy.own-key-required")
    assert door.contents() == before


# ---- preconditions, recipients, own work ------------------------------------------------------


def test_changes_say_what_they_are_based_on(door: Door) -> None:
    draft = door.release_draft()
    path = f"{DRAFTS}/{draft['id']}"
    change = {"body": {**draft["body"], "note": "Another note."}}
    before = door.contents()
    refused(door.ask("analyst", "PUT", path, json=change), 428, "precondition.missing")
    answer = door.ask("analyst", "PUT", path, json=change, headers={"if-match": '"0-stale"'})
    refused(answer, 412, "draft.stale")
    assert door.contents() == before
    done = door.ask("analyst", "PUT", path, json=change, headers={"if-match": draft["etag"]})
    assert done.status_code == 200
    again = door.ask("analyst", "PUT", path, json=change, headers={"if-match": draft["etag"]})
    refused(again, 412, "draft.stale")


def test_an_approval_binds_what_was_seen(door: Door) -> None:
    draft = door.release_draft()
    path = f"{DRAFTS}/{draft['id']}"
    change = {"body": {**draft["body"], "note": "Changed since."}}
    door.ask("analyst", "PUT", path, json=change, headers={"if-match": draft["etag"]})
    before = door.contents()
    answer = door.ask("reviewer", "POST", f"{path}/approve", json={"digest": draft["digest"]})
    refused(answer, 409, "draft.stale")
    refused(door.ask("reviewer", "POST", f"{path}/approve", json={}), 422, "approval.form")
    assert door.contents() == before


@pytest.mark.parametrize("recipient", ["fr-meae", MINISTRY, "../uk-fcdo", "", "UK-FCDO"])
def test_recipients_are_other_members(door: Door, recipient: str) -> None:
    package = door.submitted()
    before = door.contents()
    answer = door.ask(
        "analyst", "POST", f"{PACKAGES}/{package}/release", json=release_to(recipient)
    )
    assert answer.status_code in {400, 422}
    code = answer.json()["code"]
    assert code in {"recipient.unknown", "statement.body"}
    refused(answer, answer.status_code, code)
    assert door.contents() == before


def test_a_draft_to_nobody_known_is_refused(door: Door) -> None:
    made = {
        "type": "release/1",
        "to": ["fr-meae"],
        "body": {**release_to("fr-meae"), "package": door.submitted()},
    }
    before = door.contents()
    refused(door.ask("analyst", "POST", DRAFTS, json=made), 422, "recipient.unknown")
    assert door.contents() == before


def test_objects_that_are_not_here_answer_404(door: Door) -> None:
    for path in (
        f"{PACKAGES}/{NOWHERE}",
        f"{PACKAGES}/{NOWHERE}/file",
        f"{PACKAGES}/{NOWHERE}/holders",
        f"{DRAFTS}/{'0' * 32}",
        f"/api/v1/exhibits/{NOWHERE}",
        "/api/v1/nothing",
        f"{PACKAGES}/not-a-digest",
        f"{DRAFTS}/..%2f..%2fetc",
    ):
        answer = door.ask("analyst", "GET", path)
        assert answer.status_code == 404, path
        assert answer.json()["code"].endswith(".unknown"), path


# ---- tokens -----------------------------------------------------------------------------------


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


TOKENS: dict[str, tuple[Callable[[Door], str], str]] = {
    "an ID token": (
        lambda door: door.issuer.id_token(f"{MINISTRY}:analyst", ADDRESS),
        "token.not-access-token",
    ),
    "for another node": (
        lambda door: door.issuer.token(f"{MINISTRY}:analyst", "https://uk-fcdo.example"),
        "token.wrong-audience",
    ),
    "expired": (lambda door: door.token("analyst", exp=1), "token.expired"),
    "not yet valid": (lambda door: door.token("analyst", nbf=2**33), "token.not-yet-valid"),
    "of another issuer": (
        lambda door: FakeIssuer("https://evil.example", door.federation.clock).token(
            f"{MINISTRY}:analyst", ADDRESS
        ),
        "token.unknown-issuer",
    ),
    "under another key": (
        lambda door: door.token(
            "analyst", key=FakeIssuer("https://x.example", door.federation.clock).keys[0]
        ),
        "token.bad-signature",
    ),
    "garbage": (lambda door: "garbage", "token.malformed"),
    "of nobody known": (
        lambda door: door.issuer.token(f"{MINISTRY}:nobody", ADDRESS),
        "officer.unknown",
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_that_prove_nothing(door: Door, name: str) -> None:
    make, code = TOKENS[name]
    before = door.contents()
    for method, path in (("GET", "/api/v1/me"), ("POST", PACKAGES)):
        body = {"json": {"type": "evidence-package/1", "body": {}}} if method == "POST" else {}
        answer = door.ask(None, method, path, headers=bearer(make(door)), **body)
        refused(answer, 401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert door.contents() == before


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "bearer ", "Token x"])
def test_no_bearer_token(door: Door, header: str) -> None:
    headers = {"authorization": header} if header else {}
    refused(door.ask(None, "GET", "/api/v1/me", headers=headers), 401, "token.missing")


def test_an_issuer_that_is_away_is_not_the_officers_fault(door: Door) -> None:
    door.issuer.rotate(keep_old=True)
    door.issuer.reachable = False
    try:
        answer = door.ask("analyst", "GET", "/api/v1/me")
        assert answer.status_code in {401, 503}
    finally:
        door.issuer.reachable = True
    door.federation.clock.sleep(3600)
    assert door.ask("analyst", "GET", "/api/v1/me").status_code == 200


# ---- idempotency and cursors ------------------------------------------------------------------


def test_the_same_call_again_gets_the_same_answer_once(door: Door) -> None:
    made = door.package()
    headers = {"idempotency-key": "first"}
    first = door.ask("analyst", "POST", PACKAGES, json=made, headers=headers)
    before = door.contents()
    again = door.ask("analyst", "POST", PACKAGES, json=made, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "repeated": True}
    assert door.contents() == before
    other = door.ask("analyst", "POST", PACKAGES, json=door.package(), headers=headers)
    before = door.contents()
    refused(other, 422, "idempotency.reused")
    for key in ("", "x" * 201, "a b", "é"):
        answer = door.ask(
            "analyst", "POST", PACKAGES, json=made, headers={"idempotency-key": key.encode()}
        )
        refused(answer, 422, "idempotency.malformed")
    assert door.contents() == before


def test_keys_of_two_officers_do_not_meet(door: Door) -> None:
    headers = {"idempotency-key": "shared"}
    first = door.ask("analyst", "POST", PACKAGES, json=door.package(), headers=headers)
    made = door.signed("analyst2", "evidence-package/1", door.package()["body"])
    second = door.ask("analyst2", "POST", PACKAGES, json=made, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() != second.json()


def test_the_same_call_at_the_same_moment_happens_once(door: Door) -> None:
    made, headers = door.package(), {"idempotency-key": "at-once"}
    answers: list[httpx2.Response] = []
    gate = threading.Barrier(8)

    def call() -> None:
        gate.wait()
        answers.append(door.ask("analyst", "POST", PACKAGES, json=made, headers=headers))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    title = made["body"]["title"]
    assert [row["title"] for row in door.contents()["packages"]].count(title) == 1


def test_cursors_are_bound_to_their_list_and_officer(door: Door) -> None:
    for _ in range(3):
        door.submitted()
    page = door.ask("analyst", "GET", f"{PACKAGES}?limit=1")
    cursor = page.json()["next"]
    assert cursor in page.headers["link"]
    following = door.ask("analyst", "GET", f"{PACKAGES}?limit=1&cursor={cursor}")
    assert following.status_code == 200
    assert following.json()["items"] != page.json()["items"]
    spoiled = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for who, path in (
        ("analyst", f"{PACKAGES}?cursor={spoiled}"),
        ("analyst", f"{PACKAGES}?cursor="),
        ("analyst", f"{PACKAGES}?cursor=e30"),
        ("analyst", f"{PACKAGES}?state=submitted&cursor={cursor}"),
        ("analyst2", f"{PACKAGES}?cursor={cursor}"),
        ("analyst", f"{DRAFTS}?cursor={cursor}"),
    ):
        refused(door.ask(who, "GET", path), 422, "cursor.invalid")
    for query in ("limit=0", "limit=201", "limit=x", "state=UP", f"cursor={'x' * 600}"):
        refused(door.ask("analyst", "GET", f"{PACKAGES}?{query}"), 422, "query.invalid")


# ---- exhibits and a full disk -----------------------------------------------------------------


def test_bytes_that_are_not_what_their_name_says(door: Door) -> None:
    before = door.contents()
    answer = door.ask("analyst", "PUT", f"/api/v1/exhibits/{NOWHERE}", content=b"others")
    refused(answer, 422, "exhibit.digest-mismatch")
    refused(door.ask("analyst", "GET", f"/api/v1/exhibits/{NOWHERE}"), 404, "exhibit.unknown")
    assert door.contents() == before


def test_a_package_states_the_true_size_of_an_exhibit(door: Door) -> None:
    """Its recipients would wait for bytes that cannot come."""
    content = door.package()["body"]
    content["exhibits"][0]["size"] = len(EXHIBIT) - 1
    before = door.contents()
    answer = door.ask("analyst", "POST", PACKAGES, json=signed(door, content))
    refused(answer, 422, "exhibit.size-mismatch")
    assert door.contents() == before


def test_a_size_that_proves_wrong_later_stops_the_release(door: Door) -> None:
    """The exhibit may be stored after its package; then its size is known."""
    late = b"stored after the package\n"
    content = door.package()["body"]
    digest = f"sha256:{hashlib.sha256(late).hexdigest()}"
    content["exhibits"][0] |= {"digest": digest, "size": 5}
    made = door.ask("analyst", "POST", PACKAGES, json=signed(door, content))
    assert made.status_code == 201, made.text
    assert door.ask("analyst", "PUT", f"/api/v1/exhibits/{digest}", content=late).is_success
    before = door.contents()
    path = f"{PACKAGES}/{made.json()['id']}/release"
    answer = door.ask("analyst", "POST", path, json=release_to("uk-fcdo"))
    refused(answer, 422, "exhibit.size-mismatch")
    assert door.contents() == before


def test_ranges_lie_within_the_exhibit(door: Door) -> None:
    digest = door.package()["body"]["exhibits"][0]["digest"]
    path = f"/api/v1/exhibits/{digest}"
    for wanted in (
        "bytes=99999-",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
    ):
        refused(door.ask("analyst", "GET", path, headers={"range": wanted}), 416, "exhibit.range")
    part = door.ask("analyst", "GET", path, headers={"range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, EXHIBIT[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{len(EXHIBIT)}"


class FullDatabase(Database):
    """Has no room for anything more."""

    @override
    def write(self, work: Any) -> Any:
        raise Full("database.full", "The node's disk is full; nothing was stored.")


class FullStore(FolderStore):
    """Has no room for anything more."""

    @override
    def put(self, digest: str, size: int | None, chunks: Iterator[bytes]) -> Stored:
        raise Full("store.full", "The exhibit store is full; nothing was stored.")


def test_a_full_disk_refuses_and_reads_go_on(door: Door) -> None:
    made, draft = door.package(), door.release_draft()
    door.ask("reviewer", "GET", f"{DRAFTS}/{draft['id']}/preview")
    before = door.contents()
    database = FullDatabase(door.node.db.url)
    door.replace_node(db=database)
    try:
        answers = [
            door.ask("analyst", "POST", PACKAGES, json=made),
            door.ask(
                "reviewer",
                "POST",
                f"{DRAFTS}/{draft['id']}/approve",
                json={"digest": draft["digest"]},
            ),
        ]
        for answer in answers:
            refused(answer, 507, "database.full")
            assert int(answer.headers["retry-after"]) > 0
        assert door.ask("analyst", "GET", PACKAGES).status_code == 200
    finally:
        door.restore_node()
        database.close()
    assert door.contents() == before
    assert door.ask("analyst", "POST", PACKAGES, json=made).status_code == 201


def test_a_full_store_leaves_no_row_ahead_of_its_file(door: Door, tmp_path: Any) -> None:
    before = door.contents()
    door.replace_node(store=FullStore(tmp_path / "full"))
    try:
        answer = door.ask("analyst", "PUT", f"/api/v1/exhibits/{NOWHERE}", content=b"x")
        refused(answer, 507, "store.full")
    finally:
        door.restore_node()
    assert door.contents() == before


def test_no_answer_tells_of_the_inside(door: Door) -> None:
    """An error nobody thought of is answered without its text."""

    class Broken(Database):
        @override
        def read(self, work: Any) -> Any:
            raise ValueError("secret text")

    broken = Broken(door.node.db.url)
    door.replace_node(db=broken)
    try:
        answer = door.ask("analyst", "GET", "/api/v1/me")
    finally:
        door.restore_node()
        broken.close()
    problem = refused(answer, 500, "internal")
    assert "secret" not in json.dumps(problem)


def test_methods_and_headers(door: Door) -> None:
    refused(door.ask("analyst", "DELETE", PACKAGES), 405, "method.not-allowed")
    answer = door.ask(None, "GET", "/healthz", headers={"x-request-id": "abcdefgh-1"})
    assert answer.headers["x-request-id"] != "abcdefgh-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


# ---- Addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/api/v1/me", "GET"),
        ("DELETE", "/api/v1/drafts", "GET, POST"),
        ("PATCH", f"/api/v1/exhibits/{NOWHERE}", "GET, HEAD, PUT"),
        ("GET", "/peer/messages", "POST"),
    ],
)
def test_methods_that_an_address_does_not_know(
    door: Door, method: str, path: str, allowed: str
) -> None:
    answer = door.ask("analyst", method, path)
    problem = refused(answer, 405, "method.not-allowed")
    assert answer.headers["allow"] == allowed
    assert allowed in problem["detail"]


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/me/", "//api/v1/me", "/api/v2/me"])
def test_addresses_that_lead_nowhere_are_not_redirected(door: Door, path: str) -> None:
    answer = door.ask("analyst", "GET", f"{ADDRESS}{path}", follow_redirects=False)
    refused(answer, 404, "route.unknown")


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13", "yesterday"])
def test_an_acquisition_is_of_a_day_that_there_is(door: Door, day: str) -> None:
    path = f"{ADDRESS}/api/v1/packages/sha256:{'0' * 64}/acquisitions"
    content = {"exhibit": f"sha256:{'0' * 64}", "source": "S", "collector": "C", "collected": day}
    problem = refused(door.ask("reviewer", "POST", path, json=content), 422, "body.invalid")
    assert "collected" in str(problem["errors"])
