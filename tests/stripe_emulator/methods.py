"""Payment methods: Stripe's test cards, each of which does one thing, and wallets, which send the payer elsewhere."""

from dataclasses import dataclass
from typing import Any

from tests.stripe_emulator.emulated import emulates, retrieved
from tests.stripe_emulator.refusals import missing, not_emulated, nothing_called
from tests.stripe_emulator.state import PLATFORM, Call, Thing, World

WALLETS = ("alipay", "wechat_pay")


@dataclass(frozen=True)
class TestCard:
    """What happens when a test card pays, as https://docs.stripe.com/testing says."""

    last4: str = "4242"
    brand: str = "visa"
    code: str | None = None  # of the refusal
    decline_code: str | None = None
    asks: bool = False  # for 3D Secure
    at_once: bool = False  # the money skips the pending balance
    disputed: bool = False
    refund: str | None = None  # `pending` is settled by control, `failed` succeeds and then fails


def _declined(last4: str, decline_code: str) -> TestCard:
    return TestCard(last4, code="card_declined", decline_code=decline_code)


CARDS = {
    "pm_card_visa": TestCard(),
    "pm_card_mastercard": TestCard("4444", "mastercard"),
    "pm_card_unionpay": TestCard("0005", "unionpay"),
    "pm_card_bypassPending": TestCard("0077", at_once=True),
    "pm_card_authenticationRequired": TestCard("3184", asks=True),
    "pm_card_threeDSecure2Required": TestCard("3220", asks=True),
    "pm_card_visa_chargeDeclined": _declined("0002", "generic_decline"),
    "pm_card_chargeDeclined": _declined("0002", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds"),
    "pm_card_chargeDeclinedInsufficientFunds": _declined("9995", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declined("9987", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("9979", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": TestCard("0069", code="expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": TestCard("0127", code="incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": TestCard("0119", code="processing_error"),
    "pm_card_createDispute": TestCard("0259", disputed=True),
    "pm_card_pendingRefund": TestCard("7726", refund="pending"),
    "pm_card_refundFail": TestCard("5126", refund="failed"),
}

NOBODY = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


def card_of(world: World, method: str) -> TestCard | None:
    """Return how the card behaves that a payment method was made of, None for a wallet."""
    return CARDS.get(world.test_cards.get(method, ""))


def use(world: World, given: str) -> Thing:
    """Return the payment method that a test name or an id means; each use of a test name makes a new one."""
    if card := CARDS.get(given):
        method = _new(world, "card", card=_face(card))
        world.test_cards[method["id"]] = given
        return method
    if given in world.homes and world.known(given)["object"] == "payment_method":
        return world.known(given)
    raise nothing_called("PaymentMethod", given, param="payment_method")


def make(world: World, data: dict[str, Any]) -> Thing:
    """Return a new payment method of `payment_method_data`: a wallet; cards come by their test names."""
    kind = data["type"]
    if kind not in WALLETS:
        raise not_emulated(f"payment_method_data[type]={kind}")
    if unused := set(data) - {"type", kind, "billing_details", "metadata"}:
        raise not_emulated(f"payment_method_data[{min(unused)}]")
    details = NOBODY | data.get("billing_details", {})
    return _new(world, kind, billing_details=details, metadata=data.get("metadata", {}), **{kind: {}})


def _new(world: World, kind: str, **facts: Any) -> Thing:
    method = {
        "id": world.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": dict(NOBODY),
        "created": world.clock.now(),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        **facts,
    }
    return world.put(PLATFORM, method)


def _face(card: TestCard) -> Thing:
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "CN" if card.brand == "unionpay" else "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"emulated{card.last4}",
        "funding": "credit",
        "last4": card.last4,
    }


def details(method: Thing) -> Thing:
    """Return what a charge says about the payment method it was paid by."""
    kind = method["type"]
    shown = {name: fact for name, fact in method[kind].items() if name in {"brand", "country", "fingerprint", "last4"}}
    if kind == "card":
        shown |= {name: method["card"][name] for name in ("exp_month", "exp_year", "funding", "checks")}
    return {"type": kind, kind: shown}


@emulates("post", "/v1/payment_methods", "type alipay wechat_pay billing_details metadata")
def create_payment_method(call: Call) -> Thing:
    """Make a wallet; a card is named by its test name where it is used."""
    if "type" not in call.given:
        raise missing("type")
    return make(call.world, call.given)


retrieved("/v1/payment_methods/{payment_method}", "payment_method")
