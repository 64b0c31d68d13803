"""The auditor names whatever of an annulment is not as the facts make it."""

import pytest
from sqlalchemy import orm

from market.audit.rules import Difference
from market.audit.verifying import verify
from tests.audit.history import spoil

SUBJECTS = {"distribution": "distribution", "contribution": "contributions"}
"""What may be annulled, and how an entry names it."""
_ENTRY = """
    (SELECT e.id FROM ledger_entries e JOIN annulments n
         ON e.source = concat('annulment:', n.id) AND n.{subject}_id IS NOT NULL)
"""
_MOVE = f"""
    (SELECT t.id FROM ledger_transfers t
       JOIN ledger_accounts d ON d.id = t.debit_account_id
       JOIN ledger_accounts c ON c.id = t.credit_account_id
      WHERE t.entry_id = {_ENTRY} AND {{which}} ORDER BY t.id LIMIT 1)
"""
CHANGES = {
    "takes less off": ("UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {off}", Difference.AMOUNT),
    "gives less back": ("UPDATE ledger_transfers SET amount_fen = amount_fen - 1 WHERE id = {back}", Difference.AMOUNT),
    "takes back what was received": ("DELETE FROM ledger_transfers WHERE id = {ahead}", Difference.MISSING),
    "is of another day": (
        "UPDATE ledger_entries SET original_effective_on = effective_on - 1 WHERE id = {entry}",
        Difference.DATE,
    ),
    "says not of what": ("UPDATE ledger_entries SET facts = facts - '{named}' WHERE id = {entry}", Difference.FACTS),
    "was not approved": ("UPDATE annulments SET status = 'rejected', approval_id = NULL", Difference.NO_FACT),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_whatever_of_an_annulment_is_not_as_the_facts_make_it_is_named(
    owner: orm.Session, subject: str, change: str
) -> None:
    statement, difference = CHANGES[change]
    told = statement.format(
        named=SUBJECTS[subject],
        entry=_ENTRY.format(subject=subject),
        off=_MOVE.format(subject=subject, which="c.kind = 'base' AND d.kind = 'household'"),
        back=_MOVE.format(subject=subject, which="d.kind = 'base'"),
        ahead=_MOVE.format(subject=subject, which="c.step = 'advance'"),
    )
    spoil(owner, told)
    assert difference in {finding.difference for finding in verify(owner).findings}
