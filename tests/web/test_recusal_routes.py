"""A recused officer sees nothing of the object, on any route; a colleague sees it on each.

The routes are those of the application's own table: a route that is added is asked here too. Each
kind of object is recused from by itself, and whatever shows the object to the colleague must not
show it, by id or by name, to the officer who stands aside.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.records import delegations, packages
from api.services.desk import proposals, recusing
from api.services.desk.recusing import Aside
from tests.support import exchange
from tests.support.bodies import body
from tests.support.campaigns import long
from tests.support.door import Door, open_door
from tests.support.federation import Federation

US, UK = "us-treasury", "uk-fcdo"
SUBJECT, FOUND = "/api/v1/subjects/page", "/api/v1/references/{prefix}"
QUERIES = {
    "/api/v1/coverage": {"base": "US", "jurisdiction": "UK"},
    "/api/v1/subjects": {"q": "Marker"},
    "/api/v1/coverage/programme": {"programme": "UK-MHR", "jurisdiction": "UK"},
}
NO_LIST = {"/api/v1/lists/diff", "/api/v1/audit/export"}
"""What needs two editions of a list, or is an auditor's file: asked in their own tests."""

DESCRIBED = {"package": "#s1", "thread": "#s1", "designation": ""}
"""Kinds that describe subjects, and what follows their id in the name of a description."""

OF_KIND = {
    "package": "package_id",
    "draft": "draft_id",
    "proposal": "proposal_id",
    "thread": "thread_id",
    "designation": "designation_id",
}
SHOWN_ON = {
    "package": {
        "/api/v1/packages",
        "/api/v1/packages/{package_id}",
        "/api/v1/tasks",
        FOUND,
        SUBJECT,
    },
    "draft": {"/api/v1/drafts", "/api/v1/drafts/{draft_id}/preview", "/api/v1/tasks", FOUND},
    "proposal": {"/api/v1/proposals", "/api/v1/proposals/{proposal_id}", "/api/v1/tasks", FOUND},
    "thread": {
        "/api/v1/mirror-requests",
        "/api/v1/mirror-requests/{thread_id}",
        "/api/v1/tasks",
        FOUND,
        SUBJECT,
    },
    "designation": {"/api/v1/designations", "/api/v1/coverage", "/api/v1/subjects", FOUND, SUBJECT},
}
"""Routes on which the colleague must see it, so that the comparison is one of something."""


NAMED = {"package", "proposal", "designation"}
"""Kinds whose name is their own; a draft and a request are called after what they are about."""

REGISTER = "/api/v1/recusals"
"""Who stands aside from what, by bare id, for those who keep that register."""


class World:
    """One of each kind of object, each with a name of its own."""

    def __init__(self, door: Door) -> None:
        self.door = door
        federation = door.federation
        us = federation[US]
        analyst = federation.officer(US, "analyst")
        self.package = exchange.package(federation, UK, "Marker package")
        exchange.release(federation, UK, self.package, US)
        federation.settle()
        own = exchange.package(federation, US, "Marker draft")
        content = {**body("release/1"), "package": own, "recipient": UK}
        self.draft = exchange.draft(federation, US, "release/1", (UK,), content).id
        ground = body("designation-proposal/1")["grounds"][0]
        case = body(
            "designation-proposal/1",
            title="Marker proposal",
            grounds=[{**ground, "evidence": [{"package": exchange.package(federation, US)}]}],
        )
        made = proposals.create(us, analyst, case)
        self.proposal = proposals.submit(us, analyst, made.id, made.tag).id
        self.designation = exchange.designate(federation, US, "Marker designation", to=(UK,))
        asked = exchange.designate(federation, UK, "Marker thread", to=(US,))
        federation.settle()
        self.thread = exchange.request(federation, UK, US, {"s1": asked}, {"s1": "Marker thread"})
        federation.settle()

    def id_of(self, kind: str) -> str:
        return str(getattr(self, kind))

    def routes(self) -> Iterator[APIRoute]:
        for router in ROUTERS:
            for route in router.routes:
                if isinstance(route, APIRoute) and route.path.startswith("/api/v1/"):
                    yield route

    def path_of(self, route: APIRoute, kind: str) -> str | None:
        """The route's address for this object; None where it is about something else."""
        wanted = set(re.findall(r"{(\w+)}", route.path))
        prefix = self.id_of(kind).removeprefix("sha256:")[:12]
        named = {OF_KIND[kind]: self.id_of(kind), "ministry": UK, "prefix": prefix}
        if wanted - named.keys() or (kind not in DESCRIBED and route.path == SUBJECT):
            return None
        return route.path.format(**named)

    def query_of(self, route: APIRoute, kind: str) -> dict[str, str]:
        """What a route must be asked for to show this object."""
        if route.path == SUBJECT:
            return {"ref": f"{kind}:{self.id_of(kind)}{DESCRIBED[kind]}"}
        return QUERIES.get(route.path, {})

    def seen(self, who: str, kind: str) -> tuple[set[str], set[int]]:
        """Routes that show the object to an officer, and the statuses of its own routes."""
        shown, statuses = set(), set()
        for route in self.routes():
            path = self.path_of(route, kind) if "GET" in route.methods else None
            if path is None:
                continue
            answer = self.door.ask(who, "GET", path, params=self.query_of(route, kind))
            # A question that the route does not understand would hide from everybody.
            assert answer.status_code != 422 or route.path in NO_LIST, answer.text
            if OF_KIND[kind] in route.path or route.path == SUBJECT:
                statuses.add(answer.status_code)
            text = answer.text if answer.status_code == 200 else ""
            named = kind in NAMED and f"Marker {kind}" in text
            if (self.id_of(kind) in text or named) and route.path != REGISTER:
                shown.add(route.path)
        return shown, statuses


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_door(tmp_path_factory.mktemp("recusal")) as door:
        yield World(door)


@pytest.mark.parametrize("kind", ["draft", *long(*sorted(set(OF_KIND) - {"draft"}))])
def test_a_recused_officer_sees_it_nowhere_and_a_colleague_everywhere(
    world: World, kind: str
) -> None:
    federation = world.door.federation
    before, _ = world.seen("reviewer", kind)
    counted = world.door.ask("reviewer", "GET", "/api/v1/tasks/counts").json()["owed"]
    officer = federation.officer(US, "reviewer")
    recusing.recuse(federation[US], officer, Aside("", world.id_of(kind), "A relative."))
    colleague, _ = world.seen("reviewer2", kind)
    recused, statuses = world.seen("reviewer", kind)
    assert recused == set()
    assert statuses == {404}
    assert colleague == before >= SHOWN_ON[kind]
    less = world.door.ask("reviewer", "GET", "/api/v1/tasks/counts").json()["owed"]
    assert less < counted if "/api/v1/tasks" in colleague else less == counted


@pytest.mark.parametrize("kind", sorted(OF_KIND))
def test_a_recused_officer_acts_on_it_nowhere(world: World, kind: str) -> None:
    officer = world.door.federation.officer(US, "reviewer")
    node = world.door.federation[US]
    if not any(one.object == world.id_of(kind) for one in _standing(node)):
        recusing.recuse(node, officer, Aside("", world.id_of(kind), "A relative."))
    asked: dict[str, Any] = {"reason": "No.", "digest": "sha256:" + "0" * 64}
    for route in world.routes():
        path = world.path_of(route, kind)
        if path is None or OF_KIND[kind] not in route.path or "GET" in route.methods:
            continue
        (method,) = route.methods
        answer = world.door.ask("reviewer", method, path, json=asked, headers={"if-match": '"x"'})
        # 422: the body was refused before anything of the object was asked.
        assert answer.status_code in {404, 422}, (route.path, answer.text)


def _standing(node: Any) -> list[Any]:
    return list(node.db.read(delegations.recusals))


@pytest.mark.parametrize("by", ["analyst", "reviewer"])
def test_who_is_recused_prepares_nothing_about_it(world: World, by: str) -> None:
    """A release, a proposal or an answer by somebody who stands aside is refused as unknown."""
    federation = world.door.federation
    node, officer = federation[US], federation.officer(US, by)
    own = exchange.package(federation, US, f"Not for {by}")
    recusing.recuse(node, officer, Aside("", own, "A relative."))
    content = {**body("release/1"), "package": own, "recipient": UK}
    drafted = {"type": "release/1", "to": [UK], "body": content}
    answer = world.door.ask(by, "POST", "/api/v1/drafts", json=drafted)
    assert answer.status_code in {403, 404}
    if by == "analyst":
        assert (answer.status_code, answer.json()["code"]) == (404, "package.unknown")
    digest = node.db.read(lambda c: packages.exhibits_of(c, own))[0].digest
    shut = world.door.ask(by, "GET", f"/api/v1/exhibits/{digest}")
    assert (shut.status_code, shut.json()["code"]) == (404, "exhibit.unknown")


LISTED = ("drafts", "packages", "designations")


@pytest.mark.parametrize("name", LISTED)
def test_pages_are_full_until_the_end_though_some_of_it_is_hidden(world: World, name: str) -> None:
    """What is hidden takes no place: a short page would tell that something is there."""
    federation = world.door.federation
    made = [_listed(federation, name, number) for number in range(5)]
    for hidden in made[1:4:2]:
        officer = federation.officer(US, "reviewer2")
        recusing.recuse(federation[US], officer, Aside("", hidden, "A relative."))
    sizes, met, cursor = [], [], ""
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = world.door.ask("reviewer2", "GET", f"/api/v1/{name}", params={"limit": 2, **more})
        found = page.json()
        sizes.append(len(found["items"]))
        met += [one["id"] for one in found["items"]]
        cursor = found.get("next", "")
        if not cursor:
            break
    assert set(met) & set(made) == {made[0], made[2], made[4]}
    assert len(met) == len(set(met))
    assert set(sizes[:-1]) == {2}, sizes


def _listed(federation: Federation, name: str, number: int) -> str:
    """An object of Washington that the list of this name shows."""
    if name == "designations":
        return exchange.designate(federation, US, f"Page {number}", to=(UK,))
    package = exchange.package(federation, US, f"Page {number}")
    if name == "packages":
        return package
    content = {**body("release/1"), "package": package, "recipient": UK}
    return exchange.draft(federation, US, "release/1", (UK,), content).id
