"""Who may do what at the officers' door: every route walked, and the acts that must not happen.

Each forbidden act is refused as DESIGN §9 says and leaves one event that names the deciding policy.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.domain.events import Act, Subject
from api.records.officers import GRANTS, IDENTITIES, OFFICERS
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.log import peer_tokens
from api.services.recording import Entry
from api.wire.messages import MessageKind
from tests.support import exchange
from tests.support.bad_peer import BadPeer
from tests.support.campaigns import long
from tests.support.door import MINISTRY, Door, open_door, release_to
from tests.support.federation import ISSUER
from tests.support.filled import fill
from tests.support.signing import UK

ROLES = ("analyst", "reviewer", "auditor", "admin")
OPEN = {"public", "signed-message"}
NOWHERE = f"sha256:{'0' * 64}"
VALUES: dict[str, str] = {}
QUERIES = {
    "purpose": "A test.",
    "q": "Test Person",
    "base": "US:2020-07",
    "jurisdiction": "CA",
    "programme": "GLOMAG",
    "ref": "list:us-ofac-sdn:29220",
    "object": NOWHERE,
    "regime": "US-GLOMAG",
    "series": "us-ofac-sdn",
    "id": "1",
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        VALUES.update(fill(opened))
        yield opened


def routes(door: Door) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path template and operation of every documented route."""
    return [
        (method.upper(), path, operation)
        for path, methods in door.app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def address(path: str, operation: dict[str, Any]) -> str:
    """The path with an object in each of its places, and the query it cannot do without."""
    filled = re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], "0" * 32), path)
    needed = [
        f"{one['name']}={QUERIES[one['name']]}"
        for one in operation.get("parameters", [])
        if one["in"] == "query" and one["required"]
    ]
    return f"{filled}?{'&'.join(needed)}" if needed else filled


def test_without_a_token_nobody_gets_past_any_route(door: Door) -> None:
    """Nor does a request with a body that would be refused: who asks comes first."""
    walked = 0
    for method, path, operation in routes(door):
        if operation["x-comity-action"] in OPEN:
            continue
        answer = door.ask(None, method, address(path, operation))
        assert answer.status_code == 401, (method, path, answer.status_code)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        walked += 1
    assert walked > 50


@pytest.mark.parametrize("role", ROLES)
def test_every_get_route_answers_every_role_as_documented(door: Door, role: str) -> None:
    for method, path, operation in routes(door):
        if method != "GET":
            continue
        answer = door.ask(role, method, address(path, operation))
        where = (role, path, answer.status_code)
        assert answer.status_code < 500 or path == "/readyz", (where, answer.text)
        assert str(answer.status_code) in operation["responses"], where
        if answer.status_code >= 400:
            assert answer.json()["code"], where


@pytest.mark.parametrize("role", [ROLES[0], *long(*ROLES[1:])])
def test_a_refusal_names_the_roles_that_may(door: Door, role: str) -> None:
    """No more and no fewer: each officer of another role reads there, or does not, as it says."""
    accounts = {"administrator": "admin", "analyst": "analyst", "auditor": "auditor"}
    accounts["reviewer"] = "reviewer"
    told = 0
    for method, path, operation in routes(door):
        if method != "GET":
            continue
        where = address(path, operation)
        problem = door.ask(role, method, where)
        if problem.status_code != 403 or problem.json()["code"] != "policy.no-permit":
            continue
        named = re.search(r"These roles may: ([a-z, ]+)\.$", problem.json()["detail"])
        assert named is not None, (path, problem.json()["detail"])
        able = {
            name
            for name, account in accounts.items()
            if door.ask(account, method, where).status_code != 403
        }
        assert set(named[1].split(", ")) == able, path
        told += 1
    assert told or role == "administrator"


@pytest.mark.parametrize("role", ROLES)
def test_an_empty_post_changes_nothing_and_never_fails(door: Door, role: str) -> None:
    """Routes without body are left out where the role may rightly do the act."""
    before = door.contents()
    for method, path, operation in routes(door):
        if method in {"GET", "HEAD"} or "requestBody" not in operation:
            continue
        answer = door.ask(role, method, address(path, operation), json={"no": "thing"})
        where = (role, method, path, answer.status_code, answer.text)
        assert 400 <= answer.status_code < 500, where
        assert str(answer.status_code) in operation["responses"], where
    assert door.contents() == before


def test_a_peers_token_opens_the_log_and_no_officers_route(door: Door) -> None:
    def headers(path: str) -> dict[str, str]:
        token = peer_tokens.mint(door.federation["uk-fcdo"], MINISTRY, path)
        return {"authorization": peer_tokens.authorization(token)}

    for method, path, operation in routes(door):
        if path.startswith("/api/") and operation["x-comity-action"] not in OPEN:
            where = address(path, operation)
            answer = door.ask(None, method, where, headers=headers(where))
            assert answer.status_code == 401, (method, path)
    assert (
        door.ask(None, "GET", "/log/checkpoint", headers=headers("/log/checkpoint")).status_code
        == 200
    )


# ---- what must not happen (must-show 5) --------------------------------------------------------


def refused(door: Door, answer: Any, code: str, policy: str, *, status: int = 403) -> None:
    """The refusal names code and policy, and so does the event it left."""
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["code"] == code
    event = door.last_event()
    assert (event["act"], event["outcome"], event["code"]) == ("access.refused", "refused", code)
    assert policy in event["policies"]
    assert event["policy_set"].startswith("sha256:")
    assert event["request"] == answer.headers["x-request-id"]
    if status == 403:
        assert problem["policies"] == event["policies"]


def preview(door: Door, who: str, draft: dict[str, Any]) -> None:
    """Let an officer see what the partner will see; nobody approves without."""
    assert door.ask(who, "GET", f"/api/v1/drafts/{draft['id']}/preview").status_code == 200


def approve(door: Door, who: str, draft: dict[str, Any]) -> Any:
    """Approve by the digest that was seen."""
    place = f"/api/v1/drafts/{draft['id']}/approve"
    return door.ask(who, "POST", place, json={"digest": draft["digest"]})


def test_an_analyst_does_not_release_an_own_package(door: Door) -> None:
    draft = door.release_draft()
    preview(door, "analyst", draft)
    before = door.contents()
    answer = approve(door, "analyst", draft)
    refused(door, answer, "policy.own-work", "guard.own-work")
    other = approve(door, "analyst2", draft)
    assert other.status_code == 403
    assert door.contents() == before
    preview(door, "reviewer", draft)
    assert approve(door, "reviewer", draft).is_success


def second_account(door: Door) -> None:
    """``analyst-alt``: another account of the person behind ``analyst``, tied to a reviewer's role."""
    node = door.node

    def write(unit: Unit) -> None:
        analyst = door.federation.officer(MINISTRY, "analyst").person
        sub = f"{MINISTRY}:analyst-alt"
        unit.insert(IDENTITIES, {"iss": ISSUER, "sub": sub, "officer": analyst})
        unit.insert(
            GRANTS,
            {
                "id": node.entropy.identifier(),
                "officer": analyst,
                "role": "reviewer",
                "state": "active",
                "proposed_by": "test",
                "proposed_at": node.now(),
                "sub": sub,
            },
        )
        entry = Entry(act=Act.GRANT_APPROVED, subject=Subject("grant", "test"))
        recording.record(node, unit, entry)

    rows = door.contents()["officer_identities"]
    if not any(row["sub"] == f"{MINISTRY}:analyst-alt" for row in rows):
        node.db.write(write)


def test_two_accounts_of_one_person_are_two_eyes(door: Door) -> None:
    second_account(door)
    assert door.ask("analyst-alt", "GET", "/api/v1/me").json()["roles"] == ["analyst", "reviewer"]
    assert door.ask("analyst", "GET", "/api/v1/me").json()["roles"] == ["analyst"]
    draft = door.release_draft()
    preview(door, "analyst-alt", draft)
    before = door.contents()
    answer = approve(door, "analyst-alt", draft)
    refused(door, answer, "policy.own-work", "guard.own-work")
    assert door.contents() == before
    # The role itself is real: the same account approves what someone else wrote.
    theirs = door.release_draft_of_other()
    preview(door, "analyst-alt", theirs)
    answer = approve(door, "analyst-alt", theirs)
    assert answer.status_code == 200, answer.text


def test_whoever_wrote_a_version_never_approves(door: Door) -> None:
    """The author set only grows: a reviewer's account of a person who edited stays out."""
    second_account(door)
    draft = door.release_draft_of_other()
    path = f"/api/v1/drafts/{draft['id']}"
    change = {"body": {**draft["body"], "note": "Edited by another."}}
    edited = door.ask("analyst", "PUT", path, json=change, headers={"if-match": draft["etag"]})
    assert edited.status_code == 200, edited.text
    preview(door, "analyst-alt", edited.json())
    answer = approve(door, "analyst-alt", edited.json())
    refused(door, answer, "policy.own-work", "guard.own-work")


def test_a_reviewer_does_not_confirm_an_own_recall(door: Door) -> None:
    draft = door.release_draft()
    preview(door, "reviewer", draft)
    approve(door, "reviewer", draft)
    package = draft["body"]["package"]
    recalled = door.ask(
        "reviewer",
        "POST",
        f"/api/v1/packages/{package}/recall",
        json={"reason": "A wrong date.", "instruction": "stop-use"},
    )
    assert recalled.status_code == 201, recalled.text
    path = f"/api/v1/drafts/{recalled.json()['id']}/confirm"
    refused(door, door.ask("reviewer", "POST", path), "policy.own-work", "guard.own-work")
    assert door.ask("reviewer2", "POST", path).json()["code"] == "draft.not-previewed"
    preview(door, "reviewer2", recalled.json())
    assert door.ask("reviewer2", "POST", path).is_success


def test_an_administrator_grants_no_role_to_themselves(door: Door) -> None:
    own = door.ask("admin", "GET", "/api/v1/me").json()["officer"]
    before = door.contents()
    for role in ("administrator", "reviewer"):
        answer = door.ask(
            "admin", "POST", "/api/v1/role-grants", json={"officer": own, "role": role}
        )
        refused(door, answer, "policy.self-grant", "guard.no-self-grant")
    assert door.contents() == before


def test_a_grant_needs_a_second_administrator_who_is_not_its_subject(door: Door) -> None:
    added = door.ask(
        "admin",
        "POST",
        "/api/v1/officers",
        json={"name": "A new person", "identities": [{"iss": ISSUER, "sub": "new-person"}]},
    ).json()
    answer = door.ask("admin", "POST", f"/api/v1/officers/{added['id']}/approve")
    refused(door, answer, "policy.own-proposal", "guard.own-proposal")
    path = f"/api/v1/officers/{added['id']}"
    blind = door.ask("admin2", "POST", f"{path}/approve")
    assert (blind.status_code, blind.json()["code"]) == (403, "change.not-previewed")
    assert f"comity officer preview {added['id']}" in blind.json()["detail"]
    assert door.ask("admin2", "GET", f"{path}/preview").json()["kind"] == "officer"
    assert door.ask("admin2", "POST", f"{path}/approve").is_success
    grant = door.ask(
        "admin", "POST", "/api/v1/role-grants", json={"officer": added["id"], "role": "auditor"}
    ).json()
    answer = door.ask("admin", "POST", f"/api/v1/role-grants/{grant['id']}/approve")
    refused(door, answer, "policy.own-proposal", "guard.own-proposal")
    path = f"/api/v1/role-grants/{grant['id']}"
    assert door.ask("admin2", "GET", f"{path}/preview").is_success
    assert door.ask("admin2", "POST", f"{path}/approve").is_success
    beside = door.ask(
        "admin", "POST", "/api/v1/role-grants", json={"officer": added["id"], "role": "analyst"}
    )
    refused(door, beside, "policy.separation-of-duties", "guard.grant-separation")


def test_an_administrator_reads_no_evidence(door: Door) -> None:
    package, digest = door.submitted(), VALUES["digest"]
    before = door.contents()
    for method, path, status in (
        ("GET", "/api/v1/packages", 403),
        ("GET", f"/api/v1/packages/{package}", 404),
        ("GET", f"/api/v1/packages/{package}/file", 404),
        ("GET", f"/api/v1/packages/{package}/holders", 404),
        ("GET", f"/api/v1/exhibits/{digest}", 403),
        ("PUT", f"/api/v1/exhibits/{digest}", 403),
        ("GET", "/api/v1/drafts", 403),
        ("GET", f"/api/v1/drafts/{VALUES['draft_id']}", 404),
        ("GET", f"/api/v1/mirror-requests/{VALUES['thread_id']}", 404),
    ):
        answer = door.ask("admin", method, path)
        assert answer.status_code in {403, 404}, (path, answer.text)
        event = door.last_event()
        assert event["act"] == "access.refused", path
        assert answer.status_code == status, path
        if path.endswith("/holders"):
            # Who holds what is for the desk and for auditors: no policy permits it.
            assert event["code"] == "policy.no-permit"
            continue
        assert event["code"] == "policy.administrator-evidence", path
        assert "guard.administrator-sees-no-evidence" in event["policies"], path
    assert door.contents() == before


def test_what_is_hidden_answers_as_what_is_absent(door: Door) -> None:
    package = door.submitted()
    hidden = door.ask("admin", "GET", f"/api/v1/packages/{package}").json()
    absent = door.ask("admin", "GET", f"/api/v1/packages/{NOWHERE}").json()
    for name in ("code", "detail", "status", "title", "type"):
        assert hidden[name] == absent[name]


def test_an_auditor_reads_no_exhibit_and_changes_nothing(door: Door) -> None:
    digest, before = VALUES["digest"], door.contents()
    answer = door.ask("auditor", "GET", f"/api/v1/exhibits/{digest}")
    refused(door, answer, "policy.auditor-exhibit", "guard.auditor-reads-no-exhibit")
    answer = door.ask("auditor", "POST", "/api/v1/node/stop-switch", json={"position": "on"})
    refused(door, answer, "policy.auditor-changes-nothing", "guard.auditor-changes-nothing")
    made = door.signed("auditor", "evidence-package/1", door.package()["body"])
    answer = door.ask("auditor", "POST", "/api/v1/packages", json=made)
    assert answer.status_code == 403
    assert door.contents() == before
    assert door.ask("auditor", "GET", "/api/v1/audit/events").status_code == 200


@pytest.mark.parametrize("role", ["analyst", "reviewer", "admin"])
def test_only_auditors_read_the_log_of_events(door: Door, role: str) -> None:
    answer = door.ask(role, "GET", "/api/v1/audit/events")
    assert answer.status_code == 403
    assert door.last_event()["act"] == "access.refused"


def test_a_partner_fetches_only_what_was_released_to_it(door: Door) -> None:
    package, digest = door.submitted(), VALUES["digest"]
    fresh = {"package": package, "digest": digest, "offset": 0, "length": 4}
    own = exchange.package(door.federation, MINISTRY, "Nobody else's")
    rows = door.contents()["package_exhibits"]
    secret = next(row["digest"] for row in rows if row["package"] == own)
    before = door.contents()
    bad = BadPeer(UK, MINISTRY)
    asked = bad.ask(MessageKind.EXHIBIT_RANGE, {**fresh, "package": own, "digest": secret})
    headers = {"content-type": "application/json"}
    answer = door.ask(None, "POST", "/peer/messages", content=asked, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "exhibit.unknown")
    event = door.last_event()
    assert (event["act"], event["code"]) == ("access.refused", "policy.not-released")
    assert event["actor"] == {"kind": "peer", "sub": "uk-fcdo"}
    assert "guard.not-released" in event["policies"]
    assert door.contents() == before


def test_a_suspended_officer_does_nothing_more(door: Door) -> None:
    sub = f"{MINISTRY}:leaver"
    node = door.node

    def write(unit: Unit) -> None:
        officer = node.entropy.identifier()
        unit.insert(
            OFFICERS,
            {"id": officer, "name": "A leaver", "state": "active", "created_at": node.now()},
        )
        unit.insert(IDENTITIES, {"iss": ISSUER, "sub": sub, "officer": officer})
        entry = Entry(act=Act.OFFICER_PROPOSED, subject=Subject("officer", officer))
        recording.record(node, unit, entry)

    node.db.write(write)
    own = door.ask("leaver", "GET", "/api/v1/me")
    assert own.status_code == 200
    officer = own.json()["officer"]
    assert door.ask("admin", "POST", f"/api/v1/officers/{officer}/suspend").is_success
    answer = door.ask("leaver", "GET", "/api/v1/me")
    refused(door, answer, "policy.inactive-officer", "guard.inactive-officer")


def test_a_release_to_a_ministry_outside_the_marking_is_refused(door: Door) -> None:
    package = door.submitted()
    before = door.contents()
    body = release_to("uk-fcdo")
    body["marking"]["releasable_to"] = ["ca-gac"]
    answer = door.ask("analyst", "POST", f"/api/v1/packages/{package}/release", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"].startswith("marking.")
    assert door.contents() == before
