"""Whatever is altered in the cash book, or in the facts behind it, is named."""

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.cash_comparing import KNOWN
from market.audit.cash_replaying import instructed, meant, mirrored, replay
from market.audit.provider_replaying import told_by_provider
from market.audit.reading import load
from market.audit.rules import Difference
from market.audit.verifying import suppliers_of_the_book, verify
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


NEVER_HAPPENED = {
    "a settlement failed": "concat('cash:failure:', id) FROM settlements WHERE status = 'confirmed'",
    "a settlement came back": "concat('cash:settlement_return:', id) FROM settlements WHERE status = 'confirmed'",
    "what came back was settled no more": (
        "concat('cash:unsettlement:', i.id) FROM settlement_items i JOIN settlements s ON s.id = i.settlement_id"
        " WHERE s.status = 'confirmed'"
    ),
    "a refund came back": "concat('cash:refund_back:', id) FROM refunds WHERE back_line_id IS NULL",
    "what a refund was asked to send": "concat('cash:refund:', id) FROM refund_changes WHERE away_fen = 0",
    "a dispute was lost": "concat('cash:dispute_lost:', id) FROM disputes WHERE status = 'won'",
}


@pytest.mark.parametrize("source", NEVER_HAPPENED.values(), ids=NEVER_HAPPENED.keys())
def test_an_entry_of_what_never_happened_to_something_is_named(owner: orm.Session, source: str) -> None:
    spoil(owner, cash_moved(*TWO_THAT_OWE).replace("'forged'", f"(SELECT {source} LIMIT 1)"))
    assert [finding.difference for finding in verify(owner).findings] == [Difference.NO_FACT]


def test_what_is_taken_for_a_fact_is_what_the_replay_expects(owner: orm.Session) -> None:
    expected = {each.source for each in (*mirrored(owner), *meant(owner), *instructed(owner), *told_by_provider(owner))}
    for supplier_id in suppliers_of_the_book(owner):
        expected |= {each.source for each in replay(owner, load(owner, supplier_id))}
    assert set(owner.scalars(sa.text(KNOWN))) == expected
