"""Exhibit labels: names people read, never paths.

Owns the rule that an exhibit is stored by its digest and its label is display text that cannot
reach outside a folder, hide its direction or end early (CWE-22, CVE-2021-42574). Must not touch
a file system. Refusal code: ``label.unsafe``.
"""

import re
import unicodedata
from typing import Final

from api.wire.errors import WireError

MAX_BYTES: Final = 255
"""Longest label in UTF-8 bytes: what common file systems hold in one name."""

_PATH_CHARACTERS: Final = frozenset('/\\:*?"<>|')
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Joiners change meaning in Persian, Arabic and Indic names: they alone among Cf stay.
_JOINERS: Final = frozenset("\u200c\u200d")
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def check_label(label: str) -> None:
    """Refuse a label that is not a plain, normalised file name.

    Raises:
        WireError: ``label.unsafe`` for path separators and drive letters, ``.`` and ``..``,
            reserved device names, control, bidirectional and other invisible characters, text
            that is not NFC, outer spaces, trailing dots, and anything over 255 bytes.
    """
    if not label or len(label.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _unsafe(f"Give a label of 1 to {MAX_BYTES} bytes.")
    for character in label:
        if character in _PATH_CHARACTERS:
            raise _unsafe("Use a plain file name without path characters.")
        if character not in _JOINERS and unicodedata.category(character) in _HIDDEN_CATEGORIES:
            raise _unsafe("Remove control, bidirectional and invisible characters.")
    if label != label.strip() or label.endswith(".") or _RESERVED.fullmatch(label):
        raise _unsafe("Use a name without outer spaces, final dots or device names.")
    if not unicodedata.is_normalized("NFC", label):
        raise _unsafe("Normalise the label to NFC.")


def _unsafe(message: str) -> WireError:
    return WireError("label.unsafe", message)
