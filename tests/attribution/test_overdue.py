"""What is owed for longer than a region allows is overdue; what was paid of it was its oldest part."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests import factories
from tests.stalls import NOON, VILLAGE, Stalls


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


def test_a_household_is_owed_by_each_cooperative_and_its_village_sees_them_all(stalls: Stalls) -> None:
    owed = stalls.village.get("/payables", payee_id=str(stalls.households[0].id)).json()["items"]
    assert [(item["supplier_name"], item["recognised_fen"]) for item in owed] == [(stalls.supplier.name, 3_058)]
    assert stalls.village.get("/payables", supplier_id=str(stalls.other_supplier.id)).json()["items"] == []
    own = stalls.clerk.get("/payables", supplier_id=str(stalls.supplier.id)).json()["items"]
    assert len(own) == 4
    assert stalls.other_clerk.get("/payables", supplier_id=str(stalls.supplier.id)).json()["items"] == []
