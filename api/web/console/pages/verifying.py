"""Verify a file: a package, an audit export or a proof, judged step by step in words.

Owns the page. The file is read in this request and kept nowhere; the judges are those of
``comity verify``, with the membership that this node has pinned. Who trusts this node no further
runs the command that the page prints on a computer of their own.
"""

import zipfile
from dataclasses import dataclass
from typing import IO, Any, Final

from api.domain.errors import ComityError
from api.domain.misbehaviour import verify_misbehaviour
from api.domain.verification.export import ExportStep, verify_export
from api.domain.verification.package import verify_package
from api.domain.verification.verdicts import Step
from api.ports.policy import Action
from api.services.node import Node
from api.tlog.errors import LogError
from api.web.console.page import AUDITOR, DESK, Answer, Page, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError
from api.wire.export.layout import MANIFEST

_READERS: Final = DESK | {AUDITOR}
_LARGEST_PROOF: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of a file.

    Attributes:
        kind: ``package``, ``export`` or ``proof``.
        ok: whether it holds.
        steps: of a package: every check, in order.
        facts: what it says of itself, by marked message.
        sentence: of a file that does not hold: why, in English.
        code: its code.
        stages: of an export: every step, and whether it passed; ``None`` for those not reached.
    """

    kind: str
    ok: bool
    steps: tuple[Step, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    sentence: str = ""
    code: str = ""
    stages: tuple[tuple[ExportStep, bool | None], ...] = ()


def ask(_: Visit) -> Answer:
    """Ask for the file."""
    return View("verify.html", {"found": None, "name": "", "faults": []})


def judge(visit: Visit) -> Answer:
    """Judge the file that was sent."""
    upload = visit.form.upload("file")
    if upload is None or not upload.filename:
        faults: list[dict[str, Any]] = [{"field": "file", "text": mark("Choose a file.")}]
        return View("verify.html", {"found": None, "name": "", "faults": faults}, 422)
    found = judgement(visit.node, upload.file)
    members = {"found": found, "name": upload.filename or "", "faults": []}
    return View("verify.html", members)


def judgement(node: Node, source: IO[bytes]) -> Judgement:
    """Return what a file is and whether it holds, with this node's membership."""
    first = source.read(1)
    source.seek(0)
    try:
        if first == b"{":
            return _proof(node, source.read(_LARGEST_PROOF))
        if _is_export(source):
            return _export(node, source)
    except (ComityError, WireError, LogError) as error:
        return Judgement("proof", ok=False, sentence=error.message, code=error.code)
    source.seek(0)
    verdict = verify_package(source, node.membership.raw)
    named = (("id", mark("Package")), ("issuer", mark("From")), ("title", mark("Title")))
    facts = tuple((key, str(verdict.facts[name])) for name, key in named if name in verdict.facts)
    return Judgement("package", verdict.ok, verdict.steps, facts)


def _is_export(source: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(source) as archive:
            found = MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        found = False
    source.seek(0)
    return found


def _proof(node: Node, proof: bytes) -> Judgement:
    found = verify_misbehaviour(proof, node.membership)
    facts = ((mark("Ministry"), found.ministry), (mark("What it proves"), found.kind.value))
    return Judgement("proof", ok=True, facts=facts)


def _export(node: Node, source: IO[bytes]) -> Judgement:
    passed: list[ExportStep] = []
    try:
        report = verify_export(source, node.membership, passed=passed.append)
    except (ComityError, WireError, LogError) as error:
        stages = _stages(len(passed), failed=True)
        return Judgement("export", ok=False, stages=stages, sentence=error.message, code=error.code)
    facts = (
        (mark("From"), report.manifest.ministry),
        (mark("Root"), report.root.hex()),
        (mark("Cosigned by"), ", ".join(report.cosigners) or "-"),
        (mark("Entries disclosed"), str(report.disclosed)),
        (mark("Entries withheld"), str(report.withheld)),
        (mark("Gaps"), str(report.gaps)),
    )
    return Judgement("export", ok=True, facts=facts, stages=_stages(len(passed), failed=False))


def _stages(passed: int, *, failed: bool) -> tuple[tuple[ExportStep, bool | None], ...]:
    return tuple(
        (step, True if number < passed else False if failed and number == passed else None)
        for number, step in enumerate(ExportStep)
    )


PAGES: Final = (Page("verify", "/verify", _READERS, Action.ME_READ, ask, judge, files=True),)
