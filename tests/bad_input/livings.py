"""Items, baselines and files that no account can take."""

from typing import Any

from tests.bad_input.fair import INVALID, NOBODY, Ask, Case, Fair


def item(fair: Fair, *, household: object = None, **changed: Any) -> Ask:
    """Record a pension of a household, with changes."""
    body = {
        "kind": "pension",
        "amount_fen": 100,
        "occurred_on": "2026-02-10",
        "source": "县人社局",
        "evidence": "发放表",
    }
    path = f"/households/{household or fair.households[0].id}/account-items"
    return Ask(fair.village, "POST", path, body | changed)


def table(fair: Fair, content: str) -> Ask:
    """Import a file."""
    return Ask(fair.village, "POST", "/account-items/imports", {"file_name": "a.csv", "content": content})


def baseline(fair: Fair, **changed: Any) -> Ask:
    """State what a household's net income was in 2025, with changes."""
    year = {"period_from": "2025-01-01", "period_to": "2025-12-31"}
    body = {"figure": "net", "amount_fen": 100, "source": "采集表"} | year
    return Ask(fair.village, "POST", f"/households/{fair.households[0].id}/baselines", body | changed)


def check(fair: Fair, **changed: Any) -> Ask:
    """Check the village's items of 2026, with changes."""
    body = {
        "village_code": fair.households[0].village_code,
        "period_from": "2026-01-01",
        "period_to": "2026-12-31",
        "items": 1,
        "amount_fen": 100,
    }
    return Ask(fair.county, "POST", "/account-items/checks", body | changed)


CASES: list[Case] = [
    (
        "wages that a supplier of the market is said to pay",
        lambda f: item(f, kind="wage_elsewhere", source=f"{f.supplier.name} 二月工资"),
        422,
        "supplier_as_source",
        ["/source"],
    ),
    ("a check of more items than there are", lambda f: check(f, items=999), 409, "items_to_check", ["/items"]),
    ("a check of no items", lambda f: check(f, items=0), 422, INVALID, ["/items"]),
    (
        "a check beyond the county",
        lambda f: check(f, village_code=f.stranger.village_code),
        422,
        "village_outside_region",
        ["/village_code"],
    ),
    ("a replacement without its reason", lambda f: baseline(f, replaces=NOBODY), 422, INVALID, ["/reason"]),
    (
        "a replacement of no baseline",
        lambda f: baseline(f, replaces=NOBODY, reason="漏计"),
        404,
        "not_found",
        ["/replaces"],
    ),
    ("an item of no household", lambda f: item(f, household=NOBODY), 404, "not_found", []),
    ("an item of another county's household", lambda f: item(f, household=f.stranger.id), 404, "not_found", []),
    ("an item of no kind", lambda f: item(f, kind="lottery"), 422, INVALID, ["/kind"]),
    ("an item of nothing", lambda f: item(f, amount_fen=0), 422, INVALID, ["/amount_fen"]),
    ("an item above all that a household has", lambda f: item(f, amount_fen=10**9 + 1), 422, INVALID, ["/amount_fen"]),
    ("an item that names a telephone", lambda f: item(f, evidence="13800000000 张"), 422, INVALID, ["/evidence"]),
    ("an item that names a bank card", lambda f: item(f, source="卡6222020200112230004"), 422, INVALID, ["/source"]),
    ("an item in yuan and fen", lambda f: item(f, amount_fen=1.5), 422, INVALID, ["/amount_fen"]),
    ("an item of tomorrow", lambda f: item(f, occurred_on="2026-03-03"), 422, "future_date", ["/occurred_on"]),
    ("an item of long ago", lambda f: item(f, occurred_on="2018-12-31"), 422, "item_too_old", ["/occurred_on"]),
    ("an item that says itself whether it counts", lambda f: item(f, counted=True), 422, INVALID, ["/counted"]),
    (
        "a reversal of no item",
        lambda f: Ask(f.village, "POST", f"/account-items/{NOBODY}/reversal", {"reason": "重复"}),
        404,
        "not_found",
        [],
    ),
    ("a file that is not base64", lambda f: table(f, "户编号"), 422, INVALID, ["/content"]),
    ("a file without headings", lambda f: table(f, "YQ=="), 422, INVALID, ["/content"]),
    (
        "a baseline of half a year",
        lambda f: baseline(f, period_to="2025-06-30"),
        422,
        "baseline_period",
        ["/period_to"],
    ),
    ("a baseline beyond a household", lambda f: baseline(f, amount_fen=-(10**9) - 1), 422, INVALID, ["/amount_fen"]),
    ("a baseline without an end", lambda f: baseline(f, period_to="9999-12-31"), 422, INVALID, ["/period_to"]),
    ("a baseline of no figure", lambda f: baseline(f, figure="sale"), 422, INVALID, ["/figure"]),
]
