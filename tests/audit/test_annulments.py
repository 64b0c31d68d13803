"""The auditor names whatever of an annulment is not as the facts make it."""

import pytest
from sqlalchemy import orm

from market.audit.rules import Difference
from market.audit.verifying import verify
from tests.audit.history import spoil

ENTRY = "(SELECT id FROM ledger_entries WHERE reason = 'annulment')"
MOVE = f"""
    (SELECT t.id FROM ledger_transfers t
       JOIN ledger_accounts d ON d.id = t.debit_account_id
       JOIN ledger_accounts c ON c.id = t.credit_account_id
      WHERE t.entry_id = {ENTRY} AND {{which}} ORDER BY t.id LIMIT 1)
"""
OFF = MOVE.format(which="c.kind = 'base' AND d.kind = 'household'")
BACK = MOVE.format(which="d.kind = 'base'")
AHEAD = MOVE.format(which="c.step = 'advance'")


@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        (f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {OFF}", Difference.AMOUNT),
        (f"UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {BACK}", Difference.AMOUNT),
        (f"DELETE FROM ledger_transfers WHERE id = {AHEAD}", Difference.MISSING),
        (
            f"UPDATE ledger_entries SET original_effective_on = effective_on - 1 WHERE id = {ENTRY}",
            Difference.DATE,
        ),
        (f"UPDATE ledger_entries SET facts = facts - 'distribution' WHERE id = {ENTRY}", Difference.FACTS),
        ("UPDATE annulments SET status = 'rejected'", Difference.NO_FACT),
    ],
)
def test_whatever_of_an_annulment_is_not_as_the_facts_make_it_is_named(
    owner: orm.Session, statement: str, difference: Difference
) -> None:
    spoil(owner, statement)
    assert difference in {finding.difference for finding in verify(owner).findings}
