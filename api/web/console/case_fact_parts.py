"""Facts of a case as a form: what was done, which part the subjects took, who suffered it, where.

Owns the fields and their reading; pure. What a fact needs is the protocol's; its words are those of
``wire/payloads/law``.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from api.web.console.forms import Form
from api.web.console.words import mark
from api.wire.payloads.law import Conduct, Involvement, Victims

MORE: Final = "more"
"""Name of the button that asks for room for another fact."""

_GROUP: Final = "case_facts"
_TEXTS: Final = ("conduct", "part", "victims", "state", "place", "from", "to", "note")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "conduct": get_args(Conduct),
    "part": get_args(Involvement),
    "victims": get_args(Victims),
}


def facts_in(form: Form, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the member of a body that holds the facts of a form; nothing where there are none.

    Args:
        form: what was posted.
        keys: the key of each subject, by the value that its box carries.
    """
    columns = {name: form.fields.get(f"{_GROUP}_{name}", ()) for name in (*_TEXTS, "exhibits")}
    count = max((len(values) for values in columns.values()), default=0)
    found = [_fact(form, columns, at, keys) for at in range(count)]
    facts = [one for one in found if one]
    return {_GROUP: facts} if facts else {}


def _fact(
    form: Form, columns: Mapping[str, Any], at: int, keys: Mapping[str, str]
) -> dict[str, Any]:
    texts = {name: values[at].strip() for name, values in columns.items() if at < len(values)}
    labels = [line.strip() for line in texts.pop("exhibits", "").splitlines() if line.strip()]
    about = [keys.get(one, one) for one in form.every(f"{_GROUP}_subjects-{at + 1}")]
    found: dict[str, Any] = {name: text for name, text in texts.items() if text}
    if about:
        found["subjects"] = about
    if labels:
        found["exhibits"] = labels
    return {"conduct": "", "part": "", **found} if found else {}


def unchosen(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the fault of facts about subjects that the body does not describe."""
    known = {one.get("key") for one in body.get("subjects", ())}
    named = {key for fact in body.get(_GROUP, ()) for key in fact.get("subjects", ())}
    if named <= known:
        return []
    return [{"field": _GROUP, "text": mark("A fact is about a subject that was not chosen.")}]


def lines(body: Mapping[str, Any], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the facts of a body as the form shows them, with room for another.

    Args:
        body: of a statement.
        values: what the box of each subject carries, by its key.
    """
    written = [
        {
            **fact,
            "exhibits": "\n".join(fact.get("exhibits", ())),
            "subjects": [values.get(key, key) for key in fact.get("subjects", ())],
        }
        for fact in body.get(_GROUP, ())
    ]
    return [*written, {"exhibits": "", "subjects": []}]
