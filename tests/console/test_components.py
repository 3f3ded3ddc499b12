"""Components are drawn by GOV.UK Frontend's macros: nothing of what a parameter holds becomes markup."""

import pytest

from api.web.console import components

HOSTILE = '<b a="1">&\'</b>'


@pytest.mark.parametrize("which", ["checkboxes", "radios", "select"])
def test_what_items_say_is_text(which: str) -> None:
    items = [{"value": HOSTILE, "text": HOSTILE, "hint": {"text": HOSTILE}}]
    drawn = components.component(
        which, id=HOSTILE, name=HOSTILE, items=items, label={"text": HOSTILE}
    )
    assert HOSTILE not in drawn
    assert "<b" not in drawn
    assert "&lt;b" in drawn


def test_what_is_typed_into_a_textarea_is_not_indented() -> None:
    drawn = components.component("textarea", name="n", id="n", value="a\nb", label={"text": "L"})
    assert ">a\nb</textarea>" in drawn
