"""What every scene is given: the officers of three ministries, the narrator, and the book of acts.

Owns the few movements that all scenes share: submitting a package, having a draft approved by a
second person, and waiting for what the nodes do by themselves.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.door import ActFailedError, OfficerAtNode
from api.demo.processes import PATIENCE
from api.demo.staffing import Staff
from api.demo.story.book import Book, Sent
from api.demo.story.narrator import Narrator, short
from api.wire.encoding import b64u_decode
from api.wire.statements import EVIDENCE_PACKAGE, Content
from api.wire.types import OPENER

_LOOK_AGAIN = 0.05
_SELDOM = 0.4


class Powers(Protocol):
    """What the story may do with processes: a node that is away for a while, a command."""

    def switch_off(self, ministry: str) -> None:
        """End a node's process."""
        ...

    def switch_on(self, ministry: str) -> None:
        """Start it again and wait until it is ready."""
        ...

    def comity(self, profile: str, *arguments: str) -> Any:
        """Run the command line as an officer does; returns the document that it prints.

        Raises:
            ActFailedError: it ended with an error.
        """
        ...


class Stage:
    """Where the story is played.

    Args:
        staffs: by ministry id, its accounts by name.
        narrator: who tells it.
        powers: over the nodes' processes.
    """

    def __init__(self, staffs: Mapping[str, Staff], narrator: Narrator, powers: Powers) -> None:
        self._staffs = staffs
        self.powers = powers
        self.narrator = narrator
        self.book = Book()
        self._guard = threading.Lock()

    def officer(self, ministry: Ministry, account: str) -> OfficerAtNode:
        """Return an officer of a ministry."""
        return self._staffs[ministry.id][account]

    def officers(self) -> list[OfficerAtNode]:
        """Return everybody."""
        return [officer for staff in self._staffs.values() for officer in staff.values()]

    def tell(self, officer: OfficerAtNode, what: str) -> None:
        """Tell one act of an officer."""
        self.narrator.act(officer.name, what)

    def submit(self, author: OfficerAtNode, name: str, body: dict[str, Any]) -> str:
        """Sign a package with its author's own key and submit it; returns its id."""
        proof = author.endorse(Content(EVIDENCE_PACKAGE, (), body))
        draft = {"type": EVIDENCE_PACKAGE, "body": body, "endorsement": proof}
        made = author.post(f"submit the package '{body['title']}'", "/packages", draft)
        package = str(made["id"])
        self.book.packages[name] = package
        self.tell(
            author,
            f"submits the package '{body['title']}' {short(package)}, signed with an own key: "
            f"subjects {len(body['subjects'])}, exhibits {len(body['exhibits'])}",
        )
        return package

    def approve(self, reviewer: OfficerAtNode, draft: Mapping[str, Any], what: str) -> str:
        """Have a second officer look at a draft, sign it and let it go; returns the statement's id.

        The reviewer signs the exact payload with an own key (PROTOCOL §3).
        """
        place = f"/drafts/{draft['id']}"
        seen = reviewer.get(f"preview {what}", f"{place}/preview")
        if draft["type"] == OPENER:
            for sentence in seen["words"]["unusual"]:
                self.tell(reviewer, f"reads in the preview: {sentence}")
        wanted = {"form": "jws", "kid": reviewer.key.kid}
        candidate = reviewer.post(f"ask for the candidate of {what}", f"{place}/candidate", wanted)
        text = str(candidate["candidate"])
        proof = reviewer.key.sign_approval(b64u_decode(text))
        sealed = reviewer.post(
            f"approve {what}",
            f"{place}/approve",
            {"candidate": text, "signature": proof.to_json()},
        )
        self.left(reviewer.ministry, sealed)
        return str(sealed["statement"])

    def left(self, sender: str, sealed: Mapping[str, Any]) -> None:
        """Note a sealed draft's statement for each of its recipients."""
        with self._guard:
            self.book.sent += [
                Sent(sender, recipient, str(sealed["statement"])) for recipient in sealed["to"]
            ]

    def together(self, *acts: Callable[[], object]) -> None:
        """Let several ministries act at the same time; what one of them raises is raised here."""
        with ThreadPoolExecutor(len(acts)) as pool:
            for done in [pool.submit(act) for act in acts]:
                done.result()

    def until(self, act: str, look: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until the nodes have done something by themselves.

        Raises:
            ActFailedError: it did not happen in time.
        """
        end, pause = time.monotonic() + seconds, _LOOK_AGAIN
        while not look():
            if time.monotonic() > end:
                raise ActFailedError(act, f"it did not happen within {seconds:.0f} s")
            time.sleep(pause)
            pause = min(_SELDOM, 1.5 * pause)


def partners_of(ministry: Ministry) -> list[Ministry]:
    """Return the other members."""
    return [other for other in cast.MINISTRIES if other != ministry]
