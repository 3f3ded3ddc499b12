"""A node with one of everything: what path parameters can name."""

from typing import Any

from api.services.statements import drafting
from tests.support import exchange
from tests.support.door import MINISTRY, Door


def fill(door: Door) -> dict[str, str]:
    """Make one object of each kind; returns an existing value for each path parameter."""
    federation = door.federation
    package = door.submitted()
    draft = door.release_draft()
    exchange.approve(federation, MINISTRY, _draft(door, draft["id"]))
    listed = exchange.designate(federation, MINISTRY, "Some Body")
    thread = exchange.request(federation, MINISTRY, "uk-fcdo", {"s1": listed})
    federation.settle()
    officers = door.ask("admin", "GET", "/api/v1/officers").json()["items"]
    return {
        "package_id": package,
        "draft_id": str(draft["id"]),
        "thread_id": thread,
        "designation_id": listed,
        "digest": str(door.package()["body"]["exhibits"][0]["digest"]),
        "officer_id": str(officers[0]["id"]),
        "grant_id": str(officers[0]["grants"][0]["id"]),
        "kid": str(officers[0]["keys"][0]["kid"]),
        "ministry": "uk-fcdo",
        "tile": "0/000",
        "origin": "uk-fcdo.example",
        "epoch": "1",
        "seq": "1",
    }


def _draft(door: Door, draft_id: str) -> Any:
    return drafting.read(door.node, door.federation.officer(MINISTRY, "reviewer"), draft_id)
