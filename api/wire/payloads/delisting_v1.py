"""Body of `delisting/1`: the end of a designation."""

from api.wire.payloads.parts import LegalInstants, Restatable, Sources
from api.wire.payloads.scalars import Digest, Line, Prose


class DelistingV1(Restatable):
    """A delisting, with its reason and the instants of the delisting act."""

    designation: Digest
    reason: Prose
    instants: LegalInstants
    instrument: Line | None = None
    sources: Sources | None = None
