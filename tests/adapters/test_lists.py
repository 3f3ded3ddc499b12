"""Readers of published lists, on small made-up files in the published layouts."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.lists import eu, ofac, tables
from api.adapters.lists.entries import Entry, Published, require_enough
from api.domain.errors import ComityError

OFAC = b"""<?xml version="1.0"?>
<sdnList xmlns="http://tempuri.org/sdnList.xsd">
  <publshInformation><Publish_Date>03/10/2021</Publish_Date><Record_Count>2</Record_Count></publshInformation>
  <sdnEntry><uid>1</uid><firstName>Ada</firstName><lastName>EXAMPLE</lastName>
    <sdnType>Individual</sdnType><programList><program>GLOMAG</program><program>UHRPA</program></programList>
    <akaList><aka><uid>9</uid><type>a.k.a.</type><lastName>Alias One</lastName></aka></akaList>
    <dateOfBirthList><dateOfBirthItem><dateOfBirth>1955</dateOfBirth></dateOfBirthItem></dateOfBirthList>
    <remarks>(Linked To: A BUREAU)</remarks></sdnEntry>
  <sdnEntry><uid>2</uid><lastName>A BUREAU</lastName><sdnType>Entity</sdnType>
    <programList><program>GLOMAG</program></programList></sdnEntry>
</sdnList>"""

SDN_CSV = (
    b'1,"EXAMPLE, Ada","individual","GLOMAG] [UHRPA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"Remark."\n'
    b'2,"A BUREAU",-0- ,"GLOMAG",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n\x1a'
)
ALT_CSV = b'1,7,"aka","Alias One",-0- \n99,8,"aka","Of nobody",-0- \n'

EU = """<?xml version='1.0'?>
<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2024-05-13T17:44:28+02:00">
  <sanctionEntity designationDate="2021-03-22" euReferenceNumber="EU.1.1" logicalId="5">
    <regulation programme="HR" publicationDate="2023-12-06"/>
    <subjectType code="person"/>
    <nameAlias wholeName="Ada EXAMPLE"/><nameAlias wholeName="Ада ПРИМЕР"/>
    <birthdate birthdate="1955-11-01"/></sanctionEntity>
  <sanctionEntity euReferenceNumber="" logicalId="6"><subjectType code="enterprise"/>
    <nameAlias wholeName="A BUREAU"/></sanctionEntity>
</export>""".encode()

CANADA = (
    b"Country,LastName,GivenName,EntityOrShip,TitleOrShip,DateOfBirthOrShipBuildDate,ShipIMONumber,"
    b"Schedule,Item,DateOfListing,Aliases\n"
    b'Testland,Example,Ada,,,20394,,"1, Part 1",1,2021-03-21,Alias One; Alias Two\n'
    b'Testland,,,A Bureau,,,,"1, Part 2",1,2021-03-21,\n'
)

UK = (
    "Report Date: 23-Nov-2026\n"
    "Last Updated,Unique ID,OFSI Group ID,Name 6,Name 1,Name 2,Name type,Name non-latin script,"
    "Regime Name,Designation Type,UK Statement of Reasons,Date Designated,D.O.B\n"
    "22/03/2021,GHR0001,1,Example,Ada,,Primary Name,,A regime,Individual,For the test.,22/03/2021,1955\n"
    "22/03/2021,GHR0001,1,Beispiel,Ada,,Alias,阿达,A regime,Individual,,22/03/2021,1955\n"
).encode()


def test_ofac_xml_by_local_names() -> None:
    found = ofac.read_xml(io.BytesIO(OFAC))
    assert (found.as_of, found.stated) == ("2021-03-10", 2)
    first, second = found.entries
    assert first == Entry(
        "1",
        "person",
        ("Ada EXAMPLE", "Alias One"),
        ("GLOMAG", "UHRPA"),
        births=("1955",),
        note="(Linked To: A BUREAU)",
    )
    assert (second.kind, second.names) == ("entity", ("A BUREAU",))
    other = OFAC.replace(b"tempuri.org/sdnList.xsd", b"sanctionslist.example/XML")
    assert ofac.read_xml(io.BytesIO(other)).entries == found.entries


def test_ofac_csv_with_aliases() -> None:
    found = ofac.read_csv(io.BytesIO(SDN_CSV), io.BytesIO(ALT_CSV))
    assert [entry.id for entry in found.entries] == ["1", "2"]
    assert found.entries[0].names == ("EXAMPLE, Ada", "Alias One")
    assert found.entries[0].programs == ("GLOMAG", "UHRPA")
    assert found.entries[1].note == ""


def test_eu_uses_its_designation_date_and_not_the_last_act() -> None:
    found = eu.read_xml(io.BytesIO(EU))
    assert found.as_of == "2024-05-13"
    assert found.entries[0].listed_on == "2021-03-22"
    assert found.entries[0].names == ("Ada EXAMPLE", "Ада ПРИМЕР")
    assert (found.entries[1].id, found.entries[1].listed_on) == ("6", "")


def test_canada_with_a_serial_date() -> None:
    found = tables.read_canada(io.BytesIO(CANADA))
    person, body = found.entries
    assert person.names == ("Ada Example", "Alias One", "Alias Two")
    assert person.births == ("1955-11-01",)
    assert person.listed_on == "2021-03-21"
    assert (body.kind, body.names) == ("entity", ("A Bureau",))


def test_uk_brings_the_rows_of_one_id_together() -> None:
    found = tables.read_uk(io.BytesIO(UK))
    assert found.as_of == "2026-11-23"
    (one,) = found.entries
    assert one.names == ("Ada Example", "Ada Beispiel", "阿达")
    assert (one.listed_on, one.note) == ("22/03/2021", "For the test.")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (OFAC[:-40], "list.malformed"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + OFAC, "list.doctype"),
        (b"", "list.malformed"),
    ],
)
def test_broken_xml_is_refused(data: bytes, code: str) -> None:
    for read in (ofac.read_xml, eu.read_xml):
        with pytest.raises(ComityError) as refusal:
            read(io.BytesIO(data))
        assert refusal.value.code == code


def test_tables_without_their_headings_are_refused() -> None:
    for read in (tables.read_canada, tables.read_uk):
        with pytest.raises(ComityError) as refusal:
            read(io.BytesIO(b"a,b,c\n1,2,3\n"))
        assert refusal.value.code == "list.headings"
    with pytest.raises(ComityError):
        ofac.read_csv(io.BytesIO(b"x,y\n"))


def published(count: int, stated: int | None = None) -> Published:
    entries = tuple(Entry(str(number), "person", ("A",)) for number in range(count))
    return Published("ofac", "2026-11-23", entries, stated)


@pytest.mark.parametrize(
    ("found", "floor", "before", "code"),
    [
        (published(0), 1, None, "list.too-short"),
        (published(79), 0, 100, "list.too-short"),
        (published(10, 11), 0, None, "list.count-mismatch"),
        (published(80, 80), 0, 100, ""),
    ],
)
def test_a_list_that_is_too_short_is_no_mass_delisting(
    found: Published, floor: int, before: int | None, code: str
) -> None:
    if not code:
        require_enough(found, floor, before)
        return
    with pytest.raises(ComityError) as refusal:
        require_enough(found, floor, before)
    assert refusal.value.code == code


@given(st.binary(max_size=300))
def test_readers_refuse_or_read_and_never_fail_otherwise(data: bytes) -> None:
    for read in (ofac.read_xml, ofac.read_csv, eu.read_xml, tables.read_canada, tables.read_uk):
        try:
            read(io.BytesIO(data))
        except ComityError as refusal:
            assert refusal.code.startswith("list.")  # noqa: PT017
