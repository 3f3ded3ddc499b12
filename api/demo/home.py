"""The demo's folder: where everything it makes lies, and when it may be made anew.

Owns the layout below ``--home`` and its lock. A folder that no demo made is never touched; what an
earlier demo left is moved into ``earlier/`` or, when asked, deleted.

    demo.json             who and where, written last
    profiles/ keys/       what the ``comity`` command reads with COMITY_HOME at this folder
    <ministry>/           one node: settings, keystore, database, exhibits
    sign-in.json          the provider's users and clients
    logs/                 what the processes said
    membership.json       the federation, pinned by digest in each node's settings
    <ministry>-audit.zip  the audit exports
"""

import fcntl
import shutil
from pathlib import Path
from typing import IO

from api.domain.errors import Conflict, Invalid

MARKER = ".comity-demo"
_EARLIER = "earlier"


class DemoHome:
    """An opened demo folder, locked for this process.

    Args:
        root: the folder; made if it is not there.
        fresh: delete what an earlier demo left instead of keeping it.

    Raises:
        Invalid: ``demo.home-foreign``: the folder holds files that no demo made.
        Conflict: ``demo.running``: another demo is using it.
    """

    def __init__(self, root: Path, *, fresh: bool = False) -> None:
        self.root = root.resolve()
        self._lock = _take(self.root)
        _clear(self.root, fresh=fresh)
        for folder in (self.profiles, self.keys, self.logs):
            folder.mkdir(mode=0o700)

    @property
    def profiles(self) -> Path:
        """Folder of the command line's profiles."""
        return self.root / "profiles"

    @property
    def keys(self) -> Path:
        """Folder of the officers' signing keys."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """Folder of the processes' output."""
        return self.root / "logs"

    @property
    def membership(self) -> Path:
        """The membership file."""
        return self.root / "membership.json"

    @property
    def demo_json(self) -> Path:
        """The file that tells others what runs here."""
        return self.root / "demo.json"

    def export(self, ministry: str) -> Path:
        """Return where a ministry's audit export goes."""
        return self.root / f"{ministry}-audit.zip"

    def close(self) -> None:
        """Let go of the folder."""
        self._lock.close()


def _take(root: Path) -> IO[str]:
    """Lock the folder by its marker file, which is made only where nothing else lies."""
    marker = root / MARKER
    if root.exists() and not marker.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Invalid(
            "demo.home-foreign",
            f"{root} holds something that no demo made: name an empty or a new folder.",
        )
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = marker.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Conflict("demo.running", f"Another demo is running in {root}.") from None
    return lock


def _clear(root: Path, *, fresh: bool) -> None:
    left = [path for path in root.iterdir() if path.name not in {MARKER, _EARLIER}]
    earlier = root / _EARLIER
    if fresh:
        left += [earlier] if earlier.exists() else []
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif left:
        earlier.mkdir(mode=0o700, exist_ok=True)
        place = earlier / str(1 + len(list(earlier.iterdir())))
        place.mkdir(mode=0o700)
        for path in left:
            path.rename(place / path.name)
