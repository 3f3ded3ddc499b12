"""``docs/errors.md`` lists the codes that the program really has."""

import ast
import re

import pytest

from tools import errors


@pytest.fixture(scope="module")
def found():
    return errors.codes()


def test_the_committed_page_is_current():
    assert errors.main(["--check"]) == 0, f"codes changed; run: {errors.COMMAND}"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("json.duplicate-member", "WireError"),
        ("bundle.truncated", "LogError"),
        ("draft.stale", "Stale"),
        ("policy.own-work", "Refused"),
        ("policy.no-permit", "Refused"),
        ("token.not-access-token", "NotSignedIn"),
        ("log.inconsistent", "Invalid"),
        ("message.items", "WireError"),
        ("delegation.too-long", "decision"),
        ("equivocation", "Conflict"),
    ],
)
def test_codes_are_found_however_they_are_raised(found, code, kind):
    assert code in found
    assert kind in found[code].kinds


def test_what_is_no_code_is_not_listed(found):
    assert not {"membership.json", "package.released", "audit.export", "http.route"} & set(found)


def test_a_new_code_in_each_form_is_found():
    module = ast.parse(
        """
LATE = "made.late"
def act(status):
    raise Invalid("made.up", f"Not {status}, but this.")
    raise Conflict(LATE, "Too late.")
    raise Conflict(f"made.{status}", "Now it is that.")
    return refuse("made.twice", "It was made before.")
CHECKS = ((True, "made.badly", "Make it well."),)
"""
    )
    names = dict(errors._constants(module))
    assert sorted((code, kind) for code, kind, _ in errors._in_module(module, names)) == [
        ("made.badly", "decision"),
        ("made.late", "Conflict"),
        ("made.twice", "decision"),
        ("made.up", "Invalid"),
        ("made.…", "Conflict"),
    ]


def test_codes_have_one_form(found):
    odd = [code for code in found if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9…-]+)*", code)]
    assert odd == []
