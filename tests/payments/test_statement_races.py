"""Statements that are imported while others match their lines or move their orders: each line counts once."""

import pytest
import sqlalchemy as sa

from market.banking import queries as banking
from market.banking.rules import StatementTakenError
from market.db import Database
from market.payments.rules import OrderPart, ProposalEvent
from tests.racing import Act, Custody, crossings, is_sound
from tests.story import NOON


@pytest.fixture
def custody(committed_db: Database) -> Custody:
    return Custody(committed_db)


def two_import(custody: Custody) -> None:
    """Hold that of two who import a statement at once one is refused, and that its line is there once."""

    def begin() -> tuple[Act, Act]:
        content = custody.statement(10_000, custody.order()[1])
        return custody.imports(content), custody.imports(content)

    for number, crossed in enumerate(crossings(custody.db, begin, least=2), 1):
        assert {type(each) for each in crossed} == {int, StatementTakenError}
        assert custody.open_fen() == [0] * number
    is_sound(custody.db, NOON)


def test_a_statement_that_two_import_at_once_is_there_once(custody: Custody) -> None:
    two_import(custody)


def test_statements_that_two_import_without_the_lock_of_their_account_are_seen_to_collide(
    custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banking, "lock_by", lambda *_, **__: None)
    with pytest.raises(sa.exc.IntegrityError, match=r"bank_(lines|statements)_\w+_once"):
        two_import(custody)


def test_a_line_is_matched_by_hand_while_a_statement_tells_the_rest_of_its_order(custody: Custody) -> None:
    def begin() -> tuple[Act, Act]:
        order_id, remark = custody.order()
        custody.imports(custody.statement(6_000, remark))()
        rest = custody.statement(4_000, remark)

        def by_hand() -> None:
            proposal = custody.does(lambda _, bank: bank.propose(OrderPart(order_id, 6_000)))
            custody.does(lambda _, bank: bank.decide(proposal, ProposalEvent.APPROVE))

        return custody.imports(rest), by_hand

    assert list(crossings(custody.db, begin, least=2))
    assert min(custody.open_fen()) == 0
    is_sound(custody.db, NOON)
