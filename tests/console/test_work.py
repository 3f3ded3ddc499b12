"""My work: taking a task and handing it back; closing what only a word closes; verdicts."""

import re

import pytest

from api.services.desk import subjects, tasks
from api.services.desk.recusing import Aside, recuse
from tests.support import exchange
from tests.support.console import UK, US, Browser, HeldConsole, console_on
from tests.support.console_run import published
from tests.support.federation import Federation


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(federation) -> HeldConsole:
    return console_on(federation, UK)


def token(page: str) -> str:
    form = re.search(r'<form method="post" action="/en/">.*?</form>', page, re.DOTALL).group(0)
    return re.search(r'name="csrf" value="([^"]*)"', form).group(1)


def send(browser: Browser, task: str, **more: str):
    fields = {"csrf": token(browser.get("/en/").text), "tag": "", "task": task, **more}
    return browser.post("/en/", fields)


def asked(federation: Federation) -> str:
    """A task of the UK's analysts: a request that waits for a finding."""
    listed = exchange.designate(federation, US, "ZHU Hailun")
    exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    node, officer = federation[UK], federation.officer(UK, "analyst")
    found = tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=10)
    return next(one.id for one in found if one.kind == "find")


def test_a_task_is_taken_seen_by_colleagues_and_handed_back(federation, console):
    task = asked(federation)
    analyst, colleague = console.browser("analyst"), console.browser("analyst2")
    assert send(analyst, task).status_code == 303
    assert "Hand back" in analyst.get("/en/").text
    cell = re.search(r"<td[^>]*>\s*<bdi[^>]*>analyst</bdi>,", colleague.get("/en/").text)
    assert cell, "a colleague sees who works on it"
    assert send(colleague, task).status_code == 409
    assert send(colleague, task, hand_back="1").status_code == 409
    assert send(analyst, task, hand_back="1").status_code == 303
    assert send(colleague, task).status_code == 303


def test_a_task_that_is_not_the_officers_is_not_taken(federation, console):
    task = asked(federation)
    analyst = console.browser("analyst")
    assert send(analyst, "0" * 32).status_code == 404
    fields = {"csrf": token(analyst.get("/en/").text), "tag": "", "task": task}
    stolen = console.browser("auditor").post("/en/", fields)
    assert stolen.status_code == 403, "a form of another session"


def changed(federation: Federation) -> str:
    """A review at the UK: a designation that its finding rests on was amended."""
    listed = exchange.designate(federation, US, "ZHU Hailun")
    thread = exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    exchange.find(federation, UK, thread, "s1")
    content = {
        "designation": listed,
        "changes": {"list_reference": "SDN 2"},
        "instants": {"in_force": {"at": "2021-01-01", "zone": "Etc/UTC"}},
    }
    exchange.issue(federation, US, "designation-amendment/1", (UK, "ca-gac"), content)
    federation.settle()
    node, officer = federation[UK], federation.officer(UK, "reviewer")
    found = tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=20)
    return next(one.id for one in found if one.kind == "review")


def test_a_review_is_closed_with_a_reason(federation, console):
    task, reviewer = changed(federation), console.browser("reviewer")
    path = f"/en/reviews/{task}/close"
    work = reviewer.get("/en/").text
    assert f'href="{path}"' in work
    assert "A designation that the decision rests on was amended." in work
    assert re.search(rf"A partner amended this designation\. From: <bdi[^>]*title=.{US}.>", work)
    assert work.index("rests on was amended") < work.index("A partner amended"), "acts come first"
    empty = reviewer.submit(path)
    assert empty.status_code == 422
    assert 'href="#outcome"' in empty.text
    assert 'href="#reason"' in empty.text
    done = reviewer.submit(path, outcome="kept", reason="Only the number changed.")
    assert done.status_code == 303, done.text[-1500:]
    assert reviewer.get(path).status_code == 404
    assert console.browser("auditor").get(path).status_code == 403


def test_a_notice_of_a_list_leads_to_where_it_is_read(federation, console):
    published(federation, UK)
    node, officer = federation[UK], federation.officer(UK, "analyst")
    found = tasks.tasks_page(node, officer, tasks.Scope.MINE, limit=50)
    analyst, led = console.browser("analyst"), set()
    for told in (one for one in found if one.about.kind == "list"):
        page = analyst.get(f"/en/reviews/{told.id}/close").text
        href = re.search(r'href="([^"]+)">Open where it stands', page).group(1)
        assert analyst.get(href.replace("&amp;", "&")).status_code == 200
        led.add(href.partition("?")[0])
    assert "/en/coverage/programme" in led


def test_two_descriptions_are_found_and_judged(federation):
    for name in ("ZHU Hailun", "ZHU Hailun (secretary)"):
        exchange.designate(federation, US, name)
    analyst = console_on(federation, US).browser("analyst")
    page = analyst.get("/en/subjects?q=ZHU+Hailun").text
    found = re.search(r'href="(/en/subjects/verdict\?[^"]+)"', page)
    assert found, page[-1500:]
    path = found.group(1).replace("&amp;", "&")
    assert "ZHU Hailun" in analyst.get(path).text
    empty = analyst.submit(path, "/en/subjects/verdict")
    assert empty.status_code == 422
    refs = dict(re.findall(r'name="(one|other)" [^>]*value="([^"]*)"', analyst.get(path).text)) or {
        name: re.search(rf'id="{name}"[^>]*value="([^"]*)"', analyst.get(path).text).group(1)
        for name in ("one", "other")
    }
    fields = {**refs, "outcome": "same", "reason": "Same post."}
    done = analyst.submit(path, "/en/subjects/verdict", **fields)
    assert done.status_code == 303, done.text[-1500:]
    node, officer = federation[US], federation.officer(US, "analyst")
    (verdict,) = subjects.verdicts(node, officer, limit=5)
    assert (verdict.outcome, verdict.reason) == ("same", "Same post.")
    assert "The same subject" in analyst.get("/en/subjects?q=ZHU+Hailun").text


def test_a_release_is_withdrawn_before_it_arrives_and_not_after(federation):
    console = console_on(federation, US)
    reviewer = console.browser("reviewer")
    package = exchange.package(federation, US)
    early = exchange.release(federation, US, package, UK)
    path = f"/en/packages/{package[7:]}/releases/{early[7:]}/withdraw"
    assert path in reviewer.get(f"/en/packages/{package[7:]}").text
    assert reviewer.submit(path).status_code == 303
    assert "Withdrawn" in reviewer.get(f"/en/packages/{package[7:]}").text
    again = exchange.package(federation, US, title="Another")
    late = exchange.release(federation, US, again, UK)
    federation.settle()
    refused = reviewer.submit(f"/en/packages/{again[7:]}/releases/{late[7:]}/withdraw")
    assert refused.status_code == 409
    assert "There is a problem" in refused.text
    assert console.browser("analyst").get(path).status_code == 403


def test_a_task_is_given_to_a_colleague_for_whom_it_waits(federation, console):
    task = asked(federation)
    node, caller = federation[UK], federation.officer(UK, "analyst")
    analyst, colleague = console.browser("analyst"), console.browser("analyst2")
    other = federation.officer(UK, "analyst2")
    path = f"/en/tasks/{task}/assign"
    assert path in analyst.get("/en/").text
    page = analyst.get(path).text
    assert f'value="{other.person}"' in page
    assert f'value="{federation.officer(UK, "auditor").person}"' not in page
    empty = analyst.submit(path)
    assert empty.status_code == 422
    assert 'href="#officer"' in empty.text
    assert analyst.submit(path, officer=other.person).headers["location"] == "/en/"
    claim = tasks.find_mine(node, caller, task).claim
    assert claim is not None
    assert claim.officer == other.person
    assert "Hand back" in colleague.get("/en/").text
    assert path not in analyst.get("/en/").text, "no analyst takes it out of a colleague's hands"
    assert analyst.get(path).status_code == 403
    assert colleague.submit(path, officer=caller.person).status_code == 303
    assert "Hand back" in analyst.get("/fr/").text or "Rendre" in analyst.get("/fr/").text


def test_a_task_is_not_given_to_whom_it_does_not_wait_for(federation, console):
    task = asked(federation)
    analyst, path = console.browser("analyst"), f"/en/tasks/{task}/assign"
    for officer in (federation.officer(UK, "auditor").person, "0" * 32):
        refused = analyst.submit(path, officer=officer)
        assert refused.status_code == 409
        assert "does not wait for that officer" in refused.text
    assert "n’attend pas cet agent" in analyst.submit(f"/fr/tasks/{task}/assign", officer="x").text
    aside = federation.officer(UK, "analyst2")
    thread = tasks.find_mine(federation[UK], federation.officer(UK, "analyst"), task).about.id
    recuse(federation[UK], aside, Aside("", thread, "A friend."))
    assert f'value="{aside.person}"' not in analyst.get(path).text
