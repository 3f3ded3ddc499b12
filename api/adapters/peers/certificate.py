"""How long the client certificate is valid that this node shows to partners' proxies."""

from datetime import datetime
from pathlib import Path

from cryptography import x509

from api.domain.errors import Unavailable


def valid_until(path: Path) -> datetime:
    """Return the end of a certificate's validity, in UTC.

    Args:
        path: PEM file; its first certificate is this node's own (RFC 8446 §4.4.2 puts it first).

    Raises:
        Unavailable: ``peer.certificate``: the file is missing or holds no certificate.
    """
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Unavailable(
            "peer.certificate", "The CA bundle or client certificate cannot be used."
        ) from error
    return certificates[0].not_valid_after_utc
