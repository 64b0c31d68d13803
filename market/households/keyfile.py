"""The keyring as a file: readable by its owner alone, whole or not there."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from market.households.vault import Keyring, KeyringError


def read(path: Path) -> Keyring:
    """Return the keyring in a file; raises `KeyringError` for a file that others may read, too."""
    if path.stat().st_mode & 0o077:
        raise KeyringError(f"{path} can be read by others; chmod 600 it")
    return Keyring.parse(path.read_text(encoding="ascii"))


def read_or_make(path: Path) -> Keyring:
    """Return the keyring in a file, made with mode 600 if there is none; of two makers one is late and reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=path.parent)  # of mode 600
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(Keyring.new().written())
        with suppress(FileExistsError):
            os.link(unfinished, path)  # fails where the file exists, as a rename would not
        Path(unfinished).unlink()
    return read(path)
