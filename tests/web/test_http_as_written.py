"""HTTP as its specifications say: ranges, preconditions, query parameters, and what may be kept (RFC 9110, 9111)."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.app import ROUTERS
from api.domain.errors import Invalid
from api.web.ranges import span_of
from api.web.routing import add_routes
from tests.support.door import EXHIBIT, Door
from tests.web.test_refusals import refused

SIZE = len(EXHIBIT)
TAG = '"tag"'


@pytest.fixture(scope="module")
def exhibit(door: Door) -> str:
    return f"/api/v1/exhibits/{door.package()['body']['exhibits'][0]['digest']}"


# ---- Ranges ------------------------------------------------------------------------------------

PARTS = {
    "bytes=3-9": (3, 10),
    "Bytes=3-9": (3, 10),
    "bytes=0-0": (0, 1),
    f"bytes=0-{SIZE}": (0, SIZE),
    "bytes=5-": (5, SIZE),
    "bytes=-7": (SIZE - 7, SIZE),
    "bytes=-99999": (0, SIZE),
    f"bytes=0-{'9' * 5000}": (0, SIZE),
    f"bytes=-{'9' * 5000}": (0, SIZE),
    f"bytes={'0' * 5000}3-9": (3, 10),
}


@pytest.mark.parametrize("wanted", PARTS, ids=lambda text: text[:20])
def test_a_range_is_a_part(door: Door, exhibit: str, wanted: str) -> None:
    start, end = PARTS[wanted]
    part = door.ask("analyst", "GET", exhibit, headers={"range": wanted})
    assert (part.status_code, part.content) == (206, EXHIBIT[start:end])
    assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"


@pytest.mark.parametrize(
    "wanted", ["lines=0-1", "seconds=5-", "bytes", "items", "bytes=0-1,3-4", "", "=0-1", "x" * 6000]
)
def test_what_is_no_single_range_of_bytes_is_ignored(door: Door, exhibit: str, wanted: str) -> None:
    whole = door.ask("analyst", "GET", exhibit, headers={"range": wanted})
    assert (whole.status_code, whole.content) == (200, EXHIBIT)
    assert "content-range" not in whole.headers


@pytest.mark.parametrize(
    "wanted",
    [
        f"bytes={SIZE}-",
        f"bytes={'9' * 5000}-",
        "bytes=5-2",
        "bytes=-0",
        "bytes=-",
        "bytes=a-b",
        "bytes=\u0661-\u0662",
        "bytes=1 - 2",
    ],
    ids=lambda text: text[:12],
)
def test_a_range_that_cannot_be_had_names_the_size(door: Door, exhibit: str, wanted: str) -> None:
    answer = door.ask("analyst", "GET", exhibit, headers={"range": wanted.encode()})
    refused(answer, 416, "exhibit.range")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


def test_if_range_decides_whether_the_part_is_of_the_same_bytes(door: Door, exhibit: str) -> None:
    tag = door.ask("analyst", "HEAD", exhibit).headers["etag"]
    fits = {"range": "bytes=0-4", "if-range": tag}
    assert door.ask("analyst", "GET", exhibit, headers=fits).status_code == 206
    for other in ('"another"', f"W/{tag}", "Sat, 28 Nov 2026 12:00:00 GMT", tag.strip('"')):
        whole = door.ask("analyst", "GET", exhibit, headers={**fits, "if-range": other})
        assert (whole.status_code, whole.content) == (200, EXHIBIT), other


@settings(max_examples=300)
@given(st.text("bytes=0123456789-, \u0665", max_size=24), st.integers(0, 50))
def test_no_range_header_does_worse_than_to_be_refused(text: str, size: int) -> None:
    headers = Headers(raw=[(b"range", text.encode())])
    try:
        span = span_of(headers, size, TAG)
    except Invalid:
        assert text.lower().startswith("bytes")
    else:
        assert 0 <= span.start <= span.end <= size
        assert span.partial or (span.start, span.end) == (0, size)


# ---- Preconditions -----------------------------------------------------------------------------


def test_a_decision_may_name_the_digest_that_was_read(door: Door) -> None:
    draft = door.release_draft()
    path = f"/api/v1/drafts/{draft['id']}"
    seen = door.ask("reviewer", "GET", f"{path}/preview").json()["digest"]
    other = {"if-match": f'"sha256:{"0" * 64}"'}
    moved = door.ask("reviewer", "POST", f"{path}/approve", json={"digest": seen}, headers=other)
    refused(moved, 412, "draft.stale")
    named = {"if-match": draft["etag"]}
    done = door.ask("reviewer", "POST", f"{path}/approve", json={"digest": seen}, headers=named)
    assert done.is_success, "an entity tag says nothing of a decision"


def test_a_precondition_that_fails_is_412(door: Door) -> None:
    draft = door.release_draft()
    path = f"/api/v1/drafts/{draft['id']}"
    change = {"body": draft["body"]}
    answer = door.ask("analyst", "PUT", path, json=change, headers={"if-match": '"another"'})
    refused(answer, 412, "draft.stale")
    weak = f"W/{draft['etag']}"
    answer = door.ask("analyst", "PUT", path, json=change, headers={"if-match": weak})
    refused(answer, 412, "precondition.failed")
    for nothing_read in ("*", "", f'{draft["etag"]}, "b"', draft["etag"].strip('"')):
        answer = door.ask("analyst", "PUT", path, json=change, headers={"if-match": nothing_read})
        refused(answer, 428, "precondition.missing")
    # An approval names a digest in its body; that it is no longer the one is no precondition.
    answer = door.ask("reviewer", "POST", f"{path}/approve", json={"digest": f"sha256:{'0' * 64}"})
    refused(answer, 409, "draft.stale")


# ---- Query parameters --------------------------------------------------------------------------


def test_a_parameter_that_is_not_known_is_refused_with_the_nearest(door: Door) -> None:
    answer = door.ask("analyst", "GET", "/api/v1/packages?stat=released")
    problem = refused(answer, 422, "query.unknown")
    assert "the nearest is state." in problem["detail"]
    assert problem["parameters"] == ["cursor", "limit", "state"]
    answer = door.ask("auditor", "GET", "/api/v1/audit/events?aktor=x&limit=1")
    refused(answer, 422, "query.unknown")
    assert "aktor" not in answer.text


def _operations() -> list[tuple[str, str]]:
    app = FastAPI()
    add_routes(app, ROUTERS)
    found = [context.original_route for context in iter_route_contexts(app.routes)]
    return [
        (method, route.path)
        for route in found
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


@pytest.mark.parametrize(("method", "path"), _operations(), ids=lambda part: part)
def test_every_route_refuses_what_it_does_not_know(door: Door, method: str, path: str) -> None:
    """Also those of nobody: a misspelt parameter never looks obeyed."""
    filled = path
    for name, value in {
        "{digest}": f"sha256:{'0' * 64}",
        "{package_id}": f"sha256:{'0' * 64}",
        "{thread_id}": f"sha256:{'0' * 64}",
    }.items():
        filled = filled.replace(name, value)
    answer = door.ask("analyst", method, f"{filled}?no_such_parameter=1")
    if method == "HEAD":
        assert answer.status_code in {404, 422}
        return
    assert answer.json()["code"] in {"query.unknown", "route.unknown"}, answer.text
    if "{" not in filled:
        assert answer.json()["code"] == "query.unknown"


DATES = ("9999-12-31", "9999-12-31T23:59:59.999Z", "0001-01-01", "0001-01-01T00:00:00.000Z")


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("name", ["from", "to"])
def test_the_ends_of_time_are_dates_like_others(door: Door, name: str, date: str) -> None:
    answer = door.ask("auditor", "GET", f"/api/v1/audit/export?purpose=x&{name}={date}")
    assert answer.status_code < 500, answer.text
    if name == "to" and date.startswith("9999-12-31"):
        same = door.ask("auditor", "GET", "/api/v1/audit/export?purpose=x")
        assert answer.status_code == same.status_code


# ---- What may be kept --------------------------------------------------------------------------

PUBLIC = ("/.well-known/comity.json", "/docs")


def test_no_answer_to_an_officer_is_kept_by_anybody(door: Door) -> None:
    package = door.submitted()
    draft = door.release_draft()
    for who, path in {
        "analyst": f"/api/v1/packages/{package}",
        "reviewer": f"/api/v1/packages/{package}/holders",
        "analyst2": f"/api/v1/drafts/{draft['id']}/preview",
        "admin": "/api/v1/role-grants",
        "auditor": "/api/v1/audit/events",
    }.items():
        answer = door.ask(who, "GET", path)
        assert "no-store" in answer.headers["cache-control"], (path, dict(answer.headers))


@pytest.mark.parametrize(
    "path", [path for method, path in _operations() if method == "GET" and path.startswith("/api/")]
)
def test_every_answer_below_api_says_no_store(door: Door, path: str) -> None:
    answer = door.ask("admin", "GET", path.replace("{digest}", f"sha256:{'0' * 64}"))
    assert "no-store" in answer.headers["cache-control"]


# ---- Request ids -------------------------------------------------------------------------------


def test_request_ids_are_ours(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """A caller's id never reaches a signed event; it stands beside ours in the line."""
    caplog.set_level("INFO", "comity.access")
    asked = {"x-request-id": "chosen-by-caller-1"}
    first = door.ask("analyst", "GET", "/api/v1/audit/events", headers=asked)
    event = door.last_event()
    again = door.ask("reviewer", "GET", "/api/v1/audit/events", headers=asked)
    ids = [first.headers["x-request-id"], again.headers["x-request-id"]]
    assert "chosen-by-caller-1" not in ids
    assert ids[0] != ids[1]
    assert event["request"] == ids[0]
    assert "chosen-by-caller-1" not in json.dumps(event)
    lines: list[Any] = [record for record in caplog.records if record.name == "comity.access"]
    assert [line.caller_request for line in lines[-2:]] == ["chosen-by-caller-1"] * 2


@pytest.mark.parametrize("sent", ["a b", "x" * 65, "a\tb", "é", "", '"', "a;b"])
def test_a_callers_id_that_is_no_plain_word_is_dropped(
    door: Door, caplog: pytest.LogCaptureFixture, sent: str
) -> None:
    caplog.set_level("DEBUG", "comity.access")
    door.ask(None, "GET", "/healthz", headers={"x-request-id": sent.encode("latin-1")})
    assert not hasattr(caplog.records[-1], "caller_request")


@pytest.mark.parametrize("position", ["on", "off"])
def test_an_answer_without_content_names_no_media_type(door: Door, position: str) -> None:
    """RFC 9110 §15.3.5: nothing follows, so nothing has a type."""
    answer = door.ask("admin", "POST", "/api/v1/node/stop-switch", json={"position": position})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
