"""Arguments and options that several commands share, checked before anything is sent.

Owns their names, help and form; a value of another form is a mistake of usage.
"""

import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.cli.short_references import ANY, DIGEST, KID, RECORD, completions, named, standing_in
from api.domain.errors import Invalid
from api.wire.encoding import format_instant

_LARGEST_BODY: Final = 4 * 1024 * 1024


class Tlp(StrEnum):
    """Labels of the Traffic Light Protocol 2.0."""

    RED = "RED"
    AMBER_STRICT = "AMBER+STRICT"
    AMBER = "AMBER"
    GREEN = "GREEN"
    CLEAR = "CLEAR"


def _whole_digest(value: str | None) -> str | None:
    if value is not None and not DIGEST.fullmatch(value):
        raise typer.BadParameter("an id is sha256: and 64 hexadecimal digits")
    return value


_SENTENCES: Final = {
    DIGEST: "an id is sha256: and 64 hexadecimal digits",
    RECORD: "an id is 32 hexadecimal digits",
    ANY: "an id is sha256: and 64 hexadecimal digits, or 32 of them",
    KID: "a key's id is 43 letters, digits, - and _",
}
_DIGITS: Final = "(?:sha256:)?[0-9a-f]{8,64}…?"


def _id(help_: str, form: re.Pattern[str], *kinds: str) -> Any:
    """Return an argument that takes an id, or its first digits."""
    return typer.Argument(
        help=help_,
        callback=named(form, _SENTENCES[form], *kinds),
        autocompletion=completions(*kinds),
    )


def id_option(help_: str, form: re.Pattern[str], *kinds: str) -> Any:
    """Return an option that takes an id, or its first digits."""
    return typer.Option(
        help=help_,
        callback=named(form, _SENTENCES[form], *kinds),
        autocompletion=completions(*kinds),
    )


def _whole_instant(value: str | None) -> str | None:
    """Return an instant as statements carry it; seconds and milliseconds may be left out."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or "T" not in value:
        raise typer.BadParameter("write day, time and zone, as 2027-01-31T17:00Z")
    return format_instant(at)


def instant_option(help_: str) -> Any:
    """Return an option that takes an instant with its zone."""
    return typer.Option(help=help_, callback=_whole_instant)


def edition_option(name: str, help_: str) -> Any:
    """Return an option that takes an edition's day, its id or the id's first digits."""
    return typer.Option(
        name, help=help_, callback=standing_in("(?P<edition>[0-9a-f]{8,32}…?)", "edition")
    )


def _described(help_: str) -> Any:
    """Return an argument that takes the reference of a description, its id shortened or not."""
    kinds = ("designation", "package", "proposal", "thread")
    each = "|".join(f"{kind}:(?P<{kind}>{_DIGITS})" for kind in kinds)
    return typer.Argument(help=help_, callback=standing_in(f"(?:{each})(?:#s[0-9]+)?", *kinds))


PackageId = Annotated[str, _id("Id of the package.", DIGEST, "package")]
DesignationId = Annotated[str, _id("Id of the designation.", DIGEST, "designation")]
ProposalId = Annotated[str, _id("Id of the proposal.", DIGEST, "proposal")]
DraftId = Annotated[str, _id("Id of the draft.", RECORD, "draft")]
ThreadId = Annotated[str, _id("Id of the request.", DIGEST, "thread")]
TaskId = Annotated[str, _id("Id of the task, see list.", RECORD, "task")]
Delegate = Annotated[str, _id("Record id of the colleague who will act.", RECORD, "officer")]
OfficerId = Annotated[str, _id("Id of the officer, see list.", RECORD, "officer")]
GrantId = Annotated[str, _id("Id of the grant, see list.", RECORD, "grant")]
DelegationId = Annotated[str, _id("Its id, see list.", RECORD, "delegation")]
ErasureId = Annotated[str, _id("Its id, see list.", RECORD, "erasure")]
SampleId = Annotated[str, _id("Its id, see list.", RECORD, "sample")]
RegimeEditionId = Annotated[str, _id("Its id, see regimes editions.", RECORD, "regime-edition")]
PartyId = Annotated[str, _id("Its id, see list.", RECORD, "relying-party")]
EntryId = Annotated[str, _id("Id of the entry, see diary list.", RECORD, "diary-entry")]
EditionId = Annotated[str, _id("An edition, see lists list.", RECORD, "edition")]
WatchId = Annotated[str, _id("Its id, see watches.", RECORD, "watch")]
ReleaseId = Annotated[str, _id("The release, as `package holders` shows it.", DIGEST, "release")]
VerdictId = Annotated[str, _id("Id of our shared verdict, see show.", DIGEST, "verdict")]
ParkedId = Annotated[str, _id("Its id, as `comity parked list` shows it.", DIGEST, "parked")]
ProofId = Annotated[str, _id("Id of the proof, see audit misbehaviour.", DIGEST, "proof")]
MembershipId = Annotated[
    str, typer.Argument(help="Digest that you compared out of band.", callback=_whole_digest)
]
Kid = Annotated[str, _id("Id of the key.", KID, "key")]

Seen = Annotated[
    str | None,
    typer.Option("--digest", callback=_whole_digest, help="Digest of what was read; asks nothing."),
]
Description = Annotated[str, _described("Reference of a description, see search.")]
OtherDescription = Annotated[str, _described("Reference of another.")]
Watched = Annotated[str, _described("A description, or programme:us-ofac-sdn:GLOMAG.")]
EvidenceOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--evidence",
        help="Release and package, as sha256:…/sha256:…; may be repeated.",
        callback=standing_in(
            f"(?P<release>{_DIGITS})/(?P<package>{_DIGITS})", "release", "package"
        ),
    ),
]
EarlierSubject = Annotated[
    str | None,
    typer.Option(
        help="Earlier thread and key, as sha256:…#s1.",
        callback=standing_in(f"(?P<thread>{_DIGITS})#s[0-9]+", "thread"),
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Most entries to show.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]

To = Annotated[str, typer.Option(help="Ministry that gets it.")]
TlpOption = Annotated[Tlp, typer.Option(help="Label of the Traffic Light Protocol 2.0.")]
ReleasableTo = Annotated[
    list[str] | None,
    typer.Option(help="Ministry or jurisdiction that may have it; default: the recipient."),
]
PermittedUse = Annotated[
    list[str] | None, typer.Option(help="What it may be used for; may be repeated.")
]
LegalBasis = Annotated[str, typer.Option(help="The authority to disclose it.")]
OriginatorControl = Annotated[
    bool,
    typer.Option(
        "--originator-control/--no-originator-control",
        help="Passing it on needs the originator's consent.",
    ),
]


def marking(
    tlp: Tlp,
    releasable_to: list[str] | None,
    permitted_use: list[str] | None,
    *,
    originator_control: bool,
    recipient: str,
) -> dict[str, Any]:
    """Return a marking as statements carry it."""
    return {
        "tlp": str(tlp),
        "releasable_to": releasable_to or [recipient],
        "originator_control": originator_control,
        "permitted_use": permitted_use or [],
    }


def given(**members: object) -> dict[str, Any]:
    """Return the members that have a value: an option that was left out says nothing."""
    return {name: value for name, value in members.items() if value is not None}


def read_body(path: Path, type_: str = "", **stand_ins: Any) -> dict[str, Any]:
    """Return the body in a TOML form or a JSON file, or JSON from stdin for ``-``.

    Args:
        path: ``.toml`` for a form, see ``comity draft template``.
        type_: statement type by which all its faults are said at once; unchecked if empty.
        stand_ins: members that the node adds, with values of the right form.

    Raises:
        Invalid: ``body.malformed``, ``body.faults``.
        NotFound: ``body.malformed``.
    """
    from api.cli.toml_forms import read_form, refuse_faults
    from api.wire.body_faults import body_faults, pointer

    if path.suffix == ".toml":
        form = read_form(path, "body.malformed")
        if type_:
            refuse_faults(path, body_faults(type_, {**form, **stand_ins}), "body.faults")
        return form
    body = _read_json(path)
    faults = body_faults(type_, {**body, **stand_ins}) if type_ else []
    if faults:
        said = [f"{pointer(one.place)}: {one.sentence}" for one in faults]
        raise Invalid("body.faults", "\n  ".join(["The body has faults; mend them all:", *said]))
    return body


def _read_json(path: Path) -> dict[str, Any]:
    from api.wire.canonical import parse
    from api.wire.errors import WireError

    data = typer.get_binary_stream("stdin").read() if str(path) == "-" else path.read_bytes()
    try:
        value = parse(data, limit=_LARGEST_BODY)
    except WireError as error:
        raise Invalid("body.malformed", f"This is no JSON the node takes: {error.code}.") from None
    if not isinstance(value, dict):
        raise Invalid("body.malformed", "Give one JSON object.")
    found: dict[str, Any] = value
    return found
