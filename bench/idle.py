"""What a node costs that does nothing: memory and processor of a real process.

Starts ``comity node serve`` with its jobs and its metrics listener and looks at it before and after
a hundred requests of an administrator, then ``comity node work``. Memory (resident, and its peak)
and processor time are the kernel's figures. The aims for each process are 130 MiB and 0.5 % of a
core.

    python -m bench idle [--seconds N] [--json]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from tests.support.node_process import MadeNode, NodeProcess, make_node, served_issuer

AIM_MIB = 130
AIM_PERCENT = 0.5
_KIB = 1024
_SETTLED = 15.0  # seconds after which its loops rest


def memory_mib(process: int) -> dict[str, float]:
    """Resident memory of a process now and at its highest."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return {
        "resident_mib": round(int(found["VmRSS"].split()[0]) / _KIB, 1),
        "peak_mib": round(int(found["VmHWM"].split()[0]) / _KIB, 1),
        "threads": int(found["Threads"]),
    }


def processor_seconds(process: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(running: NodeProcess, seconds: float) -> dict[str, float]:
    """Let a process be idle and say what it took."""
    number = running.process.pid
    time.sleep(_SETTLED)
    before = processor_seconds(number)
    time.sleep(seconds)
    used = processor_seconds(number) - before
    return {**memory_mib(number), "cpu_percent": round(100 * used / seconds, 2)}


def ask_around(made: MadeNode) -> None:
    """Use what a signed-in administrator, a probe and a scrape use."""
    headers = made.signed_in("a1")
    with httpx2.Client(base_url=made.url, headers=headers, trust_env=False) as web:
        for number in range(20):
            identity = {"iss": made.issuer.issuer, "sub": f"person-{number}"}
            web.post("/api/v1/officers", json={"name": "A. Person", "identities": [identity]})
            for path in ("/readyz", "/api/v1/me", "/api/v1/officers", "/api/v1/node/status"):
                web.get(path)
    httpx2.get(made.metrics, trust_env=False)


def measure(folder: Path, seconds: float) -> dict[str, object]:
    """Run each process in turn."""
    with served_issuer() as issuer:
        made = make_node(folder, issuer)
        with made.serving() as running:
            fresh = idle(running, seconds)
            ask_around(made)
            used = idle(running, seconds)
            running.end(30)
        with made.serving("work") as running:
            worker = idle(running, seconds)
            running.end(30)
    return {
        "seconds": seconds,
        "aim_mib": AIM_MIB,
        "aim_percent": AIM_PERCENT,
        "serve": fresh,
        "used": used,
        "work": worker,
    }


def main(arguments: list[str]) -> int:
    """Print the figures; returns 1 when a process needed more memory than the aim."""
    parser = argparse.ArgumentParser(description="What an idle node costs.")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each one idles")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.seconds)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:10} {value}")
    peaks = [part["peak_mib"] for part in result.values() if isinstance(part, dict)]
    return 0 if max(peaks) <= AIM_MIB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
