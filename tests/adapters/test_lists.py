"""Readers of published lists, on small real extracts and on invented files in published layouts."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.adapters.lists import READERS, eu, followthemoney, published, regulations
from api.adapters.lists.canada import aliases_in
from api.adapters.lists.ofac import links_in
from api.domain.errors import ComityError, Invalid
from api.domain.lists import tree
from api.domain.lists.births import Precision
from api.domain.lists.entries import EntryKind, ListEntry, Published, Strength
from tests.support import list_files
from tests.support.list_files import (
    CHINA_2025,
    CHINE,
    ENHANCED,
    EU_2024,
    OFAC_2021,
    OFAC_2024,
    QUARTET,
    UK_ROWS,
    UN,
    canada_xml,
    uk_csv,
)


def write(folder: Path, content: str | bytes, name: str = "whatever.bin") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> tuple[Published, dict[str, ListEntry]]:
    found = published(path)
    return found, {entry.id: entry for entry in found.entries}


def refused(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        list(published(path).entries)
    return caught.value.code


def zipped(paths: list[Path]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    return target.getvalue()


# ---- what each layout says -------------------------------------------------------------------


def test_ofac_plain_in_both_namespaces() -> None:
    old, before = read(OFAC_2021)
    new, after = read(OFAC_2024)
    assert (old.series.id, old.as_of, old.stated) == ("us-ofac-sdn", "2021-03-10", len(before))
    assert (new.series.id, new.as_of, new.stated) == ("us-ofac-sdn", "2024-05-07", len(after))
    bureau = next(one for one in after.values() if one.name == "XINJIANG PUBLIC SECURITY BUREAU")
    assert (bureau.kind, bureau.programs) == (EntryKind.ENTITY, ("GLOMAG",))
    assert {one.strength for one in bureau.names} == {Strength.PRIMARY, Strength.STRONG}
    chen = next(one for one in after.values() if one.name == "Quanguo CHEN")
    assert [(one.text, one.precision) for one in chen.births] == [("1955", Precision.YEAR)]


def test_ofac_csv_quartet_with_what_its_remarks_hold(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(QUARTET))
    found, entries = read(path)
    assert found.series.id == "us-ofac-sdn"
    zhu = entries["29219"]
    assert (zhu.name, zhu.kind) == ("Hailun ZHU", EntryKind.PERSON)
    assert [(one.earliest, one.precision) for one in zhu.births] == [
        ("1958-01-01", Precision.MONTH)
    ]
    # Remarks that are too long for sdn.csv go on in sdn_comments.csv, in the middle of a word.
    assert any("R D I S.A." in one.name for one in entries["12300"].links)
    assert entries["36"].names[1].text == "AERO-CARIBBEAN"
    assert "Havana" in entries["36"].addresses[0]


def test_ofac_enhanced_with_dates_for_each_list(tmp_path: Path) -> None:
    found, entries = read(write(tmp_path, ENHANCED))
    assert (found.layout, found.series.id, found.as_of) == (
        "ofac-enhanced",
        "us-ofac-sdn",
        "2026-10-08",
    )
    one = entries["29220"]
    assert (one.listed_on, one.programs, one.measures) == ("2020-07-09", ("GLOMAG",), ("Block",))
    assert [(name.text, name.strength) for name in one.names] == [
        ("Ada EXAMPLE", Strength.PRIMARY),
        ("阿达", Strength.PRIMARY),
        ("SPECIMEN", Strength.WEAK),
    ]
    assert (one.births[0].earliest, one.births[0].latest) == ("1955-01-01", "1955-12-31")
    assert (one.identifiers[0].number, one.links[0].entry) == ("X1234567", "29300")


@pytest.mark.parametrize(
    ("id_", "main", "alias"),
    [
        ("EU.312.72", "Abdul Baqi Basir Awal Shah", "Abdul Baqi"),
        ("EU.334.4", "Sayed Esmatullah Asem Abdul Quddus", "Sayed Esmatullah Asem"),
    ],
)
def test_an_eu_entry_is_called_by_its_main_name_wherever_the_file_prints_it(
    id_: str, main: str, alias: str
) -> None:
    entry = read(EU_2024)[1][id_]
    strength = {one.text: one.strength for one in entry.names}
    assert (entry.name, strength[main], strength[alias]) == (main, "primary", "strong")
    (entity, *_) = followthemoney.entities_of(eu.SERIES, entry, frozenset())
    assert entity["properties"]["name"][0] == main


def test_eu_with_language_strength_and_first_listing() -> None:
    found, entries = read(EU_2024)
    assert (found.series.id, found.as_of) == ("eu-fsf", "2024-05-13")
    zhu = next(one for one in entries.values() if "朱海仑" in {n.text for n in one.names})
    assert zhu.names[0].text.isascii()
    assert zhu.listed_on == "2021-03-22"
    assert zhu.programs == ("HR",)
    names = [name for one in entries.values() for name in one.names]
    assert {Strength.STRONG, Strength.PRIMARY} <= {name.strength for name in names}
    assert {name.language for name in names} >= {"zh", ""}
    ranges = [birth for one in entries.values() for birth in one.births if birth.circa]
    assert any(one.precision is Precision.RANGE for one in ranges)
    assert all(one.text.strip("0") for entry in entries.values() for one in entry.births)
    # One subject under two programmes is printed twice and is one entry.
    twice = entries["EU.334.4"]
    assert len(twice.programs) > 1
    assert len(twice.source.children) == 2


def test_uk_of_2026_with_its_58_columns(tmp_path: Path) -> None:
    assert len(list_files.UK_HEADINGS) == 58
    found, entries = read(write(tmp_path, uk_csv(UK_ROWS)))
    assert (found.series.id, found.as_of) == ("uk-sanctions-list", "2026-10-08")
    one = entries["GHR0001"]
    assert [name.text for name in one.names] == ["Ada EXAMPLE", "阿达", "Ada BEISPIEL"]
    assert (one.listed_on, one.measures) == ("2021-03-22", ("Asset freeze", "Travel Ban"))
    assert (one.births[0].earliest, one.births[0].precision) == ("1975-01-01", Precision.YEAR)
    assert one.note == 'Said "so", in two lines.'
    ship = entries["RUS2176"]
    assert (ship.kind, ship.identifiers[0].number) == (EntryKind.VESSEL, "9999999")


def test_the_united_kingdom_before_2026(tmp_path: Path) -> None:
    """Then one heading held three words, and 56 columns were published."""
    table = uk_csv(UK_ROWS).replace("Designation Type", '"Individual, Entity, Ship"')
    _, entries = read(write(tmp_path, table))
    assert [one.kind for one in entries.values()] == [EntryKind.PERSON, EntryKind.VESSEL]


@pytest.mark.parametrize("words", ["2020", "2025", "2026"])
def test_canada_in_three_vocabularies(tmp_path: Path, words: str) -> None:
    records = [
        ("Russia / Russie", "EXAMPLE", "Ada", "", "Head |Chef", "1975", "A; B\u200b", "1", "7"),
        ("Russia / Russie", "", "", "Specimen Co., Ltd.", "", "", "One, Ltd., Two", "1", "8"),
    ]
    found, entries = read(write(tmp_path, canada_xml(words, records)))
    assert (found.series.id, found.as_of) == ("ca-sema-lmes", "")
    person, body = entries["Russia/1/7"], entries["Russia/1/8"]
    assert (person.kind, person.programs) == (EntryKind.PERSON, ("Russia",))
    assert [one.text for one in person.names] == ["Ada EXAMPLE", "A", "B"]
    assert person.posts == ("Head", "Chef")
    assert [one.text for one in body.names] == ["Specimen Co., Ltd.", "One, Ltd.", "Two"]


def test_rows_of_canada_without_an_item_stay_apart(tmp_path: Path) -> None:
    records = [
        ("Testland", "Example", "Ada", "", "", "1960", "", "N/A", ""),
        ("Testland", "Specimen", "Bob", "", "", "1961", "", "N/A", ""),
        ("Testland", "Specimen", "Bob", "", "", "1990", "", "N/A", ""),
    ]
    _, entries = read(write(tmp_path, canada_xml("2025", records)))
    assert [one.name for one in entries.values()] == ["Ada Example", "Bob Specimen", "Bob Specimen"]
    assert [one.births[0].text for one in entries.values()] == ["1960", "1961", "1990"]


def test_the_retired_canadian_table_in_old_and_new_words(tmp_path: Path) -> None:
    for entity in ("Entity", "EntityOrShip", "EntityOrShip-EntiteOuNavire"):
        table = f"Country,LastName,GivenName,{entity},Schedule,Item,DateOfListing\n"
        rows = "Testland,Example,Ada,,1,1,44276\nTestland,,,A Bureau,1,2,2021-03-21\n"
        found, entries = read(write(tmp_path, table + rows))
        assert found.layout == "ca-csv"
        assert entries["Testland/1/1"].listed_on == "2021-03-21"
        assert entries["Testland/1/2"].kind is EntryKind.ENTITY


@pytest.mark.parametrize(
    ("path", "series"), [(CHINA_2025, "ca-sor-2021-49"), (CHINE, "ca-dors-2021-49")]
)
def test_canadian_regulations_in_both_languages(path: Path, series: str) -> None:
    found, entries = read(path)
    assert (found.series.id, found.as_of, len(entries)) == (series, "2025-07-24", 13)
    chen = next(one for one in entries.values() if one.name == "CHEN Quanguo")
    assert (chen.listed_on, chen.kind) == ("2024-12-09", EntryKind.PERSON)
    assert (chen.births[0].earliest, chen.births[0].precision) == ("1955-11-01", Precision.MONTH)
    bureau = next(one for one in entries.values() if "Bureau" in one.name)
    assert (bureau.kind, bureau.listed_on) == (EntryKind.ENTITY, "2021-03-21")


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("Individuals — Grave Breach of International Peace and Security", EntryKind.PERSON),
        ("Entities — Grave Breach of International Peace and Security", EntryKind.ENTITY),
        ("Entities Linked to Foreign Nationals", EntryKind.ENTITY),
        ("Foreign Nationals", EntryKind.PERSON),
        ("Entités — violation grave de la paix internationale", EntryKind.ENTITY),
        ("Étrangers", EntryKind.PERSON),
        ("Persons Known in International Trade", EntryKind.OTHER),
    ],
)
def test_whom_a_part_of_a_schedule_lists(tmp_path: Path, part: str, kind: EntryKind) -> None:
    text = CHINA_2025.read_text("utf-8").replace("<TitleText>Entities<", f"<TitleText>{part}<")
    assert f">{part}<" in text
    _, entries = read(write(tmp_path, text))
    assert entries["SOR/2021-49/Schedule/Part 2/1"].kind is kind


def test_what_stands_in_the_brackets_of_an_item() -> None:
    names, births = regulations.read_text(
        "Yuliya Aleksandrovna BLIZNIUK (born on September 23, 1971) (also known as Yuliya "
        "BLIZNIUK, Julija BLIZNJUK and Julija Aleksandrovna BLIZNJUK)"
    )
    assert [one.text for one in names] == [
        "Yuliya Aleksandrovna BLIZNIUK",
        "Yuliya BLIZNIUK",
        "Julija BLIZNJUK",
        "Julija Aleksandrovna BLIZNJUK",
    ]
    assert births[0].earliest == "1971-09-23"
    names, _ = regulations.read_text("Andrey (Andrei, Andrii) Olegovich SHIPITSYN (born in 1969)")
    assert [one.text for one in names] == [
        "Andrey Olegovich SHIPITSYN",
        "Andrei Olegovich SHIPITSYN",
        "Andrii Olegovich SHIPITSYN",
    ]
    names, births = regulations.read_text("Ada Example, born June 19, 1977 (also known as A. E.)")
    assert [one.text for one in names] == ["Ada Example", "A. E."]
    assert births[0].earliest == "1977-06-19"
    names, births = regulations.read_text("Ada Exemple, née le 3 mai 1970")
    assert (names[0].text, births[0].earliest) == ("Ada Exemple", "1970-05-03")
    names, births = regulations.read_text("Ada EXAMPLE (born in 1954")
    assert (names[0].text, births[0].earliest) == ("Ada EXAMPLE", "1954-01-01")
    for text in ("Ada EXAMPLE also known as “Eva” or “Ida”", "Ada EXAMPLE aka “Eva”, “Ida”"):
        names, _ = regulations.read_text(text)
        assert [one.text for one in names] == ["Ada EXAMPLE", "“Eva”", "“Ida”"]
    names, births = regulations.read_text("Ada, born Specimen")
    assert (names[0].text, births) == ("Ada, born Specimen", ())
    names, births = regulations.read_text("State Authority for Military Industry (SAMI)")
    assert [(one.text, one.strength) for one in names][1] == ("SAMI", Strength.WEAK)
    assert not births


def test_united_nations(tmp_path: Path) -> None:
    found, entries = read(write(tmp_path, UN))
    assert (found.series.id, found.as_of, list(entries)) == (
        "un-sc-consolidated",
        "2026-02-27",
        ["TLi.001", "TLe.001"],
    )
    one = entries["TLi.001"]
    assert [(name.text, name.strength) for name in one.names][-1] == ("Ada E", Strength.WEAK)
    assert (one.births[0].earliest, one.births[0].latest) == ("1955-01-01", "1957-12-31")


# ---- every leaf ------------------------------------------------------------------------------


def values_of(path: Path, tag: str) -> list[str]:
    """Every text and attribute inside elements of a name, by another parser than the reader's."""
    found = []
    for element in ET.parse(path).iter():  # noqa: S314 - our own extracts
        if element.tag.rpartition("}")[2] == tag:
            for inner in element.iter():
                found += [inner.text or "", *inner.attrib.values()]
                found += [inner.tail or ""] if inner is not element else []
    return sorted(value for value in found if value.strip())


@pytest.mark.parametrize(
    ("path", "tag"), [(OFAC_2024, "sdnEntry"), (EU_2024, "sanctionEntity"), (OFAC_2021, "sdnEntry")]
)
def test_every_leaf_of_an_entry_is_kept_with_its_path(path: Path, tag: str) -> None:
    _, entries = read(path)
    kept = [ListEntry.unpacked(entry.packed()) for entry in entries.values()]
    leaves = [leaf for entry in kept for leaf in tree.leaves(entry.source)]
    assert sorted(leaf.value for leaf in leaves if leaf.value.strip()) == values_of(path, tag)
    for entry in kept:
        paths = [leaf.path for leaf in tree.leaves(entry.source)]
        assert len(paths) == len(set(paths))


def test_every_leaf_of_a_schedule_is_in_an_entry_or_in_the_head() -> None:
    found, entries = read(CHINA_2025)
    leaves = [leaf for entry in entries.values() for leaf in tree.leaves(entry.source)]
    leaves += tree.leaves(found.head)
    assert sorted(leaf.value for leaf in leaves if leaf.value.strip()) == sorted(
        values_of(CHINA_2025, "Regulation")
    )


def test_every_cell_of_a_table_is_kept(tmp_path: Path) -> None:
    _, entries = read(write(tmp_path, uk_csv(UK_ROWS)))
    kept = [leaf.value for one in entries.values() for leaf in tree.leaves(one.source)]
    assert sorted(kept) == sorted(value for row in UK_ROWS for value in row.values())


# ---- packed, encoded, named in any way -------------------------------------------------------


def test_recognised_by_content_whatever_it_is_called(tmp_path: Path) -> None:
    plain = OFAC_2021.read_bytes()
    expected = list(read(OFAC_2021)[1])
    for name, content in (
        ("list.csv", plain),
        ("list.xml", gzip.compress(plain)),
        ("list.csv.gz", zipped([OFAC_2021])),
    ):
        assert list(read(write(tmp_path, content, name))[1]) == expected
    inner = write(tmp_path, gzip.compress(plain), "inner.gz")
    assert list(read(write(tmp_path, zipped([inner])))[1]) == expected


UMLAUTS = 'Country,LastName,GivenName,EntityOrShip,Schedule,Item\n"Tést",Renée,Ada,,1,1\n'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_tables_in_every_encoding_that_occurs(tmp_path: Path, encoding: str) -> None:
    _, entries = read(write(tmp_path, UMLAUTS.encode(encoding)))
    assert [one.name for one in entries.values()] == ["Ada Renée"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_in_every_encoding_that_occurs(tmp_path: Path, encoding: str) -> None:
    text = canada_xml("2025", [("Testland", "Renée", "Ada", "", "", "", "", "1", "1")])
    coded = text.replace("UTF-8", encoding).encode(encoding)
    assert [one.name for one in read(write(tmp_path, coded))[1].values()] == ["Ada Renée"]


# ---- refused, by name ------------------------------------------------------------------------

DOCTYPE = '<!DOCTYPE sdnList [<!ENTITY a "xxxx"><!ENTITY b "&a;&a;&a;">]>'


def with_doctype(before: str = "") -> str:
    head, _, rest = OFAC_2021.read_text().partition("?>")
    return f"{head}?>{before}{DOCTYPE}{rest}"


def test_a_document_type_is_refused_in_any_encoding_and_at_any_depth(tmp_path: Path) -> None:
    far = f"<!--{' ' * 3_000_000}-->"
    for content in (
        with_doctype().encode(),
        with_doctype(far).encode(),
        with_doctype().replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode("utf-16"),
        with_doctype("<?pi some?>").encode(),
        gzip.compress(with_doctype().encode()),
    ):
        assert refused(write(tmp_path, content)) == "list.doctype"
    inside = OFAC_2021.read_text().replace("<sdnEntry>", f"{DOCTYPE}<sdnEntry>", 1)
    assert refused(write(tmp_path, inside)) == "list.malformed"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('<Sanctions xmlns="http://x/ADVANCED_XML"/>', "advanced"),
        ('<sanctionsData xmlns="https://x/DeltaFile/1.0"/>', "delta"),
        ("<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
        ("<html><body>Not found</body></html>", "web page"),
        ('{"error": 404}', "JSON"),
        ("%PDF-1.7 ...", "PDF"),
        ('<Statute xml:lang="en"/>', "Act"),
        ("<ArrayOfFinancialSanctionsTarget/>", "OFSI"),
        ("Last Updated,28/01/2026\nName 6,Name 1,Group ID\n", "OFSI"),
        ("<anything/>", "layout that is not read"),
        ("a,b,c\n1,2,3\n", "headings or columns of no list"),
    ],
)
def test_another_layout_is_refused_by_its_name(tmp_path: Path, content: str, word: str) -> None:
    with pytest.raises(Invalid) as caught:
        published(write(tmp_path, content))
    assert caught.value.code == "list.unknown-layout"
    assert word in caught.value.message


def test_another_layout_is_refused_within_its_first_megabyte(tmp_path: Path) -> None:
    """What follows is never read: a broken archive there makes no difference."""
    start = b'<Sanctions xmlns="http://x/ADVANCED_XML">' + b"<a/>" * 500_000
    packed = gzip.compress(start + bytes(range(256)) * 40_000)
    assert refused(write(tmp_path, packed[:-1000])) == "list.unknown-layout"


def test_what_is_broken_is_refused_with_a_code(tmp_path: Path) -> None:
    plain = OFAC_2021.read_bytes()
    packed = gzip.compress(plain)
    assert refused(write(tmp_path, b"")) == "list.empty"
    assert refused(write(tmp_path, b" \n\n")) == "list.empty"
    assert refused(write(tmp_path, plain[: len(plain) // 2])) == "list.malformed"
    assert refused(write(tmp_path, packed[: len(packed) // 2])) == "list.packed"
    assert refused(write(tmp_path, packed[:-4])) == "list.packed"
    assert refused(write(tmp_path, b"\x1f\x8b" + plain)) == "list.packed"
    archive = zipped([OFAC_2021])
    assert refused(write(tmp_path, archive[: len(archive) // 2])) == "list.packed"
    assert refused(write(tmp_path, zipped([OFAC_2021, EU_2024]))) == "list.unknown-layout"
    assert refused(write(tmp_path, zipped([OFAC_2021, OFAC_2024]))) == "list.several-lists"
    assert refused(write(tmp_path, zipped(QUARTET[1:2]))) == "list.unknown-layout"
    assert refused(write(tmp_path, b'1,"A",-0- ,"X"\n\x81\x8d,\n')) == "list.encoding"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (OFAC_2021, "03/10/2021", "a/b//abs/path"),
        (OFAC_2021, "03/10/2021", "../../profiles/x"),
        (OFAC_2021, "03/10/2021", "31/31/2021"),
        (EU_2024, "2024-05-13T", "../../../xT"),
        (EU_2024, "2024-05-13T", "2024-13-13T"),
    ],
)
def test_the_day_of_a_list_is_a_day(tmp_path: Path, path: Path, old: str, new: str) -> None:
    assert refused(write(tmp_path, path.read_text().replace(old, new, 1))) == "list.day"


def outcome_of(path: Path) -> str:
    try:
        list(published(path).entries)
    except ComityError as refusal:
        return refusal.code
    return "read"


@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("any"), data)
    assert outcome_of(path).startswith(("list.", "read"))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_damaged_list_is_read_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = data.draw(st.sampled_from([OFAC_2021, EU_2024, CHINA_2025, *QUARTET[:1]])).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path = write(
        tmp_path_factory.mktemp("damaged"),
        whole[:at] + data.draw(st.binary(min_size=1, max_size=4)) + whole[at + 1 :],
    )
    assert outcome_of(path).startswith(("list.", "read"))


def test_reading_forgets_what_it_has_read(tmp_path: Path) -> None:
    """Entries do not stay below the root: the reader holds one of them at a time."""
    import tracemalloc

    entry = OFAC_2024.read_text().split("  <sdnEntry>", 2)[1].rpartition("</sdnEntry>")[0]
    head = OFAC_2024.read_text().split("  <sdnEntry>", 1)[0]

    def peak(count: int) -> int:
        many = (entry.replace("<uid>36<", f"<uid>{n + 1000}<", 1) for n in range(count))
        body = "".join(f"<sdnEntry>{one}</sdnEntry>\n" for one in many)
        path = write(tmp_path, f"{head}{body}</sdnList>")
        tracemalloc.start()
        assert sum(1 for _ in published(path).entries) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(3_000) < peak(1_500) * 1.5


# ---- parts -----------------------------------------------------------------------------------


def test_aliases_in_one_text() -> None:
    assert aliases_in("A Co., Ltd.; B, Inc.") == ("A Co., Ltd.", "B, Inc.")
    assert aliases_in("Htoo Wood, Htoo Wood Products Pte. Limited") == (
        "Htoo Wood",
        "Htoo Wood Products Pte. Limited",
    )
    assert aliases_in("") == ()


@pytest.mark.parametrize(
    ("remarks", "names"),
    [
        ("(Linked To: A BUREAU)", ["A BUREAU"]),
        ("(Linked To: A CO. (LTD), B)", ["A CO. (LTD), B"]),
        (
            "DOB 1 Jan 1970; Linked To: ONE S.A. DE C.V.; Linked To: TWO.",
            ["ONE S.A. DE C.V.", "TWO"],
        ),
        ("(Linked To: ONE) (Linked To: TWO; B)", ["ONE", "TWO"]),
        ('a.k.a. "alpha, 1"', []),
    ],
)
def test_links_in_remarks(remarks: str, names: list[str]) -> None:
    assert [one.name for one in links_in(remarks)] == names


def test_every_reader_says_what_it_reads() -> None:
    assert all(
        reader.title and (reader.root or reader.headings or name in {"ofac-csv", "ftm"})
        for name, reader in READERS.items()
    )


def entries_of(path: Path) -> Iterator[ListEntry]:
    return iter(published(path).entries)


def test_a_remark_with_a_quoted_comma_stays_whole(tmp_path: Path) -> None:
    row = '1,"EXAMPLE, Ada","individual","X",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"Said ""alpha, 1"" b."\n'
    (one,) = entries_of(write(tmp_path, row))
    assert one.note == 'Said "alpha, 1" b.'
