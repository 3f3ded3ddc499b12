"""That exhibits were acquired independently of any partner: a reviewer's record, as a form."""

from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import acquisitions, evidence
from api.services.desk.acquisitions import NewAcquisition
from api.services.desk.package_views import PackageView
from api.web.console import reading
from api.web.console.page import REVIEWER, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark
from api.wire.payloads.scalars import PartialDate

Faults = list[dict[str, Any]]
_DAY: Final[TypeAdapter[str]] = TypeAdapter(PartialDate)
_ASKED: Final = (
    ("exhibit", mark("Choose the exhibit.")),
    ("source", mark("Say from where this ministry has it.")),
    ("collector", mark("Say who collected it.")),
    ("collected", mark("Say when it was collected.")),
)


def ask(visit: Visit) -> Answer:
    """Ask of which exhibit it is recorded, and from where, by whom and when it was acquired."""
    return _record_form(visit, [])


def _record_form(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    view = evidence.read(visit.node, visit.caller, reading.full(visit.parts["package"]))
    members = {
        "row": view,
        "ours": view.originator == visit.node.ministry,
        "exhibits": _unrecorded(view),
        "typed": visit.form,
        "target": Target(visit.to(visit.path)),
        "faults": faults,
    }
    return View("package_acquisition.html", members, status)


def _unrecorded(view: PackageView) -> dict[str, str]:
    """Return the labels of exhibits of which nothing is recorded yet, by digest."""
    recorded = {one.exhibit for one in view.acquisitions}
    return {one.digest: one.label for one in view.exhibits if one.digest not in recorded}


def record(visit: Visit) -> Answer:
    """Record it; a release of the package may state it then."""
    form = visit.form
    faults: Faults = [{"field": name, "text": text} for name, text in _ASKED if not form.one(name)]
    if form.one("collected") and not _is_day(form.one("collected")):
        text = mark("Write a day as 2027-01-31, a month as 2027-01 or a year.")
        faults.append({"field": "collected", "text": text})
    if faults:
        return _record_form(visit, faults, 422)
    id_ = reading.full(visit.parts["package"])
    new = NewAcquisition(**{name: form.one(name) for name, _ in _ASKED})
    try:
        acquisitions.record_acquisition(visit.node, visit.caller, id_, new)
    except ComityError as error:
        return _record_form(visit, [reading.refused(error)], 422)
    return Moved(reading.href_of(visit, "package", id_))


def _is_day(text: str) -> bool:
    try:
        _DAY.validate_python(text)
    except ValidationError:
        return False
    return True


PAGES: Final = (
    Page(
        "package_acquisition",
        "/packages/{package}/acquisition",
        frozenset({REVIEWER}),
        Action.PACKAGE_RETURN,
        ask,
        record,
        fresh=True,
    ),
)
