"""Taking a release back before it has reached its recipient."""

from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.desk import evidence, withdrawing
from api.web.console import reading
from api.web.console.page import REVIEWER, Answer, Moved, Page, Target, View, Visit


def ask(visit: Visit) -> Answer:
    """Ask whether to take the release back."""
    return _asked(visit, [])


def _asked(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    view = evidence.read(visit.node, visit.caller, reading.full(visit.parts["package"]))
    wanted = reading.full(visit.parts["release"])
    found = [one for one in view.releases if one.id == wanted]
    if not found:
        raise NotFound("release.unknown", "This ministry made no such release of the package.")
    members = {
        "view": view,
        "release": found[0],
        "target": Target(visit.to(visit.path), view.tag),
        "faults": faults,
    }
    return View("release_withdraw.html", members, status)


def withdraw(visit: Visit) -> Answer:
    """Take it back; what was received already is refused, with the advice to recall."""
    package, release = (reading.full(visit.parts[one]) for one in ("package", "release"))
    try:
        withdrawing.withdraw(visit.node, visit.caller, package, release)
    except NotFound:
        raise
    except ComityError as error:
        return _asked(visit, [reading.refused(error)], 409)
    return Moved(reading.href_of(visit, "package", package))


PAGES: Final = (
    Page(
        "release_withdraw",
        "/packages/{package}/releases/{release}/withdraw",
        frozenset({REVIEWER}),
        Action.PACKAGE_RETURN,
        ask,
        withdraw,
        fresh=True,
    ),
)
