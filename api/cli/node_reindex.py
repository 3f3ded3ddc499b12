"""``comity node reindex``: make the index of identities anew, on the node's machine."""

from api.cli import output
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext


def reindex(context: CliContext, *, settings: SettingsFile = None) -> None:
    """Make the index by which names are found anew, from lists and statements.

    Needed after an upgrade whose notes say so, and where the index was lost. The node may be at
    work; until it is done a search may miss what is there.

    Example: comity node reindex --settings settings.env
    """
    from api.bootstrap import build
    from api.services.desk.reindexing import reindex as fill

    installation = build(load_settings(settings))
    try:
        held = fill(installation.node)
    finally:
        installation.close()
    output.result(context, {"descriptions": held}, [f"The index holds {held} descriptions."])
