"""What a changed edition tells a ministry: exactly the tasks of the table that was there before."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Conflict, Invalid, NotFound, Refused
from api.records import lists as editions
from api.records import tasks as stored
from api.services.authorising import Caller
from api.services.desk import lists, recusing, tasks, watching
from api.services.desk.lists import ImportTerms
from api.services.desk.recusing import Aside
from api.services.desk.tasks import Closing, Scope
from api.services.node import Node
from tests.support import exchange
from tests.support.exchange import CA, US
from tests.support.federation import Federation
from tests.support.list_files import CHINA_2021, EXTRACTS, OFAC_2024

TABLE = Path(__file__).parents[1] / "data" / "watch-2021-2024.toml"
DAYS = ("2021-12-09", "2021-12-10", "2022-12-08", "2022-12-09", "2023-12-07", "2023-12-08")
CHINA_2024 = EXTRACTS / "SOR-2021-49-2025-01-20.xml"


HERE = CA


@pytest.fixture
def ca(federation: Federation) -> Node:
    return federation[CA]


@pytest.fixture
def analyst(federation: Federation) -> Caller:
    return federation.officer(CA, "analyst")


def named(name: str) -> dict[str, Any]:
    """A person of whom no more than a name is said."""
    return {"schema": "Person", "names": [{"text": name, "script": "Latn"}]}


def kadyrov(federation: Federation) -> None:
    name = "Ramzan Akhmatovich Kadyrov"
    exchange.designate(federation, CA, name, day="2016-03-18", subject=named(name))


def us_list(day: str) -> Path:
    return EXTRACTS / f"ofac-glomag-{day}.csv.gz"


def bring(node: Node, caller: Caller, path: Path) -> lists.Imported:
    return lists.import_list(node, caller, path, ImportTerms(path.name, floor=0))


def raised(node: Node) -> list[dict[str, Any]]:
    """Every notice of a list here, as the table says it."""

    def read(connection: Any) -> list[dict[str, Any]]:
        found = []
        rows = stored.owed_by(connection, [node.ministry], limit=500)
        reviews = stored.reviews(connection, [row.id for row in rows])
        for row in rows:
            review = reviews.get(row.id)
            edition = editions.edition(connection, row.cause.partition("#")[0])
            if review is None or edition is None:
                continue
            where = {"list": edition.series.id, "day": edition.as_of, "change": row.key}
            if row.key == "programme-changed":
                numbers = [int(part.split()[0]) for part in review.path[0].split(", ")]
                counted = dict(zip(("added", "removed", "amended"), numbers, strict=True))
                about = f"programme {row.about.rpartition(':')[2]}"
                found.append(where | {"about": about} | counted)
                assert len(review.path) == 1 + sum(numbers)
                continue
            series, _, entry = review.path[0].removeprefix("list:").partition(":")
            assert series == edition.series.id
            about = (
                row.about_kind
                if row.about_kind != "list"
                else f"entry {row.about[len(series) + 1 :]}"
            )
            found.append(where | {"about": about, "entries": [entry]})
        return found

    return node.db.read(read)


def ordered(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(told, key=lambda one: sorted((key, str(value)) for key, value in one.items()))


def test_replaying_2021_to_2024_raises_exactly_the_table(
    federation: Federation, ca: Node, analyst: Caller
) -> None:
    kadyrov(federation)
    names = {"s1": "Erken Tuniyaz", "s2": "Gao Qi"}
    told = {key: exchange.designate(federation, US, name) for key, name in names.items()}
    federation.settle()
    subjects = [{**named(name), "key": key} for key, name in names.items()]
    exchange.request(federation, US, CA, told, subjects=subjects)
    federation.settle()
    bring(ca, analyst, us_list(DAYS[0]))
    bring(ca, analyst, CHINA_2021)
    for ref in ("programme:us-ofac-sdn:GLOMAG", "list:us-ofac-sdn:30621"):
        watching.watch(ca, analyst, ref, "Whom we may follow.")
    assert raised(ca) == []
    for day in DAYS[1:]:
        bring(ca, analyst, us_list(day))
    bring(ca, analyst, CHINA_2024)
    wanted = tomllib.loads(TABLE.read_text(encoding="utf-8"))["task"]
    assert ordered(raised(ca)) == ordered(wanted)
    # What was brought in before raises nothing a second time.
    assert bring(ca, analyst, us_list(DAYS[-1])).known
    assert ordered(raised(ca)) == ordered(wanted)


@pytest.mark.parametrize(
    ("before", "day", "added"),
    [
        ("2021-12-09", "2021-12-10", 9),
        ("2022-12-08", "2022-12-09", 182),
        ("2023-12-07", "2023-12-08", 10),
    ],
)
def test_the_differences_of_three_days_are_that_days_events(
    ca: Node, analyst: Caller, before: str, day: str, added: int
) -> None:
    bring(ca, analyst, us_list(before))
    found = bring(ca, analyst, us_list(day)).difference
    assert found is not None
    assert [one.outcome.value for one in found.entries] == ["added"] * added


def test_a_notice_says_the_difference_and_is_closed_as_noted(
    federation: Federation, ca: Node, analyst: Caller
) -> None:
    kadyrov(federation)
    bring(ca, analyst, us_list("2021-12-10"))
    bring(ca, analyst, us_list("2022-12-08"))
    (task,) = (one for one in tasks.tasks_page(ca, analyst, Scope.MINE, limit=50) if one.path)
    assert task.path[0] == "list:us-ofac-sdn:23343"
    assert any("RUSSIA-EO14024" in line and " -> " in line for line in task.path[1:])
    assert "published list" in task.why
    tasks.close(ca, analyst, task.id, Closing("noted", "Seen."))
    assert not [one for one in tasks.tasks_page(ca, analyst, Scope.MINE, limit=50) if one.path]


def test_a_watch_of_an_entry_is_a_task_for_the_desk_until_it_is_ended(
    federation: Federation, ca: Node, analyst: Caller
) -> None:
    bring(ca, analyst, us_list("2022-12-09"))
    made = watching.watch(ca, analyst, "list:us-ofac-sdn:30621", "A stable.")
    other = watching.watch(ca, analyst, "list:us-ofac-sdn:30610", "A foundation.")
    assert [one.id for one in watching.standing_watches(ca, analyst)] == [made.id, other.id]
    watching.end(ca, analyst, other.id)
    with pytest.raises(Conflict, match="ended"):
        watching.end(ca, analyst, other.id)
    bring(ca, analyst, us_list("2023-12-07"))
    (task,) = (one for one in tasks.tasks_page(ca, analyst, Scope.MINE, limit=50) if one.path)
    assert (task.about.kind, task.about.id) == ("list", "us-ofac-sdn:30621")
    tasks.close(ca, analyst, task.id, Closing("noted", "Seen."))


def test_who_may_watch_and_what(federation: Federation, ca: Node, analyst: Caller) -> None:
    bring(ca, analyst, OFAC_2024)
    for ref in ("list:us-ofac-sdn:0", "programme:us-none:GLOMAG"):
        with pytest.raises(NotFound):
            watching.watch(ca, analyst, ref, "Why not.")
    with pytest.raises(Invalid):
        watching.watch(ca, analyst, "list:us-ofac-sdn:29220", " ")
    with pytest.raises(NotFound):
        watching.end(ca, analyst, "0" * 32)
    with pytest.raises(Refused):
        watching.watch(ca, federation.officer(CA, "auditor"), "list:us-ofac-sdn:29220", "Why.")


def test_a_watch_is_not_seen_by_who_stands_aside_from_what_it_is_on(
    federation: Federation, ca: Node, analyst: Caller
) -> None:
    listed = exchange.designate(federation, CA, "CHEN Quanguo", day="2021-03-22")
    watch = watching.watch(ca, analyst, f"designation:{listed}", "We listed him.")
    colleague = federation.officer(CA, "reviewer2")
    assert watch in watching.standing_watches(ca, colleague)
    recusing.recuse(ca, colleague, Aside("", listed, "A relative."))
    assert watch not in watching.standing_watches(ca, colleague)
    with pytest.raises(NotFound):
        watching.end(ca, colleague, watch.id)
    assert watch in watching.standing_watches(ca, analyst)
