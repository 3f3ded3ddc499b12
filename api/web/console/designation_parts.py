"""Designations as forms: what a designation, its amendment and its end say, and back.

Owns the reading; pure. What a body needs is the protocol's, what the law asks the use case's.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from api.web.console.case_fact_parts import facts_in
from api.web.console.described import fields_of, subject_in
from api.web.console.forms import Form
from api.web.console.law_choices import MEASURES

INSTANTS: Final = ("in_force", "made", "registered", "published", "announced")
EMPTY: Final[Mapping[str, Any]] = {}
_SPLIT: Final = re.compile(r"[\s,;]+")


def words(text: str) -> list[str]:
    """Return the words of a line."""
    return [one for one in _SPLIT.split(text) if one]


def measures_in(form: Form) -> list[str]:
    """Return the measures that were ticked and written."""
    return [*form.every("measures"), *words(form.one("other_measures"))]


def instants_in(form: Form) -> dict[str, dict[str, str]]:
    """Return the dates that count in law; those left blank are absent, but the one that must be."""
    zone = form.one("zone")
    return {
        name: {"at": form.one(f"{name}_at"), "zone": zone}
        for name in INSTANTS
        if form.one(f"{name}_at") or name == "in_force"
    }


def designation_in(form: Form, jurisdiction: str) -> dict[str, Any]:
    """Return the body of ``designation/1``."""
    body: dict[str, Any] = {
        "subject": subject_in(form),
        "jurisdiction": jurisdiction,
        "regime": form.one("regime"),
        "instrument": form.one("instrument"),
        "grounds": form.every("grounds"),
        "list_reference": form.one("list_reference"),
        "instants": instants_in(form),
        "measures": measures_in(form),
    }
    if form.one("reasons_releasable"):
        body["reasons"] = {"releasable": form.one("reasons_releasable")}
    mirrors = [one.partition(" ") for one in form.every("mirrors")]
    if mirrors:
        body["mirrors"] = [{"jurisdiction": home, "designation": id_} for home, _, id_ in mirrors]
    if form.one("proposal"):
        body["proposal"] = form.one("proposal")
    if form.one("against_bar"):
        body["against_bar"] = {"reason": form.one("against_bar")}
    if form.one("partner_provision"):
        body |= {"procedure": "urgent", "partner_provision": form.one("partner_provision")}
    return body | facts_in(form, {})


_CHANGED: Final = frozenset({"instrument", "list_reference", "grounds", "measures", "reasons"})
"""Members of a designation that the form of an amendment asks."""


def amendment_in(form: Form, before: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
    """Return the body of ``designation-amendment/1``; what no field asks is ``before``'s."""
    kept: Mapping[str, Any] = before.get("changes", {})
    changes: dict[str, Any] = {name: kept[name] for name in kept if name not in _CHANGED}
    changes |= {name: form.one(name) for name in ("instrument", "list_reference") if form.one(name)}
    lists = {"grounds": form.every("grounds"), "measures": measures_in(form)}
    changes |= {name: found for name, found in lists.items() if found}
    if form.one("reasons_releasable"):
        changes["reasons"] = {"releasable": form.one("reasons_releasable")}
    body: dict[str, Any] = {name: before[name] for name in before if name != "note"}
    body |= {"changes": changes, "instants": instants_in(form)}
    return body | ({"note": form.one("note")} if form.one("note") else {})


def delisting_in(form: Form, before: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
    """Return the body of ``delisting/1``; what no field asks is ``before``'s."""
    body: dict[str, Any] = {name: before[name] for name in before if name != "instrument"}
    body |= {"reason": form.one("reason"), "instants": instants_in(form)}
    return body | ({"instrument": form.one("instrument")} if form.one("instrument") else {})


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the forms show of a body, or of the changes of one."""
    changed: Mapping[str, Any] = body.get("changes", body)
    instants: Mapping[str, Any] = body.get("instants", {})
    measures = list(changed.get("measures", []))
    zones = [one["zone"] for one in instants.values() if one.get("zone")]
    return {
        "subject": fields_of(changed.get("subject", {})),
        "regime": changed.get("regime", ""),
        "instrument": changed.get("instrument", ""),
        "grounds": list(changed.get("grounds", [])),
        "list_reference": changed.get("list_reference", ""),
        "measures": [one for one in measures if one in MEASURES],
        "other_measures": " ".join(one for one in measures if one not in MEASURES),
        "reasons": changed.get("reasons", {}).get("releasable", ""),
        "mirrors": [
            f"{one['jurisdiction']} {one.get('designation', '')}"
            for one in changed.get("mirrors", [])
        ],
        "proposal": changed.get("proposal", ""),
        "against_bar": changed.get("against_bar", {}).get("reason", ""),
        "partner_provision": changed.get("partner_provision", ""),
        "note": body.get("note", ""),
        "reason": body.get("reason", ""),
        "at": {name: instants.get(name, {}).get("at", "") for name in INSTANTS},
        "zone": zones[0] if zones else "Etc/UTC",
    }
