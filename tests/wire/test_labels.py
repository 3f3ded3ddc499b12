import pathlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.errors import WireError
from api.wire.labels import check_label


@pytest.mark.parametrize(
    "label",
    [
        "order.txt",
        "朱海仑 2017-08.pdf",
        "تقرير.pdf",
        "Rapport d’enquête (2).pdf",
        "نامه\u200cها.pdf",
        "a" * 255,
        ".hidden",
    ],
)
def test_ordinary_names_pass(label: str) -> None:
    check_label(label)


@pytest.mark.parametrize(
    "label",
    [
        "",
        ".",
        "..",
        "../order.txt",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:order.txt",
        "order.txt:stream",
        "order\x00.txt",
        "order\n.txt",
        "order\x7f.txt",
        "order\x85.txt",
        "invoice\u202efdp.exe",
        "a\u2066b",
        "a\u200eb",
        "a\u061cb",
        "a\u200bb",
        "a\u2028b",
        "\ufefforder.txt",
        "a\ud800b",
        "a\ue000b",
        " order.txt",
        "order.txt ",
        "order.",
        "CON",
        "nul.txt",
        "com1.log",
        "what?.txt",
        "e\u0301.txt",
        "a" * 256,
        "é" * 128,
    ],
)
def test_refusals(label: str) -> None:
    with pytest.raises(WireError) as caught:
        check_label(label)
    assert caught.value.code == "label.unsafe"


@given(st.text(max_size=30))
def test_an_accepted_label_is_one_visible_path_component(label: str) -> None:
    try:
        check_label(label)
    except WireError:
        return
    for flavour in (pathlib.PurePosixPath, pathlib.PureWindowsPath):
        path = flavour(label)
        assert path.name == label
        assert not path.is_absolute()
        assert flavour("base", label).parent == flavour("base")
    assert unicodedata.normalize("NFC", label) == label
    assert label.isprintable() or any(c in label for c in "\u200c\u200d") or not label.isascii()
