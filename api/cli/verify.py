"""``comity verify``: judge a package, a draft, an audit export or a misbehaviour proof, offline.

Owns opening files, choosing the judge, and output. Exit codes: 0 as asked, 3 verification failed,
2 usage. Decides nothing itself (`api.domain.verification.package`,
`api.domain.verification.export`, `api.domain.misbehaviour`).
"""

import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli.profiles import CliContext
from api.wire.canonical import Json

if TYPE_CHECKING:
    from api.domain.verification.export import ExportReport
    from api.domain.verification.verdicts import Step, Verdict

EXIT_FAILED: Final = 3
"""Exit code of a verification that failed."""

_MARKS: Final = {True: "ok", False: "FAILED", None: "-"}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What is printed about a file: one JSON document, or lines for people."""

    ok: bool
    document: dict[str, Json]
    lines: tuple[str, ...]


def register(app: typer.Typer) -> None:
    """Add ``verify`` to ``app``."""
    app.command("verify")(verify)


def verify(
    ctx: typer.Context,
    path: Annotated[
        Path,
        typer.Argument(
            help="Package file, audit export or misbehaviour proof.", exists=True, dir_okay=False
        ),
    ],
    membership: Annotated[
        Path | None,
        typer.Option(help="The membership file you have pinned.", exists=True, dir_okay=False),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="A package before submission.")] = False,
    integrity_only: Annotated[
        bool, typer.Option("--integrity-only", help="Accept an unproven origin.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a file with nothing but the membership you have pinned.

    Example: comity verify case.comity --membership membership.json
    """
    if is_export(path) and not draft:
        outcome = _export_outcome(path, membership, integrity_only=integrity_only)
    elif is_misbehaviour(path) and not draft:
        outcome = _misbehaviour_outcome(path, membership)
    else:
        outcome = _package_outcome(
            verify_file(path, membership, draft=draft, integrity_only=integrity_only)
        )
    context: CliContext | None = ctx.obj
    if as_json or (context is not None and context.json):
        typer.echo(json.dumps(outcome.document, ensure_ascii=False))
    else:
        for line in outcome.lines:
            typer.echo(line)
    if not outcome.ok:
        raise typer.Exit(EXIT_FAILED)


def verify_file(
    path: Path,
    membership: Path | None = None,
    *,
    draft: bool = False,
    integrity_only: bool = False,
) -> "Verdict":
    """Judge a package file.

    Args:
        path: The file.
        membership: The pinned membership file; without one the origin stays unproven.
        draft: The file is a package before submission.
        integrity_only: Be content with an unproven origin.

    Raises:
        OSError: A file cannot be read.
    """
    from api.domain.verification.package import verify_draft, verify_package

    with path.open("rb") as source:
        if draft:
            return verify_draft(source)
        pinned = None if membership is None else membership.read_bytes()
        return verify_package(source, pinned, integrity_only=integrity_only)


def is_export(path: Path) -> bool:
    """Say whether a file looks like an audit export; it is judged as one then."""
    from api.wire.export.layout import MANIFEST

    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def is_misbehaviour(path: Path) -> bool:
    """Say whether a file looks like a misbehaviour proof: JSON, where the others are containers."""
    with path.open("rb") as source:
        return source.read(1) == b"{"


def _package_outcome(verdict: "Verdict") -> VerifyReport:
    lines = [_result_line(step) for step in verdict.steps]
    facts = [name for name in ("id", "issuer", "title") if name in verdict.facts]
    lines += [f"{name:<10} {_shown_json(verdict.facts[name])}" for name in facts]
    lines.append(_summary(verdict))
    return VerifyReport(verdict.ok, verdict.to_json(), tuple(lines))


def _result_line(step: "Step") -> str:
    code = f" [{step.code}]" if step.code else ""
    return f"{int(step.check):>2} {step.check.label:<10} {_MARKS[step.ok]:<6} {step.detail}{code}"


def _summary(verdict: "Verdict") -> str:
    if verdict.failed:
        return f"{verdict.verdict}: " + ", ".join(step.check.label for step in verdict.failed)
    if not verdict.ok:
        return f"{verdict.verdict}: give --membership, or say --integrity-only."
    return verdict.verdict


def _shown_json(value: Json) -> str:
    """Return text that cannot steer a terminal."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _export_outcome(path: Path, membership: Path | None, *, integrity_only: bool) -> VerifyReport:
    from api.domain.audit_export import ExportRefused
    from api.domain.verification.export import verify_export
    from api.wire.errors import WireError
    from api.wire.membership import parse_membership

    try:
        pinned = None if membership is None else parse_membership(membership.read_bytes())
        with path.open("rb") as source:
            report = verify_export(source, pinned, progress=_progress())
    except (ExportRefused, WireError) as refusal:
        details = refusal.details if isinstance(refusal, ExportRefused) else {}
        index = details.get("index")
        return _refused_outcome(
            refusal.code, refusal.message, index if isinstance(index, int) else None
        )
    return _reported(report, integrity_only=integrity_only)


def _refused_outcome(code: str, message: str, index: int | None = None) -> VerifyReport:
    from api.domain.verification.verdicts import FAILED

    document: dict[str, Json] = {
        "ok": False,
        "verdict": FAILED,
        "failed": [code],
        "detail": message,
    }
    where = ""
    if index is not None:
        document["index"] = index
        where = f" (entry {index})"
    return VerifyReport(
        ok=False, document=document, lines=(f"{FAILED}: {message}{where} [{code}]",)
    )


def _misbehaviour_outcome(path: Path, membership: Path | None) -> VerifyReport:
    """Judge a misbehaviour proof; nothing of it can be judged without the accused's keys."""
    from api.domain.errors import Invalid
    from api.domain.misbehaviour import verify_misbehaviour
    from api.domain.verification.verdicts import VERIFIED
    from api.wire.errors import WireError
    from api.wire.membership import parse_membership
    from api.wire.misbehaviour import LONGEST

    if membership is None:
        return _refused_outcome(
            "origin-unproven", "Give --membership: the accused's keys are in it."
        )
    try:
        pinned = parse_membership(membership.read_bytes())
        with path.open("rb") as source:
            proof = verify_misbehaviour(source.read(LONGEST + 1), pinned)
    except (Invalid, WireError) as refusal:
        return _refused_outcome(refusal.code, refusal.message)
    facts: dict[str, Json] = {
        "ministry": proof.ministry,
        "misbehaviour": proof.kind.value,
        "membership": pinned.digest,
    }
    document: dict[str, Json] = {"ok": True, "verdict": VERIFIED, "failed": [], "facts": facts}
    lines = [f"{name:<12} {_shown_json(value)}" for name, value in facts.items()]
    return VerifyReport(ok=True, document=document, lines=(*lines, VERIFIED))


def _reported(report: "ExportReport", *, integrity_only: bool) -> VerifyReport:
    from api.domain.verification.verdicts import UNPROVEN, VERIFIED

    manifest = report.manifest
    ok = report.origin_proven or integrity_only
    verdict = VERIFIED if report.origin_proven else UNPROVEN
    witnessed = report.witnessed_at and datetime.fromtimestamp(report.witnessed_at, UTC)
    facts: dict[str, Json] = {
        "ministry": manifest.ministry,
        "start": manifest.start,
        "end": manifest.end,
        "tree_size": manifest.tree_size,
        "root": report.root.hex(),
        "membership": report.membership,
        "cosigners": list(report.cosigners),
        "witnessed_at": witnessed.isoformat() if witnessed else None,
        "disclosed": report.disclosed,
        "gaps": report.gaps,
        "withheld": report.withheld,
    }
    document: dict[str, Json] = {"ok": ok, "verdict": verdict, "failed": [], "facts": facts}
    lines = [f"{name:<12} {_shown_json(value)}" for name, value in facts.items()]
    hint = "" if ok else ": give --membership, or say --integrity-only."
    return VerifyReport(ok, document, (*lines, f"{verdict}{hint}"))


def _progress() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        typer.echo(f"\r{done} of {total} entries", err=True, nl=done >= total)

    return show
