"""The requester's part of ``comity mirror``: request, answer, amend, withdraw.

Owns how a request is put together from designations that this ministry stated.
"""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import making
from api.cli.arguments import (
    EvidenceOptions,
    Reason,
    ThreadId,
    given,
    id_option,
    instant_option,
    read_body,
)
from api.cli.client import Api, connected
from api.cli.commands import command
from api.cli.making import Made
from api.cli.profiles import CliContext
from api.cli.short_references import DIGEST
from api.cli.signing import PassphraseFile, Recorded, own_key
from api.domain.errors import Invalid

_KEY = re.compile(r"s[1-9][0-9]{0,4}", re.ASCII)
_FACTS = ("schema", "names", "birth_dates", "birth_place", "identifiers", "positions", "countries")


def _key(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise typer.BadParameter("a subject's key is s1, s2 and so on")
    return value


Subject = Annotated[str, typer.Option(help="Key of the subject, such as s1.", callback=_key)]
Subjects = Annotated[
    list[str] | None, typer.Option("--subject", help="Key of a subject; may be repeated.")
]


Continues = Annotated[str | None, id_option("The request that it goes on from.", DIGEST, "thread")]
RespondBy = Annotated[str | None, instant_option("Instant, as 2027-01-31T17:00Z.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the ``mirror`` group."""
    command(app, "request")(request)
    command(app, "answer")(answer_question)
    command(app, "amend")(amend_request)
    command(app, "withdraw")(withdraw_request)


def request(
    context: CliContext,
    *,
    to: Annotated[str, typer.Option(help="Ministry that is asked.")],
    designation: Annotated[
        list[str] | None,
        id_option("Own designation to mirror; may be repeated.", DIGEST, "designation"),
    ] = None,
    title: Annotated[str | None, typer.Option(help="One line.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in words that may leave.")] = None,
    authority: Annotated[str | None, typer.Option(help="The authority to disclose.")] = None,
    permitted_use: Annotated[
        list[str] | None, typer.Option(help="What it may be used for; may be repeated.")
    ] = None,
    respond_by: RespondBy = None,
    release_at: Annotated[str | None, instant_option("Coordinated release time.")] = None,
    evidence: EvidenceOptions = None,
    regime: Annotated[
        list[str] | None, typer.Option(help="Suggested regime, as s1=UK-GHR; may be repeated.")
    ] = None,
    continues: Continues = None,
    body: Annotated[
        Path | None,
        typer.Option(help="The whole body instead, TOML or JSON; - reads JSON from stdin."),
    ] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft a request that another ministry mirror designations; a reviewer approves it.

    Subjects are described as the designations describe them, with keys s1, s2 … in the order given.

    Example: comity --profile us-analyst mirror request --to uk-fcdo --designation sha256:…
    --title "Xinjiang" --reason "Listed in July 2020." --authority "Public sources."
    --permitted-use "consideration of designation" --respond-by 2027-01-31T17:00Z
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        content = (
            read_body(body, "mirror-request/1")
            if body is not None
            else given(
                title=title,
                authority=authority,
                permitted_use=permitted_use,
                respond_by=respond_by,
                release_at=release_at,
                reasons=None if reason is None else {"releasable": reason},
                evidence=[_evidence(one) for one in evidence or []],
                regimes=None if regime is None else dict(_pair(one) for one in regime),
                continues=continues,
                **_described(api, _given_designations(designation)),
            )
        )
        made = Made("mirror-request/1", (to,), content)
        draft = making.post(api, "/mirror-requests", made, key, to=to)
    making.shown(context, draft)


def answer_question(
    context: CliContext,
    thread: ThreadId,
    *,
    question: Annotated[str, typer.Option(help="Key of the question, such as q1.")],
    text: Annotated[str, typer.Option(help="The answer.")],
    evidence: EvidenceOptions = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the answer to a question; a reviewer approves it.

    Example: comity --profile us-analyst mirror answer sha256:… --question q1 --text "Secretary."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    body = given(
        question=question,
        text=text,
        evidence=None if evidence is None else [_evidence(one) for one in evidence],
    )
    _say(context, thread, "mirror-answer/1", body, key)


def amend_request(
    context: CliContext,
    thread: ThreadId,
    *,
    body: Annotated[Path, typer.Option(help="The amendment, JSON; - reads stdin.")],
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft an amendment: subjects, evidence or time added or taken back.

    Example: comity --profile us-analyst mirror amend sha256:… --body amendment.json
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    _say(context, thread, "mirror-amendment/1", read_body(body, "mirror-amendment/1"), key)


def withdraw_request(
    context: CliContext,
    thread: ThreadId,
    *,
    reason: Reason,
    subject: Subjects = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the withdrawal of some subjects, or of the whole request.

    Example: comity --profile us-analyst mirror withdraw sha256:… --reason "Resolved." --subject s2
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    body = given(reason=reason, subjects=subject)
    _say(context, thread, "mirror-withdrawal/1", body, key)


def _say(context: CliContext, thread: str, type_: str, body: dict[str, Any], key: Any) -> None:
    with connected(context) as api:
        draft = making.said_in_thread(api, thread, type_, body, key)
    making.shown(context, draft)


def _given_designations(designations: list[str] | None) -> list[str]:
    if not designations:
        raise typer.BadParameter("name a designation to mirror: --designation")
    return designations


def _described(api: Api, ids: list[str]) -> dict[str, Any]:
    """Return subjects and designations by key, as the designations describe them now."""
    if not ids:
        return {}
    subjects, asked = [], {}
    for number, id_ in enumerate(ids, start=1):
        standing = api.get(f"/designations/{id_}")["standing"]["subject"]
        facts = {name: standing[name] for name in _FACTS if name in standing}
        subjects.append({"key": f"s{number}", **facts})
        asked[f"s{number}"] = id_
    return {"subjects": subjects, "designations": asked}


def _evidence(text: str) -> dict[str, str]:
    release, _, package = text.partition("/")
    return {"release": release, "package": package}


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not _KEY.fullmatch(key):
        raise Invalid("regime.malformed", "Write a suggested regime as s1=UK-GHR.")
    return key, value
