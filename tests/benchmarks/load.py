"""An HTTP client that costs as little as Python allows: prepared requests, one after the other, on open connections."""

import asyncio
import time
from collections.abc import Iterator
from itertools import repeat
from typing import cast

import uvloop
from typing_extensions import override

CLIENTS = 8


def get(path: str, token: str) -> bytes:
    """Prepare a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: market\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, token: str, key: str, body: bytes) -> bytes:
    """Prepare a POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: market\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client(asyncio.Protocol):
    """Sends the next request when the answer to the last is complete."""

    def __init__(self, requests: Iterator[bytes], deadline: float, status: bytes) -> None:
        self.done = 0
        self.size = 0
        self.finished = asyncio.get_running_loop().create_future()
        self._requests, self._deadline, self._status = requests, deadline, status
        self._missing = 0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    @override
    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            if head[9:12] != self._status:
                self._finish(RuntimeError(data[:600].decode(errors="replace")))
                return
            start = head.lower().index(b"content-length: ") + 16
            self.size = int(head[start:].split(b"\r", 1)[0])
            self._missing = self.size - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self.done += 1
            self._next()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None) if time.perf_counter() < self._deadline else None
        if request is None:
            self._finish(None)
        else:
            self._transport.write(request)

    def _finish(self, error: Exception | None) -> None:
        self._transport.close()
        if not self.finished.done():
            if error:
                self.finished.set_exception(error)
            else:
                self.finished.set_result(None)


def rate(port: int, requests: Iterator[bytes] | bytes, seconds: float, *, status: int) -> tuple[float, int]:
    """Return answers per second of eight clients, and the size of an answer's body; raises for another status."""
    feed = repeat(requests) if isinstance(requests, bytes) else requests

    async def run() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        clients = [
            (
                await loop.create_connection(
                    lambda: _Client(feed, started + seconds, str(status).encode()), "127.0.0.1", port
                )
            )[1]
            for _ in range(CLIENTS)
        ]
        for failed in await asyncio.gather(*(client.finished for client in clients), return_exceptions=True):
            if failed is not None:
                raise failed
        elapsed = time.perf_counter() - started
        return sum(client.done for client in clients) / elapsed, clients[0].size

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
