"""A household's whole account, who lies below the line of monitoring, and what others printed and nobody may add."""

from collections.abc import Iterator, Mapping

from market.demo.showing import CLASSES
from market.demo.stage import AUDITOR, Stage
from market.demo.visiting import Json, Visitor
from market.livelihoods.rules import ITEMS, ItemKind
from market.money import yuan

YEAR, LAST_DAY = 2025, "2026-10-31"
"""The whole year of which the sample has accounts, and its last day."""
JIAOKOU, FANGSHAN, QINGYANG = "141130", "1411281012010001", "6210"
COUNTY, FANGSHAN_COUNTY = "jiaokou-revitalisation.reviewer", "fangshan-revitalisation.reviewer"
SHOWN = 4
"""Households of either side of the line."""
FIGURES = {"gross": "毛收入 gross", "net": "纯收入 net", "net_per_head": "人均纯收入 per head"}
TREATMENTS = {
    "counted": "计入 counted",
    "excluded": "不计入 excluded",
    "expense": "生产支出 expense",
    "monitored_expense": "监测时扣除 monitoring",
}
KINDS = {"press": "报道 press", "forecast": "预测 forecast", "intent": "意向 intent", "agreement": "协议 agreement"}
NO_INCREASE = "无 none"
WHY_NONE = {"no_baseline_confirmed": "没有经县确认的基期", "period_not_over": "期间尚未结束"}


def state_account(stage: Stage) -> None:
    """Tell all that a household had in a year, by class, and the increase against what it had in the year before."""
    page, supplied = stage.page, stage.supplies[1]
    household = supplied.households[0]
    page.chapter("农户账户", "A household's account: orders beside other income")
    page.say(
        f"前面那一户{YEAR}年的全部收支。订单带来的钱和其他收入分列,互不相混;其他收支由村代办员导入,县里另一人核对。",
        "What orders brought stands beside its other income, which the village enters and the county checks.",
    )
    year = _account(stage.visitor(supplied.goods.village), household["id"])["year"]
    known = year["known"]
    _show_classes(stage, known, f"农户 {household['code']},{YEAR}年全年")
    per_head = known["net_per_head"]
    page.list(
        ("毛收入 gross", f"{yuan(known['gross_fen'])}元"),
        ("生产经营支出 expense", f"{yuan(known['operating_expense_fen'])}元"),
        ("纯收入 net", f"{yuan(known['net_fen'])}元,{per_head['heads']}人,人均{yuan(per_head['fen'])}元"),
        ("不计入收入 excluded", f"{yuan(known['excluded_fen'])}元(慰问、专项补助)"),
        ("合规自付 self-paid", f"{yuan(known['self_paid_fen'])}元(只在监测时扣除)"),
        ("县里已核对 checked", f"其他收入{yuan(known['other_fen'])}元中的{yuan(known['other_checked_fen'])}元"),
    )
    _show_increases(stage, year["increases"])
    page.note("增收只对写明的基期计算:村里申报,县里另一人确认。 Only against a stated baseline, by two people's word.")
    page.note("它是全户收入的变化,不是订单带来的钱。 It is of all that the household had, not of what orders brought.")


def _account(reader: Visitor, household_id: object) -> Json:
    return reader.get(f"/v1/households/{household_id}/account", {"year": YEAR})


def _show_classes(stage: Stage, known: Json, title: str) -> None:
    def cells(name: str, orders_fen: int, top_up_fen: int, other_fen: int) -> tuple[str, ...]:
        return (name, *map(yuan, (orders_fen, top_up_fen, other_fen, orders_fen + top_up_fen + other_fen)))

    rows = [
        cells(CLASSES[each["income_class"]], each["from_orders_fen"], each["top_up_paid_fen"], each["other_fen"])
        for each in known["classes"]
    ]
    ahead = ("预付净增 ahead", "", "", "", yuan(known["ahead_fen"]))
    totals = cells("毛收入 gross", known["brought_by_orders_fen"], known["top_up_paid_fen"], known["other_fen"])
    stage.page.table(
        ("收入类别|class", ">订单带来(元)|by orders", ">补差|top-ups", ">其他收入|other", ">合计|sum"),
        [*rows, ahead],
        totals=(*totals[:-1], yuan(known["gross_fen"])),
        title=title,
    )


def _show_increases(stage: Stage, increases: list[Json]) -> None:
    stage.page.table(
        (
            "指标|figure",
            f">{YEAR}年(元)|this year",
            ">基期|baseline",
            "基期来源|source of the baseline",
            ">增收|increase",
        ),
        [
            (
                FIGURES[each["figure"]],
                yuan(each["figure_fen"]),
                NO_INCREASE if each["no_increase"] else yuan(each["baseline_fen"]),
                each["baseline_source"] or WHY_NONE[each["no_increase"]],
                NO_INCREASE if each["no_increase"] else yuan(each["increase_fen"]),
            )
            for each in increases
        ],
    )


def state_transfers(stage: Stage) -> None:
    """Tell of a household of two that lives on transfers: nothing came from orders, and a gift counts for nothing."""
    page = stage.page
    page.chapter("没有订单的一户", "A household of two that no order reached")
    page.say(
        "方山县一户两口人:全是转移性收入,没有一分来自订单;收到的慰问品入账但不计收入;没有基期,就没有增收。",
        "All transfers, nothing from orders; a gift is on record and counts for nothing; no baseline, no increase.",
    )
    county = stage.visitor(FANGSHAN_COUNTY)
    (household,) = (each for each in county.every("/v1/households") if each["code"] == FANGSHAN)
    year = _account(county, household["id"])["year"]
    known = year["known"]
    page.table(
        ("收支|item", "口径|what it does", ">金额(元)|yuan"),
        [
            (ITEMS[ItemKind(each["kind"])].name, TREATMENTS[each["treatment"]], yuan(each["fen"]))
            for each in known["items"]
        ],
        totals=("毛收入 gross", "", yuan(known["gross_fen"])),
        title=f"农户 {household['code']},{household['head_count']}人,{YEAR}年全年",
    )
    (per_head,) = (each for each in year["increases"] if each["figure"] == "net_per_head")
    page.list(
        ("订单带来 by orders", f"{yuan(known['brought_by_orders_fen'])}元"),
        ("人均纯收入 per head", f"{yuan(known['net_per_head']['fen'])}元"),
        ("增收 increase", f"{NO_INCREASE},{WHY_NONE[per_head['no_increase']]}"),
    )


def monitor(stage: Stage) -> None:
    """Tell who of a county lies below the line of the year, and who above it."""
    page, county = stage.page, stage.visitor(COUNTY)
    page.chapter("防返贫监测", "Who lies below the line")
    page.say(
        "按过去十二个月的人均纯收入减合规自付,与本省当年监测线相比;没人核对过的收入,不能把一户抬到线上。",
        "Net per head of twelve months, less what was self-paid; what nobody checked lifts nobody above the line.",
    )
    asked = {"region_code": JIAOKOU, "on": LAST_DAY}
    told = county.get("/v1/monitoring/warnings", asked | {"rule": "below_the_line", "limit": 100})
    below: dict[str, Json] = {alert["household_code"]: alert["figures"] for alert in told["items"]}
    listed = list(county.every("/v1/households", {"on": LAST_DAY}))
    line_fen = max(figures["line_fen"] for figures in below.values())
    page.table(
        ("农户|household", ">人口|heads", ">合规自付(元)|self-paid", ">人均|per head", ">监测线|line", "结果|result"),
        [*_below(below), *_above(county, listed, below, line_fen)],
        title=f"交口县,截至{LAST_DAY}:在册{len(listed)}户,线下{len(below)}户",
    )


def _below(below: Mapping[str, Json]) -> Iterator[tuple[object, ...]]:
    for code, figures in list(below.items())[:SHOWN]:
        fen = min(figures["monitored_per_head_fen"], figures["checked_per_head_fen"])
        self_paid, per_head, line = map(yuan, (figures["self_paid_fen"], fen, figures["line_fen"]))
        yield code, figures["heads"], self_paid, per_head, line, "低于 below"


def _above(
    county: Visitor, listed: list[Json], below: Mapping[str, Json], line_fen: int
) -> Iterator[tuple[object, ...]]:
    for household in [each for each in listed if each["code"] not in below][:SHOWN]:
        asked = {"on": LAST_DAY}
        known = county.get(f"/v1/households/{household['id']}/account", asked, quietly=True)["rolling"]["known"]
        heads = known["net_per_head"]["heads"]
        fen = (known["net_fen"] - known["self_paid_fen"]) // heads
        self_paid, per_head, line = map(yuan, (known["self_paid_fen"], fen, line_fen))
        yield household["code"], heads, self_paid, per_head, line, "高于 above" if fen >= line_fen else "无收支 none"


def keep_unadded(stage: Stage) -> None:
    """Tell what others printed of a city: figures that overlap, each with its scope, and no total of them."""
    page, auditor = stage.page, stage.visitor(AUDITOR)
    page.chapter("别处公布的数字", "Figures that others printed, never added")
    page.say(
        "庆阳市2020年公布的数字照原样登记,各注明口径和来源;它们不是本平台的销售额,也不是收入,没有任何报表会读取。",
        "What was printed of Qingyang is kept as printed: no sale and no income of this market.",
    )
    told = auditor.get("/v1/published-figures", {"limit": 100})
    of_the_city = [each for each in reversed(told["items"]) if each["region_code"] == QINGYANG]
    page.table(
        ("公布的数字|figure", "性质|kind", ">金额(元)|yuan", ">户|households", ">人|people"),
        [
            (
                each["title"],
                KINDS[each["kind"]],
                "" if each["amount_fen"] is None else yuan(each["amount_fen"]),
                *("" if each[counted] is None else f"{each[counted]:,}" for counted in ("households", "people")),
            )
            for each in of_the_city
        ],
    )
    page.note(told["why_no_total_zh"])
    page.note(told["why_no_total_en"])
