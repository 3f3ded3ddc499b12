"""Components of GOV.UK Frontend, by the macros of govuk-frontend-jinja.

Owns the environment in which they are drawn, and how their parameters are called here.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader
from markupsafe import Markup


def component(which: str, /, **params: Any) -> Markup:
    """Return a component of GOV.UK Frontend, such as ``error-summary``, with its parameters.

    Parameters are those of the component's documentation with ``_`` for what Python cannot name:
    ``error_message`` is ``errorMessage``.
    """
    given = {_camel(key): value for key, value in params.items() if value is not None}
    return Markup(_macro(which)(given))  # noqa: S704 - the macro escapes its parameters


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
