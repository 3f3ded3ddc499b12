"""``comity subjects``: search suggests who is who, a verdict decides."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import entity_files, output, subject_lines
from api.cli.arguments import (
    Description,
    Limit,
    OtherDescription,
    Reason,
    VerdictId,
    Watched,
    WatchId,
)
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.profiles import CliContext
from api.cli.signing import PassphraseFile, Recorded, own_key

app = group("subjects", "Search names across all that is held here; record who is who.")


class Verdict(StrEnum):
    """What an officer found about two descriptions."""

    SAME = "same"
    NOT_SAME = "not-same"
    UNSURE = "unsure"


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    root.add_typer(app)


@command(app, "export")
def export_subjects(
    context: CliContext,
    *,
    out: Annotated[Path, typer.Option(help="Folder to make; it must not be there yet.")],
) -> None:
    """Write the subjects of the statements that you may read as FollowTheMoney entities.

    What a package's marking says of passing it on holds for the file as well.

    Example: comity --profile us-analyst subjects export --out subjects
    """
    with connected(context) as api:
        page, written = entity_files.write_entities(api, "/subjects/entities", out)
    entity_files.tell(context, out, written.index(page["dataset"], page["title"]))


@command(app, "search")
def search(
    context: CliContext,
    name: Annotated[str, typer.Argument(help="A name, in any script.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most entries to show.")] = 20,
) -> None:
    """Suggest descriptions with names like this one.

    Example: comity --profile us-analyst subjects search "Production and Construction Corps"
    """
    with connected(context) as api:
        found = api.get("/subjects", q=name, limit=limit)
    columns: list[output.Column] = [
        ("SCORE", "score"),
        ("NAME", "name"),
        ("SCHEMA", "schema"),
        ("BY", "issuer"),
        ("REF", "ref"),
    ]
    output.result(context, found, output.table(found["items"], columns))
    output.talk("These are suggestions: comity subjects verdict records what an officer finds.")


@command(app, "verdict")
def verdict(
    context: CliContext,
    one: Description,
    other: OtherDescription,
    *,
    outcome: Annotated[Verdict, typer.Option(help="Of one subject, or not.")],
    reason: Reason,
) -> None:
    """Record that two descriptions are of one subject, or are not; it replaces an earlier one.

    Example: comity --profile us-analyst subjects verdict designation:sha256:… designation:sha256:…
    --outcome not-same --reason "The bureau is a body of its own."
    """
    content = {"one": one, "other": other, "outcome": outcome.value, "reason": reason}
    with connected(context) as api:
        made = api.post("/verdicts", content)
    output.result(context, made, output.details(made))


@command(app, "show")
def show(
    context: CliContext,
    ref: Description,
) -> None:
    """Show a description, who else it may be, verdicts, listings, links and ownership tests.

    Example: comity --profile us-analyst subjects show list:us-ofac-sdn:29220
    """
    with connected(context) as api:
        found = api.get("/subjects/page", ref=ref)
    output.result(context, found, subject_lines.told(found))


@command(app, "share")
def share_verdict(
    context: CliContext,
    one: Description,
    other: OtherDescription,
    *,
    to: Annotated[list[str], typer.Option(help="A member that is told; repeat for several.")],
    outcome: Annotated[Verdict, typer.Option(help="Of one subject, or not.")],
    reason: Reason,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft a verdict that partners are told; another officer approves it.

    Example: comity --profile us-analyst subjects share list:us-ofac-sdn:29299
    list:ca-sor-2021-49:… --to ca-gac --outcome not-same --reason "A bureau of the Corps."
    """
    body: dict[str, Any] = {"outcome": outcome.value, "reason": reason}
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        signals = subject_lines.signals(api, one, other)
        body |= {"one": subject_lines.described_reference(api, one)}
        body |= {"other": subject_lines.described_reference(api, other)}
        body |= {"signals": signals} if signals else {}
        subject_lines.drafted(context, api, key, to, body)


@command(app, "withdraw")
def withdraw(
    context: CliContext,
    verdict: VerdictId,
    *,
    to: Annotated[list[str], typer.Option(help="A member that is told; repeat for several.")],
    reason: Reason,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draft the withdrawal of a verdict that partners were told; another officer approves it.

    Example: comity --profile us-analyst subjects withdraw sha256:… --to ca-gac --reason "Wrong."
    """
    key = own_key(context, passphrase_file, recorded=recorded)
    with connected(context) as api:
        told = subject_lines.standing_verdict(api, verdict)
        both = {
            name: subject_lines.described_reference(api, told[name]) for name in ("one", "other")
        }
        body = {**both, "outcome": "unsure", "reason": reason, "withdraws": verdict}
        subject_lines.drafted(context, api, key, to, body)


@command(app, "watch")
def watch(
    context: CliContext,
    ref: Watched,
    *,
    reason: Reason,
) -> None:
    """Ask to be told, as a task, when a published list changes about it.

    Example: comity --profile ca-analyst subjects watch programme:us-ofac-sdn:GLOMAG
    --reason "Whom we may follow."
    """
    with connected(context) as api:
        made = api.post("/watches", {"ref": ref, "reason": reason})
    output.result(context, made, output.details(made))


@command(app, "watches")
def watches(context: CliContext) -> None:
    """List what is watched.

    Example: comity --profile ca-analyst subjects watches
    """
    with connected(context) as api:
        found = api.get("/watches")
    columns: list[output.Column] = [
        ("WATCHED", "ref"),
        ("REASON", "reason"),
        ("SINCE", output.at("at")),
        ("ID", "id"),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(app, "unwatch")
def unwatch(context: CliContext, watch: WatchId) -> None:
    """End a watch.

    Example: comity --profile ca-analyst subjects unwatch 01a2…
    """
    with connected(context) as api:
        ended = api.post(f"/watches/{watch}/end", {})
    output.result(context, ended, output.details(ended))


@command(app, "verdicts")
def verdicts(context: CliContext, *, limit: Limit = 50) -> None:
    """List verdicts, newest first, replaced ones included.

    Example: comity --profile us-analyst subjects verdicts
    """
    with connected(context) as api:
        found = api.items("/verdicts", limit)
    columns: list[output.Column] = [
        ("AT", output.at("at")),
        ("OUTCOME", "outcome"),
        ("ONE", "one"),
        ("OTHER", "other"),
        ("REPLACED", lambda row: "replaced_by" in row),
        ("REASON", "reason"),
    ]
    output.result(context, found, output.table(found["items"], columns))
