"""A node's console on a loopback port, and Chromium to look at it.

with console_served(federation, ministry) as served, chromium() as browser:
    page = served.page(browser, "reviewer")
    page.goto(served.address + "/en/")

Officers are signed in through the console's own callback; the cookie is then given to the browser.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests.support import foreign
from tests.support.console import Browser, HeldConsole, console_on
from tests.support.federation import Federation


@dataclass
class ServedConsole:
    """A console that answers on a port."""

    console: HeldConsole
    address: str

    def context(self, browser: Any, name: str, **options: Any) -> Any:
        """A browser context in which an officer is signed in."""
        context = browser.new_context(**options)
        self.sign_in(context, name)
        return context

    def sign_in(self, context: Any, name: str) -> None:
        """Sign an officer in, anew if need be, in a browser context."""
        signed: Browser = self.console.browser(name)
        context.add_cookies(
            [
                {"name": one.name, "value": one.value, "url": self.address}
                for one in signed.client.cookies.jar
            ]
        )


@contextmanager
def console_served(
    federation: Federation, ministry: str, host: str = "127.0.0.1"
) -> Iterator[ServedConsole]:
    """Serve the console of one node until the block ends; passkeys need a host with a name."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        console = console_on(federation, ministry, address)
        config = uvicorn.Config(
            console.app, log_level="error", lifespan="off", ws="none", access_log=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.005)
            yield ServedConsole(console, address)
        finally:
            console.app.state.feeds.close()
            server.should_exit = True
            thread.join(10)


def violations(tab: Any) -> list[tuple[str, str]]:
    """Rules of axe that the page breaks, each with the first place.

    What it passes stays in the browser: to hand it over takes longer than to look.
    """
    from axe_playwright_python.sync_playwright import Axe

    tab.evaluate(Axe().axe_script)
    found = tab.evaluate("axe.run({resultTypes: ['violations']}).then(told => told.violations)")
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found]


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium: the system's where there is one, else playwright's own."""
    foreign.require("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=foreign.program_path("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        try:
            yield browser
        finally:
            browser.close()
