"""What Stripe promises everybody; with `STRIPE_API_KEY` the same tests run against Stripe's own test mode."""

import uuid

import pytest
import stripe

from tests.stripe_emulator.scenes import charge_of, pay, refused


def movement_of(client: stripe.StripeClient, charge: str) -> stripe.BalanceTransaction:
    """Return the movement of a captured charge, asking until Stripe has booked it."""
    for _ in range(100):
        found = client.v1.charges.retrieve(charge, {"expand": ["balance_transaction"]}).balance_transaction
        if isinstance(found, stripe.BalanceTransaction):
            return found
    raise AssertionError("the charge has no movement")


def test_a_card_pays_and_the_charge_tells_what_reached_the_balance(public: stripe.StripeClient, currency: str) -> None:
    intent = pay(public, 12_345, currency=currency)
    charge = charge_of(intent)
    assert (intent.status, intent.amount_received, charge.amount_captured) == ("succeeded", 12_345, 12_345)
    movement = movement_of(public, charge.id)
    assert (movement.amount, movement.net + movement.fee, movement.source) == (12_345, 12_345, charge.id)


def test_a_payment_is_confirmed_later_and_found_by_when_it_was_made(public: stripe.StripeClient, currency: str) -> None:
    intent = public.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": currency,
            "metadata": {"order": "A-17"},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert intent.status == "requires_payment_method"
    confirmed = public.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert confirmed.status == "succeeded"
    window = public.v1.payment_intents.list({"created": {"gte": intent.created, "lte": intent.created}})
    assert {each.id: each.metadata["order"] for each in window.data if each.id == intent.id} == {intent.id: "A-17"}
    assert public.v1.payment_intents.list({"created": {"lt": 1_000_000_000}}).data == []


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_refused_card_says_why_and_names_the_payment(
    public: stripe.StripeClient, currency: str, method: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        pay(public, currency=currency, method=method)
    assert refused(refusal.value) == (402, code)
    error = refusal.value.error
    assert error
    assert error.payment_intent
    assert (error.decline_code or error.code) == decline_code
    intent = public.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error
    assert intent.last_payment_error.code == code


def test_a_card_that_asks_for_3d_secure_waits_for_it(public: stripe.StripeClient, currency: str) -> None:
    intent = pay(public, currency=currency, method="pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action
    cancelled = public.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        public.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused(refusal.value) == (400, "payment_intent_unexpected_state")


def test_less_than_was_authorised_may_be_captured(public: stripe.StripeClient, currency: str) -> None:
    held = public.v1.payment_intents.create(
        {
            "amount": 9_000,
            "currency": currency,
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert (held.status, held.amount_capturable) == ("requires_capture", 9_000)
    taken = public.v1.payment_intents.capture(held.id, {"amount_to_capture": 6_500, "expand": ["latest_charge"]})
    assert (taken.status, taken.amount_received) == ("succeeded", 6_500)
    assert charge_of(taken).amount_captured == 6_500


def test_refunds_add_up_to_what_was_paid_and_not_beyond(public: stripe.StripeClient, currency: str) -> None:
    charge = charge_of(pay(public, 10_000, currency=currency)).id
    first = public.v1.refunds.create({"charge": charge, "amount": 4_000, "reason": "requested_by_customer"})
    assert (first.status, first.amount) == ("succeeded", 4_000)
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        public.v1.refunds.create({"charge": charge, "amount": 6_001})
    assert (too_much.value.http_status, too_much.value.param) == (400, "amount")
    public.v1.refunds.create({"charge": charge})
    with pytest.raises(stripe.InvalidRequestError) as again:
        public.v1.refunds.create({"charge": charge, "amount": 1})
    assert refused(again.value) == (400, "charge_already_refunded")
    assert sorted(each.amount for each in public.v1.refunds.list({"charge": charge}).data) == [4_000, 6_000]
    assert public.v1.charges.retrieve(charge).refunded


def test_the_same_key_gives_the_same_answer_and_another_request_under_it_is_refused(
    public: stripe.StripeClient, currency: str
) -> None:
    key = str(uuid.uuid4())
    first = pay(public, 3_000, currency=currency, key=key)
    again = pay(public, 3_000, currency=currency, key=key)
    assert first.id == again.id
    assert again.last_response
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        pay(public, 3_001, currency=currency, key=key)


def test_unknown_and_missing_parameters_are_named(public: stripe.StripeClient, currency: str) -> None:
    removed = {"amount": 1_000, "currency": currency, "payment_method_types": ["card"]}
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        public.v1.payment_intents.create(removed)  # type: ignore[arg-type]
    assert (*refused(unknown.value), unknown.value.param) == (400, "parameter_unknown", "payment_method_types")
    with pytest.raises(stripe.InvalidRequestError) as missing:
        public.v1.payment_intents.create({"currency": currency})  # type: ignore[typeddict-item]
    assert (*refused(missing.value), missing.value.param) == (400, "parameter_missing", "amount")


def test_what_does_not_exist_is_not_found(public: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        public.v1.payment_intents.retrieve("pi_of_nobody")
    assert refused(refusal.value) == (404, "resource_missing")


def test_a_new_account_may_receive_nothing_until_it_is_known(public: stripe.StripeClient, currency: str) -> None:
    account = public.v1.accounts.create(
        {"country": "US", "type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    assert not account.payouts_enabled
    assert account.capabilities
    assert account.capabilities.transfers != "active"
    back = "https://example.org/stripe"
    link = public.v1.account_links.create(
        {"account": account.id, "type": "account_onboarding", "refresh_url": back, "return_url": back}
    )
    assert link.expires_at > link.created
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        public.v1.transfers.create({"amount": 100, "currency": currency, "destination": account.id})
    assert refused(refusal.value) == (400, "insufficient_capabilities_for_transfer")


def test_pages_follow_each_other_without_gap_or_repetition(public: stripe.StripeClient, currency: str) -> None:
    charge = charge_of(pay(public, 10_000, currency=currency)).id
    made = [public.v1.refunds.create({"charge": charge, "amount": 100}).id for _ in range(5)]
    first = public.v1.refunds.list({"charge": charge, "limit": 2})
    assert ([each.id for each in first.data], first.has_more) == (made[:2:-1], True)
    assert [each.id for each in first.auto_paging_iter()] == made[::-1]


def test_what_happened_is_listed_as_events(public: stripe.StripeClient, currency: str) -> None:
    intent = pay(public, currency=currency)
    events = public.v1.events.list({"type": "payment_intent.succeeded", "limit": 10})
    assert intent.id in [each.data.object["id"] for each in events.data]
