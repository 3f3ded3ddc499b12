"""The distribution carries what a node reads while it works."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from api import shipped

ROOT = Path(__file__).resolve().parents[2]
ASK = "from api import shipped; print(shipped.policies(), shipped.migrations(), shipped.verifier())"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder / "dist"))
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def places(path: Path) -> list[Path]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=path,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(each) for each in done.stdout.split()]


def files(place: Path) -> dict[str, bytes]:
    if place.is_file():
        return {place.name: place.read_bytes()}
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_what_is_installed_reads_its_own_copies_and_they_are_whole(installed: Path) -> None:
    here = [shipped.policies(), shipped.migrations(), shipped.verifier()]
    there = places(installed)
    for beside, carried in zip(here, there, strict=True):
        assert carried.is_relative_to(installed)
        assert files(carried) == files(beside)
        assert files(beside)


def test_a_checkout_reads_what_stands_beside_the_package() -> None:
    for place in places(ROOT):
        assert place.is_relative_to(ROOT)
        assert "_bundled" not in place.parts


def test_what_the_doors_serve_is_carried(installed: Path) -> None:
    for name in ("openapi.json", "reference.css"):
        assert (installed / "api/web/static" / name).read_bytes()
