"""The small API client: tokens, refusals, pages, a node that is away."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.adapters.identity.tokens import Tokens
from api.cli.client import Api, refusal_of
from api.cli.exits import exit_of
from api.cli.profiles import Profile, ProfileStore
from api.domain.errors import ComityError, NotFound, Refused, Stale, Unavailable
from tests.cli.conftest import US
from tests.support.command_line import CommandLine
from tests.support.running_node import FOREVER, RunningNodes

Handler = Callable[[httpx2.Request], httpx2.Response]


def api(handler: Handler, tokens: Iterator[str] | None = None) -> Api:
    given = tokens or iter(["token"] * 100)
    client = httpx2.Client(transport=httpx2.MockTransport(handler))
    return Api("https://node.example/", lambda _rejected: next(given), client)


def problem(status: int, **members: Any) -> httpx2.Response:
    content = {"type": "t", "title": "T", "status": status, "instance": "i"} | members
    headers = {"content-type": "application/problem+json"}
    return httpx2.Response(status, content=json.dumps(content).encode(), headers=headers)


def test_a_refused_token_is_renewed_once() -> None:
    sent: list[str] = []
    asked: list[str | None] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.headers["authorization"])
        if len(sent) == 1:
            return problem(401, code="token.expired", detail="Old.")
        return httpx2.Response(200, json={"ok": True})

    def tokens(rejected: str | None) -> str:
        asked.append(rejected)
        return f"token-{len(asked)}"

    client = httpx2.Client(transport=httpx2.MockTransport(handler))
    assert Api("https://node.example", tokens, client).get("/me") == {"ok": True}
    assert sent == ["Bearer token-1", "Bearer token-2"]
    assert asked == [None, "token-1"]


def test_a_second_refusal_ends_it() -> None:
    def handler(_request: httpx2.Request) -> httpx2.Response:
        return problem(401, code="token.wrong-audience", detail="Not for us.")

    with pytest.raises(ComityError) as caught:
        api(handler, iter(["one", "two"])).get("/me")
    assert (caught.value.code, exit_of(caught.value)) == ("token.wrong-audience", 4)


def test_an_upload_is_sent_whole_again_after_renewal() -> None:
    bodies: list[bytes] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.read())
        if len(bodies) == 1:
            return problem(401, code="token.expired", detail="Old.")
        return httpx2.Response(201, json={})

    api(handler).send("PATCH", "/uploads/1", body=lambda: iter([b"one", b"two"]))
    assert bodies == [b"onetwo", b"onetwo"]


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (400, "json.malformed", 2),
        (401, "token.missing", 4),
        (403, "policy.own-work", 4),
        (404, "package.unknown", 5),
        (409, "draft.sealed", 6),
        (412, "precondition.failed", 6),
        (413, "body.too-large", 2),
        (422, "statement.body", 2),
        (500, "internal", 1),
        (503, "issuer.unavailable", 7),
        (507, "store.full", 7),
    ],
)
def test_problem_documents_become_refusals(status: int, code: str, ends: int) -> None:
    answer = problem(status, code=code, detail="A sentence.", count=3)
    error = refusal_of(status, answer.headers["content-type"], answer.content)
    assert (error.code, error.message, error.details) == (
        code,
        "A sentence.",
        {"count": 3, "instance": "i"},
    )
    assert exit_of(error) == ends


def test_policies_are_kept_and_staleness_is_told_apart() -> None:
    named = problem(403, code="a.b", detail="D.", policies=["p.q"])
    error = refusal_of(403, named.headers["content-type"], named.content)
    assert isinstance(error, Refused)
    assert error.policies == ("p.q",)
    moved = problem(409, code="draft.stale", detail="D.")
    assert isinstance(refusal_of(409, moved.headers["content-type"], moved.content), Stale)


@pytest.mark.parametrize(
    ("status", "media_type", "content", "kind"),
    [
        (502, "text/html", b"<html>", Unavailable),
        (404, "text/html", b"<html>", NotFound),
        (404, "application/problem+json", b"{", NotFound),
        (403, "application/problem+json", b'{"code": 1}', Refused),
        (302, "", b"", ComityError),
    ],
)
def test_answers_that_are_none_of_ours(
    status: int, media_type: str, content: bytes, kind: type[ComityError]
) -> None:
    error = refusal_of(status, media_type, content)
    assert isinstance(error, kind)
    assert error.code == f"http.{status}"


def test_creating_calls_carry_a_key_of_their_own() -> None:
    keys: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx2.Response(204)

    client = api(handler)
    assert client.post("/drafts", {}) is None
    client.post("/drafts", {})
    client.post("/packages", {}, key="given")
    assert len(set(keys)) == 3
    assert keys[2] == "given"


def test_an_exhibit_that_may_not_be_read_is_refused_with_the_reason() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.method == "HEAD":
            return httpx2.Response(403)
        return problem(403, code="policy.auditor-exhibit", detail="Never.", policies=["p.q"])

    with pytest.raises(Refused) as caught:
        api(handler).holds_exhibit("sha256:x")
    assert caught.value.policies == ("p.q",)


def test_redirects_are_not_followed() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == "node.example"
        return httpx2.Response(302, headers={"location": "https://elsewhere.example/"})

    with pytest.raises(ComityError):
        api(handler).get("/me")


def test_a_node_that_is_away_is_7(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    profile = Profile(url, "https://id.example", "tests", url, tokens=Tokens("token", FOREVER))
    ProfileStore(tmp_path).save("us-analyst", profile)
    result = CommandLine(tmp_path)("package", "list", as_json=True)
    assert (result.code, result.problem["code"]) == (7, "node.unreachable")
    assert url in result.problem["detail"]


def test_who_is_not_signed_in_gets_4(nodes: RunningNodes, tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    assert comity("package", "list", as_json=True).problem["code"] == "profile.none"
    nodes.profile(tmp_path, US, "analyst", tokens=None)
    signed_out = comity("package", "list", as_json=True)
    assert (signed_out.code, signed_out.problem["code"]) == (4, "sign-in.needed")
    nodes.profile(tmp_path, US, "analyst", tokens=Tokens("nonsense", FOREVER))
    refused = comity("package", "list")
    assert refused.code == 4
    assert "comity login" in refused.err


def test_the_only_profile_s_node_is_asked_for_the_law_unless_told_otherwise(
    nodes: RunningNodes, tmp_path: Path
) -> None:
    comity = CommandLine(tmp_path)
    assert "no node was asked" in comity("regimes", "show", "UK-GHR").err
    nodes.profile(tmp_path, US, "analyst")
    assert "no node was asked" not in comity("regimes", "show", "UK-GHR").err
    nodes.profile(tmp_path, US, "analyst", tokens=None)
    assert comity("regimes", "show", "UK-GHR", as_json=True).problem["code"] == "sign-in.needed"
    assert comity("regimes", "show", "UK-GHR", "--shipped").code == 0


def test_an_unknown_profile_is_5_and_a_choice_is_2(nodes: RunningNodes, tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    assert comity("package", "list", profile="nobody").code == 5
    nodes.profile(tmp_path, US, "analyst")
    nodes.profile(tmp_path, US, "reviewer")
    result = comity("package", "list", as_json=True)
    assert (result.code, result.problem["code"]) == (2, "profile.ambiguous")


def test_a_person_without_a_role_is_refused_with_the_policy(
    nodes: RunningNodes, tmp_path: Path
) -> None:
    stranger = nodes[US].issuer.token("stranger", nodes[US].url)
    nodes.profile(tmp_path, US, "analyst", tokens=Tokens(stranger, FOREVER))
    result = CommandLine(tmp_path)("draft", "list", as_json=True)
    assert result.code == 4
