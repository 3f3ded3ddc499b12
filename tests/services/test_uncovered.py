"""A watched programme against the own lists: told once, shortened as subjects are covered, closed."""

import re
from pathlib import Path

import pytest

from api.domain.tasks import Notice
from api.records.watches import FOLLOWED
from api.services.authorising import Caller
from api.services.desk import lists, tasks, watching
from api.services.desk.lists import ImportTerms
from api.services.desk.tasks import Closing, Scope, TaskView
from api.services.desk.uncovered import follow_coverage
from api.services.node import Node
from tests.support import exchange
from tests.support.exchange import CA
from tests.support.federation import Federation
from tests.support.list_files import CHINA_2021, CHINA_2025, OFAC_2024

CHEN, ZHU, GAO = "29220", "29219", "39417"
PROGRAMME = "programme:us-ofac-sdn:GLOMAG"


HERE = CA


@pytest.fixture
def ca(federation: Federation) -> Node:
    return federation[CA]


@pytest.fixture
def analyst(federation: Federation) -> Caller:
    return federation.officer(CA, "analyst")


def us_list(folder: Path, day: str, *ids: str, changed: str = "") -> Path:
    """The US list with these entries alone, as if published that day; one with another remark."""
    head, *entries = re.split(r"(?=  <sdnEntry>)", OFAC_2024.read_text(encoding="utf-8"))
    kept = [one for one in entries if re.search(r"<uid>(\d+)", one)[1] in ids]  # type: ignore[index]
    assert len(kept) == len(ids)
    head = re.sub(r"<Publish_Date>[^<]*", f"<Publish_Date>{day}", head)
    head = re.sub(r"<Record_Count>\d*", f"<Record_Count>{len(ids)}", head)
    text = head + "".join(one.partition("</sdnEntry>")[0] + "</sdnEntry>\n" for one in kept)
    if changed:
        text = text.replace("<program>GLOMAG", f"<program>{changed}</program><program>GLOMAG", 1)
    path = folder / f"sdn-{day.replace('/', '-')}.xml"
    path.write_text(text + "</sdnList>\n", encoding="utf-8")
    return path


def bring(node: Node, caller: Caller, *paths: Path) -> None:
    for path in paths:
        lists.import_list(node, caller, path, ImportTerms(path.name, floor=0))


def told(node: Node, caller: Caller) -> list[TaskView]:
    """The notices that wait about a watched programme."""
    found = tasks.tasks_page(node, caller, Scope.MINE, limit=50)
    return [one for one in found if one.about.kind == "list" and one.key != "programme-changed"]


def test_whom_no_list_here_has_is_told_once_with_names_and_reason(
    ca: Node, analyst: Caller
) -> None:
    bring(ca, analyst, OFAC_2024, CHINA_2021)
    watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    assert told(ca, analyst) == []
    assert follow_coverage(ca) == 1
    (task,) = told(ca, analyst)
    assert (task.key, task.reason) == (Notice.UNCOVERED, "Whom we may follow.")
    assert "not listed by this jurisdiction" in task.why
    assert {"Quanguo CHEN", "XINJIANG PUBLIC SECURITY BUREAU"} <= set(task.names)
    assert not {"Hailun ZHU", "Junzheng WANG"} & set(task.names)
    assert len(task.names) == len(task.path)
    assert follow_coverage(ca) == 0
    assert told(ca, analyst) == [task]


def test_what_is_covered_leaves_the_notice_and_the_last_closes_it(
    ca: Node, analyst: Caller, tmp_path: Path
) -> None:
    bring(ca, analyst, us_list(tmp_path, "05/06/2024", CHEN, ZHU, GAO), CHINA_2021)
    watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    follow_coverage(ca)
    assert [one.names for one in told(ca, analyst)] == [("Quanguo CHEN", "Qi GAO")]
    bell = ca.db.bell(FOLLOWED)
    bring(ca, analyst, CHINA_2025)
    assert bell.is_set()
    follow_coverage(ca)
    assert [one.names for one in told(ca, analyst)] == [("Qi GAO",)]
    # Who is no longer on the programme's list is no longer uncovered.
    bring(ca, analyst, us_list(tmp_path, "05/07/2024", CHEN, ZHU))
    follow_coverage(ca)
    assert told(ca, analyst) == []
    assert follow_coverage(ca) == 0


def test_an_own_designation_covers(
    federation: Federation, ca: Node, analyst: Caller, tmp_path: Path
) -> None:
    bring(ca, analyst, us_list(tmp_path, "05/06/2024", CHEN, ZHU), CHINA_2021)
    watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    follow_coverage(ca)
    assert [one.names for one in told(ca, analyst)] == [("Quanguo CHEN",)]
    bell = ca.db.bell(FOLLOWED)
    named = {"schema": "Person", "names": [{"text": "CHEN Quanguo", "script": "Latn"}]}
    exchange.designate(federation, CA, "CHEN Quanguo", day="2024-12-09", subject=named)
    assert bell.is_set()
    assert follow_coverage(ca) == 1
    assert told(ca, analyst) == []


def test_what_an_officer_noted_is_not_told_again_and_who_is_new_is(
    ca: Node, analyst: Caller, tmp_path: Path
) -> None:
    bring(ca, analyst, us_list(tmp_path, "05/06/2024", CHEN, ZHU), CHINA_2021)
    watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    follow_coverage(ca)
    (task,) = told(ca, analyst)
    tasks.close(ca, analyst, task.id, Closing("noted", "We do not follow."))
    assert follow_coverage(ca) == 0
    bring(ca, analyst, us_list(tmp_path, "05/07/2024", CHEN, ZHU, GAO))
    assert follow_coverage(ca) == 1
    assert [one.names for one in told(ca, analyst)] == [("Qi GAO",)]


def test_where_no_own_list_is_held_nothing_is_told(
    ca: Node, analyst: Caller, tmp_path: Path
) -> None:
    bring(ca, analyst, us_list(tmp_path, "05/06/2024", CHEN, ZHU))
    watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    assert follow_coverage(ca) == 0
    assert told(ca, analyst) == []


def test_what_a_partner_takes_away_or_amends_alone_is_told(
    ca: Node, analyst: Caller, tmp_path: Path
) -> None:
    bring(ca, analyst, us_list(tmp_path, "05/05/2024", ZHU, GAO), CHINA_2021)
    made = watching.watch(ca, analyst, PROGRAMME, "Whom we may follow.")
    bring(ca, analyst, us_list(tmp_path, "05/06/2024", ZHU, GAO, changed="EO14024"))
    (amended,) = told(ca, analyst)
    assert (amended.key, amended.names) == (Notice.CHANGED_THERE, ("Hailun ZHU",))
    tasks.close(ca, analyst, amended.id, Closing("noted", "Seen."))
    bring(ca, analyst, us_list(tmp_path, "05/07/2024", GAO))
    (gone,) = told(ca, analyst)
    assert (gone.key, gone.names) == (Notice.GONE_THERE, ("Hailun ZHU",))
    follow_coverage(ca)
    assert gone in told(ca, analyst)
    # He comes back there: it is one-sided no longer.
    bring(ca, analyst, us_list(tmp_path, "05/08/2024", ZHU, GAO))
    follow_coverage(ca)
    assert [one.key for one in told(ca, analyst)] == [Notice.UNCOVERED]
    watching.end(ca, analyst, made.id)
    bring(ca, analyst, us_list(tmp_path, "05/09/2024", GAO))
    assert [one.key for one in told(ca, analyst)] == [Notice.UNCOVERED]
