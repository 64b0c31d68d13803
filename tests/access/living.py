"""How the lines of the matrix about monitoring, published figures and accounts on paper are asked for."""

from tests.access.ask import Ask, item, said, thing

LIVING = {
    "GET /v1/households/{household_id}/account.pdf household": Ask(thing("household")),
    "GET /v1/households/{household_id}/account.xlsx household": Ask(thing("household")),
    "GET /v1/monitoring/lines": Ask(),
    "POST /v1/monitoring/lines": Ask(
        body=said(region_code="14", year=2026, line_fen=900_000, jump_bp=20_000, jump_fen=1_000_000, source="晋农办发")
    ),
    "GET /v1/monitoring/warnings households": Ask(thing("household"), lists=item("household_id")),
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
