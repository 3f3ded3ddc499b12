"""Who plays in the demo: three ministries, their officers and their accounts.

Owns names, roles and account names; every person is fictional and named after a role. Must not
know files, processes or HTTP.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ministry:
    """One member of the demo's federation.

    Attributes:
        id: member id.
        jurisdiction: its jurisdiction's code.
        name: for people.
        place: the city by which the narrator calls it.
        prefix: how its profiles and users begin.
    """

    id: str
    jurisdiction: str
    name: str
    place: str
    prefix: str

    @property
    def origin(self) -> str:
        """Origin of its log; a reserved name, because the demo owns no domain."""
        return f"{self.id}.comity.example/log"


@dataclass(frozen=True, slots=True)
class Seat:
    """One account in a ministry.

    Attributes:
        account: name of the account within the ministry, such as ``analyst``.
        person: the account that the person behind it is known by; two accounts of one person
            share it.
        role: role granted to the person, or to this account alone where ``own_grant`` is set.
        title: display name of the person.
        own_grant: the role is tied to this account.
        signs: the person has an own signing key.
    """

    account: str
    person: str
    role: str
    title: str
    own_grant: bool = False
    signs: bool = False


US: Final = Ministry("us-treasury", "US", "U.S. Department of the Treasury", "Washington", "us")
UK: Final = Ministry("uk-fcdo", "UK", "Foreign, Commonwealth & Development Office", "London", "uk")
CA: Final = Ministry("ca-gac", "CA", "Global Affairs Canada", "Ottawa", "ca")
MINISTRIES: Final = (US, UK, CA)

ADMINISTRATOR: Final = "administrator"
FIRST_ADMINISTRATOR: Final = "admin"
SECOND_ADMINISTRATOR: Final = "admin2"

SEATS: Final = (
    Seat("analyst", "analyst", "analyst", "First Analyst", signs=True),
    Seat("analyst2", "analyst2", "analyst", "Second Analyst", signs=True),
    Seat("reviewer", "reviewer", "reviewer", "First Reviewer", signs=True),
    Seat("reviewer2", "reviewer2", "reviewer", "Second Reviewer", signs=True),
    Seat("auditor", "auditor", "auditor", "Auditor"),
    Seat(FIRST_ADMINISTRATOR, FIRST_ADMINISTRATOR, ADMINISTRATOR, "First Administrator"),
    Seat(SECOND_ADMINISTRATOR, SECOND_ADMINISTRATOR, ADMINISTRATOR, "Second Administrator"),
    # The same person as "analyst" with another account that may review: two accounts never make
    # four eyes, and with this one that can be tried.
    Seat("analyst-alt", "analyst", "reviewer", "First Analyst", own_grant=True, signs=True),
)


def username(ministry: Ministry, seat: Seat) -> str:
    """Return the user name at the provider, which is also the profile's name."""
    return f"{ministry.prefix}-{seat.account}"


def subject(ministry: Ministry, seat: Seat) -> str:
    """Return the account's ``sub`` in tokens."""
    return f"{ministry.id}:{seat.account}"


def display_name(ministry: Ministry, seat: Seat) -> str:
    """Return the person's display name, fictional beyond doubt."""
    return f"{seat.title} ({ministry.jurisdiction}, fictional)"


def roles(seat: Seat) -> list[str]:
    """Return the roles that sign-in with this account brings."""
    of_person = {each.role for each in SEATS if each.person == seat.person and not each.own_grant}
    return sorted(of_person | {seat.role})
