"""What earlier editions handed out still verifies, here and by the second verifier.

The files and where they come from are in `tests/fixtures/earlier`.
"""

import hashlib
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.domain.errors import ComityError
from api.domain.verification.export import verify_export
from api.domain.verification.package import verify_package
from api.domain.verification.verdicts import FAILED, VERIFIED, Verdict
from api.wire.membership import parse_membership
from tests.support.exports import second_verdict, second_verifier

FILES = Path(__file__).resolve().parents[1] / "fixtures" / "earlier"
MADE = {
    "175b5e4/export.zip": "9763fba0e455a897c68828fda96900cd9c3a68613b44940b53087623e03275f5",
    "175b5e4/package.comity": "9a656de536464ebe3965bf9fa77aa865a2bb425d79b6cf7992e7e9dfa7441eeb",
    "bd4697e/export.zip": "9671295a41c5d1ef322f823b21944e83a17f43300c55068701862dff8f93c1c1",
    "bd4697e/package.comity": "bd8b2539177ae334b4fe9a1a10b1bb9080dc38d268887b69267ac4e4c2e925cd",
    "membership.json": "62ebb66a73cef28fd45b650e3c28bf01f9e7928d22b0889d3276def27804eb05",
}
EDITIONS = ["175b5e4", "bd4697e"]
MEMBERSHIP = (FILES / "membership.json").read_bytes()


def swapped(data: bytes, text: bytes, other: bytes) -> bytes:
    """The file with one text in it changed, its length kept."""
    assert len(text) == len(other)
    assert text in data
    return data.replace(text, other)


def judged(data: bytes) -> Verdict:
    return verify_package(io.BytesIO(data), MEMBERSHIP)


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_files_are_those_that_were_made_then(name: str) -> None:
    assert hashlib.sha256((FILES / name).read_bytes()).hexdigest() == MADE[name]


def test_a_package_verifies() -> None:
    data = (FILES / "bd4697e" / "package.comity").read_bytes()
    found = judged(data)
    assert (found.ok, found.verdict, found.failed) == (True, VERIFIED, ())
    assert judged(swapped(data, b"an exhibit\n", b"no exhibit\n")).verdict == FAILED


def test_of_the_edition_before_0040_the_officers_signature_alone_does_not_verify() -> None:
    data = (FILES / "175b5e4" / "package.comity").read_bytes()
    assert [step.code for step in judged(data).failed] == ["endorsement.false"]
    changed = judged(swapped(data, b"an exhibit\n", b"no exhibit\n"))
    assert len(changed.failed) > 1


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_export_verifies_by_both_verifiers(edition: str) -> None:
    data = (FILES / edition / "export.zip").read_bytes()
    membership = parse_membership(MEMBERSHIP)
    report = verify_export(io.BytesIO(data), membership)
    assert (report.manifest.ministry, report.manifest.start) == ("us-treasury", 0)
    assert report.disclosed == report.manifest.end > 5
    assert report.cosigners
    assert second_verdict(second_verifier(), data, membership).code == ""
    changed = swapped(data, b'{"e":"be', b'{"e":"bf')
    with pytest.raises(ComityError):
        verify_export(io.BytesIO(changed), membership)
    assert second_verdict(second_verifier(), changed, membership).code != ""


@pytest.mark.parametrize(
    "name", ["175b5e4/export.zip", "bd4697e/export.zip", "bd4697e/package.comity"]
)
def test_the_command_accepts_them(name: str) -> None:
    arguments = ["verify", str(FILES / name), "--membership", str(FILES / "membership.json")]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0, found.output
