"""``comity node move``: from an SQLite file into PostgreSQL, on the node's machine.

Owns the command's options and output; the steps are ``api.services.recovery.moving``'s.
"""

from typing import Annotated

import typer

from api.cli import output
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext


def move(
    context: CliContext,
    *,
    to: Annotated[str, typer.Option(help="The empty database, as postgresql://user@host/name.")],
    settings: SettingsFile = None,
) -> None:
    """Move a stopped node from SQLite into an empty PostgreSQL database.

    Checks everything before and after; exhibits and keys stay where they are. Then enter the new
    COMITY_DATABASE_URL and start the node: its log goes on.

    Example: comity node move --to postgresql://comity@/comity --settings settings.env
    """
    from sqlalchemy import make_url

    from api.bootstrap import memory_of, pinned_membership, store_of
    from api.services.audit.fsck import Trust
    from api.services.recovery import moving

    loaded = load_settings(settings)
    url = make_url(to)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    target = url.render_as_string(hide_password=False)
    later = loaded.model_copy(update={"database_url": target})
    asked = moving.Move(
        source=loaded.database_url,
        target=target,
        trust=Trust(pinned_membership(loaded)),
        store=store_of(loaded),
        memory=memory_of(loaded),
        new_memory=memory_of(later),
    )
    done = moving.move(asked, output.talk)
    document = {"log_size": done.log_size, "rows": done.rows, "kept": str(done.kept)}
    said = {
        "log": f"{done.log_size} leaves",
        "rows": f"{sum(done.rows.values())} in {len(done.rows)} tables",
        "old file": str(done.kept),
    }
    output.result(context, document, output.details(said))
    output.talk("Enter the new COMITY_DATABASE_URL in the settings, then start the node.")
