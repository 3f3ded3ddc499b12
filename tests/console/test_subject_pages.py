"""Subjects' own pages, watches and verdicts at the console."""

import re
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import pytest

from api.services.desk import proposals, subjects, watching
from api.services.desk.recusing import Aside, recuse
from api.services.desk.subjects import Judgement
from api.services.statements import drafting
from tests.support import exchange
from tests.support.bodies import body
from tests.support.console import CA, UK, US, Browser, console_on
from tests.support.federation import Federation

SHARED_SHEET = "/en/subjects/shared-verdicts.csv"


@pytest.fixture(scope="module")
def analyst(console) -> Browser:
    return console.browser("analyst")


def page_of(ref: str, language: str = "en") -> str:
    return f"/{language}/subjects/page?{urlencode({'ref': ref})}"


def links(text: str, within: str) -> list[str]:
    found = re.findall(r'href="([^"]+)"', text)
    return [one.replace("&amp;", "&") for one in found if within in one]


def test_every_object_leads_to_the_page_of_its_subject(matter, analyst):
    for name in ("package", "mirror_request", "designation", "list_entry"):
        path = matter.paths["thread" if name == "thread" else name]
        found = links(analyst.get(f"/fr{path}").text, "/subjects/page?")
        assert found, name
        page = analyst.get(found[0])
        assert page.status_code == 200, (name, found[0])
        assert "Ce que dit cette description" in page.text


def test_an_entry_says_what_its_list_says(federation, matter, analyst):
    text = analyst.get(f"/en{matter.paths['subject']}").text
    for word in ("ZHU Hailun", "main name", "ca-sor-2021-49", "Listed", "21 March 2021"):
        assert word in text, word
    assert re.search(r"none of their lists is held here[^<]*<[^>]*>UK, US", text)
    other = links(text, "/subjects/page?")
    assert page_of(f"designation:{matter.listed}") in other, "its designation is a candidate"
    assert "The signals suggest" in text


def test_what_statements_say_stands_beside_what_lists_say(federation, analyst):
    subject = {
        **exchange.person("WANG Told"),
        "birth_dates": [{"value": "1962-03", "source": "Company register"}, {"value": "1963"}],
        "identifiers": [{"scheme": "passport", "value": "G7654321"}],
        "positions": [{"title": "Secretary", "from": "2018", "source": "Gazette 12"}],
        "source": "A register of officials",
    }
    told = exchange.designate(federation, US, "WANG Told", subject=subject, sources=["Notice 7"])
    plain = {name: subject[name] for name in ("schema", "names")}
    other = exchange.designate(federation, US, "WANG Told", subject=plain)
    page = analyst.get(page_of(f"designation:{told}")).text
    for word in ("passport G7654321", "Secretary (2018/..)", "1 March 1962", "Company register"):
        assert word in page, word
    for source in ("A register of officials", "Gazette 12", "Notice 7"):
        assert source in page.partition("Sources it names")[2], source
    beside = page.partition("Beside the others</caption>")[2].partition("</table>")[0]
    assert beside.count("WANG Told") >= 2
    assert "1962-03, 1963" in re.sub("<[^>]+>", "", beside)
    seen = analyst.get(page_of(f"designation:{other}")).text
    assert "passport G7654321" in seen, "also from the other description"
    package = exchange.package(federation, US, subjects=[{"key": "s1", **subject}])
    proposal = body("designation-proposal/1", subjects=[{"key": "s2", **subject}])
    proposal["grounds"] = [{**one, "evidence": []} for one in proposal["grounds"]]
    made = proposals.create(federation[US], federation.officer(US, "analyst"), proposal)
    thread = exchange.request(federation, US, UK, {"s1": told}, subjects=[{"key": "s1", **subject}])
    for ref in (f"package:{package}#s1", f"proposal:{made.id}#s2", f"thread:{thread}#s1"):
        page = analyst.get(page_of(ref)).text.partition("On which lists")[0]
        assert "passport G7654321" in page, ref
        assert "A register of officials" in page, ref


def test_a_verdict_is_recorded_from_the_page_and_stands_in_the_list(federation, matter, analyst):
    text = analyst.get(f"/en{matter.paths['subject']}").text
    asked = links(text, "/subjects/verdict?")[0]
    form = analyst.get(asked).text
    one, other = (
        re.search(rf'name="{name}"[^>]*value="([^"]+)"', form)[1] for name in ("one", "other")
    )
    made = analyst.submit(
        asked, "/en/subjects/verdict", one=one, other=other, outcome="same", reason="Same post."
    )
    assert made.headers["location"] == "/en/subjects/verdicts"
    listed = analyst.get("/en/subjects/verdicts").text
    assert "Same post." in listed
    assert "The same subject" in listed
    assert one not in re.sub(r"<[^>]+>", "", listed), "names stand there, not references"
    assert one in analyst.get("/en/subjects/verdicts.csv").text
    settled = analyst.get(f"/en{matter.paths['subject']}").text
    assert "Same post." in settled
    assert federation.officer(US, "analyst").person not in settled
    assert federation.officer(US, "analyst").name in settled


def test_what_a_partner_told_is_shown_with_whose_it_is(federation, console):
    described = [
        {"kind": "designation", "statement": exchange.designate(federation, UK, name)}
        for name in ("CHEN Quanguo", "HUO Liujun")
    ]
    federation.settle()
    verdict = {
        "one": described[0],
        "other": described[1],
        "outcome": "not-same",
        "reason": "Born in other years.",
    }
    exchange.issue(federation, UK, "identity-verdict/1", (US, CA), verdict)
    federation.settle()
    text = console.browser("reviewer").get("/fr/subjects/verdicts").text
    for word in ("Born in other years.", "uk-fcdo", "CHEN Quanguo", "HUO Liujun"):
        assert word in text, word
    assert "Born in other years." in console.browser("analyst").get(SHARED_SHEET).text


def test_partners_are_told_who_is_who_and_that_it_is_taken_back(federation, matter, console):
    analyst = console.browser("analyst")
    asked = links(analyst.get(f"/en{matter.paths['subject']}").text, "/verdict/tell?")[0]
    refs = {name: text[0] for name, text in parse_qs(urlsplit(asked).query).items()}
    action = "/en/subjects/verdict/tell"
    empty = analyst.submit(asked, action, **refs)
    assert empty.status_code == 422
    assert empty.text.count('href="#') >= 4
    fields = {**refs, "outcome": "same", "reason": "The same post.", "to": [UK, CA]}
    made = approved(federation, analyst.submit(asked, action, **fields))
    federation.settle()
    theirs = console_on(federation, UK).browser("analyst")
    assert "The same post." in theirs.get("/en/subjects/verdicts").text
    path = f"/en/subjects/verdicts/{made[7:]}/take-back"
    assert path in analyst.get("/en/subjects/verdicts").text
    assert path not in theirs.get("/en/subjects/verdicts").text
    assert "only they take it back" in theirs.get(path).text
    assert analyst.submit(path).status_code == 422
    approved(federation, analyst.submit(path, reason="A mistake.", to=[UK, CA]))
    federation.settle()
    assert "The same post." not in theirs.get("/en/subjects/verdicts").text
    assert analyst.get(path).status_code == 404


def approved(federation: Federation, answer) -> str:
    assert answer.status_code == 303, answer.text[-2500:]
    id_ = answer.headers["location"].rpartition("/")[2]
    draft = drafting.read(federation[US], federation.officer(US, "reviewer"), id_)
    return exchange.approve(federation, US, draft)


def test_a_subject_is_watched_and_no_longer(federation, matter, analyst):
    listed = f"designation:{matter.listed}"
    path = f"/en/subjects/watches/new?{urlencode({'ref': listed})}"
    assert links(analyst.get(page_of(listed)).text, "watches/new?") == [path]
    action = "/en/subjects/watches/new"
    missing = analyst.submit(path, action, ref=listed)
    assert missing.status_code == 422
    assert 'href="#reason"' in missing.text
    made = analyst.submit(path, action, ref=listed, reason="We asked two partners to mirror it.")
    assert made.headers["location"] == "/en/subjects/watches"
    node, caller = federation[US], federation.officer(US, "analyst")
    watch = next(one for one in watching.standing_watches(node, caller) if one.ref == listed)
    for text in (analyst.get("/en/subjects/watches").text, analyst.get(page_of(listed)).text):
        assert "We asked two partners to mirror it." in text
        assert "ZHU Hailun" in text
        assert caller.name in text
    end = f"/en/subjects/watches/{watch.id}/end"
    assert "We asked two partners" in analyst.get(end).text
    assert analyst.submit(end).headers["location"] == "/en/subjects/watches"
    assert "We asked two partners" not in analyst.get("/en/subjects/watches").text
    assert analyst.get(end).status_code == 404


def test_a_programme_is_watched_by_the_name_that_its_list_gives_it(analyst):
    path = "/fr/subjects/watches/new"
    empty = analyst.submit(path, series="ca-sor-2021-49")
    assert empty.status_code == 422
    assert empty.text.count('href="#') >= 2
    unknown = analyst.submit(path, series="no-such-list", programme="X", reason="To see.")
    assert unknown.status_code == 422
    made = analyst.submit(
        path, series="ca-sor-2021-49", programme="SOR/2021-49", reason="All of it."
    )
    assert made.status_code == 303, made.text[-2000:]
    text = analyst.get("/fr/subjects/watches").text
    assert "All of it." in text
    assert "SOR/2021-49" in text


def test_who_stands_aside_sees_no_watch_on_what_they_stand_aside_from(federation, console):
    package = exchange.package(federation, US, title="Of a relative")
    node, analyst = federation[US], federation.officer(US, "analyst")
    watch = watching.watch(node, analyst, f"package:{package}#s1", "A relative of somebody here.")
    aside, browser = federation.officer(US, "reviewer2"), console.browser("reviewer2")
    assert "A relative of somebody here." in browser.get("/en/subjects/watches").text
    recuse(node, aside, Aside("", package, "My cousin."))
    assert "A relative of somebody here." not in browser.get("/en/subjects/watches").text
    assert watch.id not in browser.get("/en/subjects/watches.csv").text
    assert browser.get(f"/en/subjects/watches/{watch.id}/end").status_code == 404
    assert browser.get(page_of(f"package:{package}#s1")).status_code == 404


def test_verdicts_on_what_may_not_be_read_are_not_shown(federation, console, matter):
    package = exchange.package(federation, US, title="Another of a relative")
    node, analyst = federation[US], federation.officer(US, "analyst")
    entry = "list:ca-sor-2021-49:" + unquote_plus(matter.paths["list_entry"].rpartition("=")[2])
    pair = Judgement(f"package:{package}#s1", entry, "unsure", "Perhaps.")
    subjects.record_verdict(node, analyst, pair)
    browser = console.browser("reviewer2")
    assert "Perhaps." in browser.get("/en/subjects/verdicts").text
    recuse(node, federation.officer(US, "reviewer2"), Aside("", package, "My cousin."))
    assert "Perhaps." not in browser.get("/en/subjects/verdicts").text


def test_unknown_subjects_have_no_page(analyst):
    for ref in ("", "list:no-such:1", "designation:sha256:" + "0" * 64, "<b>", f"x:{UK}"):
        assert analyst.get(page_of(ref)).status_code == 404, ref
