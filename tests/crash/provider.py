"""The provider, which does not die: an emulated Stripe in a process of its own, and the events that it sends."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from random import Random
from typing import Any, Self

import httpx2
import stripe

from market.payments.gateway import Gateway

PATIENCE_S = 60.0
PAUSE_S = 0.2
"""Between one delivery of events and the next."""
CALL_S, EVERY = 0.1, 10**9
"""How long each call takes that changes something, so that many are under way when somebody dies."""
TWICE = 0.2
"""How often events come twice."""


class Provider:
    """An emulator by its address, key and webhook secret; it takes commands over HTTP, from whatever process."""

    def __init__(self, url: str, key: str, webhook_secret: str) -> None:
        """Call it there."""
        self.url, self.key, self.webhook_secret = url, key, webhook_secret

    def command(self, name: str, **given: Any) -> Any:
        """Have the emulator do what Stripe's API cannot be told; raises `ValueError` with why it does not."""
        headers = {"Authorization": f"Bearer {self.key}"}
        address = f"{self.url}/_emulator/{name}"
        answer = httpx2.post(address, json=given, headers=headers, timeout=PATIENCE_S, trust_env=False).json()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["result"]

    @contextmanager
    def gateway(self) -> Iterator[Gateway]:
        """Yield the market's way to it."""
        with closing(Gateway(self.key, webhook_secret=self.webhook_secret, base_url=self.url)) as gateway:
            yield gateway

    @contextmanager
    def client(self) -> Iterator[stripe.StripeClient]:
        """Yield the provider's own client, for looking at it beside the market."""
        with closing(stripe.RequestsClient()) as http:
            yield stripe.StripeClient(self.key, base_addresses={"api": self.url}, http_client=http)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process of the market is told of it."""
        return {
            "MARKET_STRIPE_API_KEY": self.key,
            "MARKET_STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "MARKET_STRIPE_URL": self.url,
        }


@contextmanager
def provided(settings: Mapping[str, Any]) -> Iterator[Provider]:
    """Yield an emulator in a process of its own, so set; it ends with the block, or with the run."""
    command = [sys.executable, "-m", "tests.stripe_emulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            provider = Provider(**json.loads(process.stdout.readline()))
            provider.command("set", **settings)
            provider.command("fail", failure="slow", path="/v1/*", times=EVERY, seconds=CALL_S)
            yield provider
        finally:
            process.terminate()


class Postman:
    """Brings the provider's events to the application while the block runs; what comes while it is dead is lost."""

    def __init__(self, provider: Provider, address: str, random: Random) -> None:
        """Bring them to an address from now on."""
        self.sent: Counter[str] = Counter()
        """How many events were taken, and how many are lost for good."""
        self._provider, self._random = provider, random
        self._off_duty = threading.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._work, daemon=True)
        provider.command("listen", receiver=f"{address}/v1/provider-events")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._off_duty.set()
        self._thread.join(PATIENCE_S)
        if self._failed:
            raise self._failed[0]

    def _work(self) -> None:
        try:
            while not self._off_duty.wait(PAUSE_S):
                self._bring()
        except BaseException as error:
            self._failed.append(error)
            raise

    def _bring(self) -> None:
        if self._random.random() < TWICE:
            self._provider.command("duplicate")
        attempts = self._provider.command("deliver")
        taken = sum(200 <= status < 300 for _, _, status in attempts)
        lost = self._provider.command("drop") if taken < len(attempts) else 0
        self.sent += Counter(taken=taken, lost=lost)
