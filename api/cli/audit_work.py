"""``comity audit sample|note|gaps|erase|retention``: what auditors keep, and what the law removes.

Owns these commands; reading, exporting and checking the log are ``api.cli.audit``'s.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.arguments import ErasureId, SampleId, Seen, given, id_option
from api.cli.audit_redraw import redraw
from api.cli.client import connected
from api.cli.commands import command, group
from api.cli.deciding import Change, Yes, approved, shown
from api.cli.profiles import CliContext
from api.cli.short_references import RECORD
from api.cli.signing import PassphraseFile, Recorded, own_key

sample = group("sample", "Entries set aside for a closer look.")
note = group("note", "What an auditor says about entries and samples.")
erase = group("erase", "Carry out a legal order to erase; takes two administrators.")

_SHOWN = 12
_ORDER_COLUMNS: list[output.Column] = [
    ("ID", "id"),
    ("STATE", "state"),
    ("KIND", "kind"),
    ("TARGET", "target"),
    ("AUTHORITY", "authority"),
    ("REFERENCE", "reference"),
    ("PROPOSED", output.at("proposed_at")),
    ("DECIDED", output.at("decided_at")),
]


def register(app: typer.Typer) -> None:
    """Add the groups and commands to ``comity audit``."""
    app.add_typer(sample)
    app.add_typer(note)
    app.add_typer(erase)
    command(sample, "redraw")(redraw)
    command(app, "gaps")(gaps)
    command(app, "retention")(retention)


@command(sample, "draw")
def draw(
    context: CliContext,
    *,
    name: Annotated[str, typer.Option(help="What you call it.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")],
    seed: Annotated[str, typer.Option(help="Any text of your own; goes into the draw.")],
    since: Annotated[int | None, typer.Option("--from", min=0, help="First entry.")] = None,
    until: Annotated[int | None, typer.Option("--to", min=0, help="Entry after the last.")] = None,
    act: Annotated[list[str] | None, typer.Option(help="Only this act; may be repeated.")] = None,
) -> None:
    """Draw a sample that anyone with the same log draws again, and save it.

    Example: comity --profile us-auditor audit sample draw --name may --count 25 --seed "7 June"
    """
    rule = given(count=count, seed=seed, to=until) | {"from": since or 0, "acts": act or []}
    with connected(context) as api:
        saved = api.post("/audit/samples", {"name": name, "rule": rule})
    output.result(context, saved, output.details(saved))


@command(sample, "list")
def samples(context: CliContext) -> None:
    """List saved samples, newest first.

    Example: comity --profile us-auditor audit sample list
    """
    with connected(context) as api:
        found = api.get("/audit/samples")
    columns: list[output.Column] = [
        ("ID", "id"),
        ("NAME", "name"),
        ("ENTRIES", lambda item: len(item["entries"])),
        ("LOG", "size"),
        ("SAVED", output.at("saved_at")),
    ]
    output.result(context, found, output.table(found["items"], columns))


@command(sample, "show")
def show_sample(context: CliContext, sample: SampleId) -> None:
    """Show the events of a sample.

    Example: comity --profile us-auditor audit sample show 0123456789abcdef0123456789abcdef
    """
    with connected(context) as api:
        found = api.get(f"/audit/samples/{sample}")
    columns: list[output.Column] = [
        ("LEAF", "index"),
        ("TIME", lambda item: output.moment(_event(item).get("time"))),
        ("ACT", lambda item: _event(item).get("act", item.get("gap"))),
        ("OUTCOME", lambda item: _event(item).get("code") or _event(item).get("outcome")),
        ("OBJECT", lambda item: _event(item).get("object", {}).get("id")),
    ]
    output.result(context, found, output.table(found["events"], columns))


@command(note, "write")
def write(
    context: CliContext,
    *,
    verdict: Annotated[str, typer.Option(help="in-order, question or finding.")],
    text: Annotated[str, typer.Option(help="The note.")],
    leaf: Annotated[int | None, typer.Option(min=0, help="The entry it is about.")] = None,
    sample: Annotated[str | None, id_option("The sample it is about.", RECORD, "sample")] = None,
    recorded: Recorded = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Keep a review note, signed with your key if the profile has one.

    Example: comity --profile us-auditor audit note write --leaf 7 --verdict question --text "Why?"
    """
    body = given(verdict=verdict, text=text, leaf=leaf, sample=sample)
    key = own_key(context, passphrase_file, recorded=recorded)
    signed = {} if key is None else {"endorsement": key.sign_paper("review-note/1", body).to_json()}
    content = body | signed
    with connected(context) as api:
        written = api.post("/audit/notes", content)
    output.result(context, written, [written["id"]])
    output.talk("Signed with your key." if key is not None else "Recorded on the node's word.")


@command(note, "list")
def notes(
    context: CliContext,
    *,
    leaf: Annotated[int | None, typer.Option(min=0, help="Only about this entry.")] = None,
    sample: Annotated[str | None, id_option("Only about this sample.", RECORD, "sample")] = None,
) -> None:
    """List review notes, newest first.

    Example: comity --profile us-auditor audit note list --leaf 7
    """
    with connected(context) as api:
        found = api.get("/audit/notes", leaf=leaf, sample=sample)
    columns: list[output.Column] = [
        ("WRITTEN", lambda item: output.moment(item["document"]["written_at"])),
        ("BY", lambda item: item["document"]["by"]["sub"]),
        ("SIGNED", lambda item: item["endorsement"] is not None),
        ("ABOUT", _about),
        ("VERDICT", lambda item: item["document"]["body"]["verdict"]),
        ("TEXT", lambda item: item["document"]["body"]["text"]),
    ]
    output.result(context, found, output.table(found["items"], columns))


def gaps(context: CliContext) -> None:
    """Show what is missing from the log: erased under which order, or lost and recovered.

    Example: comity --profile us-auditor audit gaps
    """
    with connected(context) as api:
        found = api.get("/audit/gaps")
    output.result(context, found, output.table(found["erased"], _ORDER_COLUMNS))
    for lost in found["lost"]:
        output.talk(f"Between leaf {lost['from']} and {lost['to']} events were lost and recovered.")


@command(erase, "propose")
def propose_erasure(
    context: CliContext,
    *,
    target: Annotated[str, typer.Option(help="Leaf of the event, or digest of the exhibit.")],
    authority: Annotated[str, typer.Option(help="Court or statute that orders it.")],
    reference: Annotated[str, typer.Option(help="Its file number.")],
) -> None:
    """Enter a legal order to erase; another administrator carries it out.

    Sealed statements are not erased, the manifest of a package among them: recall the package, and
    erase its exhibits.

    Example: comity --profile us-admin audit erase propose --target 7 --authority … --reference …
    """
    kind = "exhibit" if target.startswith("sha256:") else "event"
    order = {"kind": kind, "target": target, "authority": authority, "reference": reference}
    with connected(context) as api:
        made = api.post("/audit/erasures", order)
    output.result(context, made, [made["id"]])
    output.talk("Another administrator approves it: comity audit erase approve.")


@command(erase, "preview")
def preview_erasure(context: CliContext, erasure: ErasureId) -> None:
    """Show what would be erased, on whose word.

    Example: comity --profile us-admin2 audit erase preview 0123456789abcdef0123456789abcdef
    """
    shown(context, f"/audit/erasures/{erasure}/preview")


@command(erase, "approve")
def approve_erasure(
    context: CliContext, erasure: ErasureId, *, digest: Seen = None, yes: Yes = False
) -> None:
    """Carry an order out, as the second administrator: shows it and asks. It does not come back.

    Example: comity --profile us-admin2 audit erase approve 0123456789abcdef0123456789abcdef
    """
    path = f"/audit/erasures/{erasure}"
    change = Change(f"{path}/preview", f"{path}/approve", output.details)
    approved(context, change, digest=digest, yes=yes)


@command(erase, "reject")
def reject(context: CliContext, erasure: ErasureId) -> None:
    """Reject an order, as the second administrator.

    Example: comity --profile us-admin2 audit erase reject 0123456789abcdef0123456789abcdef
    """
    with connected(context) as api:
        done = api.post(f"/audit/erasures/{erasure}/reject")
    output.result(context, done, output.details(done))


@command(erase, "list")
def orders(context: CliContext) -> None:
    """List orders to erase, newest first.

    Example: comity --profile us-admin audit erase list
    """
    with connected(context) as api:
        found = api.get("/audit/erasures")
    output.result(context, found, output.table(found["items"], _ORDER_COLUMNS))


def retention(
    context: CliContext,
    *,
    database_url: Annotated[str, typer.Option(help="The node's database, as in its settings.")],
    classes: Annotated[
        Path | None,
        typer.Option(help="Retention classes; default: those shipped.", exists=True),
    ] = None,
) -> None:
    """List which event bodies are past their time, by class; removes nothing.

    Example: comity audit retention --database-url sqlite:///node.db
    """
    from api.adapters.system import SystemClock
    from api.records.read_only import read_only
    from api.services.audit import retention as keeping

    path = classes or keeping.default_file()
    known = keeping.parse_classes(path.read_text(encoding="utf-8"))
    with read_only(database_url) as connection:
        found = keeping.listing(connection, known, SystemClock().now())
    rows = [
        {
            "class": due.kept.name,
            "years": due.kept.years,
            "bodies": due.bodies,
            "due": due.due,
            "first": due.first,
            "last": due.last,
            "basis": due.kept.basis,
        }
        for due in found
    ]
    columns: list[output.Column] = [
        ("CLASS", "class"),
        ("YEARS", lambda item: item["years"] or "for good"),
        ("BODIES", "bodies"),
        ("DUE", "due"),
        ("FIRST", "first"),
        ("LAST", "last"),
    ]
    output.result(context, {"items": rows}, output.table(rows, columns))


def _event(item: Mapping[str, Any]) -> dict[str, Any]:
    return item.get("event") or {}


def _about(item: Mapping[str, Any]) -> str:
    body = item["document"]["body"]
    return f"leaf {body['leaf']}" if "leaf" in body else f"sample {body['sample'][:_SHOWN]}"
