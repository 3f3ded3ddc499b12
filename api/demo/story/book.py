"""What the scenes made, so that later ones can refer to it and the reckoning can count it.

Owns the record of the story; decides nothing.
"""

from dataclasses import dataclass, field

from api.demo.cast import Ministry


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement on its way to one ministry, as its sender's officers saw it leave."""

    sender: str
    recipient: str
    statement: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A mirror request of the story.

    Attributes:
        name: its name in the script.
        id: of the opener, and so of the thread.
        requester: who asked.
        addressee: who was asked.
        keys: key of each subject in this thread.
        findings: kind of the standing finding by key.
    """

    name: str
    id: str
    requester: Ministry
    addressee: Ministry
    keys: dict[str, str]
    findings: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """What the scenes made.

    Attributes:
        packages: package ids by the story's name for them.
        releases: release ids by package id and recipient.
        designations: designation ids by subject and ministry.
        threads: mirror requests by name.
        sent: every statement that left, once for each recipient.
        recall_answers: what each holder answered to a recall, as its originator reads it.
    """

    packages: dict[str, str] = field(default_factory=dict)
    releases: dict[tuple[str, str], str] = field(default_factory=dict)
    designations: dict[tuple[str, str], str] = field(default_factory=dict)
    threads: dict[str, Asked] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    recall_answers: list[dict[str, str]] = field(default_factory=list)

    def told(self, sender: str, recipient: str) -> int:
        """Return how many statements left from one ministry to another so far."""
        return sum(1 for one in self.sent if (one.sender, one.recipient) == (sender, recipient))
