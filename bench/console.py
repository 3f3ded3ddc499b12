"""Pages of the console: time to the first byte, and bytes, with few rows and with many.

Pages are answered by the real application over HTTP in this process, signed in as the officer whose
page it is. Few is one exchange as the demo plays it; many is 100,000 packages and 10,000 open
requests more, whose rows are written below the use cases. Cold is a page with its style sheet,
scripts, fonts and icon; warm is the page alone, packed as a proxy packs it (gzip). On a busy
machine only the processor's time says something.

    python -m bench console [--packages N] [--threads N]

Aim (medians): first byte in 50 ms with few and 80 ms with many; 200 kB cold, 20 kB warm at most.
"""

import argparse
import gzip
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from api.web.console.pages import PAGES
from bench import open_threads, pages
from tests.support.console import UK, Browser, console_on, exchange_of
from tests.support.federation import Federation

TIMES = 15
AIM_FEW, AIM_MANY = 50.0, 80.0
AIM_COLD, AIM_WARM = 200_000, 20_000
OFFICERS = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}


@dataclass(frozen=True)
class Figure:
    """One page: median milliseconds to the first byte and of processor, and bytes packed."""

    median: float
    processor: float
    warm: int
    cold: int


def measured(browsers: dict[str, Browser], paths: dict[str, str]) -> dict[str, Figure]:
    """Each page's figures."""
    assets: dict[str, int] = {}
    found = {}
    for page in PAGES:
        if page.download:
            continue
        name = next(name for name, role in OFFICERS.items() if role in page.roles)
        browser, path = browsers[name], f"/fr{paths[page.name]}"
        text = browser.get(path).text
        taken, worked = [], []
        for _ in range(TIMES):
            started, working = time.perf_counter(), time.process_time()
            browser.get(path)
            taken.append((time.perf_counter() - started) * 1000)
            worked.append((time.process_time() - working) * 1000)
        wanted = set(re.findall(r'(?:href|src)="(/console/static/[^"]+)"', text))
        for one in wanted - assets.keys():
            assets[one] = packed(browser.get(one).content)
        warm = packed(text.encode())
        cold = warm + sum(assets[one] for one in wanted) + fonts(browser, wanted)
        found[page.name] = Figure(statistics.median(taken), statistics.median(worked), warm, cold)
    return found


def fonts(browser: Browser, assets: set[str]) -> int:
    """Bytes of the fonts that the style sheets name; they are packed already."""
    total = 0
    for one in assets:
        if one.endswith(".css"):
            for font in set(re.findall(r"url\(\"?([^)\"]+\.woff2)", browser.get(one).text)):
                address = font if font.startswith("/") else f"/console/static/{font}"
                total += len(browser.get(address).content)
    return total


def packed(content: bytes) -> int:
    """Bytes of a body as a proxy sends it."""
    return len(gzip.compress(content, 6))


def told(found: dict[str, Figure], few: dict[str, Figure]) -> None:
    """Print the slowest pages and the largest."""
    slowest = sorted(found.items(), key=lambda one: -one[1].median)
    for name, one in slowest[:12]:
        before = few[name]
        print(
            f"{name}: median {one.median:.1f} ms, {one.processor:.1f} of processor "
            f"(with few {before.median:.1f}, {before.processor:.1f})"
        )
    middle = statistics.median(one.median for one in found.values())
    over = [name for name, one in found.items() if one.median > AIM_MANY]
    over_few = [name for name, one in few.items() if one.median > AIM_FEW]
    print(
        f"{len(found)} pages, median of all {middle:.1f} ms; over {AIM_MANY:.0f}: {over or 'none'}"
    )
    print(f"with few, over {AIM_FEW:.0f}: {over_few or 'none'}")
    name, one = max(found.items(), key=lambda pair: pair[1].warm)
    print(f"largest warm: {name}, {one.warm / 1000:.1f} kB (aim {AIM_WARM / 1000:.0f})")
    name, one = max(found.items(), key=lambda pair: pair[1].cold)
    print(f"largest cold: {name}, {one.cold / 1000:.1f} kB (aim {AIM_COLD / 1000:.0f})")


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench console")
    parser.add_argument("--packages", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n")
        try:
            matter = exchange_of(federation, UK)
            console = console_on(federation, UK)
            browsers = {name: console.browser(name) for name in OFFICERS}
            few = measured(browsers, matter.paths)
            pages.fill(federation, 0, options.packages, UK)
            open_threads.fill(federation, 0, options.threads)
            federation.clock.sleep(60)
            browsers = {name: console.browser(name) for name in OFFICERS}
            many = measured(browsers, matter.paths)
        finally:
            federation.close()
    print(f"{options.packages} packages and {options.threads} requests more")
    told(many, few)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
