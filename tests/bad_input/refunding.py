"""Online payments and refunds that cannot be made."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair
from tests.factories.persons import resident_id
from tests.stalls import TODAY

PAYEE = {"name": "财政支付中心", "account": "14001234567890"}
BACK = "https://market.example.org/orders"


@cache
def given_up(fair: Fair) -> dict[str, str]:
    """Give up an order that was paid, and ask for refunds of its parts, each as far as its name says."""
    order = fair.placed()
    fair.clerk.made("/receipts", fair.money(order, 10_000))
    fair.orderer.made(f"/orders/{order['id']}/cancellation", {"reason": "无需"})
    made = {"order": str(order["id"])}
    for name, payee in (("requested", PAYEE), ("approved", PAYEE), ("declined", PAYEE), ("nameless", None)):
        wish = {"amount_fen": 1_000, "reason": "无需", "payee": payee}
        (refund,) = fair.orderer.made(f"/orders/{order['id']}/refunds", wish)["refunds"]
        made[name] = str(refund["id"])
    for name, event in (("approved", "approve"), ("nameless", "approve"), ("declined", "decline")):
        fair.clerk.made(f"/refunds/{made[name]}/decision", {"event": event})
    (own,) = fair.clerk.made(f"/orders/{order['id']}/refunds", {"amount_fen": 1, "reason": "无需"})["refunds"]
    made["own"] = str(own["id"])
    made["account"] = fair.bank_account(fair.manager, "14 0001 0002", fair.operator)
    return made


@cache
def at_the_provider(fair: Fair) -> dict[str, str]:
    """Connect platform and supplier, and begin a payment."""
    fair.operator.made("/provider-account")
    fair.manager.made("/provider-account")
    group = fair.orderer.made("/order-groups", fair.wanted(funds_model="stripe"))
    payment = fair.orderer.made(f"/order-groups/{group['id']}/online-payments")
    return {"group": str(group["id"]), "payment": str(payment["id"])}


def wish(fair: Fair, order_id: str | None = None, **changed: Any) -> Ask:
    """Ask for a refund of the order that was given up, or of another one."""
    order_id = order_id or given_up(fair)["order"]
    return Ask(fair.orderer, "POST", f"/orders/{order_id}/refunds", {"amount_fen": 1, "reason": "无需"} | changed)


def step(fair: Fair, refund: str, word: str, body: Any) -> Ask:
    """Let the supplier's clerk do something to the refund of this name, or of this id."""
    return Ask(fair.clerk, "POST", f"/refunds/{given_up(fair).get(refund, refund)}/{word}", body)


def decide(fair: Fair, refund: str = "requested", event: str = "approve") -> Ask:
    """Decide on a refund."""
    return step(fair, refund, "decision", {"event": event})


def sent(fair: Fair, refund: str = "approved") -> Ask:
    """Hand a refund to the supplier's bank, as another than approved it does."""
    return replace(step(fair, refund, "sending", {"bank_name": "工行"}), desk=fair.manager)


def paid(fair: Fair, refund: str = "approved", **changed: Any) -> Ask:
    """Record that the supplier's bank paid."""
    body = {"bank_reference": "ICBC-BACK", "paid_on": TODAY} | changed
    return replace(step(fair, refund, "payment", body), desk=fair.manager)


def begin(fair: Fair, group_id: str) -> Ask:
    """Begin to pay a group online."""
    at_the_provider(fair)
    return Ask(fair.orderer, "POST", f"/order-groups/{group_id}/online-payments")


def confirm(fair: Fair, payment_id: str | None = None, **changed: str) -> Ask:
    """Confirm a payment."""
    path = f"/online-payments/{payment_id or at_the_provider(fair)['payment']}/confirmation"
    return Ask(fair.orderer, "POST", path, {"payment_method": "pm_card_visa", "return_url": BACK} | changed)


def connect(fair: Fair, *, platform: bool) -> Ask:
    """Ask for an account at the provider once more."""
    at_the_provider(fair)
    return Ask(fair.operator if platform else fair.manager, "POST", "/provider-account")


def file(fair: Fair, account_id: str | None = None, form: str = "xlsx") -> Ask:
    """Prepare a file of refunds of an account."""
    path = f"/bank-accounts/{account_id or given_up(fair)['account']}/refund-files"
    return Ask(fair.clerk, "POST", path, {"form": form})


SOUND: dict[str, Callable[[Fair], Ask]] = {
    "a decision on a refund": decide,
    "a sending of a refund": lambda f: sent(f, "approved"),
    "a refund's payment": paid,
}
CASES: list[Case] = [
    # Refunds
    ("a refund of nobody's order", lambda f: wish(f, NOBODY), 404, "not_found", []),
    ("a refund of another buyer's order", lambda f: wish(f, f.foreign_order["id"]), 404, "not_found", []),
    ("a refund of more than was paid", lambda f: wish(f, amount_fen=10_001), 409, "refund_too_much", []),
    ("a refund of what is owed", lambda f: wish(f, f.paid_order["id"]), 409, "refund_too_much", []),
    ("a refund of zero", lambda f: wish(f, amount_fen=0), 422, INVALID, ["/amount_fen"]),
    ("a refund of a float", lambda f: wish(f, amount_fen=1.5), 422, INVALID, ["/amount_fen"]),
    ("a refund without a reason", lambda f: wish(f, reason=" "), 422, INVALID, ["/reason"]),
    ("a refund that names a resident", lambda f: wish(f, reason=f"{resident_id(7)} 退"), 422, INVALID, ["/reason"]),
    ("a refund to no account", lambda f: wish(f, payee=PAYEE | {"account": "x"}), 422, INVALID, ["/payee/account"]),
    ("a refund to nobody", lambda f: wish(f, payee=PAYEE | {"name": ""}), 422, INVALID, ["/payee/name"]),
    ("an approval by who asked", lambda f: decide(f, "own"), 403, "four_eyes", []),
    ("a decision that the bank makes", lambda f: decide(f, event="succeed"), 422, INVALID, ["/event"]),
    ("a decision unheard of", lambda f: decide(f, event="perhaps"), 422, INVALID, ["/event"]),
    ("a second decision", lambda f: decide(f, "declined"), 409, "transition", []),
    ("a decision on nobody's refund", lambda f: decide(f, NOBODY), 404, "not_found", []),
    (
        "a sending that nobody approved",
        lambda f: sent(f, "requested"),
        409,
        "transition",
        [],
    ),
    (
        "a sending to nobody's account",
        lambda f: sent(f, "nameless"),
        409,
        "no_payee",
        [],
    ),
    (
        "a failure of what was not approved",
        lambda f: step(f, "requested", "failure", {"reason": "退汇"}),
        409,
        "transition",
        [],
    ),
    (
        "a rerouting of what did not fail",
        lambda f: step(f, "approved", "rerouting", {"payee": PAYEE, "reason": "改付"}),
        409,
        "transition",
        [],
    ),
    (
        "a refund to another than paid, sent by who approved it",
        lambda f: replace(sent(f), desk=f.clerk),
        403,
        "four_eyes",
        [],
    ),
    ("a refund paid in the future", lambda f: paid(f, paid_on="2026-03-03"), 422, "future_date", ["/paid_on"]),
    ("a refund paid unapproved", lambda f: paid(f, "requested"), 409, "transition", []),
    ("a file of no refunds", file, 409, "not_sent", []),
    ("a file of nobody's account", lambda f: file(f, NOBODY), 404, "not_found", []),
    ("a file in an odd form", lambda f: file(f, form="pdf"), 422, INVALID, ["/form"]),
    ("a refund of nobody", lambda f: f.get(f"/refunds/{NOBODY}"), 404, "not_found", []),
    ("refunds of an odd status", lambda f: f.get("/refunds?status=lost"), 422, INVALID, ["/query/status"]),
    (
        "a statement in a form with braces",
        lambda f: Ask(f.manager, "POST", f"/bank-accounts/{NOBODY}/statements?profile=%7Babc", content=b"x"),
        422,
        INVALID,
        ["/query/profile"],
    ),
    # Online payments
    ("a payment of nobody's group", lambda f: begin(f, NOBODY), 404, "not_found", []),
    (
        "a payment online of what is paid directly",
        lambda f: begin(f, f.placed_order["group_id"]),
        409,
        "nothing_to_pay",
        [],
    ),
    ("a second payment of a group", lambda f: begin(f, at_the_provider(f)["group"]), 409, "payment_open", []),
    ("a confirmation of nobody's payment", lambda f: confirm(f, NOBODY), 404, "not_found", []),
    ("a card in place of a method", lambda f: confirm(f, payment_method="4242"), 422, INVALID, ["/payment_method"]),
    ("a way back that is none", lambda f: confirm(f, return_url="javascript:1"), 422, INVALID, ["/return_url"]),
    ("a payment online of nobody", lambda f: f.get(f"/online-payments/{NOBODY}"), 404, "not_found", []),
    ("a platform connected twice", lambda f: connect(f, platform=True), 409, "bank_account_taken", []),
    ("a supplier connected twice", lambda f: connect(f, platform=False), 409, "connected_once", []),
    (
        "an event of nobody",
        lambda f: Ask(f.orderer, "POST", "/provider-events", content=b"{}"),
        400,
        "event_forged",
        [],
    ),
]
