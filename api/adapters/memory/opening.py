"""Opens the place of the last signed head that the settings name.

Owns the choice: beside an SQLite database, else in the exhibit store. Must not read settings
itself: the values are handed in.
"""

from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from api.adapters.memory.file import FileMemory
from api.domain.errors import Invalid
from api.ports.head_memory import HeadMemory


def open_memory(
    database_url: str,
    store: str,
    *,
    file: Path | None = None,
    s3_endpoint: str = "",
    s3_region: str = "",
) -> HeadMemory:
    """Open the memory of a node.

    Args:
        database_url: the node's database; an SQLite file must lie in another folder than the
            memory, so that who puts an old folder back does not put the old memory back with it.
        store: where the exhibits are: a folder, or ``s3://bucket/prefix``.
        file: an own file for it; by default beside the SQLite database's folder, else in the store.
        s3_endpoint: as for the store.
        s3_region: as for the store.

    Raises:
        Invalid: ``memory.place``.
    """
    url = make_url(database_url)
    database = (
        Path(url.database).resolve()
        if url.drivername.startswith("sqlite") and (url.database)
        else None
    )
    if file is None and database is not None:
        folder = database.parent
        file = folder.with_name(f"{folder.name}.head") / f"{database.stem}.json"
    if file is not None:
        if database is not None and file.resolve().parent.is_relative_to(database.parent):
            raise Invalid(
                "memory.place", "Keep the last signed head outside the database's folder."
            )
        return FileMemory(file)
    if "://" not in store:
        return FileMemory(Path(store) / "head-memory" / "last-signed.json")
    from api.adapters.memory.object import ObjectMemory
    from api.adapters.store.s3_requests import connect

    parts = urlsplit(store)
    prefix = parts.path.strip("/")
    return ObjectMemory(
        connect(s3_endpoint, s3_region), parts.netloc, f"{prefix}/" if prefix else ""
    )
