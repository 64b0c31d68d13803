"""How the lines of the matrix about items, monitoring, published figures and accounts on paper are asked for."""

from base64 import b64encode
from typing import Any

from tests.access.ask import Ask, Asked, item, said, thing
from tests.access.place import PLACES
from tests.stalls import TODAY

ITEM = said(kind="pension", amount_fen=100, occurred_on=TODAY, source="县人社局", evidence="发放表")
THIS_YEAR = {"period_from": "2026-01-01", "period_to": "2026-12-31"}


def _checked(asked: Asked) -> Any:
    items = sum(code == asked.place.code for code in PLACES.values()) or 1
    return {"village_code": asked.place.code, "items": items, "amount_fen": items * 10_000} | THIS_YEAR


def _items(asked: Asked) -> Any:
    table = f"户编号,类别,金额(元),日期,来源,凭证\n{asked.place.household_code},养老金,1,{TODAY},县人社局,表1"
    return {"file_name": "养老金.csv", "content": b64encode(table.encode()).decode()}


LIVING = {
    "POST /v1/households/{household_id}/account-items household": Ask(thing("household"), ITEM),
    "GET /v1/households/{household_id}/account-items household": Ask(thing("household")),
    "GET /v1/account-items items": Ask(thing("item"), params=lambda _: {"region_code": "14"} | THIS_YEAR, lists=item()),
    "POST /v1/account-items/checks village": Ask(body=_checked),
    "POST /v1/account-items/{item_id}/reversal item": Ask(thing("item"), said(reason="重复登记")),
    "POST /v1/account-items/imports household": Ask(body=_items),
    "GET /v1/households/{household_id}/account.pdf household": Ask(thing("household")),
    "GET /v1/households/{household_id}/account.xlsx household": Ask(thing("household")),
    "GET /v1/monitoring/lines": Ask(),
    "POST /v1/monitoring/lines": Ask(
        body=said(
            region_code="14",
            year=2026,
            line_fen=900_000,
            jump_bp=20_000,
            jump_fen=1_000_000,
            unchecked_fen=100_000,
            unchecked_days=30,
            source="晋农办发",
        )
    ),
    "GET /v1/monitoring/warnings households": Ask(thing("household"), lists=item("household_id")),
    "GET /v1/monitoring/evidence disbursements": Ask(thing("unproved"), lists=item("disbursement_id")),
    "GET /v1/monitoring/records lots": Ask(
        thing("held_lot"), params=lambda _: {"from": "2020-01-01", "to": "2020-12-31"}, lists=item()
    ),
    "GET /v1/monitoring/counts": Ask(),
    "GET /v1/published-figures": Ask(),
    "POST /v1/published-figures": Ask(
        body=said(
            kind="press",
            title="线上农产品零售额",
            amount_fen=26_000_000_000,
            region_code="141122106201",
            scope="经扶贫832等平台",
            period_from="2020-01-01",
            period_to="2020-12-31",
            source="年度总结",
        )
    ),
}
