"""A name that is not known is refused with those that are, or with the nearest of them."""

import pytest

from tests.support.command_line import CommandLine


@pytest.mark.parametrize(
    ("words", "profile", "told"),
    [
        (("audit", "list", "--act", "package.relesed"), "us-auditor", "package.released"),
        (("audit", "list", "--act", "nonsense"), "us-auditor", "Did you mean "),
        (("package", "list", "--state", "nonsense"), "us-analyst", "'superseded'"),
        (("draft", "list", "--state", "sealt"), "us-analyst", "'sealed'"),
        (("proposal", "list", "--state", "x"), "us-analyst", "'endorsed'"),
        (("mirror", "list", "--phase", "opened"), "us-analyst", "'open'"),
        (("tasks", "list", "--scope", "x"), "us-analyst", "'clocks'"),
    ],
)
def test_what_nothing_is_called_is_refused(
    comity: CommandLine, words: tuple[str, ...], profile: str, told: str
) -> None:
    ended = comity(*words, profile=profile)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_a_profile_that_is_not_there_is_refused_with_the_nearest(comity: CommandLine) -> None:
    ended = comity("draft", "list", profile="us-anlyst")
    assert ended.code == 5
    assert "Did you mean us-analyst, us-analyst2" in ended.err
    far = comity("draft", "list", profile="zzzzzz")
    assert "Did you mean" not in far.err
