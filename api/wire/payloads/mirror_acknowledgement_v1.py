"""Body of `mirror-acknowledgement/1`: the addressee has taken the request up."""

from api.wire.payloads.parts import Restatable
from api.wire.payloads.scalars import Instant, Prose


class MirrorAcknowledgementV1(Restatable):
    """An acknowledgement by an officer; a receipt is the node's and says less."""

    note: Prose | None = None
    expected_by: Instant | None = None
