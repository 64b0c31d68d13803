"""An emulator and a client for each test, and for the tests of the public contract Stripe itself if a key is there."""

import os
from collections.abc import Iterator

import pytest
import stripe

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import calling, live
from tests.stripe_emulator.server import running


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose money adds up after the test."""
    with running() as emulator:
        yield emulator
        emulator.check()


@pytest.fixture
def client(emulator: Emulator) -> Iterator[stripe.StripeClient]:
    """The SDK, calling the emulator."""
    with calling(emulator) as client:
        yield client


@pytest.fixture
def public() -> Iterator[stripe.StripeClient]:
    """Stripe's test mode if `STRIPE_API_KEY` is set, otherwise the emulator."""
    if key := os.environ.get("STRIPE_API_KEY"):
        with live(key) as client:
            yield client
        return
    with running() as emulator, calling(emulator) as client:
        yield client
        emulator.check()


@pytest.fixture
def currency(public: stripe.StripeClient) -> str:
    """The currency of the account that the key is of."""
    return public.v1.accounts.retrieve_current().default_currency or "usd"
