"""A file appears whole under its name, or what was there stays."""

import stat
from pathlib import Path

import pytest

from api import durable


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file_is_its_owners_and_leaves_no_other(tmp_path: Path, *, replace: bool) -> None:
    path = tmp_path / "new"
    durable.write(path, b"whole", replace=replace)
    assert path.read_bytes() == b"whole"
    assert stat.S_IMODE(path.stat().st_mode) == durable.PRIVATE
    assert names(tmp_path) == {"new"}


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        durable.write(path, b"new", replace=False)
    assert path.read_bytes() == b"old"
    durable.write(path, b"new", replace=True)
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == {"known"}


def test_nothing_is_seen_before_the_end_and_nothing_left_of_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(b"old")

    def fail() -> None:
        with durable.opened(path, replace=True) as file:
            file.write(b"half")
            file.flush()
            assert path.read_bytes() == b"old"
            raise OSError

    with pytest.raises(OSError):
        fail()
    assert (path.read_bytes(), names(tmp_path)) == (b"old", {"known"})


def test_whoever_comes_second_is_told(tmp_path: Path) -> None:
    path = tmp_path / "wanted"

    def second() -> None:
        with durable.appearing(path, replace=False) as mine:
            mine.write_bytes(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        second()
    assert (path.read_bytes(), names(tmp_path)) == (b"theirs", {"wanted"})
