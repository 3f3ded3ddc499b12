"""Auditors' and readers' pages at work: samples, notes, files verified, lists, law, sheets, news."""

import csv
import io
import re

import pytest

from api.domain.verification.export import ExportStep
from api.services.audit import audit_notes, audit_samples
from api.services.desk import lists as published_lists
from api.services.operations import console_sessions
from tests.support import exchange
from tests.support.console import UK, US, Browser, console_on
from tests.support.federation import Federation
from tests.support.list_files import CHINA_2021, OFAC_2024, UK_ROWS, uk_csv


@pytest.fixture(scope="module")
def auditor(console) -> Browser:
    return console.browser("auditor")


@pytest.fixture(scope="module")
def analyst(console) -> Browser:
    return console.browser("analyst")


def posted(browser: Browser, path: str, name: str, content: bytes, **fields: str):
    """Send a form with one file."""
    page = browser.get(path).text.partition("<footer")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|tag)" value="([^"]*)"', page))
    return browser.client.post(
        path, data={**hidden, **fields}, files={"file": (name, content)}, follow_redirects=False
    )


def test_an_auditor_draws_a_sample_and_keeps_notes(federation, auditor):
    wrong = auditor.submit("/en/audit/samples/new", count="many")
    assert wrong.status_code == 422
    assert wrong.text.count("govuk-error-message") == 3
    made = auditor.submit("/en/audit/samples/new", name="All approvals", count="2", seed="mine")
    assert made.status_code == 303, made.text[-1500:]
    page = made.headers["location"]
    assert auditor.get(page).text.count("/en/audit/events/") >= 2
    assert auditor.submit(page).status_code == 422
    note = auditor.submit(page, verdict="question", text="Who is “the desk”?")
    assert note.status_code == 303
    assert "Who is “the desk”?" in auditor.get(page).text
    assert "Who is “the desk”?" in auditor.get("/fr/audit/samples").text
    assert auditor.submit("/en/audit/events/3", verdict="in-order", text="Fits.").status_code == 303
    assert "Fits." in auditor.get("/en/audit/events/3").text
    caller = federation.officer(US, "auditor")
    assert len(audit_samples.listed(federation[US], caller)) == 2
    assert len(audit_notes.listed(federation[US], caller, leaf=3)) == 1


def test_a_file_is_judged_step_by_step(federation, auditor, analyst, matter):
    none = auditor.submit("/en/verify")
    assert none.status_code in {415, 422}
    export = auditor.submit("/en/audit/exports", purpose="A test").content
    good = posted(auditor, "/fr/verify", "export.zip", export)
    assert "Le fichier tient." in good.text, good.text[-1500:]
    assert UK in good.text
    assert good.text.count("Réussi") == len(ExportStep)
    bad = bytearray(export)
    bad[len(bad) // 2] ^= 1
    told = posted(auditor, "/en/verify", "export.zip", bytes(bad)).text
    assert "It does not hold." in told
    assert told.count("Failed") == 1
    assert "Not reached" in told
    package = analyst.get(f"/en{matter.paths['package_file']}").content
    judged = posted(analyst, "/en/verify", "case.comity", package).text
    assert "The seal of the ministry" in judged
    assert "It holds." in judged
    shut = posted(analyst, "/en/verify", "case.comity", package[:-40]).text
    assert "It does not hold." in shut
    assert "It does not hold." in posted(analyst, "/en/verify", "x", b"{}").text
    assert "It does not hold." in posted(analyst, "/en/verify", "x", b"\x00" * 99).text


def test_a_proof_is_judged_too(console, matter, auditor):
    proof = console.browser("admin").get(f"/en{matter.paths['misbehaviour_proof']}").content
    assert "It holds." in posted(auditor, "/en/verify", "proof.json", proof).text


def test_a_list_is_brought_in_and_compared(federation, analyst):
    refused = posted(analyst, "/en/lists/new", "list.xml", b"<nothing/>")
    assert refused.status_code == 422
    made = posted(analyst, "/en/lists/new", OFAC_2024.name, OFAC_2024.read_bytes(), partial="yes")
    assert made.status_code == 303, made.text[-2000:]
    page = analyst.get(made.headers["location"]).text
    link = re.search(r'href="(/en/lists/[^"]+/entry\?id=[^"]+)"', page)
    assert link is not None
    entry = analyst.get(link[1].replace("&amp;", "&")).text
    assert "Every value of the source" in entry
    again = posted(analyst, "/en/lists/new", CHINA_2021.name, CHINA_2021.read_bytes(), partial="no")
    assert again.status_code in {303, 422}
    caller = federation.officer(US, "analyst")
    series = published_lists.editions(federation[US], caller)[0].series.id
    changed = analyst.get(f"/en/lists/{series}/changes").text
    assert "What changed" in changed


def test_changes_of_a_list_are_told(analyst, matter):
    page = analyst.get(f"/en{matter.paths['list_changes']}").text
    assert "Added" in page
    assert "Reference" in page


def test_a_name_on_a_published_list_is_found_and_opened(analyst):
    page = analyst.get("/en/subjects?q=ZHU Hailun").text
    assert "Published list" in page
    assert "Designation" in page
    link = re.search(r'href="(/en/lists/[^"]+/newest/entry\?id=[^"]+)"', page)
    assert link is not None
    opened = analyst.get(link[1].replace("&amp;", "&"))
    assert opened.status_code == 200
    assert "ZHU" in opened.text.upper()


def test_law_is_shown_with_its_provisions_and_a_subject_is_assessed(analyst):
    page = analyst.get("/fr/law/CA-JVCFOA").text
    assert "<blockquote" in page
    assert analyst.get("/fr/law/XX-NONE").status_code == 404
    empty = analyst.get("/en/law/assess?kind=person").text
    assert "There is a problem" in empty
    asked = "/en/law/assess?kind=person&conduct=torture&part=responsible&victims=yes&state=CN"
    found = analyst.get(asked).text
    for regime in ("CA-JVCFOA", "UK-GHR", "US-GLOMAG"):
        assert regime in found
    assert "Met" in found


def test_the_diary_of_an_own_designation_is_kept(federation):
    listed = exchange.designate(federation, UK, "ZHU Hailun")
    console = console_on(federation, UK)
    analyst, path = console.browser("analyst"), f"/en/designations/{listed[7:]}/diary"
    events = re.findall(r'<option value="([a-z-]+)"', analyst.get(path).text)
    assert events, "the regime of the United Kingdom has periods"
    late = analyst.submit(path, event=events[0], day="2099-01-01")
    assert late.status_code == 422
    assert analyst.submit(path, event=events[0], day="soon").status_code == 422
    made = analyst.submit(path, event=events[0], day="2026-11-20", note="By post.")
    assert made.status_code == 303, made.text[-1500:]
    assert "By post." in analyst.get(path).text
    assert "By post." not in console_on(federation, US).browser("auditor").get(path).text


@pytest.mark.parametrize(
    ("officer", "path", "head"),
    [
        ("analyst", "packages", "originator"),
        ("analyst", "mirror-requests", "addressee"),
        ("analyst", "proposals", "regime"),
        ("analyst", "subjects/watches", "reason"),
        ("auditor", "designations", "list_reference"),
        ("auditor", "coverage", "lag_days"),
        ("auditor", "lists", "sha256"),
        ("auditor", "audit/events", "outcome"),
        ("auditor", "audit/approvals", "approver"),
        ("auditor", "audit/samples", "root"),
        ("admin", "people", "roles"),
        ("admin", "partners", "dead"),
    ],
)
def test_a_list_is_a_sheet_as_well(console, officer, path, head):
    answer = console.browser(officer).get(f"/fr/{path}.csv")
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heads, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head in heads
    assert rows
    assert {len(row) for row in rows} == {len(heads)}


def test_an_auditor_sees_what_was_approved_in_a_period(console, matter):
    auditor = console.browser("auditor")
    page = auditor.get("/en/audit/approvals").text
    assert "Draft approved: Release" in page
    assert "ZHU Hailun" in page, "a designation is public"
    assert re.search(r">reviewer</bdi><br><span[^>]*>us-treasury:reviewer<", page), "who by name"
    assert re.search(r", \d\d:\d\d:\d\d UTC</time>", page), (
        "times that seconds are told of have them"
    )
    assert "Detention in Xinjiang" not in page, "a package is not an auditor's to read"
    for narrowed in ("since=2999-01-01", "until=1999-01-01"):
        assert "No approval fits." in auditor.get(f"/en/audit/approvals?{narrowed}").text
        assert (
            f"/en/audit/events.csv?{narrowed}" in auditor.get(f"/en/audit/events?{narrowed}").text
        )
        for name in ("approvals", "events"):
            sheet = auditor.get(f"/en/audit/{name}.csv?{narrowed}").content.decode("utf-8-sig")
            assert len(list(csv.reader(io.StringIO(sheet)))) == 1
    assert "Write instants as" in auditor.get("/en/audit/approvals?since=soon").text


def test_news_are_counted_and_keep_no_session_alive(federation, console):
    reviewer = console.browser("reviewer")
    since = federation[US].now()
    answer = reviewer.get("/en/news", params={"since": since})
    before = answer.json()["new"]
    exchange.draft(
        federation, US, "mirror-answer/1", (UK,), {"question": "q1", "text": "So."},
        console_thread(federation),
    )  # fmt: skip
    assert reviewer.get("/en/news", params={"since": since}).json()["new"] >= before
    assert reviewer.get("/en/news", params={"since": "soon"}).status_code == 422
    caller = federation.officer(US, "reviewer")
    seen = max(one.seen_at for one in console_sessions.own(federation[US], caller))
    federation.clock.sleep(600)
    reviewer.get("/en/news", params={"since": since})
    assert max(one.seen_at for one in console_sessions.own(federation[US], caller)) == seen
    reviewer.get("/en/")
    assert max(one.seen_at for one in console_sessions.own(federation[US], caller)) > seen


def console_thread(federation: Federation) -> str:
    from api.records.threads import Wanted
    from api.services.desk import mirroring

    caller = federation.officer(US, "analyst")
    return mirroring.threads_page(federation[US], caller, Wanted(), limit=1)[0].id


def test_a_list_goes_on_after_a_long_reference(analyst, monkeypatch):
    monkeypatch.setattr("api.web.console.pages.lists._LENGTH", 1)
    rows = [{**UK_ROWS[1], "Unique ID": "X" * 200 + end} for end in "ab"]
    made = posted(analyst, "/en/lists/new", "uk.csv", uk_csv(rows).encode(), partial="yes")
    assert made.status_code == 303, made.text[-2000:]
    first = analyst.get(made.headers["location"]).text
    link = re.search(r'href="([^"]+[?]after=X+a)"', first)
    assert link is not None
    assert "Next page" in first
    assert "Next page" not in analyst.get(link[1]).text
