"""``python -m api.demo.sign_in --config FILE --port N``: run the demo's provider on loopback."""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from pydantic import ValidationError

from api.adapters.identity.discovery import is_loopback
from api.demo.sign_in.app import create_app
from api.demo.sign_in.config import load_config

_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped; 2 when the arguments or the file are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m api.demo.sign_in", description="The sign-in provider of the Comity demo."
    )
    parser.add_argument("--config", type=Path, required=True, help="JSON file (docs/sign-in.md)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    options = parser.parse_args(arguments)
    if not is_loopback(options.host):
        return _wrong("the demo's provider listens on loopback addresses only")
    try:
        config = load_config(options.config)
    except (OSError, ValidationError) as error:
        return _wrong(f"the configuration cannot be used: {error}")
    if urlsplit(config.issuer).port != options.port:
        return _wrong("the issuer's port and --port differ")
    uvicorn.run(
        create_app(config),
        host=options.host,
        port=options.port,
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    return 0


def _wrong(message: str) -> int:
    print(message, file=sys.stderr)
    return _USAGE


if __name__ == "__main__":
    sys.exit(main())
