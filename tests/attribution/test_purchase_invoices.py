"""A purchase invoice (type 16) is issued to a farmer for produce of its own: nobody else has one."""

from typing import Any

import pytest
import sqlalchemy as sa

from market.attribution.paying import PRODUCE, InvoiceNotForProduceError, check_purchase_invoice
from market.benefits.rules import MECHANISMS, Measure, Mechanism, Payee
from tests import factories
from tests.stalls import NOON, TODAY, Desk, Stalls

NUMBER = "26142000000012345678"
LISTED = {"method": "bank_transfer", "evidence": "代发清单"}


@pytest.fixture
def stalls(paid_stalls: Stalls) -> Stalls:
    return paid_stalls


def refused(desk: Desk, batch: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return the answers to the payments, to their dry run, and to a list of them for the bank."""
    listed = LISTED | {"payments": batch["payments"]}
    asked = (("/disbursements", batch), ("/disbursements?dry_run=true", batch), ("/pay-lists", listed))
    answers = [desk.post(path, body) for path, body in asked]
    return [(each.status_code, each.json()["code"], each.json()["errors"][0]["pointer"]) for each in answers]


NOT_FOR_PRODUCE = [(422, "invoice_not_for_produce", "/payments/0/invoice_number")] * 3


def test_what_is_paid_for_produce_stands_on_a_purchase_invoice(stalls: Stalls) -> None:
    batch = stalls.payment(1_000, contribution_id=str(stalls.contributions[0]), invoice_number=NUMBER)
    assert stalls.clerk.made("/disbursements", batch)["payments"][0]["settled_fen"] == 1_000


def test_a_villages_collective_sells_no_produce_of_its_own(stalls: Stalls) -> None:
    collective: dict[str, Any] = {"payee_kind": "collective", "payee_id": str(stalls.collective.id)}
    batch = stalls.payment(100, **collective, invoice_number=NUMBER)
    assert refused(stalls.clerk, batch) == NOT_FOR_PRODUCE
    by_invoice = stalls.payment(100, **collective, reference=NUMBER) | {"method": "purchase_invoice"}
    answer = stalls.clerk.post("/disbursements", by_invoice)
    assert answer.json()["errors"][0]["detail"].startswith("A purchase invoice (type 16) is for a household's own")
    chinese = stalls.clerk.post("/disbursements", by_invoice, **{"Accept-Language": "zh"})
    assert chinese.json()["detail"] == "农产品收购发票(类型 16)只用于向农户收购自产农产品:收款方为村集体。"


def test_no_dividend_is_settled_by_a_purchase_invoice(stalls: Stalls) -> None:
    """The third household has delivered nothing: all that it is owed is a dividend."""
    assert refused(stalls.clerk, stalls.payment(1, household=2, invoice_number=NUMBER)) == NOT_FOR_PRODUCE
    whole = stalls.payment(3_058, invoice_number=NUMBER)
    assert refused(stalls.clerk, whole) == NOT_FOR_PRODUCE, "of which some is a dividend"


def test_no_work_is_paid_ahead_by_a_purchase_invoice(stalls: Stalls) -> None:
    lot, first = factories.lot(stalls.session, stalls.dates), stalls.households[0]
    contribution = factories.contribution(stalls.session, lot, first, mechanism=Mechanism.LABOUR)
    batch = stalls.payment(1, contribution_id=str(contribution.id), invoice_number=NUMBER)
    assert refused(stalls.clerk, batch) == NOT_FOR_PRODUCE


@pytest.mark.parametrize("number", ["9" * 20, "27142000000012345678", "26992000000012345678"])
def test_a_number_that_no_bureau_can_have_issued_by_then_is_none(stalls: Stalls, number: str) -> None:
    assert TODAY[:4] == str(NOON.year) == "2026"
    batch = stalls.payment(1, contribution_id=str(stalls.contributions[0]), invoice_number=number)
    assert refused(stalls.clerk, batch) == [(422, "einvoice_number", "/payments/0/invoice_number")] * 3


@pytest.mark.parametrize("mechanism", Mechanism)
def test_produce_is_what_households_are_paid_for_by_quantity(mechanism: Mechanism) -> None:
    by_quantity = Measure.QUANTITY in MECHANISMS[mechanism].measures
    assert (mechanism in PRODUCE) is by_quantity
    if by_quantity:
        check_purchase_invoice(Payee.HOUSEHOLD, {mechanism, None}, pointer="/x")
    else:
        with pytest.raises(InvoiceNotForProduceError, match=mechanism):
            check_purchase_invoice(Payee.HOUSEHOLD, {mechanism, Mechanism.ORDER_PURCHASE}, pointer="/x")


def test_an_invoice_of_a_collective_is_kept_out_by_the_database_itself(stalls: Stalls) -> None:
    of_collective = sa.text("UPDATE payments SET household_id = NULL, collective_id = :collective")
    stalls.clerk.made(
        "/disbursements", stalls.payment(1_000, contribution_id=str(stalls.contributions[0]), invoice_number=NUMBER)
    )
    with pytest.raises(sa.exc.DBAPIError), stalls.session.begin_nested():
        stalls.session.execute(of_collective, {"collective": stalls.collective.id})
