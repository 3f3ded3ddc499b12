"""``comity regimes``: legal regimes as data, and what they suggest about a case.

Owns the commands' options and output. The data says how each fact is known, and none of it is legal
advice. Where the data comes from is ``law_source``'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api import shipped
from api.cli import output, regime_editions
from api.cli.commands import command, group
from api.cli.law_source import Shipped, law_documents, read_law
from api.cli.profiles import CliContext
from api.domain.errors import Invalid, NotFound

if TYPE_CHECKING:
    from api.domain.regimes.advice import Suggestion
    from api.domain.regimes.assessment import Assessment
    from api.domain.regimes.form import KnownCase
    from api.domain.regimes.values import Provision, Regime

app = group("regimes", "Look at legal regimes, and check a case against one.")
Many = Annotated[list[str] | None, typer.Option(help="May be repeated.")]


def register(root: typer.Typer) -> None:
    """Add the group to the root of the command tree."""
    regime_editions.register(app)
    root.add_typer(app)


@command(app, "list")
def list_regimes(context: CliContext, *, shipped_data: Shipped = False) -> None:
    """List the regimes: who can be listed, and what has to be found.

    Example: comity regimes list
    """
    rows = [
        {
            "id": one.id,
            "edition": one.edition,
            "jurisdiction": one.jurisdiction,
            "name": {"en": one.name.en, "fr": one.name.fr},
            "kinds": sorted(one.subject_kinds),
            "threshold": one.threshold.text,
            "grounds": sorted(one.grounds),
            "regulations": [each.id for each in one.regulations],
            "clocks": [rule.id for rule in one.clocks],
        }
        for one in read_law(context, from_program=shipped_data).values()
    ]
    columns: list[output.Column] = [
        ("ID", "id"),
        ("WHERE", "jurisdiction"),
        ("KINDS", "kinds"),
        ("GROUNDS", lambda item: len(item["grounds"])),
        ("THRESHOLD", "threshold"),
    ]
    output.result(context, {"items": rows}, output.table(rows, columns))


@command(app, "show")
def show_regime(
    context: CliContext,
    regime: Annotated[str, typer.Argument(help="Regime, such as CA-SEMA.")],
    *,
    french: Annotated[bool, typer.Option("--french", help="Quote the law in French.")] = False,
    shipped_data: Shipped = False,
) -> None:
    """Show a regime: its grounds with their provisions and words, its clocks, its sources.

    Example: comity regimes show CA-JVCFOA
    """
    one = read_law(context, from_program=shipped_data, only=regime)[regime]
    language = "fr" if french else "en"
    grounds = [
        {
            "id": ground.id,
            "label": {"en": ground.label.en, "fr": ground.label.fr},
            "provision": _provision(ground.provision),
            "kinds": sorted(ground.subject_kinds),
            "conduct": sorted(ground.conduct),
            "part": ground.involvement,
            "victims": ground.victims or None,
        }
        for ground in one.grounds.values()
    ]
    document: dict[str, Any] = {
        "id": one.id,
        "edition": one.edition,
        "jurisdiction": one.jurisdiction,
        "name": {"en": one.name.en, "fr": one.name.fr},
        "scope": _provision(one.scope),
        "threshold": one.threshold.text,
        "decision_maker": one.decision_maker.text,
        "grounds": grounds,
        "regulations": [
            {
                "id": each.id,
                "title": {"en": each.title.en, "fr": each.title.fr or None},
                "state": each.state or None,
                "consolidated_to": each.consolidated_to,
                "classes": [
                    {"ground": item.ground or None, **_provision(item.provision)}
                    for item in each.classes
                ],
            }
            for each in one.regulations
        ],
        "clocks": [
            {"id": rule.id, "name": rule.name.en, "starts": rule.starts, "text": rule.text.en}
            for rule in one.clocks
        ],
    }
    output.result(context, document, _regime_lines(one, language))


@command(app, "check")
def check_regimes(
    context: CliContext,
    regime: Annotated[
        str | None, typer.Argument(help="Regime, such as CA-JVCFOA; all of them if none is given.")
    ] = None,
    *,
    subjects: Annotated[
        str | None,
        typer.Option(help="Public subjects with recorded facts, such as xinjiang-2020, or a file."),
    ] = None,
    kind: Annotated[str | None, typer.Option(help="person, entity or vessel.")] = None,
    conduct: Many = None,
    involvement: Many = None,
    country: Many = None,
    listed_by: Many = None,
    releasable_sources: Annotated[
        int | None, typer.Option(min=0, help="Releasable open sources for the ground.")
    ] = None,
    shipped_data: Shipped = False,
) -> None:
    """Show what to weigh before a case goes under a regime; an officer decides.

    Example: comity regimes check --subjects xinjiang-2020
    """
    if subjects is not None:
        law = read_law(context, from_program=shipped_data, only=regime)
        return _check_subjects(context, subjects, list(law.values()))
    if regime is None or kind is None:
        raise Invalid("regime.case", "Name a regime and --kind, or give --subjects.")
    from api.domain.regimes.advice import Case, RegimeError, eligibility

    known = read_law(context, from_program=shipped_data, only=regime)[regime]
    try:
        case = Case(
            kind,
            conduct=frozenset(conduct or ()),
            involvement=frozenset(involvement or ("responsible",)),
            countries=frozenset(one.upper() for one in country or ()),
            listed_by=frozenset(listed_by or ()),
            releasable_sources=releasable_sources,
        )
    except RegimeError as error:
        raise Invalid("regime.words", str(error)) from error
    rows = [_suggested(one) for one in eligibility(known, case)]
    output.result(context, {"regime": regime, "suggestions": rows}, _suggestion_lines(rows))
    return None


@command(app, "diff")
def diff_editions(
    context: CliContext,
    old: Annotated[Path, typer.Argument(help="Regime document of one edition.")],
    new: Annotated[
        Path | None,
        typer.Argument(help="Another edition; without it, OLD is compared with the one in force."),
    ] = None,
    *,
    shipped_data: Shipped = False,
) -> None:
    """Show what changed between two editions of a regime's data, member by member.

    One document is compared with the edition in force, as what would replace it.

    Example: comity --profile us-admin regimes diff CA-SEMA.json
    """
    from api.domain.regimes.editions import edition_changes

    first = _document(old)
    if new is not None:
        before, after = first, _document(new)
    else:
        id_ = first.get("id") if isinstance(first, dict) else None
        if not isinstance(id_, str):
            raise Invalid("regime.document", f"{old} names no regime: it has no id.")
        before = law_documents(context, from_program=shipped_data, only=id_)[id_]
        after = first
    rows = [
        {"path": one.path, "old": one.old, "new": one.new} for one in edition_changes(before, after)
    ]
    columns: list[output.Column] = [("MEMBER", "path"), ("OLD", "old"), ("NEW", "new")]
    output.result(context, {"items": rows}, output.table(rows, columns))


def _suggested(one: "Suggestion") -> dict[str, Any]:
    return {
        "weight": one.weight,
        "code": one.code,
        "sentence": one.sentence,
        "basis": one.basis.value,
        "sources": list(one.sources),
        "offers": list(one.offers),
    }


def _check_subjects(context: CliContext, subjects: str, regimes: "Sequence[Regime]") -> None:
    from api.domain.regimes.assessment import assess

    rows = [
        _assessed(known, assess(one, known.case)) for known in _cases(subjects) for one in regimes
    ]
    columns: list[output.Column] = [
        ("SUBJECT", "subject"),
        ("REGIME", "regime"),
        ("STATUS", "status"),
        ("INSTEAD", "instead"),
        ("WHY", "reason"),
    ]
    output.result(context, rows, output.table(rows, columns))


def _assessed(known: "KnownCase", found: "Assessment") -> dict[str, Any]:
    provision = found.provision
    return {
        "subject": known.id,
        "name": known.name,
        "list_reference": known.list_reference,
        "regime": found.regime,
        "edition": found.edition,
        "status": found.status.value,
        "ground": found.ground or None,
        "provision": provision.citation.en,
        "provision_fr": provision.citation.fr,
        "text": None if provision.text is None else provision.text.en,
        "text_fr": None if provision.text is None else provision.text.fr or None,
        "basis": found.basis.value,
        "code": found.code,
        "reason": found.reason,
        "instead": list(found.instead),
        "barred": found.barred,
    }


def _cases(subjects: str) -> "Sequence[KnownCase]":
    from api.adapters.policy.loading import PolicyError
    from api.adapters.policy.regimes import load_cases
    from api.domain.regimes.form import parse_cases
    from api.domain.regimes.values import RegimeError

    try:
        if Path(subjects).suffix == ".json":
            return parse_cases(_document(Path(subjects)))
        return load_cases(shipped.policies(), subjects)
    except PolicyError as error:
        raise NotFound("regime.subjects-unknown", str(error)) from error
    except RegimeError as error:
        raise Invalid("regime.subjects-malformed", str(error)) from error


def _document(path: Path) -> Any:
    from api.wire import canonical
    from api.wire.errors import WireError

    try:
        return canonical.parse(path.read_bytes(), limit=1024 * 1024)
    except OSError as error:
        raise NotFound("file.unusable", f"{path} cannot be read.") from error
    except WireError as error:
        raise Invalid("regime.document", f"{path} is no JSON document: {error}") from error


def _provision(one: "Provision") -> dict[str, Any]:
    return {
        "citation": {"en": one.citation.en, "fr": one.citation.fr},
        "text": None if one.text is None else {"en": one.text.en, "fr": one.text.fr or None},
        "basis": one.basis.value,
        "sources": list(one.sources),
        "in_force_from": one.in_force_from or None,
    }


def _regime_lines(one: "Regime", language: str) -> Iterable[str]:
    yield output.safe(f"{one.id}: {one.name.get(language)} (edition {one.edition})")
    yield output.safe(f"  finding to be made: {one.threshold.text} [{one.threshold.basis}]")
    for ground in one.grounds.values():
        yield output.safe(f"{ground.id}: {ground.label.get(language)}")
        yield output.safe(f"  conduct: {', '.join(sorted(ground.conduct))}")
        yield output.safe(f"  part: {ground.involvement}")
        yield from _quoted(ground.provision, language)
    for each in one.regulations:
        title = each.title.get(language)
        yield output.safe(f"{each.id} ({each.state or 'no state'}): {title}")
        for item in each.classes:
            yield from _quoted(item.provision, language)
    for rule in one.clocks:
        yield output.safe(f"clock {rule.id}: {rule.name.get(language)}, {rule.text.get(language)}")


def _quoted(one: "Provision", language: str) -> Iterable[str]:
    yield output.safe(f"  {one.citation.get(language)} [{one.basis}]")
    if one.text is not None:
        only = " (in English only)" if language == "fr" and not one.text.fr else ""
        yield output.safe(f"    “{one.text.get(language)}”{only}")


def _suggestion_lines(rows: Sequence[Mapping[str, object]]) -> Iterable[str]:
    for one in rows:
        yield output.safe(f"{one['weight']}: {one['sentence']} [{one['basis']}]")
    if not any(one["weight"] in {"bar", "gap"} for one in rows):
        yield "Nothing read here stands in the way; that does not mean that it may be done."
