"""Money comes in and goes out: receipts, disbursements, confirmations."""

from collections.abc import Mapping, Sequence
from typing import Any

from market.demo.stage import Stage, Supply
from market.demo.visiting import Json
from market.money import yuan

LADDER = (">应计|accrued", ">确认|recognised", ">兑付|disbursed", ">农户确认|confirmed")
TODAY = "今天的收入走到哪一步  How far the income of today has come"


def receive(stage: Stage) -> None:
    """Tell how the buyer's money reaches the cooperatives."""
    page = stage.page
    page.chapter("到款", "The buyer's money arrives: recognised")
    page.say(
        "合作社在自己的银行账户看到货款,登记流水号,并对应到订单。钱到了,应计才变成确认;先前的预付随即被核销。",
        "Each cooperative records the bank line; shares are recognised, and the advance is matched.",
    )
    rows = []
    for supplied in stage.supplies:
        clerk = stage.clerk(supplied.goods)
        order = clerk.get(f"/v1/orders/{supplied.order['id']}", quietly=True)
        amount_fen = order["lines"][0]["accepted_fen"]
        receipt = clerk.post(
            "/v1/receipts",
            {
                "bank_reference": f"ICBC-{order['number']}",
                "payer_name": "交城县财政国库支付中心",
                "amount_fen": amount_fen,
                "received_on": stage.day,
                "orders": [{"order_id": order["id"], "amount_fen": amount_fen}],
            },
        )
        rows.append((clerk.organisation_name, receipt["bank_reference"], yuan(amount_fen)))
    page.table(("供应商|supplier", "银行流水号|bank reference", ">到款(元)|yuan"), rows)
    show_ladder(stage)


def show_ladder(stage: Stage) -> None:
    """Show on which step what the households earned today stands."""
    rows = []
    for supplied in stage.supplies:
        clerk = stage.clerk(supplied.goods)
        found = clerk.get(f"/v1/organisations/{clerk.organisation_id}/statement", stage.window)
        total, advance = found["households"]["total"], found["households"]["advance"]
        rows.append(
            (
                supplied.goods.product,
                *(yuan(total[f"{step}_fen"]) for step in ("accrued", "recognised", "disbursed", "confirmed")),
                yuan(advance["closing_fen"] - advance["opening_fen"]),
            )
        )
    stage.page.table(("农户收入(元)|households", *LADDER, ">未核销预付|advance"), rows, title=TODAY)


def disburse(stage: Stage) -> None:
    """Tell how the cooperatives pay what they owe."""
    page = stage.page
    page.chapter("兑付", "The cooperatives pay, with evidence")
    page.say(
        "合作社把欠农户和村集体的钱付清,每笔带银行凭证号。付给别家农户会被拒绝。",
        "Each cooperative pays what it owes, with evidence; it cannot pay another's household.",
    )
    potato, mushroom = stage.supplies
    household = {"payee_kind": "household", "payee_id": potato.households[0]["id"]}
    stranger = _payment(household, 10_000, "越界付款")
    page.problem(
        stage.clerk(mushroom.goods).refused("/v1/disbursements", _batch(stage, mushroom, [stranger]), status=422)
    )
    rows = [_pay(stage, supplied) for supplied in stage.supplies]
    page.table(
        ("供应商|supplier", ">笔数|payments", ">实付(元)|paid", ">订单带来|by orders", ">补差|top-up", ">预付|advance"),
        rows,
    )


def _pay(stage: Stage, supplied: Supply) -> Sequence[object]:
    clerk = stage.clerk(supplied.goods)
    number = supplied.order["number"]
    due = [
        _payment(owed, owed["recognised_fen"] + owed["top_up_fen"], f"{number}-{owed['payee_name']}")
        for owed in clerk.every("/v1/payables")
    ]
    done = clerk.post("/v1/disbursements", _batch(stage, supplied, due))
    stage.payments += done["payments"]
    figures = ("settled_fen", "top_up_fen", "advance_fen")
    sums = (yuan(sum(each[figure] for each in done["payments"])) for figure in figures)
    return clerk.organisation_name, len(due), yuan(done["amount_fen"]), *sums


def _payment(payee: Mapping[str, Any], amount_fen: int, reference: str) -> Json:
    return {
        "payee_kind": payee["payee_kind"],
        "payee_id": payee["payee_id"],
        "amount_fen": amount_fen,
        "reference": reference,
    }


def _batch(stage: Stage, supplied: Supply, payments: list[Json]) -> Json:
    return {
        "paid_on": stage.day,
        "method": "bank_transfer",
        "evidence": f"银行代发回单 {supplied.order['number']}",
        "payments": payments,
    }


def confirm(stage: Stage) -> None:
    """Tell how the villages confirm for their households."""
    page = stage.page
    page.chapter("农户确认", "The village clerks confirm receipt")
    page.say(
        "村代办员替本村农户确认收到;别的村的付款他看不到。",
        "A village clerk confirms for the households of the village, and sees no other's.",
    )
    ours = {payment["id"] for payment in stage.payments}
    rows = []
    for supplied in stage.supplies:
        village = stage.visitor(supplied.goods.village)
        listed = village.every("/v1/payments", {"confirmed": "false"})
        mine = [payment["id"] for payment in listed if payment["id"] in ours]
        done = village.post("/v1/payments/confirmations", {"payment_ids": mine})
        rows.append((village.organisation_name, done["payments"], yuan(done["amount_fen"])))
    page.table(("村|village", ">笔数|payments", ">金额(元)|yuan"), rows)
    show_ladder(stage)
