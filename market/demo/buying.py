"""The canteen looks, asks whom an order would reach, orders, and says line by line what arrived."""

from collections.abc import Mapping
from typing import Any

from market.demo.showing import quantity, reach_rows, reach_total, short_name
from market.demo.stage import BUYER, RECEIVER, Stage, Supply
from market.demo.visiting import Json
from market.money import yuan

REACH = ("机制|mechanism", "收入类别|class", ">户/集体|payees", ">金额(元)|yuan", ">其中帮扶对象|assisted")
SHORT, DAMAGED = 10, 15
"""Jin of sweet potato that did not arrive, and that arrived spoiled."""


def look(stage: Stage) -> None:
    """Tell what the canteen finds."""
    page, buyer = stage.page, stage.visitor(BUYER)
    page.chapter("选品", "The canteen looks for produce")
    page.say(
        f"{buyer.organisation_name}登录,搜索“香菇”和“红薯”。列出的都在认定有效期内,有存货。",
        "Search by two characters; only products with a valid certificate are listed.",
    )
    for supplied in stage.supplies:
        found = buyer.get("/v1/products", {"q": supplied.goods.search, "in_stock": "true", "limit": 4})
        page.table(
            ("产品|product", "供应商|supplier", ">单价(元)|price", ">可供|available", "认定证书|certificate"),
            [
                (
                    item["name"],
                    short_name(item["supplier"]["name"]),
                    f"{yuan(item['price_tiers'][0]['price_fen'])}/{quantity('', item['unit'])}",
                    item["available"],
                    item["certificate"]["number"],
                )
                for item in found["items"]
            ],
        )


def _request(stage: Stage) -> Json:
    return {
        "channel_code": "canteen",
        "payment_days": 30,
        "lines": [
            {
                "product_id": supplied.product["id"],
                "quantity": str(supplied.goods.quantity),
                "unit": supplied.goods.unit,
                "unit_price_fen": supplied.product["price_tiers"][0]["price_fen"],
            }
            for supplied in stage.supplies
        ],
    }


def foresee(stage: Stage) -> None:
    """Tell whom the order would reach, before it is placed."""
    page, buyer = stage.page, stage.visitor(BUYER)
    page.chapter("先看带动", "The reach, before ordering")
    page.say(
        "下单之前先试算:价格、库存,以及如果全部验收,每种机制会给多少户带来多少钱。什么都不写入。",
        "A dry run: prices, stock, and what each mechanism would bring to how many households.",
    )
    found = buyer.preview("/v1/order-groups", _request(stage))
    page.table(
        (
            "产品|product",
            "供应商|supplier",
            ">数量|quantity",
            ">在售库存|on sale",
            ">单价(元)|price",
            ">金额(元)|yuan",
            ">带动户数|households",
        ),
        [
            (
                line["product_name"],
                short_name(line["supplier_name"]),
                quantity(line["quantity"], line["unit"]),
                quantity(line["on_sale"], line["unit"]),
                yuan(line["unit_price_fen"]),
                yuan(line["amount_fen"]),
                line["reach"]["households"],
            )
            for line in found["lines"]
        ],
        totals=("合计 total", "", "", "", "", yuan(found["amount_fen"]), found["reach"]["households"]),
    )
    page.table(REACH, reach_rows(found["reach"]), totals=("合计 total", "", "", yuan(reach_total(found["reach"])), ""))
    page.note("合计等于订单的不含税金额,一分不差。这是预测,不是收入。 A forecast, not an income.")


def be_refused(stage: Stage) -> None:
    """Tell how an order without a channel is refused."""
    page, buyer = stage.page, stage.visitor(BUYER)
    page.chapter("拒绝", "An order without a channel is refused")
    page.say(
        "七进渠道必填:漏填的订单不会落库,拒绝理由按读者的语言给出。", "Every order names one of the seven channels."
    )
    request = {name: value for name, value in _request(stage).items() if name != "channel_code"}
    page.problem(buyer.refused("/v1/order-groups", request, status=422))


def place(stage: Stage) -> None:
    """Tell how the order is placed, confirmed and shipped."""
    page, buyer = stage.page, stage.visitor(BUYER)
    page.chapter("下单、确认、发货", "Placed, confirmed, shipped")
    page.say(
        "一次下单,按合作社拆成两张订单,各自确认、各自发货。价格、认定证书和带农方案版本在下单时锁定。",
        "One request, one order per cooperative; price, certificate and plan version are pinned.",
    )
    group = buyer.post("/v1/order-groups", _request(stage))
    for supplied in stage.supplies:
        clerk = stage.clerk(supplied.goods)
        (mine,) = (order for order in group["orders"] if order["supplier_id"] == clerk.organisation_id)
        clerk.post(f"/v1/orders/{mine['id']}/confirmation")
        supplied.order = clerk.post(f"/v1/orders/{mine['id']}/shipment", {"shipped_on": stage.day})
    page.table(
        ("订单|order", "供应商|supplier", ">金额(元)|yuan", "状态|status"),
        [
            (
                supplied.order["number"],
                stage.clerk(supplied.goods).organisation_name,
                yuan(supplied.order["amount_fen"]),
                "已发货",
            )
            for supplied in stage.supplies
        ],
        totals=("合计 total", "", yuan(group["amount_fen"]), ""),
        title=f"采购单 {group['number']}",
    )


def accept(stage: Stage) -> None:
    """Tell what arrived, and what is attributed at once."""
    page, receiver = stage.page, stage.visitor(RECEIVER)
    page.chapter("验收", "Accepted line by line; amounts accrue")
    page.say(
        f"收货人逐行验收:红薯少了{SHORT}斤,碰伤腐烂{DAMAGED}斤。只有合格的部分才算销售额,才会归集给农户。",
        "The receiver reports a shortage and damage: only what is accepted is a sale and accrues.",
    )
    answers: list[Json] = []
    rows: list[tuple[object, ...]] = []
    for supplied, (short, damaged) in zip(stage.supplies, ((SHORT, DAMAGED), (0, 0)), strict=True):
        request = _found(stage, supplied, short, damaged)
        found = receiver.post(f"/v1/orders/{supplied.order['id']}/acceptances", request)
        answers.append(found)
        line, report = found["lines"][0], request["lines"][0]
        unit = supplied.goods.unit
        rows.append(
            (
                line["product_name"],
                quantity(supplied.order["lines"][0]["shipped"], unit),
                report["short"],
                report["damaged"],
                quantity(line["accepted"], unit),
                yuan(line["accepted_fen"]),
            )
        )
    sale_fen = sum(answer["accepted_fen"] for answer in answers)
    page.table(
        ("产品|product", ">发货|shipped", ">短少|short", ">破损|damaged", ">合格|accepted", ">销售额(元)|sale"),
        rows,
        totals=("合计 total", "", "", "", "", yuan(sale_fen)),
    )
    for answer in answers:
        _show_accrual(stage, answer["lines"][0])
    page.note("应计:货已验收,钱还没到合作社,更没到农户。 Accrued: not yet paid by anybody.")


def _found(stage: Stage, supplied: Supply, short: int, damaged: int) -> Json:
    shipped = supplied.goods.quantity
    line = {
        "order_line_id": supplied.order["lines"][0]["id"],
        "received": str(shipped - short),
        "accepted": str(shipped - short - damaged),
        "rejected": "0",
        "damaged": str(damaged),
        "short": str(short),
    }
    if short or damaged:
        line["reason"] = "少一袋;袋底碰伤腐烂"
    number = supplied.order["number"]
    return {
        "accepted_on": stage.day,
        "evidence": {"acceptance_note": f"验收单 {number}", "invoice": f"{stage.day[2:4]}142{number[1:]}"},
        "lines": [line],
    }


def _show_accrual(stage: Stage, line: Mapping[str, Any]) -> None:
    reach = line["reach"]
    stage.page.table(
        REACH,
        reach_rows(reach),
        totals=("不含税净额 net", "", "", yuan(reach_total(reach)), ""),
        title=f"{line['product_name']}:应计 {reach['households']} 户,其中帮扶对象 {reach['assisted_households']} 户",
    )
