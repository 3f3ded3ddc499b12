"""Search and coverage over statements and lists, on both databases."""

from pathlib import Path

import pytest

from api.adapters.policy.regimes import load_announcements
from api.domain.errors import NotFound, Refused
from api.domain.identity.profiles import of_description
from api.domain.identity.scoring import Suggestion
from api.domain.lists.entries import EntryKind
from api.records import identity
from api.records.identity import Indexed
from api.services.authorising import Caller
from api.services.desk import list_coverage, lists, subjects
from api.services.desk.identity import Matcher
from api.services.desk.list_coverage import Basis
from api.services.desk.list_network import Uncovered
from api.services.desk.lists import ImportTerms
from api.services.desk.reindexing import reindex
from api.services.desk.subject_pages import subject_page
from api.services.desk.subjects import Judgement
from api.services.node import Node
from tests.support.exchange import CA, US, designate, person
from tests.support.federation import POLICIES, Federation
from tests.support.list_files import CHINA_2021, CHINA_2025, EU_2024, OFAC_2021, OFAC_2024


@pytest.fixture
def us(federation: Federation) -> Node:
    return federation[US]


@pytest.fixture
def analyst(federation: Federation) -> Caller:
    return federation.officer(US, "analyst")


_ANNOUNCED = {
    entry for told in load_announcements(POLICIES).values() for one in told for entry in one.entries
}


def bring(node: Node, caller: Caller, *paths: Path) -> None:
    for path in paths:
        lists.import_list(node, caller, path, ImportTerms(path.name, floor=0))


def names(node: Node, caller: Caller, text: str) -> list[str]:
    return [one.name for one in subjects.search(node, caller, text, limit=5).candidates]


def test_an_equal_name_is_first_whatever_else_shares_its_words(us: Node, analyst: Caller) -> None:
    """The review's case D: 2,500 descriptions with a word that begins with "of"."""
    crowd = [
        Indexed(of_description(f"list:crowd:{n}", "Organization", [f"Committee of Offices {n}"]))
        for n in range(2_500)
    ]
    target = of_description("list:crowd:~", "Organization", ["Committee of Zedd TargetnameA"])
    us.db.write(lambda unit: identity.put(unit, [*crowd, Indexed(target)]))
    found = subjects.search(us, analyst, "TargetnameA Committee of ZEDD", limit=5)
    assert found.candidates[0].name == "Committee of Zedd TargetnameA"
    assert found.candidates[0].equal
    many = subjects.search(us, analyst, "Committee of Offices 7", limit=5)
    assert many.candidates[0].name == "Committee of Offices 7"
    assert many.common


def test_many_are_looked_for_as_one_is(us: Node) -> None:
    """Few queries for many subjects find what one subject's own would, whatever is asked beside."""
    named = [f"Ada Kowalska{n % 7} {'Xyz' if n % 3 else 'Boris'}" for n in range(300)]
    held = [of_description(f"list:crowd:{n}", "Person", [name]) for n, name in enumerate(named)]
    sought = [of_description("", "Person", [name]) for name in ("Xyz Ada", "A. X.", "Boris Kowal")]
    us.db.write(lambda unit: identity.put(unit, [Indexed(one) for one in held]))
    wanted = [*held[:70], *sought]
    with us.db.engine.connect() as connection:
        for series in (None, [""], ["us-ofac-sdn"]):
            together = list(Matcher(connection).each(wanted, series=series))
            assert together == [Matcher(connection).look(one, series=series) for one in wanted]
            assert bool(series == ["us-ofac-sdn"]) is not any(one.found for one in together)


def test_an_equal_name_on_one_list_hides_no_other_spelling_on_another(us: Node) -> None:
    """Whoever stands on one list by the very same words is still looked for on the next."""
    names = ["Adib Mayaleh", "Ada Specimen"]
    sought = of_description("", "Person", names)
    held = [
        Indexed(of_description("list:eu-fsf:1", "Person", names), "eu-fsf"),
        Indexed(of_description("list:ca-x:1", "Person", ["Adib Mayleh"]), "ca-x"),
    ]
    us.db.write(lambda unit: identity.put(unit, held))
    with us.db.engine.connect() as connection:
        found = Matcher(connection).look(sought, series=["eu-fsf", "ca-x"]).found
    assert [one.indexed.profile.ref for one in found] == ["list:eu-fsf:1", "list:ca-x:1"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("陈全国", "Quanguo CHEN"),
        ("陳全國", "Quanguo CHEN"),
        ("Chenquanguo", "Quanguo CHEN"),
        ("chen quanguo", "Quanguo CHEN"),
        ("Чэнь Цюаньго", "Quanguo CHEN"),
        ("XPCC", "XINJIANG PRODUCTION AND CONSTRUCTION CORPS"),
    ],
)
def test_a_list_entry_is_found_in_other_scripts_and_forms(
    us: Node, analyst: Caller, typed: str, found: str
) -> None:
    bring(us, analyst, OFAC_2024)
    assert found in names(us, analyst, typed)[:3]


def test_statements_and_lists_are_found_together(
    federation: Federation, us: Node, analyst: Caller
) -> None:
    bring(us, analyst, OFAC_2024)
    listed = designate(federation, US, "Chen Quanguo")
    federation.settle()
    found = subjects.search(us, analyst, "CHEN Quanguo", limit=10).candidates
    assert {one.kind for one in found if one.equal} == {"designation", "list"}
    assert f"designation:{listed}" in {one.ref for one in found}
    assert all(one.signals for one in found)


def test_a_statement_s_numbers_find_and_are_compared(federation: Federation, us: Node) -> None:
    """Another name and the list's own number: the entry is found, and officers are told why."""
    officer = federation.officer(US, "analyst")
    bring(us, officer, OFAC_2024)
    told = person("Chen Quango") | {
        "identifiers": [{"scheme": "ofac-uid", "value": "29220"}],
        "countries": ["CN"],
        "positions": [{"title": "Party secretary"}],
        "birth_dates": [],
    }
    made = designate(federation, US, "", subject=told)
    federation.settle()
    page = subject_page(us, officer, f"designation:{made}")
    (entry,) = (one for one in page.candidates if one.card.ref == "list:us-ofac-sdn:29220")
    assert entry.suggested is Suggestion.SAME
    assert "Same entry of us-ofac-sdn: 29220" in [one.text for one in entry.signals]
    held = us.db.read(lambda connection: identity.by_refs(connection, [f"designation:{made}"]))
    us.db.write(identity.clear)
    reindex(us)
    again = us.db.read(lambda connection: identity.by_refs(connection, [f"designation:{made}"]))
    assert held == again


def test_the_index_follows_the_newest_edition(us: Node, analyst: Caller) -> None:
    bring(us, analyst, CHINA_2025)
    assert names(us, analyst, "CHEN Quanguo")[:1] == ["CHEN Quanguo"]
    bring(us, analyst, CHINA_2021)
    assert names(us, analyst, "CHEN Quanguo")[:1] == ["CHEN Quanguo"]
    terms = ImportTerms("x.xml", as_of="2026-01-01", floor=0, partial=False)
    shorter = CHINA_2025
    again = lists.import_list(us, analyst, shorter, terms)
    assert not again.known
    assert names(us, analyst, "CHEN Quanguo").count("CHEN Quanguo") == 1


def test_coverage_of_a_programme_from_lists(us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2024, CHINA_2025, EU_2024)
    found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
    assert found.known
    by_name = {one.name: one for one in found.subjects}
    chen = by_name["Quanguo CHEN"]
    (match,) = chen.matches
    assert (match.series, match.name, match.since.day, match.since.basis) == (
        "ca-sor-2021-49",
        "CHEN Quanguo",
        "2024-12-09",
        Basis.LIST,
    )
    assert (chen.since.day, chen.since.basis) == ("2020-07-09", Basis.ANNOUNCEMENT)
    assert match.lag_days == 1614
    assert not by_name["XINJIANG PUBLIC SECURITY BUREAU"].listed
    corps = by_name["XINJIANG PRODUCTION AND CONSTRUCTION CORPS"]
    assert all(one.score < 1 for one in corps.matches)
    counts = found.counts()
    assert counts["subjects"] == len(found.subjects) == counts["listed"] + counts["not_listed"]
    assert {one.kind for one in found.subjects} >= {EntryKind.PERSON, EntryKind.ENTITY}
    nobody = list_coverage.by_programme(us, analyst, "GLOMAG", "UK")
    assert not nobody.known
    assert not any(one.matches for one in nobody.subjects)


def test_a_link_shows_whose_body_or_owner_is_uncovered(us: Node, analyst: Caller) -> None:
    """OFAC links the Corps to Chen, whom Canada lists; it lists officials of the Corps, and not it."""
    bring(us, analyst, OFAC_2024, CHINA_2025)
    found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
    by_id = {one.entry: one for one in found.subjects}
    (chen,) = by_id["29299"].network
    assert (chen.kind, chen.name, chen.entry) == ("linked-to", "CHEN, Quanguo", "29220")
    assert (chen.listed, chen.uncovered) == (True, Uncovered.BODY)
    (corps,) = by_id["31492"].network
    assert (corps.entry, corps.listed, corps.uncovered) == ("29299", False, Uncovered.OWNER)
    (bureau,) = by_id["39417"].network
    assert (by_id["39417"].listed, bureau.listed, bureau.uncovered) == (False, False, None)
    counts = found.counts()
    assert (counts["bodies_uncovered"], counts["owners_uncovered"]) == (1, 5)
    assert {one.regime for one in found.ownership} == {"CA-JVCFOA", "CA-SEMA"}
    assert all(one.text and one.basis for one in found.ownership)
    nobody = list_coverage.by_programme(us, analyst, "GLOMAG", "UK")
    assert {other.uncovered for one in nobody.subjects for other in one.network} == {None}


def test_a_designation_covers_what_no_list_shows_yet(
    federation: Federation, us: Node, analyst: Caller
) -> None:
    bring(us, analyst, OFAC_2024, CHINA_2025)
    named = {"schema": "Person", "names": [{"text": "Gao Qi", "script": "Latn"}]}
    made = designate(federation, CA, "Gao Qi", day="2025-01-02", subject=named)
    federation.settle()
    found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
    gao = next(one for one in found.subjects if one.entry == "39417")
    assert (gao.listed, gao.matches, gao.designations) == (True, (), (made,))


def test_the_day_of_a_listing_is_that_of_the_designation_that_is_known(
    federation: Federation, us: Node, analyst: Caller
) -> None:
    bring(us, analyst, OFAC_2024, CHINA_2025)
    designate(federation, US, "Zhu Hailun", day="2020-07-09")
    federation.settle()
    found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
    by_name = {one.name: one for one in found.subjects}
    zhu = by_name["Hailun ZHU"]
    assert (zhu.since.day, zhu.since.basis) == ("2020-07-09", Basis.DESIGNATION)
    assert [(one.since.day, one.lag_days) for one in zhu.matches] == [("2021-03-21", 255)]
    assert by_name["XINJIANG PUBLIC SECURITY BUREAU"].since.basis is Basis.ANNOUNCEMENT
    others = [one for one in found.subjects if one.entry not in _ANNOUNCED]
    assert {one.since.basis for one in others} == {Basis.UNKNOWN}
    assert all(one.lag_days is None for each in others for one in each.matches)


# Since when Canada and the European Union list whom the United States listed, and days from the US
# listing: the record of the eight of July 2020 and of those who followed.
_XINJIANG = {
    "CHEN Quanguo": ("2024-12-09", 1614, None, None),
    "ZHU Hailun": ("2021-03-21", 255, "2021-03-22", 256),
    "WANG Mingshan": ("2021-03-21", 255, "2021-03-22", 256),
    "HUO Liujun": ("2024-12-09", 1614, None, None),
    "XINJIANG PUBLIC SECURITY BUREAU": (None, None, None, None),
    "XINJIANG PRODUCTION AND CONSTRUCTION CORPS": (None, None, None, None),
    "SUN Jinlong": (None, None, None, None),
    "PENG Jiarui": ("2024-12-09", 1592, None, None),
    "WANG Junzheng": ("2021-03-21", -1, "2021-03-22", 0),
    "CHEN Mingguo": ("2021-03-21", -1, "2021-03-22", 0),
    "ZAKIR Shohrat": ("2024-12-09", 1095, None, None),
    "TUNIYAZ Erken": ("2024-12-09", 1095, None, None),
    "GAO Qi": (None, None, None, None),
    "HU Lianhe": (None, None, None, None),
}


def test_the_record_of_xinjiang_day_for_day(us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2024, CHINA_2025, EU_2024)

    def told(jurisdiction: str) -> dict[frozenset[str], list[tuple[str, int | None]]]:
        found = list_coverage.by_programme(us, analyst, "GLOMAG", jurisdiction)
        return {
            frozenset(one.name.lower().split()): [
                (match.since.day, match.lag_days) for match in one.matches
            ]
            for one in found.subjects
        }

    canada, union = told("CA"), told("EU")
    for name, (since, lag, there, later) in _XINJIANG.items():
        key = frozenset(name.lower().split())
        assert canada[key] == ([(since, lag)] if since else []), name
        assert union[key] == ([(there, later)] if there else []), name


def test_the_index_is_made_anew(federation: Federation, us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2021, OFAC_2024)
    designate(federation, US, "Chen Quanguo")
    federation.settle()
    before = subjects.search(us, analyst, "CHEN Quanguo", limit=10)
    held = us.db.read(identity.count)
    us.db.write(identity.clear)
    assert not subjects.search(us, analyst, "CHEN Quanguo", limit=10).candidates
    assert reindex(us) == held
    assert subjects.search(us, analyst, "CHEN Quanguo", limit=10) == before
    assert reindex(us) == held


def test_how_many_the_index_holds_is_known_without_counting_them(us: Node) -> None:
    def put(*numbers: int) -> None:
        some = [
            Indexed(of_description(f"list:crowd:{n}", "Person", [f"Ada N{n}"])) for n in numbers
        ]
        us.db.write(lambda unit: identity.put(unit, some))

    def add(*numbers: int) -> None:
        some = [
            Indexed(of_description(f"package:{n}#s1", "Person", [f"Bob N{n}"])) for n in numbers
        ]
        us.db.write(lambda unit: identity.add(unit, some))

    assert us.db.read(identity.about) == us.db.read(identity.count)
    put(*range(300))
    add(*range(30))
    put(*range(200, 310))
    us.db.write(lambda unit: identity.remove(unit, ["list:crowd:1", "package:1#s1", "nothing"]))
    assert us.db.read(identity.about) == us.db.read(identity.count)
    add(*range(100, 2_100))
    held = us.db.read(identity.count)
    assert held / 1.5 < us.db.read(identity.about) < held * 1.5
    us.db.write(identity.clear)
    assert us.db.read(identity.about) == 0


def test_an_entry_that_a_later_edition_brought_has_that_day(
    us: Node, analyst: Caller, tmp_path: Path
) -> None:
    def day(path: Path, said: str) -> Path:
        text = path.read_text().replace("05/07/2024", said).replace("03/10/2021", said)
        target = tmp_path / f"{said.replace('/', '-')}.xml"
        target.write_text(text)
        return target

    bring(us, analyst, day(OFAC_2021, "05/06/2024"), day(OFAC_2024, "05/07/2024"), CHINA_2025)
    found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
    days = {one.since.basis: one.since.day for one in found.subjects}
    assert days[Basis.EDITIONS] == "2024-05-07"


def test_a_verdict_on_two_entries_stands_beside_the_match(us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2024, CHINA_2025)

    def chen() -> list_coverage.ListedSubject:
        found = list_coverage.by_programme(us, analyst, "GLOMAG", "CA")
        return next(one for one in found.subjects if one.name == "Quanguo CHEN")

    match = chen().matches[0]
    one, other = f"list:us-ofac-sdn:{chen().entry}", f"list:{match.series}:{match.entry}"
    for outcome, listed in (("same", True), ("not-same", False), ("unsure", True)):
        subjects.record_verdict(us, analyst, Judgement(one, other, outcome, "Compared the posts."))
        assert chen().matches[0].verdict == outcome
        assert chen().listed == listed
    assert subjects.verdicts(us, analyst, limit=5)[0].outcome == "unsure"
    with pytest.raises(NotFound):
        subjects.record_verdict(us, analyst, Judgement(one, "list:us-ofac-sdn:0", "same", "No."))


def test_who_may_search_and_compare(federation: Federation, us: Node) -> None:
    with pytest.raises(Refused):
        subjects.search(us, federation.officer(US, "auditor"), "Ada", limit=5)
    with pytest.raises(Refused):
        list_coverage.by_programme(us, federation.officer(US, "admin"), "GLOMAG", "CA")
