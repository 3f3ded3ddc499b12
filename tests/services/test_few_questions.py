"""How much each use case asks of its database: ratchets, which only go down.

A shared machine blurs times; it does not blur the number of statements and commits. Each bound is
what the use case needs on that database, from the officer's standing to the answer.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.services.desk import evidence
from api.services.node import Node
from api.services.statements import approving, previewing
from api.wire.statements import Content
from tests.support import foreign
from tests.support.asked import Counted, counted
from tests.support.bodies import body
from tests.support.databases import Postgres
from tests.support.exchange import UK, US, designate, draft, person
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

BOUNDS = {
    "publish": (0, 0, 0),
}


@pytest.fixture(params=foreign.EACH_DATABASE)
def any_federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    urls = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres_server")
        urls = {ministry: server.fresh() for ministry in (US, UK)}
    made = Federation(tmp_path, ministries=(US_KEYS, UK_KEYS), urls=urls)
    yield made
    made.close()


def asked(federation: Federation, node: Node, work: Callable[[], object]) -> Counted:
    with counted(node.db) as found:
        work()
    return found


def within(name: str, node: Node, found: Counted) -> None:
    """Compare with the bound, and say what was asked where it is not kept."""
    figures = (len(found.texts), found.reads, found.commits)
    print(
        name,
        node.db.dialect,
        figures,
        *(t.replace("\n", " ")[:60] for t in found.texts),
        sep="\n  ",
    )


def submission(federation: Federation, number: int) -> dict[str, Any]:
    analyst = federation.officer(US, "analyst")
    content = body("evidence-package/1", title=f"Package {number}")
    return {
        "type": "evidence-package/1",
        "body": content,
        "endorsement": federation.endorse(analyst, Content("evidence-package/1", (), content)),
    }


@pytest.mark.parametrize("key", ["", "a-key"])
def test_publishing(any_federation: Federation, key: str) -> None:
    federation, node = any_federation, any_federation[US]
    made = [submission(federation, number) for number in range(2)]

    def publish(number: int) -> None:
        caller = federation.officer(US, "analyst")
        caller = replace(caller, idempotency_key=f"{key}-{number}" if key else "")
        evidence.submit(node, caller, made[number])

    publish(0)
    within(f"publish {key}", node, asked(federation, node, lambda: publish(1)))


def test_approving(any_federation: Federation) -> None:
    federation, node = any_federation, any_federation[UK]
    content = body(
        "designation/1", subject=person("A Person"), jurisdiction="UK", regime="UK-GHR", mirrors=[]
    )
    drafts = [
        draft(federation, UK, "designation/1", (US,), copy.deepcopy(content)) for _ in range(2)
    ]

    def approve(number: int) -> None:
        officer = federation.officer(UK, "reviewer")
        approving.approve_recorded(node, officer, drafts[number].id, drafts[number].digest)

    for one in drafts:
        previewing.preview(node, federation.officer(UK, "reviewer"), one.id)
    approve(0)
    within("approve", node, asked(federation, node, lambda: approve(1)))


def test_accepting_and_applying(any_federation: Federation) -> None:
    federation, node = any_federation, any_federation[US]
    for number in range(2):
        designate(federation, UK, f"Person {number}", to=(US,))
        federation.settle()
    for number in range(8):
        designate(federation, UK, f"Further {number}", to=(US,))
    with counted(node.db) as found:
        federation.settle()
    within("settle", node, found)
