"""Whatever is altered in the cash book, or in the facts behind it, is named."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.rules import Difference
from market.audit.verifying import verify
from tests.audit.history import spoil, without
from tests.audit.spoiling import TWO_THAT_OWE, cash_moved

AN_ENTRY = "(SELECT min(source) FROM ledger_entries WHERE source LIKE 'cash:acceptance:%')"
A_TRANSFER = f"""
    (SELECT t.id FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id
      WHERE e.source = {AN_ENTRY} AND t.amount_fen > 1 ORDER BY t.position LIMIT 1)
"""
TOUCHES: dict[str, tuple[str, set[Difference]]] = {
    "a fen less": (
        f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {A_TRANSFER}",
        {Difference.AMOUNT, Difference.UNEXPECTED},
    ),
    "a transfer gone": (
        f"DELETE FROM ledger_transfers WHERE id = {A_TRANSFER}",
        {Difference.MISSING, Difference.UNEXPECTED},
    ),
    "another day": (
        f"UPDATE ledger_entries SET original_effective_on = DATE '2026-01-01' WHERE source = {AN_ENTRY}",
        {Difference.DATE},
    ),
    "another fact": (
        f"UPDATE ledger_entries SET facts = facts || '{{\"kept_fen\": 0}}' WHERE source = {AN_ENTRY}",
        {Difference.FACTS, Difference.FACTS_HASH},
    ),
    "another hash": (
        f"UPDATE ledger_entries SET facts_sha256 = repeat('0', 64) WHERE source = {AN_ENTRY}",
        {Difference.FACTS_HASH},
    ),
    "an entry for no fact": (cash_moved(*TWO_THAT_OWE), {Difference.NO_FACT}),
    "an entry for a fact that is not": (
        cash_moved(*TWO_THAT_OWE).replace("'forged'", "'cash:acceptance:00000000-0000-0000-0000-000000000000'"),
        {Difference.NO_FACT},
    ),
    "a movement in custody": (
        "UPDATE bank_lines SET amount_fen = 778 WHERE amount_fen = 777",
        {Difference.AMOUNT},
    ),
    "what a line that belongs to no order was said to be": (
        "UPDATE matching_proposals SET meaning = 'interest'",
        {Difference.MISSING, Difference.UNEXPECTED, Difference.FACTS},
    ),
    "what a settlement settled": (
        "UPDATE settlement_items SET gross_fen = gross_fen - 1",
        {Difference.AMOUNT, Difference.FACTS},
    ),
    "when a settlement came back": (
        "UPDATE settlements SET returned_on = returned_on + 1 WHERE status = 'returned'",
        {Difference.DATE, Difference.MISSING, Difference.UNEXPECTED},
    ),
    "that a settlement came back": (
        "DELETE FROM settlement_changes WHERE event = 'return'",
        {Difference.NO_FACT, Difference.FACTS, Difference.MISSING, Difference.UNEXPECTED},
    ),
    "an amount of a receipt": (
        (
            "UPDATE receipt_allocations SET amount_fen = amount_fen - 1"
            " WHERE id = (SELECT min(id::text)::uuid FROM receipt_allocations WHERE amount_fen = 2000)"
        ),
        {Difference.AMOUNT, Difference.FACTS},
    ),
    "what a refund sent": (
        "UPDATE refund_changes SET away_fen = away_fen - 1 WHERE away_fen > 0",
        {Difference.AMOUNT, Difference.FACTS},
    ),
    "a fee that the provider kept": (
        "UPDATE provider_movements SET fee_fen = 1 WHERE kind = 'charge'",
        {Difference.AMOUNT, Difference.MISSING},
    ),
    "when a dispute took its money": (
        "UPDATE bank_lines SET booked_on = booked_on - 1 WHERE remark = 'adjustment'",
        {Difference.DATE},
    ),
}


@pytest.mark.parametrize("name", TOUCHES)
def test_what_was_touched_of_an_orders_money_is_named(owner: orm.Session, name: str) -> None:
    statement, differences = TOUCHES[name]
    spoil(owner, statement)
    found = verify(owner).findings
    assert {finding.difference for finding in found} == differences


def test_an_entry_that_is_gone_is_named_account_by_account(owner: orm.Session) -> None:
    source = owner.scalar(sa.text(f"SELECT {AN_ENTRY}"))
    entry = f"(SELECT id FROM ledger_entries WHERE source = '{source}')"
    spoil(
        owner,
        f"DELETE FROM ledger_transfers WHERE entry_id = {entry}",
        f"DELETE FROM ledger_entries WHERE source = '{source}'",
    )
    found = verify(owner).findings
    assert {(finding.source, finding.difference) for finding in found} == {(source, Difference.MISSING)}
    assert {finding.owner_kind for finding in found} >= {"buyer_receivable", "supplier_payable"}


def test_an_acceptance_posted_twice_to_the_cash_book_is_named(owner: orm.Session) -> None:
    without(owner, "ledger_entries", "ledger_entries_source_once")
    source = owner.scalar(sa.text(f"SELECT {AN_ENTRY}"))
    spoil(owner, cash_moved(*TWO_THAT_OWE).replace("'forged'", f"'{source}'"))
    assert [finding.difference for finding in verify(owner).findings] == [Difference.POSTED_TWICE]
