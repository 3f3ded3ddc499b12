"""The four-eyes table is complete, well-formed and never weaker than its floor."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.four_eyes import DESK, FourEyes, FourEyesError, Role, conflicting
from api.wire.types import STATEMENT_TYPES

KINDS = {row.kind for row in STATEMENT_TYPES.values()}
TABLE_FILE = Path(__file__).resolve().parents[2] / "policies" / "four-eyes.toml"


def table() -> dict[str, Any]:
    return tomllib.loads(TABLE_FILE.read_text(encoding="utf-8"))


def changed(statement_type: str, **members: Any) -> dict[str, Any]:
    rows = table()
    rows[statement_type] = {**rows[statement_type], **members}
    return rows


def test_shipped_table_reads_as_the_design_says() -> None:
    rows = FourEyes.parse(table())
    assert rows.row("release/1").approved_by == {"reviewer"}
    assert rows.row("release").needs_approval
    assert not rows.row("mirror-question").needs_approval
    recall = rows.row("recall")
    assert recall.needs_confirmation
    assert not recall.needs_approval
    assert recall.confirm_within_hours == 24
    assert rows.row("evidence-package").own_key == {"prepared"}
    assert rows.row("disposition").sealed_by_node


def test_ministry_may_tighten() -> None:
    rows = FourEyes.parse(changed("mirror-question", approved_by=["reviewer"]))
    assert rows.row("mirror-question").needs_approval


@pytest.mark.parametrize(
    "rows",
    [
        {name: row for name, row in table().items() if name != "recall"},
        {**table(), "decree": {"prepared_by": ["analyst"]}},
        changed("release", approved_by=[]),
        changed("release", approved_by=[], confirmed_by=["reviewer"], confirm_within_hours=24),
        changed("release", approved_by=["administrator"]),
        changed("release", prepared_by=[]),
        changed("release", approved_by="reviewer"),
        changed("release", approved_by=[1]),
        changed("release", aproved_by=["reviewer"]),
        changed("release", own_key=["sent"]),
        changed("release", confirm_within_hours=24),
        changed("release", sealed_by_node=True),
        changed("release", sealed_by_node="no"),
        changed("recall", confirm_within_hours=0),
        changed("recall", confirm_within_hours=True),
        changed("recall", confirmed_by=[]),
        changed("evidence-package", own_key=[]),
        changed("disposition", sealed_by_node=False),
        changed("disposition", prepared_by=["analyst"]),
        {**table(), "release": "analyst"},
    ],
)
def test_table_that_is_wrong_or_too_weak_is_refused(rows: dict[str, Any]) -> None:
    with pytest.raises(FourEyesError):
        FourEyes.parse(rows)


def test_unknown_type_is_refused() -> None:
    with pytest.raises(FourEyesError):
        FourEyes.parse(table()).row("decree/1")


@given(st.sampled_from(sorted(KINDS)), st.frozensets(st.sampled_from(sorted(DESK))))
def test_every_accepted_table_keeps_a_second_person(
    statement_type: str, approved_by: frozenset[str]
) -> None:
    rows = changed(statement_type, approved_by=sorted(approved_by))
    try:
        row = FourEyes.parse(rows).row(statement_type)
    except FourEyesError:
        return
    alone = {
        "evidence-package",
        "mirror-acknowledgement",
        "mirror-question",
        "disposition",
        "exhibits-held",
    }
    assert row.needs_approval or row.needs_confirmation or statement_type in alone


@given(st.frozensets(st.sampled_from(sorted(Role))))
def test_conflict_is_administrator_with_desk_or_auditor_with_anything(
    roles: frozenset[str],
) -> None:
    expected = (Role.AUDITOR in roles and roles != {Role.AUDITOR}) or (
        Role.ADMINISTRATOR in roles and bool(roles & {"analyst", "reviewer"})
    )
    assert conflicting(roles) is expected
