"""My work: what the officer can do now, what waits on others, what is new since the last visit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from api.domain.errors import Conflict, Refused
from api.domain.tasks import TaskKind
from api.ports.policy import Action
from api.records.threads import Wanted
from api.services.desk import assigning, evidence, mirroring, tasks
from api.services.desk.task_claims import ClaimView
from api.services.desk.tasks import Scope, TaskView
from api.services.operations.status import stopped
from api.services.statements import drafting
from api.web.console import reading
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    DESK,
    EVERYONE,
    REVIEWER,
    Answer,
    Moved,
    Page,
    Target,
    View,
    Visit,
)
from api.web.console.words import mark

T = TypeVar("T")
_MOST: Final = 50
_RECENT: Final = 20


@dataclass(frozen=True, slots=True)
class Item:
    """One line of work.

    Attributes:
        kind: what is to be done.
        title: what it is about, in words.
        href: the page to do it on; empty if there is none.
        due: instant or day, or ``None``.
        overdue: its time has passed.
        why: the use case's own sentence.
        owed_by: the ministry that has to do it.
        names: subjects' names, for the title.
        id: of the task.
        claim: who works on it; ``None`` if nobody said so.
        asked_by: who made it wait: a ministry, or an officer's name.
    """

    kind: str
    title: str
    href: str
    due: str | None
    overdue: bool
    why: str
    owed_by: str
    names: tuple[str, ...] = ()
    id: str = ""
    claim: ClaimView | None = None
    asked_by: str = ""


def show(visit: Visit) -> Answer:
    """Show the officer's work; auditors and administrators are led to theirs."""
    desk = bool(visit.caller.roles & DESK)
    members: dict[str, Any] = {
        "roles": sorted(visit.caller.roles),
        "desk": desk,
        "reviewer": REVIEWER in visit.caller.roles,
        "auditor": AUDITOR in visit.caller.roles,
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "opened": visit.node.now(),
        "stopped": stopped(visit.node),
        "since": visit.present.session.new_since,
        "now_to_do": [],
        "waiting": [],
        "clocks": [],
        "own": [],
        "fresh": [],
    }
    if ADMINISTRATOR in visit.caller.roles and not desk:
        members["now_to_do"] = _items(visit, Scope.MINE)
    if desk:
        members["now_to_do"] = _items(visit, Scope.MINE)
        members["waiting"] = _items(visit, Scope.PARTNERS)
        members["clocks"] = _items(visit, Scope.CLOCKS)
        members["own"] = _own_drafts(visit)
        members["fresh"] = list(_new(visit))
    return View("work.html", members)


def _items(visit: Visit, scope: Scope) -> list[Item]:
    found = tasks.tasks_page(visit.node, visit.caller, scope, limit=_MOST)
    drafts = [one.about.id for one in found if one.about.kind == "draft"]
    known = drafting.several(visit.node, visit.caller, drafts)
    titles = reading.draft_titles(visit, known) if known else {}
    items = [_item(visit, one, titles.get(one.about.id, "")) for one in found]
    # What somebody waits for stands before what one only takes note of.
    return sorted(items, key=lambda one: one.kind == TaskKind.NOTICE.value and not one.due)


def _item(visit: Visit, one: TaskView, drafted: str) -> Item:
    place = one.within or one.about
    return Item(
        kind=one.kind,
        # Of a change what is proposed, of a draft its subjects.
        title=one.key or one.title
        if one.kind == TaskKind.DECIDE_CHANGE.value
        else drafted or one.title,
        href=visit.to(f"/reviews/{one.id}/close")
        if one.closable
        else reading.href_of(visit, place.kind, place.id),
        due=one.due,
        overdue=one.overdue,
        why=one.why,
        owed_by=one.owed_by,
        names=one.names,
        id=one.id,
        claim=one.claim,
        asked_by=one.asked_by,
    )


def take_or_hand_back(visit: Visit) -> Answer:
    """Say that the officer works on a task, or no longer."""
    act = assigning.hand_back if visit.form.one("hand_back") else assigning.claim
    act(visit.node, visit.caller, visit.form.one("task"))
    return Moved(visit.to("/"))


def ask_assign(visit: Visit) -> Answer:
    """Ask to whom a task is given."""
    return _assigning(visit, [])


def _assigning(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    id_ = visit.parts["task"]
    task = tasks.find_mine(visit.node, visit.caller, id_)
    members = {
        "task": task,
        "colleagues": assigning.colleagues(visit.node, visit.caller, id_),
        "chosen": visit.form.one("officer"),
        "target": Target(visit.to(f"/tasks/{id_}/assign")),
        "faults": faults,
    }
    return View("task_assign.html", members, status)


def assign(visit: Visit) -> Answer:
    """Give a task to a colleague."""
    officer = visit.form.one("officer")
    if not officer:
        return _assigning(visit, [{"field": "officer", "text": mark("Choose a colleague.")}], 422)
    try:
        assigning.assign(visit.node, visit.caller, visit.parts["task"], officer)
    except Conflict as error:
        return _assigning(visit, [reading.refused(error)], 409)
    return Moved(visit.to("/"))


def _own_drafts(visit: Visit) -> list[Any]:
    """Return drafts of the officer's own that wait for somebody else."""
    found = drafting.drafts_page(visit.node, visit.caller, limit=_MOST, state="drafted")
    own = [one for one in found if visit.caller.person in one.authors]
    return reading.draft_lines(visit, own)


def _new(visit: Visit) -> Iterator[dict[str, Any]]:
    """Return packages and requests that came since the officer's last visit."""
    since = visit.present.session.new_since
    if since is None:
        return
    for each in _readable(lambda: evidence.packages_page(visit.node, visit.caller, limit=_RECENT)):
        if each.submitted_at > since and each.originator != visit.node.ministry:
            href = reading.href_of(visit, "package", each.id)
            yield {"kind": "package", "title": each.title, "href": href, "at": each.submitted_at}
    for thread in _readable(
        lambda: mirroring.threads_page(visit.node, visit.caller, Wanted(), limit=_RECENT)
    ):
        if thread.opened_at > since:
            href = reading.href_of(visit, "thread", thread.id)
            yield {
                "kind": "thread",
                "title": ", ".join(line.name for line in thread.subjects),
                "href": href,
                "at": thread.opened_at,
            }


def _readable(fetch: Callable[[], Sequence[T]]) -> Sequence[T]:
    try:
        return fetch()
    except Refused:
        return []


PAGES: Final = (
    Page("work", "/", EVERYONE, Action.TASK_LIST, show, take_or_hand_back),
    Page("task_assign", "/tasks/{task}/assign", DESK, Action.TASK_ASSIGN, ask_assign, assign),
)
