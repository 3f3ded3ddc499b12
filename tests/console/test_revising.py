"""The next version of a draft in the form that makes such drafts: what no field asks stays."""

from dataclasses import replace
from typing import Any

import pytest

from api.services.desk import evidence
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from tests.support import exchange
from tests.support.bodies import body
from tests.support.console import CA, UK, US, Browser, HeldConsole, console_on, replace_node
from tests.support.federation import Federation

DATES = {"in_force_at": "2026-11-01", "zone": "America/New_York"}


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(federation) -> HeldConsole:
    return console_on(federation, US)


def now(federation: Federation, draft: DraftView, ministry: str = US) -> DraftView:
    return drafting.read(federation[ministry], federation.officer(ministry, "analyst"), draft.id)


def revised(browser: Browser, draft: DraftView, **fields: Any) -> None:
    answer = browser.submit(f"/en/drafts/{draft.id}/revise", **fields)
    assert answer.status_code == 303, answer.text[-2500:]
    assert answer.headers["location"] == f"/en/drafts/{draft.id}"


def refused(browser: Browser, draft: DraftView, field: str, **fields: Any) -> str:
    """A form that comes back with what was typed."""
    answer = browser.submit(f"/en/drafts/{draft.id}/revise", **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    return answer.text


def test_a_release_is_revised(federation, console):
    package = exchange.package(federation, US)
    marking = body("release/1")["marking"] | {"releasable_to": [UK, CA]}
    said = body("release/1", package=package, recipient=UK, marking=marking, note="Read at once.")
    made = exchange.draft(federation, US, "release/1", (UK,), said)
    analyst = console.browser("analyst")
    assert f"/drafts/{made.id}/revise" in analyst.get(f"/en/drafts/{made.id}").text
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert "Read at once." in page
    assert said["legal_basis"] in page
    assert 'name="recipient"' not in page
    fields = {"tlp": "GREEN", "use": "listing", "control": "yes", "note": ""}
    shown = refused(analyst, made, "legal_basis", **fields, legal_basis="")
    assert ">listing</textarea>" in shown
    revised(analyst, made, **fields, legal_basis="Another act.")
    found = now(federation, made)
    assert found.version == 2
    assert found.body["legal_basis"] == "Another act."
    assert found.body["marking"]["tlp"] == "GREEN"
    assert set(found.body["marking"]["releasable_to"]) == {UK, CA}
    assert "note" not in found.body


def test_a_release_states_what_was_acquired_independently(federation):
    theirs = exchange.package(federation, US)
    exchange.release(federation, US, theirs, UK)
    federation.settle()
    listed = evidence.read(federation[US], federation.officer(US, "analyst"), theirs).exhibits[0]
    exhibit = body("evidence-package/1")["exhibits"][0]
    exhibit |= {"digest": listed.digest, "size": listed.size}
    claim = {**body("evidence-package/1")["claims"][0], "exhibits": [exhibit["label"]]}
    own = exchange.package(federation, UK, "Ours", exhibits=[exhibit], claims=[claim])
    analyst = console_on(federation, UK).browser("analyst")
    home = f"/en/packages/{own[7:]}/release"
    fields = {"recipient": CA, "tlp": "AMBER", "use": "listing", "legal_basis": "An act."}
    shut = analyst.submit(home, **fields)
    assert shut.status_code == 422
    assert "A partner controls an exhibit" in shut.text
    assert 'name="acquired"' not in shut.text
    reviewer = console_on(federation, UK).browser("reviewer")
    place = f"/en/packages/{own[7:]}/acquisition"
    assert place in reviewer.get(f"/en/packages/{own[7:]}").text
    assert place not in analyst.get(f"/en/packages/{own[7:]}").text
    said = {"exhibit": listed.digest, "source": "The archive itself", "collector": "Our post"}
    empty = reviewer.submit(place)
    assert empty.status_code == 422
    assert empty.text.count('href="#') >= 4
    wrong = reviewer.submit(place, **said, collected="2026-13")
    assert wrong.status_code == 422
    assert 'href="#collected"' in wrong.text
    assert 'value="The archive itself"' in wrong.text
    done = reviewer.submit(place, **said, collected="2026-10-02")
    assert done.status_code == 303, done.text[-2500:]
    assert "The archive itself" in reviewer.get(done.headers["location"]).text
    assert 'name="exhibit"' not in reviewer.get(place).text
    page = analyst.get(home).text
    assert "The archive itself, Our post, 2026-10-02" in page
    assert f'value="{listed.digest}" checked' in page
    assert analyst.submit(home, **fields).status_code == 422
    done = analyst.submit(home, **fields, acquired=[listed.digest])
    assert done.status_code == 303, done.text[-2500:]
    id_ = done.headers["location"].rpartition("/")[2]
    made = drafting.read(federation[UK], federation.officer(UK, "analyst"), id_)
    assert made.body["acquired_independently"][0]["source"] == "The archive itself"
    kept = {name: value for name, value in fields.items() if name != "recipient"}
    assert f'value="{listed.digest}" checked' in analyst.get(f"/en/drafts/{id_}/revise").text
    without = analyst.submit(f"/en/drafts/{id_}/revise", **kept)
    assert without.status_code == 422
    assert "A partner controls an exhibit" in without.text
    revised(analyst, made, **kept, acquired=[listed.digest])


def test_an_amendment_of_a_designation_is_revised(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    said = {
        "designation": listed,
        "changes": {"list_reference": "SDN 2", "subject": exchange.person("ZHU Hai Lun")},
        "instants": {"in_force": {"at": "2026-10-01", "zone": "Etc/UTC"}},
        "note": "A name.",
    }
    made = exchange.draft(federation, US, "designation-amendment/1", (CA, UK), said)
    analyst = console.browser("analyst")
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert 'value="SDN 2"' in page
    refused(analyst, made, "in_force_at", list_reference="SDN 3", in_force_at="soon")
    revised(analyst, made, list_reference="SDN 3", **DATES)
    found = now(federation, made).body
    assert found["changes"]["list_reference"] == "SDN 3"
    assert found["changes"]["subject"]["names"][0]["text"] == "ZHU Hai Lun"
    assert found["instants"]["in_force"]["at"] == "2026-11-01"
    assert "note" not in found


def test_a_delisting_is_revised(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    said = {
        "designation": listed,
        "reason": "He died.",
        "instants": {"in_force": {"at": "2026-10-01", "zone": "Etc/UTC"}},
    }
    made = exchange.draft(federation, US, "delisting/1", (CA, UK), said)
    analyst = console.browser("analyst")
    assert "He died." in analyst.get(f"/en/drafts/{made.id}/revise").text
    refused(analyst, made, "reason", reason="", **DATES)
    revised(analyst, made, reason="He died in October.", **DATES)
    assert now(federation, made).body["reason"] == "He died in October."


def test_an_amendment_of_a_request_is_revised(federation, console):
    first, second, third = (
        exchange.designate(federation, US, name) for name in ("ZHU One", "ZHU Two", "ZHU Three")
    )
    thread = exchange.request(federation, US, UK, {"s1": first})
    federation.settle()
    said = {
        "note": "Two more.",
        "add": [{**exchange.person(name), "key": key} for key, name in (("s2", "B"), ("s3", "C"))],
        "designations": {"s2": second},
        "regimes": {"s2": "UK-GHR"},
    }
    made = exchange.draft(federation, US, "mirror-amendment/1", (UK,), said, thread)
    analyst = console.browser("analyst")
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert "Two more." in page
    assert f'value="{second}" checked' in page
    refused(analyst, made, "note", note="", add=[second])
    revised(analyst, made, note="Three more.", add=[second, third], respond_by="2027-05-01")
    found = now(federation, made).body
    names = {one["key"]: one["names"][0]["text"] for one in found["add"]}
    assert names == {"s2": "B", "s3": "C", "s4": "ZHU Three"}
    assert found["designations"] == {"s2": second, "s4": third}
    assert found["regimes"] == {"s2": "UK-GHR"}
    assert found["respond_by"] == "2027-05-01T23:59:59.000Z"


def test_verdicts_that_are_told_and_taken_back_are_revised(federation, console):
    one, other = (exchange.designate(federation, US, name) for name in ("ZHU Hailun", "Z. Hailun"))
    both = {
        "one": {"kind": "designation", "statement": one},
        "other": {"kind": "designation", "statement": other},
    }
    said = both | {"outcome": "same", "reason": "One birth date."}
    made = exchange.draft(federation, US, "identity-verdict/1", (CA, UK), said)
    analyst = console.browser("analyst")
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert "One birth date." in page
    assert 'value="same" checked' in page
    assert 'name="to"' not in page
    refused(analyst, made, "reason", outcome="same", reason="")
    revised(analyst, made, outcome="not-same", reason="Two birth dates.")
    found = now(federation, made).body
    assert (found["outcome"], found["reason"]) == ("not-same", "Two birth dates.")
    told = exchange.issue(federation, US, "identity-verdict/1", (CA, UK), said)
    back = both | {"outcome": "unsure", "reason": "We err.", "withdraws": told}
    made = exchange.draft(federation, US, "identity-verdict/1", (CA, UK), back)
    assert 'name="outcome"' not in analyst.get(f"/en/drafts/{made.id}/revise").text
    revised(analyst, made, reason="We erred.")
    found = now(federation, made).body
    assert (found["reason"], found["withdraws"]) == ("We erred.", told)


def test_a_recall_that_waits_for_approval_is_revised(federation, console):
    """A ministry may tighten its table: then a recall is a draft like any other."""
    package = exchange.package(federation, US)
    exchange.release(federation, US, package, UK)
    federation.settle()
    table = console.node.four_eyes
    strict = replace(table.rows["recall"], approved_by=frozenset({"reviewer"}))
    replace_node(console, four_eyes=replace(table, rows={**table.rows, "recall": strict}))
    reviewer = console.browser("reviewer")
    fields = {"instruction": "return", "reason": "A wrong exhibit."}
    asked = reviewer.submit(f"/en/packages/{package[7:]}/recall", **fields)
    assert asked.status_code == 303, asked.text[-2500:]
    where = asked.headers["location"]
    assert not where.endswith("/done")
    page = reviewer.get(f"{where}/revise").text
    assert "A wrong exhibit." in page
    assert 'value="return" checked' in page
    assert reviewer.submit(f"{where}/revise", **fields | {"reason": ""}).status_code == 422
    again = reviewer.submit(f"{where}/revise", **fields | {"instruction": "destroy"})
    assert again.status_code == 303, again.text[-2500:]
    made = drafting.read(federation[US], federation.officer(US, "reviewer"), where.split("/")[-1])
    assert made.body["instruction"] == "destroy"
