"""The cooperatives put a lot on sale, with who gave what to it, and one of them pays ahead."""

from datetime import timedelta

from market import money
from market.demo.showing import UNITS, quantity
from market.demo.stage import SHIITAKE, SWEET_POTATO, Goods, Stage, Supply
from market.demo.visiting import Json, Visitor
from market.money import yuan

ADVANCE_PERCENT = 60
STATUSES = {
    "registered_poor": "脱贫户",
    "unstable": "脱贫不稳定户",
    "marginal": "边缘易致贫户",
    "sudden_hardship": "突发严重困难户",
    "ordinary": "一般户",
}


def supply(stage: Stage) -> None:
    """Tell how two lots come on sale."""
    page = stage.page
    page.chapter("上架", "Two lots go on sale")
    page.say(
        "合作社把今天收的货登记成批次,逐户记下交了多少货、出了多少工;另一名负责人复核后开售,投入就此封存。",
        "Clerks register what each household gave; a second person opens the lot, which seals it.",
    )
    for goods in (SWEET_POTATO, SHIITAKE):
        stage.supplies.append(_put_on_sale(stage, goods))


def _put_on_sale(stage: Stage, goods: Goods) -> Supply:
    clerk, manager = stage.clerk(goods), stage.visitor(f"{goods.cooperative}.manager")
    product = _product(clerk, goods)
    households = _households(clerk, product, goods)
    lot = clerk.post("/v1/lots", _new_lot(stage, goods, product, households))
    given = _given(stage, goods, households)
    clerk.post(f"/v1/lots/{lot['id']}/contributions", {"contributions": given})
    if goods is SHIITAKE:
        number = {"number": f"HGZ-{lot['number']}"}
        clerk.post(f"/v1/lots/{lot['id']}/quality-certificate", number, expected=200)
    lot = manager.post(f"/v1/lots/{lot['id']}/opening", expected=200)
    contributions = list(clerk.every(f"/v1/lots/{lot['id']}/contributions"))
    supplied = Supply(goods, product, lot, households, contributions)
    _show(stage, clerk, supplied)
    return supplied


def _product(clerk: Visitor, goods: Goods) -> Json:
    query = {"q": goods.search, "supplier_id": clerk.organisation_id}
    (listed,) = (item for item in clerk.every("/v1/products", query) if item["name"] == goods.product)
    return clerk.get(f"/v1/products/{listed['id']}", quietly=True)


def _households(clerk: Visitor, product: Json, goods: Goods) -> list[Json]:
    """Return those who give: on the register today, of one village, shareholders first, so that one has every income."""
    plan = clerk.get(f"/v1/plans/{product['plan_id']}", quietly=True)
    body = [version for version in plan["versions"] if version["status"] == "approved"][-1]["body"]
    shareholders = {share["payee_id"] for pool in body["pools"] for share in pool["shares"]}
    enrolled = [each for each in clerk.every("/v1/households") if each["standing"]["on_register"]]
    village_code = enrolled[0]["village_code"]
    neighbours = [each for each in enrolled if each["village_code"] == village_code]
    neighbours.sort(key=lambda each: (not each["standing"]["assisted"], each["id"] not in shareholders, each["code"]))
    return sorted(neighbours[: goods.contributors], key=lambda each: (each["id"] not in shareholders, each["code"]))


def _new_lot(stage: Stage, goods: Goods, product: Json, households: list[Json]) -> Json:
    return {
        "product_id": product["id"],
        "unit": goods.unit,
        "quantity": str(goods.quantity),
        "produced_on": stage.day,
        "expires_on": (stage.today + timedelta(days=goods.keeps_days)).isoformat(),
        "origin_code": households[0]["village_code"],
    }


def _given(stage: Stage, goods: Goods, households: list[Json]) -> list[Json]:
    """Return unequal parts of the lot for everybody, and hours for the first few."""
    weights = [(household["code"], 10 + 7 * place % 11) for place, household in enumerate(households)]
    parts = money.allocate(goods.quantity, weights, salt=goods.product)
    produce = [
        _contribution(stage, household, "order_purchase", part, goods.unit, goods.purchase_price_fen)
        for household, part in zip(households, parts, strict=True)
    ]
    labour = [
        _contribution(stage, household, "labour", hours, "hour", goods.hourly_fen)
        for household, hours in zip(households, goods.hours, strict=False)
    ]
    return produce + labour


def _contribution(stage: Stage, household: Json, mechanism: str, measure: int, unit: str, price_fen: int) -> Json:
    kind = "收购单" if mechanism == "order_purchase" else "工时单"
    return {
        "household_id": household["id"],
        "mechanism": mechanism,
        "measure": str(measure),
        "unit": unit,
        "unit_price_fen": price_fen,
        "delivered_on": stage.day,
        "evidence": f"{kind} {stage.day} {household['code'][-4:]}",
    }


def _show(stage: Stage, clerk: Visitor, supplied: Supply) -> None:
    goods, lot, page = supplied.goods, supplied.lot, stage.page
    names = {household["id"]: household for household in supplied.households}
    of_mechanism = {
        name: [each for each in supplied.contributions if each["mechanism"] == name]
        for name in ("order_purchase", "labour")
    }
    rows: list[list[object]] = []
    for chinese, code, price_fen, unit in (
        ("订单收购", "order_purchase", goods.purchase_price_fen, goods.unit),
        ("务工", "labour", goods.hourly_fen, "hour"),
    ):
        own = of_mechanism[code]
        assisted = [each for each in own if names[each["household_id"]]["standing"]["assisted"]]
        price = f"{yuan(price_fen)} 元/{UNITS[unit]}"
        rows.append([chinese, len(own), len(assisted), price, yuan(sum(each["amount_fen"] for each in own))])
    total_fen = sum(each["amount_fen"] for each in supplied.contributions)
    page.table(
        ("投入|given", ">农户|households", ">其中帮扶对象|assisted", ">单价|price", ">金额(元)|yuan"),
        rows,
        totals=("合计 total", "", "", "", yuan(total_fen)),
        title=f"{clerk.organisation_name} · {goods.product} {quantity(str(goods.quantity), goods.unit)} · 批次 {lot['number']}",
    )


def pay_ahead(stage: Stage) -> None:
    """Tell how households are paid part of their produce before anybody has bought it."""
    page, supplied = stage.page, stage.supplies[0]
    clerk = stage.clerk(supplied.goods)
    page.chapter("先付", "Paid before the sale: an advance")
    page.say(
        f"{clerk.organisation_name}收货当天先付{ADVANCE_PERCENT}%。这是农户真实的收入,但还没有任何订单带来它:记为预付。",
        f"On delivery the cooperative pays {ADVANCE_PERCENT} %: real money, but brought by no order yet.",
    )
    produce = [each for each in supplied.contributions if each["mechanism"] == "order_purchase"]
    codes = {household["id"]: household["code"] for household in supplied.households}
    done = clerk.post(
        "/v1/disbursements",
        {
            "paid_on": stage.day,
            "method": "bank_transfer",
            "evidence": f"银行代发回单 {supplied.lot['number']}",
            "payments": [
                {
                    "payee_id": each["household_id"],
                    "contribution_id": each["id"],
                    "amount_fen": each["amount_fen"] * ADVANCE_PERCENT // 100,
                    "reference": f"{supplied.lot['number']}-{codes[each['household_id']]}",
                }
                for each in produce
            ],
        },
    )
    stage.payments += done["payments"]
    page.table(
        (">付款笔数|payments", ">实付(元)|paid", ">订单带来|brought by orders", ">记为预付|advance"),
        [
            (
                len(done["payments"]),
                yuan(done["amount_fen"]),
                yuan(sum(each["settled_fen"] for each in done["payments"])),
                yuan(sum(each["advance_fen"] for each in done["payments"])),
            )
        ],
    )
