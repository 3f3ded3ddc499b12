import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from api.adapters.crypto.officer_key import OfficerKey
from api.adapters.identity.tokens import Tokens
from api.cli import main as command_line
from api.cli.build import Preparer, build_package, read_description
from api.cli.package_build import package_build_command
from api.cli.profiles import CliContext, Profile, ProfileStore
from api.cli.verify import verify_file
from api.domain.errors import ComityError, Conflict, Invalid, NotFound, NotSignedIn
from api.wire.digests import digest
from api.wire.encoding import b64u_encode
from tests.support.signing import NOW

DESCRIPTION = """
title = "Officials and bodies"
summary = "Public material."
language = "en"
exculpatory = "None known."
legal_basis = "Ministerial authority to disclose."
compelled = false

[[subjects]]
key = "s1"
schema = "Person"
names = [{ text = "ZHU Hailun" }]
birth_dates = [{ value = 1958-01-02 }]

[[claims]]
subject = "s1"
act = "Held the post."
ground = "leader or official"
exhibits = ["order.txt", "Scan.pdf"]

[[exhibits]]
file = "order.txt"
kind = "official-record"
source = "public archive"

[[exhibits]]
file = "scans/b.pdf"
label = "Scan.pdf"
kind = "official-record"
source = "public archive"
collected = { by = "archive", at = 2020-08-01T12:30:00+02:00, how = "download" }
"""
ISS, SUB = "https://id.example", "analyst-1"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with exhibits, a description beside it, and a key."""
    folder = tmp_path / "exhibits"
    (folder / "scans").mkdir(parents=True)
    (folder / "order.txt").write_bytes(b"order")
    (folder / "scans" / "b.pdf").write_bytes(b"%PDF" + bytes(3_000_000))
    (tmp_path / "package.toml").write_text(DESCRIPTION, "utf-8")
    OfficerKey.create(tmp_path / "officer.key")
    return tmp_path


def build(place: Path, out: str = "case.comity", **options: Any) -> Any:
    key = OfficerKey.open(place / "officer.key")
    signer = Preparer(key, key.named(ISS, SUB, "analyst"), "us-treasury")
    return build_package(place / "exhibits", place / "package.toml", place / out, signer, **options)


def refused(kind: type[ComityError], code: str) -> Any:
    return pytest.raises(kind, match=rf"\[{code}\]$")


def describe(place: Path, old: str, new: str) -> None:
    text = (place / "package.toml").read_text("utf-8")
    assert old in text
    (place / "package.toml").write_text(text.replace(old, new, 1), "utf-8")


def test_a_built_package_is_an_intact_draft(place: Path) -> None:
    built = build(place)
    assert verify_file(built.path, draft=True).ok
    assert (built.exhibits, built.size) == (2, 3_000_009)
    assert stat.S_IMODE(built.path.stat().st_mode) == 0o600
    with zipfile.ZipFile(built.path) as archive:
        draft = json.loads(archive.read("draft.json"))
        assert set(draft) == {"issuer", "nonce", "type", "body", "prepared", "endorsement"}
        first, second = draft["body"]["exhibits"]
        assert first["label"] == "order.txt"
        assert first["media_type"] == "text/plain"
        assert first["digest"] == digest(b"order")
        assert second["label"] == "Scan.pdf"
        assert second["collected"]["at"] == "2020-08-01T10:30:00.000Z"
        assert archive.read("exhibits/" + digest(b"order")[7:]) == b"order"
    assert draft["body"]["subjects"][0]["birth_dates"] == [{"value": "1958-01-02"}]
    assert (draft["prepared"]["iss"], draft["prepared"]["sub"]) == (ISS, SUB)
    assert sorted(found.name for found in place.iterdir()) == [
        "case.comity", "exhibits", "officer.key", "package.toml"
    ]  # fmt: skip


def test_progress_counts_both_readings(place: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(place, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (6_000_018, 6_000_018)


def test_a_description_inside_the_folder_is_no_exhibit(place: Path) -> None:
    inside = place / "exhibits" / "package.toml"
    (place / "package.toml").rename(inside)
    key = OfficerKey.open(place / "officer.key")
    signer = Preparer(key, key.named(ISS, SUB, "analyst"), "us-treasury")
    assert build_package(place / "exhibits", inside, place / "out", signer).exhibits == 2


def test_files_that_are_not_listed_are_refused(place: Path) -> None:
    (place / "exhibits" / "scans" / "forgotten.txt").write_text("x")
    with refused(Invalid, "package.unlisted-file"):
        build(place)
    assert not (place / "case.comity").exists()


@pytest.mark.parametrize(
    ("old", "new", "kind", "code"),
    [
        ('file = "order.txt"', 'file = "../officer.key"', Invalid, "package.file"),
        ('file = "order.txt"', 'file = "/etc/hostname"', Invalid, "package.file"),
        ('file = "order.txt"', 'file = "none.txt"', NotFound, "package.file"),
        ('file = "order.txt"', 'file = "scans"', NotFound, "package.file"),
        ('file = "order.txt"', 'file = "scans/b.pdf"', Invalid, "package.description"),
        ('file = "order.txt"', "", Invalid, "package.description"),
        ('file = "order.txt"', 'file = "order.txt"\nsize = 4', Invalid, "package.changed"),
        ("compelled = false", "compelled = ", Invalid, "package.description"),
        ("+02:00", "", Invalid, "package.description"),
    ],
)
def test_descriptions_that_do_not_fit(
    place: Path, old: str, new: str, kind: type[ComityError], code: str
) -> None:
    describe(place, old, new)
    with refused(kind, code):
        build(place)
    assert not (place / "case.comity").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('language = "en"', ""),
        ('kind = "official-record"', 'kind = "rumour"'),
        ('label = "Scan.pdf"', 'label = "../Scan.pdf"'),
        ('exhibits = ["order.txt", "Scan.pdf"]', 'exhibits = ["none.txt"]'),
    ],
)
def test_the_body_is_checked_before_anything_is_written(place: Path, old: str, new: str) -> None:
    describe(place, old, new)
    with refused(Invalid, "package.description"):
        build(place)
    assert not (place / "case.comity").exists()


def test_links_out_of_the_folder_are_refused(place: Path) -> None:
    (place / "exhibits" / "order.txt").unlink()
    (place / "exhibits" / "order.txt").symlink_to(place / "officer.key")
    with refused(Invalid, "package.file"):
        build(place)


def test_an_existing_file_is_not_replaced(place: Path) -> None:
    (place / "case.comity").write_text("mine")
    with refused(Conflict, "package.exists"):
        build(place)
    assert (place / "case.comity").read_text() == "mine"


def test_an_exhibit_that_changes_meanwhile_is_noticed(place: Path) -> None:
    def meddle(done: int, total: int) -> None:
        if done == total // 2:
            (place / "exhibits" / "order.txt").write_bytes(b"other")

    with refused(Invalid, "package.changed"):
        build(place, progress=meddle)
    assert sorted(found.name for found in place.iterdir()) == [
        "exhibits", "officer.key", "package.toml"
    ]  # fmt: skip


def test_missing_and_shapeless_descriptions(tmp_path: Path) -> None:
    with refused(NotFound, "package.description"):
        read_description(tmp_path / "none.toml")
    for content in (b"\xff", b"exhibits = 5", b"exhibits = [1]", b" " * (4 * 1024 * 1024 + 1)):
        (tmp_path / "some.toml").write_bytes(content)
        with refused(Invalid, "package.description"):
            read_description(tmp_path / "some.toml")


def run(place: Path, *arguments: str, profile: str | None = None) -> Result:
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = CliContext(profile, place / "home")

    app.command("build")(package_build_command)
    return CliRunner().invoke(
        app,
        [
            "build",
            str(place / "exhibits"),
            "--description",
            str(place / "package.toml"),
            "--out",
            str(place / "case.comity"),
            *arguments,
            "--ministry",
            "us-treasury",
        ],
    )


def test_the_command_with_everything_named(place: Path) -> None:
    result = run(place, "--key", str(place / "officer.key"), "--iss", ISS, "--sub", SUB, "--json")
    assert result.exit_code == 0, result.exception
    document = json.loads(result.stdout)
    assert document["exhibits"] == 2
    assert document["out"] == str(place / "case.comity")
    assert document["kid"] == OfficerKey.open(place / "officer.key").kid


def test_what_no_claim_cites_is_said(place: Path) -> None:
    assert build(place, "whole.comity").uncited == ()
    describe(place, 'exhibits = ["order.txt", "Scan.pdf"]', 'exhibits = ["order.txt"]')
    assert build(place, "part.comity").uncited == ("Scan.pdf",)
    named = ("--key", str(place / "officer.key"), "--iss", ISS, "--sub", SUB)
    assert "No claim cites Scan.pdf" in run(place, *named).stderr


def test_media_types_that_were_guessed_are_said(place: Path) -> None:
    (place / "exhibits" / "scans" / "b.pdf").rename(place / "exhibits" / "b.unheard-of")
    describe(place, 'file = "scans/b.pdf"', 'file = "b.unheard-of"')
    named = ("--key", str(place / "officer.key"), "--iss", ISS, "--sub", SUB)
    said = "Media types told by names: order.txt text/plain, Scan.pdf application/octet-stream."
    assert said in run(place, *named).stderr
    (place / "case.comity").unlink()
    describe(place, 'kind = "official-record"', 'kind = "contract"\nmedia_type = "text/html"')
    document = json.loads(run(place, *named, "--json").stdout)
    assert document["guessed"] == {"Scan.pdf": "application/octet-stream"}


def test_faults_are_told_line_by_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(place, 'act = "Held the post."', 'act = ""')
    describe(place, 'kind = "official-record"', 'kind = "paper"')
    asked = ("package", "build", str(place / "exhibits"), "--out", str(place / "x.comity"))
    who = ("--key", str(place / "officer.key"), "--iss", ISS, "--sub", SUB)
    told = ("--description", str(place / "package.toml"), "--ministry", "us-treasury")
    assert command_line.main([*asked, *who, *told]) == 2
    first, *faults = capsys.readouterr().err.splitlines()
    assert first.endswith("[package.description]")
    assert len(faults) == 2
    assert all(one.startswith("  ") and "package.toml:" in one for one in faults)


def test_the_command_with_a_profile(place: Path) -> None:
    claims = b64u_encode(json.dumps({"iss": ISS, "sub": "from-token"}).encode())
    tokens = Tokens(f"x.{claims}.y", NOW)
    profile = Profile(
        "https://n", ISS, "cli", "https://n", tokens=tokens, key_file="../officer.key"
    )
    ProfileStore(place / "home").save("us-analyst", profile)
    result = run(place, profile="us-analyst")
    assert result.exit_code == 0, result.exception
    with zipfile.ZipFile(place / "case.comity") as archive:
        assert json.loads(archive.read("draft.json"))["prepared"]["sub"] == "from-token"


def test_the_command_needs_a_name_and_a_key(place: Path) -> None:
    assert isinstance(run(place, "--key", str(place / "officer.key")).exception, NotSignedIn)
    without_key = run(place, "--iss", ISS, "--sub", SUB).exception
    assert isinstance(without_key, Invalid)
    assert without_key.code == "officer-key.none"


def test_the_command_opens_encrypted_keys(place: Path) -> None:
    OfficerKey.create(place / "locked.key", "correct horse battery")
    (place / "passphrase").write_text("correct horse battery\n")
    (place / "passphrase").chmod(0o600)
    arguments = ("--key", str(place / "locked.key"), "--iss", ISS, "--sub", SUB)
    locked = run(place, *arguments).exception
    assert isinstance(locked, Invalid)
    assert locked.code == "officer-key.passphrase-needed"
    opened = run(place, *arguments, "--passphrase-file", str(place / "passphrase"))
    assert opened.exit_code == 0, opened.exception


def test_all_faults_are_said_at_once_with_file_line_and_words(place: Path) -> None:
    describe(place, 'language = "en"', 'language = "English"\nsupercedes = "sha256:0"')
    describe(place, 'kind = "official-record"\nsource = "public archive"\ncollected', "collected")
    describe(place, 'kind = "official-record"', 'kind = "document"')
    with pytest.raises(Invalid) as refusal:
        build(place)
    said = str(refusal.value)
    lines = (place / "package.toml").read_text("utf-8").splitlines()
    language = 1 + next(n for n, line in enumerate(lines) if line.startswith("language"))
    assert f"package.toml:{language}: language: write a language tag" in said
    assert f"package.toml:{language + 1}: supercedes: there is no such member" in said
    assert "the nearest is supersedes" in said
    kind = 1 + next(n for n, line in enumerate(lines) if line.startswith("kind"))
    assert f"package.toml:{kind}: exhibits[1].kind" in said
    assert "allowed: official-record, leaked-official-document" in said
    assert "exhibits[2].kind: this member is required" in said
    assert "exhibits[2].source: this member is required" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '[{ text = "ZHU Hailun" }]',
            "[" + '{ text = "x" }, ' * 101 + "]",
            "subjects[1].names: keep this list within 100 entries",
        ),
        (
            '"Officials and bodies"',
            f'"{"x" * 301}"',
            "title: keep this text within 300 characters",
        ),
        ('[{ text = "ZHU Hailun" }]', "[]", "subjects[1].names: give at least 1 here"),
    ],
)
def test_a_limit_that_is_passed_is_named(place: Path, old: str, new: str, said: str) -> None:
    describe(place, old, new)
    with pytest.raises(Invalid) as refusal:
        build(place)
    assert said in str(refusal.value)
    assert "package.toml:" in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "nearest"),
    [
        ("birth_dates =", "birth_date =", "birth_dates"),
        ("compelled = false", "compelled = false\ncase_fact = []", "case_facts"),
        ('source = "public archive"\n\n', 'source = "public archive"\nmedia = "x/y"\n\n', ""),
        ('{ text = "ZHU Hailun" }', '{ text = "ZHU Hailun", aliases = "x" }', ""),
    ],
)
def test_misspelt_members_are_never_signed(place: Path, old: str, new: str, nearest: str) -> None:
    describe(place, old, new)
    with pytest.raises(Invalid) as refusal:
        build(place)
    assert "there is no such member" in str(refusal.value)
    assert nearest in str(refusal.value)
    assert not (place / "case.comity").exists()


def test_a_name_with_composed_accents_finds_the_file_whichever_way_it_is_stored(
    place: Path,
) -> None:
    (place / "exhibits" / "order.txt").rename(place / "exhibits" / "de\u0301cret.txt")
    describe(place, 'file = "order.txt"', 'file = "d\u00e9cret.txt"\nlabel = "order.txt"')
    assert build(place).exhibits == 2


def test_a_packed_file_is_not_called_what_was_packed(place: Path) -> None:
    (place / "exhibits" / "order.txt").rename(place / "exhibits" / "order.pdf.gz")
    describe(place, 'file = "order.txt"', 'file = "order.pdf.gz"\nlabel = "order.txt"')
    built = build(place)
    with zipfile.ZipFile(built.path) as archive:
        draft = json.loads(archive.read("draft.json"))
    assert draft["body"]["exhibits"][0]["media_type"] == "application/octet-stream"


def test_a_linked_folder_is_looked_into_and_desktop_files_are_passed_over(place: Path) -> None:
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "secret.txt").write_text("x")
    (place / "exhibits" / "linked").symlink_to(place / "elsewhere")
    (place / "exhibits" / ".DS_Store").write_bytes(b"desktop")
    with pytest.raises(Invalid) as refusal:
        build(place)
    assert "linked/secret.txt" in str(refusal.value)
    assert ".DS_Store" not in str(refusal.value)


def test_too_much_is_refused_before_it_is_read(place: Path) -> None:
    with (place / "exhibits" / "order.txt").open("r+b") as file:
        file.truncate(3 << 30)
    seen: list[int] = []
    with refused(Invalid, "package.too-large"):
        build(place, progress=lambda done, _total: seen.append(done))
    assert seen == []
