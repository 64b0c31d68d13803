"""The cooperatives put a lot on sale, with who gave what to it, and one of them pays ahead."""

from datetime import timedelta
from typing import NamedTuple

from market import money
from market.demo.showing import quantity
from market.demo.stage import SHIITAKE, SWEET_POTATO, Goods, Stage, Supply
from market.demo.visiting import Json, Visitor
from market.money import yuan
from market.words import UNITS

ADVANCE_PERCENT = 60


class _Kind(NamedTuple):
    """A kind of contribution: its mechanism, what proves it, and its price."""

    mechanism: str
    name: str
    slip: str
    unit: str
    price_fen: int


def supply(stage: Stage) -> None:
    """Tell how two lots come on sale."""
    page = stage.page
    page.chapter("上架", "Two lots go on sale")
    page.say(
        "合作社把今天收的货登记成批次,逐户记下交了多少货、出了多少工;另一名负责人复核后开售,投入就此封存。",
        "Clerks register what each household gave; a second person opens the lot, which seals it.",
    )
    for goods in (SWEET_POTATO, SHIITAKE):
        stage.supplies.append(put_on_sale(stage, goods))


def put_on_sale(stage: Stage, goods: Goods) -> Supply:
    """Register a lot of goods with what each household gave to it, and open it."""
    clerk, manager = stage.clerk(goods), stage.visitor(f"{goods.cooperative}.manager")
    product = _product(clerk, goods)
    pools = _pools(clerk, product)
    households = _households(clerk, pools, goods)
    lot = clerk.post("/v1/lots", _new_lot(stage, goods, product, households))
    path = f"/v1/lots/{lot['id']}"
    clerk.post(f"{path}/contributions", {"contributions": _given(stage, goods, lot, households)})
    if goods is SHIITAKE:  # fresh fungi do not ship without one
        clerk.post(f"{path}/quality-certificate", {"number": f"HGZ-{lot['number']}"}, expected=200)
    lot = manager.post(f"{path}/opening", expected=200)
    supplied = Supply(goods, product, pools, lot, households, list(clerk.every(f"{path}/contributions")))
    _show(stage, clerk, supplied)
    return supplied


def _product(clerk: Visitor, goods: Goods) -> Json:
    query = {"q": goods.search, "supplier_id": clerk.organisation_id}
    (listed,) = (item for item in clerk.every("/v1/products", query) if item["name"] == goods.product)
    return clerk.get(f"/v1/products/{listed['id']}", quietly=True)


def _pools(clerk: Visitor, product: Json) -> list[Json]:
    plan = clerk.get(f"/v1/plans/{product['plan_id']}", quietly=True)
    approved = [version for version in plan["versions"] if version["status"] == "approved"]
    pools: list[Json] = approved[-1]["body"]["pools"]
    return pools


def _households(clerk: Visitor, pools: list[Json], goods: Goods) -> list[Json]:
    """Return who gives: assisted neighbours who are on the register today, the shareholders of the plan first."""
    shareholders = {share["payee_id"] for pool in pools for share in pool["shares"]}
    enrolled = [each for each in clerk.every("/v1/households") if each["eligibility"]["on_register"]]
    neighbours = [each for each in enrolled if each["village_code"] == enrolled[0]["village_code"]]

    def place(household: Json) -> tuple[bool, str]:
        return household["id"] not in shareholders, household["code"]

    neighbours.sort(key=lambda each: (not each["eligibility"]["assisted"], place(each)))
    return sorted(neighbours[: goods.contributors], key=place)


def _new_lot(stage: Stage, goods: Goods, product: Json, households: list[Json]) -> Json:
    return {
        "product_id": product["id"],
        "unit": goods.unit,
        "quantity": str(goods.quantity),
        "produced_on": stage.day,
        "expires_on": (stage.today + timedelta(days=goods.keeps_days)).isoformat(),
        "origin_code": households[0]["village_code"],
    }


def _kinds(goods: Goods) -> tuple[_Kind, _Kind]:
    produce = _Kind("order_purchase", "订单收购", "收购单", goods.unit, goods.purchase_price_fen)
    return produce, _Kind("labour", "务工", "工时单", "hour", goods.hourly_fen)


def _given(stage: Stage, goods: Goods, lot: Json, households: list[Json]) -> list[Json]:
    """Return unequal parts of the lot for everybody, and hours for the first few."""
    produce, labour = _kinds(goods)
    weights = [(household["code"], 10 + 7 * place % 11) for place, household in enumerate(households)]
    parts = money.allocate(goods.quantity, weights, salt=goods.product)
    gave = [(produce, household, part) for household, part in zip(households, parts, strict=True)]
    gave += [(labour, household, hours) for household, hours in zip(households, goods.hours, strict=False)]
    return [
        {
            "household_id": household["id"],
            "mechanism": kind.mechanism,
            "measure": str(measure),
            "unit": kind.unit,
            "unit_price_fen": kind.price_fen,
            "delivered_on": stage.day,
            "evidence": f"{kind.slip} {lot['number']} {household['code'][-4:]}",
        }
        for kind, household, measure in gave
    ]


def _show(stage: Stage, clerk: Visitor, supplied: Supply) -> None:
    goods = supplied.goods
    assisted = {household["id"] for household in supplied.households if household["eligibility"]["assisted"]}
    rows: list[tuple[object, ...]] = []
    for kind in _kinds(goods):
        own = [each for each in supplied.contributions if each["mechanism"] == kind.mechanism]
        givers = {each["household_id"] for each in own}
        price = f"{yuan(kind.price_fen)}元/{UNITS[kind.unit][1]}"
        amount_fen = sum(each["amount_fen"] for each in own)
        rows.append((kind.name, len(givers), len(givers & assisted), price, yuan(amount_fen)))
    amount = quantity(str(goods.quantity), goods.unit)
    stage.page.table(
        ("投入|given", ">农户|households", ">其中帮扶对象|assisted", ">单价|price", ">金额(元)|yuan"),
        rows,
        totals=("合计 total", "", "", "", yuan(sum(each["amount_fen"] for each in supplied.contributions))),
        title=f"{clerk.organisation_name} · {goods.product}{amount} · 批次 {supplied.lot['number']}",
    )


def pay_ahead(stage: Stage) -> None:
    """Tell how households are paid part of their produce before anybody has bought it."""
    page, supplied = stage.page, stage.supplies[0]
    clerk = stage.clerk(supplied.goods)
    page.chapter("先付", "Paid before the sale: an advance")
    page.say(
        f"{clerk.organisation_name}收货当天先付{ADVANCE_PERCENT}%。这是农户真实的收入,但还没有任何订单带来它:记为预付。",
        f"The cooperative pays {ADVANCE_PERCENT} % on delivery: real money, brought by no order yet.",
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
    settled_fen, advance_fen = (
        sum(payment[figure] for payment in done["payments"]) for figure in ("settled_fen", "advance_fen")
    )
    page.table(
        (">付款笔数|payments", ">实付(元)|paid", ">订单带来|brought by orders", ">记为预付|advance"),
        [(len(done["payments"]), yuan(done["amount_fen"]), yuan(settled_fen), yuan(advance_fen))],
    )
