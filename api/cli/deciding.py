"""The second officer's decision from the command line: shown first, asked, then sent.

Owns how a preview of a change is printed and how a command asks. Nothing is approved that was not
shown: on a terminal the command shows and asks, elsewhere it needs the digest that was read.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from api.cli import output
from api.cli.client import connected
from api.cli.profiles import CliContext
from api.domain.errors import Invalid

_PRINTED_BY: Final = {
    "draft": "comity draft preview",
    "proposal": "comity proposal show",
    "change": "The preview command beside the approving one, such as comity officer preview,",
}
Yes = Annotated[bool, typer.Option("--yes", help="Show it, but do not ask.")]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that waits for its second officer.

    Attributes:
        preview: path that shows it.
        approve: path that approves it.
        lines: what is said of the answer.
    """

    preview: str
    approve: str
    lines: Callable[[Mapping[str, Any]], Iterable[str]]


def shown(context: CliContext, path: str) -> None:
    """Show what would be approved, and its digest."""
    with connected(context) as api:
        found = api.get(path)
    output.result(context, found, change_lines(found))


def approved(context: CliContext, change: Change, *, digest: str | None, yes: bool) -> None:
    """Show a change, ask, and approve it.

    Args:
        context: of the command.
        change: what waits.
        digest: that was read before; then nothing is fetched, shown or asked.
        yes: do not ask.

    Raises:
        Stale: ``change.stale``: it is another one than was read.
        Refused: ``change.not-previewed``: this officer did not look at it.
        Invalid: ``change.digest-needed``: nobody sits at a terminal to look at it.
    """
    with connected(context) as api:
        look = Look(digest, yes=yes)
        seen = look.read(lambda: api.get(change.preview), change_lines, "change")
        done = api.post(change.approve, tag=f'"{seen}"')
    output.result(context, done, change.lines(done))


@dataclass(frozen=True, slots=True)
class Look:
    """How an officer looks at what they decide on.

    Attributes:
        digest: of what they read before; then nothing is fetched: a look is the officer's own, and
            the node knows whether there was one.
        yes: show it, but do not ask.
    """

    digest: str | None
    yes: bool

    def read(
        self,
        fetch: Callable[[], dict[str, Any]],
        lines: Callable[[dict[str, Any]], Iterable[str]],
        what: str,
    ) -> str:
        """Return the digest of what somebody read: the one given, or what is shown now.

        Args:
            fetch: looks at the object.
            lines: the object in words.
            what: first part of the code: ``draft``, ``proposal``, ``change``.

        Raises:
            Invalid: nobody sits at a terminal to look at it.
        """
        if self.digest is not None:
            return self.digest
        if not sys.stdin.isatty():
            raise Invalid(
                f"{what}.digest-needed",
                "Without a terminal an approval names the digest that was read: --digest. "
                f"{_PRINTED_BY[what]} prints it.",
            )
        seen = fetch()
        for line in lines(seen):
            output.talk(line)
        if not self.yes:
            typer.confirm("Approve this?", abort=True, err=True)
        return str(seen["digest"])


def change_lines(found: Mapping[str, Any]) -> Iterable[str]:
    """Yield a change in words: what is proposed, what follows, and the digest of just that."""
    yield from output.details({each["name"]: each["value"] for each in found["facts"]})
    yield output.safe(found["effect"])
    yield f"Digest: {found['digest']}"
