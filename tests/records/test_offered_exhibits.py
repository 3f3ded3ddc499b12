"""What a new package finds of its exhibits does not cost more the more packages list them."""

import pytest

from api.records.database import Database
from api.records.offered_exhibits import offered_exhibits
from api.records.packages import EXHIBITS, PACKAGE_EXHIBITS, PACKAGES
from api.records.unit_of_work import Unit
from tests.support.steps import counted_steps

OWN, PARTNER = "us-treasury", "uk-fcdo"
DIGEST = "sha256:" + "a" * 64
FEW, MANY = 3, 300


@pytest.fixture(autouse=True)
def exhibit(database: Database) -> None:
    database.write(keep_exhibit)


def keep_exhibit(unit: Unit) -> None:
    unit.insert(EXHIBITS, {"digest": DIGEST, "size": 10, "state": "held"})
    unit.take_change_set()


def list_it(database: Database, names: list[str], originator: str, state: str) -> None:
    """Packages of a ministry that list the exhibit."""

    def write(unit: Unit) -> None:
        common = {"originator": originator, "title": "t", "state": state, "submitted_at": "t"}
        unit.insert(PACKAGES, [{"id": name, **common} for name in names])
        listed = {
            "label": "one",
            "digest": DIGEST,
            "size": 10,
            "media_type": "text/plain",
        }
        unit.insert(PACKAGE_EXHIBITS, [{"package": name, **listed} for name in names])
        unit.take_change_set()

    database.write(write)


def under_recall(database: Database) -> bool:
    found = database.look(lambda connection: offered_exhibits(connection, OWN, [DIGEST]))
    return found[DIGEST].under_recall


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("originator", [OWN, PARTNER])
def test_however_many_packages_list_an_exhibit_it_is_found_alike(
    database: Database, originator: str
) -> None:
    if originator == PARTNER:
        list_it(database, ["own"], OWN, "submitted")
    steps = []
    for first, last in [(0, FEW), (FEW, MANY)]:
        list_it(database, [f"p{number}" for number in range(first, last)], originator, "released")
        with counted_steps(database) as counted:
            assert not under_recall(database)
        steps.append(counted.total)
    assert steps[1] <= steps[0] * 1.2 + 40


def test_a_partners_recall_shuts_what_this_ministry_never_listed(database: Database) -> None:
    list_it(database, ["theirs"], PARTNER, "recalled")
    assert under_recall(database)
    list_it(database, ["ours"], OWN, "submitted")
    assert not under_recall(database)
