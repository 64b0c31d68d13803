"""The auditor walks from a household back to the order lines that were accepted and paid, and recomputes the book."""

from collections.abc import Iterable, Mapping
from typing import Any

from market.demo.showing import quantity
from market.demo.stage import AUDITOR, SHIITAKE, Stage
from market.demo.visiting import Json
from market.money import yuan

STEPS: Mapping[str, str] = {
    "accrued": "应计",
    "recognised": "确认",
    "disbursed": "兑付",
    "confirmed": "农户确认",
    "advance": "预付",
    "top_up": "补差",
    "top_up_paid": "补差已付",
}


class UnsoundMarketError(RuntimeError):
    """The auditor found that the book is not what the facts make it, or that an invariant is broken."""


def trace(stage: Stage) -> None:
    """Tell how one household's income walks back to an order line."""
    page, supplied, auditor = stage.page, stage.supplies[1], stage.visitor(AUDITOR)
    household = supplied.households[0]
    page.chapter("审计:追溯", "Audit: from a household back to the order line")
    page.say(
        f"审计员从农户{household['code']}出发,找到带来这笔收入的订单行:谁买的,验收了多少,哪笔银行到款,依据哪张收购单。",
        "From a household back to who bought, what was accepted, which bank line paid, which slip proves it.",
    )
    path = f"/v1/audit/households/{household['id']}/trace"
    found = auditor.get(path, {**stage.window, "limit": 100})
    (item,) = (each for each in found["items"] if each["order"]["number"] == supplied.order["number"])
    order, line = item["order"], item["line"]
    sale = line["sale"]
    page.list(
        ("订单 order", f"{order['number']},{order['buyer_name'].removesuffix('(样例)')}"),
        ("订单行 line", f"{line['product_name']},认定证书 {line['certificate_number']}"),
        (
            "验收 accepted",
            f"{quantity(sale['accepted'], sale['unit'])},其中退货 {quantity(sale['returned'], sale['unit'])}",
        ),
        ("销售额 sale", f"{yuan(sale['gross_fen'])}元"),
        *(("到款 receipt", f"{part['bank_reference']},{yuan(part['amount_fen'])}元") for part in item["receipts"]),
        *(("批次 lot", f"{lot['number']},合格证 {lot['quality_certificate']}") for lot in line["lots"]),
        ("带农方案 plan", f"第{line['plan']['number']}版,sha256 {line['plan']['sha256'][:16]}…"),
    )
    own = [share for share in line["shares"] if share["owner_id"] == household["id"]]
    page.table(
        ("机制|mechanism", "环节|step", ">金额(元)|yuan", "投入依据|what proves it", "付款日|paid on"),
        [
            (
                share["mechanism_name"],
                STEPS[share["step"]],
                yuan(share["amount_fen"]),
                share["contribution"]["evidence"] if share["contribution"] else "方案股份",
                share["payment"]["paid_on"] if share["payment"] else "",
            )
            for share in own
        ],
        totals=("合计 total", "", yuan(sum(share["amount_fen"] for share in own)), "", ""),
    )
    _trace_forward(stage, supplied.order)


def _trace_forward(stage: Stage, order: Json) -> None:
    """Show the same order line from the other end: whom all of it reached."""
    page = stage.page
    found = stage.visitor(AUDITOR).get(f"/v1/audit/orders/{order['id']}/trace")
    (line,) = found["lines"]
    kinds = (("household", "农户 households"), ("collective", "村集体 collectives"), ("retained", "留存 retained"))
    page.table(
        ("归属|owner", ">数量|owners", ">金额(元)|yuan"),
        [(name, *_count_and_sum(line["shares"], kind)) for kind, name in kinds],
        totals=("不含税净额 net", "", yuan(line["sale"]["net_fen"])),
        title=f"反过来看{SHIITAKE.product}这一行到了谁手里  Forward: whom the line reached",
    )


def _count_and_sum(shares: Iterable[Mapping[str, Any]], kind: str) -> tuple[int, str]:
    own = [share for share in shares if share["kind"] == kind and not share["step"].startswith("top_up")]
    return len({share["owner_id"] for share in own}), yuan(sum(share["amount_fen"] for share in own))


def verify(stage: Stage) -> None:
    """Tell how the whole book is recomputed and every invariant asked; raises `UnsoundMarketError` for a finding."""
    page, auditor = stage.page, stage.visitor(AUDITOR)
    page.chapter("审计:核账", "Audit: the whole book, recomputed")
    page.say(
        "另一套算法从原始事实重算每一笔归集,与账簿逐分比对;再逐条检查不变量。",
        "A second implementation recomputes every posting from the facts; then every invariant is asked.",
    )
    verified = auditor.get("/v1/audit/verification")
    examined = auditor.get("/v1/audit/invariants")
    page.table(
        (">供应商|suppliers", ">订单行|lines", ">凭证|entries", ">分录|transfers", ">差异|differences"),
        [tuple(f"{verified[name]:,}" for name in ("suppliers", "lines", "entries", "transfers", "difference_count"))],
    )
    page.table(
        (">不变量|invariants", ">被违反|broken"),
        [(len(examined["invariants"]), len(examined["symptoms"]))],
    )
    sentences = [found["sentence"] for found in (*verified["findings"], *examined["symptoms"])]
    if sentences:
        raise UnsoundMarketError("\n".join(sentences))
    page.note("账实相符,一分不差。 The book is what the facts make it, to the fen.")
