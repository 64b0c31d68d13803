"""A line to PostgreSQL that breaks when a COMMIT is on it: before the server has it, or with its answer on the way."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

PATIENCE_S = 30.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
ASKED, DONE = b"COMMIT\0", b"COMMIT\0"
"""In what a client sends, and in what the server answers."""


class Cut(StrEnum):
    """Where the line breaks."""

    BEFORE = "before"  # the server never hears of the COMMIT
    AFTER = "after"  # it is committed, and nobody is told


@dataclass
class Trip:
    """A COMMIT that is to be met; the line is held until it is let go of, then cut."""

    cut: Cut
    skip: int = 0
    met: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Passes on bytes in both directions, and looks for one COMMIT at a time."""

    def __init__(self, server: sa.URL, listening: socket.socket) -> None:
        """Pass on to a server."""
        self._server, self._listening = server, listening
        self._trip: Trip | None = None
        self._lock = threading.Lock()

    def cut(self, cut: Cut, *, skip: int = 0, held: bool = False) -> Trip:
        """Break the line of the next COMMIT, or of one after so many; if it is held, only when it is released."""
        self._trip = Trip(cut, skip)
        if not held:
            self._trip.released.set()
        return self._trip

    def serve(self) -> None:
        """Take connections until there are no more."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=[client], daemon=True).start()

    def _connected(self) -> socket.socket:
        folder = self._server.query.get("host")
        port = self._server.query.get("port") or self._server.port or 5432
        if folder:
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(Path(str(folder)) / f".s.PGSQL.{port}"))
            return server
        return socket.create_connection((self._server.host or "127.0.0.1", int(str(port))))

    def _pass_on(self, client: socket.socket) -> None:
        server, stopped = self._connected(), threading.Event()
        back = threading.Thread(target=self._answer, args=[server, client, stopped], daemon=True)
        back.start()
        with suppress(OSError):
            while sent := client.recv(65536):
                trip = self._taken(sent)
                if trip is None:
                    server.sendall(sent)
                    continue
                stopped.set()  # nothing more goes back to the client
                if trip.cut is Cut.AFTER:
                    server.sendall(sent)
                    back.join(PATIENCE_S)  # it ends with the answer
                trip.met.set()
                trip.released.wait(PATIENCE_S)
                break
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _taken(self, sent: bytes) -> Trip | None:
        with self._lock:
            if self._trip is None or ASKED not in sent:
                return None
            if self._trip.skip:
                self._trip.skip -= 1
                return None
            trip, self._trip = self._trip, None
            return trip

    def _answer(self, server: socket.socket, client: socket.socket, stopped: threading.Event) -> None:
        with suppress(OSError):
            while told := server.recv(65536):
                if not stopped.is_set():
                    client.sendall(told)
                elif DONE in told:
                    return
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """Yield a proxy in front of a database's server, and the database's URL by way of it."""
    server = sa.make_url(url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(server, listening)
        thread = threading.Thread(target=proxy.serve, daemon=True)
        thread.start()
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        by_proxy = server.set(host="127.0.0.1", port=listening.getsockname()[1], query=plain)
        yield proxy, by_proxy.render_as_string(hide_password=False)
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
