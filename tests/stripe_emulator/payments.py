"""PaymentIntents: from the asking for money to the charge that brought it."""

from typing import Any

from tests.stripe_emulator import charges, disputes, methods
from tests.stripe_emulator.emulated import emulates, listed, retrieved
from tests.stripe_emulator.refusals import Refusal, impossible, invalid, missing, not_emulated
from tests.stripe_emulator.state import Call, Thing, World, only_from

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing")
PAYING = "payment_method payment_method_data payment_method_options return_url error_on_requires_action"
UNEXPECTED = "payment_intent_unexpected_state"


@emulates(
    "post",
    "/v1/payment_intents",
    f"amount currency allowed_payment_method_types automatic_payment_methods capture_method confirm description"
    f" metadata receipt_email statement_descriptor_suffix transfer_group {PAYING}",
)
def create(call: Call) -> Thing:
    """Ask for money, and try to get it at once if `confirm` says so."""
    world, given = call.world, call.given
    automatic, kinds = _payment_method_types(call)
    id_ = world.new_id("pi")
    intent: Thing = {
        "id": id_,
        "object": "payment_intent",
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        "amount": call.amount(),
        "amount_capturable": 0,
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{world.token}",
        "confirmation_method": "automatic",
        "created": world.clock.now(),
        "currency": call.currency(),
        "customer": None,
        "description": given.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": call.metadata(),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": _options(given),
        "payment_method_types": kinds,
        "processing": None,
        "receipt_email": given.get("receipt_email"),
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": given.get("transfer_group"),
    }
    _refuse_idle(given)
    _take_method(call, intent)
    world.put(call.account, intent)
    world.emit("payment_intent.created", intent)
    return _confirmed(call, intent) if given.get("confirm") else intent


def _payment_method_types(call: Call) -> tuple[Thing | None, list[str]]:
    given, offered = call.given, call.world.settings.payment_methods
    automatic = given.get("automatic_payment_methods")
    if allowed := given.get("allowed_payment_method_types"):
        for kind in allowed:
            if kind not in offered:
                message = f"The payment method type provided: {kind} is invalid. It is not activated for this account."
                raise invalid(message, param="allowed_payment_method_types")
        return automatic, list(allowed)
    redirects = (automatic or {}).get("allow_redirects", "always")
    kinds = [kind for kind in offered if redirects == "always" or kind not in methods.WALLETS]
    return {"allow_redirects": redirects, "enabled": True}, kinds


def _options(given: Thing) -> Thing:
    options: Thing = given.get("payment_method_options") or {}
    for name, inside in options.items():
        if name != "wechat_pay" or set(inside) - {"client", "app_id"}:
            raise not_emulated(f"payment_method_options[{name}] but for WeChat Pay's client")
    return {name: {"app_id": None, **inside} for name, inside in options.items()}


def _refuse_idle(given: Thing) -> None:
    """Refuse what means something only together with `confirm`."""
    for name in ("return_url", "error_on_requires_action"):
        if name in given and not given.get("confirm"):
            raise invalid(f"You can only pass in {name} when confirm=true.", param=name)


def _take_method(call: Call, intent: Thing) -> None:
    """Attach the payment method that is given, by name or by its data."""
    if "payment_method" in call.given:
        method = methods.use(call.world, call.given["payment_method"])
    elif "payment_method_data" in call.given:
        method = methods.make(call.world, call.given["payment_method_data"])
    else:
        return
    if method["type"] not in intent["payment_method_types"]:
        message = f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent."
        raise invalid(message, param="payment_method")
    intent.update(payment_method=method["id"], status="requires_confirmation")


@emulates("post", "/v1/payment_intents/{intent}/confirm", PAYING)
def confirm(call: Call) -> Thing:
    """Try to get the money."""
    intent = call.get("payment_intent", "intent")
    message = "This PaymentIntent could not be confirmed"
    only_from(intent, *OPEN[:3], code=UNEXPECTED, message=message)
    intent["payment_method_options"] |= _options(call.given)
    _take_method(call, intent)
    return _confirmed(call, intent)


def _confirmed(call: Call, intent: Thing) -> Thing:
    world = call.world
    if not intent["payment_method"]:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise impossible(message, UNEXPECTED)
    method = world.known(intent["payment_method"])
    _require_way_back(call, intent, method["type"])
    card = methods.card_of(world, method["id"])
    if card and not card.asks:
        settle(world, intent)
    elif call.given.get("error_on_requires_action"):
        fail(world, intent, "authentication_required", "authentication_required")
    else:
        intent.update(status="requires_action", next_action=_next_action(intent, method, call.given.get("return_url")))
        world.emit("payment_intent.requires_action", intent)
    return intent


def _require_way_back(call: Call, intent: Thing, kind: str) -> None:
    """Refuse a confirmation that cannot bring the payer back, or that WeChat Pay does not know how to show."""
    automatic = (intent["automatic_payment_methods"] or {}).get("allow_redirects") == "always"
    if (kind == "alipay" or automatic) and not call.given.get("return_url"):
        message = "This PaymentIntent is configured to accept payment methods that may redirect your customer."
        raise invalid(f"{message} You must provide a `return_url`.", param="return_url", early=False)
    if kind == "wechat_pay" and not intent["payment_method_options"].get("wechat_pay", {}).get("client"):
        raise missing("payment_method_options[wechat_pay][client]")


def _next_action(intent: Thing, method: Thing, return_url: str | None) -> Thing:
    """Return where the payer must go: an address without a host, for nobody goes there; control completes it."""
    address = f"https://pay.stripe.invalid/{intent['id']}"
    match method["type"]:
        case "alipay":
            kind = "alipay_handle_redirect"
            way: Thing = {"native_data": None, "native_url": None, "return_url": return_url, "url": address}
        case "wechat_pay":
            kind = "wechat_pay_display_qr_code"
            way = {"data": f"weixin://wxpay/bizpayurl?pr={intent['id']}", "hosted_instructions_url": address}
            way |= {name: f"{address}/{name}" for name in ("image_data_url", "image_url_png", "image_url_svg")}
        case _ if return_url:
            kind, way = "redirect_to_url", {"return_url": return_url, "url": address}
        case _:
            kind, way = "use_stripe_sdk", {"type": "three_d_secure_redirect", "stripe_js": address}
    return {"type": kind, kind: way}


def settle(world: World, intent: Thing) -> None:
    """Charge the payment method: the money comes, is authorised for a capture, or the card is refused."""
    method = world.known(intent["payment_method"])
    card = methods.card_of(world, method["id"])
    if card and card.code:
        fail(world, intent, card.code, card.decline_code)
    held = intent["capture_method"] == "manual"
    charge = charges.make(world, intent, method, captured=not held)
    intent.update(latest_charge=charge["id"], next_action=None, last_payment_error=None)
    if held:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        world.emit("charge.succeeded", charge)
        world.emit("payment_intent.amount_capturable_updated", intent)
        return
    movement = charges.bring(world, charge, charge["amount"])
    if intent["capture_method"] == "automatic_async":
        charges.hide(world, charge, movement)
    intent.update(status="succeeded", amount_received=charge["amount"])
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    if card and card.disputed:
        disputes.begin(world, charge)


def fail(world: World, intent: Thing, code: str, decline_code: str | None) -> None:
    """Refuse the payment, as the card's bank or the payer does, and raise what Stripe answers then."""
    method = world.known(intent["payment_method"])
    message = "Your card was declined." if method["type"] == "card" else "The payment was not completed."
    facts: dict[str, Any] = {"code": code, "message": message}
    facts |= {"decline_code": decline_code} if decline_code else {}
    charge = None
    if code != "payment_intent_authentication_failure":
        charge = charges.make(world, intent, method, failure=facts)
        world.emit("charge.failed", charge)
        facts["charge"] = charge["id"]
    error = {**facts, "type": "card_error", "payment_method": world.shown(method)}
    intent.update(status="requires_payment_method", payment_method=None, next_action=None, last_payment_error=error)
    intent["latest_charge"] = charge["id"] if charge else intent["latest_charge"]
    world.emit("payment_intent.payment_failed", intent)
    del facts["message"]
    shown = {"payment_intent": world.shown(intent), "payment_method": error["payment_method"]}
    raise Refusal(402, "card_error", message, **facts, **shown)


@emulates("post", "/v1/payment_intents/{intent}/capture", "amount_to_capture metadata")
def capture(call: Call) -> Thing:
    """Take what was authorised, or less; the rest is released."""
    intent = call.get("payment_intent", "intent")
    only_from(intent, "requires_capture", code=UNEXPECTED, message="This PaymentIntent could not be captured")
    amount = call.amount("amount_to_capture") if "amount_to_capture" in call.given else intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = "The amount to capture is greater than the amount that can be captured."
        raise impossible(message, "amount_too_large", param="amount_to_capture")
    charge = call.world.known(intent["latest_charge"])
    charges.bring(call.world, charge, amount)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    intent["metadata"] = call.metadata(intent["metadata"])
    call.world.emit("charge.captured", charge)
    call.world.emit("payment_intent.succeeded", intent)
    return intent


@emulates("post", "/v1/payment_intents/{intent}/cancel", "cancellation_reason")
def cancel(call: Call) -> Thing:
    """Give up the payment; what was only authorised is released."""
    intent = call.get("payment_intent", "intent")
    only_from(intent, *OPEN, code=UNEXPECTED, message="You cannot cancel this PaymentIntent")
    if intent["status"] == "requires_capture":
        charges.release(call.world, call.world.known(intent["latest_charge"]))
    reason = call.given.get("cancellation_reason")
    intent.update(status="canceled", canceled_at=call.world.clock.now(), cancellation_reason=reason)
    intent.update(next_action=None, amount_capturable=0)
    call.world.emit("payment_intent.canceled", intent)
    return intent


@emulates("post", "/v1/payment_intents/{intent}", "metadata description")
def update(call: Call) -> Thing:
    """Change what is said about the payment."""
    intent = call.get("payment_intent", "intent")
    intent["metadata"] = call.metadata(intent["metadata"])
    intent["description"] = call.given.get("description", intent["description"])
    return intent


listed("/v1/payment_intents", "payment_intent")
retrieved("/v1/payment_intents/{intent}", "payment_intent")
