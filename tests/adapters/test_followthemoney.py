"""FollowTheMoney entities in and out; the package of that name judges what goes out."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from api.adapters.lists import published
from api.adapters.lists.followthemoney import country_code, entities_of, entity_id
from api.domain.errors import Invalid
from api.domain.lists import tree
from api.domain.lists.births import Precision
from api.domain.lists.entries import EntryKind, ListEntry, Strength
from tests.support import foreign
from tests.support.entities import judged_entities
from tests.support.list_files import CHINA_2025, ENHANCED, EU_2024, OFAC_2024

ENTITIES = [
    {
        "id": "Q1",
        "schema": "Person",
        "datasets": ["xx_example_list"],
        "target": True,
        "properties": {
            "name": ["Ada Example"],
            "alias": ["Ада Экземпл"],
            "weakAlias": ["Spec"],
            "previousName": ["Ada Specimen"],
            "birthDate": ["1975-03"],
            "birthPlace": ["Testville"],
            "nationality": ["ru"],
            "position": ["Head of a bureau"],
            "passportNumber": ["X1234567"],
            "addressEntity": ["A1"],
            "notes": ["What is said of her."],
        },
    },
    {
        "id": "S1",
        "schema": "Sanction",
        "properties": {
            "entity": ["Q1"],
            "program": ["EXAMPLE"],
            "provisions": ["Asset freeze"],
            "startDate": ["2021-03-22"],
            "listingDate": ["2021-03-24", "soon"],
        },
    },
    {"id": "A1", "schema": "Address", "properties": {"full": ["1 Test Street, Testville"]}},
    {
        "id": "P1",
        "schema": "Identification",
        "properties": {"holder": ["Q1"], "type": ["Cedula"], "number": ["77"], "country": ["co"]},
    },
    {"id": "Q2", "schema": "Company", "properties": {"name": ["Specimen Ltd"], "taxNumber": ["9"]}},
    {
        "id": "O1",
        "schema": "Ownership",
        "properties": {"owner": ["Q1"], "asset": ["Q2"], "role": ["owner"], "percentage": [51]},
    },
    {"id": "C1", "schema": "CallForTenders", "properties": {"title": ["Nobody's"]}},
]


def lines(entities: Iterable[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in entities)


def written(folder: Path, content: str) -> Path:
    path = folder / "entities.ftm.json"
    path.write_text(content, encoding="utf-8")
    return path


def given_away(path: Path) -> tuple[dict[str, ListEntry], list[dict[str, Any]]]:
    """A list's entries, and the entities that they become."""
    found = published(path)
    entries = {one.id: one for one in found.entries}
    known = frozenset(entries)
    return entries, [
        entity for one in entries.values() for entity in entities_of(found.series, one, known)
    ]


def test_a_file_of_entities_is_a_list_of_its_subjects(tmp_path: Path) -> None:
    found = published(written(tmp_path, lines(ENTITIES)))
    entries = {one.id: one for one in found.entries}
    assert (found.series.id, found.layout, found.as_of) == ("ftm-xx-example-list", "ftm", "")
    assert list(entries) == ["Q1", "Q2"]
    ada, firm = entries.values()
    assert (ada.kind, firm.kind) == (EntryKind.PERSON, EntryKind.ENTITY)
    assert [(one.text, one.strength) for one in ada.names] == [
        ("Ada Example", Strength.PRIMARY),
        ("Ада Экземпл", Strength.STRONG),
        ("Ada Specimen", Strength.STRONG),
        ("Spec", Strength.WEAK),
    ]
    assert (ada.births[0].earliest, ada.births[0].precision) == ("1975-03-01", Precision.MONTH)
    assert (ada.listed_on, ada.programs) == ("2021-03-22", ("EXAMPLE",))
    assert (ada.measures, ada.posts) == (("Asset freeze",), ("Head of a bureau",))
    assert ada.addresses == ("1 Test Street, Testville",)
    assert [(one.kind, one.number) for one in ada.identifiers] == [
        ("Passport", "X1234567"),
        ("Cedula", "77"),
    ]
    assert [(one.kind, one.entry) for one in ada.links] == [("owner", "Q2")]


def test_every_value_of_a_file_of_entities_is_kept(tmp_path: Path) -> None:
    found = published(written(tmp_path, lines(ENTITIES)))
    sources = [one.source for one in found.entries]
    kept = {leaf.value for source in (*sources, found.head) for leaf in tree.leaves(source)}
    for entity in ENTITIES:
        properties = entity["properties"]
        assert isinstance(properties, dict)
        assert {str(value) for values in properties.values() for value in values} <= kept
        assert entity["id"] in kept


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"error": 404}\n', "list.unknown-layout"),
        ('[{"id": "a", "schema": "Person", "properties": {}}]', "list.unknown-layout"),
        (lines(ENTITIES)[:-40], "list.malformed"),
        (lines(ENTITIES) + "<html>\n", "list.malformed"),
        (lines([*ENTITIES, {"id": "Q1", "schema": "Person", "properties": {}}]), "list.malformed"),
        (lines([*ENTITIES, {"id": "", "schema": "Person", "properties": {}}]), "list.malformed"),
        (lines([*ENTITIES, {"id": "Q3", "schema": "X", "properties": {"name": "x"}}]), "list.mal"),
        (lines(ENTITIES[:1]) + "[" * 100_000, "list.malformed"),
    ],
)
def test_what_is_no_file_of_entities_is_refused(content: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        list(published(written(tmp_path, content)).entries)
    assert caught.value.code.startswith(code)


@pytest.mark.parametrize("path", [OFAC_2024, EU_2024, CHINA_2025], ids=["us", "eu", "ca"])
def test_a_list_given_away_can_be_read_again(path: Path, tmp_path: Path) -> None:
    before, entities = given_away(path)
    found = published(written(tmp_path, lines(entities)))
    after = list(found.entries)
    assert [one.name for one in after] == [" ".join(one.name.split()) for one in before.values()]
    for old, new in zip(before.values(), after, strict=True):
        assert (new.kind, new.listed_on) == (old.kind, old.listed_on)
        assert set(new.programs) == set(old.programs)
        exact = {one.earliest for one in old.births if one.precision is Precision.DAY}
        assert exact <= {one.earliest for one in new.births}


def test_links_and_ids_of_what_is_given_away(tmp_path: Path) -> None:
    other = re.search(r"<entity id.*?</entity>", ENHANCED, re.DOTALL)
    assert other is not None
    second = other[0].replace('id="29220"', 'id="29300"').replace("Ada", "Bob")
    path = tmp_path / "enhanced.xml"
    path.write_text(ENHANCED.replace("</entities>", f"{second}</entities>"))
    _, entities = given_away(path)
    link = next(one for one in entities if one["schema"] == "UnknownLink")
    assert link["properties"]["subject"] == ["us-ofac-sdn-29220"]
    assert link["properties"]["object"] == ["us-ofac-sdn-29300"]
    assert entity_id("ca-sema-lmes", "Russia/1/7") != entity_id("ca-sema-lmes", "Russia-1-7")
    assert all(
        re.fullmatch(r"[0-9a-zA-Z]([0-9a-zA-Z.-]*[0-9a-zA-Z])?", entity_id("ca", entry))
        for entry in ("Russia/1/7", "//", "Côte", "a b")
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("RUSSIAN FEDERATION", "ru"),
        ("Korea, North", "kp"),
        ("Turkey", "tr"),
        ("Congo, Democratic Republic of the", "cd"),
        ("Niger", "ne"),
        ("NIGERIA", "ng"),
        ("United States", "us"),
        ("gb", "gb"),
        ("Region: Gaza", ""),
        ("undetermined", ""),
    ],
)
def test_countries_by_their_code(text: str, code: str) -> None:
    assert country_code(text) == code


@foreign.needs("ftm")
@pytest.mark.parametrize("path", [OFAC_2024, EU_2024, CHINA_2025], ids=["us", "eu", "ca"])
def test_the_package_takes_every_property_that_is_given_away(path: Path, tmp_path: Path) -> None:
    _, entities = given_away(path)
    found = judged_entities(tmp_path, entities)
    assert found.keys() == {one["id"] for one in entities}
    for one in entities:
        taken = found[one["id"]]["properties"]
        assert {name: sorted(values) for name, values in taken.items()} == {
            name: sorted(values) for name, values in one["properties"].items()
        }


@foreign.needs("ftm")
def test_the_package_does_not_take_anything(tmp_path: Path) -> None:
    _, entities = given_away(OFAC_2024)
    person = next(one for one in entities if one["schema"] == "Person")
    assert judged_entities(tmp_path, [{**person, "schema": "Subject"}]) == {}
    wrong = {**person, "properties": {**person["properties"], "birthDate": ["in March"]}}
    taken = judged_entities(tmp_path, [wrong])[person["id"]]["properties"]
    assert "birthDate" not in taken
