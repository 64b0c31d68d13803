"""The servers that die: PostgreSQL behind one address, application and worker each in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Self

import httpx2
import psycopg
import sqlalchemy as sa

from market import embedded
from tests import schema
from tests.crash.provider import Provider

DATABASE = "market_crash"
PATIENCE_S = 60.0


class PostgreSQL:
    """An embedded server whose address stays from start to start; it ends with the block."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """Take the folder of its files, and with which settings it starts."""
        self._folder, self._settings = folder, settings
        self._sockets = Path(tempfile.mkdtemp(prefix="market-crash-"))
        self._server: embedded.EmbeddedServer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with embedded.start(self._folder):  # also one that was still starting when the run was interrupted
            self._close()
        shutil.rmtree(self._sockets)

    def begin(self) -> str:
        """Start it with an empty database; return the URL."""
        self.restart()
        self.kill()  # one that an earlier run left may have other settings
        url = sa.make_url(self.restart())
        with psycopg.connect(schema.plain(url.render_as_string(hide_password=False)), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE}")
        address = url.set(database=DATABASE).update_query_dict({"host": str(self._sockets / "current")})
        return address.render_as_string(hide_password=False)

    def kill(self) -> None:
        """Kill every process of the server; the first is halted meanwhile, so that it starts no more."""
        assert self._server is not None
        pid_file = self._server.folder / "server" / "cluster" / "postmaster.pid"
        first = int(pid_file.read_text().split("\n")[0])
        os.kill(first, signal.SIGSTOP)
        for pid in [*children(first), first]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restart(self) -> str:
        """Start it on what is left, at the same address; return the server's own."""
        self._close()
        self._server = embedded.start(self._folder, settings=self._settings)
        (self._sockets / "next").symlink_to(str(sa.make_url(self._server.url).query["host"]))
        (self._sockets / "next").rename(self._sockets / "current")
        return self._server.url

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()


def children(parent: int) -> list[int]:
    """Return the processes that a process started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


STEM = """
import os, pathlib, signal, sys
from market import embedded
from market.cli import serve, work
roles, children = {"application": serve, "worker": work}, {}
def end(role):
    if child := children.pop(role, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
for line in sys.stdin:
    role = line.strip()
    end(role)
    child = children[role] = os.fork()
    if child == 0:
        try:
            roles[role]()
        finally:
            os._exit(1)
    print(child, flush=True)
for role in roles:
    end(role)
embedded.start(pathlib.Path(sys.argv[1])).close()
"""
"""Loads the market once and forks a process for each line it reads: to load it takes seconds, most of a run.

When no more lines can come, the last processes end; so does PostgreSQL, unless the run is alive to see to it itself.
"""


class Role(StrEnum):
    """What a process of the market does."""

    APPLICATION = "application"
    WORKER = "worker"


class Market:
    """`market serve` and `market worker` in processes that can be killed; they end with the run, killed or not."""

    def __init__(self, url: str, provider: Provider, folder: Path) -> None:
        """Load the market and start both; their log goes to the folder, which is PostgreSQL's."""
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        environment = {"MARKET_DATABASE_URL": url, "MARKET_PORT": str(port), "MARKET_HOST": "127.0.0.1"}
        environment["MARKET_REPEAT_SECONDS"] = "0"  # writers are in a hurry
        self._pids: dict[Role, int] = {}
        with (folder / "market.log").open("wb") as output:
            self._stem = subprocess.Popen(
                [sys.executable, "-c", STEM, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, **environment, **provider.environment},
                text=True,
                start_new_session=True,  # an interruption from the keyboard is for the run, which ends this
            )
        for role in Role:
            self.restart(role)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stem.communicate()

    def kill(self, role: Role) -> None:
        """Kill a process."""
        os.kill(self._pids[role], signal.SIGKILL)

    def restart(self, role: Role) -> None:
        """Start a process again, the application on the same port."""
        assert self._stem.stdin is not None
        assert self._stem.stdout is not None
        self._stem.stdin.write(f"{role}\n")
        self._stem.stdin.flush()
        self._pids[role] = int(self._stem.stdout.readline())

    def wait(self) -> None:
        """Return when the application answers, and its database answers it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with suppress(httpx2.TransportError):
                if httpx2.get(f"{self.address}/readyz", timeout=PATIENCE_S, trust_env=False).status_code == 200:
                    return
            time.sleep(0.02)
        raise TimeoutError("the application does not get ready")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
