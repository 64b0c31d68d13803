"""What a writer asked for and what it was told, on disk before it goes on: a request, then perhaps its answer."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.crash.asking import Effect


class Journal:
    """An append-only file of one writer; what it holds is read from the file."""

    def __init__(self, path: Path) -> None:
        """Make the file, if it is not there."""
        path.touch()
        self._path, self._read = path, 0
        self.asked: dict[str, str] = {}
        """The deed, by Idempotency-Key."""
        self.told: dict[str, Effect] = {}
        """The effect that was acknowledged, by Idempotency-Key."""
        self.refused: dict[str, str] = {}
        """Why it was refused, by Idempotency-Key."""

    def ask(self, key: str, deed: str, path: str, content: bytes) -> None:
        """Write down a request that is going to be sent."""
        self._write(asked=key, deed=deed, path=path, content=content.hex())

    def acknowledge(self, key: str, effect: Effect) -> None:
        """Write down that a request was answered, and with which effect."""
        self._write(told=key, effect=effect)

    def refuse(self, key: str, why: str) -> None:
        """Write down that a request was refused."""
        self._write(refused=key, why=why)

    def _write(self, **entry: Any) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def reread(self) -> None:
        """Read what was written since the last time."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                self._take(json.loads(line))
            self._read = file.tell()

    def _take(self, entry: dict[str, Any]) -> None:
        if "asked" in entry:
            self.asked[entry["asked"]] = entry["deed"]
        elif "told" in entry:
            self.told[entry["told"]] = Effect(*entry["effect"])
        else:
            self.refused[entry["refused"]] = entry["why"]


class Journals:
    """All journals of a run together."""

    def __init__(self, journals: Iterable[Journal]) -> None:
        """Read them."""
        self._journals = list(journals)
        self.reread()

    def reread(self) -> None:
        """Read what was written since the last time."""
        for journal in self._journals:
            journal.reread()

    def told(self) -> dict[str, list[Effect]]:
        """Return what was acknowledged, by deed."""
        effects: dict[str, list[Effect]] = defaultdict(list)
        for each in self._journals:
            for key, effect in each.told.items():
                effects[each.asked[key]].append(effect)
        return effects

    def unanswered(self) -> Counter[str]:
        """Return how many requests have no answer yet, by deed."""
        return Counter(
            deed
            for each in self._journals
            for key, deed in each.asked.items()
            if key not in each.told and key not in each.refused
        )

    def refused(self) -> Counter[str]:
        """Return what was refused, how often."""
        return Counter(f"{each.asked[key]}: {why}" for each in self._journals for key, why in each.refused.items())
