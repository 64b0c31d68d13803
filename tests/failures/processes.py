"""The application and workers as processes of their own, which can be killed, each with a clock of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from tests.stripe_emulator.control import Emulator

PATIENCE_S = 60.0
LOOK_S = 0.01

STEM = """
import json, os, signal, sys, time
import time_machine
from market.cli import serve, work

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
children = []

def run(asked):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(asked["environment"])
    with time_machine.travel(time.time() + asked["ahead_s"], tick=True):
        {"serve": serve, "work": work}[asked["role"]]()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            run(json.loads(line))
        finally:
            os._exit(1)
    children.append(child)
    print(child, flush=True)
for child in children:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""
"""Loads the market once and forks a process for each line it reads; they end with it, and it with its parent."""


def eventually(true: Callable[[], object]) -> None:
    """Return when something has become true that other processes bring about; raises `TimeoutError`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(LOOK_S)
    raise TimeoutError("what was waited for did not come true")


@dataclass(frozen=True)
class Process:
    """A process of the market; `address` is where it serves, if it does."""

    pid: int
    address: str

    def kill(self) -> None:
        """Kill it with SIGKILL, and return when it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        eventually(lambda: not self._lives())

    def end(self) -> None:
        """Ask it to end, and return when it has: a worker finishes what it is at."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        eventually(lambda: not self._lives())

    def _lives(self) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.pid, 0)
            return True
        return False

    def ready(self) -> bool:
        """Tell whether it serves."""
        with suppress(httpx2.TransportError):
            answer = httpx2.get(f"{self.address}/readyz", timeout=PATIENCE_S, trust_env=False)
            return answer.status_code == 200
        return False


class Processes:
    """Where processes come from."""

    def __init__(self) -> None:
        """Load the market."""
        self._stem = subprocess.Popen(
            [sys.executable, "-c", STEM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stem.communicate()

    def serve(self, url: str, emulator: Emulator) -> Process:
        """Start an application, and return when it serves."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        process = self._start("serve", _environment(url, emulator) | {"MARKET_PORT": str(port)}, 0, port)
        eventually(process.ready)
        return process

    def work(self, url: str, emulator: Emulator, *, ahead_s: float = 0) -> Process:
        """Start a worker, whose clock is so many seconds ahead."""
        return self._start("work", _environment(url, emulator), ahead_s, 0)

    def _start(self, role: str, environment: Mapping[str, str], ahead_s: float, port: int) -> Process:
        asked: dict[str, Any] = {"role": role, "environment": environment, "ahead_s": ahead_s}
        assert self._stem.stdin is not None
        assert self._stem.stdout is not None
        self._stem.stdin.write(json.dumps(asked) + "\n")
        self._stem.stdin.flush()
        return Process(int(self._stem.stdout.readline()), f"http://127.0.0.1:{port}")


def _environment(url: str, emulator: Emulator) -> dict[str, str]:
    return {
        "MARKET_DATABASE_URL": url,
        "MARKET_STRIPE_API_KEY": emulator.key,
        "MARKET_STRIPE_WEBHOOK_SECRET": emulator.webhook_secret,
        "MARKET_STRIPE_URL": emulator.url,
        "MARKET_LOG_LEVEL": "ERROR",
    }
