"""Good health is silent; each invariant, broken behind the guards, is named, and nothing else is."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.doctoring import INVARIANTS, examine
from market.audit.rollup_invariants import ROLLUPS as ROLLUP_INVARIANTS
from tests.audit.breaking import BREAKING
from tests.audit.history import spoil, without
from tests.audit.spoiling import A_ROLLUP

CONSTRAINTS = {
    "distributions": ("distributions_share_a_day_once",),
    "ledger_entries": ["ledger_entries_source_once", "ledger_entries_id_once"],
    "ledger_transfers": ["transfer_is_of_its_entry"],
    "contributions": ["contributions_consigned_has_no_amount"],
    "vault.evidence_contents": ["evidence_contents_hash_is_of_the_bytes"],
    "disbursements": ["disbursements_cash_takes_two"],
    "lots": ["lots_quantity_is_conserved", "lots_stock_is_never_oversold", "lots_parts_alone_share_a_certificate"],
    "plan_versions": ["plan_versions_maker_is_not_checker", "plan_versions_body_is_in_the_bytes"],
    "lot_inputs": ["lot_inputs_quantity_is_positive"],
    "ledger_balances": ["month_is_closed"],
    "price_cuts": ["price_cuts_another_decides"],
}


def names(session: orm.Session) -> set[str]:
    return {symptom.invariant for symptom in examine(session)}


def test_a_healthy_market_has_no_symptom(owner: orm.Session) -> None:
    assert [symptom.line() for symptom in examine(owner)] == []


@pytest.mark.parametrize("name", BREAKING)
def test_a_broken_invariant_is_named(owner: orm.Session, name: str) -> None:
    statements, expected = BREAKING[name]
    for table, constraints in CONSTRAINTS.items():
        for constraint in constraints:
            owner.execute(sa.text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint} CASCADE"))
    spoil(owner, *statements)
    assert names(owner) == expected


ROLLUPS = {
    "a figure of the ladder": "UPDATE report_rollups SET confirmed_fen = confirmed_fen + 1",
    "what was matched": "UPDATE report_rollups SET matched_fen = matched_fen + 1",
    "an advance": "UPDATE report_rollups SET advance_fen = advance_fen + 1",
    "whose it is": "UPDATE report_rollups SET owner_id = supplier_id WHERE kind = 'household'",
    "who bought": "UPDATE report_rollups SET buyer_id = supplier_id WHERE buyer_id IS NOT NULL",
    "through which channel": "UPDATE report_rollups SET channel_code = 'other' WHERE channel_code IS NOT NULL",
    "which product": "UPDATE report_rollups SET product_id = supplier_id WHERE product_id IS NOT NULL",
    "when it was accepted": "UPDATE report_rollups SET accepted_month = month - 1 WHERE product_id IS NOT NULL",
    "by which mechanism": "UPDATE report_rollups SET mechanism = 'labour' WHERE mechanism IS NOT NULL",
    "whether assisted": "UPDATE report_rollups SET assisted = NOT assisted WHERE assisted IS NOT NULL",
    "paid by which batch": "UPDATE report_rollups SET disbursement_id = supplier_id WHERE disbursement_id IS NOT NULL",
    "a row too few": f"DELETE FROM report_rollups WHERE id = {A_ROLLUP}",
    "all rows of a month": "DELETE FROM report_rollups",
    "a transfer that came after": (
        "UPDATE ledger_transfers SET mechanism = 'labour' WHERE mechanism IS NOT NULL"
        " AND effective_on <= (SELECT max(month) + 27 FROM report_months)"
    ),
}


@pytest.mark.parametrize("statement", ROLLUPS.values(), ids=ROLLUPS.keys())
def test_whatever_of_a_rollup_is_not_the_book_is_named(owner: orm.Session, statement: str) -> None:
    spoil(owner, statement)
    (rollup_is_the_book,) = ROLLUP_INVARIANTS
    assert owner.execute(sa.text(rollup_is_the_book.query)).all()


def test_every_invariant_has_its_negative_control() -> None:
    controlled = {name.partition(":")[0] for name in BREAKING} | {"guards_stand", "application_owns_nothing"}
    assert controlled == {invariant.name for invariant in INVARIANTS}


def test_a_symptom_reads_as_a_sentence(owner: orm.Session) -> None:
    spoil(owner, "UPDATE disbursements SET evidence = ' '")
    symptom = examine(owner)[0]
    assert symptom.line("en").startswith(
        "disbursement_has_evidence: broken: a disbursement says in words what proves it"
    )
    assert "违反" in symptom.line("zh")


def test_a_dropped_constraint_alone_is_no_symptom(owner: orm.Session) -> None:
    without(owner, "lots", "lots_quantity_is_conserved")
    assert names(owner) == set()
