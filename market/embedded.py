"""The embedded PostgreSQL: a small supervisor around the binaries of a wheel or of an installed server.

It guards against what was seen to go wrong with such servers:

* **Liveness comes from the kernel, never from a pid.** Each process that uses the server holds a shared flock, a lease;
  all PostgreSQL processes hold another, inherited at the launch. The kernel drops both with their holders, also after
  kill -9: the last to close stops the server, a `postmaster.pid` is known to be stale whatever has its pid now, and no
  second server starts while a backend of the first still writes. Ready means that a connection with the password works.
* **The caller's locale does not matter.** LANG, LC_* and PG* are kept from PostgreSQL; the databases are C.UTF-8.
* **Nothing half-made is used.** initdb works in a temporary folder, renamed when it has ended.
* **Only the password opens it**: SCRAM over a Unix socket, no TCP. The socket is in /tmp: its path may have 107 bytes.
* **Root drops to an ordinary account**; `market.installation` says where the files are if it cannot reach ours.
"""

import fcntl
import os
import secrets
import shlex
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

import psycopg

from market.installation import (
    Account,
    EmbeddedServerError,
    Installation,
    find_installation,
    make_folder,
    make_runnable,
    prepare_folder,
    run,
)

__all__ = ["EmbeddedServer", "EmbeddedServerError", "start"]

OWNER = "market_owner"
DATABASE = "market"
_PATIENCE_S = 60.0
_AT_ONCE = fcntl.LOCK_EX | fcntl.LOCK_NB
_SOCKETS = "/tmp/market-"  # noqa: S108 - a random name and mode 700 follow


def start(
    data_dir: Path, *, binaries: Path | None = None, account: str = "nobody", settings: Mapping[str, str] | None = None
) -> "EmbeddedServer":
    """Lease the server of `data_dir`, made and started if need be; `settings` count for whoever starts it.

    `binaries` is a folder with `postgres` and `initdb` in it; without it the wheel's are used, then the system's.
    `account` is whom to run as when we are root, unless the server's files already belong to somebody else.

    Raises `EmbeddedServerError` when there are no binaries, the data are of another major version or belong to another
    account, or the server does not come up.
    """
    installation = find_installation(binaries)
    try:
        folder, owner = prepare_folder(data_dir.resolve(), account)
        with _locked(folder / "mutex"):
            for remains in folder.glob("unfinished-*"):
                shutil.rmtree(remains, ignore_errors=True)
            return EmbeddedServer(folder, make_runnable(installation, folder, owner), owner, settings or {})
    except PermissionError as error:
        message = f"{error.filename} belongs to another account; choose another data folder (MARKET_DATA)."
        raise EmbeddedServerError(message) from error


class EmbeddedServer:
    """A lease on a running server. `url` opens its `postgres` database as the owner; `folder` holds its files."""

    def __init__(
        self, folder: Path, installation: Installation, owner: Account | None, settings: Mapping[str, str]
    ) -> None:
        """Take the lease and see to it that the server runs; the caller, `start`, holds the mutex."""
        self.folder = folder
        self._installation = installation
        self._owner = owner
        self._data = folder / "server" / "cluster"
        with ExitStack() as lease:
            lease.enter_context(_locked(folder / "leases", fcntl.LOCK_SH))
            self._ensure_running(settings)
            self.url = self._url()
            self._lease = lease.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the lease back; whoever gives back the last one stops the server."""
        with _locked(self.folder / "mutex"), suppress(BlockingIOError):
            self._lease.close()
            with _locked(self.folder / "leases", _AT_ONCE):
                self._stop()

    def _ensure_running(self, settings: Mapping[str, str]) -> None:
        if not self._data.exists():
            self._initialise()
        made_by = (self._data / "PG_VERSION").read_text().strip()
        if made_by != str(self._installation.major):
            message = (
                f"The data in {self._data} were made by PostgreSQL {made_by}; {self._installation.binaries} has"
                f" {self._installation.version}. Set MARKET_POSTGRES_BIN to binaries of {made_by}, or dump and reload."
            )
            raise EmbeddedServerError(message)
        if not self._comes_up():
            if self._has_processes():
                raise EmbeddedServerError(f"PostgreSQL processes hold {self._data} but do not answer.")
            self._launch(settings)

    def _initialise(self) -> None:
        work = make_folder(f"{self.folder}/unfinished-", self._owner)
        password = work / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(24))
        if self._owner:
            os.chown(password, *self._owner)
        locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
        if self._installation.major >= 17:  # which brought collations that do not depend on the system's
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = [f"--username={OWNER}", f"--pwfile={password}", "--auth=scram-sha-256"]
        self._call("initdb", [f"--pgdata={work}/cluster", *access, *locale])
        work.rename(self.folder / "server")

    def _launch(self, settings: Mapping[str, str]) -> None:
        log = self.folder / "log"
        with _locked(self.folder / "alive", _AT_ONCE) as alive:
            self._clear_remains(log)
            sockets = make_folder(_SOCKETS, self._owner)
            fixed = {"listen_addresses": "", "port": "5432", "unix_socket_directories": str(sockets)}
            options = shlex.join(
                f"--{name}={value}" for name, value in {"timezone": "UTC", **settings, **fixed}.items()
            )
            self._call("pg_ctl", ["start", "-W", f"-D{self._data}", f"-l{log}", f"-o{options}"], alive)
        if not self._comes_up():
            shutil.rmtree(sockets, ignore_errors=True)
            end = log.read_text(errors="replace")[-2000:]
            raise EmbeddedServerError(f"PostgreSQL did not start; its log {log} ends with:\n{end}")
        with psycopg.connect(self._url(), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _stop(self) -> None:
        if self._answers():  # only then is its pid to be believed
            lines = self._pid_lines()
            os.kill(int(lines[0]), signal.SIGINT)
            if not _wait_until(lambda: not self._has_processes()):
                raise EmbeddedServerError(f"The PostgreSQL server in {self._data} does not stop.")
            shutil.rmtree(lines[4], ignore_errors=True)

    def _clear_remains(self, log: Path) -> None:
        """Remove the pid file and socket of a killed server, and keep its log for one more start."""
        lines = self._pid_lines()
        if len(lines) > 4 and lines[4].startswith(_SOCKETS):
            shutil.rmtree(lines[4], ignore_errors=True)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            log.replace(log.with_suffix(".previous"))

    def _comes_up(self) -> bool:
        """Wait until the server answers, or none of its processes is left; tell which."""
        _wait_until(lambda: self._answers() or not self._has_processes())
        return self._answers()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError, IndexError):
            psycopg.connect(self._url(), connect_timeout=5).close()
            return True
        return False

    def _has_processes(self) -> bool:
        with suppress(BlockingIOError), _locked(self.folder / "alive", _AT_ONCE):
            return False
        return True

    def _url(self) -> str:
        password = (self.folder / "server" / "password").read_text()
        return f"postgresql://{OWNER}:{password}@/postgres?host={self._pid_lines()[4]}&port=5432"

    def _pid_lines(self) -> list[str]:
        """Return `postmaster.pid`: the pid comes first, the folder of the socket fifth, once the socket is open."""
        with suppress(FileNotFoundError):
            return (self._data / "postmaster.pid").read_text().split("\n")
        return []

    def _call(self, program: str, arguments: Sequence[str], *inherited: int) -> None:
        command = [str(self._installation.binaries / program), *arguments]
        ended = run(command, self._owner, inherited=inherited)
        if ended.returncode:
            raise EmbeddedServerError(f"{program} failed:\n{ended.stderr.strip()}")


def _wait_until(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not (ended := done()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ended


@contextmanager
def _locked(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Hold the lock until the descriptor, and each copy of it that a child inherited, is closed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
