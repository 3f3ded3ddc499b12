"""What several ministries' verdicts come to."""

import pytest

from api.domain.identity.verdicts import Given, settled


def given(*told: tuple[str, str]) -> list[Given]:
    return [
        Given(str(at), ministry, outcome, "Compared.", "x", f"2026-01-{at + 1:02}", shared=True)
        for at, (ministry, outcome) in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ([], ""),
        ([("uk", "same")], "same"),
        ([("uk", "same"), ("ca", "same")], "same"),
        ([("uk", "same"), ("ca", "not-same")], "unsure"),
        ([("uk", "unsure"), ("ca", "not-same")], "not-same"),
        ([("uk", "unsure")], "unsure"),
        ([("us", "not-same"), ("uk", "same"), ("ca", "same")], "not-same"),
        ([("us", "not-same"), ("us", "unsure"), ("uk", "same")], "unsure"),
    ],
)
def test_own_prevails_and_partners_count_where_they_agree(
    told: list[tuple[str, str]], outcome: str
) -> None:
    assert settled(given(*told), "us") == outcome
    assert settled(reversed(given(*told)), "us") == outcome
