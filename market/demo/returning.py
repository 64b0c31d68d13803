"""Goods come back: what falls, and what of it the households keep as an advance."""

from market.demo.buying import REACH
from market.demo.paying import show_ladder
from market.demo.showing import quantity, reach_rows, reach_total
from market.demo.stage import RECEIVER, Stage
from market.money import yuan

RETURNED = 20
"""Kilograms of shiitake."""


def give_back(stage: Stage) -> None:
    """Tell how part of a line is returned."""
    page, supplied = stage.page, stage.supplies[1]
    receiver = stage.visitor(RECEIVER)
    page.chapter("退货", "Part of a line comes back: the reversal")
    page.say(
        f"随后食堂发现{RETURNED}千克香菇发霉,退货。销售额和每一份归集按“还挂着的”比例冲回;已经付出去的钱不追回,转为预付。",
        "Every share falls in proportion to what remains; money received stays, as an advance again.",
    )
    line = {
        "order_line_id": supplied.order["lines"][0]["id"],
        "quantity": str(RETURNED),
        "resaleable": False,
    }
    done = receiver.post(
        f"/v1/orders/{supplied.order['id']}/returns",
        {"returned_on": stage.day, "reason": "开箱后发现发霉", "lines": [line]},
    )
    (fell,) = done["lines"]
    amount = quantity(fell["quantity"], supplied.goods.unit)
    page.table(
        REACH,
        reach_rows(fell["reach"]),
        totals=("不含税净额 net", "", "", yuan(reach_total(fell["reach"])), ""),
        title=f"{fell['product_name']}退{amount},销售额减少{yuan(fell['amount_fen'])}元",
    )
    page.note(f"其中{yuan(fell['advance_fen'])}元农户和村集体已经收到,不追回,转为预付,由今后的订单核销。")
    show_ladder(stage)
