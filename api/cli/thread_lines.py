"""A mirror request for people: who asks what by when, each subject by its names, all that was said.

Owns the lines of ``comity mirror show``; reads the node's answer and decides nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.cli import output

_SAID = {
    "mirror-request": "asked",
    "mirror-amendment": "amended the request",
    "mirror-acknowledgement": "took the request up",
    "mirror-question": "asked a question",
    "mirror-answer": "answered",
    "mirror-finding": "decided",
    "mirror-effect": "stated the effect",
    "mirror-withdrawal": "withdrew",
    "mirror-closure": "closed the request",
}
_WORDS = {
    "authority": "authority",
    "permitted_use": "may be used for",
    "note": "note",
    "text": "",
    "question": "question",
    "subject": "subject",
    "subjects": "subjects",
    "finding": "finding",
    "regime": "regime",
    "ground": "ground",
    "until": "put off until",
    "respond_by": "respond by",
    "expected_by": "findings expected by",
    "release_at": "release at",
    "designation": "designation",
    "relies_on": "rests on",
    "remove": "takes out",
}


def thread_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield a request's head, its subjects and all that was said, in order of time."""
    opener: Mapping[str, Any] = found["statements"][0]["body"] if found["statements"] else {}
    yield from output.details(
        {
            "request": found["id"],
            "title": found["title"],
            "from": found["requester"],
            "to": found["addressee"],
            "phase": found["phase"],
            "respond by": output.moment(found["respond_by"]),
            "authority": opener.get("authority"),
            "may be used for": opener.get("permitted_use"),
            "reasons": opener.get("reasons", {}).get("releasable"),
            "evidence": [one["package"] for one in opener.get("evidence", ())],
            "continues": found.get("continues"),
            "continued by": found["continued_by"],
            "both ends": found["comparison"]["outcome"],
        }
    )
    names = {one["key"]: _subject_names(one) for one in found["subjects"]}
    yield ""
    yield from _subjects(found["state"]["subjects"], names)
    for one in sorted(found["statements"], key=lambda each: (each["issued_at"], each["id"])):
        yield ""
        yield from _statement(one, names)


def _subjects(subjects: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Iterable[str]:
    rows = [
        {
            "key": one["key"],
            "name": names.get(one["key"], ""),
            "phase": _stands(one),
            "finding": one["findings"][-1]["finding"] if one["findings"] else None,
            "regime": one["findings"][-1].get("regime") if one["findings"] else None,
            "effects": len(one["effects"]),
        }
        for one in subjects
    ]
    columns: list[output.Column] = [
        ("KEY", "key"),
        ("NAME", "name"),
        ("PHASE", "phase"),
        ("FINDING", "finding"),
        ("REGIME", "regime"),
        ("EFFECTS", "effects"),
    ]
    yield from output.table(rows, columns)


def _stands(subject: Mapping[str, Any]) -> str:
    """Say where a subject stands; a finding that crossed a withdrawal stands beside it."""
    phase = str(subject["phase"])
    taken = "withdrawn" in subject and phase != "withdrawn"
    return f"withdrawn, {phase}" if taken else phase


def _statement(one: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    body: Mapping[str, Any] = one["body"]
    said = _SAID.get(one["type"].partition("/")[0], one["type"])
    void = f" (has no effect: {one['void']})" if one.get("void") else ""
    at = output.moment(one["issued_at"])
    yield output.safe(f"{at}  {one['issuer']} {said}{void}  [{one['id'][:15]}]")
    for member, value in body.items():
        label = _WORDS.get(member)
        if label is None:
            continue
        for line in _valued(member, value, names):
            yield f"    {label + ': ' if label else ''}{line}"
    reasons = body.get("reasons")
    if isinstance(reasons, Mapping):
        for line in str(reasons.get("releasable", "")).splitlines():
            yield f"    reasons: {output.safe(line)}"
    against = body.get("against_bar")
    if isinstance(against, Mapping):
        yield f"    decided against a bar of the law: {output.safe(against.get('reason', ''))}"


def _valued(member: str, value: Any, names: Mapping[str, str]) -> Iterator[str]:
    if member in {"subject", "subjects", "remove"}:
        # A request describes its subjects, what follows names their keys.
        given = [value] if isinstance(value, str) else value
        keys = [str(one["key"]) if isinstance(one, Mapping) else str(one) for one in given]
        yield output.safe(", ".join(f"{key} {names.get(key, '')}".strip() for key in keys))
    elif member.endswith(("_by", "_at")) or member == "until":
        yield output.moment(value)
    elif isinstance(value, str):
        yield from map(output.safe, value.splitlines())
    else:
        yield output.safe(value)


def _subject_names(subject: Mapping[str, Any]) -> str:
    """Return a subject's first name, and the first in another script beside it."""
    first, *others = (one["text"] for one in subject["names"])
    other = next((one for one in others if not one.isascii()), "")
    return f"{first} ({other})" if other else str(first)
