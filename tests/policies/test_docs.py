"""docs/policy.md shows what the engine answers today."""

from tests.policies.render import PAGE, rendered


def test_tables_are_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert rendered(text) == text, "run: python -m tests.policies.render"
