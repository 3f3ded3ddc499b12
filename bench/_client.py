"""The client of ``bench publish``: a process of its own, which knows nothing of a node but HTTP."""

import asyncio
import time
from typing import Any


def post(
    ports: list[int], token: str, drafts: list[str], connections: int, seconds: float, out: Any
) -> None:
    """Post drafts over keep-alive connections; puts seconds and latencies into a queue."""
    out.put(asyncio.run(_post(ports, token, drafts, connections, seconds)))


async def _post(
    ports: list[int], token: str, drafts: list[str], connections: int, seconds: float
) -> tuple[float, list[float]]:
    latencies: list[float] = []
    queue = iter(drafts)
    deadline = time.perf_counter() + seconds

    async def one(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for draft in queue:
            if time.perf_counter() > deadline:
                break
            content = draft.encode()
            head = (
                "POST /api/v1/packages HTTP/1.1\r\nhost: x\r\n"
                f"authorization: Bearer {token}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(content)}\r\n\r\n"
            ).encode()
            started = time.perf_counter()
            writer.write(head + content)
            status = await reader.readuntil(b"\r\n\r\n")
            length = int(status.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
            if b" 201 " not in status.split(b"\r\n")[0]:
                raise RuntimeError(answer[:300])
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one(ports[number % len(ports)]) for number in range(connections)))
    return time.perf_counter() - started, latencies
