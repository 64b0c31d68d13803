"""Make `.venv` with exactly what `uv.lock` says: `python3 .ci/environment.py [group …]`, on Python 3.11 or newer alone.

uv comes first, by pip where Python has one. Distributions that ship Python without pip (Debian's python3 without
python3-venv) are served too: the wheel of uv that the lock names is fetched and checked against its hash.
"""

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"


def main(groups: list[str]) -> None:
    """Make the environment if there is none that works, then install what the lock says."""
    if not runs(PYTHON) or not runs(UV):
        with_pip = importlib.util.find_spec("ensurepip") is not None
        venv.create(VENV, with_pip=with_pip, symlinks=True, clear=True)
        locked = locked_uv()
        if with_pip:
            hashes = " ".join(f"--hash={wheel['hash']}" for wheel in locked["wheels"])
            requirement = VENV / "uv.txt"
            requirement.write_text(f"uv=={locked['version']} {hashes}\n")
            subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirement], check=True)
        else:
            unpack(fetch(locked["wheels"]))
    chosen = [word for group in groups for word in ("--group", group)]
    command = [UV, "sync", "--frozen", "--quiet", "--python", PYTHON, *chosen]
    subprocess.run(command, check=True, cwd=ROOT, env=environment())


def runs(program: Path) -> bool:
    """Tell whether a program of the environment is there and starts (its Python may have been removed)."""
    return program.exists() and subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0


def locked_uv() -> dict:
    """Return what the lock says about uv."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return next(package for package in packages if package["name"] == "uv")


def fetch(wheels: list[dict]) -> bytes:
    """Return the wheel for this machine, refused unless its hash is the lock's."""
    system = {"linux": "manylinux", "darwin": "macosx"}[sys.platform]
    wheel = next(wheel for wheel in wheels if system in wheel["url"] and platform.machine() in wheel["url"])
    with urllib.request.urlopen(wheel["url"]) as answer:
        content = answer.read()
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != wheel["hash"]:
        raise SystemExit(f"{wheel['url']} is not what uv.lock says")
    return content


def unpack(wheel: bytes) -> None:
    """Put the one program that is needed into the environment; `uv sync` then installs the whole of it."""
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        UV.write_bytes(archive.read(name))
    UV.chmod(0o755)


def environment() -> dict[str, str]:
    """Return the environment for uv: this project's `.venv`, no other Python, a cache also where HOME is read-only."""
    home_is_ours = os.access(Path("~").expanduser(), os.W_OK)
    cache = {} if home_is_ours else {"UV_CACHE_DIR": str(VENV / "cache")}
    return {**cache, **os.environ, "UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}


if __name__ == "__main__":
    main(sys.argv[1:])
