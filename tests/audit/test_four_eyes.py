"""Whatever one makes and another approves is held against who did both: no table with two such persons is left out."""

import re

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.audit.four_eyes_invariants import APPROVALS
from market.db import Base
from tests.audit.decisions import APPROVED_ALONE
from tests.audit.history import spoil, without

OTHERWISE = {
    "consents": "any clerk of the village may withdraw what another recorded",
    "disbursements": "cash_was_countersigned",
    "price_cuts": "price_cut_was_taken_by_its_buyer",
}
"""Tables of which the second person is no checker, or checked by an invariant of its own."""

SIGNED = {
    "account_item_checks": ("recorder_is_not_checker",),
    "bank_accounts": ("another_confirms", "confirmation_is_signed"),
    "annulments": ("maker_is_not_checker", "decision_is_signed"),
    "baselines": ("maker_is_not_checker",),
    "distributions": ("maker_is_not_checker", "decision_is_signed"),
    "enrolments": ("maker_is_not_checker",),
    "household_baselines": ("maker_is_not_checker", "decision_is_signed"),
    "lots": ("opener_is_not_maker", "opening_is_signed"),
    "matching_proposals": ("another_decides", "decided_is_signed", "decided_has_its_time"),
    "members": ("another_admits", "admission_is_signed"),
    "objections": ("objector_does_not_settle",),
    "plan_versions": ("maker_is_not_checker", "decision_is_signed"),
    "refunds": ("another_decides", "decided_is_signed"),
    "register_versions": ("maker_is_not_checker", "decision_is_signed"),
    "second_distributions": ("maker_is_not_checker", "decision_is_signed"),
    "settlements": ("another_decides", "another_has_it_reversed"),
}
"""The constraints that would refuse it."""


@pytest.mark.parametrize("statement", APPROVED_ALONE.values(), ids=APPROVED_ALONE.keys())
def test_what_one_person_or_its_body_approved_alone_is_named(owner: orm.Session, statement: str) -> None:
    for table, constraints in SIGNED.items():
        without(owner, table, *(f"{table}_{constraint}" for constraint in constraints))
    spoil(owner, statement)
    assert {symptom.invariant for symptom in examine(owner)} == {"maker_is_not_checker"}


def signing(table: sa.Table) -> list[str]:
    """Return the columns that name members."""
    return [
        column.name for column in table.columns for key in column.foreign_keys if key.column.table.name == "members"
    ]


def test_every_table_that_two_persons_sign_has_its_rule() -> None:
    ruled = {name for approval in APPROVALS for name in re.findall(r"(\w+) x\b", approval.rows)}
    signed = {table.name for table in Base.metadata.tables.values() if len(signing(table)) > 1}
    assert signed - ruled == OTHERWISE.keys()
