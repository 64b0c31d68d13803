"""What is owed for longer than a region allows is overdue; what was paid of it was its oldest part."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests import factories
from tests.stalls import NOON, TODAY, VILLAGE, Desk, Stalls


@pytest.fixture
def stalls(paid_stalls: Stalls) -> Stalls:
    return paid_stalls


def of_first(stalls: Stalls, **query: Any) -> dict[str, Any]:
    """Return what the county sees that the first household is owed."""
    items = stalls.county.get("/payables", payee_id=str(stalls.households[0].id), **query).json()["items"]
    return dict(items[0]) if items else {}


def test_a_share_is_overdue_on_the_thirty_first_day_after_it_was_recognised(stalls: Stalls) -> None:
    for days, overdue_fen in ((30, 0), (31, 3_058)):
        with time_machine.travel(NOON + timedelta(days=days), tick=False):
            owed = of_first(stalls)
            assert (owed["age_days"], owed["within_days"], owed["overdue_fen"]) == (days, 30, overdue_fen)
            assert owed["supplier_name"] == stalls.supplier.name
            listed = stalls.auditor.get("/payables", overdue=True).json()["items"]
            assert len(listed) == (4 if overdue_fen else 0)


def test_what_was_paid_of_a_share_was_its_oldest_part(stalls: Stalls) -> None:
    order, later = stalls.accepted(), NOON + timedelta(days=20)
    with time_machine.travel(later, tick=False):
        stalls.clerk.made("/receipts", stalls.money(order, 10_000, received_on=later.date().isoformat()))
    with time_machine.travel(NOON + timedelta(days=40), tick=False):
        assert (of_first(stalls)["recognised_fen"], of_first(stalls)["overdue_fen"]) == (6_116, 3_058)
        stalls.clerk.made("/disbursements", stalls.payment(1_000))
        assert of_first(stalls)["overdue_fen"] == 2_058
        stalls.clerk.made("/disbursements", stalls.payment(2_100))
        owed = of_first(stalls)
        assert (owed["recognised_fen"], owed["overdue_fen"], owed["age_days"]) == (3_016, 0, 20)
        assert of_first(stalls, overdue=True) == {}


def test_the_days_are_those_of_the_payees_region_from_a_day_on(stalls: Stalls) -> None:
    factories.region(stalls.session, code="141122", name="交城县")
    factories.region(stalls.session, code=VILLAGE)
    for code, days in (("141122", 10), (VILLAGE, 20)):
        terms = {"region_code": code, "valid_from": NOON.date().isoformat(), "within_days": days}
        assert stalls.county.made("/payment-terms", terms) == terms
    for days, overdue_fen in ((20, 0), (21, 3_058)):
        with time_machine.travel(NOON + timedelta(days=days), tick=False):
            owed = of_first(stalls)
            assert (owed["within_days"], owed["overdue_fen"]) == (20, overdue_fen)


def test_terms_are_for_ones_own_region_and_not_for_days_gone_by(stalls: Stalls) -> None:
    terms = {"region_code": "141130", "valid_from": NOON.date().isoformat(), "within_days": 10}
    assert stalls.county.post("/payment-terms", terms).status_code == 404
    past = terms | {"region_code": "141122", "valid_from": "2026-03-01"}
    refused = stalls.county.post("/payment-terms", past)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/valid_from")
    unknown = stalls.county.post("/payment-terms", terms | {"region_code": "141122999"})
    assert unknown.json()["code"] == "unknown_region"


def owes_too(stalls: Stalls, amount_fen: int) -> None:
    """Have the other cooperative sell all its walnuts, some for the first household, and be paid on the next day."""
    household, kg = stalls.households[0], 60
    factories.enrolment(stalls.session, stalls.other_supplier, household)
    lot = factories.lot(stalls.session, stalls.walnuts, quantity_milli=10_000)
    factories.contribution(stalls.session, lot, household, amount_fen=amount_fen)
    order = stalls.placed(stalls.line(stalls.walnuts, str(kg)))
    stalls.other_clerk.made(f"/orders/{order['id']}/confirmation")
    order = stalls.other_clerk.made(f"/orders/{order['id']}/shipment", {"shipped_on": TODAY})
    stalls.receiver.made(f"/orders/{order['id']}/acceptances", stalls.acceptance(order))
    next_day = NOON + timedelta(days=1)
    with time_machine.travel(next_day, tick=False):
        money = stalls.money(order, kg * 400, received_on=next_day.date().isoformat())
        stalls.other_clerk.made("/receipts", money)


def test_a_household_is_owed_by_each_cooperative_and_its_village_sees_them_all(stalls: Stalls) -> None:
    first, ours, theirs = (str(each.id) for each in (stalls.households[0], stalls.supplier, stalls.other_supplier))
    owes_too(stalls, 2_000)

    def owed(desk: Desk, **asked: Any) -> dict[str, tuple[int, int]]:
        items = desk.get("/payables", payee_id=first, **asked).json()["items"]
        return {item["supplier_id"]: (item["recognised_fen"], item["overdue_fen"]) for item in items}

    with time_machine.travel(NOON + timedelta(days=31), tick=False):
        both = {ours: (3_058, 3_058), theirs: (2_000, 0)}
        for desk in (stalls.village, stalls.county, stalls.auditor):
            assert owed(desk) == both, "each by the day on which it was paid itself"
            assert owed(desk, supplier_id=theirs) == {theirs: both[theirs]}
            assert owed(desk, overdue=True) == {ours: both[ours]}
        assert owed(stalls.clerk) == {ours: both[ours]}
        assert owed(stalls.other_clerk) == {theirs: both[theirs]}
        assert owed(stalls.other_clerk, supplier_id=ours) == {}
        stalls.other_clerk.made("/disbursements", stalls.payment(500))
        assert owed(stalls.village) == both | {theirs: (1_500, 0)}, "who pays settles no debt but its own"
        stalls.clerk.made("/disbursements", stalls.payment(3_058))
        assert owed(stalls.village) == {theirs: (1_500, 0)}
