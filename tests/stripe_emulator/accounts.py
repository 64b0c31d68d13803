"""Connected accounts, which Stripe has to know before they may receive anything."""

from tests.stripe_emulator.emulated import emulates, page, retrieved
from tests.stripe_emulator.refusals import missing, not_emulated
from tests.stripe_emulator.state import PLATFORM, Call, Thing, World, changed

DUE = ["business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip"]
LINK_LASTS = 300


def platform(world: World) -> Thing:
    """Return the account whose key is used."""
    account = _blank(world, PLATFORM, "CN", world.settings.currency)
    account.update(charges_enabled=True, payouts_enabled=True, details_submitted=True, type="standard")
    account["requirements"] = _requirements([])
    _add_bank_account(world, account)
    return account


def _requirements(due: list[str]) -> Thing:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }


def _blank(world: World, id_: str, country: str, currency: str) -> Thing:
    account: Thing = {
        "id": id_,
        "object": "account",
        "business_profile": None,
        "business_type": None,
        "capabilities": {},
        "charges_enabled": False,
        "country": country,
        "created": world.clock.now(),
        "default_currency": currency,
        "details_submitted": False,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{id_}/external_accounts",
        },
        "metadata": {},
        "payouts_enabled": False,
        "requirements": _requirements(list(DUE)),
        "type": "none",
    }
    return world.put(PLATFORM, account)


@emulates("post", "/v1/accounts", "type country email capabilities business_type metadata controller default_currency")
def create(call: Call) -> Thing:
    """Open an account that may do nothing until its owner has told Stripe what it asks."""
    given, world = call.given, call.world
    currency = given.get("default_currency", world.settings.currency)
    capabilities = _capabilities(call, {})
    account = _blank(world, world.new_id("acct"), given.get("country", "CN"), currency)
    account.update({name: given[name] for name in ("email", "business_type") if name in given})
    account.update(capabilities=capabilities, metadata=call.metadata())
    if "controller" in given:
        account["controller"] = {"type": "application", "is_controller": True, **_flattened(given["controller"])}
    account["type"] = given.get("type", "none" if "controller" in given else "standard")
    return account


def reopen(world: World, id_: str) -> Thing:
    """Return an account that has the id of one elsewhere, and has asked for transfers."""
    account = _blank(world, id_, "CN", world.settings.currency)
    account["capabilities"] = {"transfers": "inactive"}
    return account


def _flattened(controller: Thing) -> Thing:
    shown = dict(controller)
    if "fees" in shown:
        shown["fees"] = {"payer": shown["fees"].get("payer", "account")}
    return shown


def _capabilities(call: Call, before: Thing) -> Thing:
    """Return the capabilities: what is newly asked for is inactive, what is given back disappears."""
    asked = call.given.get("capabilities") or {}
    given_back = {name for name, each in asked.items() if each.get("requested") is False}
    wanted = {name: before.get(name, "inactive") for name, each in asked.items() if each.get("requested")}
    return {name: status for name, status in (before | wanted).items() if name not in given_back}


@emulates("post", "/v1/accounts/{account}", "email capabilities business_type metadata")
def update(call: Call) -> Thing:
    """Change what is known of an account."""
    account = call.get("account", "account")
    changes: Thing = {name: call.given[name] for name in ("email", "business_type") if name in call.given}
    changes |= {"metadata": call.metadata(account["metadata"])}
    changes |= {"capabilities": _capabilities(call, account["capabilities"])}
    call.world.emit("account.updated", account, changed(account, **changes), account["id"])
    return account


@emulates("post", "/v1/account_links", "account type refresh_url return_url")
def create_link(call: Call) -> Thing:
    """Send the owner to Stripe's pages for a few minutes; nobody goes there, control activates the account."""
    if call.given["type"] != "account_onboarding":
        raise not_emulated(f"account links of type {call.given['type']}")
    for name in ("refresh_url", "return_url"):
        if name not in call.given:
            raise missing(name)
    account = call.world.get(call.account, "account", call.given["account"], param="account")
    now = call.world.clock.now()
    url = f"https://connect.stripe.invalid/setup/{account['id']}/{call.world.new_id('link')}"
    return {"object": "account_link", "created": now, "expires_at": now + LINK_LASTS, "url": url}


def activate(world: World, account: Thing, capabilities: tuple[str, ...]) -> None:
    """Stripe has seen what it wanted: the account's bank is known, and what it asked for is active."""
    status = dict.fromkeys(capabilities or account["capabilities"], "active")
    if unknown := status.keys() - account["capabilities"].keys():
        raise ValueError(f"{account['id']} has not asked for {min(unknown)}")
    now_active = account["capabilities"] | status
    before = changed(
        account,
        capabilities=now_active,
        charges_enabled=now_active.get("card_payments") == "active",
        details_submitted=True,
        payouts_enabled=True,
        requirements=_requirements([]),
    )
    _add_bank_account(world, account)
    world.emit("account.updated", account, before, account["id"])


def restrict(world: World, account: Thing, due: str) -> None:
    """Stripe wants to know something more, and until then the account may do nothing."""
    capabilities = dict.fromkeys(account["capabilities"], "inactive")
    changes = {"capabilities": capabilities, "charges_enabled": False, "payouts_enabled": False}
    before = changed(account, **changes, requirements=_requirements([due]))
    world.emit("account.updated", account, before, account["id"])


def _add_bank_account(world: World, account: Thing) -> None:
    if not account["external_accounts"]["data"]:
        bank = {
            "id": world.new_id("ba"),
            "object": "bank_account",
            "account": account["id"],
            "bank_name": "STRIPE TEST BANK",
            "country": account["country"],
            "currency": account["default_currency"],
            "default_for_currency": True,
            "last4": "6789",
            "metadata": {},
            "status": "new",
        }
        account["external_accounts"]["data"].append(world.put(account["id"], bank))


@emulates("get", "/v1/account")
def retrieve_own(call: Call) -> Thing:
    """Return the account that the call is for."""
    return call.world.known(call.account)


@emulates("get", "/v1/accounts", "limit starting_after ending_before created")
def list_accounts(call: Call) -> Thing:
    """List the connected accounts; the platform's own is none."""
    return page(call, "account", (each for each in call.world.each(call.account, "account") if each["id"] != PLATFORM))


retrieved("/v1/accounts/{account}", "account")
