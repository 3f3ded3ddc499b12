"""Opens the exhibit store that a setting names.

Owns the reading of ``COMITY_STORE``. Must not read settings itself: the values are handed in.
"""

from pathlib import Path
from urllib.parse import urlsplit

from api.adapters.store.folder import FolderStore
from api.adapters.store.intake import DEFAULT_LIMIT
from api.domain.errors import Invalid
from api.ports.store import ExhibitStore


def open_store(
    location: str, *, s3_endpoint: str = "", s3_region: str = "", limit: int = DEFAULT_LIMIT
) -> ExhibitStore:
    """Open a folder or an S3-compatible store.

    Args:
        location: an absolute folder path, or ``s3://bucket/prefix``.
        s3_endpoint: address of the S3-compatible service; empty for the client's default.
        s3_region: its region; empty for the client's default.
        limit: largest exhibit in bytes.

    Raises:
        Invalid: ``store.location`` when the setting names neither.
        Full: ``store.full``.
        Unavailable: ``store.unavailable``.
    """
    if "://" not in location:
        folder = Path(location)
        if not folder.is_absolute():
            raise Invalid("store.location", "Give the store's folder as an absolute path.")
        return FolderStore(folder, limit=limit)
    parts = urlsplit(location)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise Invalid(
            "store.location", "The store is an absolute folder path or s3://bucket/prefix."
        )
    # The S3 client takes half a second to import; a node with a folder never needs it.
    from api.adapters.store.s3 import S3Store
    from api.adapters.store.s3_requests import connect

    prefix = parts.path.strip("/")
    return S3Store(
        connect(s3_endpoint, s3_region), parts.netloc, f"{prefix}/" if prefix else "", limit=limit
    )
