"""The emulator on a TCP port of its own, by the standard library's server: its connections can really be cut."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from typing_extensions import override

from tests.stripe_emulator.answering import Asked, encoded
from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.faults import NoAnswerError
from tests.stripe_emulator.idempotency import Answer

COMMANDS = "/_emulator/"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """A thread for each connection, so that calls really overlap."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, emulator: Emulator, port: int = 0) -> None:
        """Listen on the loopback interface, at a free port unless one is named."""
        self.emulator = emulator
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), Connection)
        emulator.url = f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client has gone away."""


class Connection(BaseHTTPRequestHandler):
    """One client's connection, which stays open from request to request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    @override
    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    @override
    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        if not self.wfile.closed:
            super().finish()

    def do_GET(self) -> None:
        """Answer a question."""
        path, _, query = self.path.partition("?")
        self._serve(path, query)

    def do_DELETE(self) -> None:
        """Delete nothing yet: the answer says so."""
        self.do_GET()

    def do_POST(self) -> None:
        """Do what is asked."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._serve(self.path, body.decode())

    def _serve(self, path: str, form: str) -> None:
        emulator = self.server.emulator
        try:
            if path.startswith(COMMANDS):
                self._send(self._commanded(path.removeprefix(COMMANDS), form))
            else:
                asked = Asked(self.command.lower(), path, form, cast("dict[str, str]", self.headers))
                self._send(emulator.service.answer(asked))
        except NoAnswerError as end:
            if end.silent:
                self._wait_for_the_end()
            self._cut()

    def _commanded(self, name: str, body: str) -> Answer:
        """Let another process do what a test does with the control object."""
        if self.headers.get("Authorization") != f"Bearer {self.server.emulator.key}":
            return Answer(401, {"error": "the key is wrong"})
        try:
            result = self.server.emulator.command(name, json.loads(body or "{}"))
        except Exception as error:  # noqa: BLE001 # told to whoever gave the command
            return Answer(400, {"error": f"{type(error).__name__}: {error}"})
        return Answer(200, {"result": result})

    def _send(self, answer: Answer) -> None:
        body = encoded(answer.body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _wait_for_the_end(self) -> None:
        """Return when the client has gone away, or the emulator stops."""
        with suppress(OSError):
            self.connection.recv(1, socket.MSG_PEEK)

    def _cut(self) -> None:
        """Break the connection without a word: the client sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.connection.close()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@contextmanager
def running(port: int = 0) -> Iterator[Emulator]:
    """Serve a new emulator while the block runs."""
    emulator = Emulator()
    server = Server(emulator, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield emulator
    finally:
        emulator.faults.clear()
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in list(server.connections):
            with suppress(OSError):  # it may have ended by itself
                connection.shutdown(socket.SHUT_RDWR)
