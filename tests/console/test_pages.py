"""Every page, for every role, at both ministries of one exchange; and deciding on them."""

import html
import re
from operator import attrgetter

import pytest

from api.services.desk import evidence
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.web.console.page import Page
from api.web.console.pages import PAGES
from tests.support import exchange
from tests.support.campaigns import long, short
from tests.support.console import UK, US, Browser, HeldConsole, Matter, console_on, exchange_of
from tests.support.federation import Federation

ROLES = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
NAME = attrgetter("name")
SOME = PAGES[::6]
"""What a short run opens."""
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)",
]


@pytest.fixture(scope="module")
def consoles(federation) -> dict[str, tuple[HeldConsole, Matter]]:
    found = {}
    for ministry in (US, UK):
        matter = exchange_of(federation, ministry)
        found[ministry] = (console_on(federation, ministry), matter)
    return found


@pytest.fixture(scope="module")
def browsers(consoles) -> dict[tuple[str, str], Browser]:
    return {
        (ministry, name): console.browser(name)
        for ministry, (console, _) in consoles.items()
        for name in ROLES
    }


def reason_of_absence(page: Page, status: int) -> bool:
    """A file that is not here is a page that says so, never an error of ours."""
    return page.download and status in {404, 409}


@pytest.mark.parametrize("ministry", [US, *long(UK)])
@pytest.mark.parametrize(
    "page", [*SOME, *long(*(page for page in PAGES if page not in SOME))], ids=NAME
)
def test_a_page_opens_for_its_roles_at_its_ministry_and_for_no_other(
    consoles, browsers, page, ministry
):
    matter = consoles[ministry][1]
    path = matter.paths[page.name]
    for name, role in ROLES.items():
        answer = browsers[ministry, name].get(f"/fr{path}")
        if role in page.roles:
            fits = answer.status_code == 200 or reason_of_absence(page, answer.status_code)
            assert fits, (name, answer.status_code, answer.text[-2000:])
        else:
            assert answer.status_code == 403, (name, answer.status_code)
            assert "ZHU Hailun" not in answer.text


@pytest.mark.parametrize("ministry", [US, *long(UK)])
def test_an_administrator_meets_no_evidence_on_any_page(consoles, browsers, ministry):
    matter = consoles[ministry][1]
    for page in PAGES:
        text = browsers[ministry, "admin"].get(f"/en{matter.paths[page.name]}").text
        for word in ("ZHU Hailun", "Detention in Xinjiang", "Which unit?"):
            assert word not in text, (page.name, word)


def test_what_another_ministry_drafts_is_not_found(consoles, browsers):
    ours, theirs = consoles[US][1], consoles[UK][1]
    for name in ("draft", "draft_done", "proposal"):
        assert browsers[US, "reviewer"].get(f"/en{theirs.paths[name]}").status_code == 404
        assert browsers[UK, "reviewer"].get(f"/en{ours.paths[name]}").status_code == 404


def test_no_english_is_left_on_french_pages(consoles, browsers):
    from docs import console_words

    english = [
        one.id
        for one in console_words.catalogue()
        if isinstance(one.id, str) and one.id.count(" ") > 2 and "%" not in one.id
    ]
    for page in SOME if short(__file__) else PAGES:
        for name, role in ROLES.items():
            if role not in page.roles or page.download:
                continue
            text = browsers[US, name].get(f"/fr{consoles[US][1].paths[page.name]}").text
            plain = html.unescape(re.sub(r"<[^>]+>", " ", text))
            assert [one for one in english if one in plain] == [], page.name


@pytest.mark.parametrize("wrong", ["0" * 64, "abc", "..", "%00", "x" * 500])
def test_addresses_of_nothing_are_not_found(browsers, wrong):
    for path in ("packages", "mirror-requests", "designations", "drafts", "proposals"):
        answer = browsers[US, "analyst"].get(f"/en/{path}/{wrong}")
        assert answer.status_code in {404, 307, 303}, (path, answer.status_code)


def waiting(federation: Federation, title: str = "A package", by: str = "analyst") -> str:
    """A draft of a release that waits for approval."""
    package = exchange.package(federation, US, title=title)
    content = {
        "recipient": UK,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [UK],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }
    made = evidence.release(federation[US], federation.officer(US, by), package, content)
    return made.id


def state_of(federation: Federation, draft: str) -> str:
    found = drafting.read(federation[US], federation.officer(US, "reviewer"), draft)
    return str(found.state)


def test_a_release_form_says_who_holds_the_package_already(consoles, browsers):
    page = browsers[US, "analyst"].get(f"/en{consoles[US][1].paths['package_release']}").text
    assert page.count("It holds the package already.") == 1


def test_a_reviewer_approves_what_the_page_showed(federation, browsers):
    draft, reviewer = waiting(federation), browsers[US, "reviewer"]
    page = reviewer.get(f"/en/drafts/{draft}").text
    for word in ("You can decide on this draft", UK, "TLP:AMBER", "consideration of designation"):
        assert word in page, word
    unusual = page.partition("What is unusual")[2].partition("What will leave")[0]
    assert "The preparer did not sign it" in unusual
    assert re.search(r"</(bdi|span)>\s*<span[^>]*>\(s1\)</span>", page), "a claim names its subject"
    assert "la personne qui l’a préparée ne l’a pas signée" in (
        reviewer.get(f"/fr/drafts/{draft}").text.lower()
    )
    forgot = reviewer.submit(f"/en/drafts/{draft}/approve")
    assert forgot.status_code == 422
    assert "Error:" in forgot.text
    assert state_of(federation, draft) == "drafted"
    done = reviewer.submit(f"/en/drafts/{draft}/approve", sure="yes")
    assert done.headers["location"] == f"/en/drafts/{draft}/done"
    assert "Approved and sealed" in reviewer.get(f"/en/drafts/{draft}/done").text
    assert state_of(federation, draft) == "sealed"


def test_own_work_has_no_button_and_says_why(federation, browsers):
    draft = waiting(federation)
    page = browsers[US, "analyst"].get(f"/en/drafts/{draft}").text
    assert "You wrote this draft" in page
    assert f"/drafts/{draft}/approve" not in page
    assert f"/drafts/{draft}/discard" in page


def hidden(text: str) -> dict[str, str]:
    form = re.search(r'<form method="post"[^>]*drafts/.*?</form>', text, re.DOTALL).group(0)
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def test_a_draft_that_moved_is_not_approved_and_what_was_typed_is_kept(federation, browsers):
    draft, reviewer = waiting(federation), browsers[US, "reviewer"]
    reviewer.get(f"/en/drafts/{draft}")
    approve = hidden(reviewer.get(f"/en/drafts/{draft}/approve").text)
    give_back = hidden(reviewer.get(f"/en/drafts/{draft}/return").text)
    analyst = federation.officer(US, "analyst2")
    found = drafting.read(federation[US], analyst, draft)
    body = {**found.body, "legal_basis": "Another basis."}
    drafting.replace_content(federation[US], analyst, draft, found.tag, body)
    moved = reviewer.post(f"/en/drafts/{draft}/approve", {**approve, "sure": "yes"})
    assert moved.status_code == 409
    assert "changed while you were looking" in moved.text
    assert "Another basis." in moved.text
    kept = reviewer.post(f"/en/drafts/{draft}/return", {**give_back, "reason": "Name the section."})
    assert kept.status_code == 409
    assert "Name the section." in kept.text
    assert state_of(federation, draft) == "drafted"


def test_a_reviewer_returns_a_draft_with_a_reason(federation, browsers):
    draft, reviewer = waiting(federation), browsers[US, "reviewer"]
    assert reviewer.submit(f"/en/drafts/{draft}/return", reason="  ").status_code == 422
    assert reviewer.submit(f"/en/drafts/{draft}/return", reason="Why?").status_code == 303
    assert "Why?" in browsers[US, "analyst"].get(f"/en/drafts/{draft}").text


def test_a_token_of_one_draft_approves_no_other(federation, browsers):
    one, other, reviewer = waiting(federation), waiting(federation), browsers[US, "reviewer"]
    fields = hidden(reviewer.get(f"/en/drafts/{one}/approve").text)
    answer = reviewer.post(f"/en/drafts/{other}/approve", {**fields, "sure": "yes"})
    assert answer.status_code == 403
    assert state_of(federation, other) == "drafted"


def test_the_toggle_keeps_a_form_valid(federation, browsers):
    draft, reviewer = waiting(federation), browsers[US, "reviewer"]
    reviewer.get(f"/en/drafts/{draft}")
    fields = hidden(reviewer.get(f"/en/drafts/{draft}/return").text)
    answer = reviewer.post(f"/fr/drafts/{draft}/return", {**fields, "reason": "Précisez."})
    assert answer.headers["location"] == f"/fr/drafts/{draft}/done"


def test_an_analyst_makes_a_release_and_says_things_in_a_request(federation, consoles, browsers):
    matter = consoles[US][1]
    package = exchange.package(federation, US, title="For release")[7:]
    analyst = browsers[US, "analyst"]
    path = f"/en/packages/{package}/release"
    empty = analyst.submit(path)
    assert empty.status_code == 422
    assert empty.text.count("govuk-error-message") >= 3
    fields = {
        "recipient": UK,
        "tlp": "AMBER",
        "use": "consideration of designation",
        "legal_basis": "The act.",
    }
    made = analyst.submit(path, **fields)
    assert made.status_code == 303, made.text[-2000:]
    assert "The act." in analyst.get(made.headers["location"]).text
    answer = analyst.submit(
        f"/en/mirror-requests/{matter.thread[7:]}/answer", question="q1", text="The bureau."
    )
    assert answer.status_code == 303, answer.text[-2000:]


def test_a_package_says_which_roles_may_do_what_an_officer_may_not(browsers, consoles):
    home = f"/en{consoles[US][1].paths['package']}"
    for name, word in (
        ("analyst", "Recall: these roles may: Reviewer."),
        ("reviewer", "ministry: these roles may: Analyst."),
    ):
        page = re.sub(r"<[^>]+>", "", browsers[US, name].get(home).text)
        assert word in page


def test_the_addressee_finds_on_a_subject(federation, consoles, browsers):
    matter = consoles[UK][1]
    path = f"/en/mirror-requests/{matter.thread[7:]}/finding"
    analyst = browsers[UK, "analyst"]
    assert "choose" not in analyst.get(f"{path}?subject=s1").text.lower()[:200]
    wrong = analyst.submit(path, subject="s1", finding="mirror", reasons="Enough.")
    assert wrong.status_code == 422
    bare = analyst.submit(path, subject="s1", finding="mirror", regime="UK-GHR", reasons="Enough.")
    warned = browsers[UK, "reviewer"].get(bare.headers["location"]).text
    assert re.search(r">analyst</bdi> <span[^>]*>\(uk-fcdo:analyst\)</span>", warned)
    assert "It names no ground under which the subject would be listed." in warned
    assert "It rests on no package of evidence." in warned
    made = analyst.submit(path, subject="s1", finding="decline", reasons="Not enough.")
    assert made.status_code == 303, made.text[-2000:]
    page = browsers[UK, "reviewer"].get(made.headers["location"]).text
    assert "Decline" in page
    assert "Not enough." in page


def mine(federation: Federation, ministry: str) -> list[DraftView]:
    """The newest drafts that wait at a ministry."""
    analyst = federation.officer(ministry, "analyst")
    return drafting.drafts_page(federation[ministry], analyst, limit=20, state="drafted")


def test_a_finding_is_corrected_and_of_what_was_withdrawn_nothing_is_asked(
    federation, consoles, browsers
):
    package = exchange.package(federation, UK, title="What it rests on")
    listed = {key: exchange.designate(federation, US, f"Person {key}") for key in ("s1", "s2")}
    federation.settle()
    thread = exchange.request(federation, US, UK, listed, title="Two persons")
    federation.settle()
    home, analyst = f"/en/mirror-requests/{thread[7:]}", browsers[UK, "analyst"]
    said = {"subject": "s1", "also": ["s1", "s2"], "finding": "decline", "reasons": "Unclear."}
    assert analyst.submit(f"{home}/finding", **said).headers["location"] == home
    made = [one for one in mine(federation, UK) if one.thread == thread]
    assert sorted(one.body["subject"] for one in made) == ["s1", "s2"]
    assert {one.body["reasons"]["releasable"] for one in made} == {"Unclear."}
    for key in listed:
        exchange.find(federation, UK, thread, key, "decline", relies_on=[package])
    federation.settle()
    exchange.say(federation, US, thread, "withdrawal", subjects=["s1"], reason="A mistake.")
    federation.settle()
    page = analyst.get(home).text
    assert "Found before the withdrawal" in page
    assert "Every subject is decided or withdrawn." in page
    assert "What it rests on" in page
    question = analyst.get(f"{home}/question").text
    assert 'value="s2"' in question
    assert 'value="s1"' not in question
    form = analyst.get(f"{home}/finding?subject=s2").text
    assert "This replaces the finding that stands." in form
    assert re.search(r'value="decline"[^>]* checked', form)
    assert form.count("Because of what was shown.") == 2
    said = {"subject": "s2", "finding": "decline", "reasons": "Not yet."}
    made = analyst.submit(f"{home}/finding?subject=s2", f"{home}/finding", **said)
    draft = browsers[UK, "reviewer"].get(made.headers["location"]).text
    for shown in ("Two persons", "It replaces a finding", "Because of what was shown."):
        assert shown in draft


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(federation, browsers, text):
    package = exchange.package(
        federation, US, title=text, summary=text, legal_basis=text, exculpatory=text
    )
    for path in ("/en/packages", f"/fr/packages/{package[7:]}", "/en/subjects?q=" + text):
        page = browsers[US, "analyst"].get(path).text
        assert html.escape(text, quote=False) in page or text not in page
        for tag in ("<script>alert", "<img src=x", "<svg onload"):
            assert tag not in page
        assert "49" not in re.findall(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)[0]
        assert 'href="javascript' not in page


def test_deciding_asks_for_a_fresh_sign_in(federation, consoles):
    console = consoles[US][0]
    draft, browser = waiting(federation), console.browser("reviewer2")
    path = f"/en/drafts/{draft}/approve"
    fields = hidden(browser.get(path).text)
    console.federation.clock.sleep(16 * 60)
    assert browser.get(f"/en/drafts/{draft}").status_code == 200
    asked = browser.get(path)
    assert asked.headers["location"] == f"/console/sign-in?again=1&to=/en/drafts/{draft}/approve"
    late = browser.post(path, {**fields, "sure": "yes"})
    assert late.status_code == 401
    assert state_of(federation, draft) == "drafted"
    console.sign_in(browser, "reviewer2", to=path)
    assert console.party.begun[-1]["fresh"] is False
    browser.get(f"/en/drafts/{draft}")
    assert browser.submit(path, sure="yes").status_code == 303


def test_a_recused_officer_finds_no_trace(federation, consoles):
    from api.services.desk.recusing import Aside, recuse

    console, matter = consoles[US]
    reviewer = federation.officer(US, "reviewer2")
    recuse(federation[US], reviewer, Aside("", matter.thread, "A relative."))
    browser = console.browser("reviewer2")
    assert browser.get(f"/en/mirror-requests/{matter.thread[7:]}").status_code == 404
    listed = browser.get("/en/mirror-requests").text
    assert matter.thread[7:15] not in listed
    work = browser.get("/en/").text
    assert matter.thread[7:] not in work


def test_a_holder_reads_a_recall_before_the_content_and_answers_it(federation, consoles):
    console = consoles[UK][0]
    package = exchange.package(federation, US, title="To be recalled")
    exchange.release(federation, US, package, UK)
    federation.settle()
    content = {"reason": "Wrong image.", "instruction": "destroy"}
    evidence.recall(federation[US], federation.officer(US, "reviewer"), package, content)
    path = f"/en/packages/{package[7:]}"
    ours = consoles[US][0].browser("reviewer").get(path).text
    assert "Recall sent, no receipt yet" in ours
    assert ">awaited<" in ours
    federation.settle()
    assert "Recall applied by its node" in consoles[US][0].browser("reviewer").get(path).text
    analyst = console.browser("analyst")
    shut = analyst.get(path).text
    assert "Wrong image." in shut
    assert "Destroy it" in shut
    view = evidence.read(federation[UK], federation.officer(UK, "analyst"), package)
    assert view.withheld, "the recall shuts the content"
    assert analyst.submit(f"{path}/recall-read").status_code == 303
    assert not evidence.read(federation[UK], federation.officer(UK, "analyst"), package).withheld
    assert "Answer the recall" in analyst.get(path).text
    wrong = analyst.submit(f"{path}/recall-answer", answer="kept")
    assert wrong.status_code == 422
    made = analyst.submit(f"{path}/recall-answer", answer="destroyed")
    assert made.status_code == 303, made.text[-1500:]
    assert "To be recalled" in analyst.get("/en/drafts").text, "the answer is about that package"
