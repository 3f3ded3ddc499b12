"""``comity mirror``: ask another ministry to mirror designations, and answer such a request.

Owns listing and showing requests, and what the addressee says in one; what the requester says is
``mirror_asking``'s.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import making, mirror_asking, output
from api.cli.arguments import (
    EarlierSubject,
    Limit,
    Reason,
    ThreadId,
    given,
    id_option,
    instant_option,
)
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.mirror_asking import Subject, Subjects
from api.cli.profiles import CliContext
from api.cli.short_references import DIGEST
from api.cli.signing import PassphraseFile, Recorded, own_key
from api.cli.thread_lines import thread_lines

app = group("mirror", "Ask other ministries to mirror designations; answer what they ask.")

_QUESTION = re.compile(r"q([1-9][0-9]*)", re.ASCII)


class FindingChoice(StrEnum):
    """What the addressee decides on a subject."""

    MIRROR = "mirror"
    DIFFERENTLY = "mirror-differently"
    DECLINE = "decline"
    DEFER = "defer"
    DUPLICATE = "duplicate-of"


class Phase(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    VOID = "void"


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    mirror_asking.register(app)
    root.add_typer(app)


@command(app, "list")
def list_requests(
    context: CliContext,
    *,
    phase: Annotated[Phase | None, typer.Option(help="Only those that stand so.")] = None,
    requester: Annotated[str | None, typer.Option(help="Only those that it asks.")] = None,
    addressee: Annotated[str | None, typer.Option(help="Only those that it is asked.")] = None,
    limit: Limit = 50,
) -> None:
    """List mirror requests in both directions, newest first.

    Example: comity --profile uk-reviewer mirror list --phase open
    """
    with connected(context) as api:
        wanted = phase.value if phase is not None else None
        found = api.items(
            "/mirror-requests", limit, phase=wanted, requester=requester, addressee=addressee
        )
    columns: list[output.Column] = [
        ("ID", "id"),
        ("PHASE", "phase"),
        ("FROM", "requester"),
        ("TO", "addressee"),
        ("OPEN", lambda row: f"{row['undecided']} of {len(row['subjects'])}"),
        ("RESPOND BY", output.at("respond_by")),
        ("TITLE", "title"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    if "next" in found:
        output.talk("There are more: raise --limit.")


@command(app, "show")
def show_request(context: CliContext, thread: ThreadId) -> None:
    """Show a request: where each subject stands, and all that was said.

    Example: comity --profile uk-reviewer mirror show sha256:…
    """
    with connected(context) as api:
        found = api.get(f"/mirror-requests/{thread}")
    output.result(context, found, thread_lines(found))


@command(app, "suggest")
def suggest(
    context: CliContext,
    thread: ThreadId,
    *,
    regime: Annotated[
        list[str] | None, typer.Option(help="Regime to look at; may be repeated.")
    ] = None,
) -> None:
    """Show what to weigh for each subject under the addressee's law; an officer decides.

    The regime that the requester suggests for a subject comes first and has a star.

    Example: comity --profile ca-reviewer mirror suggest sha256:… --regime CA-SEMA
    """
    with connected(context) as api:
        found = api.get(f"/mirror-requests/{thread}/suggestions", regime=regime)
    rows = [
        {"key": one["key"], "regime": f"{one['regime']}{'*' if one['asked'] else ''}", **each}
        for one in found["items"]
        for each in [*one["suggestions"], *map(_match_told, one["matches"])]
    ]
    columns: list[output.Column] = [
        ("KEY", "key"),
        ("REGIME", "regime"),
        ("WEIGHT", "weight"),
        ("SUGGESTION", "sentence"),
    ]
    output.result(context, found, output.table(rows, columns))


def _match_told(one: Mapping[str, Any]) -> dict[str, Any]:
    told = f"{one['asked_on']} might be argued on {one['ground']} ({one['fit']}). {one['sentence']}"
    return {"weight": "ground", "sentence": told}


@command(app, "acknowledge")
def acknowledge_request(
    context: CliContext,
    thread: ThreadId,
    *,
    note: Annotated[str | None, typer.Option(help="A word to the requester.")] = None,
    expected_by: Annotated[
        str | None, instant_option("Instant by which findings are expected.")
    ] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Say that the request was taken up; leaves at once.

    Example: comity --profile uk-analyst mirror acknowledge sha256:… --note "Taken up."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    body = given(note=note, expected_by=expected_by)
    with connected(context) as api:
        draft = making.said_in_thread(api, thread, "mirror-acknowledgement/1", body, key)
    making.shown(context, draft)


@command(app, "ask")
def ask_question(
    context: CliContext,
    thread: ThreadId,
    *,
    text: Annotated[str, typer.Option(help="The question.")],
    subject: Subjects = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Ask the requester something; leaves at once.

    Example: comity --profile uk-analyst mirror ask sha256:… --text "Which post?" --subject s1
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        known = api.get(f"/mirror-requests/{thread}")["state"]["questions"]
        numbers = [int(found[1]) for one in known if (found := _QUESTION.fullmatch(one["key"]))]
        body = given(question=f"q{max(numbers, default=0) + 1}", text=text, subjects=subject)
        draft = making.said_in_thread(api, thread, "mirror-question/1", body, key)
    making.shown(context, draft)


@command(app, "find")
def find(
    context: CliContext,
    thread: ThreadId,
    *,
    subject: Subject,
    finding: Annotated[FindingChoice, typer.Option(help="The decision.")],
    reason: Annotated[str, typer.Option(help="Why, in words that may cross the border.")],
    regime: Annotated[str | None, typer.Option(help="Own regime to list under.")] = None,
    ground: Annotated[str | None, typer.Option(help="Ground under that regime.")] = None,
    relies_on: Annotated[
        list[str] | None, id_option("Package it rests on; may be repeated.", DIGEST, "package")
    ] = None,
    until: Annotated[str | None, instant_option("Instant to which it is put off.")] = None,
    duplicate_of: EarlierSubject = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the decision on one subject; another reviewer approves it.

    Example: comity --profile uk-analyst mirror find sha256:… --subject s1 --finding mirror
    --regime UK-GHR --ground uk-ghr.torture --reason "Involved in ill-treatment."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    body = given(
        subject=subject,
        finding=finding.value,
        reasons={"releasable": reason},
        relies_on=relies_on or [],
        regime=regime,
        ground=ground,
        until=until,
        duplicate_of=None if duplicate_of is None else _duplicate(duplicate_of),
    )
    with connected(context) as api:
        draft = making.said_in_thread(api, thread, "mirror-finding/1", body, key)
    making.shown(context, draft)


@command(app, "effect")
def effect(
    context: CliContext,
    thread: ThreadId,
    *,
    subject: Subject,
    designation: Annotated[str, id_option("The designation that followed.", DIGEST, "designation")],
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the word that a designation followed a finding.

    Example: comity --profile uk-analyst mirror effect sha256:… --subject s1 --designation sha256:…
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    body = {"subject": subject, "designation": designation}
    with connected(context) as api:
        draft = making.said_in_thread(api, thread, "mirror-effect/1", body, key)
    making.shown(context, draft)


@command(app, "close")
def close_request(
    context: CliContext,
    thread: ThreadId,
    *,
    reason: Reason,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the closure: every subject is decided, and what comes later is a new request.

    Example: comity --profile uk-analyst mirror close sha256:… --reason "All are decided."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        draft = making.said_in_thread(api, thread, "mirror-closure/1", {"reason": reason}, key)
    making.shown(context, draft)


def _duplicate(text: str) -> dict[str, str]:
    thread, _, key = text.partition("#")
    return {"thread": thread, "key": key}
