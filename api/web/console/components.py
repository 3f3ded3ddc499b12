"""Components of GOV.UK Frontend: by the macros of govuk-frontend-jinja, their many items by hand.

Owns that. The macros draw one tick box with a thousand calls, and forms ask with hundreds of boxes
and options; so items of three components are written here and set into the macro's frame. What is
written is what the macro would write (``tests/console/test_components.py`` compares them); items
that say more than text, hint, value and state are left to the macro.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup, escape

_PLAIN: Final = frozenset({"value", "text", "hint", "checked"})
_PLAIN_OPTION: Final = frozenset({"value", "text", "selected"})
_BOXES: Final = {"checkboxes": "checkbox", "radios": "radio"}
_SELECT_END: Final = "</select>"


def component(which: str, /, **params: Any) -> Markup:
    """Return a component of GOV.UK Frontend, such as ``error-summary``, with its parameters.

    Parameters are those of the component's documentation with ``_`` for what Python cannot name:
    ``error_message`` is ``errorMessage``.
    """
    given = {_camel(key): value for key, value in params.items() if value is not None}
    # Without a fieldset a fault of the group is told at every box: that is the macro's.
    if which in _BOXES and "fieldset" in given and _are_plain(given, _PLAIN):
        inner = _boxes(which, given)
        framed = {**given, "items": (), "formGroup": {"beforeInputs": {"html": inner}}}
        return Markup(_macro(which)(framed))  # noqa: S704 - the macro escapes its parameters
    if which == "select" and _are_plain(given, _PLAIN_OPTION):
        frame, end, after = str(_macro(which)({**given, "items": ()})).rpartition(_SELECT_END)
        return Markup(frame + _options(given["items"]) + end + after)  # noqa: S704 - as above
    return Markup(_macro(which)(given))  # noqa: S704 - as above


@functools.cache
def _environment() -> Environment:
    """Return the environment of the macros, which leave most parameters out."""
    loader = PrefixLoader(
        {"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja", "templates")}
    )
    # Macros import each other anew at each call: nobody looks then whether a file has changed.
    made = Environment(
        loader=loader, autoescape=True, undefined=ChainableUndefined, auto_reload=False
    )
    # Depth of indentation means nothing to a browser, and takes a quarter of the time.
    made.filters["indent"] = lambda text, *_: text
    return made


@functools.cache
def _macro(name: str) -> Callable[[Mapping[str, Any]], Markup]:
    template = _environment().get_template(f"govuk_frontend_jinja/components/{name}/macro.html")
    words = "".join(part.capitalize() for part in name.split("-"))
    found: Callable[[Mapping[str, Any]], Markup] = getattr(template.module, f"govuk{words}")
    return found


@functools.cache
def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _are_plain(given: Mapping[str, Any], known: frozenset[str]) -> bool:
    """Tell whether items say only what is drawn here; chosen ones are marked at the item."""
    if not given.get("items") or given.keys() & {"formGroup", "value", "values", "describedBy"}:
        return False
    return all(one.keys() <= known and "value" in one and one.get("text") for one in given["items"])


def _boxes(which: str, given: Mapping[str, Any]) -> Markup:
    """Return tick boxes or radio buttons, each with its label and hint."""
    name, prefix = escape(given["name"]), escape(given.get("idPrefix") or given["name"])
    kind, found = _BOXES[which], []
    for number, one in enumerate(given["items"], 1):
        id_ = f"{prefix}-{number}" if number > 1 else prefix
        words = (one.get("hint") or {}).get("text")
        told = hint = ""
        if words:
            told = f' aria-describedby="{id_}-item-hint"'
            classes = f"govuk-hint govuk-{which}__hint"
            hint = f'<div id="{id_}-item-hint" class="{classes}">{escape(words)}</div>'
        found.append(
            f'<div class="govuk-{which}__item"><input class="govuk-{which}__input" id="{id_}"'
            f' name="{name}" type="{kind}" value="{escape(one["value"])}"'
            f"{' checked' if one.get('checked') else ''}{told}>"
            f'<label class="govuk-label govuk-{which}__label" for="{id_}">'
            f"{escape(one['text'])}</label>{hint}</div>"
        )
    return Markup("\n".join(found))  # noqa: S704 - every value is escaped above


def _options(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the options of a list to choose from."""
    return "\n".join(
        f'<option value="{escape(one["value"])}"{" selected" if one.get("selected") else ""}>'
        f"{escape(one['text'])}</option>"
        for one in items
    )
