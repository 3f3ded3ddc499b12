"""A large exhibit in, out and across the folder store, as shares of two floors of the same run.

The floors, over the same bytes in the same process: SHA-256 alone (nothing that checks digests can
be faster), and writing the bytes to the same disk with one closing fsync (nothing that promises
durability can be faster). "Across" reads 4 MiB ranges from one store and appends them to another,
as a transfer between ministries does, without the network. Memory is the growth of the process's
peak (VmHWM) over all of it.

Run: ``python -m bench.exhibits [--mib 2048] [--rounds 3] [--home DIR] [--json]``.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from api.adapters.store.folder import FolderStore
from api.wire.limits import EXHIBIT_RANGE

MIB = 1 << 20
MEMORY_AIM = 64
"""MiB that the process may grow by."""


def peak_mib() -> float:
    """Return the peak resident size of this process (VmHWM), in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def exhibit(blocks: list[bytes], mib: int) -> Iterator[bytes]:
    """Yield `mib` chunks of 1 MiB; consecutive ones differ."""
    for number in range(mib):
        yield blocks[number % len(blocks)]


def hash_alone(blocks: list[bytes], mib: int) -> str:
    """Hash the bytes; returns the digest."""
    total = hashlib.sha256()
    for chunk in exhibit(blocks, mib):
        total.update(chunk)
    return f"sha256:{total.hexdigest()}"


def write_alone(folder: Path, blocks: list[bytes], mib: int) -> None:
    """Write the bytes and fsync once."""
    path = folder / "raw"
    with path.open("wb", buffering=0) as file:
        for chunk in exhibit(blocks, mib):
            file.write(chunk)
        os.fsync(file.fileno())
    path.unlink()


def read_out(store: FolderStore, digest: str, size: int) -> None:
    """Read the whole object as a download does."""
    for _ in store.read(digest, 0, size):
        pass


def across(source: FolderStore, target: FolderStore, digest: str, size: int) -> None:
    """Move the object in ranges of the protocol's size."""
    held = 0
    while held < size:
        end = min(size, held + EXHIBIT_RANGE)
        data = b"".join(source.read(digest, held, end))
        held = target.append_range(digest, size, held, data).held


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def measure(folder: Path, mib: int, rounds: int) -> dict[str, object]:
    """Run all parts `rounds` times; rates are of the median round."""
    blocks = [os.urandom(MIB) for _ in range(8)]
    size = mib * MIB
    first, second = FolderStore(folder / "first"), FolderStore(folder / "second")
    digest = hash_alone(blocks, mib)
    before = peak_mib()
    parts: dict[str, Callable[[], object]] = {
        "sha256": lambda: hash_alone(blocks, mib),
        "write_fsync": lambda: write_alone(folder, blocks, mib),
        "in": lambda: first.put(digest, size, exhibit(blocks, mib)),
        "out": lambda: read_out(first, digest, size),
        "verify": lambda: first.verify(digest),
        "across": lambda: across(first, second, digest, size),
    }
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, act in parts.items():
            seconds[name].append(timed(act))
        for store in (first, second):
            store.delete(digest)
    rates = {name: round(mib / median(spent)) for name, spent in seconds.items()}
    return {
        "mib": mib,
        "rounds": rounds,
        "mib_per_second": rates,
        "share_of_sha256": {n: round(r / rates["sha256"], 2) for n, r in rates.items()},
        "share_of_write_fsync": {n: round(r / rates["write_fsync"], 2) for n, r in rates.items()},
        "memory_growth_mib": round(peak_mib() - before, 1),
        "memory_aim_mib": MEMORY_AIM,
    }


def main(arguments: list[str]) -> int:
    """Print the figures; returns 1 when memory grew beyond the aim."""
    parser = argparse.ArgumentParser(description="Large exhibits in, out and across.")
    parser.add_argument("--mib", type=int, default=2048, help="size of the exhibit in MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, default=None, help="folder on the disk to measure")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.home) as folder:
        result = measure(Path(folder), options.mib, options.rounds)
    growth = result["memory_growth_mib"]
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:22} {value}")
    return 0 if isinstance(growth, float) and growth <= MEMORY_AIM else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
