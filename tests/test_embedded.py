"""The embedded server under what was seen to break others: kills, stale pids, foreign locales, root, other majors."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from market import embedded, installation

FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "20"}
ABROAD = {"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8", "PGDATA": "/nowhere"}
HOLDER = """
import sys, time
from pathlib import Path
from market import embedded
with embedded.start(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Yield a folder that any account can reach, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="market-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder yet to be made."""
    with reachable_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """A data folder whose server was made by somebody in another language, and has stopped."""
    with reachable_folder() as folder:
        with pytest.MonkeyPatch.context() as abroad:
            for name, value in ABROAD.items():
                abroad.setenv(name, value)
            start(folder / "data").close()
        yield folder / "data"


@pytest.fixture
def made_dir(data_dir: Path, stopped: Path) -> Path:
    """A data folder whose server was made before the test: initdb takes longer than all else here."""
    subprocess.run(["cp", "-a", stopped, data_dir], check=True)
    return data_dir


def start(data_dir: Path) -> embedded.EmbeddedServer:
    return embedded.start(data_dir, settings=FAST)


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def one(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def hold(data_dir: Path) -> subprocess.Popen[str]:
    """Start another process that leases the server until it reads a line."""
    command = [sys.executable, "-c", HOLDER, str(data_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


def url_of(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


def pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "server" / "cluster" / "postmaster.pid"


def test_the_server_is_shared_and_the_last_to_close_stops_it(made_dir: Path) -> None:
    with start(made_dir) as first:
        with start(made_dir) as second:
            assert second.url == first.url
        assert answers(first.url)
        sockets = Path(pid_file(made_dir).read_text().split("\n")[4])
        assert len(bytes(sockets)) < 40
    assert not answers(first.url)
    assert not pid_file(made_dir).exists()
    assert not sockets.exists()


def test_the_databases_speak_utf_8_and_only_the_password_opens_them(
    made_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ABROAD.items():
        monkeypatch.setenv(name, value)
    with start(made_dir) as server:
        assert one(server.url, "SHOW server_encoding") == "UTF8"
        assert one(server.url, "SELECT upper('é') || length('数据产品')") == "É4"
        assert one(server.url.replace("/postgres?", "/market?"), "SELECT current_database()") == "market"
        assert one(server.url, "SELECT current_user") == "market_owner"
        assert one(server.url, "SHOW listen_addresses") == ""
        password = server.url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url.replace(password, "guess"))
        assert (server.folder / "server" / "password").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_share_one_server_and_a_killed_one_leaves_it_to_the_others(
    data_dir: Path,
) -> None:
    holders = [hold(data_dir) for _ in range(3)]
    urls = {url_of(holder) for holder in holders}
    assert len(urls) == 1
    url = urls.pop()
    for holder in holders[:2]:
        holder.kill()
        holder.communicate()
    assert answers(url)
    holders[2].communicate("\n")
    assert not answers(url)


def test_a_server_whose_owners_were_all_killed_is_attached_to_and_stopped(made_dir: Path) -> None:
    holder = hold(made_dir)
    url = url_of(holder)
    holder.kill()
    holder.communicate()
    assert answers(url)
    with start(made_dir) as server:
        assert server.url == url
    assert not answers(url)


def test_a_killed_postmaster_is_replaced_and_what_was_committed_is_kept(made_dir: Path) -> None:
    with start(made_dir) as first:
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(int(pid_file(made_dir).read_text().split("\n")[0]), signal.SIGKILL)
        with start(made_dir) as second:
            assert one(second.url, "SELECT answer FROM kept") == 42
            assert second.url != first.url


def test_a_stale_pid_that_a_living_process_has_is_not_believed(made_dir: Path) -> None:
    with start(made_dir):
        lines = pid_file(made_dir).read_text().split("\n")
    pid_file(made_dir).write_text("\n".join([str(os.getppid()), *lines[1:]]))
    with start(made_dir) as server:
        assert answers(server.url)
        assert pid_file(made_dir).read_text().split("\n")[0] != str(os.getppid())


def test_a_backend_that_outlives_its_postmaster_keeps_a_second_server_from_starting(
    made_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_PATIENCE_S", 0.2)
    with start(made_dir) as server, psycopg.connect(server.url) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(int(pid_file(made_dir).read_text().split("\n")[0]), signal.SIGKILL)
        with pytest.raises(embedded.EmbeddedServerError, match="do not answer"):
            start(made_dir)
        os.kill(backend, signal.SIGKILL)
        monkeypatch.undo()
        with start(made_dir) as second:
            assert answers(second.url)


def test_an_interrupted_initdb_leaves_nothing_that_is_used(data_dir: Path) -> None:
    holder = hold(data_dir)
    folder = data_dir / "postgres"
    wait_until(lambda: any(folder.glob("unfinished-*/cluster/*")))
    os.killpg(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert not (folder / "server").exists()
    with start(data_dir) as server:
        assert answers(server.url)
    assert not list(folder.glob("unfinished-*"))


def test_data_of_another_major_version_are_refused(data_dir: Path) -> None:
    version = data_dir / "postgres" / "server" / "cluster" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("14\n")
    with pytest.raises(embedded.EmbeddedServerError, match=r"made by PostgreSQL 14;.*MARKET_POSTGRES_BIN"):
        start(data_dir)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(made_dir: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="shared_buffers"):
        embedded.start(made_dir, settings={"shared_buffers": "many"})


def test_missing_binaries_are_named(data_dir: Path) -> None:
    with pytest.raises(embedded.EmbeddedServerError, match="No PostgreSQL that runs in /nowhere"):
        embedded.start(data_dir, binaries=Path("/nowhere"))


if os.geteuid() == 0:  # what only root can get wrong, or can try
    NOBODY = (65534, 65534)

    @pytest.fixture
    def locked_folder(data_dir: Path) -> Iterator[Path]:
        """A folder like /root: what is under it, only root can reach."""
        folder = data_dir.parent / "root"
        folder.mkdir(mode=0o700)
        yield folder
        digest = hashlib.sha256(bytes(folder / "data")).hexdigest()[:16]
        shutil.rmtree(f"/var/lib/market-{digest}")

    def test_root_goes_where_the_account_can_and_leaves_the_modes_of_folders(locked_folder: Path) -> None:
        binaries = installation.find_installation(None).binaries
        package = binaries.parents[1]
        for tree in package.parent.glob(f"{package.name}*"):
            shutil.copytree(tree, locked_folder / tree.name)
        unreachable = locked_folder / binaries.relative_to(package.parent)
        for _ in range(2):
            with embedded.start(locked_folder / "data", binaries=unreachable, settings=FAST) as server:
                assert server.folder.is_relative_to("/var/lib")
                assert one(server.url, "SELECT 1") == 1
                assert (server.folder / "server" / "cluster").stat().st_uid != 0
        assert locked_folder.stat().st_mode & 0o777 == 0o700

    def test_an_ordinary_user_runs_the_server_root_does_in_its_name_and_others_are_told_whose_the_files_are(
        data_dir: Path,
    ) -> None:
        def use(server: embedded.EmbeddedServer) -> None:
            with server:
                assert one(server.url, "SELECT 1") == 1

        in_its_name(data_dir, use)
        with start(data_dir) as server:
            assert server.folder.stat().st_uid == NOBODY[0]
            assert server.folder.is_relative_to(data_dir)
        os.chown(data_dir / "postgres", 0, 0)
        with pytest.raises(AssertionError, match="belongs to another account"):
            in_its_name(data_dir, use)

    def in_its_name(data_dir: Path, use: Callable[[embedded.EmbeddedServer], None]) -> None:
        """Start the server and use it in a child that is an ordinary user; raise its failure as an AssertionError."""
        data_dir.mkdir(exist_ok=True)
        os.chown(data_dir, *NOBODY)
        found = installation.make_runnable(installation.find_installation(None), data_dir.parent, NOBODY)
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the child only runs what is already imported
            child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setresgid(*[NOBODY[1]] * 3)
                os.setresuid(*[NOBODY[0]] * 3)
                use(embedded.start(data_dir, binaries=found.binaries, settings=FAST))
            except BaseException as error:  # noqa: BLE001 - told to the parent
                os.write(writing, str(error).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as report:
            failure = report.read()
        assert not failure, failure
