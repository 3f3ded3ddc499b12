"""Handing in a package file that was built and signed with the command line."""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk.handing_in import hand_in
from api.web.console import reading
from api.web.console.page import ANALYST, Answer, Moved, Page, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError


def ask(_visit: Visit) -> Answer:
    """Ask for the file."""
    return _asked([])


def _asked(faults: list[dict[str, Any]], status: int = 200) -> Answer:
    return View("package_upload.html", {"faults": faults}, status)


def take(visit: Visit) -> Answer:
    """Check the file and make its package."""
    uploads = [one for one in visit.form.files.get("file", ()) if one.filename]
    if len(uploads) != 1:
        return _asked([{"field": "file", "text": mark("Choose one package file.")}], 422)
    try:
        made = hand_in(visit.node, visit.caller, uploads[0].file)
    except (ComityError, WireError) as error:
        return _asked([reading.refused(error)], 422)
    return Moved(reading.href_of(visit, "package", made))


_ANALYSTS: Final = frozenset({ANALYST})
PAGES: Final = (
    Page(
        "package_upload",
        "/packages/upload",
        _ANALYSTS,
        Action.PACKAGE_SUBMIT,
        ask,
        take,
        files=True,
    ),
)
