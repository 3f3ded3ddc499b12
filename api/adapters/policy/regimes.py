"""Reads the regimes, sitting calendars, announcements and known cases of a policy directory.

Owns the file reading and the cross-check between regimes; `api.domain.regimes.form` owns the form
of one document.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from api.adapters.policy.loading import PolicyError
from api.domain.errors import Invalid
from api.domain.lists.announcements import Announcement
from api.domain.lists.announcements import parse as parse_announcements
from api.domain.regimes.advice import Regime, RegimeError
from api.domain.regimes.clocks import SittingCalendar
from api.domain.regimes.form import KnownCase, parse_calendar, parse_cases
from api.domain.regimes.together import regimes_of
from api.wire import canonical
from api.wire.errors import WireError

DIRECTORY: Final = "regimes"
CALENDARS: Final = "calendars"
CASES: Final = "subjects"
ANNOUNCEMENTS: Final = "announcements"
_LIMIT: Final = 1024 * 1024


def load_regimes(policy_directory: Path) -> Mapping[str, Regime]:
    """Read `regimes/*.json`, by regime id in alphabetical order.

    Raises:
        PolicyError: A document is unreadable or malformed, its name is not its id, or an
            alternative it offers does not exist, is of another jurisdiction, or covers other
            conduct than said.
    """
    try:
        return regimes_of(load_documents(policy_directory))
    except RegimeError as error:
        raise PolicyError(f"A regime cannot be read: {error}") from error


def load_documents(policy_directory: Path) -> Mapping[str, Any]:
    """Read the documents `regimes/*.json`, by the name of the file.

    Raises:
        PolicyError: A document is unreadable, or there is none.
    """
    try:
        documents = {
            path.stem: canonical.parse(path.read_bytes(), limit=_LIMIT)
            for path in sorted((policy_directory / DIRECTORY).glob("*.json"))
        }
    except (OSError, WireError) as error:
        raise PolicyError(f"A regime cannot be read: {error}") from error
    if not documents:
        raise PolicyError("The policy directory has no regimes.")
    return documents


def load_calendars(policy_directory: Path) -> Mapping[str, SittingCalendar]:
    """Read `calendars/*.json`, by house.

    Raises:
        PolicyError: A document is unreadable or malformed, or a house has two calendars.
    """
    found: dict[str, SittingCalendar] = {}
    try:
        for path in sorted((policy_directory / CALENDARS).glob("*.json")):
            calendar = parse_calendar(canonical.parse(path.read_bytes(), limit=_LIMIT))
            if calendar.house in found:
                raise PolicyError(f"Two files hold the sitting days of {calendar.house}.")
            found[calendar.house] = calendar
    except (OSError, WireError, RegimeError) as error:
        raise PolicyError(f"A sitting calendar cannot be read: {error}") from error
    return found


def load_announcements(policy_directory: Path) -> Mapping[str, tuple[Announcement, ...]]:
    """Read `announcements/*.json`, by the list whose entries they name.

    Raises:
        PolicyError: A document is unreadable or malformed, or its name is not its list's.
    """
    found: dict[str, tuple[Announcement, ...]] = {}
    try:
        for path in sorted((policy_directory / ANNOUNCEMENTS).glob("*.json")):
            told = parse_announcements(canonical.parse(path.read_bytes(), limit=_LIMIT))
            if {one.series for one in told} - {path.stem}:
                raise PolicyError(f"The file {path.name} announces entries of another list.")
            found[path.stem] = told
    except (OSError, WireError, Invalid) as error:
        raise PolicyError(f"Announcements cannot be read: {error}") from error
    return found


def load_cases(policy_directory: Path, name: str) -> tuple[KnownCase, ...]:
    """Read `subjects/<name>.json`: public cases whose facts and sources are given.

    Raises:
        PolicyError: There is no such file, or it is malformed.
    """
    known = {path.stem: path for path in (policy_directory / CASES).glob("*.json")}
    if name not in known:
        raise PolicyError(f"There are no subjects {name}; choose {', '.join(sorted(known))}.")
    try:
        return parse_cases(canonical.parse(known[name].read_bytes(), limit=_LIMIT))
    except (OSError, WireError, RegimeError) as error:
        raise PolicyError(f"The subjects {name} cannot be read: {error}") from error
