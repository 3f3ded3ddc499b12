"""Items that the console writes itself are those that GOV.UK Frontend's macros would write."""

import re
from typing import Any

import pytest

from api.web.console import components

HOSTILE = '<b a="1">&\'</b>'
BOXES = [
    {"value": "one", "text": "First"},
    {"value": "two", "text": "Second", "checked": True, "hint": {"text": "a hint"}},
    {"value": HOSTILE, "text": HOSTILE, "checked": False, "hint": {"text": HOSTILE}},
    {"value": "four", "text": "Fourth", "hint": None},
]
OPTIONS = [
    {"value": "", "text": "-"},
    {"value": "two", "text": "Second", "selected": True},
    {"value": HOSTILE, "text": HOSTILE, "selected": False},
]
LEGEND = {"legend": {"text": HOSTILE, "classes": "govuk-fieldset__legend--s"}}
FAULT = {"text": "wrong", "visuallyHiddenText": "Error"}


def flat(html: str) -> str:
    """Return HTML without the white space that nobody sees."""
    return re.sub(r"\s*(<[^>]+>)\s*", r"\1", re.sub(r"\s+", " ", html)).replace(' "', '"')


@pytest.mark.parametrize("which", ["checkboxes", "radios"])
@pytest.mark.parametrize("items", [BOXES, BOXES[:1]])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"hint": {"text": HOSTILE}},
        {"error_message": FAULT, "hint": {"text": "a hint"}},
        {"id_prefix": HOSTILE, "classes": "govuk-checkboxes--small"},
    ],
)
def test_boxes_are_those_of_the_macro(
    which: str, items: Any, more: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"name": HOSTILE, "items": items, "fieldset": LEGEND, **more}
    ours = components.component(which, **given)
    monkeypatch.setattr(components, "_are_plain", lambda *_: False)
    assert flat(ours) == flat(components.component(which, **given))
    assert "<b" not in ours


@pytest.mark.parametrize("more", [{}, {"hint": {"text": HOSTILE}}, {"error_message": FAULT}])
def test_options_are_those_of_the_macro(more: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"name": "n", "id": "n", "items": OPTIONS, "label": {"text": HOSTILE}, **more}
    ours = components.component("select", **given)
    monkeypatch.setattr(components, "_are_plain", lambda *_: False)
    assert flat(ours) == flat(components.component("select", **given))
    assert "<b" not in ours


@pytest.mark.parametrize(
    "item",
    [
        {"value": "a", "html": "<i>a</i>"},
        {"value": "a", "text": "A", "conditional": {"html": "<p>more</p>"}},
        {"value": "a", "text": "A", "attributes": {"data-x": "1"}},
        {"value": "a", "text": "A", "disabled": True},
    ],
)
def test_an_item_that_says_more_is_the_macros(item: Any) -> None:
    drawn = components.component("checkboxes", name="n", items=[item], fieldset=LEGEND)
    assert "data-x" in drawn or "disabled" in drawn or "<i>" in drawn or "conditional-n" in drawn


def test_what_is_typed_into_a_textarea_is_not_indented() -> None:
    drawn = components.component("textarea", name="n", id="n", value="a\nb", label={"text": "L"})
    assert ">a\nb</textarea>" in drawn
