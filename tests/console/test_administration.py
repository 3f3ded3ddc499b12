"""Two administrators change who may do what, in their browsers; each refusal stays on the page."""

import html
import json
import re

import pytest

from api.domain.regimes.editions import EditionChange
from api.services.desk import officers
from api.web.console import edition_words
from api.web.console.rendering import Written
from api.wire.digests import digest
from api.wire.membership import compose_membership
from tests.support.console import US, Browser, console_on
from tests.support.console_run import accused, later_edition, lent, ordered
from tests.support.federation import Federation


@pytest.fixture(scope="module")
def console(federation):
    return console_on(federation, US)


@pytest.fixture(scope="module")
def first(console) -> Browser:
    return console.browser("admin")


@pytest.fixture(scope="module")
def second(console) -> Browser:
    return console.browser("admin2")


def officer(federation: Federation, name: str) -> str:
    return federation.officer(US, name).person


def entry(federation: Federation, person: str) -> officers.OfficerEntry:
    found = officers.register(federation[US], federation.officer(US, "admin"))
    return next(one for one in found if one.officer.id == person)


def test_a_person_is_added_and_given_a_role_by_two(federation, first, second):
    empty = first.submit("/en/people/new", issuer="")
    assert empty.status_code == 422
    assert empty.text.count("govuk-error-message") == 3
    made = first.submit(
        "/en/people/new",
        name="Zoë Ng",
        issuer="https://id.example",
        accounts="us-treasury:zoe\nus-treasury:zoe-admin",
        expires="2027-01-31",
    )
    assert made.status_code == 303, made.text[-1500:]
    place = made.headers["location"]
    person = place.rpartition("/")[2]
    assert "us-treasury:zoe-admin" in first.get(place).text
    decide = f'href="/en/people/officers/{person}/approve"'
    assert decide in second.get(place).text
    assert decide not in first.get(place).text
    assert "because you proposed it" in first.get(place).text
    own = first.submit(f"/en/people/officers/{person}/approve")
    assert own.status_code == 422, "whoever proposed does not approve"
    assert second.submit(f"/en/people/officers/{person}/approve").status_code == 303
    assert second.submit(f"{place}/grant").status_code == 422
    assert second.submit(f"{place}/grant", role="auditor").status_code == 303
    assert entry(federation, person).grants[0].state == "proposed"
    grant = entry(federation, person).grants[0].id
    assert second.submit(f"/en/people/grants/{grant}/approve").status_code == 422
    assert first.submit(f"/en/people/grants/{grant}/approve").status_code == 303
    assert entry(federation, person).grants[0].state == "active"
    apart = first.submit(f"{place}/grant", role="analyst")
    assert apart.status_code == 422
    assert "apart" in apart.text
    taken = first.submit(f"{place}/grants/{grant}/take-away")
    assert taken.headers["location"] == place
    assert entry(federation, person).grants[0].state == "revoked"


@pytest.mark.parametrize("day", ["31.1.2027", "2027-02-30", "soon"])
def test_a_day_that_is_none_is_a_fault_of_its_field(first, day):
    answer = first.submit(
        "/en/people/new", name="A", issuer="https://id.example", accounts="a", expires=day
    )
    assert answer.status_code == 422
    assert 'id="expires-error"' in answer.text
    assert f'value="{day}"' in answer.text


def test_an_officer_is_suspended_by_one_and_taken_back_by_two(federation, first, second):
    person = officer(federation, "analyst2")
    page = f"/en/people/officers/{person}"
    assert first.submit(f"{page}/do/suspend").status_code == 303
    assert "not confirmed" in first.get(page).text
    assert first.submit(f"/en/people/suspensions/{person}/approve").status_code == 422
    assert second.submit(f"/en/people/suspensions/{person}/approve").status_code == 303
    assert second.submit(f"{page}/do/take-back").status_code == 303
    assert second.submit(f"/en/people/reinstatements/{person}/approve").status_code == 422
    assert first.submit(f"/en/people/reinstatements/{person}/approve").status_code == 303
    assert entry(federation, person).officer.state == "active"


def test_a_key_is_no_longer_accepted(federation, first):
    person = officer(federation, "reviewer2")
    kid = entry(federation, person).keys[0].kid
    page = f"/en/people/officers/{person}"
    assert first.submit(f"{page}/keys/{kid}/take-away").status_code == 303
    assert entry(federation, person).keys[0].state == "revoked"
    assert kid not in first.get(page).text


def test_an_absence_is_arranged_and_ended(federation, console, first):
    delegation = lent(federation, US)
    reviewer, analyst = console.browser("reviewer"), console.browser("analyst")
    page = f"/en/people/absences/{delegation}"
    assert "On leave." in analyst.get(f"{page}/end").text
    assert reviewer.submit(f"{page}/approve").status_code == 422, "the receiver does not approve"
    assert first.submit(f"{page}/approve").status_code == 303
    assert "Approved, not begun" in first.get("/en/people/absences").text
    assert analyst.submit(f"{page}/end").status_code == 303
    wrong = analyst.submit("/en/people/absences/new", role="analyst")
    assert wrong.status_code == 422
    made = first.submit(
        "/en/people/absences/new",
        delegator=officer(federation, "reviewer"),
        delegate=officer(federation, "analyst"),
        role="reviewer",
        starts="2026-11-25",
        ends="2026-12-24",
        reason="Leave.",
    )
    assert made.status_code == 303, made.text[-1500:]


def test_a_proof_is_ruled_on_and_handed_out(federation, first):
    proof = accused(federation, US)
    listed = first.get("/fr/run/misbehaviour").text
    assert "Deux messages sous un même numéro" in listed
    file = first.get(f"/en/run/misbehaviour/{proof[7:]}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert digest(file.content) == proof
    assert first.submit(f"/en/run/misbehaviour/{proof[7:]}/uphold").status_code == 303
    assert "Upheld" in first.get("/en/run/misbehaviour").text
    assert first.submit(f"/en/run/misbehaviour/{proof[7:]}/resume").status_code == 303
    again = first.submit(f"/en/run/misbehaviour/{proof[7:]}/resume")
    assert again.status_code == 422, "the stream goes on already"


def test_an_order_to_erase_takes_two(federation, first, second):
    assert first.submit("/en/run/erasures/new").status_code == 422
    federation.settle()
    order = ordered(federation, US)
    assert "You proposed it" in second.get(f"/en/run/erasures/{order}/approve").text
    assert first.submit(f"/en/run/erasures/{order}/reject").status_code == 303
    assert "Rejected" in first.get("/en/run/erasures").text


def test_an_epoch_is_proposed_and_given_up(federation, first):
    page = "/en/partners/uk-fcdo/epoch"
    proposed = first.submit(f"{page}/propose")
    assert proposed.status_code in {303, 422}
    if proposed.status_code == 303:
        assert "You proposed it" in first.get(f"{page}/approve").text
        assert first.submit(f"{page}/withdraw").status_code == 303
    assert first.submit(f"{page}/withdraw").status_code == 422


def test_a_membership_is_proposed_as_a_file_and_confirmed_by_another(federation, first, second):
    page = first.get("/en/run/membership/new").text.partition("<footer")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|tag)" value="([^"]*)"', page))
    nothing = first.client.post("/en/run/membership/new", data=hidden, files={"x": ("x", b"")})
    assert nothing.status_code == 422
    for content, code in ((b"{}", 422), (b"\xff" * 9, 422), (following(federation), 303)):
        answer = first.client.post(
            "/en/run/membership/new",
            data=hidden,
            files={"file": ("membership.json", content)},
            follow_redirects=False,
        )
        assert answer.status_code == code, answer.text[-1500:]
    listed = first.get("/en/run/membership").text
    assert "because you proposed it" in listed
    link = re.search(
        r'href="(/en/run/membership/[0-9a-f]{64}/approve)"', second.get("/en/run/membership").text
    )
    assert link is not None
    asked = first.get(link[1]).text
    assert "You proposed it" in asked
    assert '<button class="govuk-button"' not in asked
    assert "Compare the fingerprint" in second.get(link[1]).text
    assert second.submit(link[1]).status_code == 303


def following(federation: Federation) -> bytes:
    now = federation[US].membership
    return compose_membership(now.serial + 1, now.digest, list(now.members)).raw


def test_where_passkeys_are_used_takes_two(first, second):
    home = "/en/people/passkey-sites"
    made = first.submit(
        f"{home}/new", rp_id="treasury.example", origins="https://console.treasury.example"
    )
    assert made.status_code == 303, made.text[-1500:]
    path = re.search(rf'href="({home}/[0-9a-f]+/approve)"', second.get(home).text).group(1)
    waits = f'href="{path}"'
    assert waits in second.get("/en/people").text, "all that waits is on the page of people"
    assert waits not in first.get("/en/people").text
    own = first.submit(path)
    assert own.status_code == 422
    assert "There is a problem" in own.text
    page = second.get(path).text
    assert "treasury.example" in page
    assert "https://console.treasury.example" in page
    assert second.submit(path).headers["location"] == home
    assert "In force" in first.get(home).text
    assert second.get(path).status_code == 404


def chosen(browser: Browser, content: bytes):
    """Choose a document on the page that takes an edition."""
    place = "/en/law/editions/new"
    page = browser.get(place).text.partition("<footer")[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|tag)" value="([^"]*)"', page))
    files = {"file": ("regime.json", content)}
    return browser.client.post(place, data=hidden, files=files, follow_redirects=False)


def test_an_edition_of_the_law_is_seen_in_words_before_it_is_proposed(federation, first, second):
    node = federation[US]
    document = later_edition(node, "2998-01-31", "UK-GHR") | {"binding_instant": "published"}
    document["grounds"][0]["label"]["fr"] = "Une autre étiquette"
    document["grounds"].append(document["grounds"][0] | {"id": "uk-ghr.new"})
    old = node.regimes["UK-GHR"].edition
    for wrong in (b"", b"{}", json.dumps(document | {"edition": "2000-01-01"}).encode()):
        answer = chosen(first, wrong)
        assert answer.status_code == 422
        assert "There is a problem" in answer.text
    checked = chosen(first, json.dumps(document).encode())
    assert checked.status_code == 200
    rows = changes_shown(checked.text)
    ground = document["grounds"][0]["id"]
    assert rows["Edition"] == [str_day(old), "31 January 2998"]
    assert rows[f"Grounds › {ground} › Label › French"][1] == "Une autre étiquette"
    assert rows["Date that counts"][1] == "Published"
    assert rows["Grounds › uk-ghr.new › Label › French"] == ["nothing", "Une autre étiquette"]
    assert "2998" not in first.get("/en/law/editions").text, "nothing is stored by looking"
    form = checked.text.partition("<footer")[0]
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    sent = {name: html.unescape(value) for name, value in sent.items()}
    made = first.post("/en/law/editions/new", sent)
    place = made.headers["location"]
    assert "You proposed it" in first.get(place).text
    assert f"{place}/approve" not in first.get("/en/").text
    waiting = second.get("/en/").text
    assert f'href="{place}/approve"' in waiting, "it waits on the second administrator's first page"
    assert "UK-GHR 2998-01-31" in waiting
    own = first.get(f"{place}/approve").text.partition("<h1")[2]
    assert '<button type="submit" class="govuk-button' not in own.partition("<footer")[0]
    page = second.get(f"{place}/approve").text
    assert changes_shown(page) == rows
    assert "Compare each value with the law itself." in page
    assert second.submit(f"{place}/approve").headers["location"] == "/en/law/UK-GHR"
    shown = first.get("/en/law/UK-GHR").text
    assert "31 January 2998" in shown
    assert "decided by two administrators here" in shown
    assert changes_shown(second.get(place).text) == rows, "also once it is in force"


def test_every_member_of_a_regime_has_words_in_a_difference(federation):
    for document in federation[US].regime_documents.values():
        change = EditionChange("", None, document)
        for line in edition_words.lines([change]):
            for word, member in line.place:
                assert not member or word in edition_words.LABELS["regime-member"], word


def str_day(text: str) -> str:
    return re.sub(r"<[^>]+>", "", str(Written("en").day(text)))


def changes_shown(page: str) -> dict[str, list[str]]:
    """The table of what an edition changes: values before and from then on, by their place."""
    table = page.partition("What it changes</caption>")[2].partition("</table>")[0]
    found = {}
    for row in table.split("<tr")[1:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        words = [html.unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in cells]
        found[words[0]] = words[1:]
    return found


def test_the_stop_switch_says_how_it_stands_and_officers_learn_that_nothing_leaves(console, first):
    told = "Nothing leaves this node until an administrator resumes it."
    analyst = console.browser("analyst")
    assert "It is off." in first.get("/en/run/stop-switch").text
    assert told not in analyst.get("/en/").text
    assert first.submit("/en/run/stop-switch").status_code == 303
    assert "It is on." in first.get("/en/run/stop-switch").text
    assert told in first.get("/en/run").text
    assert told in analyst.get("/en/").text
    assert first.submit("/en/run/stop-switch").status_code == 303
    assert told not in first.get("/en/run").text


def test_every_partner_has_a_stream_on_the_nodes_page_with_nothing_waiting_or_much(console, first):
    streams = first.get("/en/run").text.partition(">Streams<")[2].partition("Keys of this node")[0]
    for partner in console.node.membership.members:
        assert (f"/en/partners/{partner.id}" in streams) is (partner.id != US)


def test_without_a_restore_the_page_claims_no_empty_log(first):
    shown = first.get("/en/run/restore").text
    assert "This node waits for nobody’s answer." in shown
    assert "Entries here" not in shown


def test_what_an_administrator_approves_stands_in_words_of_the_page(federation, first, second):
    person = officer(federation, "reviewer2")
    page = f"/fr/people/officers/{person}"
    assert first.submit(f"{page}/do/suspend").status_code == 303
    shown = second.get(f"/fr/people/suspensions/{person}/approve").text
    assert "<time datetime=" in shown
    assert not re.search(r">\s*(<bdi[^>]*>)?\d{4}-\d\d-\d\dT", shown)
