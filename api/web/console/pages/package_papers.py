"""Preparing a package in the browser: its parts one page each, then the whole, then the signature.

Owns the pages. Each part is saved when its form is right in itself; what is missing as a whole is
shown together on the package's page, with the way to each field.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from api.domain.errors import ComityError, NotFound, Stale
from api.ports.policy import Action
from api.services.desk import exhibits, package_papers
from api.services.desk.package_papers import PaperView
from api.web.console import body_words, described, paper_parts, passkeys, reading
from api.web.console.page import ANALYST, Answer, Moved, Page, View, Visit
from api.web.console.words import mark
from api.web.spool import pieces
from api.wire.envelope import PREPARED
from api.wire.errors import WireError
from api.wire.payloads.evidence_package_v1 import EvidenceKind
from api.wire.payloads.law import Conduct, Involvement, Victims
from api.wire.statements import EVIDENCE_PACKAGE

Faults = list[dict[str, Any]]
_NEW: Final = "new"
_NUMBER: Final = re.compile("[0-9]{1,5}")
_KINDS: Final = get_args(EvidenceKind)
_WHOLE: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "about": paper_parts.about_in,
    "caveats": paper_parts.caveats_in,
}


def index(visit: Visit) -> Answer:
    """List the officer's packages in preparation, and begin another."""
    members = {"papers": package_papers.own(visit.node, visit.caller), "language": visit.language}
    return View("papers.html", members)


def begin(visit: Visit) -> Answer:
    """Begin a package."""
    paper = package_papers.start(visit.node, visit.caller, {"language": visit.language})
    return Moved(visit.to(f"/packages/new/{paper.id}/about"))


def show(visit: Visit) -> Answer:
    """Show what a package says so far and what is missing."""
    paper = _paper(visit)
    faults = [_with_way(visit, paper, one) for one in package_papers.faults(paper)]
    members = {
        "paper": paper,
        "missing": faults,
        "subjects": _named(paper),
        "exhibits": paper_parts.entries(paper.body, "exhibits"),
        "claims": paper_parts.entries(paper.body, "claims"),
        "case_facts": paper_parts.entries(paper.body, "case_facts"),
        "names": _names(paper),
    }
    return View("paper.html", members)


def _with_way(visit: Visit, paper: PaperView, fault: Any) -> dict[str, Any]:
    """Return a fault with the address of the field where it is mended."""
    place = fault.place
    base = visit.to(f"/packages/new/{paper.id}")
    section = place[0] if place else ""
    if section in paper_parts.SECTIONS and len(place) > 1:
        inner = place[2:]
        said = body_words.fault_of(fault, inner)
        href = f"{base}/{section}/{place[1] + 1}#{said['field']}"
        return said | {"field": "", "href": href, "where": said["where"] or section}
    said = body_words.fault_of(fault, place)
    if section in paper_parts.SECTIONS:
        return said | {"field": "", "href": f"{base}/{section}/{_NEW}"}
    if not section:
        return said | {"field": "", "href": f"{base}/claims/{_NEW}", "where": "claims"}
    page = "about" if section in {"title", "summary", "language"} else "caveats"
    return said | {"field": "", "href": f"{base}/{page}#{said['field']}"}


def _paper(visit: Visit) -> PaperView:
    return package_papers.read(visit.node, visit.caller, visit.parts["paper"])


def _named(paper: PaperView) -> list[tuple[str, str]]:
    """Return key and first name of each subject."""
    found = paper_parts.entries(paper.body, "subjects")
    return [(one["key"], next(iter(reading.subject_names(one)), one["key"])) for one in found]


def _names(paper: PaperView) -> dict[str, str]:
    return dict(_named(paper))


def _ask_whole(part: str) -> Callable[[Visit], Answer]:
    def ask(visit: Visit) -> Answer:
        paper = _paper(visit)
        return _whole(paper, part, paper.body, [])

    return ask


def _whole(
    paper: PaperView, part: str, typed: Mapping[str, Any], faults: Faults, status: int = 200
) -> Answer:
    members = {"paper": paper, "typed": typed, "faults": faults}
    return View(f"paper_{part}.html", members, status)


def _save_whole(part: str) -> Callable[[Visit], Answer]:
    def save(visit: Visit) -> Answer:
        paper = _paper(visit)
        typed = _WHOLE[part](visit.form)
        body = {**paper.body, **typed}
        fields = {*typed, "compelled"} if part == "caveats" else set(typed)
        faults = [
            one for one in body_words.faults_in(EVIDENCE_PACKAGE, body) if one["field"] in fields
        ]
        if faults:
            return _whole(paper, part, typed, faults, 422)
        return _written(visit, paper, body, lambda one: _whole(paper, part, typed, [one], 409))

    return save


def _written(
    visit: Visit,
    paper: PaperView,
    body: Mapping[str, Any],
    moved: Callable[[dict[str, Any]], Answer],
) -> Answer:
    """Save a paper and go to its page; what was typed is kept where it changed elsewhere."""
    try:
        package_papers.write(visit.node, visit.caller, paper.id, visit.form.tag, body)
    except Stale:
        text = mark("This package was changed in another window. Nothing was saved here.")
        return moved({"field": "", "text": text})
    except ComityError as error:
        return moved(reading.refused(error))
    if visit.form.one("more"):
        return Moved(visit.to(visit.path))
    return Moved(visit.to(f"/packages/new/{paper.id}"))


def _named_entry(visit: Visit, paper: PaperView) -> tuple[str, int, dict[str, Any]]:
    """Return section, position and entry that an address names.

    Raises:
        NotFound: ``paper.unknown``.
    """
    section, number = visit.parts["section"], visit.parts["number"]
    if section not in paper_parts.SECTIONS:
        raise NotFound("paper.unknown", "There is no such part of a package.")
    found = paper_parts.entries(paper.body, section)
    if number == _NEW:
        key = {"key": paper_parts.next_key(found)} if section == "subjects" else {}
        return section, len(found), key
    if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= len(found):
        raise NotFound("paper.unknown", "There is no such part of this package.")
    return section, int(number) - 1, found[int(number) - 1]


def ask_entry(visit: Visit) -> Answer:
    """Ask for one subject, exhibit or claim."""
    paper = _paper(visit)
    _, _, entry = _named_entry(visit, paper)
    return _entry(visit, paper, entry, [])


def _entry(
    visit: Visit, paper: PaperView, entry: Mapping[str, Any], faults: Faults, status: int = 200
) -> Answer:
    section, number = visit.parts["section"], visit.parts["number"]
    template = f"paper_{section}.html"
    if section == "exhibits" and number == _NEW:
        template = "paper_files.html"
    labels = [one["label"] for one in paper_parts.entries(paper.body, "exhibits")]
    members = {
        "paper": paper,
        "section": section,
        "number": number,
        "typed": entry,
        "fields": described.fields_of(entry),
        "custody": paper_parts.custody_lines(entry),
        "schemas": described.SCHEMAS,
        "kinds": _KINDS,
        "conduct": get_args(Conduct),
        "involvement": get_args(Involvement),
        "victims": get_args(Victims),
        "labels": labels,
        "others": [one for one in labels if one != entry.get("label")],
        "subjects": _named(paper),
        "faults": faults,
    }
    return View(template, members, status)


def save_entry(visit: Visit) -> Answer:
    """Save one subject, exhibit or claim; or take in files."""
    paper = _paper(visit)
    section, at, before = _named_entry(visit, paper)
    found = paper_parts.entries(paper.body, section)
    if visit.form.one("remove") and at < len(found):
        del found[at]
        return _removed(visit, paper, section, found)
    if section == "exhibits" and at == len(found):
        return _take_files(visit, paper, found)
    entry = paper_parts.entry_in(section, visit.form, before)
    body = {**paper.body, section: [*found[:at], entry, *found[at + 1 :]]}
    faults = body_words.faults_in(EVIDENCE_PACKAGE, body, (section, at))
    if faults:
        return _entry(visit, paper, entry, faults, 422)
    answer = _written(visit, paper, body, lambda one: _entry(visit, paper, entry, [one], 409))
    if isinstance(answer, Moved) and visit.form.one("more"):
        return Moved(visit.to(f"/packages/new/{paper.id}/{section}/{at + 1}"))
    return answer


def _removed(visit: Visit, paper: PaperView, section: str, left: list[dict[str, Any]]) -> Answer:
    body = {**paper.body, section: left}
    package_papers.write(visit.node, visit.caller, paper.id, visit.form.tag, body)
    return Moved(visit.to(f"/packages/new/{paper.id}"))


def _take_files(visit: Visit, paper: PaperView, found: list[dict[str, Any]]) -> Answer:
    """Store uploaded files and list them; what each is, is asked next."""
    uploads = [one for one in visit.form.files.get("files", ()) if one.filename]
    if not uploads:
        fault = {"field": "files", "text": mark("Choose at least one file.")}
        return _entry(visit, paper, {}, [fault], 422)
    made = list(found)
    for upload in uploads:
        digest, size = paper_parts.measured(upload.file)
        if digest in {one["digest"] for one in made}:
            continue
        exhibits.store_exhibit(visit.node, visit.caller, digest, size, pieces(upload.file))
        name = upload.filename or ""
        label = paper_parts.label_for(name, [one["label"] for one in made])
        media_type = paper_parts.media_type_for(upload.content_type or "", name)
        stored = {"label": label, "media_type": media_type, "size": size, "digest": digest}
        made.append({**stored, "kind": "", "source": ""})
    if len(made) == len(found):
        fault = {"field": "files", "text": mark("These files are in the package already.")}
        return _entry(visit, paper, {}, [fault], 422)
    body = {**paper.body, "exhibits": made}
    answer = _written(visit, paper, body, lambda one: _entry(visit, paper, {}, [one], 409))
    if isinstance(answer, Moved):
        return Moved(visit.to(f"/packages/new/{paper.id}/exhibits/{len(found) + 1}"))
    return answer


def ask_sign(visit: Visit) -> Answer:
    """Show the whole package as it would be sealed, and ask for the signature."""
    return _signing(visit, [])


def _signing(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    paper = _paper(visit)
    missing = package_papers.faults(paper)
    keys = [] if missing else passkeys.usable(visit)
    options = ""
    if keys:
        data = package_papers.signable(visit.node, visit.caller, paper.id)
        options = passkeys.options(visit, data, keys)
    members = {
        "paper": paper,
        "missing": missing,
        "options": options,
        "names": (names := _names(paper)),
        "subject_names": names,
        "faults": faults,
    }
    return View("paper_sign.html", members, status)


def sign(visit: Visit) -> Answer:
    """Make the package that its author looked at and signed."""
    paper = _paper(visit)
    if visit.form.one("sure") != "yes":
        fault = {"field": "sure", "text": mark("Confirm that you looked at the whole package.")}
        return _signing(visit, [fault], 422)
    try:
        signature = passkeys.signature(visit, PREPARED)
        node, caller = visit.node, visit.caller
        made = package_papers.submit(node, caller, paper.id, visit.form.tag, signature)
    except (ComityError, WireError) as error:
        status = 409 if isinstance(error, Stale) else 422
        return _signing(visit, [reading.refused(error)], status)
    return Moved(reading.href_of(visit, "package", made))


def ask_discard(visit: Visit) -> Answer:
    """Ask whether to set the paper aside."""
    return View("paper_discard.html", {"paper": _paper(visit)})


def discard(visit: Visit) -> Answer:
    """Set the paper aside."""
    package_papers.discard(visit.node, visit.caller, visit.parts["paper"])
    return Moved(visit.to("/packages/new"))


_ANALYSTS: Final = frozenset({ANALYST})
_ACT: Final = Action.PACKAGE_SUBMIT
_ONE: Final = "/packages/new/{paper}"
PAGES: Final = (
    Page("papers", "/packages/new", _ANALYSTS, _ACT, index, begin),
    Page("paper", _ONE, _ANALYSTS, _ACT, show),
    Page(
        "paper_about", f"{_ONE}/about", _ANALYSTS, _ACT, _ask_whole("about"), _save_whole("about")
    ),
    Page(
        "paper_caveats",
        f"{_ONE}/caveats",
        _ANALYSTS,
        _ACT,
        _ask_whole("caveats"),
        _save_whole("caveats"),
    ),
    Page("paper_sign", f"{_ONE}/sign", _ANALYSTS, _ACT, ask_sign, sign, fresh=True),
    Page("paper_discard", f"{_ONE}/discard", _ANALYSTS, _ACT, ask_discard, discard),
    Page(
        "paper_entry",
        f"{_ONE}/{{section}}/{{number}}",
        _ANALYSTS,
        _ACT,
        ask_entry,
        save_entry,
        files=True,
    ),
)
