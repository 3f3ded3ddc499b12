"""The consolidated list of the European Union (financial sanctions files, XML 1.1).

Owns the layout. ``listed_on`` is the designation date where the file gives one; the dates of the
regulations in it are those of the last amending act and are not used.
"""

from typing import IO
from xml.etree.ElementTree import Element

from api.adapters.lists.entries import Entry, Published, merged
from api.adapters.lists.markup import children as at
from api.adapters.lists.markup import elements

SOURCE = "eu"
FLOOR = 1_500
_KINDS = {"person": "person", "enterprise": "entity"}


def read_xml(source: IO[bytes]) -> Published:
    """Read the export.

    Raises:
        Invalid: ``list.*``.
    """
    day = ""
    entries = []
    for root, element in elements(source, "sanctionEntity"):
        day = day or str(root.get("generationDate", ""))[:10]
        entries.append(_entry(element))
    return Published(SOURCE, day, merged(entries))


def _entry(element: Element) -> Entry:
    names = [one.get("wholeName", "") for one in at(element, "nameAlias")]
    births = [one.get("birthdate", "") or one.get("year", "") for one in at(element, "birthdate")]
    programs = [one.get("programme", "") for one in at(element, "regulation")]
    kind = next((one.get("code", "") for one in at(element, "subjectType")), "")
    return Entry(
        id=str(element.get("euReferenceNumber") or element.get("logicalId")),
        kind=_KINDS.get(kind, "other"),
        names=tuple(dict.fromkeys(name for name in names if name)),
        programs=tuple(dict.fromkeys(one for one in programs if one)),
        listed_on=element.get("designationDate", ""),
        births=tuple(dict.fromkeys(one for one in births if one)),
    )
