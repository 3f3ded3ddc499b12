"""Proposals as forms: the reasoned case for listing subjects of packages, and back.

Owns the reading; pure. Subjects are those of packages held here, described as the packages do.
"""

from collections.abc import Mapping
from typing import Any

from api.web.console.case_fact_parts import facts_in
from api.web.console.designation_parts import measures_in
from api.web.console.forms import Form
from api.web.console.law_choices import MEASURES


def proposal_in(
    form: Form, described: Mapping[str, Mapping[str, Any]], threshold: str
) -> dict[str, Any]:
    """Return the body of ``designation-proposal/1``.

    Args:
        form: what was posted.
        described: chosen subjects, by package and key as the form carries them.
        threshold: the wording of the regime's own threshold.
    """
    packages = list(dict.fromkeys(one.partition(" ")[0] for one in described))
    finding = {
        "wording": threshold,
        "met": form.one("met") == "yes",
        "by": form.one("found_by"),
    }
    if form.one("found_note"):
        finding["note"] = form.one("found_note")
    body: dict[str, Any] = {
        "title": form.one("title"),
        "subjects": [
            {**dict(facts), "key": f"s{number}"}
            for number, facts in enumerate(described.values(), 1)
        ],
        "regime": form.one("regime"),
        "grounds": [
            {
                "ground": ground,
                "evidence": [{"package": package} for package in packages],
                "threshold": finding,
            }
            for ground in form.every("grounds")
        ],
        "reasons": {"releasable": form.one("reasons_releasable")},
        "measures": measures_in(form),
    }
    if form.one("reasons_internal"):
        body["reasons"]["internal"] = form.one("reasons_internal")
    if form.one("against_bar"):
        body["against_bar"] = {"reason": form.one("against_bar")}
    keys = {value: f"s{number}" for number, value in enumerate(described, 1)}
    return body | facts_in(form, keys)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form shows of a proposal's body."""
    grounds = body.get("grounds", [])
    finding: Mapping[str, Any] = grounds[0].get("threshold", {}) if grounds else {}
    measures = list(body.get("measures", []))
    return {
        "title": body.get("title", ""),
        "regime": body.get("regime", ""),
        "grounds": [one["ground"] for one in grounds],
        "met": {True: "yes", False: "no"}.get(finding.get("met", ""), ""),
        "found_by": finding.get("by", ""),
        "found_note": finding.get("note", ""),
        "reasons": body.get("reasons", {}).get("releasable", ""),
        "internal": body.get("reasons", {}).get("internal", ""),
        "measures": [one for one in measures if one in MEASURES],
        "other_measures": " ".join(one for one in measures if one not in MEASURES),
        "against_bar": body.get("against_bar", {}).get("reason", ""),
    }
