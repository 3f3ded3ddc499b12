"""What ``comity subjects`` prints of a subject, and how a verdict for partners is put together."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from api.cli import output
from api.cli.client import Api
from api.cli.draft import summary
from api.cli.profiles import CliContext
from api.cli.signing import endorsed
from api.domain.errors import NotFound

if TYPE_CHECKING:
    from api.adapters.crypto.officer_key import OfficerKey

_TYPE = "identity-verdict/1"
_MOST_SIGNALS = 40


def told(found: dict[str, Any]) -> Iterable[str]:
    """Return a subject's page in lines."""
    card = found["card"]
    yield output.safe(f"{card['name']} ({card['source']}), {card['ref']}")
    for name in card["names"]:
        marks = ", ".join(
            one for one in (name["strength"], name["language"], name["script"]) if one
        )
        yield output.safe(f"  {name['text']} ({marks})")
    for born in card["births"]:
        yield output.safe(f"  born {born['text']}")
    for one in card["identifiers"]:
        yield output.safe(f"  {one['kind']}: {one['number']} {one['country']}".rstrip())
    for one in found["listings"]:
        until = f", gone since {one['until']}" if one["until"] else ""
        since = one["since"] or "an unknown day"
        yield output.safe(
            f"{one['jurisdiction']}: {one['standing']} since {since}{until} ({one['series']})"
        )
    for home in found["not_known"]:
        yield f"{home}: not known, no list is held."
    for link in found["links"]:
        yield output.safe(f"{link['kind']}: {link['name']} {link['ref']}".rstrip())
    for test in found["ownership"]:
        yield output.safe(f"{test['regime']}: {test['text']} [{test['basis']}]")
    for one in found["candidates"]:
        yield from _candidate(one)


def _candidate(one: dict[str, Any]) -> Iterable[str]:
    outcome = one["outcome"] or f"suggested: {one['suggested']}"
    card = one["card"]
    yield output.safe(
        f"{one['score']:.2f} {card['name']} ({card['source']}), {outcome}, {card['ref']}"
    )
    for signal in one["signals"]:
        yield output.safe(f"    {signal['text']}")
    for verdict in one["verdicts"]:
        shared = f", {verdict['id']}" if verdict["shared"] else ", at this node alone"
        by = f"{verdict['ministry']} ({verdict['by']})"
        yield output.safe(f"    {by}: {verdict['outcome']}: {verdict['reason']}{shared}")


def described_reference(api: Api, ref: str) -> dict[str, Any]:
    """Return a reference as the body of a verdict names it.

    Raises:
        NotFound: ``list.no-edition``: no edition of the list is held.
    """
    kind, _, rest = ref.partition(":")
    if kind != "list":
        statement, _, key = rest.partition("#")
        return {"kind": kind, "statement": statement} | ({"key": key} if key else {})
    series, _, entry = rest.partition(":")
    editions = api.get("/lists", series=series)["items"]
    if not editions:
        raise NotFound("list.no-edition", "No such edition is held; see lists list.")
    newest = editions[-1]
    return {
        "kind": "list",
        "publisher": newest["publisher"],
        "list": series,
        "edition": newest["as_of"],
        "id": entry,
    }


def signals(api: Api, one: str, other: str) -> list[str]:
    """Return what the node says for and against two descriptions being of one subject."""
    found = api.get("/subjects/page", ref=one)["candidates"]
    told_of = [each["signals"] for each in found if each["card"]["ref"] == other]
    return [signal["text"] for each in told_of for signal in each][:_MOST_SIGNALS]


def standing_verdict(api: Api, verdict: str) -> dict[str, Any]:
    """Return a ministry's verdict that partners were told.

    Raises:
        NotFound: ``verdict.unknown``.
    """
    for one in api.get("/verdicts/shared")["items"]:
        if one["statement"] == verdict:
            found: dict[str, Any] = one
            return found
    raise NotFound("verdict.unknown", "There is no such verdict here.")


def drafted(
    context: CliContext,
    api: Api,
    key: "OfficerKey | None",
    to: Sequence[str],
    body: dict[str, Any],
) -> None:
    """Make the draft of a verdict and say what comes next."""
    from api.wire.statements import Content

    signed = endorsed(api, key, Content(_TYPE, tuple(to), body))
    made = api.post("/drafts", {"type": _TYPE, "to": list(to), "body": body} | signed)
    output.result(context, made, summary(made))
    output.talk(f"Another officer decides: comity draft preview {made['id']}, then draft approve.")
