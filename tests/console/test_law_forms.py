"""Forms of the law at the console: proposals, designations and what changes them, requests."""

import re

import pytest

from api.services.desk import designations, proposals
from api.services.statements import drafting
from tests.support import exchange
from tests.support.campaigns import first
from tests.support.console import UK, US, Browser, HeldConsole, console_on
from tests.support.federation import Federation

SUBJECT = {
    "schema": "Person",
    "names_text": ["ZHU Hailun", ""],
    "names_script": ["Latn", ""],
    "names_kind": ["", ""],
}
DESIGNATION = {
    **SUBJECT,
    "regime": "US-GLOMAG",
    "grounds": ["us-glomag.abuse"],
    "instrument": "E.O. 13818",
    "list_reference": "SDN 29219",
    "measures": ["asset-freeze"],
    "in_force_at": "2020-07-09",
    "zone": "America/New_York",
    "reasons_releasable": "Held the post.",
    "to": [UK],
}


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(federation) -> HeldConsole:
    return console_on(federation, US)


def draft_of(federation: Federation, answer, ministry: str = US):
    """The draft that a form made."""
    assert answer.status_code == 303, re.findall(r"error-summary.*?</ul>", answer.text, re.DOTALL)
    id_ = answer.headers["location"].rpartition("/")[2]
    return drafting.read(federation[ministry], federation.officer(ministry, "reviewer"), id_)


def approved(federation: Federation, answer, ministry: str = US) -> str:
    """The statement that a form's draft becomes."""
    return exchange.approve(federation, ministry, draft_of(federation, answer, ministry))


def test_a_designation_is_recorded_amended_and_ended(federation, console):
    analyst = console.browser("analyst")
    made = draft_of(federation, analyst.submit("/en/designations/new", **DESIGNATION))
    assert made.to == (UK,)
    assert made.body["subject"]["names"] == [{"text": "ZHU Hailun", "script": "Latn"}]
    assert made.body["instants"] == {"in_force": {"at": "2020-07-09", "zone": "America/New_York"}}
    listed = exchange.approve(federation, US, made)
    path = f"/en/designations/{listed[7:]}"
    assert f"{path}/amend" in analyst.get(path).text
    change = {"list_reference": "SDN 2", "in_force_at": "2021-01-01", "zone": "Etc/UTC"}
    shown = analyst.get(path).text
    assert "serious human rights abuse" in shown, "a ground stands in the law's words"
    assert "Asset freeze" in shown
    assert '<time datetime="2020-07-09">9 July 2020</time>' in shown.partition("What it says")[2]
    assert federation[UK].me.name in shown.replace("&amp;", "&"), "who knows of it, by name"
    approved(federation, analyst.submit(f"{path}/amend", **change))
    listing = analyst.get("/en/drafts").text.partition("<tbody")[2].partition("</tr>")[0]
    assert "ZHU Hailun" in listing, "an amendment is about somebody as well"
    assert federation[UK].me.name in listing.replace("&amp;", "&"), "ministries go by their names"
    assert ">analyst</bdi>" in listing, "and so do officers"
    node, officer = federation[US], federation.officer(US, "analyst")
    assert designations.read(node, officer, listed).standing["list_reference"] == "SDN 2"
    end = {"reason": "Died.", "in_force_at": "2022-01-01", "zone": "Etc/UTC"}
    approved(federation, analyst.submit(f"{path}/delist", **end))
    assert designations.read(node, officer, listed).ended_on == "2022-01-01"


@pytest.mark.parametrize(
    ("changed", "field"),
    first(
        3,
        [
            ({"names_text": ["", ""], "names_script": ["", ""]}, "names"),
            ({"regime": ""}, "regime"),
            ({"grounds": []}, "grounds"),
            ({"instrument": ""}, "instrument"),
            ({"in_force_at": "soon"}, "in_force_at"),
            ({"zone": "not a zone"}, "zone"),
            ({"to": []}, "to"),
            ({"measures": []}, "measures"),
        ],
    ),
)
def test_a_wrong_designation_is_drawn_again(console, changed, field):
    analyst = console.browser("analyst")
    answer = analyst.submit("/en/designations/new", **DESIGNATION | changed)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert 'value="SDN 29219"' in answer.text, "what was typed is kept"
    assert "Erreur" in analyst.submit("/fr/designations/new", **DESIGNATION | changed).text


def test_what_the_law_refuses_is_said_in_the_form(federation, console):
    analyst = console.browser("analyst")
    for changed in (
        {"grounds": ["uk-ghr.torture"]},
        {"zone": "US/Eastern"},
        {"regime": "UK-GHR", "grounds": ["uk-ghr.torture"]},
    ):
        answer = analyst.submit("/en/designations/new", **DESIGNATION | changed)
        assert answer.status_code == 422
        assert "There is a problem" in answer.text


def test_a_proposal_is_written_mended_submitted_and_followed(federation, console):
    package = exchange.package(federation, US, title="The case")
    analyst, reviewer = console.browser("analyst"), console.browser("reviewer")
    fields = {
        "title": "Listing ZHU Hailun",
        "subjects": [f"{package} s1"],
        "regime": "US-GLOMAG",
        "grounds": ["us-glomag.abuse"],
        "met": "yes",
        "found_by": "A. Analyst",
        "reasons_releasable": "Held the post.",
        "reasons_internal": "See the minute.",
        "measures": ["asset-freeze"],
    }
    empty = analyst.submit("/en/proposals/new")
    assert empty.status_code == 422
    assert empty.text.count('href="#') >= 5
    made = analyst.submit("/en/proposals/new", **fields)
    assert made.status_code == 303, made.text[-2000:]
    path = made.headers["location"]
    edited = analyst.submit(f"{path}/edit", **fields | {"title": "Listing a secretary"})
    assert edited.status_code == 303, edited.text[-2000:]
    assert analyst.submit(f"{path}/submit").status_code == 303
    assert analyst.submit(f"{path}/submit").status_code in {409, 422}
    assert reviewer.submit(f"{path}/endorse", sure="yes").status_code == 303
    page = analyst.get(path).text
    assert "Listing a secretary" in page
    new = re.search(r'href="(/en/designations/new\?proposal=[^"]+)"', page).group(1)
    filled = analyst.get(new).text
    assert 'value="ZHU Hailun"' in filled
    assert "See the minute." not in filled, "internal reasons stay in the proposal"
    assert re.search(r'value="us-glomag.abuse"[^>]*checked', filled)
    shared = draft_of(federation, analyst.submit(f"{path}/share", to=[UK]))
    assert "internal" not in shared.body["reasons"]


def test_a_proposal_lapses_with_a_reason(federation, console):
    package = exchange.package(federation, US, title="The case")
    case = exchange.body("designation-proposal/1", regime="US-GLOMAG")
    for ground in case["grounds"]:
        ground["evidence"] = [{"package": package}]
    node, officer = federation[US], federation.officer(US, "analyst")
    view = proposals.create(node, officer, case)
    proposals.submit(node, officer, view.id, view.tag)
    reviewer, path = console.browser("reviewer"), f"/en/proposals/{view.id}/lapse"
    assert reviewer.submit(path, reason="").status_code == 422
    assert reviewer.submit(path, reason="Nothing came of it.").status_code == 303
    assert str(proposals.read(node, officer, view.id).state) == "lapsed"


def request_fields(listed: str, **more):
    return {
        "to": UK,
        "title": "One subject",
        "designations": [listed],
        "regime": "UK-GHR",
        "authority": "The act.",
        "permitted_use": "consideration of designation\nreview",
        "respond_by": "2027-01-31",
        "reasons_releasable": "Listed in 2020.",
        **more,
    }


def test_a_request_is_made_amended_answered_and_given_effect(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    other = exchange.designate(federation, US, "CHEN Quanguo")
    package = exchange.package(federation, US, title="The case")
    release = exchange.release(federation, US, package, UK)
    analyst = console.browser("analyst")
    path = "/en/mirror-requests/new"
    assert f'value="{release} {package}"' in analyst.get(f"{path}?designation={listed}").text
    fields = request_fields(listed, evidence=[f"{release} {package}"])
    thread = approved(federation, analyst.submit(path, **fields))
    federation.settle()
    theirs = console_on(federation, UK)
    page = theirs.browser("analyst").get(f"/fr/mirror-requests/{thread[7:]}").text
    for word in ("ZHU Hailun", "Listed in 2020.", "consideration of designation"):
        assert word in page
    ours = f"/en/mirror-requests/{thread[7:]}"
    amended = analyst.submit(f"{ours}/amendment", note="One more.", add=[other])
    assert draft_of(federation, amended).body["add"][0]["key"] == "s2"
    approved(federation, amended)
    federation.settle()
    found = theirs.browser("analyst").submit(
        f"{ours}/finding",
        subject="s1",
        finding="mirror",
        regime="UK-GHR",
        ground="uk-ghr.torture",
        reasons="Reasonable grounds.",
        relies_on=[package[7:]],
    )
    approved(federation, found, UK)
    federation.settle()
    begun = theirs.browser("analyst").get(f"/en/designations/new?request={thread[7:]}&subject=s1")
    assert 'value="ZHU Hailun"' in begun.text
    assert re.search(r'value="uk-ghr.torture"[^>]*checked', begun.text)
    theirs_listed = exchange.designate(federation, UK, "ZHU Hailun")
    effect = theirs.browser("analyst").submit(
        f"{ours}/effect?subject=s1", f"{ours}/effect", subject="s1", designation=theirs_listed
    )
    approved(federation, effect, UK)
    state = exchange.agreed(federation, thread)
    assert str(state.subjects["s1"].phase) == "effected"


@pytest.mark.parametrize(
    ("changed", "field"),
    first(
        2,
        [
            ({"to": ""}, "to"),
            ({"designations": []}, "designations"),
            ({"title": ""}, "title"),
            ({"respond_by": "soon"}, "respond_by"),
            ({"permitted_use": " "}, "permitted_use"),
            ({"reasons_releasable": ""}, "reasons_releasable"),
        ],
    ),
)
def test_a_wrong_request_is_drawn_again(federation, console, changed, field):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    analyst = console.browser("analyst")
    fields = request_fields(listed) | changed
    answer = analyst.submit("/en/mirror-requests/new", **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text


def revised(browser: Browser, draft: str, **fields):
    return browser.submit(f"/en/drafts/{draft}/revise", **fields)


def test_a_returned_draft_is_revised_in_the_form_that_made_it(federation, console):
    analyst, reviewer = console.browser("analyst"), console.browser("reviewer")
    made = draft_of(federation, analyst.submit("/en/designations/new", **DESIGNATION))
    reviewer.get(f"/en/drafts/{made.id}")
    back = reviewer.submit(f"/en/drafts/{made.id}/return", reason="Another reference.")
    assert back.status_code == 303
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert 'value="SDN 29219"' in page
    wrong = revised(analyst, made.id, **DESIGNATION | {"instrument": ""})
    assert wrong.status_code == 422
    done = revised(analyst, made.id, **DESIGNATION | {"list_reference": "SDN 3"})
    assert done.status_code == 303, done.text[-2000:]
    node, officer = federation[US], federation.officer(US, "analyst")
    found = drafting.read(node, officer, made.id)
    assert (str(found.state), found.version) == ("drafted", 2)
    assert found.body["list_reference"] == "SDN 3"


def test_a_finding_and_a_request_are_revised(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    analyst = console.browser("analyst")
    made = draft_of(federation, analyst.submit("/en/mirror-requests/new", **request_fields(listed)))
    page = analyst.get(f"/en/drafts/{made.id}/revise").text
    assert 'value="2027-01-31"' in page
    again = revised(analyst, made.id, **request_fields(listed, title="Another title"))
    assert again.status_code == 303, again.text[-2000:]
    thread = exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    theirs = console_on(federation, UK).browser("analyst")
    fields = {"subject": "s1", "finding": "defer", "until": "2027-03-01", "reasons": "Wait."}
    path = f"/en/mirror-requests/{thread[7:]}/finding"
    found = draft_of(federation, theirs.submit(path, **fields), UK)
    page = theirs.get(f"/en/drafts/{found.id}/revise").text
    assert "Wait." in page
    assert 'value="2027-03-01"' in page
    changed = fields | {"reasons": "Wait longer."}
    assert revised(theirs, found.id, **changed).status_code == 303


def test_a_draft_without_a_form_says_so(federation, console):
    package = exchange.package(federation, UK)
    exchange.release(federation, UK, package, US)
    federation.settle()
    said = {"package": package, "recipient": "ca-gac", "purpose": "Its own listing."}
    made = exchange.draft(federation, US, "onward-request/1", (UK,), said)
    analyst = console.browser("analyst")
    assert f"/drafts/{made.id}/revise" not in analyst.get(f"/en/drafts/{made.id}").text
    assert "set it aside" in analyst.get(f"/en/drafts/{made.id}/revise").text


def fact(**more):
    """One fact of a case as its fields, and the empty one below it."""
    texts = {"conduct": "torture", "part": "responsible", "victims": "others", "state": "cn"}
    texts |= {"place": "Xinjiang", "from": "2017", "to": "", "note": "", "exhibits": "", **more}
    return {f"case_facts_{name}": [text, ""] for name, text in texts.items()}


def test_a_request_carries_the_facts_of_its_case(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    analyst, path = console.browser("analyst"), "/en/mirror-requests/new"
    fields = request_fields(listed) | fact(exhibits="notice-1\r\nnotice-2\r\n")
    about = {"case_facts_subjects-1": [listed]}
    room = analyst.submit(path, **fields, **about, more="1")
    assert room.status_code == 200
    assert 'id="case_facts_conduct-2"' in room.text
    assert "There is a problem" not in room.text
    made = draft_of(federation, analyst.submit(path, **fields, **about))
    assert made.body["case_facts"] == [
        {
            "conduct": "torture",
            "part": "responsible",
            "victims": "others",
            "state": "cn",
            "place": "Xinjiang",
            "from": "2017",
            "subjects": ["s1"],
            "exhibits": ["notice-1", "notice-2"],
        }
    ]
    page = analyst.get(f"/fr/drafts/{made.id}/revise").text
    assert re.search(r'<option value="torture" selected', page)
    assert "notice-1\nnotice-2" in page
    assert re.search(rf'name="case_facts_subjects-1"[^>]*value="{listed}" checked', page)


def test_a_fact_of_a_case_that_says_too_little_is_drawn_again(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    other = exchange.designate(federation, US, "CHEN Quanguo")
    analyst, path = console.browser("analyst"), "/en/mirror-requests/new"
    wrong = analyst.submit(path, **request_fields(listed), **fact(conduct=""))
    assert wrong.status_code == 422
    assert 'href="#case_facts_conduct-1"' in wrong.text
    assert 'value="Xinjiang"' in wrong.text, "what was typed is kept"
    strange = {"case_facts_subjects-1": [other]}
    answer = analyst.submit(path, **request_fields(listed), **fact(), **strange)
    assert answer.status_code == 422
    assert "about a subject that was not chosen" in answer.text


def test_facts_of_a_proposal_and_a_designation_survive_their_revision(federation, console):
    package = exchange.package(federation, US, title="The case")
    analyst = console.browser("analyst")
    case = {
        "title": "Listing ZHU Hailun",
        "subjects": [f"{package} s1"],
        "regime": "US-GLOMAG",
        "grounds": ["us-glomag.abuse"],
        "met": "yes",
        "found_by": "A. Analyst",
        "reasons_releasable": "Held the post.",
        "measures": ["asset-freeze"],
        "case_facts_subjects-1": [f"{package} s1"],
        **fact(),
    }
    path = analyst.submit("/en/proposals/new", **case).headers["location"]
    page = analyst.get(f"{path}/edit").text
    assert re.search(r'<option value="torture" selected', page)
    assert re.search(rf'name="case_facts_subjects-1"[^>]*value="{package} s1" checked', page)
    again = analyst.submit(f"{path}/edit", **case | {"title": "Listing a secretary"})
    assert again.status_code == 303
    node, officer = federation[US], federation.officer(US, "analyst")
    kept = proposals.read(node, officer, path.rpartition("/")[2]).body["case_facts"]
    assert kept[0]["subjects"] == ["s1"]
    listed = analyst.submit("/en/designations/new", **DESIGNATION | fact())
    made = draft_of(federation, listed)
    assert made.body["case_facts"][0]["conduct"] == "torture"
    assert re.search(
        r'<option value="torture" selected', analyst.get(f"/en/drafts/{made.id}/revise").text
    )


def test_a_subject_of_an_earlier_request_is_named_as_such(federation, console):
    listed = exchange.designate(federation, US, "ZHU Hailun")
    earlier = exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    again = exchange.designate(federation, US, "The same man, listed again")
    thread = exchange.request(federation, US, UK, {"s1": again})
    federation.settle()
    analyst = console_on(federation, UK).browser("analyst")
    path = f"/en/mirror-requests/{thread[7:]}/finding"
    assert f'value="{earlier}#s1"' in analyst.get(path).text
    assert f'value="{thread}#s1"' not in analyst.get(path).text
    finding = {"subject": "s1", "finding": "duplicate-of", "reasons": "Asked before."}
    missing = analyst.submit(path, **finding)
    assert missing.status_code == 422
    assert 'href="#duplicate_of"' in missing.text
    made = analyst.submit(path, **finding, duplicate_of=f"{earlier}#s1")
    draft = draft_of(federation, made, UK)
    assert draft.body["duplicate_of"] == {"thread": earlier, "key": "s1"}
    revised_page = analyst.get(f"/en/drafts/{draft.id}/revise").text
    assert f'value="{earlier}#s1" selected' in revised_page
