"""Published lists in a node: imported with provenance, kept, compared; on both databases."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from api.domain.errors import ComityError, Invalid, NotFound, Refused
from api.domain.events import Act
from api.domain.lists.changes import EntryOutcome
from api.records import lists as held
from api.records import log
from api.services.audit import fsck
from api.services.authorising import Caller
from api.services.desk import list_entities, lists
from api.services.desk.lists import Imported, ImportTerms
from api.services.node import Node
from tests.support.exchange import US
from tests.support.federation import Federation
from tests.support.list_files import (
    CHINA_2021,
    CHINA_2025,
    CHINE,
    EU_2024,
    OFAC_2021,
    OFAC_2024,
    UK_ROWS,
    canada_xml,
    uk_csv,
)

SMALL = {"floor": 0}


@pytest.fixture
def us(federation: Federation) -> Node:
    return federation[US]


@pytest.fixture
def analyst(federation: Federation) -> Caller:
    return federation.officer(US, "analyst")


def bring(node: Node, caller: Caller, path: Path, **terms: object) -> Imported:
    return lists.import_list(node, caller, path, ImportTerms(path.name, **{**SMALL, **terms}))  # type: ignore[arg-type]


def file(folder: Path, content: str, name: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def acts(node: Node) -> list[tuple[str, str]]:
    def read(connection: Connection) -> list[tuple[str, str]]:
        events = log.EVENTS.c
        query = select(events.act, events.object_id).where(events.act == Act.LISTS_IMPORTED.value)
        return [(act, id_) for act, id_ in connection.execute(query)]

    return node.db.read(read)


def test_an_import_is_an_event_with_its_provenance(us: Node, analyst: Caller) -> None:
    terms = {"source": "https://example.org/sdn.xml", "fetched_at": "2026-11-28T08:00:00Z"}
    made = bring(us, analyst, OFAC_2021, **terms)
    edition = made.edition
    assert (edition.series.id, edition.as_of, edition.as_of_from) == (
        "us-ofac-sdn",
        "2021-03-10",
        "publisher",
    )
    assert (edition.source, edition.fetched_at) == tuple(terms.values())
    assert edition.imported_by == analyst.person
    assert acts(us) == [("lists.imported", edition.id)]
    again = bring(us, analyst, OFAC_2021, **terms)
    assert (again.known, again.edition) == (True, edition)
    assert len(acts(us)) == 1


def test_the_log_accounts_for_every_row_of_a_list(
    federation: Federation, us: Node, analyst: Caller
) -> None:
    bring(us, analyst, OFAC_2021)
    bring(us, analyst, OFAC_2024)
    federation.settle()
    with us.db.engine.connect() as connection:
        trust = fsck.Trust(federation.membership)
        report = fsck.check(connection, trust)
        assert [one.to_json() for one in report.findings] == []
        assert report.rows > 50


def test_two_editions_compared_with_old_and_new_values(us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2021)
    made = bring(us, analyst, OFAC_2024)
    assert made.difference is not None
    assert made.difference.count(EntryOutcome.ADDED) > 0
    found = lists.compare(us, analyst, "us-ofac-sdn", "2021-03-10", "2024-05-07")
    assert found == made.difference
    assert lists.compare(us, analyst, "us-ofac-sdn").entries == found.entries
    for one in found.entries:
        assert (one.outcome is EntryOutcome.AMENDED) == bool(one.changes)
        assert all(change.old != change.new for change in one.changes)


def test_the_china_regulations_gain_eight_persons_and_lose_nobody(
    us: Node, analyst: Caller
) -> None:
    bring(us, analyst, CHINA_2021)
    made = bring(us, analyst, CHINA_2025)
    assert made.difference is not None
    assert {one.name for one in made.difference.entries} == {
        "CHEN Quanguo",
        "TUNIYAZ Erkin",
        "ZAKIR Shohrat",
        "PENG Jiarui",
        "WU Yingjie",
        "ZHANG Hongbo",
        "HUO Liujun",
        "YOU Quan",
    }
    assert {one.outcome for one in made.difference.entries} == {EntryOutcome.ADDED}
    # The same regulations in French are another series, not another edition.
    assert bring(us, analyst, CHINE).difference is None


def test_two_editions_of_one_day_are_ordered_as_they_came(
    us: Node, analyst: Caller, tmp_path: Path
) -> None:
    """Whatever their digests: what the afternoon added is an addition (review G2)."""
    for salt in ("a", "b", "c"):
        rows = [{**UK_ROWS[2], "Unique ID": f"RUS{salt}{n}"} for n in range(3)]
        series = bring(us, analyst, file(tmp_path, uk_csv(rows[:2]), f"am-{salt}.csv"))
        made = bring(us, analyst, file(tmp_path, uk_csv(rows), f"pm-{salt}.csv"))
        assert made.difference is not None
        assert made.difference.older.id == series.edition.id
        assert [one.outcome for one in made.difference.entries] == [EntryOutcome.ADDED]
        day = "2026-10-08"
        same = lists.compare(us, analyst, "uk-sanctions-list", day, day)
        assert [one.outcome for one in same.entries] == [EntryOutcome.ADDED]
        named = lists.compare(us, analyst, "uk-sanctions-list", made.edition.id, series.edition.id)
        assert [one.outcome for one in named.entries] == [EntryOutcome.ADDED]


def test_a_list_that_shrinks_is_refused_and_the_old_one_stays(
    us: Node, analyst: Caller, tmp_path: Path
) -> None:
    def rows(count: int, day: str) -> Path:
        lines = [{**UK_ROWS[2], "Unique ID": f"RUS{n}"} for n in range(count)]
        return file(tmp_path, uk_csv(lines, day), f"{count}-{day}.csv")

    whole = bring(us, analyst, rows(100, "01-Oct-2026")).edition
    assert bring(us, analyst, rows(5, "02-Oct-2026"), partial=True).edition.partial
    # An extract in between does not disarm the guard (the review's import after --partial).
    for day in ("02-Oct-2026", "03-Oct-2026"):
        with pytest.raises(Invalid) as caught:
            bring(us, analyst, rows(79, day))
        assert caught.value.code == "list.too-short"
    assert bring(us, analyst, rows(80, "03-Oct-2026")).edition.count == 80
    # An older edition is measured by those before it: lists grow.
    assert bring(us, analyst, rows(30, "30-Sep-2026")).edition.count == 30
    kept = us.db.read(lambda connection: held.members_of(connection, whole.id))
    assert len(kept) == 100


def test_an_extract_is_not_compared_with_a_whole_list(us: Node, analyst: Caller) -> None:
    bring(us, analyst, OFAC_2021)
    made = bring(us, analyst, OFAC_2024, partial=True)
    assert made.difference is None
    with pytest.raises(Invalid) as caught:
        lists.compare(us, analyst, "us-ofac-sdn", "2021-03-10", "2024-05-07")
    assert caught.value.code == "list.partial"


def test_a_list_without_a_day_needs_one(us: Node, analyst: Caller, tmp_path: Path) -> None:
    xml = canada_xml("2025", [("Testland", "Example", "Ada", "", "", "", "", "1", "1")])
    path = file(tmp_path, xml, "sema-lmes.xml")
    with pytest.raises(Invalid) as caught:
        bring(us, analyst, path)
    assert caught.value.code == "list.day-missing"
    for bad in ("yesterday", "zzz", "25/11/2026", "2026-02-30", "a/b", "../../profiles/x"):
        with pytest.raises(Invalid) as wrong:
            bring(us, analyst, path, as_of=bad)
        assert wrong.value.code == "list.day"
    said = bring(us, analyst, path, as_of="2026-11-21").edition
    assert (said.as_of, said.as_of_from) == ("2026-11-21", "officer")
    dated = file(tmp_path, xml.replace("Ada", "Eva"), "sema-lmes-2026-11-22.xml")
    named = bring(us, analyst, dated).edition
    assert (named.as_of, named.as_of_from) == ("2026-11-22", "file-name")


def test_a_day_to_come_would_stay_the_newest_for_ever(
    us: Node, analyst: Caller, tmp_path: Path
) -> None:
    today = us.clock.now().date()
    for ahead, refused in ((0, False), (1, False), (2, True), (400, True)):
        day = today + timedelta(days=ahead)
        rows = [{**UK_ROWS[2], "Unique ID": f"RUS{ahead}"}]
        path = file(tmp_path, uk_csv(rows, f"{day:%d-%b-%Y}"), f"{ahead}.csv")
        if refused:
            with pytest.raises(Invalid) as caught:
                bring(us, analyst, path)
            assert caught.value.code == "list.day"
        else:
            assert bring(us, analyst, path).edition.as_of == day.isoformat()
    with pytest.raises(Invalid) as said:
        bring(us, analyst, OFAC_2021, as_of="2999-01-01")
    assert said.value.code == "list.day"
    assert len(lists.editions(us, analyst)) == 2


@pytest.mark.parametrize(
    "when", ["yesterday", "2026-11-28", "2026-11-28T08:00:00", "2026-13-01T0Z"]
)
def test_when_a_list_was_fetched_is_an_instant(us: Node, analyst: Caller, when: str) -> None:
    with pytest.raises(Invalid) as caught:
        bring(us, analyst, OFAC_2021, fetched_at=when)
    assert caught.value.code == "list.terms"


def test_what_is_refused_leaves_nothing(us: Node, analyst: Caller, tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(gzip.compress(EU_2024.read_bytes())[:-200])
    for path in (cut, file(tmp_path, "<Sanctions/>", "advanced.xml")):
        with pytest.raises(ComityError):
            bring(us, analyst, path)
    with pytest.raises(Invalid) as caught:
        bring(us, analyst, EU_2024, series="us-ofac-sdn")
    assert caught.value.code == "list.other-series"
    with pytest.raises(Invalid) as short:
        lists.import_list(us, analyst, EU_2024, ImportTerms("eu.xml"))
    assert short.value.code == "list.too-short"
    assert lists.editions(us, analyst) == []
    assert acts(us) == []


@pytest.mark.parametrize("reference", ["X" * 301, "a\0b"], ids=["too long", "NUL"])
def test_a_reference_that_no_address_can_name_is_refused(
    us: Node, analyst: Caller, tmp_path: Path, reference: str
) -> None:
    long = {**UK_ROWS[1], "Unique ID": "A", "Name 6": "N" * 5000}  # a NUL above means UTF-16
    path = file(tmp_path, uk_csv([long, {**UK_ROWS[1], "Unique ID": reference}]), "uk.csv")
    with pytest.raises(Invalid) as caught:
        bring(us, analyst, path, partial=True)
    assert caught.value.code == "list.malformed"
    assert acts(us) == []


def test_an_entry_with_every_leaf_of_its_source(us: Node, analyst: Caller) -> None:
    made = bring(us, analyst, OFAC_2024)
    found = lists.entry(us, analyst, made.edition.id, "29220")
    assert ("lastName", "CHEN") in {(leaf.path, leaf.value) for leaf in found.leaves}
    page = lists.edition(us, analyst, made.edition.id, limit=10)
    rest = lists.edition(us, analyst, made.edition.id, limit=200, after=page.more)
    ids = [one.id for one in (*page.entries, *rest.entries)]
    assert len(ids) == len(set(ids)) == made.edition.count
    with pytest.raises(NotFound):
        lists.entry(us, analyst, made.edition.id, "0")


def test_a_list_goes_round_as_entities(us: Node, analyst: Caller, tmp_path: Path) -> None:
    made = bring(us, analyst, EU_2024).edition
    entities: list[dict[str, object]] = []
    after, pages = "", 0
    while pages == 0 or after:
        page = list_entities.entity_page(us, analyst, made.id, limit=3, after=after)
        entities += page.entities
        after, pages = page.more, pages + 1
    assert pages == -(-made.count // 3)
    lines = "".join(f"{json.dumps(one)}\n" for one in entities)
    path = file(tmp_path, lines, "eu-2024-05-13.ftm.json")
    back = bring(us, analyst, path).edition
    assert (back.series.id, back.layout, back.as_of) == ("ftm-eu-fsf", "ftm", "2024-05-13")
    assert back.count == made.count
    with pytest.raises(NotFound):
        list_entities.entity_page(us, analyst, "0" * 32, limit=3)


def test_who_may_bring_and_read_lists(federation: Federation, us: Node, analyst: Caller) -> None:
    made = bring(us, analyst, OFAC_2021)
    auditor = federation.officer(US, "auditor")
    assert lists.editions(us, auditor) == [made.edition]
    for name in ("auditor", "admin"):
        with pytest.raises(Refused):
            bring(us, federation.officer(US, name), OFAC_2024)
    with pytest.raises(Refused):
        lists.editions(us, federation.officer(US, "admin"))
