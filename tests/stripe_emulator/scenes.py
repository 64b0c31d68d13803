"""What the tests of the emulator begin with: clients of the real SDK, payments, accounts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import stripe
from typing_extensions import override

from tests.stripe_emulator.control import Emulator


class HurriedClient(stripe.RequestsClient):
    """The SDK's own HTTP client, which does not sleep before it tries again."""

    @override
    def _sleep_time_seconds(self, num_retries: int, response: Any = None) -> float:
        return 0


@contextmanager
def calling(
    emulator: Emulator, *, retries: int = 0, key: str = "", timeout: float = 80
) -> Iterator[stripe.StripeClient]:
    """Yield a client of the emulator."""
    with closing(HurriedClient(timeout=timeout)) as http:
        yield stripe.StripeClient(
            key or emulator.key,
            base_addresses={"api": emulator.url},
            max_network_retries=retries,
            http_client=http,
        )


@contextmanager
def live(key: str) -> Iterator[stripe.StripeClient]:
    """Yield a client of Stripe itself, of its test mode alone."""
    if not key.startswith(("sk_test_", "rk_test_")):
        raise ValueError("STRIPE_API_KEY is not a key of test mode")
    with closing(stripe.RequestsClient()) as http:
        yield stripe.StripeClient(key, max_network_retries=2, http_client=http)


def pay(
    client: stripe.StripeClient,
    amount: int = 10_000,
    *,
    method: str = "pm_card_bypassPending",
    currency: str = "cny",
    key: str | None = None,
    group: str | None = None,
) -> stripe.PaymentIntent:
    """Pay by a test card, without leaving for another page."""
    params: stripe.params.PaymentIntentCreateParams = {
        "amount": amount,
        "currency": currency,
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "expand": ["latest_charge"],
    }
    if group:
        params["transfer_group"] = group
    return client.v1.payment_intents.create(params, {"idempotency_key": key})


def charge_of(intent: stripe.PaymentIntent) -> stripe.Charge:
    """Return the expanded charge of a payment."""
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


def cooperative(client: stripe.StripeClient, emulator: Emulator) -> str:
    """Return a connected account that may receive transfers."""
    account = client.v1.accounts.create({"country": "CN", "capabilities": {"transfers": {"requested": True}}})
    emulator.activate(account.id)
    return account.id


def available(client: stripe.StripeClient, account: str | None = None) -> int:
    """Return what an account may send now."""
    balance = client.v1.balance.retrieve(options={"stripe_account": account})
    return sum(each.amount for each in balance.available)


def refused(error: stripe.StripeError) -> tuple[int | None, str | None]:
    """Return status and code of a refusal."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    return error.http_status, body.get("error", {}).get("code")
