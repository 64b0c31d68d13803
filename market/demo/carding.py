"""A family pays by card: its money is held, part goes back, part reaches the cooperative, all of it is explained."""

from collections.abc import Mapping

from market.demo.stage import AUDITOR, BY_CARD, CASHIER, FAMILY, FAMILY_RECEIVER, OPERATOR, Stage
from market.demo.supplying import put_on_sale
from market.demo.visiting import Json
from market.money import yuan

CARD = "pm_card_bypassPending"
"""A test card of Stripe's, whose money is there at once."""
REJECTED = 8
"""Jin of sweet potato."""
ACCOUNTS = {
    "held": "暂存|held",
    "supplier_payable": "应付供应商|payable",
    "refund_payable": "应退|to refund",
    "in_transit": "在途|in transit",
}
FIGURES = ("balance", "explained", "unexplained")
REASONS: Mapping[str, str] = {
    "unmatched": "到款待匹配 unmatched",
    "pending": "支付机构在途 pending",
    "settlement_approved": "结算已批待付 approved",
    "settlement_sent": "结算付款在途 settlement sent",
    "refund_sent": "退款在途 refund sent",
    "refund_failed": "退款失败 refund failed",
    "disputed": "争议冻结 disputed",
    "to_refund": "应退未退 to refund",
}


class UnexplainedError(RuntimeError):
    """Money stands on an account that must clear, and nobody can say why."""


def pay_by_card(stage: Stage) -> None:
    """Tell how a family pays online, and that its money is held for the order."""
    page, family = stage.page, stage.visitor(FAMILY)
    page.chapter("刷卡付款", "Paid by card: the money is held")
    page.say(
        f"{family.organisation_name}在线下单并刷卡付款({stage.provider.name})。钱先暂存,验收之前不归任何人。",
        "A family pays by card. Until the goods are accepted the money is nobody's: it is held.",
    )
    connect(stage)
    stage.by_card = put_on_sale(stage, BY_CARD)
    stage.cash_before = cash(stage)
    group = family.post("/v1/order-groups", _request(stage))
    (stage.by_card.order,) = group["orders"]
    begun = family.post(f"/v1/order-groups/{group['id']}/online-payments")
    path = f"/v1/online-payments/{begun['id']}"
    family.wait(path, lambda payment: payment["status"] == "open")
    method = {"payment_method": CARD, "return_url": "https://market.example.org/orders"}
    family.post(f"{path}/confirmation", method)
    paid = family.wait(path, lambda payment: payment["status"] == "captured")
    page.table(("采购单|group", ">已付(元)|paid"), [(group["number"], yuan(paid["amount_fen"]))])
    show_cash(stage)


def connect(stage: Stage) -> None:
    """Open the accounts at the provider that are not open yet: the platform's and the cooperative's."""
    operator, manager = stage.visitor(OPERATOR), stage.visitor(f"{BY_CARD.cooperative}.manager")
    path = "/v1/provider-account"
    for visitor in (operator, manager):
        if visitor.find(path) is None:
            visitor.post(path)
    account = manager.wait(path, lambda told: told["number"] is not None)
    if stage.provider.admit(account["number"]):
        account = manager.wait(path, lambda told: bool(told["takes_transfers"]))
    stage.transferable = bool(account["takes_transfers"])


def _request(stage: Stage) -> Json:
    product = stage.by_card.product
    line = {
        "product_id": product["id"],
        "quantity": str(BY_CARD.quantity),
        "unit": BY_CARD.unit,
        "unit_price_fen": product["price_tiers"][0]["price_fen"],
    }
    return {"channel_code": "household", "funds_model": "stripe", "payment_days": 0, "lines": [line]}


def cash(stage: Stage) -> dict[str, int]:
    """Return what stands to the credit of each kind of account in the cash book, in fen."""
    found = stage.visitor(AUDITOR).get("/v1/trial-balance", quietly=True)
    return {line["kind"]: line["credit_fen"] - line["debit_fen"] for line in found["lines"]}


def show_cash(stage: Stage) -> None:
    """Show by how much the accounts of the cash book stand otherwise than before the card was used."""
    now = cash(stage)
    changed = {kind: fen - stage.cash_before[kind] for kind, fen in now.items()}
    # An asset stands in debit; when the provider lets go of what is pending is its own affair.
    provider_fen = -changed["provider_pending"] - changed["provider_available"]
    stage.page.table(
        [">支付机构|provider", *(f">{name}" for name in ACCOUNTS.values())],
        [[yuan(provider_fen), *(yuan(changed[kind]) for kind in ACCOUNTS)]],
        title="这笔钱现在在哪里(元)  Where this money is now, in yuan",
    )


def reject_a_part(stage: Stage) -> None:
    """Tell how a part is rejected, and what was paid for it goes back to the card."""
    page, supplied, family = stage.page, stage.by_card, stage.visitor(FAMILY)
    page.chapter("部分拒收、退款", "A part is rejected and refunded")
    page.say(
        f"收到{BY_CARD.quantity}斤,拒收{REJECTED}斤。收下的货款归合作社,拒收的由平台复核后原路退回。",
        "What is accepted is the cooperative's; what is rejected goes back to the card, by two people's word.",
    )
    clerk, order_id = stage.clerk(BY_CARD), supplied.order["id"]
    clerk.post(f"/v1/orders/{order_id}/confirmation")
    supplied.order = clerk.post(f"/v1/orders/{order_id}/shipment", {"shipped_on": stage.day})
    stage.visitor(FAMILY_RECEIVER).post(f"/v1/orders/{order_id}/acceptances", _found(stage))
    show_cash(stage)
    (refund,) = family.post(f"/v1/orders/{order_id}/refunds", {"reason": "部分碰伤,拒收"})["refunds"]
    path = f"/v1/refunds/{refund['id']}"
    stage.visitor(OPERATOR).post(f"{path}/decision", {"event": "approve"})
    refund = family.wait(path, lambda told: told["status"] == "succeeded")
    page.table(
        ("退款单|refund", "状态|status", ">退款(元)|yuan"), [(refund["number"], "已退回", yuan(refund["amount_fen"]))]
    )
    show_cash(stage)


def _found(stage: Stage) -> Json:
    order, accepted = stage.by_card.order, BY_CARD.quantity - REJECTED
    line = {
        "order_line_id": order["lines"][0]["id"],
        "received": str(BY_CARD.quantity),
        "accepted": str(accepted),
        "rejected": str(REJECTED),
        "damaged": "0",
        "short": "0",
        "reason": "部分碰伤",
    }
    return {"accepted_on": stage.day, "evidence": {"receipt": f"收据 {order['number']}"}, "lines": [line]}


def transfer(stage: Stage) -> None:
    """Tell how what was accepted reaches the cooperative's account at the provider."""
    page, operator = stage.page, stage.visitor(OPERATOR)
    page.chapter("结算转账", "Transferred to the cooperative")
    page.say(
        "一人起草,另一人批准,支付机构把验收部分转到合作社账户。到账之后,农户的应计才变成确认。",
        "One drafts, another approves; recognised for the households only when it has arrived.",
    )
    supplier_id = stage.clerk(BY_CARD).organisation_id
    drafted = operator.post("/v1/settlements", {"supplier_id": supplier_id, "funds_model": "stripe"})
    path = f"/v1/settlements/{drafted['id']}"
    stage.visitor(CASHIER).post(f"{path}/decision", {"event": "approve"})
    if not stage.transferable:
        page.problem(operator.refused(f"{path}/instruction", status=409))
        return
    operator.post(f"{path}/instruction")
    operator.wait(path, lambda settlement: settlement["status"] == "confirmed")
    found = stage.clerk(BY_CARD).get(f"{path}/statement")
    page.table(
        ("结算单|settlement", "订单|order", ">验收(元)|accepted", ">转账(元)|transferred"),
        [
            (found["number"], order["number"], yuan(order["accepted_fen"]), yuan(order["paid_fen"]))
            for order in found["orders"]
        ],
        totals=("合计 total", "", "", yuan(found["totals"]["amount_fen"])),
    )
    show_cash(stage)


def reconcile(stage: Stage) -> None:
    """Tell what is under way in the whole market, and why; raises `UnexplainedError` if anything is unexplained."""
    page, auditor = stage.page, stage.visitor(AUDITOR)
    page.chapter("对账", "Reconciled: nothing is unexplained")
    page.say(
        "银行流水、支付机构与账簿逐分核对:凡未清的款项,都说得出原因和天数。",
        "Banks, provider and book compared: whatever has not cleared has its reason and its age.",
    )
    found = auditor.get("/v1/reconciliation")
    page.table(
        ("应清账户|account", ">余额(元)|balance", ">已说明|explained", ">未说明|unexplained"),
        [
            (f"{each['code']} {each['name']}", *(yuan(each[f"{figure}_fen"]) for figure in FIGURES))
            for each in found["accounts"]
        ],
        totals=("合计 total", "", "", yuan(found["unexplained_fen"])),
    )
    rows = [
        (name, len(own), yuan(sum(each["fen"] for each in own)), max(each["days"] for each in own))
        for reason, name in REASONS.items()
        if (own := [each for each in found["breaks"] if each["reason"] == reason])
    ]
    page.table(("原因|reason", ">笔数|items", ">金额(元)|yuan", ">最久(天)|oldest, days"), rows)
    if found["unexplained_fen"]:
        raise UnexplainedError(found["accounts"])
    page.note(f"全市场未说明金额:{yuan(0)}元。 Nothing is unexplained.")
