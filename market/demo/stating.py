"""What each may read afterwards: a household, a cooperative, everybody's report, and the four figures kept apart."""

from market.demo.showing import CLASSES
from market.demo.stage import AUDITOR, SWEET_POTATO, Stage
from market.money import yuan

NO_FIGURE = "无 none"


def state_household(stage: Stage) -> None:
    """Tell what one household earned, by income class and step."""
    page, supplied = stage.page, stage.supplies[1]
    household = supplied.households[0]
    page.chapter("农户对账单", "A household's statement")
    page.say(
        "一户同时有三类收入:卖香菇是生产经营性,摘香菇是工资性,入股分红是财产性。每个数字都写明算到哪一步。",
        "One household, three classes of income; each figure says which step it counts.",
    )
    village = stage.visitor(supplied.goods.village)
    found = village.get(f"/v1/households/{household['id']}/statement", stage.window)["total"]
    steps = ("accrued", "recognised", "disbursed", "confirmed")
    page.table(
        (
            "收入类别|class",
            "机制|mechanism",
            ">应计|accrued",
            ">确认|recognised",
            ">兑付|disbursed",
            ">农户确认|confirmed",
        ),
        [
            (
                CLASSES[income["income_class"]],
                income["mechanism_name"],
                *(yuan(income[f"{step}_fen"]) for step in steps),
            )
            for income in found["incomes"]
        ],
        totals=("合计 total", "", *(yuan(found["total"][f"{step}_fen"]) for step in steps)),
        title=f"农户 {household['code']},{household['head_count']}人,期间 {stage.day}",
    )
    advance_fen = found["advance"]["closing_fen"] - found["advance"]["opening_fen"]
    page.table(
        (">实际收到(元)|money received", ">订单带来|brought by orders", ">未核销预付|advance"),
        [(yuan(found["money_received_fen"]), yuan(found["brought_by_orders_fen"]), yuan(advance_fen))],
    )


def state_cooperative(stage: Stage) -> None:
    """Tell what a cooperative sold, received, owes and kept."""
    page, supplied = stage.page, stage.supplies[1]
    clerk = stage.clerk(supplied.goods)
    page.chapter("合作社对账单", "A cooperative's statement")
    found = clerk.get(f"/v1/organisations/{clerk.organisation_id}/statement", stage.window)
    sale, households = found["sale"], found["households"]
    page.table(
        ("项目|item", ">金额(元)|yuan"),
        [
            ("验收合格 accepted", yuan(sale["accepted_fen"])),
            ("退货 returned", yuan(-sale["returned_fen"])),
            ("销售额 sale", yuan(sale["sale_fen"])),
            ("到款 received", yuan(found["received_fen"])),
            ("农户应计 accrued to households", yuan(households["total"]["accrued_fen"])),
            ("留存 retained", yuan(found["retained"]["accrued_fen"])),
            ("尚欠农户 owed to households", yuan(found["owed_fen"])),
        ],
        title=f"{clerk.organisation_name},期间 {stage.day}",
    )


def report(stage: Stage) -> None:
    """Tell how the channels compare."""
    page, auditor = stage.page, stage.visitor(AUDITOR)
    page.chapter("渠道报表", "The year by channel: sale beside income, never divided")
    found = auditor.get("/v1/reports/channel", {"from": f"{stage.today.year}-01-01", "to": stage.day})

    def row(name: str, figures: dict[str, int]) -> tuple[object, ...]:
        amounts = ("sale_fen", "assisted_accrued_fen", "assisted_disbursed_fen", "ordinary_accrued_fen")
        return (name, figures["orders"], figures["households"], *(yuan(figures[amount]) for amount in amounts))

    page.table(
        (
            "渠道|channel",
            ">订单|orders",
            ">带动户|reached",
            ">销售额(元)|sale",
            ">帮扶户应计|accrued",
            ">帮扶户兑付|disbursed",
            ">一般户应计|ordinary",
        ),
        [row(each["name"], each) for each in found["rows"]],
        totals=row("合计", found["totals"]),
    )
    page.note("一户出现在几行里,合计只算一次。 A household in several rows counts once in the total.")
    page.note(
        "兑付按付款日计,含本期之前的销售,可多于本期应计。 Disbursed is what was paid in the period, also for earlier"
        " sales: it may exceed what accrued in it."
    )


def keep_apart(stage: Stage) -> None:
    """Tell the four figures of the first lot."""
    page, supplied = stage.page, stage.supplies[0]
    page.chapter("四个数字", "Four figures that are never mixed")
    found = stage.clerk(supplied.goods).get(f"/v1/lots/{supplied.lot['id']}/income")
    reason = "没有写明基期,就没有增收 no baseline stated" if found["no_increase"] else ""
    page.table(
        ("数字|figure", ">金额(元)|yuan", "说明|meaning"),
        [
            ("销售额 sale", yuan(found["sale_fen"]), "食堂验收合格的金额 accepted by the canteen"),
            ("毛收入 gross", yuan(found["total"]["accrued_fen"]), "农户由此所得,算到应计 households', accrued"),
            ("纯收入 net", NO_FIGURE, "生产支出记在农户账户,不按批次分 see its account"),
            ("增收 increase", yuan(found["increase"]["increase_fen"]) if found["increase"] else NO_FIGURE, reason),
        ],
        title=f"{SWEET_POTATO.product},批次 {found['number']}",
    )
