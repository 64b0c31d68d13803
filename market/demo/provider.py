"""The payment provider of the story: a Stripe that a process of its own emulates, or Stripe's test mode itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from pydantic import SecretStr

from market.settings import Settings

ROOT = Path(__file__).parent.parent.parent
_TEST_KEYS = ("sk_test_", "rk_test_")


class LiveKeyError(ValueError):
    """The story pays with test cards: it is never told with a key that moves money."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who takes the cards. Only an emulated one can be told that it knows enough of a supplier's account."""

    name: str
    url: str | None = None
    key: str = ""

    def admit(self, account: str) -> bool:
        """Have an account take transfers, and tell whether it does; at Stripe itself its owner has to tell more."""
        if self.url is None:
            return False
        told = {"Authorization": f"Bearer {self.key}"}
        with httpx2.Client(trust_env=False) as http:
            http.post(f"{self.url}/_emulator/admit", json={"account": account}, headers=told).raise_for_status()
        return True


@contextmanager
def provided(settings: Settings) -> Iterator[tuple[Settings, Provider]]:
    """Yield settings with which cards are taken, and by whom; an emulated Stripe ends with the block.

    Raises `LiveKeyError` for a key that is not of Stripe's test mode.
    """
    if settings.stripe_api_key is not None:
        if not settings.stripe_api_key.get_secret_value().startswith(_TEST_KEYS):
            raise LiveKeyError("MARKET_STRIPE_API_KEY is not a key of test mode: no story is told with real money")
        yield settings, Provider("Stripe 测试模式")
        return
    command = [sys.executable, "-m", "tests.stripe_emulator"]
    # In a session of its own, Ctrl-C is for us alone.
    process = subprocess.Popen(  # noqa: S603 - our own
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        try:
            assert process.stdout  # noqa: S101 - it is a pipe
            told = json.loads(process.stdout.readline())
            given = {"stripe_api_key": SecretStr(told["key"]), "stripe_url": told["url"]}
            yield settings.model_copy(update=given), Provider("模拟的 Stripe", told["url"], told["key"])
        finally:
            process.terminate()
