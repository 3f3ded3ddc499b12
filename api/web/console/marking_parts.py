"""A marking as a form: who may have a package, what for and how far it goes; pure."""

from collections.abc import Mapping
from typing import Any, Final

from api.web.console.forms import Form
from api.web.console.words import mark

_TLP: Final = ("RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR")
LEVELS: Final = tuple({"value": one, "text": f"TLP:{one}"} for one in _TLP)


def marking_in(form: Form, recipient: str) -> dict[str, Any]:
    """Return the marking that a form says, releasable to one recipient."""
    return {
        "tlp": form.one("tlp"),
        "releasable_to": [recipient],
        "originator_control": form.one("control") == "yes",
        "permitted_use": form.lines("use"),
    }


def unmarked(form: Form) -> list[dict[str, Any]]:
    """Return what a form leaves out of a marking."""
    needed = (
        ("tlp", mark("Choose a marking.")),
        ("use", mark("Say what the recipient may use it for.")),
    )
    return [{"field": name, "text": text} for name, text in needed if not form.one(name)]


def typed(form: Form, before: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what the fields of a marking show: what was typed, else a marking that was given."""
    if form.fields or before is None:
        values = {name: form.one(name) for name in ("tlp", "control", "use")}
        return values | {"tlp": values["tlp"] or "AMBER"}
    return {
        "tlp": str(before.get("tlp", "")),
        "control": "yes" if before.get("originator_control") else "",
        "use": "\n".join(before.get("permitted_use", ())),
    }
