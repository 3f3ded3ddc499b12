"""Body of `onward-request/1`: a holder asks the originator to let it pass a package on."""

from api.wire.payloads.parts import Restatable
from api.wire.payloads.scalars import Digest, Ministry, Prose


class OnwardRequestV1(Restatable):
    """Which package is to go to whom, and what for."""

    package: Digest
    recipient: Ministry
    purpose: Prose
