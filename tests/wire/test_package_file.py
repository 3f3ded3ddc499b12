import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.package_file import (
    CHUNK,
    DRAFT,
    PROOF,
    RELEASE,
    STATEMENT,
    PackageFile,
    PackageWriter,
    exhibit_name,
    receipt_name,
)

EXHIBIT = b"exhibit bytes"
SEALED = {
    STATEMENT: b"{}",
    RELEASE: b'{"r":1}',
    receipt_name(1): b"1",
    receipt_name(2): b"2",
    PROOF: b"proof\n",
    exhibit_name(digest(EXHIBIT)): EXHIBIT,
    exhibit_name(digest(b"")): b"",
}


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


def written(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with PackageWriter(target) as writer:
        for name, content in members.items():
            writer.add(name, [content[:1], content[1:]])
    return target.getvalue()


def read_all(data: bytes) -> dict[str, bytes]:
    package = PackageFile(io.BytesIO(data))
    names = [STATEMENT, DRAFT, RELEASE, PROOF, *package.receipts]
    names += [exhibit_name(found) for found in package.exhibits]
    return {name: package.read(name, CHUNK) for name in names if name in package}


def repacked(members: Mapping[str, bytes], **how: Any) -> bytes:
    """The same members as another program may zip them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_round_trip() -> None:
    data = written(SEALED)
    assert read_all(data) == SEALED
    package = PackageFile(io.BytesIO(data))
    assert package.exhibits == {digest(EXHIBIT): len(EXHIBIT), digest(b""): 0}
    assert package.receipts == ("receipts/1.json", "receipts/2.json")
    assert not package.is_draft
    assert PackageFile(io.BytesIO(written({DRAFT: b"{}"}))).is_draft


def test_equal_contents_give_equal_files() -> None:
    assert written(SEALED) == written(SEALED)


def test_other_tools_open_it() -> None:
    with zipfile.ZipFile(io.BytesIO(written(SEALED))) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == SEALED


def test_a_file_zipped_again_without_compression_is_the_same_package() -> None:
    assert read_all(repacked(SEALED)) == SEALED


def test_every_single_changed_byte_of_the_file_fails() -> None:
    data = written(SEALED)
    for position in range(len(data)):
        for flip in (1, 0x80, 0xFF):
            changed = bytearray(data)
            changed[position] ^= flip
            with pytest.raises(WireError):
                read_all(bytes(changed))


@given(st.data())
def test_cut_inserted_prepended_and_appended_bytes_fail(data: st.DataObject) -> None:
    whole = written(SEALED)
    position = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 30))
    inserted = data.draw(st.binary(max_size=30))
    changed = whole[:position] + inserted + whole[position + cut :]
    if changed != whole:
        with pytest.raises(WireError):
            read_all(changed)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WireError, match=r"^container\."):
        read_all(data)


def test_compression_comments_extras_and_descriptors_are_refused() -> None:
    with refused("container.malformed"):
        read_all(repacked(SEALED, compression=zipfile.ZIP_DEFLATED))
    for part in ("comment", "entry comment", "extra"):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            info = zipfile.ZipInfo(STATEMENT)
            info.external_attr = 0o600 << 16
            if part == "extra":
                info.extra = struct.pack("<HH", 0x9999, 0)
            if part == "entry comment":
                info.comment = b"hello"
            archive.writestr(info, b"{}")
            if part == "comment":
                archive.comment = b"hello"
        with refused("container.malformed"):
            read_all(target.getvalue())

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(STATEMENT, b"{}")
    with refused("container.malformed"):
        read_all(stream.getvalue())


def test_a_second_container_hidden_inside_is_refused() -> None:
    whole, other = written(SEALED), written({STATEMENT: b'{"other":1}'})
    for polyglot in (other + whole, whole + other, whole[:-22] + other + whole[-22:]):
        with pytest.raises(WireError, match=r"^container\."):
            read_all(polyglot)


@pytest.mark.parametrize(
    "name",
    [
        "readme.txt",
        "statement.JSON",
        "../statement.json",
        "/statement.json",
        "exhibits/",
        "exhibits/order.pdf",
        "exhibits/" + "A" * 64,
        "exhibits/" + "0" * 65,
        "receipts/0.json",
        "receipts/01.json",
        "receipts/x.json",
        "exhibits/../statement.json",
        "stätement.json",
    ],
)
def test_unlisted_members_are_refused(name: str) -> None:
    with refused("container.member"):
        written({name: b""})
    with pytest.raises(WireError, match=r"^container\."):
        read_all(repacked({STATEMENT: b"{}", name: b""}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members_are_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(STATEMENT, b"{}")
        archive.writestr(STATEMENT, b'{"other":1}')
    with refused("container.malformed"):
        read_all(target.getvalue())
    with PackageWriter(io.BytesIO()) as writer:
        writer.add(STATEMENT, [b"{}"])
        with refused("container.member"):
            writer.add(STATEMENT, [b"{}"])


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([], "container.missing"),
        ([exhibit_name(digest(b"x"))], "container.missing"),
        ([STATEMENT, DRAFT], "container.missing"),
        ([DRAFT, RELEASE], "container.member"),
        ([DRAFT, receipt_name(1)], "container.member"),
        ([STATEMENT, receipt_name(2)], "container.member"),
    ],
    ids=["empty", "neither", "both", "draft-release", "draft-receipt", "receipt-gap"],
)
def test_the_set_of_members_is_that_of_a_package_or_a_draft(members: list[str], code: str) -> None:
    with refused(code):
        read_all(written(dict.fromkeys(members, b"")))


def test_an_error_while_writing_leaves_nothing() -> None:
    target = io.BytesIO()

    def add_and_fail() -> None:
        with PackageWriter(target) as writer:
            writer.add(STATEMENT, [b"{}"])
            writer.add(RELEASE, iter(fail, b""))

    def fail() -> bytes:
        raise OSError

    with pytest.raises(OSError, match=r"^$"):
        add_and_fail()
    assert target.getvalue() == b""


def test_reading_is_bounded() -> None:
    package = PackageFile(io.BytesIO(written({STATEMENT: b"12345"})))
    assert package.read(STATEMENT, 5) == b"12345"
    with refused("container.too-large"):
        package.read(STATEMENT, 4)
    with refused("container.missing"):
        package.read(RELEASE, 5)


def test_large_exhibits_are_read_in_pieces() -> None:
    content = bytes(2 * CHUNK + 5)
    name = exhibit_name(digest(content))
    package = PackageFile(io.BytesIO(written({STATEMENT: b"", name: content})))
    assert [len(piece) for piece in package.chunks(name)] == [CHUNK, CHUNK, 5]


def test_a_file_that_shrinks_while_it_is_read_fails() -> None:
    source = io.BytesIO(written({STATEMENT: b"12345"}))
    package = PackageFile(source)
    source.truncate(40)
    with pytest.raises(WireError, match=r"^container\."):
        package.read(STATEMENT, 5)


class _Endless(io.RawIOBase):
    """A file that claims a size without holding it."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 5 * 2**30 if whence == io.SEEK_END else offset


def test_files_that_need_zip64_are_refused() -> None:
    with refused("container.too-large"):
        PackageFile(_Endless())  # type: ignore[arg-type]
