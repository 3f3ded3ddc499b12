"""Each kind of object with an id is found by its first digits, by those who may know of it only.

The kinds are walked, and so are addresses and commands: a kind without a maker here, a part of an
address without a kind or a reason, an argument that takes an id and completes none, fails.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from api.cli import manual
from api.cli.main import app as commands
from api.records import packages
from api.records import references as records
from api.services.desk import (
    diary,
    grants,
    lists,
    officers,
    proposals,
    recusing,
    references,
    regime_editions,
    relying_parties,
    tasks,
    watching,
)
from api.services.desk.diary import NewEntry
from api.services.desk.lists import ImportTerms
from api.services.desk.officers import NewOfficer
from api.services.desk.recusing import Aside
from api.services.desk.tasks import Scope
from api.web.docs_page import STATIC
from api.wire.canonical import canonical
from tests.support import console_run, exchange
from tests.support.bodies import body
from tests.support.exchange import CA, UK, US
from tests.support.federation import ISSUER, Federation
from tests.support.list_files import OFAC_2024

Make = Callable[[Federation, Mapping[str, str]], str]


HOME = UK


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={HOME: database_url})
    yield made
    made.close()


def package(federation: Federation, _made: Mapping[str, str]) -> str:
    return exchange.package(federation, HOME, "Of every kind")


def release(federation: Federation, made: Mapping[str, str]) -> str:
    id_ = exchange.release(federation, HOME, made["package"], US)
    federation.settle()
    return id_


def onward_request(federation: Federation, made: Mapping[str, str]) -> str:
    asked = {"package": made["package"], "recipient": CA, "purpose": "Their own case."}
    content = body("onward-request/1", **asked)
    id_ = exchange.issue(federation, US, "onward-request/1", (HOME,), content)
    federation.settle()
    return id_


def task(federation: Federation, made: Mapping[str, str]) -> str:
    analyst = federation.officer(HOME, "analyst")
    page = tasks.tasks_page(federation[HOME], analyst, Scope.MINE, limit=100)
    return next(one.id for one in page if one.about.id == made["package"])


def onward_consent(federation: Federation, made: Mapping[str, str]) -> str:
    given = {"package": made["package"], "recipient": CA, "request": made["onward-request"]}
    content = body("onward-consent/1", **given)
    return exchange.issue(federation, HOME, "onward-consent/1", (US,), content)


def exhibit(federation: Federation, made: Mapping[str, str]) -> str:
    listed = federation[HOME].db.read(lambda c: packages.exhibits_of(c, made["package"]))
    return listed[0].digest


def draft(federation: Federation, made: Mapping[str, str]) -> str:
    content = {**body("release/1"), "package": made["package"], "recipient": CA}
    return exchange.draft(federation, HOME, "release/1", (CA,), content).id


def designation(federation: Federation, _made: Mapping[str, str]) -> str:
    return exchange.designate(federation, HOME, "Every Kind", to=(US,))


def diary_entry(federation: Federation, made: Mapping[str, str]) -> str:
    new = NewEntry("urgent-designated", dt.date(2020, 8, 1), "By post.")
    caller = federation.officer(HOME, "analyst")
    return diary.record_event(federation[HOME], caller, made["designation"], new).id


def thread(federation: Federation, made: Mapping[str, str]) -> str:
    return exchange.request(federation, HOME, US, {"s1": made["designation"]})


def proposal(federation: Federation, made: Mapping[str, str]) -> str:
    ground = body("designation-proposal/1")["grounds"][0]
    rests = {**ground, "evidence": [{"package": made["package"]}]}
    content = body("designation-proposal/1", grounds=[rests])
    return proposals.create(federation[HOME], federation.officer(HOME, "analyst"), content).id


def verdict(federation: Federation, made: Mapping[str, str]) -> str:
    one, other = (
        {"kind": "designation", "statement": id_}
        for id_ in (made["designation"], exchange.designate(federation, HOME, "Another", to=(US,)))
    )
    content = {"one": one, "other": other, "outcome": "not-same", "reason": "Compared the two."}
    return exchange.issue(federation, HOME, "identity-verdict/1", (US,), content)


def edition(federation: Federation, _made: Mapping[str, str]) -> str:
    caller = federation.officer(HOME, "analyst")
    terms = ImportTerms(OFAC_2024.name, floor=0)
    return lists.import_list(federation[HOME], caller, OFAC_2024, terms).edition.id


def watch(federation: Federation, made: Mapping[str, str]) -> str:
    caller = federation.officer(HOME, "analyst")
    ref = f"designation:{made['designation']}"
    return watching.watch(federation[HOME], caller, ref, "Whom we may follow.").id


def officer(federation: Federation, _made: Mapping[str, str]) -> str:
    new = NewOfficer("Of Every Kind", [(ISSUER, "every-kind")])
    return officers.propose_officer(federation[HOME], federation.officer(HOME, "admin"), new).id


def grant(federation: Federation, made: Mapping[str, str]) -> str:
    admin = federation.officer(HOME, "admin")
    return grants.propose_grant(federation[HOME], admin, made["officer"], "analyst").id


def key(federation: Federation, _made: Mapping[str, str]) -> str:
    return next(iter(federation.officer(HOME, "analyst").principal.key_kids))


def relying_party(federation: Federation, _made: Mapping[str, str]) -> str:
    admin = federation.officer(HOME, "admin")
    origins = ["https://comity.example"]
    return relying_parties.propose(federation[HOME], admin, "comity.example", origins).id


def regime_edition(federation: Federation, _made: Mapping[str, str]) -> str:
    node, admin = federation[HOME], federation.officer(HOME, "admin")
    later = {**node.regime_documents["UK-GHR"], "edition": "2999-01-01"}
    return regime_editions.propose(node, admin, canonical(later)).id


ANALYST, ADMIN, AUDITOR = "analyst", "admin", "auditor"
MAKERS: Final[dict[str, tuple[Make, str, str]]] = {
    "package": (package, ANALYST, ADMIN),
    "release": (release, ANALYST, ADMIN),
    "onward-request": (onward_request, ANALYST, ADMIN),
    "task": (task, ANALYST, ADMIN),
    "onward-consent": (onward_consent, ANALYST, ADMIN),
    "exhibit": (exhibit, ANALYST, ADMIN),
    "draft": (draft, ANALYST, ADMIN),
    "designation": (designation, ANALYST, ADMIN),
    "diary-entry": (diary_entry, ANALYST, ADMIN),
    "thread": (thread, ANALYST, ADMIN),
    "proposal": (proposal, ANALYST, ADMIN),
    "verdict": (verdict, ANALYST, ADMIN),
    "edition": (edition, ANALYST, ADMIN),
    "watch": (watch, ANALYST, ADMIN),
    "officer": (officer, ADMIN, ANALYST),
    "grant": (grant, ADMIN, ANALYST),
    "key": (key, ADMIN, "reviewer"),
    "delegation": (lambda made, _: console_run.lent(made, HOME), ADMIN, "analyst2"),
    "regime-edition": (regime_edition, ADMIN, ANALYST),
    "relying-party": (relying_party, ADMIN, ANALYST),
    "erasure": (lambda made, _: console_run.ordered(made, HOME), ADMIN, ANALYST),
    "proof": (lambda made, _: console_run.accused(made, HOME), ADMIN, ANALYST),
    "parked": (lambda made, _: console_run.put_aside(made, HOME), ADMIN, ANALYST),
    "sample": (lambda made, _: console_run.sampled(made, HOME), AUDITOR, ADMIN),
}
"""For each kind: how one is made, who finds it and who does not."""

OF_THE_PACKAGE: Final = {
    "package",
    "release",
    "onward-request",
    "onward-consent",
    "exhibit",
    "draft",
    "proposal",
    "task",
}
"""What nobody finds who stands aside from the package."""


def found(federation: Federation, who: str, id_: str) -> set[str]:
    digits = id_.removeprefix("sha256:")[:20]
    items = references.find_references(federation[HOME], federation.officer(HOME, who), digits)
    assert {one.id for one in items} <= {id_}
    return {one.kind for one in items}


def test_every_kind_has_a_gate_and_stands_here() -> None:
    assert set(records.KINDS) == references.GATED == set(MAKERS)


def test_each_is_found_by_those_who_may_know_of_it(federation: Federation) -> None:
    made: dict[str, str] = {}
    for kind, (make, *_) in MAKERS.items():
        made[kind] = make(federation, made)
    wrong = {
        kind: (sees, blind)
        for kind, (_, sees, blind) in MAKERS.items()
        if kind not in found(federation, sees, made[kind])
        or kind in found(federation, blind, made[kind])
    }
    assert wrong == {}
    caller = federation.officer(HOME, "analyst2")
    seen = {kind for kind in OF_THE_PACKAGE if kind in found(federation, "analyst2", made[kind])}
    assert seen == OF_THE_PACKAGE
    recusing.recuse(federation[HOME], caller, Aside("", made["package"], "A relative is named."))
    for kind in OF_THE_PACKAGE:
        assert found(federation, "analyst2", made[kind]) == set(), kind
        assert kind in found(federation, ANALYST, made[kind]), kind


# ---- addresses and commands ----------------------------------------------------------------

NAMES_NO_OBJECT: Final = {
    "leaf": "a place in the log is a number",
    "member": "a ministry's id is a word",
    "ministry": "a ministry's id is a word",
    "epoch": "a number",
    "seq": "a number",
    "tile": "a path of numbers",
    "regime": "a regime's id is a word",
    "origin": "the whole digest of a log's name, which other nodes compute",
    "prefix": "what this test is about",
    "upload_id": "a client's own way back to its bytes; nobody types it",
    "step": "a word",
}
"""Parts of addresses that are no shortened ids, and why."""

PARTS: Final = {
    "delegation_id": "delegation",
    "designation_id": "designation",
    "digest": "exhibit",
    "draft_id": "draft",
    "edition_id": "edition",
    "entry_id": "diary-entry",
    "erasure": "erasure",
    "grant_id": "grant",
    "kid": "key",
    "officer_id": "officer",
    "package_id": "package",
    "party_id": "relying-party",
    "proof_id": "proof",
    "proposal_id": "proposal",
    "regime_edition": "regime-edition",
    "release": "release",
    "sample": "sample",
    "statement": "parked",
    "task_id": "task",
    "thread_id": "thread",
    "watch_id": "watch",
}
"""Parts of addresses that are ids, and the kind that each names."""


def test_every_part_of_an_address_is_a_kind_or_has_a_reason() -> None:
    paths = json.loads((STATIC / "openapi.json").read_bytes())["paths"]
    parts = {part for path in paths for part in re.findall(r"\{([a-z_]+)\}", path)}
    assert parts - set(PARTS) - set(NAMES_NO_OBJECT) == set()
    assert set(PARTS) <= parts
    assert set(PARTS.values()) <= set(records.KINDS)


GIVEN_IN_FULL: Final = {
    ("audit list", "about"): "an auditor may not know the objects, and reads their ids in events",
    ("audit erase propose", "target"): "what is to be destroyed is written out",
    ("membership approve", "membership"): "a digest that was compared out of band",
    ("membership preview", "membership"): "a digest that was compared out of band",
    ("node break-glass reinstate", "officer"): "on the machine nobody is signed in",
    ("tasks assign", "to"): "the desk reads its colleagues, and no register of officers",
}
"""Parameters of commands that take an id and complete none, and why."""

WORDS: Final = {
    "event",
    "files",
    "given",
    "member",
    "ministry",
    "name",
    "reference",
    "regime",
    "role",
    "rp_id",
    "series",
    "words",
}
"""Arguments of commands that are words or files, or a publisher's own reference."""

_SAYS_ID: Final = re.compile(r"\b[Ii]ds? of|[Rr]ecord id|this id|sha256|[Dd]igest of the|day or id")


def _parameters() -> Iterator[tuple[str, Any]]:
    for name, leaf in manual.leaves(get_command(commands), "comity"):
        for each in leaf.params:
            if "str" in str(each.type_descriptor.annotation):
                yield name.removeprefix("comity "), each


def test_every_parameter_that_takes_an_id_takes_its_first_digits() -> None:
    kinds, whole = set[str](), set[tuple[str, str]]()
    for name, each in _parameters():
        completes = getattr(each.callback, "kinds", ())
        kinds |= set(completes)
        argument = each.param_type_name == "argument" and each.name not in WORDS
        if not completes and (argument or _SAYS_ID.search(each.help or "")):
            whole.add((name, each.name))
    assert whole == set(GIVEN_IN_FULL)
    assert kinds <= set(records.KINDS)
    assert set(records.KINDS) - kinds == {"exhibit"}, "no command names an exhibit"
