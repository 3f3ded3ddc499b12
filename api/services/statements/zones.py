"""Time zones that an own statement may name: main names, from the bundled ``tzdata``.

Owns the list and the refusal. A link such as ``US/Eastern`` means something only where the tables
of old names are installed, so it is refused where it is drafted (PROTOCOL §9, *Zones*); what
partners sent is judged elsewhere.

Main names are the zones of ``tzdata.zi`` and the names of ``zone.tab``, both of the IANA time zone
database (RFC 6557): the names that the database gives for places, old and alternative ones not.
"""

import functools
import importlib.resources
from collections.abc import Mapping
from typing import Any

from api.domain.errors import Invalid


@functools.cache
def main_names() -> frozenset[str]:
    """Return the zones that may be named."""
    files = importlib.resources.files("tzdata") / "zoneinfo"
    compiled = (files / "tzdata.zi").read_text(encoding="utf-8").splitlines()
    places = (files / "zone.tab").read_text(encoding="utf-8").splitlines()
    zones = {line.split()[1] for line in compiled if line.startswith("Z ")}
    zones |= {line.split("\t")[2] for line in places if not line.startswith("#")}
    # Without an area a name is one of the old rules, such as EST5EDT, whatever file it is in.
    return frozenset(zone for zone in zones if "/" in zone)


def require_main_names(body: Mapping[str, Any]) -> None:
    """Refuse a body whose instants name a zone that is no main name.

    Raises:
        Invalid: ``instants.zone``.
    """
    instants = body.get("instants")
    if not isinstance(instants, Mapping):
        return
    for moment in instants.values():
        zone = moment.get("zone") if isinstance(moment, Mapping) else None
        if isinstance(zone, str) and zone not in main_names():
            raise Invalid(
                "instants.zone",
                "Name a zone as the IANA database's main files do, such as America/New_York.",
            )
