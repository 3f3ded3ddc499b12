"""Decisions about a package: release, recall, return, onward request and consent.

Owns the drafts that these commands make. Most wait for a second officer: see ``comity draft``.
"""

from enum import StrEnum
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import (
    LegalBasis,
    OriginatorControl,
    PackageId,
    PermittedUse,
    Reason,
    ReleasableTo,
    ReleaseId,
    TlpOption,
    To,
    given,
    id_option,
    instant_option,
    marking,
)
from api.cli.client import Api, connected
from api.cli.commands import command
from api.cli.draft import summary
from api.cli.profiles import CliContext
from api.cli.short_references import DIGEST
from api.cli.signing import PassphraseFile, Recorded, endorsed, own_key
from api.domain.errors import Conflict


class Instruction(StrEnum):
    """What a holder is asked to do with a recalled package."""

    STOP_USE = "stop-use"
    RETURN = "return"
    DESTROY = "destroy"


def register(app: typer.Typer) -> None:
    """Add the commands to the ``package`` group."""
    command(app, "release")(release_package)
    command(app, "withdraw")(withdraw_release)
    command(app, "recall")(recall)
    command(app, "acknowledge-recall")(acknowledge_recall)
    command(app, "answer-recall")(answer_recall)
    command(app, "return")(return_package)
    command(app, "onward-request")(onward_request)
    command(app, "onward-consent")(onward_consent)


def withdraw_release(context: CliContext, package: PackageId, release: ReleaseId) -> None:
    """Take a release back before its recipient has it.

    Where it may have arrived already, the recipient stays a holder and a recall goes to it.

    Example: comity --profile us-reviewer package withdraw sha256:… sha256:…
    """
    with connected(context) as api:
        found = api.post(f"/packages/{package}/releases/{release}/withdraw")
    said = {
        "not-sent": f"Withdrawn; nothing left for {found['recipient']}.",
        "perhaps-received": f"Withdrawn, but {found['recipient']} may have it: open a new epoch, "
        "or recall the package.",
    }
    output.result(context, found, [said[found["reach"]]])


def release_package(
    context: CliContext,
    package: PackageId,
    *,
    to: To,
    tlp: TlpOption,
    legal_basis: LegalBasis,
    releasable_to: ReleasableTo = None,
    permitted_use: PermittedUse = None,
    originator_control: OriginatorControl = True,
    note: Annotated[str | None, typer.Option(help="A word to the recipient.")] = None,
    supersedes_release: Annotated[
        str | None, id_option("The release that it replaces.", DIGEST, "release")
    ] = None,
    consent: Annotated[
        str | None, id_option("The consent to pass it on.", DIGEST, "onward-consent")
    ] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the release of a package to one ministry; another officer approves it.

    With --consent, passes on another ministry's package under its onward consent.

    Example: comity --profile us-analyst package release sha256:… --to uk-fcdo --tlp AMBER
    --legal-basis "Public sources." --permitted-use "consideration of designation"
    """
    from api.wire.statements import Content

    key = own_key(context, passphrase_file, recorded=recorded)
    marked = marking(
        tlp, releasable_to, permitted_use, originator_control=originator_control, recipient=to
    )
    with connected(context) as api:
        content = given(
            recipient=to,
            marking=marked,
            legal_basis=legal_basis,
            note=note,
            supersedes_release=supersedes_release,
            consent=consent,
            originator=None if consent is None else _originator(api, package),
            acquired_independently=_acquired(api, package) if consent is None else None,
        )
        made = Content("release/1", (to,), {**content, "package": package})
        signed = endorsed(api, key, made)
        draft = api.post(f"/packages/{package}/release", content | signed)
    _drafted(context, draft)


def recall(
    context: CliContext,
    package: PackageId,
    *,
    reason: Reason,
    instruction: Annotated[
        Instruction, typer.Option(help="What holders are asked to do.")
    ] = Instruction.STOP_USE,
    replaced_by: Annotated[
        str | None, id_option("The package that stands in its place.", DIGEST, "package")
    ] = None,
) -> None:
    """Recall a package from every holder, at once; a second reviewer confirms within a day.

    Example: comity --profile us-reviewer package recall sha256:… --reason "A wrong exhibit."
    --instruction destroy
    """
    content = given(reason=reason, instruction=str(instruction), replaced_by=replaced_by)
    with connected(context) as api:
        draft = api.post(f"/packages/{package}/recall", content)
    output.result(context, draft, summary(draft))
    output.talk(f"Recalled. A second reviewer confirms it: comity draft confirm {draft['id']}")


class RecallAnswer(StrEnum):
    """What a holder did with a recalled package."""

    STOPPED = "stopped"
    RETURNED = "returned"
    DESTROYED = "destroyed"
    KEPT = "kept"


def acknowledge_recall(context: CliContext, package: PackageId) -> None:
    """Say that you have read why a partner recalled a package; reading on needs it.

    Example: comity --profile uk-analyst package acknowledge-recall sha256:…
    """
    with connected(context) as api:
        recall = api.post(f"/packages/{package}/acknowledge-recall", None)
    output.result(context, recall, recall_lines(recall))


def answer_recall(
    context: CliContext,
    package: PackageId,
    *,
    answer: Annotated[
        RecallAnswer,
        typer.Option(
            help="What this ministry does; destroyed deletes its exhibits here, once sealed."
        ),
    ],
    reason: Annotated[str | None, typer.Option(help="Why; needed when it is kept.")] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft this ministry's answer to a recall; another officer approves it.

    Example: comity --profile uk-analyst package answer-recall sha256:… --answer stopped
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        found = api.get(f"/packages/{package}")
        recall = found.get("recall")
        if recall is None:
            raise Conflict("package.not-recalled", "This package was not recalled.")
        body = given(recall=recall["statement"], answer=str(answer), reason=reason)
        draft = _draft(api, key, "recall-answer/1", found["originator"], body)
    _drafted(context, draft)


def recall_lines(recall: dict[str, Any]) -> list[str]:
    """Return what a recall says, in lines."""
    lines = [
        f"RECALLED by {recall['by']}: {recall['reason']}",
        f"Asked of holders: {recall['instruction']}",
    ]
    if recall.get("replaced_by"):
        lines.append(f"Use instead: {recall['replaced_by']}")
    if recall.get("answer"):
        lines.append(f"This ministry answered: {recall['answer']}")
    return [output.safe(line) for line in lines]


def return_package(context: CliContext, package: PackageId, *, reason: Reason) -> None:
    """Return a submitted package to its author: it is not released as it stands.

    Example: comity --profile us-reviewer package return sha256:… --reason "Name the source."
    """
    with connected(context) as api:
        api.post(f"/packages/{package}/return", {"reason": reason})
    output.result(context, {"id": package, "state": "returned"}, [f"returned {package}"])


def onward_request(
    context: CliContext,
    package: PackageId,
    *,
    to: Annotated[str, typer.Option(help="Ministry that is to get it.")],
    purpose: Annotated[str, typer.Option(help="What for.")],
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft a request to the originator to let a package be passed on.

    Example: comity --profile uk-analyst package onward-request sha256:… --to ca-gac
    --purpose "Joint consideration."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        body = {"package": package, "recipient": to, "purpose": purpose}
        draft = _draft(api, key, "onward-request/1", _originator(api, package), body)
    _drafted(context, draft)


def onward_consent(
    context: CliContext,
    package: PackageId,
    *,
    request: Annotated[str, id_option("Id of the onward request.", DIGEST, "onward-request")],
    asker: Annotated[str, typer.Option(help="Ministry that asked.")],
    to: Annotated[str, typer.Option(help="Ministry that may get it.")],
    tlp: TlpOption,
    releasable_to: ReleasableTo = None,
    permitted_use: PermittedUse = None,
    originator_control: OriginatorControl = True,
    until: Annotated[
        str | None, instant_option("End of the consent, as 2027-01-31T00:00Z.")
    ] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the consent that a holder passes a package of this ministry on.

    Example: comity --profile us-analyst package onward-consent sha256:… --request sha256:…
    --asker uk-fcdo --to ca-gac --tlp AMBER
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    marked = marking(
        tlp, releasable_to, permitted_use, originator_control=originator_control, recipient=to
    )
    body = given(request=request, package=package, recipient=to, marking=marked, until=until)
    with connected(context) as api:
        draft = _draft(api, key, "onward-consent/1", asker, body)
    _drafted(context, draft)


def _draft(api: Api, key: Any, type_: str, to: str, body: dict[str, Any]) -> dict[str, Any]:
    from api.wire.statements import Content

    signed = endorsed(api, key, Content(type_, (to,), body))
    made: dict[str, Any] = api.post("/drafts", {"type": type_, "to": [to], "body": body} | signed)
    return made


def _acquired(api: Api, package: str) -> list[dict[str, Any]] | None:
    """Return the package's records of independent acquisition, which its release states."""
    return api.get(f"/packages/{package}")["acquisitions"] or None


def _originator(api: Api, package: str) -> str:
    return str(api.get(f"/packages/{package}")["originator"])


def _drafted(context: CliContext, draft: dict[str, Any]) -> None:
    output.result(context, draft, summary(draft))
    output.talk(f"Another officer decides: comity draft preview {draft['id']}, then draft approve.")
