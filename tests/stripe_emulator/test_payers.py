"""What payers and their banks do: wallets, 3D Secure, refunds that take their time, disputes."""

import pytest
import stripe

from tests.stripe_emulator.control import Emulator
from tests.stripe_emulator.scenes import available, charge_of, pay, refused

BACK = "https://example.org/orders/17"


def wallet(client: stripe.StripeClient, kind: str) -> stripe.PaymentIntent:
    if kind == "alipay":
        return client.v1.payment_intents.create(
            {
                "amount": 8_800,
                "currency": "cny",
                "allowed_payment_method_types": ["alipay"],
                "payment_method_data": {"type": "alipay"},
                "confirm": True,
                "return_url": BACK,
            }
        )
    return client.v1.payment_intents.create(
        {
            "amount": 8_800,
            "currency": "cny",
            "allowed_payment_method_types": ["wechat_pay"],
            "payment_method_data": {"type": "wechat_pay"},
            "payment_method_options": {"wechat_pay": {"client": "web"}},
            "confirm": True,
        }
    )


@pytest.mark.parametrize(
    ("kind", "action"), [("alipay", "alipay_handle_redirect"), ("wechat_pay", "wechat_pay_display_qr_code")]
)
def test_a_wallet_sends_the_payer_away_and_is_completed_or_not(
    emulator: Emulator, client: stripe.StripeClient, kind: str, action: str
) -> None:
    paid, left = wallet(client, kind), wallet(client, kind)
    assert paid.next_action
    assert (paid.status, paid.next_action.type) == ("requires_action", action)
    emulator.complete_payment(paid.id)
    emulator.fail_payment(left.id)
    charge = client.v1.payment_intents.retrieve(paid.id, {"expand": ["latest_charge"]})
    assert (charge.status, charge_of(charge).id[:3]) == ("succeeded", "py_")
    assert client.v1.payment_intents.retrieve(left.id).status == "requires_payment_method"
    assert [each.type for each in client.v1.balance_transactions.list().data] == ["payment"]


def test_alipay_must_know_the_way_back_and_wechat_pay_where_it_is_shown(client: stripe.StripeClient) -> None:
    for kind, parameter in (("alipay", "return_url"), ("wechat_pay", "payment_method_options[wechat_pay][client]")):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.payment_intents.create(
                {
                    "amount": 100,
                    "currency": "cny",
                    "allowed_payment_method_types": ["alipay", "wechat_pay"],
                    "payment_method_data": {"type": "alipay" if kind == "alipay" else "wechat_pay"},
                    "confirm": True,
                }
            )
        assert refusal.value.param == parameter


def test_3d_secure_is_passed_or_failed(emulator: Emulator, client: stripe.StripeClient) -> None:
    passed, failed = (pay(client, method="pm_card_threeDSecure2Required") for _ in range(2))
    emulator.complete_payment(passed.id)
    emulator.fail_payment(failed.id)
    assert client.v1.payment_intents.retrieve(passed.id).status == "succeeded"
    error = client.v1.payment_intents.retrieve(failed.id).last_payment_error
    assert error
    assert error.code == "payment_intent_authentication_failure"
    assert available(client) == 0
    emulator.advance(days=2)
    assert available(client) == 10_000


def test_money_is_pending_for_days_and_a_fee_is_kept(emulator: Emulator, client: stripe.StripeClient) -> None:
    emulator.settings.fee_basis_points, emulator.settings.fee_fixed = 290, 30
    charge = charge_of(pay(client, 10_050, method="pm_card_visa"))
    assert charge.balance_transaction is None
    movement = client.v1.charges.retrieve(charge.id, {"expand": ["balance_transaction"]}).balance_transaction
    assert isinstance(movement, stripe.BalanceTransaction)
    assert (movement.fee, movement.net, movement.status) == (321, 9_729, "pending")
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 9_729)
    emulator.advance(days=2)
    assert client.v1.balance_transactions.retrieve(movement.id).status == "available"
    assert available(client) == 9_729


def test_a_refund_that_had_succeeded_comes_back(emulator: Emulator, client: stripe.StripeClient) -> None:
    charge = charge_of(pay(client))
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 4_000})
    assert (refund.status, available(client)) == ("succeeded", 6_000)
    emulator.fail_refund(refund.id, "expired_or_canceled_card")
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    back = failed.failure_balance_transaction
    assert isinstance(back, stripe.BalanceTransaction)
    assert (failed.status, failed.failure_reason, back.net) == ("failed", "expired_or_canceled_card", 4_000)
    assert (available(client), client.v1.charges.retrieve(charge.id).amount_refunded) == (10_000, 0)


def test_a_card_whose_refunds_fail_lets_them_succeed_first(client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create({"charge": charge_of(pay(client, method="pm_card_refundFail")).id})
    assert (refund.status, client.v1.refunds.retrieve(refund.id).status) == ("succeeded", "failed")
    assert available(client) == 0


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
def test_a_wallets_refund_is_pending_first(emulator: Emulator, client: stripe.StripeClient, ends: str) -> None:
    intent = wallet(client, "alipay")
    emulator.complete_payment(intent.id)
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    (emulator.settle_refund if ends == "succeeded" else emulator.fail_refund)(refund.id)
    assert client.v1.refunds.retrieve(refund.id).status == ends


def test_a_refund_waits_until_the_balance_covers_it(emulator: Emulator, client: stripe.StripeClient) -> None:
    charge = charge_of(pay(client))
    client.v1.payouts.create({"amount": 9_000, "currency": "cny"})
    refund = client.v1.refunds.create({"charge": charge.id})
    assert (refund.status, refund.pending_reason, available(client)) == ("pending", "insufficient_funds", 1_000)
    with pytest.raises(ValueError, match="does not cover"):
        emulator.settle_refund(refund.id)
    emulator.top_up(9_000)
    emulator.settle_refund(refund.id)
    assert (client.v1.refunds.retrieve(refund.id).status, available(client)) == ("succeeded", 0)


def test_only_a_refund_that_waits_for_the_payer_can_be_cancelled(
    emulator: Emulator, client: stripe.StripeClient
) -> None:
    refund = client.v1.refunds.create({"charge": charge_of(pay(client, method="pm_card_pendingRefund")).id})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.cancel(refund.id)
    emulator.hold_refund(refund.id)
    assert client.v1.refunds.cancel(refund.id).status == "canceled"


def test_a_dispute_takes_the_money_and_a_fee_until_it_is_won(emulator: Emulator, client: stripe.StripeClient) -> None:
    emulator.settings.dispute_fee = 1_500
    charge = charge_of(pay(client))
    dispute = emulator.open_dispute(charge.id)["id"]
    assert available(client) == -1_500
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": charge.id})
    assert refused(refusal.value) == (400, "charge_disputed")
    updated = client.v1.disputes.update(dispute, {"evidence": {"product_description": "小米 10 袋"}})
    assert (updated.status, updated.evidence_details.submission_count) == ("under_review", 1)
    emulator.win_dispute(dispute)
    assert available(client) == 8_500
    assert [each.status for each in client.v1.disputes.list({"charge": charge.id}).data] == ["won"]


def test_a_dispute_is_lost_by_the_banks_word_or_by_giving_in(emulator: Emulator, client: stripe.StripeClient) -> None:
    judged = emulator.open_dispute(charge_of(pay(client)).id, amount=4_000)["id"]
    given_in = charge_of(pay(client, method="pm_card_createDispute"))
    emulator.lose_dispute(judged)
    (dispute,) = client.v1.disputes.list({"charge": given_in.id}).data
    assert client.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.disputes.close(judged)
    assert refused(refusal.value) == (400, "dispute_already_closed")
    emulator.advance(days=2)
    assert available(client) == 6_000


def test_what_makes_no_sense_is_not_done(emulator: Emulator, client: stripe.StripeClient) -> None:
    intent = pay(client)
    for deed in (emulator.complete_payment, emulator.settle_refund, emulator.fail_payout):
        with pytest.raises(ValueError, match="is a payment_intent"):
            deed(intent.id)
    with pytest.raises(KeyError):
        emulator.win_dispute("du_of_nobody")
