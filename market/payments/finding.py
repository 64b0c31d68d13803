"""Finding: what was recorded by hand and what the supplier's own bank told may be the same money, which counts once.

It is the same when reference and amount are the same and the day nearly so; banks use references again, weeks later for
other money. What is near under the same reference and is not the same is not guessed: such a line waits for two people,
who match no more of it than is left beside what was recorded, since that may have been a part of it.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import orm

from market.banking.models import BankAccount, BankLine
from market.banking.rules import AccountPurpose, CountedByHandError, ToldByStatementError
from market.identifiers import reference_key
from market.payments import queries
from market.payments.models import Receipt, ReceiptFound
from market.payments.rules import DAYS_APART


class Found(NamedTuple):
    """Lines that tell what was recorded by hand, and lines of which that is not clear."""

    closed: set[UUID]
    unclear: set[UUID]


def receipts_told(session: orm.Session, account: BankAccount, lines: Sequence[BankLine]) -> Found:
    """Close the lines of a supplier's own account that it has recorded as receipts before the bank told them."""
    closed, unclear = set[UUID](), set[UUID]()
    told = [line for line in lines if line.bank_reference] if account.purpose is AccountPurpose.OWN else []
    keys = {reference_key(line.bank_reference) for line in told}
    for receipt in queries.recorded_by_hand(session, account, keys):
        near = [line for line in told if _is_near(line, receipt)]
        same = [line for line in near if line.amount_fen == receipt.amount_fen]
        if len(same) == 1:
            close(session, same[0], receipt)
            closed.add(same[0].id)
        else:
            unclear.update(line.id for line in near)
    return Found(closed, unclear)


def line_told(session: orm.Session, supplier_id: UUID, receipt: Receipt) -> BankLine | None:
    """Return the open line that tells a receipt which is to be recorded by hand, of its supplier's locked accounts.

    Raises `ToldByStatementError` if a line tells otherwise of its reference, or somebody has proposed what it pays.
    """
    own = queries.lines_to_match(session, supplier_id)
    told = [line for line in own if reference_key(line.bank_reference) == receipt.reference_key]
    same = [
        line
        for line in told
        if _is_near(line, receipt)
        and line.open_fen == line.amount_fen == receipt.amount_fen
        and not queries.open_proposal(session, line.id)
    ]
    if told and len(same) != 1:
        line = told[0]
        raise ToldByStatementError(
            reference=receipt.bank_reference, day=line.booked_on, amount_fen=line.amount_fen, pointer="/bank_reference"
        )
    return same[0] if same else None


def close(session: orm.Session, line: BankLine, receipt: Receipt) -> None:
    """Let a line be the word of the bank for a receipt recorded by hand: nothing of it is open any more."""
    line.open_fen, line.waiting = 0, None
    session.add(ReceiptFound(bank_line_id=line.id, receipt_id=receipt.id))


def check_counts_once(session: orm.Session, account: BankAccount, line: BankLine, amount_fen: int) -> None:
    """Raise `CountedByHandError` if with so much of a line more would count under its reference than the bank told."""
    if account.purpose is not AccountPurpose.OWN:
        return
    key = reference_key(line.bank_reference)
    for receipt in queries.recorded_by_hand(session, account, {key}):
        lines = queries.lines_about(session, account, receipt.received_on)
        near = [each for each in lines if reference_key(each.bank_reference) == key]
        if line not in near:
            continue
        told_fen = sum(each.amount_fen for each in near)
        left_fen = max(told_fen - receipt.amount_fen - queries.received_fen(session, near), 0)
        if amount_fen > left_fen:
            raise CountedByHandError(
                reference=receipt.bank_reference,
                recorded_fen=receipt.amount_fen,
                left_fen=left_fen,
                amount_fen=amount_fen,
                pointer="/orders",
            )


def _is_near(line: BankLine, receipt: Receipt) -> bool:
    """Tell whether a line has the reference of a receipt, and nearly its day."""
    days = abs((line.booked_on - receipt.received_on).days)
    return reference_key(line.bank_reference) == receipt.reference_key and days <= DAYS_APART
